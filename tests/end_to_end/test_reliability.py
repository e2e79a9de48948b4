"""Killed processes, full disks, damaged files: nothing is lost, and nothing wrong is read."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

CHAIN_LENGTH = 10
CHAIN = """
import os, time

def _note(name):
    with open(os.environ["NOTES"], "a") as stream:
        stream.write(name + " ")

def s0():
    _note("0")
    return ["x" * 3000]
""" + "".join(
    f"""
def s{i}(s{i - 1}):
    _note("{i}")
    time.sleep(0.02)
    return s{i - 1} + ["{i}" * 3000]
"""
    for i in range(1, CHAIN_LENGTH)
)


def notes(path: Path) -> list[int]:
    return [int(word) for word in path.read_text().split()] if path.exists() else []


@pytest.mark.parametrize("seed", [1, 2])
def test_a_run_killed_at_any_instant_loses_no_step_whose_dependent_has_started(project, seed: int) -> None:
    it = project({"steps_a.py": CHAIN})
    env = {"NOTES": str(it.path / "notes")}
    chance = random.Random(seed)
    for _ in range(6):
        process = it.start("run", env=env)
        time.sleep(chance.uniform(0.08, 0.4))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        statuses = [run["status"] for run in it.json("runs")["runs"]]
        assert "running" not in statuses
    it.run("run", env=env)
    order = notes(it.path / "notes")
    assert order == sorted(order), "a step was executed again after its dependent had begun"
    assert set(order) == set(range(CHAIN_LENGTH))
    it.run("run", env=env)
    assert it.executed() == []
    assert it.value(f"s{CHAIN_LENGTH - 1}") == ["x" * 3000, *(f"{i}" * 3000 for i in range(1, CHAIN_LENGTH))]
    assert all(finding["ok"] for finding in it.json("check")["findings"])


def test_eight_processes_at_once_all_succeed_and_execute_each_step_once(project) -> None:
    it = project({"steps_a.py": CHAIN})
    env = {"NOTES": str(it.path / "notes")}
    processes = [it.start("run", env=env) for _ in range(8)]
    for process in processes:
        output, errors = process.communicate(timeout=100)
        assert process.returncode == 0, output + errors
    assert notes(it.path / "notes") == list(range(CHAIN_LENGTH))
    runs = it.json("runs")["runs"]
    assert sorted(run["number"] for run in runs) == list(range(1, 9))
    assert {run["status"] for run in runs} == {"succeeded"}


# -- damaged files

VALUES = {
    "steps_a.py": """
    def raw(): return list(range(2000))
    def model(raw): return lambda x: x + len(raw)
    def total(raw, model):
        print("adding up")
        return model(sum(raw))
    def last(total): return total + 1
    """
}


def damage(path: Path, kind: str) -> None:
    data = path.read_bytes()
    path.chmod(0o644)
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "truncated":
        path.write_bytes(data[: len(data) // 2])
    elif kind == "garbage":
        path.write_bytes(random.Random(1).randbytes(max(len(data), 200)))
    elif kind == "flipped":
        changed = bytearray(data)
        for position in range(40, len(data), max(1, len(data) // 50)):
            changed[position] ^= 0x20
        path.write_bytes(bytes(changed))
    elif kind == "deleted":
        path.unlink()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for one project with two runs and an index; filled by the first who copies it."""
    return tmp_path_factory.mktemp("recorded")


@pytest.fixture
def copy(recorded: Path, project):
    """A copy of the recorded project, with the same user."""
    it = project({})
    if not (recorded / "project").exists():
        it.write(VALUES)
        it.run("run")
        it.run("run", "-k", "raw")
        it.run("runs")
        shutil.copytree(it.path, recorded / "project")
        shutil.copytree(it.home, recorded / "home")
        return it
    shutil.copytree(recorded / "project", it.path, dirs_exist_ok=True)
    shutil.copytree(recorded / "home", it.home, dirs_exist_ok=True)
    return it


