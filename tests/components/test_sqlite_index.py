"""The metadata index: equal to the logs, whatever happens to either."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from zenconv.components.sqlite_index import SqliteIndex
from zenconv.errors import SettingsError
from zenconv.interfaces.recording import MetadataStore
from zenconv.records import events
from zenconv.records.layout import StateFolder
from zenconv.records.log import EventLog
from zenconv.testing.logs import (
    cache_key,
    ended,
    finished,
    new_state,
    node_of,
    planned,
    reused,
    started,
    succeeded_run,
    text_artifact,
    write_run,
)

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    return new_state(tmp_path)


def fresh(state: StateFolder) -> SqliteIndex:
    index = SqliteIndex(state)
    index.refresh()
    return index


def statuses(index: SqliteIndex, run: str) -> dict[str, str]:
    return {step.step: step.status for step in index.steps(run)}


def test_it_is_a_metadata_store(state: StateFolder) -> None:
    assert isinstance(SqliteIndex(state), MetadataStore)


def test_nothing_recorded_is_nothing_written(tmp_path: Path) -> None:
    index = fresh(StateFolder(tmp_path / ".zenconv"))
    assert (index.count(), index.runs(), index.find("1"), index.steps("1-abcdef")) == (0, [], [], [])
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_what_its_events_say(state: StateFolder) -> None:
    folder = succeeded_run(state, arguments=["run", "--set", "C=1"])
    (run,) = fresh(state).runs()
    assert (run.id, run.number, run.status, run.exit_code) == (folder.id, 1, "succeeded", 0)
    assert (run.seconds, run.stack, run.pipelines) == (1.5, "local", ("training",))
    assert (run.started, run.finished) == ("2026-11-23T08:00:00.000000Z", "2026-11-23T08:00:01.500000Z")
    assert run.arguments == ("run", "--set", "C=1")
    assert run.counts == {"succeeded": 3}
    assert run.environment["git"]["dirty"] is True
    assert len(run.environment["packages"]) == 150


def test_a_step_is_what_its_events_say(state: StateFolder) -> None:
    folder = succeeded_run(state)
    step = fresh(state).steps(folder.id)[1]
    assert (step.node, step.step, step.pipeline, step.where) == (
        "steps_training.py::churn", "churn", "training", "steps_training.py:12",
    )  # fmt: skip
    assert (step.status, step.reason, step.action, step.position) == (
        "succeeded",
        "no earlier result",
        "run",
        1,
    )
    assert step.key == cache_key("churn")
    assert step.outputs == {"": text_artifact("churn")}
    assert step.output == text_artifact("hello from churn\n")
    assert step.inputs["train"]["shape"] == [100, 4]
    assert step.bindings[0]["origin"] == "pyproject.toml:4"
    assert (step.seconds, step.cpu) == (0.25, 0.2)
    assert step.started
    assert step.finished


def test_outputs_keep_their_order(state: StateFolder) -> None:
    outputs = {name: text_artifact(name).to_json() for name in ("train", "test", "a")}
    folder = write_run(
        state, [events.PlanReady([planned("split")]), finished("split", outputs=outputs)], end=ended()
    )
    assert list(fresh(state).steps(folder.id)[0].outputs) == ["train", "test", "a"]


def test_runs_come_newest_first_by_number_whatever_the_clock_says(state: StateFolder) -> None:
    for year in (2026, 2020, 2031):
        succeeded_run(state, at=f"{year}-01-01T00:00:00.000000Z")
    assert [run.number for run in fresh(state).runs()] == [3, 2, 1]


def test_runs_are_filtered_and_paged(state: StateFolder) -> None:
    succeeded_run(state)
    write_run(state, [events.ProjectFailed("steps_x.py:1: syntax error", 2)], end=ended("error", 2))
    write_run(
        state, [events.PlanReady([planned("score", file="eu/steps_scoring.py")])], end=ended("failed", 1)
    )
    index = fresh(state)
    assert [run.number for run in index.runs(statuses=["failed", "error"])] == [3, 2]
    assert [run.number for run in index.runs(pipeline="training")] == [1]
    assert [run.number for run in index.runs(limit=1, offset=1)] == [2]
    assert index.runs(limit=1, offset=1)[0].error == "steps_x.py:1: syntax error"
    assert index.runs(pipeline="train") == []
    assert index.runs(pipeline="%") == []


def test_a_run_is_found_by_number_and_by_the_beginning_of_its_id(state: StateFolder) -> None:
    ids = [succeeded_run(state, ("a",)).id for _ in range(12)]
    index = fresh(state)
    assert [run.id for run in index.find("1")] == [ids[0]]
    assert [run.id for run in index.find(ids[10][:5])] == [ids[10]]
    assert [run.id for run in index.find(ids[10])] == [ids[10]]
    for hostile in ("", "0", "99", "1-zzz", "1-", "../1", "1; DROP TABLE runs", "1' OR '1'='1"):
        assert [run.id for run in index.find(hostile)] == ([ids[0]] if hostile == "1-" else [])


def test_a_run_without_an_end_whose_process_is_gone_is_interrupted(state: StateFolder) -> None:
    happened = [
        events.PlanReady([planned(s) for s in "abc"]),
        finished("a"),
        events.StepStarted(node_of("b")),
    ]
    folder = write_run(state, happened)
    index = fresh(state)
    (run,) = index.runs()
    assert run.status == "interrupted"
    assert run.counts == {"succeeded": 1, "interrupted": 1, "skipped": 1}
    assert statuses(index, folder.id) == {"a": "succeeded", "b": "interrupted", "c": "skipped"}
    assert [s.step for s in index.steps(folder.id, statuses=["interrupted"])] == ["b"]
    assert [s.step for s in index.steps(folder.id, statuses=["skipped"])] == ["c"]
    assert index.steps(folder.id, statuses=["running"]) == []
    assert index.steps(folder.id)[1].reason == ""


def test_a_live_run_is_running_and_grows_from_refresh_to_refresh(state: StateFolder) -> None:
    folder = state.next_run()
    lock = folder.hold()
    index = SqliteIndex(state)
    with EventLog(folder.log) as log:
        log.append(started(folder))
        log.append(events.PlanReady([planned("a"), planned("b")]))
        log.append(events.StepStarted(node_of("a"), at="2026-11-23T08:00:00.100000Z"))
        index.refresh()
        assert index.runs()[0].status == "running"
        assert statuses(index, folder.id) == {"a": "running", "b": "waiting"}
        assert [s.step for s in index.steps(folder.id, statuses=["waiting"])] == ["b"]
        log.append(finished("a"))
        index.refresh()
        assert statuses(index, folder.id) == {"a": "succeeded", "b": "waiting"}
        assert index.steps(folder.id)[0].started == "2026-11-23T08:00:00.100000Z"
    lock.close()
    index.refresh()
    assert index.runs()[0].status == "interrupted"
    assert statuses(index, folder.id) == {"a": "succeeded", "b": "skipped"}


_RUNNER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from zenconv.testing.logs import *
state = StateFolder(Path(sys.argv[1]))
folder = state.next_run()
lock = folder.hold()
log = EventLog(folder.log)
log.append(started(folder))
log.append(events.PlanReady([planned("a")]))
log.append(events.StepStarted(node_of("a")))
print("running", flush=True)
time.sleep(60)
"""


