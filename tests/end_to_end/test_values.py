"""What is no ordinary value: live ones, generators, places to write, the time, paths."""

from __future__ import annotations


def test_a_live_value_is_made_again_in_each_consumer(project) -> None:
    it = project(
        {
            "steps_a.py": """
import sqlite3
def connection(rows: int = 2):
    made = sqlite3.connect(":memory:")
    made.execute("create table t (x)")
    made.executemany("insert into t values (?)", [(i,) for i in range(rows)])
    return made

def count(connection) -> int:
    return connection.execute("select count(*) from t").fetchone()[0]

def highest(connection) -> int:
    return connection.execute("select max(x) from t").fetchone()[0]
"""
        }
    )
    it.run("run")
    assert (it.value("count"), it.value("highest")) == (2, 1)
    it.run("run")
    assert it.executed() == []
    it.run("run", "--set", "rows=5")
    assert it.value("count") == 5
    it.edit("steps_a.py", "range(rows)", "range(rows + 1)")
    it.run("run")
    assert it.value("count") == 3


def test_nocache_and_now_run_every_time_and_dependents_by_content(project) -> None:
    it = project(
        {
            "steps_a.py": """
import zenconv

@zenconv.mark.nocache
def fetch() -> int:
    return 1

def moment(now) -> str:
    return now.isoformat()

def after(fetch) -> int:
    return fetch + 1
"""
        }
    )
    it.run("run")
    it.run("run")
    assert it.executed() == ["a::fetch", "a::moment"]
    assert it.reused() == ["a::after"]


STREAM = {
    "steps_a.py": """
from typing import Iterator

def items(n: int = 10000) -> Iterator[int]:
    for i in range(n):
        yield i

def squares(items) -> Iterator[int]:
    return map(lambda x: x * x, items)

def total(squares) -> int:
    return sum(squares)

def broken():
    yield 1
    raise ValueError("midway")
"""
}


def test_a_generator_is_stored_item_by_item_and_handed_on_lazily(project) -> None:
    it = project(STREAM)
    result = it.run("run", check=1)
    assert it.value("total", run="last") == sum(i * i for i in range(10000))
    assert "ValueError: midway" in result.stderr
    assert "SaveError" not in result.stderr
    it.run("run", check=1)
    assert it.executed() == ["a::broken"]


PLACE = {
    "steps_a.py": """
from pathlib import Path
from zenconv import Output

def report(text: str, page: Output[Path] = Path("out/page.html")) -> int:
    page.write_text(text)
    return len(text)
""",
    "zenconv.toml": 'params = {text = "hello"}\n',
}


def test_what_a_step_wrote_is_put_back_when_it_is_reused(project) -> None:
    it = project(PLACE)
    it.run("run")
    assert it.read("out/page.html") == "hello"
    (it.path / "out/page.html").write_text("spoilt")
    it.run("run")
    assert it.executed() == []
    assert it.read("out/page.html") == "hello"
    (it.path / "out/page.html").unlink()
    it.run("run")
    assert it.read("out/page.html") == "hello"
    it.run("run", "--set", "text=other")
    assert it.read("out/page.html") == "other"
    it.run("run")
    assert (it.executed(), it.read("out/page.html")) == ([], "hello")


def test_a_place_that_stays_empty_is_a_failure(project) -> None:
    it = project({**PLACE, "steps_a.py": PLACE["steps_a.py"].replace("page.write_text(text)", "pass")})
    assert "wrote nothing to its output 'page'" in it.run("run", check=1).stderr


def test_paths_mean_the_same_wherever_the_command_is_called(project) -> None:
    it = project(
        {
            "steps_a.py": """
from pathlib import Path

def literal() -> str:
    return Path("data/in.txt").read_text()

def given(csv: Path) -> str:
    return csv.read_text()
""",
            "zenconv.toml": 'params = {csv = "data/in.txt"}\n',
            "data/in.txt": "abc",
            "data/other.txt": "xyz",
        }
    )
    it.run("run", cwd="data")
    assert (it.value("literal"), it.value("given")) == ("abc", "abc")
    it.run("run")
    assert it.executed() == []
    it.run("run", "--set", "csv=other.txt", cwd="data")
    assert it.value("given") == "xyz"
