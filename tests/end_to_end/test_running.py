"""Running a graph: failures, selection, in-place changes, files, several at once."""

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


def test_a_mistyped_command_leaves_no_run(project) -> None:
    it = project(CHAIN)
    it.run("run")
    it.run("run", "nosuch", check=4)
    it.run("run", "-k", "nosuch", check=5)
    assert len(it.json("runs")["runs"]) == 1


def test_a_plan_names_the_root_of_a_change(project) -> None:
    it = project(
        {
            "steps_a.py": """
def a(n: int = 1) -> int:
    return n

def b(a) -> int:
    return a

def c(b) -> int:
    return b
"""
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
