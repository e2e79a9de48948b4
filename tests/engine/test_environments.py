"""What makes an environment another one, and what does not."""

from __future__ import annotations

import platform
import sys

import pytest

from zenconv.engine.environments import (
    Environment,
    Environments,
    describe_problem,
    digest_package,
    find_python,
    is_own_version,
)
from zenconv.records.marks import Requirements


@pytest.fixture
def environments(tmp_path) -> Environments:
    return Environments(tmp_path, tmp_path / "environments")


def texts(environments: Environments, *packages: str, file: str = "") -> tuple[str, ...]:
    fresh = Environments(environments.root, environments.folder)
    return fresh.find(Requirements(packages, file)).texts


def test_a_local_package_counts_by_content_wherever_it_lies(environments, tmp_path) -> None:
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "a.py").write_text("A = 1")
    first, second = texts(environments, "./one"), texts(environments, str(tmp_path / "two"))
    assert first == second
    assert texts(environments, "-e ./one") == first
    assert texts(environments, f"a @ file://{tmp_path}/one") == first
    assert texts(environments, "./one[extra]") != first
    (tmp_path / "one" / "a.py").write_text("A = 2")
    assert texts(environments, "./one") != first


def test_what_a_build_leaves_behind_does_not_count(tmp_path) -> None:
    (tmp_path / "a.py").write_text("A = 1")
    before = digest_package(tmp_path)
    for name in ("build/x", "dist/y", "a.egg-info/z", "__pycache__/a.pyc", ".git/HEAD"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("left")
    assert digest_package(tmp_path) == before


def test_remarks_and_spaces_do_not_count_and_named_files_do(environments, tmp_path) -> None:
    (tmp_path / "a.txt").write_text("pandas  >= 2 # newest\n\n-r sub/b.txt\n-c limits.txt\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.txt").write_text("numpy<3\n-r ../a.txt\n")
    (tmp_path / "limits.txt").write_text("scipy==1\n")
    before = texts(environments, file="a.txt")
    assert before == ("pandas >= 2", "numpy<3", "scipy==1")
    assert "cannot be read" in texts(environments, file="none.txt")[0]


def test_python_isolation_and_requirements_make_different_environments(environments) -> None:
    asked = [
        Requirements(("a",)),
        Requirements(("b",)),
        Requirements(("a",), is_isolated=True),
        Requirements(("a",), version=f"{sys.version_info[0]}.{sys.version_info[1]}"),
    ]
    assert len({environments.find(requirements).folder for requirements in asked}) == len(asked)
    assert environments.find(asked[0]).packages is None


def test_a_version_is_this_one_as_far_as_it_says() -> None:
    own = platform.python_version()
    assert all(is_own_version(text) for text in ("", own, own.rpartition(".")[0]))
    assert not is_own_version("3.1")
    assert find_python(own) == sys.executable
    assert find_python("3.99") == ""


def test_the_error_tells_where_it_is_asked_for_and_where_all_is_written(tmp_path) -> None:
    (tmp_path / "pip.log").write_text("much")
    requirements = Requirements(("a",), where="steps_a.py:3")
    error = describe_problem(Environment(requirements, tmp_path, ()), "no")
    assert error["message"] == "its environment cannot be made: no"
    assert error["hint"] == f"asked for at steps_a.py:3; all that was said: {tmp_path / 'pip.log'}"