def test_a_killed_process_leaves_an_interrupted_run_at_once(state: StateFolder) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _RUNNER, str(state.path), str(REPOSITORY)], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"running\n"
    index = fresh(state)
    assert index.runs()[0].status == "running"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    index.refresh()
    assert index.runs()[0].status == "interrupted"
    assert fresh(state).steps(index.runs()[0].id)[0].status == "interrupted"


def test_a_run_that_has_not_begun_its_log_is_no_run_yet(state: StateFolder) -> None:
    folder = state.next_run()
    index = fresh(state)
    assert index.count() == 0
    with EventLog(folder.log) as log:
        log.append(started(folder))
        log.append(ended())
    index.refresh()
    assert index.count() == 1


def test_a_reused_step_has_its_results_and_the_parts_of_its_key(state: StateFolder) -> None:
    succeeded_run(state, ("raw",))
    folder = write_run(
        state, [events.PlanReady([planned("raw")]), events.StepsReused([reused("raw")])], end=ended()
    )
    index = fresh(state)
    (step,) = index.steps(folder.id)
    assert (step.status, step.seconds, step.outputs) == ("reused", 0.0, {"": text_artifact("raw")})
    assert index.key_parts([step.key])[step.key].parts == {"code raw": "b3:raw", "parameter C": "float 0.1"}


