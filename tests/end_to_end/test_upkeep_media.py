"""`check`, `clean` and `cache` on a disk that is full or cannot be written."""

from __future__ import annotations

from pathlib import Path

from tests.end_to_end.test_reliability import fill, mount, on_disk, small_disk

__all__ = ["small_disk"]

STEPS = """
import os
def raw(n: int = 1): return bytes([n]) * 60_000
def total(raw): return len(raw)
"""


def test_a_full_disk_can_be_cleaned(project, small_disk: Path) -> None:
    it = on_disk(project, small_disk, STEPS)
    for number in range(1, 5):
        it.run("run", "--set", f"n={number}")
    fill(small_disk)
    removed = it.json("clean", "--keep-last", "1", "--yes")["removed"]
    assert len(removed["runs"]) == 3
    assert removed["bytes"] > 180_000
    assert [run["number"] for run in it.json("runs")["runs"]] == [4]
    assert it.value("raw") is not None
    it.run("run", "--set", "n=4")
    assert it.executed() == []
    it.run("run", "--set", "n=1")
    assert it.executed() == ["a::raw"]  # the other is known still: the cache had no room to forget it
    assert it.value("raw") == "b'" + "\\x01" * 60_000 + "'"


def test_on_a_disk_that_cannot_be_written_each_says_so_and_tells_what_it_can(
    project, small_disk: Path, tmp_path: Path
) -> None:
    it = on_disk(project, small_disk, STEPS)
    for number in (1, 2):
        it.run("run", "--set", f"n={number}")
    mount("-o", "remount,ro", str(small_disk))
    assert "not among the newest 1" in it.run("clean", "--keep-last", "1").stdout
    assert "Read-only file system" in it.run("clean", "--keep-last", "1", "--yes", check=1).stderr
    assert len(it.json("cache")["results"]) == 4
    assert it.json("cache", "push", f"file://{tmp_path}/shared")["results"] == 4
    for fix in ([], ["--fix"]):
        findings = it.json("check", *fix, check=1)["findings"]
        errors = " ".join(f["text"] for f in findings if f["level"] == "error")
        assert "Read-only file system" in errors
        assert ("nothing can be mended" in errors) == bool(fix)
        assert not any(f["level"] == "fixed" for f in findings)
        assert "2 runs" in {f["text"] for f in findings if f["subject"] == "records"}
