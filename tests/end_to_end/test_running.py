"""Running a graph: failures, selection, in-place changes, fixtures, files, several at once."""

from __future__ import annotations

import json
import os
from pathlib import Path

CHAIN = {
    "steps_a.py": """
def raw(n: int = 3) -> list[int]:
    return list(range(n))

def doubled(raw) -> list[int]:
    raw.append(99)
    return [x * 2 for x in raw]

def total(raw) -> int:
    return sum(raw)
"""
}


def test_a_consumer_may_change_its_input_and_nobody_else_sees_it(project) -> None:
    it = project(CHAIN)
    it.run("run")
    assert it.value("raw") == [0, 1, 2]
    assert it.value("doubled") == [0, 2, 4, 198]
    assert it.value("total") == 3


def test_the_second_run_reuses_everything(project) -> None:
    it = project(CHAIN)
    it.run("run")
    it.run("run")
    assert it.executed() == []
    assert it.reused() == ["a::doubled", "a::raw", "a::total"]


def test_a_parameter_is_set_on_the_command_line_and_its_old_value_is_still_known(project) -> None:
    it = project(CHAIN)
    it.run("run")
    it.run("run", "--set", "n=4")
    assert it.executed() == ["a::doubled", "a::raw", "a::total"]
    assert it.reasons()["a::raw"] == "n: 3 -> 4"
    it.run("run")
    assert it.executed() == []


FAILING = {
    "steps_a.py": """
def one() -> int:
    return 1

def bad(one):
    values = {"a": 1}
    return values["b"]

def after(bad):
    return bad

def fine(one) -> int:
    return one + 1
"""
}


def test_a_failure_shows_the_users_frames_and_stops_only_what_depends_on_it(project) -> None:
    it = project(FAILING)
    result = it.run("run", check=1)
    assert it.statuses() == {
        "a::one": "succeeded",
        "a::bad": "failed",
        "a::after": "skipped",
        "a::fine": "succeeded",
    }
    assert "steps_a.py:6 in bad" in result.stderr
    assert 'return values["b"]' in result.stderr
    assert "KeyError: 'b'" in result.stderr
    assert "zenconv/" not in result.stderr


def test_x_stops_at_the_first_failure(project) -> None:
    it = project(FAILING)
    it.run("run", "-x", check=1)
    assert it.statuses()["a::fine"] == "skipped"


def test_lf_runs_only_what_failed_last(project) -> None:
    it = project(FAILING)
    it.run("run", check=1)
    it.edit("steps_a.py", '{"a": 1}', '{"b": 1}')
    it.run("run", "--lf")
    assert it.executed() == ["a::bad"]
    assert "a::fine" not in it.statuses()


def test_a_step_that_returns_nothing_while_something_asks_for_it_is_told_so(project) -> None:
    it = project({"steps_a.py": "def raw():\n    x = 1\n\ndef use(raw):\n    return raw\n"})
    result = it.run("run", check=1)
    assert "did you forget `return`?" in result.stderr
    assert "steps_a.py:1" in result.stderr


def test_none_is_a_value_where_it_is_annotated(project) -> None:
    it = project(
        {"steps_a.py": "def raw() -> None:\n    pass\n\ndef use(raw) -> str:\n    return repr(raw)\n"}
    )
    it.run("run")
    assert it.value("use") == "None"


def test_targets_and_keywords_run_only_what_is_needed(project) -> None:
    it = project(
        {
            **CHAIN,
            "steps_b.py": "def other(total) -> int:\n    return total\n\ndef alone() -> int:\n    return 1\n",
        }
    )
    it.run("run", "b::other")
    assert it.executed() == ["a::raw", "a::total", "b::other"]
    it.run("run", "-k", "alone or doubled")
    assert sorted(it.statuses()) == ["a::doubled", "a::raw", "b::alone"]
    it.run("run", "steps_b.py")
    it.run("run", "-k", "nothing_of_this_name", check=5)
    result = it.run("run", "totall", check=4)
    assert "did you mean" in result.stderr


def test_force_runs_one_step_although_nothing_changed(project) -> None:
    it = project(CHAIN)
    it.run("run")
    it.run("run", "--force", "raw")
    assert it.executed() == ["a::raw"]
    assert it.reused() == ["a::doubled", "a::total"]


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


FILE = {
    "steps_a.py": """
from pathlib import Path

def raw(csv: Path) -> str:
    return csv.read_text()

def size(raw) -> int:
    return len(raw)
""",
    "pyproject.toml": '[tool.zenconv]\nparams = {csv = "data/in.csv"}\n',
    "data/in.csv": "abc",
}


def test_an_input_file_counts_by_content(project) -> None:
    it = project(FILE)
    it.run("run")
    os.utime(it.path / "data/in.csv", (1, 1))
    it.run("run")
    assert it.executed() == []
    (it.path / "data/in.csv").write_text("xyz")
    it.run("run")
    assert it.executed() == ["a::raw", "a::size"]
    assert "in.csv" in it.reasons()["a::raw"]
    (it.path / "data/in.csv").write_text("abc")
    it.run("run")
    assert it.executed() == []


def test_equal_content_stops_the_change_early(project) -> None:
    it = project(FILE)
    it.run("run")
    (it.path / "data/in.csv").write_text("xyz")
    it.run("run")
    assert it.value("size") == 3
    it.edit("steps_a.py", "return csv.read_text()", "return csv.read_text() + ''")
    it.run("run")
    assert it.executed() == ["a::raw"]
    assert it.reused() == ["a::size"]


def test_a_file_that_changes_while_the_step_runs_is_not_cached(project) -> None:
    it = project(FILE)
    it.edit(
        "steps_a.py",
        "return csv.read_text()",
        "text = csv.read_text(); csv.write_text(text + '!'); return text",
    )
    result = it.run("run")
    assert "changed while the step ran" in result.stderr
    it.run("run")
    assert "a::raw" in it.executed()


