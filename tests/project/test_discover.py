from __future__ import annotations

import os
from pathlib import Path

import pytest

from zenconv.project.discover import discover, module_name, pipeline_name

PATTERNS = ("steps_*.py",)
NORECURSE = (".*", "venv", "build")


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_files_come_before_folders_and_all_by_name(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "eu/steps_a.py",
        "steps_b.py",
        "steps_a.py",
        "as/x/steps_z.py",
        "zenconf.py",
        "eu/zenconf.py",
        "other.py",
    )
    found = discover(tmp_path, PATTERNS, NORECURSE)
    assert found.step_files == ("steps_a.py", "steps_b.py", "as/x/steps_z.py", "eu/steps_a.py")
    assert found.zenconf_files == ("zenconf.py", "eu/zenconf.py")


def test_hidden_closed_and_virtual_environment_folders_are_not_entered(tmp_path: Path) -> None:
    touch(
        tmp_path, ".git/steps_a.py", "build/steps_a.py", "env/pyvenv.cfg", "env/steps_a.py", "ok/steps_a.py"
    )
    assert discover(tmp_path, PATTERNS, NORECURSE).step_files == ("ok/steps_a.py",)


def test_a_link_to_a_folder_of_the_project_is_not_followed_again(tmp_path: Path) -> None:
    touch(tmp_path, "a/steps_a.py")
    os.symlink(tmp_path, tmp_path / "a" / "loop")
    os.symlink(tmp_path / "a", tmp_path / "b")
    assert discover(tmp_path, PATTERNS, NORECURSE).step_files == ("a/steps_a.py",)


def test_a_link_to_a_folder_elsewhere_is_followed_once(tmp_path: Path) -> None:
    touch(tmp_path, "elsewhere/steps_x.py", "root/steps_a.py")
    os.symlink(tmp_path / "elsewhere", tmp_path / "root" / "one")
    os.symlink(tmp_path / "elsewhere", tmp_path / "root" / "two")
    os.symlink(tmp_path / "elsewhere", tmp_path / "elsewhere" / "self")
    found = discover(tmp_path / "root", PATTERNS, NORECURSE).step_files
    assert found == ("steps_a.py", "one/steps_x.py")


def test_a_broken_link_is_no_reason_to_stop(tmp_path: Path) -> None:
    touch(tmp_path, "steps_a.py")
    os.symlink(tmp_path / "gone", tmp_path / "dangling")
    assert discover(tmp_path, PATTERNS, NORECURSE).step_files == ("steps_a.py",)


def test_a_name_that_cannot_be_part_of_a_node_id_is_a_problem(tmp_path: Path) -> None:
    touch(tmp_path, "steps_a::b.py")
    (problem,) = discover(tmp_path, PATTERNS, NORECURSE).problems
    assert "cannot be part of a node id" in problem.what
    assert problem.hint == "rename the file"


@pytest.mark.parametrize("target", ["steps_a.py", "gone"])
def test_a_step_file_that_is_a_link_to_nothing_is_a_problem(tmp_path: Path, target: str) -> None:
    os.symlink(target, tmp_path / "steps_a.py")
    (problem,) = discover(tmp_path, PATTERNS, NORECURSE).problems
    assert str(problem).startswith(f"steps_a.py: this link leads to nothing that exists: {target!r}")


def test_a_step_file_that_is_a_pipe_is_a_problem_and_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "steps_a.py")
    os.symlink("steps_a.py", tmp_path / "zenconf.py")
    problems = discover(tmp_path, PATTERNS, NORECURSE).problems
    assert [str(problem).partition("\n")[0] for problem in problems] == [
        "steps_a.py: this is a pipe, a socket or a device, and no file",
        "zenconf.py: this link leads to something that is no file: 'steps_a.py'",
    ]


def test_a_step_file_without_a_name_for_its_pipeline_is_a_problem(tmp_path: Path) -> None:
    touch(tmp_path, "eu/steps_.py", "eu/zenconf.py", "steps__.py")
    found = discover(tmp_path, PATTERNS, NORECURSE)
    assert [(problem.file, problem.hint) for problem in found.problems] == [("eu/steps_.py", "steps_NAME.py")]
    assert found.zenconf_files == ("eu/zenconf.py",)


def test_a_name_that_is_not_utf8_is_a_problem_shown_escaped(tmp_path: Path) -> None:
    try:
        (Path(os.fsdecode(os.fsencode(tmp_path) + b"/steps_\xff.py"))).touch()
    except OSError:
        pytest.skip("this file system accepts UTF-8 names only")
    (problem,) = discover(tmp_path, PATTERNS, NORECURSE).problems
    assert problem.file == "steps_\\udcff.py"


def test_a_very_long_name_is_found(tmp_path: Path) -> None:
    name = f"steps_{'x' * 200}.py"
    touch(tmp_path, name)
    assert discover(tmp_path, PATTERNS, NORECURSE).step_files == (name,)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_cannot_be_read_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    (warning,) = discover(tmp_path, PATTERNS, NORECURSE).warnings
    assert "cannot be read" in warning.what


def test_pipeline_and_module_names_come_from_the_path() -> None:
    assert pipeline_name("steps_training.py") == "training"
    assert pipeline_name("eu/steps_training.py") == "eu/training"
    assert module_name("eu/steps_training.py") == "eu.steps_training"
    assert module_name("v1.2/steps_a.py") == "v1%2E2.steps_a"
