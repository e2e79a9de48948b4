"""`zenconv clean` removes what nothing needs, and nothing else."""

from __future__ import annotations

import os
import shutil

import pytest

STEPS = """
    import numpy as np

    def raw(size: int = 1000) -> np.ndarray:
        return np.arange(size * 10.0)

    def total(raw: np.ndarray) -> float:
        print("adding up " * 200)
        return float(raw.sum())
"""


def objects(it) -> list[str]:
    return sorted(path.name for path in (it.path / ".zenconv" / "store" / "objects").glob("*/*"))


@pytest.fixture
def three_runs(project):
    it = project({"steps_a.py": STEPS})
    for size in (1000, 1001, 1002):
        it.run("run", "--set", f"size={size}")
    return it


def test_without_yes_nothing_is_removed(three_runs) -> None:
    before = sorted(p for p in (three_runs.path / ".zenconv").rglob("*") if "index" not in p.name)
    shown = three_runs.run("clean", "--keep-last", "1")
    assert "not among the newest 1" in shown.stdout
    assert "add --yes" in shown.stderr
    assert three_runs.json("clean", "--keep-last", "1")["dry_run"] is True
    assert sorted(p for p in (three_runs.path / ".zenconv").rglob("*") if "index" not in p.name) == before


def test_old_runs_and_the_bytes_only_they_needed_go_and_what_is_kept_is_whole(three_runs) -> None:
    data = three_runs.json("clean", "--keep-last", "1", "--yes")
    assert [run["goes"] for run in data["runs"]] == [False, True, True]
    assert data["removed"]["bytes"] > 160_000
    shown = three_runs.run("runs")
    assert [run["number"] for run in three_runs.json("runs")["runs"]] == [3]
    assert "deleted" not in shown.stderr
    assert three_runs.value("total") == sum(range(10020))
    assert "adding up" in three_runs.run("logs", "total").stdout
    three_runs.run("run", "--set", "size=1002")
    assert three_runs.executed() == []
    three_runs.run("run", "--set", "size=1000")
    assert three_runs.executed() == ["a::raw", "a::total"]
    assert len(three_runs.json("runs")["runs"]) == 3  # numbers are not given twice
    assert three_runs.json("runs")["runs"][0]["number"] == 5


def test_nothing_goes_by_default_from_a_young_project(three_runs) -> None:
    assert "nothing to remove" in three_runs.run("clean").stderr
    assert three_runs.json("clean", "--yes")["removed"]["runs"] == []


def test_the_settings_say_what_is_kept(three_runs) -> None:
    three_runs.write({"zenconv.toml": "[clean]\nkeep_last = 2\n"})
    assert [run["goes"] for run in three_runs.json("clean")["runs"]] == [False, False, True]
    three_runs.write({"zenconv.toml": '[clean]\nolder_than = "3 months"\nkep_last = 2\n'})
    text = three_runs.run("clean", check=4).text
    assert "zenconv.toml:2" in text
    assert "zenconv.toml:3" in text
    assert "'keep_last'" in text


def test_named_runs_go_even_the_newest(three_runs) -> None:
    three_runs.run("clean", "latest", "1", "--yes")
    assert [run["number"] for run in three_runs.json("runs")["runs"]] == [2]
    assert three_runs.value("total", "2") == sum(range(10010))
    assert "there is no run '3'" in three_runs.run("clean", "3", check=4).text


def test_the_failed_ones_go_but_what_the_last_one_finished_is_resumed(project) -> None:
    it = project(
        {
            "steps_a.py": """
                def slow() -> int:
                    return 7

                def wrong(slow: int) -> int:
                    raise ValueError("no")
            """
        }
    )
    it.run("run", check=1)
    it.run("run", check=1)
    data = it.json("clean", "--failed", "--yes")
    assert [(run["goes"], run["reason"]) for run in data["runs"]] == [
        (False, "the newest run of a"),
        (True, "failed"),
    ]
    it.run("run", check=1)
    assert it.statuses() == {"a::slow": "reused", "a::wrong": "failed"}


def test_what_a_run_reused_is_kept_for_it_although_the_run_that_made_it_goes(three_runs) -> None:
    three_runs.run("run", "--set", "size=1000")
    three_runs.run("clean", "1", "2", "--yes")
    assert three_runs.value("total", "4") == sum(range(10000))
    assert "adding up" in three_runs.run("logs", "4", "total").stdout
    three_runs.run("run", "--set", "size=1000")
    assert three_runs.executed() == []


