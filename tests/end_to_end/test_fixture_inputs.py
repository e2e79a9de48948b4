"""Files that fixtures read: they count for every step that uses the fixture, whoever came first."""

from __future__ import annotations

import pytest

READING = """
import json
import zenconv

@zenconv.fixture(scope="{scope}", key={key})
def config():
    with open("config.json") as stream:
        return json.load(stream)

@zenconv.fixture(scope="{scope}")
def wrapped(config):
    return config

def one(wrapped) -> int: return wrapped["n"]
def two(wrapped) -> int: return wrapped["n"] + 1
def three() -> int: return 3
"""


def reading(scope: str, key: bool = True) -> dict[str, str]:
    return {
        "steps_a.py": READING.replace("{scope}", scope).replace("{key}", str(key)),
        "config.json": '{"n": 1}',
    }


@pytest.mark.parametrize("workers", ["0", "1"])
@pytest.mark.parametrize("scope", ["step", "pipeline", "run"])
def test_a_file_that_a_fixture_reads_counts_for_every_step_that_uses_it(project, scope, workers) -> None:
    it = project(reading(scope))
    it.run("run", "-n", workers)
    it.run("run", "-n", workers)
    assert it.executed() == []
    it.write({"config.json": '{"n": 5}'})
    assert it.plan() == {"a::one": "run", "a::two": "run", "a::three": "reuse"}
    it.run("run", "-n", workers)
    assert it.executed() == ["a::one", "a::two"]
    assert (it.value("one"), it.value("two")) == (5, 6)
    assert "config.json changed" in it.reasons()["a::two"]


@pytest.mark.parametrize("scope", ["step", "run"])
def test_a_file_that_a_fixture_out_of_the_key_reads_does_not_count(project, scope) -> None:
    it = project(reading(scope, key=False))
    it.run("run")
    it.write({"config.json": '{"n": 5}'})
    it.run("run")
    assert it.executed() == []


def test_a_file_that_is_only_named_in_the_code_of_a_fixture_counts(project) -> None:
    it = project(
        {
            "steps_a.py": """
            import sqlite3
            import zenconv

            @zenconv.fixture
            def table_name():
                return "data.bin"

            def one(table_name) -> int:
                import os
                return os.stat(table_name).st_size
            """,
            "data.bin": "abc",
        }
    )
    it.run("run")
    it.write({"data.bin": "abcdef"})
    it.run("run")
    assert it.executed() == ["a::one"]
    assert it.value("one") == 6


def test_a_step_that_is_tried_again_tries_a_failed_fixture_again(project) -> None:
    it = project(
        {
            "steps_a.py": """
            import zenconv

            @zenconv.fixture(scope="run")
            def db():
                with open("tries", "a") as stream:
                    stream.write("x")
                with open("tries") as stream:
                    if len(stream.read()) < 3:
                        raise ConnectionError("not yet")
                return 1

            @zenconv.mark.retry(3, on=ConnectionError)
            def one(db) -> int: return db

            def two(one, db) -> int: return db
            """
        }
    )
    it.run("run")
    assert it.read("tries") == "xxx"
    assert it.value("two") == 1
