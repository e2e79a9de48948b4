"""Plugins that are broken, quarrel or lack something: all of it is found at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hooks.conftest import home, install, site
from zenconv.hooks.manager import BUILT_IN
from zenconv.settings.settings import PluginSettings
from zenconv.upkeep.check_plugins import check_plugins
from zenconv.upkeep.requirements import find_unmet, installed_version, read_requirement_lines

__all__ = ["home", "install", "site"]

OURS = {
    folder.name.removeprefix("zenconv-") for folder in Path(__file__).parents[2].glob("plugins/zenconv-*")
}
"""Packages of this repository, which may be installed beside it."""

OFFERS = """
from zenconv.hooks.markers import ComponentSpec, hookimpl

@hookimpl
def zenconv_components():
    return [ComponentSpec("tracker", "{id}", "nowhere:Class")]
"""


def look(*requests: str, **names) -> tuple[dict[str, str], list[str]]:
    """Return the problems by subject, and the names of the plugins that are left."""
    checked = check_plugins(requests, PluginSettings(**names))
    problems = {f.subject: f.text for f in checked.findings if f.level != "ok"}
    return problems, [row.name for row in checked.plugins.rows() if row.name not in OURS]


def test_sound_plugins_are_listed_with_their_origin(install):
    install("first", OFFERS.format(id="first"))
    checked = check_plugins([], PluginSettings())
    assert [f.level for f in checked.findings] == ["ok"]
    assert "first (zenconv-first 1.0)" in checked.findings[0].text


def test_everything_broken_is_told_at_once_and_the_sound_ones_stay(install):
    install("sound", OFFERS.format(id="sound"))
    install("cannot", "import no_such_module_anywhere")
    install("misspelt", "def zenconv_componnents():\n    return []\n")
    install("failing", "def zenconv_components():\n    raise ValueError('no')\n")
    problems, left = look()
    assert set(problems) == {"cannot", "misspelt", "failing"}
    assert "no_such_module_anywhere" in problems["cannot"]
    assert "zenconv_componnents" in problems["misspelt"]
    assert "ValueError: no" in problems["failing"]
    assert left == [*BUILT_IN, "sound"]


def test_two_that_claim_one_id_are_named_and_the_first_stays(install):
    install("alpha", OFFERS.format(id="mine"))
    install("beta", OFFERS.format(id="mine"))
    problems, left = look()
    assert "two plugins claim the tracker 'mine'" in problems["beta"]
    assert "'alpha' (zenconv-alpha 1.0)" in problems["beta"]
    assert "-p no:beta" in problems["beta"]
    assert left == [*BUILT_IN, "alpha"]


def test_one_that_claims_what_is_built_in_is_found(install):
    source = OFFERS.format(id="local").replace('"tracker"', '"artifact_store"')
    install("greedy", source)
    problems, left = look()
    assert "two plugins claim" in problems["greedy"]
    assert "greedy" not in left


def test_what_is_switched_off_is_not_looked_at(install):
    install("cannot", "import no_such_module_anywhere")
    assert look("no:cannot")[0] == {}
    assert look(disabled=("cannot",))[0] == {}


def test_a_plugin_that_is_named_and_not_there_is_found(install):
    problems, left = look(enabled=("nowhere",))
    assert "there is no plugin 'nowhere'" in problems["plugins"]
    assert left == [*BUILT_IN]


def test_unmet_requirements_of_a_plugin_are_told(install, site: Path):
    info = install("needy", OFFERS.format(id="needy"))
    with open(info / "METADATA", "a") as stream:
        stream.write(
            "Requires-Dist: attrs>=9999\nRequires-Dist: no-such-thing\nRequires-Dist: x; extra == 'y'\n"
        )
    installed_version.cache_clear()
    checked = check_plugins([], PluginSettings())
    texts = [f.text for f in checked.findings if f.level == "warning"]
    assert any("attrs>=9999 is required" in text for text in texts)
    assert any("no-such-thing is not installed" in text for text in texts)
    assert len(texts) == 2


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("attrs", []),
        ("attrs>=1", []),
        ("attrs<1", ["attrs<1 is required"]),
        ("no-such-thing>=2", ["no-such-thing>=2 is not installed"]),
        ("no-such-thing; python_version < '3'", []),
        ("this is no requirement", []),
    ],
)
def test_requirements_are_compared_with_what_is_installed(requirement: str, expected: list[str]):
    found = list(find_unmet([requirement]))
    assert len(found) == len(expected)
    assert all(text.startswith(start) for text, start in zip(found, expected, strict=True))


def test_a_requirements_file_is_read_without_what_is_for_installers_only():
    text = "# comment\n-r other.txt\n--hash=x\nattrs>=1  # why\n\n./local\ngit+https://x/y\nnumpy\n"
    assert list(read_requirement_lines(text)) == ["attrs>=1", "numpy"]
