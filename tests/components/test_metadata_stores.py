"""The built-in metadata store passes the suite that every one has to pass; broken ones do not."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.components.calling import call_test, list_tests
from tests.components.meeting import meet
from zenconv.components.sqlite_index import SqliteIndex
from zenconv.records.layout import StateFolder
from zenconv.testing import MetadataStoreSuite
from zenconv.testing.logs import new_state


class TestSqlite(MetadataStoreSuite):
    @pytest.fixture
    def open_store(self) -> Callable[[StateFolder], SqliteIndex]:
        return SqliteIndex

    def damage(self, state: StateFolder) -> None:
        damage(state)


def damage(state: StateFolder) -> None:
    os.truncate(state.index, state.index.stat().st_size // 2)


class BrokenSuite(MetadataStoreSuite):
    """The suite, with what damages the index."""

    def damage(self, state: StateFolder) -> None:
        damage(state)


class OldestFirst(SqliteIndex):
    def runs(self, **options: Any) -> Sequence[Any]:
        return list(reversed(super().runs(**options)))


class Unfiltered(SqliteIndex):
    def runs(self, **options: Any) -> Sequence[Any]:
        return super().runs()


class Greedy(SqliteIndex):
    def find(self, prefix: str) -> Sequence[Any]:
        return [run for run in super().runs() if run.id.startswith(prefix)]


class Stale(SqliteIndex):
    is_fresh = False

    def refresh(self, *, anew: bool = False) -> None:
        if not self.is_fresh:
            super().refresh(anew=anew)
        self.is_fresh = True


class Optimistic(SqliteIndex):
    """Takes any run without an end for one that goes on."""

    def runs(self, **options: Any) -> Sequence[Any]:
        found = super().runs(**options)
        return [attrs.evolve(r, status="running") if r.status == "interrupted" else r for r in found]


class Careless(SqliteIndex):
    def last_keys(self, nodes: Iterable[str], *, sample: str = "") -> dict[str, str]:
        newest = {node: self.history(node, limit=1) for node in nodes}
        return {node: steps[0].key for node, steps in newest.items() if steps}


class Sorted(SqliteIndex):
    def steps(self, run: str, **options: Any) -> Sequence[Any]:
        return sorted(super().steps(run, **options), key=lambda step: step.step)


class Short(SqliteIndex):
    """Takes the first piece of a plan for all of it."""

    def steps(self, run: str, **options: Any) -> Sequence[Any]:
        return super().steps(run, **options)[:2]


class Forgetful(SqliteIndex):
    """Forgets everything, and takes in nothing again."""

    def refresh(self, *, anew: bool = False) -> None:
        if anew:
            self.runs = lambda **options: []  # type: ignore[method-assign, assignment]
        super().refresh(anew=anew)


class Curious(SqliteIndex):
    """Takes a run that is not there for a mistake."""

    def steps(self, run: str, **options: Any) -> Sequence[Any]:
        found = super().steps(run, **options)
        assert found, f"there is no run {run!r}"
        return found


class Silent(SqliteIndex):
    """Says nothing of damage."""

    def refresh(self, *, anew: bool = False) -> None:
        super().refresh(anew=anew)
        self.notices.clear()


class Loner(SqliteIndex):
    """Knows the runs that it has taken in by itself."""

    def __init__(self, state: StateFolder) -> None:
        super().__init__(state)
        self.own: set[str] = set()

    def refresh(self, *, anew: bool = False) -> None:
        before = {run.id for run in super().runs()}
        super().refresh(anew=anew)
        self.own |= {run.id for run in super().runs()} - before

    def runs(self, **options: Any) -> Sequence[Any]:
        return [run for run in super().runs(**options) if run.id in self.own]


class Waiting(SqliteIndex):
    """Leaves what is new to whoever was at it first, who may be dead."""

    is_first = False

    def refresh(self, *, anew: bool = False) -> None:
        busy = self.state.path / "busy"
        if self.is_first or not busy.exists():
            self.is_first = True
            busy.touch()
            super().refresh(anew=anew)

    def close(self) -> None:
        super().close()
        if self.is_first:
            self.state.path.joinpath("busy").unlink()
            self.is_first = False


class Lenient(SqliteIndex):
    """Forgets why a step has failed."""

    def steps(self, run: str, **options: Any) -> Sequence[Any]:
        return [attrs.evolve(s, error=None) for s in super().steps(run, **options)]


class Generous(SqliteIndex):
    """Counts the time of a step that was reused once more."""

    def steps(self, run: str, **options: Any) -> Sequence[Any]:
        return [attrs.evolve(s, seconds=0.25) for s in super().steps(run, **options)]


class Brief(SqliteIndex):
    """Forgets where a value is from."""

    def steps(self, run: str, **options: Any) -> Sequence[Any]:
        return [attrs.evolve(s, bindings=()) for s in super().steps(run, **options)]


class Cleaning(SqliteIndex):
    """Leaves out of names what is odd."""

    def steps(self, run: str, **options: Any) -> Sequence[Any]:
        return [
            attrs.evolve(s, step=s.step.encode("ascii", "ignore").decode().strip())
            for s in super().steps(run, **options)
        ]


class Quiet(SqliteIndex):
    """Says nothing of lines that were damaged."""

    def runs(self, **options: Any) -> Sequence[Any]:
        return [attrs.evolve(r, notices=()) for r in super().runs(**options)]


class Vague(SqliteIndex):
    """Forgets what was asked for."""

    def runs(self, **options: Any) -> Sequence[Any]:
        return [attrs.evolve(r, arguments=()) for r in super().runs(**options)]


class Hopeful(SqliteIndex):
    """Takes a run without an end for one that succeeded."""

    def runs(self, **options: Any) -> Sequence[Any]:
        return [attrs.evolve(r, status="succeeded") for r in super().runs(**options)]


class Sentimental(SqliteIndex):
    """Remembers runs that were deleted."""

    def __init__(self, state: StateFolder) -> None:
        super().__init__(state)
        self.seen: dict[str, Any] = {}

    def refresh(self, *, anew: bool = False) -> None:
        super().refresh(anew=anew)
        self.seen.update({run.id: run for run in super().runs()})

    def runs(self, **options: Any) -> Sequence[Any]:
        return sorted(self.seen.values(), key=lambda run: -run.number)


class Once(SqliteIndex):
    """Can be closed once."""

    is_closed = False

    def close(self) -> None:
        assert not self.is_closed
        self.is_closed = True
        super().close()


class Local(SqliteIndex):
    """Has the source of a step only where it was told."""

    def key_parts(self, keys: Iterable[str]) -> dict[str, Any]:
        return {key: attrs.evolve(parts, sources={}) for key, parts in super().key_parts(keys).items()}


class Crowded(SqliteIndex):
    """Cannot be brought up to date by two at once."""

    inside: list[Any] = []

    def refresh(self, *, anew: bool = False) -> None:
        self.inside.append(self)
        try:
            meet(self.state.path / "refreshing")
            assert len(self.inside) == 1, "somebody else is at it"
            super().refresh(anew=anew)
        finally:
            self.inside.remove(self)


class Incomplete(SqliteIndex):
    """Finds nothing."""

    find = None  # type: ignore[assignment]


class Indifferent(SqliteIndex):
    """Returns all steps, whichever are asked for."""

    def steps(self, run: str, **options: Any) -> Sequence[Any]:
        return super().steps(run)


class Chatty(SqliteIndex):
    """Complains that there is nothing yet."""

    def refresh(self, *, anew: bool = False) -> None:
        super().refresh(anew=anew)
        if not super().count():
            self.notices.append("there is no run")


BROKEN: dict[type[SqliteIndex], str] = {
    OldestFirst: "test_runs_come_newest_first_by_number_whatever_the_clock_says",
    Unfiltered: "test_runs_are_filtered_and_paged",
    Greedy: "test_a_run_is_found_by_its_number_and_by_the_beginning_of_its_id",
    Stale: "test_a_live_run_is_running_and_grows_from_refresh_to_refresh",
    Optimistic: "test_a_run_whose_process_was_killed_is_interrupted_at_once",
    Careless: "test_the_last_key_is_that_of_the_newest_result",
    Sorted: "test_steps_are_in_the_order_of_the_plan_and_outputs_in_theirs",
    Short: "test_a_plan_in_pieces_is_one_plan",
    Lenient: "test_a_crash_and_a_second_plan_do_not_rewrite_what_happened",
    Generous: "test_a_reused_step_has_its_results_and_the_parts_of_its_key",
    Brief: "test_a_step_is_what_its_events_say",
    Cleaning: "test_hostile_names_come_back_as_they_are",
    Quiet: "test_a_damaged_line_costs_what_it_said_and_is_noted_in_the_run",
    Vague: "test_a_run_is_what_its_events_say",
    Hopeful: "test_a_torn_last_line_is_ignored",
    Sentimental: "test_a_deleted_run_leaves_the_history",
    Once: "test_a_second_object_knows_what_the_first_has_taken_in",
    Local: "test_a_source_told_once_in_a_run_is_found_for_every_step",
    Crowded: "test_it_may_be_read_and_brought_up_to_date_by_several_at_once",
    Incomplete: "test_it_satisfies_the_protocol",
    Indifferent: "test_steps_are_filtered",
    Chatty: "test_without_a_run_everything_is_empty",
    Curious: "test_what_is_not_there_is_nothing_and_no_error",
    Silent: "test_a_damaged_store_says_so_and_makes_itself_again",
    Loner: "test_processes_read_and_bring_it_up_to_date_at_once",
    Waiting: "test_a_process_killed_while_it_takes_in_what_is_new_changes_no_answer",
    Forgetful: "test_made_again_it_says_the_same",
}


def call(kind: type[SqliteIndex], name: str, tmp_path: Path) -> None:
    """Call a test of the suite on a store."""
    state = new_state(tmp_path)

    def read() -> SqliteIndex:
        store = kind(state)
        store.refresh()
        return store

    call_test(BrokenSuite(), name, open_store=kind, state=state, read=read, tmp_path=tmp_path)


@pytest.mark.parametrize(("kind", "name"), BROKEN.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_a_broken_metadata_store_does_not_pass(kind: type[SqliteIndex], name: str, tmp_path: Path) -> None:
    with pytest.raises((AssertionError, IndexError, ValueError)):
        call(kind, name, tmp_path)


@pytest.mark.parametrize("name", BROKEN.values())
def test_one_that_is_right_passes_in_the_same_way(name: str, tmp_path: Path) -> None:
    call(SqliteIndex, name, tmp_path)


def test_every_test_of_the_suite_is_one_that_something_broken_fails() -> None:
    assert list_tests(MetadataStoreSuite) - set(BROKEN.values()) == set()