KINDS = ["empty", "truncated", "garbage", "flipped", "deleted"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_index_is_told_in_one_line_and_made_again_from_the_logs(copy, kind: str) -> None:
    before = copy.json("runs")["runs"]
    for suffix in ("-wal", "-shm"):
        Path(f"{copy.path}/.zenconv/index.sqlite{suffix}").unlink(missing_ok=True)
    damage(copy.path / ".zenconv" / "index.sqlite", kind)
    result = copy.run("runs", "--json")
    assert json.loads(result.stdout)["runs"] == before
    if kind in ("empty", "truncated", "garbage"):
        assert result.stderr.count("\n") == 1
        assert "is damaged" in result.stderr
        assert "made again from the logs" in result.stderr
    assert copy.run("runs").stderr == ""
    assert copy.run("get", "total").stdout == f"{sum(range(2000)) + 2000}\n"


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_cache_costs_time_but_never_a_result(copy, kind: str) -> None:
    damage(copy.path / ".zenconv" / "store" / "actions.db", kind)
    copy.run("run")
    assert copy.value("last") == sum(range(2000)) + 2001
    copy.run("run")
    assert copy.executed() == []


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_artifacts_are_never_read_and_computed_again_when_needed(copy, kind: str) -> None:
    blobs = [path for path in (copy.path / ".zenconv/store/objects").rglob("*") if path.is_file()]
    assert blobs
    for blob in blobs:
        damage(blob, kind)
    copy.edit("steps_a.py", "return model(sum(raw))", "return model(sum(raw)) + 0")
    result = copy.run("get", "raw", check=1)
    assert "steps_a.py::raw of run" in result.stderr
    assert "hint: zenconv run steps_a.py::raw computes it again" in result.stderr
    copy.run("run", "steps_a.py::raw")
    assert copy.executed() == ["a::raw"]
    assert copy.value("raw", run="last") == list(range(2000))
    copy.run("run")
    assert copy.value("total") == sum(range(2000)) + 2000


def test_however_much_of_what_a_step_needs_is_damaged_it_is_computed_again_in_the_same_run(project) -> None:
    made = project(
        {
            "steps_a.py": """
                from pathlib import Path
                import zenconv
                from zenconv import Collect
                @zenconv.parametrize("n", range(6))
                def part(n: int) -> bytes: return bytes([n]) * 10_000
                def folder(tmp_path: Path) -> Path:
                    for n in range(6):
                        (tmp_path / str(n)).write_bytes(bytes([n]) * 20_000)
                    return tmp_path
                def total(part: Collect[bytes], folder: Path) -> int:
                    return sum(map(len, part.values())) + sum(len(p.read_bytes()) for p in folder.iterdir())
            """
        }
    )
    made.run()
    for blob in (made.path / ".zenconv/store/objects").rglob("*"):
        if blob.is_file():
            damage(blob, "flipped")
    made.edit("steps_a.py", "return sum(map", "return 0 + sum(map")
    made.run()
    assert made.value("total") == 180_000
    assert len(made.executed()) == 8
    made.run()
    assert made.executed() == []


@pytest.mark.parametrize("workers", ["0", "2"])
def test_damage_in_what_is_read_while_a_step_works_is_mended_whatever_the_step_makes_of_it(
    project, workers: str
) -> None:
    made = project(
        {
            "steps_a.py": """
                from collections.abc import Iterator
                def rows() -> Iterator[str]:
                    for number in range(20_000):
                        yield f"{number:060}"
                def live(rows):
                    return (row for row in rows)
                def count(rows) -> int:
                    return sum(1 for _ in rows)
                def careless(rows) -> int:
                    found = 0
                    try:
                        for _ in rows:
                            found += 1
                    except Exception:
                        pass
                    return found
                def through(live) -> int:
                    return sum(1 for _ in live)
            """
        }
    )
    made.run("run", "-n", workers)
    blobs = [path for path in (made.path / ".zenconv/store/objects").rglob("*") if path.is_file()]
    damage(max(blobs, key=lambda path: path.stat().st_size), "flipped")
    made.edit("steps_a.py", "found = 0", "found = 0 + 0")
    made.edit("steps_a.py", "1 for _ in rows", "1 + 0 for _ in rows")
    made.edit("steps_a.py", "1 for _ in live", "1 + 0 for _ in live")
    assert "steps_a.py::rows: its stored result was damaged" in made.run("run", "-n", workers).stderr
    assert {made.value(name) for name in ("count", "careless", "through")} == {20_000}


@pytest.mark.parametrize("kind", ["truncated", "garbage", "flipped"])
def test_a_damaged_log_is_told_and_the_rest_of_the_history_is_kept(copy, kind: str) -> None:
    log = next((copy.path / ".zenconv" / "runs").glob("1-*/events.log"))
    damage(log, kind)
    for name in ("index.sqlite", "index.sqlite-wal", "index.sqlite-shm"):
        (copy.path / ".zenconv" / name).unlink(missing_ok=True)
    runs = copy.json("runs")["runs"]
    assert [run["number"] for run in runs] == [2, 1]
    # A flipped bit costs one line: the run has an end unless that was the last one.
    assert runs[1]["status"] in ({"interrupted", "succeeded"} if kind == "flipped" else {"interrupted"})
    shown = copy.run("show", "1").stdout
    if kind != "truncated":
        assert shown.count("the log is damaged at byte") == 1
    copy.run("run")
    assert copy.executed() == [], "what was computed is still known"


def test_logs_that_were_deleted_are_told_of(copy) -> None:
    shutil.rmtree(copy.path / ".zenconv" / "runs")
    assert "no longer in the history" in copy.run("runs").stderr
    copy.run("run")
    assert copy.executed() == []


@pytest.mark.parametrize("kind", ["empty", "truncated", "garbage", "folder"])
def test_a_damaged_signing_key_is_one_line_with_the_fix(copy, kind: str) -> None:
    (key,) = copy.home.glob("*.key")
    if kind == "folder":
        key.unlink()
        key.mkdir()
    else:
        damage(key, kind)
    copy.edit("steps_a.py", "x + len(raw)", "x + len(raw) + 0")
    result = copy.run("run", check=1)
    assert str(key) in result.stderr
    assert "hint:" in result.stderr
    assert "internal error" not in result.text
    assert copy.run("get", "total").returncode == 0
    shutil.rmtree(key) if kind == "folder" else key.unlink()
    copy.run("run")


DELETED = [".zenconv", ".zenconv/store", ".zenconv/store/*", ".zenconv/runs", ".zenconv/index.sqlite"]


@pytest.mark.parametrize("deleted", DELETED)
def test_parts_of_the_state_may_vanish_during_a_run(project, deleted: str) -> None:
    it = project(
        {
            "steps_a.py": """
            import time
            def a():
                open("started", "w").close()
                time.sleep(0.4)
                return "x" * 5000
            def b(a): return a * 2
            """
        }
    )
    process = it.start("run")
    deadline = time.monotonic() + 60
    while not (it.path / "started").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    for path in it.path.glob(deleted):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    _, errors = process.communicate(timeout=60)
    assert process.returncode in (0, 1)
    if process.returncode:
        assert "cannot write" in errors
    assert "internal error" not in errors
    it.run("run")
    assert it.value("b") == "x" * 10000


# -- disks


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """An empty file system of 800 kB; skipped where it cannot be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    mount("-t", "tmpfs", "-o", "size=800k", "tmpfs", str(place))
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


def mount(*options: str) -> None:
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a file system of its own, on Linux")
    done = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mounting is not permitted here: {done.stderr.strip()}")


BIG = """
def small(): return b"x" * 200_000
def big(small): return small * 20
def after(big): return len(big)
"""


def fill(place: Path) -> None:
    """Leave no byte free."""
    with open(place / "filler", "wb", buffering=0) as filler, contextlib.suppress(OSError):
        while filler.write(bytes(1 << 12)):
            pass


def on_disk(project, place: Path, source: str):
    it = project({})
    it.path = place / "project"
    it.path.mkdir()
    it.write({"steps_a.py": source})
    return it


def test_a_full_disk_names_file_and_cause_and_the_next_run_resumes(project, small_disk: Path) -> None:
    it = on_disk(project, small_disk, BIG)
    result = it.run("run", check=1)
    assert "No space left on device" in result.stderr
    assert f"{it.path}/.zenconv/store" in result.stderr
    assert "internal error" not in result.text
    assert it.statuses()["a::small"] == "succeeded"
    for command in (["runs"], ["show"], ["steps"], ["run", "--plan"]):
        it.run(*command)
    mount("-o", "remount,size=50m", str(small_disk))
    it.run("run")
    assert it.executed() == ["a::after", "a::big"]
    assert it.value("after") == 4_000_000


def test_on_a_disk_that_is_full_to_the_last_byte_records_can_be_read(project, small_disk: Path) -> None:
    it = on_disk(project, small_disk, "def a(): return 1\n")
    it.run("run")
    fill(small_disk)
    result = it.run("run", check=1)
    assert "No space left on device" in result.stderr
    assert result.stderr.count("\n") <= 2
    assert len(it.json("runs")["runs"]) == 1
    assert it.run("get", "a").stdout == "1\n"
    for command in (["show"], ["steps"], ["run", "--plan"], ["explain"]):
        it.run(*command)
    (small_disk / "filler").unlink()
    it.run("run")
    assert it.executed() == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_a_run_whose_progress_cannot_be_written_goes_on(project) -> None:
    it = project({"steps_a.py": "def one() -> int:\n    return 1\ndef two(one) -> int:\n    return 1 / 0\n"})
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "zenconv", "run"]
        done = subprocess.run(
            command, cwd=it.path, env=it.environment(), stderr=full, stdout=full, check=False
        )
    assert done.returncode == 1
    assert it.json("show")["run"]["status"] == "failed"
    assert it.statuses() == {"a::one": "succeeded", "a::two": "failed"}


@pytest.mark.parametrize("indexed", [True, False])
def test_everything_that_reads_works_on_read_only_media(project, small_disk: Path, indexed: bool) -> None:
    it = on_disk(
        project, small_disk, 'def a():\n    print("said")\n    return 1\ndef b(a): return lambda: a\n'
    )
    it.run("run")
    if indexed:
        it.run("runs")
    mount("-o", "remount,ro", str(small_disk))
    result = it.run("run", check=1)
    assert "Read-only file system" in result.stderr
    assert result.stderr.count("\n") <= 2
    assert len(it.json("runs")["runs"]) == 1
    assert it.run("get", "a").stdout == "1\n"
    assert it.run("logs", "a").stdout == "said\n"
    assert it.plan() == {"a::a": "reuse", "a::b": "reuse"}
    for command in (
        ["show"],
        ["show", "--json"],
        ["steps"],
        ["graph"],
        ["explain"],
        ["stack"],
        ["config"],
        ["plugins"],
    ):
        it.run(*command)
    it.python("import zenconv; assert zenconv.load('b')() == 1; assert len(zenconv.runs()) == 1")


def test_a_home_that_cannot_be_written_fails_only_what_must_be_signed(project, small_disk: Path) -> None:
    it = project({"steps_a.py": "def plain(): return 1\ndef code(): return lambda: 1\n"})
    it.home = small_disk / "home"
    mount("-o", "remount,ro", str(small_disk))
    result = it.run("run", check=1)
    assert it.statuses() == {"a::plain": "succeeded", "a::code": "failed"}
    assert "cannot create the signing key" in result.stderr
    assert "hint: set ZENCONV_HOME" in result.stderr
