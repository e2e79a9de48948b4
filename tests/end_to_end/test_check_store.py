"""`zenconv check` on what is stored and recorded: it finds damage, and `--fix` mends it and says so."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

STEPS = """
    import numpy as np

    def raw(size: int = 1000) -> np.ndarray:
        return np.arange(size * 10.0)

    def total(raw: np.ndarray) -> float:
        return float(raw.sum())
"""


@pytest.fixture
def it(project):
    made = project({"steps_a.py": STEPS})
    made.run("run")
    return made


def findings(it, *args: str, level: str, check: int | bool = True) -> dict[str, str]:
    data = it.json("check", *args, check=check)
    return {f["subject"]: f["text"] for f in data["findings"] if f["level"] == level}


def only_blob(it) -> Path:
    (path,) = (it.path / ".zenconv" / "store" / "objects").glob("*/*")
    return path


def test_a_flipped_bit_in_a_result_is_found_named_and_mended(it) -> None:
    blob = only_blob(it)
    data = bytearray(blob.read_bytes())
    data[500] ^= 4
    blob.chmod(0o644)
    blob.write_bytes(data)
    assert "of steps_a.py::raw in run 1 are damaged" in findings(it, level="error", check=1)["stored files"]
    fixed = findings(it, "--fix", level="fixed")
    assert "quarantine" in fixed["stored files"]
    assert "forgotten" in fixed["cached results"]
    assert findings(it, level="error") == {}
    it.run("run")
    assert it.executed() == ["a::raw"]
    assert it.value("total") == sum(range(10000))


def test_results_that_are_gone_are_told_with_their_run(it) -> None:
    only_blob(it).unlink()
    warnings = findings(it, level="warning")
    assert "steps_a.py::raw" in warnings["results"]
    assert "1 cached result" in warnings["cached results"]


def test_what_dead_processes_left_is_removed_by_fix_and_what_living_ones_use_is_not(it) -> None:
    state = it.path / ".zenconv"
    (state / "store" / "spool" / "999999-abcdef0123456789").write_bytes(b"half")
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import fcntl, sys, time\n"
            "f = open(sys.argv[1], 'wb'); fcntl.flock(f, fcntl.LOCK_EX); f.write(b'x'); f.flush()\n"
            "print('held', flush=True); time.sleep(600)",
            str(state / "store" / "spool" / "1-abcdef0123456789"),
        ],
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert "1 file" in findings(it, level="warning")["leftovers"]
        assert "removed" in findings(it, "--fix", level="fixed")["leftovers"]
        assert os.listdir(state / "store" / "spool") == ["1-abcdef0123456789"]
    finally:
        holder.kill()
        holder.wait()


def test_an_index_that_says_otherwise_than_the_logs_is_found_and_made_again(it) -> None:
    import sqlite3

    from zenconv.components.index_rows import seal

    it.run("runs")
    with sqlite3.connect(it.path / ".zenconv" / "index.sqlite") as connection:
        row = list(connection.execute("SELECT * FROM step_runs WHERE seconds > 0").fetchone())
        row[7] = 1e6
        connection.execute("INSERT OR REPLACE INTO step_runs VALUES (?,?,?,?,?,?,?,?,?,?,?)", seal(*row[:-1]))
    connection.close()
    assert "says otherwise than the log" in findings(it, level="error", check=1)["records"]
    assert "made again from the logs of 1 run" in findings(it, "--fix", level="fixed")["records"]
    assert findings(it, level="error") == {}


def test_a_damaged_log_is_told(it) -> None:
    (log,) = (it.path / ".zenconv" / "runs").glob("*/events.log")
    data = bytearray(log.read_bytes())
    data[len(data) // 2] ^= 1
    log.write_bytes(data)
    (it.path / ".zenconv" / "index.sqlite").unlink(missing_ok=True)
    assert "damaged at byte" in findings(it, "--deep", level="warning")["records"]


def test_it_changes_nothing_that_counts_without_fix(it) -> None:
    it.run("check")
    state = it.path / ".zenconv"
    (state / "store" / "spool" / "999999-abcdef0123456789").write_bytes(b"half")

    def content() -> dict[str, bytes]:
        files = (p for p in state.rglob("*") if p.is_file() and "actions.db" not in p.name)
        return {str(p): p.read_bytes() for p in files}

    before = content()
    it.run("check", "--deep")
    assert content() == before


def test_where_nothing_can_be_written_it_tells_that_and_everything_else(it) -> None:
    it.run("runs")
    state = it.path / ".zenconv"
    shutil.rmtree(state / "store" / "spool")
    (state / "store" / "spool").write_bytes(b"")  # works for root too, unlike permissions
    for lock in (state / "index.sqlite.lock", state / "store" / "actions.db.lock"):
        lock.unlink(missing_ok=True)
        lock.mkdir()
    result = it.run("check", check=1)
    assert "Traceback" not in result.stderr
    assert "cannot write" in result.stdout
    assert "records: 1 run" in result.stdout
    assert "2 steps in 1 pipeline" in result.stdout
    assert "1 file, 0.1 MB; all read, 1 sound" in result.stdout


def test_beside_a_running_run_nothing_is_disturbed(project) -> None:
    it = project(
        {
            "steps_a.py": """
                import pathlib, time
                import numpy as np

                def raw() -> np.ndarray:
                    return np.arange(1000.0)

                def slow(raw) -> float:
                    pathlib.Path("begun").touch()
                    while not pathlib.Path("go").exists():
                        time.sleep(0.01)
                    return float(raw.sum())
            """
        }
    )
    running = it.start("run")
    while not (it.path / "begun").exists():
        assert running.poll() is None
    assert it.json("check", "--deep", "--fix")["errors"] == 0
    (it.path / "go").touch()
    out, err = running.communicate(timeout=60)
    assert running.returncode == 0, out + err
    assert it.json("check", "--deep")["warnings"] == 0
    assert it.value("slow") == 499500.0