def blobs(root: Path) -> list[Path]:
    return [p for p in (root / ".zenconv/store/objects").rglob("*") if p.is_file()]


BIG = {
    "steps_a.py": """
def raw() -> list[int]:
    return list(range(5000))

def total(raw, extra: int = 0) -> int:
    return sum(raw) + extra
"""
}


def test_a_flipped_bit_is_noticed_and_recomputed_in_the_same_run(project) -> None:
    it = project(BIG)
    it.run("run")
    (blob,) = blobs(it.path)
    data = bytearray(blob.read_bytes())
    data[100] ^= 1
    blob.chmod(0o644)
    blob.write_bytes(bytes(data))
    result = it.run("run", "--set", "extra=1")
    assert it.executed() == ["a::raw", "a::total"]
    assert "damaged" in result.stderr
    assert it.value("total") == sum(range(5000)) + 1
    it.run("run")
    assert it.executed() == []


def test_a_missing_blob_is_computed_again(project) -> None:
    it = project(BIG)
    it.run("run")
    for blob in blobs(it.path):
        blob.unlink()
    it.run("run")
    assert it.executed() == ["a::raw"]
    assert it.reasons()["a::raw"] == "its stored bytes are gone"


def test_two_runs_at_once_compute_a_step_once(project) -> None:
    it = project(
        {
            "steps_a.py": """
import os, time
def slow() -> int:
    with open("trace", "a") as stream:
        stream.write("x")
    time.sleep(1.5)
    return 1
"""
        }
    )
    processes = [it.start("run") for _ in range(3)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0]
    for process in processes:
        process.communicate()
    assert it.read("trace") == "x"
    assert len(it.json("runs")["runs"]) == 3


def test_output_belongs_to_its_step_and_stays_when_the_step_is_reused(project) -> None:
    it = project(
        {
            "steps_a.py": """
import os, sys, warnings, subprocess
def loud() -> int:
    print("to stdout")
    print("to stderr", file=sys.stderr)
    os.write(1, b"raw bytes\\n")
    subprocess.run(["echo", "from a child"])
    warnings.warn("careful")
    return 1
"""
        }
    )
    result = it.run("run")
    assert "to stdout" not in result.text
    for _ in range(2):
        text = it.run("logs", "loud").stdout
        for expected in ("to stdout", "to stderr", "raw bytes", "from a child", "careful"):
            assert expected in text
        it.run("run")
    assert "to stdout" in it.run("run", "-s", "--force", "loud").text


def test_a_secret_is_in_no_file(project) -> None:
    it = project(
        {
            "steps_a.py": """
def login(token: str, secrets) -> int:
    print("token is", token, secrets["OTHER"])
    raise RuntimeError(f"bad token {token}")
""",
            "pyproject.toml": '[tool.zenconv]\nparams = {token = "${env:TOKEN}"}\n',
        }
    )
    result = it.run("run", check=1, env={"TOKEN": "tiger-secret-1", "OTHER": "tiger-secret-2"})
    assert "tiger" not in result.text
    assert "token is *** ***" in it.run("logs", "login").stdout
    for path in it.path.rglob("*"):
        if path.is_file():
            assert b"tiger" not in path.read_bytes(), path


def test_json_of_a_run_names_it(project) -> None:
    it = project(CHAIN)
    data = json.loads(it.run("run", "--json", "-q").stdout)
    assert data["status"] == "succeeded"
    assert data["counts"] == {"succeeded": 3}
    assert data["run"].startswith("1-")


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


def test_a_mistyped_command_leaves_no_run(project) -> None:
    it = project(CHAIN)
    it.run("run")
    it.run("run", "nosuch", check=4)
    it.run("run", "-k", "nosuch", check=5)
    assert len(it.json("runs")["runs"]) == 1


def test_a_plan_names_the_root_of_a_change(project) -> None:
    it = project(
        {
            "steps_a.py": "def a(n: int = 1) -> int:\n    return n\n\ndef b(a) -> int:\n    return a\n\ndef c(b) -> int:\n    return b\n"
        }
    )
    it.run("run")
    nodes = {node["step"]: node for node in it.json("run", "--plan", "--set", "n=2")["nodes"]}
    assert nodes["a"]["reason"] == "n: 1 -> 2"
    assert nodes["c"]["reason"] == "waits for a::a (n: 1 -> 2)"
    assert [nodes[name]["action"] for name in "abc"] == ["run", "maybe", "maybe"]


DISCOVERED = {
    "steps_a.py": """
from pathlib import Path

def raw() -> str:
    return Path("data/in.txt").read_text()

def names() -> list[str]:
    return sorted(path.name for path in Path("data").glob("*.txt"))

def fixed() -> int:
    return 1
""",
    "data/in.txt": "abc",
}


def test_a_file_that_a_step_reads_without_asking_counts_from_then_on(project) -> None:
    it = project(DISCOVERED)
    result = it.run("run")
    assert "data/in.txt" in result.stderr
    it.run("run")
    assert it.executed() == []
    (it.path / "data/in.txt").write_text("xyz")
    it.run("run")
    assert it.executed() == ["a::raw"]
    assert "data/in.txt" in it.reasons()["a::raw"]
    assert it.value("raw") == "xyz"
    (it.path / "data/in.txt").write_text("abc")
    assert it.plan()["a::raw"] == "reuse"
    it.run("run")
    assert (it.executed(), it.value("raw")) == ([], "abc")
    (it.path / "data/new.txt").write_text("new")
    it.run("run")
    assert it.executed() == ["a::names"]
    assert it.value("names") == ["in.txt", "new.txt"]
