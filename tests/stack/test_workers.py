"""How many worker processes a run has, and who says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from zenconv.errors import UsageError, WorkerError
from zenconv.settings.cores import count_cores
from zenconv.settings.settings import ComponentSettings, Settings, StackSettings
from zenconv.stack.workers import has_workers, parse_workers, with_workers


def settings(orchestrator: ComponentSettings | None = None, workers: int | None = None) -> Settings:
    components = {"orchestrator": orchestrator} if orchestrator else {}
    stack = StackSettings("mine", components, workers=workers)
    return Settings(Path("/p"), Path("/p/.zenconv"), stack=stack)


def orchestrator(made: Settings) -> tuple[str, dict]:
    component = made.stack.components["orchestrator"]
    return component.id, dict(component.options)


def test_the_command_line_is_read() -> None:
    assert [parse_workers("0"), parse_workers("12"), parse_workers("auto")] == [0, 12, count_cores()]
    for wrong in ("-1", "two", "1.5", "", "²"):
        with pytest.raises(UsageError, match="expected a number of worker processes"):
            parse_workers(wrong)


def test_without_any_word_there_are_none() -> None:
    assert not has_workers(with_workers(settings(), None))
    assert not has_workers(with_workers(settings(workers=0), None))
    assert not has_workers(with_workers(settings(ComponentSettings("local")), None))


def test_the_stack_says_how_many() -> None:
    for asked in (None, ComponentSettings("local"), ComponentSettings("processes")):
        made = with_workers(settings(asked, workers=4), None)
        assert orchestrator(made) == ("processes", {"workers": 4})
        assert has_workers(made)
    own = ComponentSettings("processes", {"workers": 2})
    assert orchestrator(with_workers(settings(own, workers=4), None)) == ("processes", {"workers": 2})


def test_the_command_line_wins() -> None:
    made = with_workers(settings(ComponentSettings("processes", {"workers": 2}), workers=4), 3)
    assert orchestrator(made) == ("processes", {"workers": 3})
    assert not has_workers(with_workers(settings(workers=4), 0))


def test_a_stack_that_runs_steps_elsewhere_has_no_workers_here() -> None:
    remote = settings(ComponentSettings("airflow"), workers=4)
    assert with_workers(remote, None) is remote
    with pytest.raises(UsageError, match="the stack 'mine' runs steps by 'airflow'") as caught:
        with_workers(remote, 2)
    assert "leave -n out" in caught.value.hint


def test_cores_are_counted() -> None:
    assert count_cores() >= 1


def test_the_error_of_workers_says_what_the_runner_would() -> None:
    error = WorkerError("steps_a.py: cannot be imported", exit_code=2)
    assert (str(error), error.exit_code) == ("steps_a.py: cannot be imported", 2)
