"""Project modules: which they are, and that the bytes that ran are the bytes that are kept."""

from __future__ import annotations

import importlib
import os
import sys
import zipfile
from pathlib import Path

import pytest

from zenconv.fingerprint import ProjectSources
from zenconv.fingerprint.sources import ModuleSource


def test_the_bytes_that_were_compiled_are_kept_though_the_file_changes(load_project) -> None:
    project = load_project({"steps_main.py": "import helpers\n", "helpers.py": "K = 1\n"})
    project.load()
    (project.root / "helpers.py").write_text("K = 2\n")
    assert project.sources.get("helpers").data == b"K = 1\n"
    assert [source.module for source in project.sources.modules()] == ["helpers", "steps_main"]


def test_an_edit_counts_whatever_its_modification_time_says(load_project, monkeypatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    project = load_project({"helpers.py": "K = 1\n"})
    path = project.root / "helpers.py"
    stamp = path.stat()
    assert importlib.import_module("helpers").K == 1
    path.write_text("K = 2\n")
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    del sys.modules["helpers"]
    assert importlib.import_module("helpers").K == 2
    assert not list(project.root.rglob("*.pyc"))


def test_a_file_can_be_imported_under_any_name(load_project) -> None:
    project = load_project({"2024-runs/steps main.py": "def step(): return 1\n"})
    module = project.sources.load_file("odd.name", project.root / "2024-runs/steps main.py")
    assert module.step() == 1
    assert project.sources.relative(project.sources.get("odd.name").path) == "2024-runs/steps main.py"


def test_a_module_in_an_archive_is_the_projects(load_project, monkeypatch) -> None:
    project = load_project({"steps_main.py": "import packed\n"})
    archive = project.root / "lib.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("packed.py", "K = 1\n")
    monkeypatch.syspath_prepend(str(archive))
    project.load()
    assert project.sources.get("packed").data == b"K = 1\n"


def test_a_module_that_raises_is_forgotten(load_project) -> None:
    project = load_project({"steps_main.py": "1 / 0\n"})
    with pytest.raises(ZeroDivisionError):
        project.load()
    assert "steps_main" not in sys.modules


def test_a_syntax_error_names_the_users_file(load_project) -> None:
    project = load_project({"steps_main.py": "def f(:\n"})
    with pytest.raises(SyntaxError) as caught:
        project.load()
    assert caught.value.filename == str(project.root / "steps_main.py")
    assert caught.value.lineno == 1


@pytest.mark.parametrize("folder", [".venv/lib/python3.11/site-packages", "env", "lib/dist-packages"])
def test_an_environment_inside_the_root_is_not_the_project(load_project, folder: str, monkeypatch) -> None:
    files = {
        f"{folder}/vendored_thing.py": "K = 1\n",
        "env/pyvenv.cfg": "",
        "steps_main.py": "import vendored_thing\n",
    }
    project = load_project(files)
    monkeypatch.syspath_prepend(str(project.root / folder))
    project.load()
    try:
        assert not project.sources.is_project("vendored_thing")
        assert project.sources.get("vendored_thing") is None
    finally:
        del sys.modules["vendored_thing"]


def test_an_editable_installation_elsewhere_is_project_code(
    load_project, tmp_path: Path, monkeypatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/editable_thing.py").write_text("K = 1\n")
    project = load_project({"steps_main.py": "import editable_thing\n"})
    monkeypatch.syspath_prepend(str(tmp_path / "elsewhere"))
    project.load()
    assert project.sources.is_project("editable_thing")


def test_a_folder_filled_by_pip_is_not_the_project(load_project, tmp_path: Path, monkeypatch) -> None:
    target = tmp_path / "target"
    (target / "thing-1.0.dist-info").mkdir(parents=True)
    (target / "target_thing.py").write_text("K = 1\n")
    project = load_project({"steps_main.py": "import target_thing\n"})
    monkeypatch.syspath_prepend(str(target))
    project.load()
    try:
        assert not project.sources.is_project("target_thing")
    finally:
        del sys.modules["target_thing"]


def test_a_module_another_hook_imported_is_read_from_its_file(load_project) -> None:
    project = load_project({"helpers.py": "K = 1\n"})
    project.sources.uninstall()
    importlib.import_module("helpers")
    project.sources.install()
    assert project.sources.get("helpers").data == b"K = 1\n"


@pytest.mark.parametrize("name", ["json", "attrs", "sys", "zenconv.errors", "not_imported_at_all"])
def test_what_is_installed_is_not_the_project(load_project, name: str) -> None:
    project = load_project({"steps_main.py": "import json, attrs, zenconv.errors\n"})
    project.load()
    assert not project.sources.is_project(name)


def test_installing_twice_puts_one_finder(load_project) -> None:
    project = load_project({})
    before = len(sys.meta_path)
    project.sources.install()
    assert len(sys.meta_path) == before


def test_compiled_modules_of_the_project_count_by_their_bytes(load_project, tmp_path: Path) -> None:
    import py_compile

    from zenconv.fingerprint import Fingerprinter

    digests = []
    for number in (1, 2):
        source = tmp_path / "source.py"
        source.write_text(f"def f(): return {number}\n")
        project = load_project({"steps_main.py": "import fast\ndef step(a): return fast.f()\n"})
        py_compile.compile(str(source), str(project.root / "fast.pyc"))
        fingerprint = Fingerprinter(project.sources).of_function(project.load().step)
        assert project.sources.get("fast").is_binary
        assert "binary" in {part.kind for part in fingerprint.parts}
        digests.append(fingerprint.digest)
    assert digests[0] != digests[1]


def test_a_source_in_another_encoding_is_shown_right(load_project) -> None:
    project = load_project({})
    (project.root / "steps_main.py").write_bytes(b"# -*- coding: latin-1 -*-\nK = '\xe9'\n")
    assert project.load().K == "\xe9"
    assert project.sources.get("steps_main").text(2, 2) == "K = '\xe9'"


@pytest.mark.parametrize("data", [b"", b"\n", b"a", b"a\n", b"a\r\nb\r\n\r\nc\n\n", "\ufeffé\nß".encode()])
def test_any_lines_of_a_source_are_shown_as_written(tmp_path: Path, data: bytes) -> None:
    source = ModuleSource("m", tmp_path / "m.py", data)
    lines = data.decode("utf-8-sig").replace("\r\n", "\n").split("\n")
    for first in range(1, len(lines) + 3):
        for last in range(len(lines) + 3):
            assert source.text(first, last) == "\n".join(lines[first - 1 : last])


def test_a_syntax_tree_that_was_given_back_is_made_again(load_project) -> None:
    project = load_project({"steps_main.py": "def one():\n    return 1\n"})
    module = project.load()
    source = project.sources.get("steps_main")
    before = source.index
    project.sources.forget_syntax()
    assert source.index is not before
    assert source.index.find(module.one.__code__).name == "one"


def test_displayed_paths_are_relative_to_the_root(tmp_path: Path) -> None:
    sources = ProjectSources(tmp_path)
    assert sources.relative(tmp_path / "a" / "b.py") == "a/b.py"
    assert sources.relative("/somewhere/else.py") == "/somewhere/else.py"