def test_sources_told_once_in_a_run_are_found_for_every_step(state: StateFolder) -> None:
    parts = {"code helper": "b3:h"}
    first = finished("a", parts=parts, sources={"code helper": ["h.py:1", "def helper(): ..."]})
    second = finished("b", parts=parts, sources={})
    write_run(state, [events.PlanReady([planned("a"), planned("b")]), first, second], end=ended())
    found = fresh(state).key_parts([cache_key("b"), cache_key("nobody")])
    assert dict(found[cache_key("b")].sources) == {"code helper": ("h.py:1", "def helper(): ...")}
    assert list(found) == [cache_key("b")]


def test_the_last_key_is_that_of_the_newest_result(state: StateFolder) -> None:
    plan = events.PlanReady([planned("a")])
    write_run(state, [plan, finished("a", key=cache_key(1))], end=ended())
    write_run(state, [plan, finished("a", key=cache_key(2))], end=ended())
    write_run(state, [plan, finished("a", key=cache_key(3), status="failed")], end=ended("failed", 1))
    index = fresh(state)
    assert index.last_keys([node_of("a"), node_of("b")]) == {node_of("a"): cache_key(2)}
    assert [(s.number, s.status) for s in index.history(node_of("a"))] == [
        (3, "failed"), (2, "succeeded"), (1, "succeeded"),
    ]  # fmt: skip
    assert [s.number for s in index.history(node_of("a"), statuses=["succeeded"], limit=1)] == [2]


def test_after_a_crash_a_second_plan_does_not_rewrite_what_happened(state: StateFolder) -> None:
    crash = {"type": "Crash", "message": "killed", "frames": []}
    happened: list[Any] = [
        events.PlanReady([planned("a"), planned("b", reason="code b changed"), planned("c")]),
        events.StepStarted(node_of("a")),
        finished("a"),
        events.StepStarted(node_of("b")),
        events.RunnerDied("killed by SIGKILL", node_of("b")),
        finished("b", status="failed", error=crash, outputs={}),
        events.PlanReady([planned("a", action="reuse"), planned("b", action="skip"), planned("c")]),
        events.StepsReused([reused("a")]),
        finished("c"),
    ]
    folder = write_run(state, happened, end=ended("failed", 1))
    index = fresh(state)
    assert statuses(index, folder.id) == {"a": "succeeded", "b": "failed", "c": "succeeded"}
    assert [step.planned for step in index.steps(folder.id)][1] == "code b changed"


def test_a_crash_of_runner_and_supervisor_blames_the_step_that_ran(state: StateFolder) -> None:
    happened = [events.PlanReady([planned("a")]), events.StepStarted(node_of("a"))]
    folder = write_run(state, [*happened, events.RunnerDied("killed by SIGSEGV", node_of("a"))])
    (step,) = fresh(state).steps(folder.id)
    assert step.status == "failed"
    assert step.error is not None
    assert "SIGSEGV" in step.error["message"]


def test_a_step_that_was_reused_and_repaired_counts_as_executed(state: StateFolder) -> None:
    happened = [events.PlanReady([planned("a")]), events.StepsReused([reused("a")]), finished("a")]
    folder = write_run(state, happened, end=ended())
    assert statuses(fresh(state), folder.id) == {"a": "succeeded"}


def test_a_torn_last_line_is_ignored(state: StateFolder) -> None:
    folder = succeeded_run(state)
    os.truncate(folder.log, folder.log.stat().st_size - 5)
    index = fresh(state)
    assert index.runs()[0].status == "interrupted"
    assert index.runs()[0].counts == {"succeeded": 3}
    index.refresh()
    assert index.notices == []