def test_what_an_impure_step_made_is_kept_for_its_run(project) -> None:
    it = project(
        {
            "steps_a.py": """
                import os
                import zenconv

                @zenconv.mark.nocache
                def dice() -> bytes:
                    return os.urandom(5000)
            """
        }
    )
    it.run("run")
    it.run("run")
    first = it.value("dice", "1")
    it.run("clean", "2", "--yes")
    assert it.value("dice", "1") == first
    assert len(objects(it)) == 1


def test_quarantine_and_what_dead_writers_left_go(three_runs) -> None:
    store = three_runs.path / ".zenconv" / "store"
    (store / "quarantine").mkdir()
    (store / "quarantine" / ("ab" * 32)).write_bytes(b"rotten")
    (store / "spool" / "123-abcdef0123456789").write_bytes(b"half")
    (three_runs.path / ".zenconv" / "index.sqlite.damaged-1").write_bytes(b"damaged")
    (three_runs.path / ".zenconv" / "removed" / "1-abcdef").mkdir(parents=True)
    kinds = {found["kind"] for found in three_runs.json("clean")["leftovers"]}
    assert kinds == {"quarantine", "spool", "damaged database, kept aside", "half-removed run"}
    three_runs.run("clean", "--yes")
    assert three_runs.json("clean")["leftovers"] == []
    assert os.listdir(store / "quarantine") == os.listdir(store / "spool") == []
    assert three_runs.value("total") == sum(range(10020))


@pytest.mark.parametrize("name", ["quarantine", "spool", "objects"])
def test_nothing_is_removed_through_a_link(three_runs, tmp_path, name: str) -> None:
    store = three_runs.path / ".zenconv" / "store"
    elsewhere = tmp_path / "elsewhere"
    if name == "objects":
        shutil.move(store / name, elsewhere)
    else:
        shutil.rmtree(store / name, ignore_errors=True)
        elsewhere.mkdir()
        (elsewhere / ("ab" * 32)).write_bytes(b"mine")
        (elsewhere / "123-abcdef0123456789").write_bytes(b"mine")
    (store / name).symlink_to(elsewhere)
    before = sorted(elsewhere.rglob("*"))
    three_runs.run("clean", "--keep-last", "1", "--yes", check=False)
    assert sorted(elsewhere.rglob("*")) == before


def test_a_run_on_another_stack_is_left_alone_and_says_so(three_runs) -> None:
    three_runs.write({"zenconv.toml": '[stacks.team]\nartifact_store = {id = "local", path = "team"}\n'})
    three_runs.run("run", "--stack", "team", "--set", "size=5")
    assert "on the stack 'team'" in three_runs.run("clean", "--keep-last", "1", "-v").stdout
    assert "--stack team" in three_runs.run("clean", "4", "--yes", check=4).text
    three_runs.run("clean", "--keep-last", "1", "--yes")
    assert three_runs.value("total", "4") == sum(range(50))


def test_contradictions_are_refused(three_runs) -> None:
    assert "contradict" in three_runs.run("clean", "--yes", "--dry-run", check=4).text
    assert (
        "--older-than: 'soon' is no duration" in three_runs.run("clean", "--older-than", "soon", check=4).text
    )
    assert "--keep-last" in three_runs.run("clean", "1", "--keep-last", "2", check=4).text


def test_what_is_pinned_stays_when_its_run_goes(three_runs) -> None:
    code = """
        import zenconv
        from pathlib import Path
        from zenconv.components.sqlite_cache import SqliteActionCache
        from zenconv.stack.pins import pin
        artifact = zenconv.runs()[1]["raw"].outputs[""]
        cache = SqliteActionCache(Path(".zenconv/store/actions.db"))
        pin(cache, "model", "churn 1", [file.digest for file in artifact.files], "a test")
        cache.close()
        print(artifact.files[0].digest[3:])
    """
    digest = three_runs.python(code).stdout.strip()
    assert len(objects(three_runs)) == 4  # three arrays, and what was printed each time
    three_runs.run("clean", "1", "2", "--yes")
    assert len(objects(three_runs)) == 3
    assert digest in objects(three_runs)
    assert three_runs.value("total") == sum(range(10020))
