from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from zenconv.hooks import installed
from zenconv.hooks.installed import list_installed, user_cache_directory


def names(site: Path) -> list[str]:
    return [plugin.name for plugin in list_installed([str(site)])]


def test_entry_points_are_found_with_their_distribution(site: Path, install: Any) -> None:
    install("demo", "", version="3.2")
    (found,) = list_installed([str(site)])
    assert (found.name, found.module) == ("demo", "zenconv_demo")
    assert (found.distribution, found.version) == ("zenconv-demo", "3.2")


def test_a_second_start_scans_nothing(site: Path, install: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    install("demo", "")
    first = list_installed([str(site)])
    monkeypatch.setattr(installed, "_scan", lambda folders: pytest.fail("scanned again"))
    assert list_installed([str(site)]) == first


def test_an_installation_is_noticed(site: Path, install: Any) -> None:
    install("demo", "")
    assert names(site) == ["demo"]
    install("other", "")
    assert names(site) == ["demo", "other"]


def test_a_folder_that_has_just_changed_is_not_cached(site: Path, install: Any, home: Path) -> None:
    info = install("demo", "")
    os.utime(site)
    assert names(site) == ["demo"]
    assert not (home / "cache").exists()
    (info / "entry_points.txt").write_text("[zenconv]\nlate = zenconv_demo\n")
    assert names(site) == ["late"]


@pytest.mark.parametrize("damage", [b"", b"[]", b"{}", b"\xff", b'{"format": 1, "stamps": null}', b"null"])
def test_a_damaged_cache_is_made_again(site: Path, install: Any, home: Path, damage: bytes) -> None:
    install("demo", "")
    names(site)
    (cache,) = (home / "cache").iterdir()
    cache.write_bytes(damage)
    assert names(site) == ["demo"]
    assert json.loads(cache.read_bytes())["format"] == 1


def test_the_cache_lies_with_the_user_and_nowhere_else(
    site: Path, install: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("demo", "")
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    names(site)
    assert list(project.iterdir()) == []
    assert user_cache_directory() == tmp_path / "home/cache"


def test_a_home_that_cannot_be_written_costs_a_scan_only(
    site: Path, install: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("demo", "")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ZENCONV_HOME", str(tmp_path / "file"))
    assert names(site) == ["demo"]


def test_what_lies_in_the_current_folder_is_not_installed(
    site: Path, install: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("demo", "raise SystemExit('code of a cloned repository was run')")
    monkeypatch.chdir(site)
    assert names(site) == []
    assert list_installed(["", ".", str(site)]) == []


def test_an_installed_plugin_is_used_without_importing_the_scanner(
    site: Path, install: Any, tmp_path: Path
) -> None:
    install("demo", "")
    root = Path(installed.__file__).parents[2]
    # The checkout is taken off the import path: another test may just have written into it, and nothing
    # is remembered while a folder has just changed.
    code = (
        f"import sys, zenconv; sys.path = [p for p in sys.path if p != {str(root)!r}];"
        "from zenconv.hooks import load_plugins; p = load_plugins();"
        "print('demo' in [r.name for r in p.rows()], 'importlib_metadata' in sys.modules,"
        "'importlib.metadata' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{root}", "PYTHONDONTWRITEBYTECODE": "1"}

    def load() -> str:
        command = [sys.executable, "-c", code]
        done = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return done.stdout

    assert load().startswith("True True")
    assert load() == "True False False\n"
