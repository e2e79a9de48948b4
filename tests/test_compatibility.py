"""What `docs/reference/compatibility.md` promises, as far as it can be looked up."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import zenconv
from zenconv.settings.load import KEYS

REPOSITORY = Path(__file__).resolve().parents[1]
REFERENCE = REPOSITORY / "docs" / "reference"
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))


def text_of(*names: str) -> str:
    return "\n".join((REFERENCE / f"{name}.md").read_text("utf-8") for name in names)


@pytest.mark.parametrize("name", sorted(set(zenconv.__all__) - {"__version__"}))
def test_every_public_name_is_in_the_reference(name):
    pages = text_of(*(path.stem for path in REFERENCE.glob("*.md")))
    assert re.search(rf"\b{name}\b", pages), f"zenconv.{name} is documented nowhere"


@pytest.mark.parametrize("key", KEYS)
def test_every_setting_is_in_the_reference(key):
    if key in ("models", "tune", "bundle", "promote"):
        pytest.skip(f"[tool.zenconv.{key}] is reserved, nothing reads it yet")
    pages = text_of(*(path.stem for path in REFERENCE.glob("*.md")))
    assert re.search(rf"`{key}[`.]", pages), f"the setting {key!r} is documented nowhere"


def requirements() -> list[str]:
    extras = PROJECT["project"]["optional-dependencies"].values()
    return [*PROJECT["project"]["dependencies"], *(text for extra in extras for text in extra)]


def test_no_dependency_has_an_upper_bound():
    assert [text for text in requirements() if re.search(r"<|==|~=|!=", text)] == []
    assert re.fullmatch(r">=3\.\d+", PROJECT["project"]["requires-python"])


def test_release_notes_have_a_section_for_what_is_deprecated_and_for_what_is_removed():
    kinds = [kind["directory"] for kind in PROJECT["tool"]["towncrier"]["type"]]
    assert {"deprecated", "removed"} <= set(kinds)
    fragments = [
        path.name for path in (REPOSITORY / "docs" / "changelog.d").iterdir() if path.suffix == ".md"
    ]
    assert [name for name in fragments if name.split(".")[-2] not in kinds] == []
