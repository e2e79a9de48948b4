"""What a package records of the suites its components have passed: made by its tests, read by `plugins`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from zenconv.hooks.conformance import Conformance, read_conformance, write_conformance

TESTS = """
import pytest
from zenconv.testing.suites import ConformanceSuite

class Suite(ConformanceSuite):
    kind, package = "tracker", "thing"

    def test_one(self): pass

    @pytest.mark.parametrize("number", [1, 2])
    def test_two(self, number): pass

    def test_three(self): pass

class TestGood(Suite):
    component = "good"

    def test_three(self): pytest.skip("it has none")

class TestBad(Suite):
    component = "bad"

    def test_one(self): assert False

class TestBroken(Suite):
    component = "broken"

    @pytest.fixture(autouse=True)
    def storage(self):
        yield
        raise OSError

@pytest.mark.skip
class TestAbsent(Suite):
    component = "absent"

class TestElsewhere(Suite):
    package = ""
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "thing").mkdir()
    (tmp_path / "thing/__init__.py").write_text("x = 1\n")
    (tmp_path / "test_it.py").write_text(TESTS)
    return tmp_path / "thing"


def record(package: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "zenconv.testing.conformance", *arguments]
    command += ["-p", "no:cacheprovider", "--rootdir", str(package.parent), "--record-conformance"]
    done = subprocess.run(command, cwd=package.parent, capture_output=True, text=True, timeout=100)
    return done.stdout + done.stderr


def test_what_the_tests_of_a_package_record(package: Path) -> None:
    output = record(package)
    (good,) = read_conformance(package)
    assert (good.kind, good.id, good.suite) == ("tracker", "good", "ConformanceSuite")
    assert good.passed == ("test_one", "test_two")
    assert (good.skipped, good.is_current) == (("test_three",), True)
    assert f"conformance recorded: {package / 'conformance.json'}" in output
    assert "conformance of 'bad' is not recorded: 1 failed" in output
    assert "conformance of 'broken' is not recorded: 4 failed" in output
    assert "conformance of 'absent' is not recorded: all were skipped" in output


def test_a_part_of_a_suite_is_no_conformance(package: Path) -> None:
    output = record(package, "-k", "Good and one")
    assert "conformance of 'good' is not recorded: not run: test_three, test_two" in output
    assert not (package / "conformance.json").exists()


def test_several_processes_record_nothing(package: Path) -> None:
    pytest.importorskip("xdist")
    assert "needs all tests in one process: leave out -n" in record(package, "-n", "2")
    assert not (package / "conformance.json").exists()


def one(id: str = "a") -> Conformance:
    return Conformance("tracker", id, "Suite", "0.1", ("test_b", "test_a"))


@pytest.mark.parametrize(
    ("file", "text", "is_current"),
    [
        ("__init__.py", "x = 2\n", False),
        ("new.py", "", False),
        ("notes.txt", "of no importance", True),
        ("__init__.py", "x = 1\n", True),
    ],
)
def test_a_record_is_for_the_code_it_was_made_with(
    package: Path, file: str, text: str, is_current: bool
) -> None:
    write_conformance(package, [one()])
    (package / file).write_text(text)
    (found,) = read_conformance(package)
    assert found.is_current is is_current


def test_a_record_is_the_same_whatever_the_order_of_the_tests(package: Path) -> None:
    first = write_conformance(package, [one("a"), one("b")]).read_bytes()
    assert write_conformance(package, [one("b"), one("a")]).read_bytes() == first


@pytest.mark.parametrize("damage", [b"", b"[]", b"{}", b"\xff", b"null", b'{"format": 2}', b'{"format": 1}'])
def test_a_damaged_record_is_none(package: Path, damage: bytes) -> None:
    (package / "conformance.json").write_bytes(damage)
    assert read_conformance(package) == []


@pytest.mark.parametrize("suites", [None, 3, [3], [{}], [{"kind": "a", "id": "b"}]])
def test_a_record_with_something_else_in_it_is_none(package: Path, suites: Any) -> None:
    path = write_conformance(package, [one()])
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "suites": suites}))
    assert read_conformance(package) == []