def test_a_damaged_line_costs_what_it_said_and_is_noted_in_the_run(state: StateFolder) -> None:
    folder = succeeded_run(state)
    lines = folder.log.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b"metrics", b"metrixx")  # the plan
    folder.log.write_bytes(b"".join(lines))
    index = fresh(state)
    (run,) = index.runs()
    assert "the log is damaged at byte" in run.notices[0][1]
    assert statuses(index, folder.id) == dict.fromkeys(("raw", "churn", "metrics"), "succeeded")
    assert run.pipelines == ("training",)


def test_an_event_of_an_unexpected_form_does_not_hide_the_others(state: StateFolder) -> None:
    happened = [events.PlanReady([{"oops": 1}]), events.StepsReused(["x"]), finished("a")]  # type: ignore[list-item]
    folder = write_run(state, happened, end=ended())
    index = fresh(state)
    assert statuses(index, folder.id) == {"a": "succeeded"}
    ((_, text),) = index.runs()[0].notices
    assert "and 1 more place; what it said there is lost" in text


def test_hostile_names_come_back_as_they_are(state: StateFolder) -> None:
    names = [
        "<script>alert(1)</script>",
        "\x1b[31mred\x1b[0m",
        "../../etc/passwd",
        "a\nb",
        "\ud800",
        "';--",
        "",
    ]
    folder = write_run(
        state, [events.PlanReady([planned(n) for n in names]), *map(finished, names)], end=ended()
    )
    index = fresh(state)
    assert [step.step for step in index.steps(folder.id)] == names
    assert index.steps(folder.id, node=node_of("';--"))[0].status == "succeeded"


def test_a_second_refresh_reads_no_log(state: StateFolder) -> None:
    folder = succeeded_run(state)
    index = fresh(state)
    folder.log.write_bytes(b"changed behind our back")
    index.refresh()
    assert index.runs()[0].status == "succeeded"


def test_a_deleted_run_leaves_the_history_with_a_word(state: StateFolder) -> None:
    import shutil

    kept, gone = succeeded_run(state), succeeded_run(state)
    index = fresh(state)
    shutil.rmtree(gone.path)
    index.refresh()
    assert [run.id for run in index.runs()] == [kept.id]
    assert index.notices == [f"no longer in the history, because the logs were deleted: {gone.id}"]


def _work(path: Path, count: int) -> int:
    state = StateFolder(path)
    index = SqliteIndex(state)
    for _ in range(count):
        succeeded_run(state)
        index.refresh()
        assert all(len(index.steps(run.id)) == 3 for run in index.runs(limit=3) if run.is_over)
    index.close()
    return count


def test_processes_may_write_and_read_at_once(state: StateFolder) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert pool.starmap(_work, [(state.path, 10)] * 3) == [10, 10, 10]
    index = fresh(state)
    assert index.count() == 30
    assert index.notices == []
    assert {run.status for run in index.runs()} == {"succeeded"}


def test_ten_thousand_final_runs_cost_little(state: StateFolder) -> None:
    template = succeeded_run(state, ("a",)).log.read_bytes()
    import shutil

    shutil.rmtree(next(state.runs.iterdir()))
    for number in range(1, 3001):
        folder = state.runs / f"{number}-{number:06x}"
        folder.mkdir()
        (folder / "events.log").write_bytes(template)
    fresh(state).close()
    index = SqliteIndex(state)
    before = time.process_time()
    index.refresh()
    assert index.count() == 3000
    assert time.process_time() - before < 0.1


def test_options_are_checked(tmp_path: Path) -> None:
    index = SqliteIndex.from_options(
        {"id": "sqlite", "path": "x.db"}, root=tmp_path, state=tmp_path / ".zenconv"
    )
    assert index.path == tmp_path / "x.db"
    with pytest.raises(SettingsError, match="unknown option 'pth'"):
        SqliteIndex.from_options({"pth": "x"}, root=tmp_path, state=tmp_path)
