"""The conformance suite of metadata stores: subclass it, give the fixture `open_store`, run pytest.

::

    class TestMine(MetadataStoreSuite):
        @pytest.fixture
        def open_store(self, tmp_path):
            return lambda state: MyStore(state, str(tmp_path / "mine"))

`open_store` makes a new object for the runs in a state folder; what an earlier one for that folder
has taken in is there. The logs are written as the engine writes them (`zenconv.testing.logs`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest

from zenconv.interfaces.recording import MetadataStore
from zenconv.records import events
from zenconv.records.layout import StateFolder
from zenconv.records.log import EventLog
from zenconv.testing.concurrency import (
    PROCESSES,
    finish,
    kill_after,
    make_barrier,
    need_processes,
    run_threads,
    start_process,
)
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
from zenconv.testing.suites import ConformanceSuite

OpenStore = Callable[[StateFolder], MetadataStore]

HOSTILE_NAMES = (
    "<script>alert(1)</script>",
    "\x1b[31mred\x1b[0m",
    "../../etc/passwd",
    "a\nb",
    "\ud800",
    "';--",
    "%",
    "_",
    "",
)

HOSTILE_RUNS = (
    "",
    "99-abcdef",
    "../1",
    "1'; DROP TABLE runs; --",
    "%",
    "_",
    "*",
    "a\x00b",
    "\ud800",
    "1\n",
)

_RUNNING = """
import sys, time
from pathlib import Path
from zenconv.testing.logs import *
state = StateFolder(Path(sys.argv[1]))
folder = state.next_run()
lock = folder.hold()
log = EventLog(folder.log)
log.append(started(folder))
log.append(events.PlanReady([planned("a")]))
log.append(events.StepStarted(node_of("a")))
print("running", flush=True)
time.sleep(600)
"""


def _run_and_refresh(open_store: OpenStore, barrier: Barrier, path: str, count: int) -> None:
    state = StateFolder(Path(path))
    store = open_store(state)
    barrier.wait()
    for _ in range(count):
        folder = succeeded_run(state, ("a", "b"))
        store.refresh()
        assert statuses(store, folder.id) == {"a": "succeeded", "b": "succeeded"}
    store.close()


def _refresh_forever(open_store: OpenStore, path: str, log: str) -> None:
    state = StateFolder(Path(path))
    store = open_store(state)
    with open(log, "w") as stream:
        while True:
            stream.write(f"{succeeded_run(state).number}\n")
            stream.flush()
            store.refresh()


def statuses(store: MetadataStore, run: str) -> dict[str, str]:
    """Return what became of each step of a run, by its name."""
    return {step.step: step.status for step in store.steps(run)}


class MetadataStoreSuite(ConformanceSuite):
    """What every `MetadataStore` promises. Override `open_store`."""

    kind = "metadata_store"

    @pytest.fixture
    def open_store(self) -> OpenStore:
        """Return a callable that opens the store for a state folder."""
        raise NotImplementedError("override the fixture `open_store`")

    @pytest.fixture
    def state(self, tmp_path: Path) -> StateFolder:
        """The folder with the runs, at first without any."""
        return new_state(tmp_path)

    @pytest.fixture
    def read(self, open_store: OpenStore, state: StateFolder) -> Callable[[], MetadataStore]:
        """Return a callable that opens the store and takes in what the logs say."""

        def read() -> MetadataStore:
            store = open_store(state)
            store.refresh()
            return store

        return read

    def damage(self, state: StateFolder) -> None:
        """Damage what the store keeps by itself, not the logs, behind its back; it is closed."""
        pytest.skip("`damage` is not overridden")

    def test_it_satisfies_the_protocol(self, read: Callable[[], MetadataStore]) -> None:
        assert isinstance(read(), MetadataStore)

    def test_without_a_run_everything_is_empty(self, read: Callable[[], MetadataStore]) -> None:
        store = read()
        assert (store.count(), list(store.runs()), list(store.find("1"))) == (0, [], [])
        assert (list(store.steps("1-abcdef")), list(store.history(node_of("a")))) == ([], [])
        assert (store.last_keys([node_of("a")]), store.key_parts([cache_key("a")])) == ({}, {})
        assert store.notices == []

    def test_a_run_is_what_its_events_say(
        self, read: Callable[[], MetadataStore], state: StateFolder
    ) -> None:
        folder = succeeded_run(state, arguments=["run", "--set", "C=1"])
        (run,) = read().runs()
        assert (run.id, run.number, run.status, run.exit_code) == (folder.id, 1, "succeeded", 0)
        assert (run.seconds, run.stack, run.pipelines) == (1.5, "local", ("training",))
        assert (run.started, run.finished) == ("2026-11-23T08:00:00.000000Z", "2026-11-23T08:00:01.500000Z")
        assert tuple(run.arguments) == ("run", "--set", "C=1")
        assert dict(run.counts) == {"succeeded": 3}
        assert run.environment["git"]["dirty"] is True

    def test_a_step_is_what_its_events_say(
        self, read: Callable[[], MetadataStore], state: StateFolder
    ) -> None:
        folder = succeeded_run(state)
        step = read().steps(folder.id)[1]
        assert (step.node, step.step, step.where) == (
            "steps_training.py::churn",
            "churn",
            "steps_training.py:12",
        )
        assert (step.status, step.reason, step.action) == ("succeeded", "no earlier result", "run")
        assert step.key == cache_key("churn")
        assert dict(step.outputs) == {"": text_artifact("churn")}
        assert step.output == text_artifact("hello from churn\n")
        assert step.inputs["train"]["shape"] == [100, 4]
        assert step.bindings[0]["origin"] == "pyproject.toml:4"
        assert (step.seconds, step.cpu) == (0.25, 0.2)

    def test_steps_are_in_the_order_of_the_plan_and_outputs_in_theirs(
        self, read: Callable[[], MetadataStore], state: StateFolder
    ) -> None:
        outputs = {name: text_artifact(name).to_json() for name in ("z", "a", "m")}
        happened = [
            events.PlanReady([planned(name) for name in ("split", "b", "a")]),
            finished("a"),
            finished("b"),
            finished("split", outputs=outputs),
        ]
        folder = write_run(state, happened, end=ended())
        steps = read().steps(folder.id)
        assert [step.step for step in steps] == ["split", "b", "a"]
        assert list(steps[0].outputs) == ["z", "a", "m"]

    def test_a_plan_in_pieces_is_one_plan(
        self, read: Callable[[], MetadataStore], state: StateFolder
    ) -> None:
        happened = [
            events.PlanReady([planned("split"), planned("b")]),
            events.PlanReady([planned("a"), planned("c")], start=2),
            events.PlanReady([planned("d")], start=4),
            *map(finished, "adbc"),
            finished("split"),
        ]
        folder = write_run(state, happened, end=ended())
        assert [step.step for step in read().steps(folder.id)] == ["split", "b", "a", "c", "d"]

    def test_runs_come_newest_first_by_number_whatever_the_clock_says(
        self, read: Callable[[], MetadataStore], state: StateFolder
    ) -> None:
        for year in (2026, 2020, 2031):
            succeeded_run(state, at=f"{year}-01-01T00:00:00.000000Z")
        assert [run.number for run in read().runs()] == [3, 2, 1]

    def test_runs_are_filtered_and_paged(self, read: Callable[[], MetadataStore], state: StateFolder) -> None:
        succeeded_run(state)
        write_run(state, [events.ProjectFailed("steps_x.py:1: syntax error", 2)], end=ended("error", 2))
        plan = events.PlanReady([planned("score", file="eu/steps_scoring.py")])
        write_run(state, [plan], end=ended("failed", 1))
        store = read()
        assert [run.number for run in store.runs(statuses=["failed", "error"])] == [3, 2]
        assert [run.number for run in store.runs(pipeline="training")] == [1]
        assert [run.number for run in store.runs(limit=1, offset=1)] == [2]
        assert store.runs(limit=1, offset=1)[0].error == "steps_x.py:1: syntax error"
        assert list(store.runs(pipeline="train")) == []
        assert list(store.runs(pipeline="%")) == []

    def test_a_run_is_found_by_its_number_and_by_the_beginning_of_its_id(
        self, read: Callable[[], MetadataStore], state: StateFolder
    ) -> None:
        ids = [succeeded_run(state, ("a",)).id for _ in range(12)]
        store = read()
        assert [run.id for run in store.find("1")] == [ids[0]]
        assert [run.id for run in store.find(ids[10][:5])] == [ids[10]]
        assert [run.id for run in store.find(ids[10])] == [ids[10]]
        for hostile in ("", "0", "99", "1-zzz", "../1", "1; DROP TABLE runs", "1' OR '1'='1", "%", "1_"):
            assert list(store.find(hostile)) == []

    def test_a_live_run_is_running_and_grows_from_refresh_to_refresh(
        self, open_store: OpenStore, state: StateFolder
    ) -> None:
        folder, store = state.next_run(), open_store(state)
        lock = folder.hold()
        with EventLog(folder.log) as log:
            log.append(started(folder))
            log.append(events.PlanReady([planned("a"), planned("b")]))
            log.append(events.StepStarted(node_of("a"), at="2026-11-23T08:00:00.100000Z"))
            store.refresh()
            assert store.runs()[0].status == "running"
            assert statuses(store, folder.id) == {"a": "running", "b": "waiting"}
            log.append(finished("a"))
            store.refresh()
            assert statuses(store, folder.id) == {"a": "succeeded", "b": "waiting"}
        lock.close()
        store.refresh()
        assert store.runs()[0].status == "interrupted"
        assert statuses(store, folder.id) == {"a": "succeeded", "b": "skipped"}

    def test_a_run_whose_process_was_killed_is_interrupted_at_once(
        self, read: Callable[[], MetadataStore], state: StateFolder
    ) -> None:
        command = [sys.executable, "-c", textwrap.dedent(_RUNNING), str(state.path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"running\n"
        store = read()
        assert store.runs()[0].status == "running"
        process.kill()
        process.wait()
        process.stdout.close()
        store.refresh()
        (run,) = store.runs()
        assert (run.status, statuses(store, run.id)) == ("interrupted", {"a": "interrupted"})

    def test_a_reused_step_has_its_results_and_the_parts_of_its_key(
        self, read: Callable[[], MetadataStore], state: StateFolder
    ) -> None:
        succeeded_run(state, ("raw",))
        happened = [events.PlanReady([planned("raw")]), events.StepsReused([reused("raw")])]
        folder = write_run(state, happened, end=ended())
        store = read()
        (step,) = store.steps(folder.id)
        assert (step.status, step.seconds, step.outputs) == ("reused", 0.0, {"": text_artifact("raw")})
        parts = store.key_parts([step.key])[step.key].parts
        assert parts == {"code raw": "b3:raw", "parameter C": "float 0.1"}

    def test_a_source_told_once_in_a_run_is_found_for_every_step(
        self, read: Callable[[], MetadataStore], state: StateFolder
    ) -> None:
        parts = {"code helper": "b3:h"}
        first = finished("a", parts=parts, sources={"code helper": ["h.py:1", "def helper(): ..."]})
        second = finished("b", parts=parts, sources={})
        write_run(state, [events.PlanReady([planned("a"), planned("b")]), first, second], end=ended())
        found = read().key_parts([cache_key("b"), cache_key("nobody")])
        assert list(found) == [cache_key("b")]
        assert dict(found[cache_key("b")].sources) == {"code helper": ("h.py:1", "def helper(): ...")}

    def test_the_last_key_is_that_of_the_newest_result(
        self, read: Callable[[], MetadataStore], state: StateFolder
    ) -> None:
        plan = events.PlanReady([planned("a")])
        write_run(state, [plan, finished("a", key=cache_key(1))], end=ended())
        write_run(state, [plan, finished("a", key=cache_key(2))], end=ended())
        write_run(state, [plan, finished("a", key=cache_key(3), status="failed")], end=ended("failed", 1))
        store = read()
        assert store.last_keys([node_of("a"), node_of("b")]) == {node_of("a"): cache_key(2)}
        history = [(step.number, step.status) for step in store.history(node_of("a"))]
        assert history == [(3, "failed"), (2, "succeeded"), (1, "succeeded")]
        newest = store.history(node_of("a"), statuses=["succeeded"], limit=1)
        assert [step.number for step in newest] == [2]

    def test_steps_are_filtered(self, read: Callable[[], MetadataStore], state: StateFolder) -> None:
        plan = [planned("a"), planned("b"), planned("a", file="steps_scoring.py")]
        happened = [events.PlanReady(plan), finished("a"), finished("b", status="failed", outputs={})]
        folder = write_run(state, happened, end=ended("failed", 1))
        store = read()
        assert [step.node for step in store.steps(folder.id, statuses=["failed"])] == [node_of("b")]
        assert [step.node for step in store.steps(folder.id, node=node_of("a"))] == [node_of("a")]
        assert len(store.steps(folder.id, step="a")) == 2
        assert len(store.steps(folder.id, limit=1)) == 1

    def test_a_crash_and_a_second_plan_do_not_rewrite_what_happened(
        self, read: Callable[[], MetadataStore], state: StateFolder
    ) -> None:
        crash = {"type": "Crash", "message": "killed", "frames": []}
        happened: list[Any] = [
            events.PlanReady([planned("a"), planned("b", reason="code b changed"), planned("c")]),
            finished("a"),
            events.StepStarted(node_of("b")),
            events.RunnerDied("killed by SIGKILL", node_of("b")),
            finished("b", status="failed", error=crash, outputs={}),
            events.PlanReady([planned("a", action="reuse"), planned("b", action="skip"), planned("c")]),
            events.StepsReused([reused("a")]),
            finished("c"),
        ]
        folder = write_run(state, happened, end=ended("failed", 1))
        store = read()
        assert statuses(store, folder.id) == {"a": "succeeded", "b": "failed", "c": "succeeded"}
        assert store.steps(folder.id)[1].error == crash

    def test_a_torn_last_line_is_ignored(self, read: Callable[[], MetadataStore], state: StateFolder) -> None:
        folder = succeeded_run(state)
        os.truncate(folder.log, folder.log.stat().st_size - 5)
        (run,) = read().runs()
        assert (run.status, dict(run.counts)) == ("interrupted", {"succeeded": 3})

    def test_a_damaged_line_costs_what_it_said_and_is_noted_in_the_run(
        self, read: Callable[[], MetadataStore], state: StateFolder
    ) -> None:
        folder = succeeded_run(state)
        lines = folder.log.read_bytes().splitlines(keepends=True)
        lines[1] = lines[1].replace(b"metrics", b"metrixx")
        folder.log.write_bytes(b"".join(lines))
        store = read()
        assert store.runs()[0].notices
        assert statuses(store, folder.id) == dict.fromkeys(("raw", "churn", "metrics"), "succeeded")

    def test_hostile_names_come_back_as_they_are(
        self, read: Callable[[], MetadataStore], state: StateFolder
    ) -> None:
        plan = events.PlanReady([planned(name) for name in HOSTILE_NAMES])
        folder = write_run(state, [plan, *map(finished, HOSTILE_NAMES)], end=ended())
        store = read()
        assert [step.step for step in store.steps(folder.id)] == list(HOSTILE_NAMES)
        for name in HOSTILE_NAMES:
            assert [step.step for step in store.history(node_of(name))] == [name]

    @pytest.mark.parametrize("hostile", HOSTILE_RUNS, ids=ascii)
    def test_what_is_not_there_is_nothing_and_no_error(
        self, read: Callable[[], MetadataStore], state: StateFolder, hostile: str
    ) -> None:
        succeeded_run(state)
        store = read()
        for found in (store.steps(hostile), store.history(hostile), store.find(hostile)):
            assert list(found) == []
        assert (store.last_keys([hostile]), store.key_parts([hostile])) == ({}, {})
        assert list(store.runs(pipeline=hostile or "nobody")) == []
        assert list(store.steps("1-ffffff", node=hostile)) == []
        assert store.count() == 1

    def test_a_damaged_store_says_so_and_makes_itself_again(
        self, read: Callable[[], MetadataStore], state: StateFolder
    ) -> None:
        folder = succeeded_run(state)
        succeeded_run(state)
        store = read()
        before = (list(store.runs()), list(store.steps(folder.id)), store.notices)
        store.close()
        self.damage(state)
        again = read()
        assert (list(again.runs()), list(again.steps(folder.id)), []) == before
        assert again.notices

    def test_processes_read_and_bring_it_up_to_date_at_once(
        self, open_store: OpenStore, read: Callable[[], MetadataStore], state: StateFolder
    ) -> None:
        need_processes(open_store)
        barrier, path = make_barrier(PROCESSES), str(state.path)
        finish([start_process(_run_and_refresh, open_store, barrier, path, 5) for _ in range(PROCESSES)])
        store = read()
        numbers = [run.number for run in store.runs()]
        assert numbers == list(range(5 * PROCESSES, 0, -1))
        assert store.count() == len(numbers)

    def test_a_process_killed_while_it_takes_in_what_is_new_changes_no_answer(
        self, open_store: OpenStore, read: Callable[[], MetadataStore], state: StateFolder, tmp_path: Path
    ) -> None:
        need_processes(open_store)
        told: set[int] = set()
        for attempt in range(3):
            log = tmp_path / f"written {attempt}"
            process = start_process(_refresh_forever, open_store, str(state.path), str(log))
            told |= set(map(int, kill_after(log, process, 4, 0.01 * attempt)))
        store = read()
        runs = list(store.runs())
        assert told <= {run.number for run in runs if run.status == "succeeded"}
        said = [(run, list(store.steps(run.id))) for run in runs]
        store.refresh(anew=True)
        assert [(run, list(store.steps(run.id))) for run in store.runs()] == said

    def test_a_deleted_run_leaves_the_history(self, open_store: OpenStore, state: StateFolder) -> None:
        kept, gone = succeeded_run(state), succeeded_run(state)
        store = open_store(state)
        store.refresh()
        shutil.rmtree(gone.path)
        store.refresh()
        assert [run.id for run in store.runs()] == [kept.id]
        assert store.count() == 1
        assert list(store.steps(gone.id)) == []

    def test_a_second_object_knows_what_the_first_has_taken_in(
        self, read: Callable[[], MetadataStore], state: StateFolder
    ) -> None:
        succeeded_run(state)
        read().close()
        succeeded_run(state)
        store = read()
        assert [run.number for run in store.runs()] == [2, 1]
        store.close()
        store.close()

    def test_made_again_it_says_the_same(self, read: Callable[[], MetadataStore], state: StateFolder) -> None:
        folder = succeeded_run(state)
        store = read()
        before = (list(store.runs()), list(store.steps(folder.id)))
        store.refresh(anew=True)
        assert (list(store.runs()), list(store.steps(folder.id))) == before

    def test_it_may_be_read_and_brought_up_to_date_by_several_at_once(
        self, read: Callable[[], MetadataStore], state: StateFolder
    ) -> None:
        def work() -> None:
            store = read()
            for _ in range(3):
                succeeded_run(state, ("a",))
                store.refresh()
                assert all(len(store.steps(run.id)) == 1 for run in store.runs(limit=3) if run.is_over)
            store.close()

        run_threads(work, 3)
        store = read()
        assert store.count() == 9
        assert {run.status for run in store.runs()} == {"succeeded"}
        assert sorted(run.number for run in store.runs()) == list(range(1, 10))
