"""A witness holds while the same files would be imported with the same content, and no longer."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zenconv.fingerprint.sources import ProjectSources
from zenconv.project.witnesses import Surroundings, describe_settings, holds, take_witness

FILES = {
    "steps_a.py": """
        import lib.inner
        try:
            import fast_a
        except ImportError:
            pass
        def a(): return 1
        """,
    "lib/__init__.py": "",
    "lib/inner.py": "X = 1\n",
    "data/x.csv": "1",
}


def surroundings(opened: Any) -> Surroundings:
    return Surroundings(opened.settings, ProjectSources(opened.settings.root))


@pytest.fixture
def witnessed(project: Any) -> tuple[Any, dict[str, Any]]:
    opened = project(FILES)
    opened.graph
    witness = json.loads(json.dumps(take_witness(opened.before, opened.sources.sought)))
    return opened, witness


def test_a_witness_holds_while_nothing_changes(witnessed: Any) -> None:
    opened, witness = witnessed
    assert holds(witness, surroundings(opened))


def test_what_no_import_looks_for_does_not_matter(witnessed: Any, tmp_path: Path) -> None:
    opened, witness = witnessed
    (tmp_path / "outputs").mkdir()
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "data" / "y.csv").write_text("x")
    assert holds(witness, surroundings(opened))


CHANGES: dict[str, Callable[[Path], object]] = {
    "a module": lambda root: (root / "lib" / "inner.py").write_text("X = 2\n"),
    "a module is gone": lambda root: (root / "lib" / "inner.py").unlink(),
    "a new module at the root": lambda root: (root / "json.py").write_text(""),
    "a sought module appears": lambda root: (root / "fast_a.py").write_text(""),
    "a sought folder appears": lambda root: (root / "fast_a").mkdir(),
    "a new module in a package": lambda root: (root / "lib" / "other.py").write_text(""),
    "a new package": lambda root: [(root / "more").mkdir(), (root / "more" / "__init__.py").write_text("")],
    "a step file": lambda root: (root / "data" / "steps_b.py").write_text("def b(): return 1\n"),
    "a zenconf": lambda root: (root / "data" / "zenconf.py").write_text("def b(): return 1\n"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_witness_ends_with_a_change(witnessed: Any, tmp_path: Path, change: str) -> None:
    opened, witness = witnessed
    CHANGES[change](tmp_path)
    assert not holds(witness, surroundings(opened))


def test_a_change_of_time_alone_is_none(witnessed: Any, tmp_path: Path) -> None:
    opened, witness = witnessed
    os.utime(tmp_path / "lib" / "inner.py", (1, 1))
    assert holds(witness, surroundings(opened))


def test_an_edit_that_keeps_size_and_time_is_seen(witnessed: Any, tmp_path: Path) -> None:
    opened, witness = witnessed
    file = tmp_path / "lib" / "inner.py"
    status = file.stat()
    file.write_text("X = 7\n")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert not holds(witness, surroundings(opened))


def test_a_file_that_appears_during_the_import_is_not_witnessed(project: Any, tmp_path: Path) -> None:
    opened = project(FILES)
    opened.graph
    (tmp_path / "fast_a.py").write_text("")
    witness = take_witness(opened.before, opened.sources.sought)
    assert not holds(witness, surroundings(opened))


def test_another_import_path_ends_a_witness(witnessed: Any, tmp_path: Path, monkeypatch: Any) -> None:
    opened, witness = witnessed
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "data")])
    assert not holds(witness, surroundings(opened))


def test_settings_that_collecting_reads_count(project: Any) -> None:
    plain = describe_settings(project(FILES).settings)
    assert describe_settings(project(FILES).settings) == plain
    assert describe_settings(project(FILES, ("c=1",)).settings) != plain
    assert describe_settings(project(FILES, ZENCONV_PARAMS__C="1").settings) != plain
    assert describe_settings(project({"zenconv.toml": "seed = 3\n"}).settings) != plain


def test_an_earlier_witness_is_stood_for_too(witnessed: Any, tmp_path: Path) -> None:
    opened, witness = witnessed
    older = {**witness, "modules": {**witness["modules"], str(tmp_path / "data" / "x.csv"): "b3:00"}}
    merged = take_witness(opened.before, (), older)
    assert str(tmp_path / "data" / "x.csv") in merged["modules"]
    assert not holds(merged, surroundings(opened))
