"""Fixtures: how long they live, what they count for, and what becomes of a failure."""

from __future__ import annotations

FIXTURES = {
    "zenconf.py": """
import pathlib
import zenconv

def note(text):
    with open("trace", "a") as stream:
        stream.write(text + "\\n")

@zenconv.fixture(scope="run")
def database():
    note("database up")
    yield {"rows": 3}
    note("database down")

@zenconv.fixture(scope="pipeline")
def session(database):
    note("session up")
    yield database
    note("session down")

@zenconv.fixture
def cursor(session):
    note("cursor up")
    yield session
    note("cursor down")
""",
    "steps_a.py": """
def one(cursor) -> int:
    return cursor["rows"]

def two(cursor, one) -> int:
    return one + 1
""",
    "steps_b.py": """
def three(cursor) -> int:
    raise ValueError("no")
""",
}


def test_fixtures_live_as_long_as_their_scope_and_end_in_reverse(project) -> None:
    it = project(FIXTURES)
    it.run("run", check=1)
    assert it.read("trace").split("\n")[:-1] == [
        "database up",
        "session up",
        "cursor up",
        "cursor down",
        "cursor up",
        "cursor down",
        "session down",
        "session up",
        "cursor up",
        "cursor down",
        "session down",
        "database down",
    ]


def test_a_fixture_is_part_of_the_key(project) -> None:
    it = project(FIXTURES)
    it.run("run", "a")
    it.edit("zenconf.py", '{"rows": 3}', '{"rows": 4}')
    it.run("run", "a")
    assert it.executed() == ["a::one", "a::two"]
    assert it.value("two") == 5


BROKEN_FIXTURE = {
    "steps_a.py": """
import os
import zenconv

@zenconv.fixture(scope="run")
def db():
    if os.path.exists("down"):
        raise ConnectionError("the database is down")
    return {"rows": 2}

def one(db) -> int:
    return len(db or {})

def two(db) -> int:
    return len(db or {})
"""
}


def test_a_fixture_that_failed_fails_everyone_who_asks_for_it(project) -> None:
    it = project({**BROKEN_FIXTURE, "down": ""})
    result = it.run("run", check=1)
    assert it.statuses() == {"a::one": "failed", "a::two": "failed"}
    assert result.stderr.count("ConnectionError: the database is down") == 2
    assert "fixture 'db' (steps_a.py:5) failed" in result.stderr
    (it.path / "down").unlink()
    it.run("run")
    assert (it.value("one"), it.value("two")) == (1, 1)


def test_a_failing_teardown_names_its_fixture(project) -> None:
    it = project(
        {
            "steps_a.py": """
import zenconv

@zenconv.fixture(scope="run")
def db():
    yield 1
    raise ValueError("cannot close")

def one(db) -> int:
    return db
"""
        }
    )
    result = it.run("run")
    assert "fixture 'db' (steps_a.py:4)" in result.stderr
    assert "cannot close" in result.stderr
