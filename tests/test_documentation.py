"""Every example of README and docs runs, and prints what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.documentation import Reader, compare, needs_fresh_environment, read_pieces

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?://|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")


def name_of(page: Path) -> str:
    return str(page.relative_to(REPOSITORY))


@pytest.mark.parametrize(
    "page", [p for p in PAGES if read_pieces(p) and not needs_fresh_environment(p)], ids=name_of
)
def test_the_examples_run_and_print_what_the_page_says(page, tmp_path):
    if "example_project" in page.read_text("utf-8"):
        pytest.importorskip("sklearn")
        pytest.importorskip("pyarrow")
    reader = Reader(page, tmp_path)
    for piece in read_pieces(page):
        reader.do(piece)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page):
    dead = [link for link in LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()]
    assert dead == []


def test_an_untrue_page_is_noticed():
    assert compare(["1 ran in 0.2 s"], "1 ran in 3.1 s\n") == ""
    assert compare(["1 ran in 0.2 s"], "2 ran in 0.2 s\n") != ""
    assert compare(["first", "...", "last"], "first\na\nb\nlast\n") == ""
    assert compare(["first", "...", "last"], "first\na\nb\n") != ""


def test_the_header_of_a_run_may_be_left_out_but_not_be_wrong():
    printed = "zenconv 3.2.1 -- Python 3.14.0, root /tmp/x, stack local\n1 ran in 3.1 s\n"
    header = "zenconv 0.1.0 -- Python 3.12.4, root /home/you/votes, stack local"
    assert compare(["1 ran in 0.2 s"], printed) == ""
    assert compare([header, "1 ran in 0.2 s"], printed) == ""
    assert compare([header.replace("local", "team"), "1 ran in 0.2 s"], printed) != ""
    assert compare([header, "1 ran in 0.2 s"], "1 ran in 3.1 s\n") != ""
