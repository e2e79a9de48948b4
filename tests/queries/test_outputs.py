"""What a step wrote to its places has names like any output."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import zenconv
from tests.queries.recorded import Outputs, RecordedProject
from zenconv.engine.written import PREFIX
from zenconv.errors import NotRecorded, UsageError
from zenconv.queries.outputs import WRITTEN, show_name


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    made = {}
    for name in ("model.bin", "plot.png"):
        made[name] = tmp_path / name
        made[name].write_bytes(name.encode())
    return made


def test_the_mark_is_the_engines() -> None:
    assert WRITTEN == PREFIX
    assert show_name(PREFIX + "model") == "model"


def test_a_step_that_returned_nothing_and_wrote_one_file_is_that_file(
    project: RecordedProject, files: dict[str, Path]
) -> None:
    project.record({"train": Outputs({"": None, "@model": files["model.bin"]})})
    value = zenconv.load("train")
    assert (value.name, value.read_bytes()) == ("model.bin", b"model.bin")
    step = zenconv.runs()["latest"]["train"]
    assert list(step.outputs) == ["", "model"]
    assert zenconv.load("train.model").read_bytes() == step.load("model").read_bytes() == b"model.bin"


def test_several_written_files_are_told_apart_by_their_parameters(
    project: RecordedProject, files: dict[str, Path]
) -> None:
    outputs: dict[str, Any] = {"": None, "@model": files["model.bin"], "@plot": files["plot.png"]}
    project.record({"train": Outputs(outputs)})
    values = zenconv.load("train")
    assert {name: path.read_bytes() for name, path in values.items()} == {
        "model": b"model.bin",
        "plot": b"plot.png",
    }


def test_a_step_that_returned_something_is_that_whatever_it_wrote(
    project: RecordedProject, files: dict[str, Path]
) -> None:
    project.record({"train": Outputs({"": [1], "@model": files["model.bin"]})})
    assert zenconv.load("train") == [1]
    assert zenconv.load("train.model").read_bytes() == b"model.bin"
    assert zenconv.load("model").read_bytes() == b"model.bin"


def test_an_output_that_is_not_there_names_those_that_are(
    project: RecordedProject, files: dict[str, Path]
) -> None:
    project.record({"train": Outputs({"": None, "@model": files["model.bin"]})})
    with pytest.raises(NotRecorded, match="has no output 'plot'") as caught:
        zenconv.runs()["latest"]["train"].load("plot")
    assert caught.value.hint == "its outputs: 'model'"


def test_what_is_not_recorded_is_a_key_error_with_a_readable_message(project: RecordedProject) -> None:
    project.record({"raw": 1})
    runs = zenconv.runs()
    for look in (lambda: runs["nosuch"], lambda: runs["latest"]["rwa"], lambda: zenconv.load("rwa")):
        with pytest.raises(KeyError) as caught:
            look()
        assert isinstance(caught.value, UsageError)
        assert not str(caught.value).startswith(("'", '"'))
    with pytest.raises(NotRecorded) as caught_step:
        runs["latest"]["rwa"]
    folder = runs["latest"].id
    assert str(caught_step.value) == f"no step 'rwa' in run {folder}\n    hint: did you mean 'raw'?"


def test_in_asks_whether_a_run_or_a_step_is_there(project: RecordedProject) -> None:
    project.record({"raw": 1})
    runs = zenconv.runs()
    assert "latest" in runs
    assert 1 in runs
    assert 2 not in runs
    assert runs["last"] in runs
    assert "raw" in runs["latest"]
    assert "training::raw" in runs["latest"]
    assert "rwa" not in runs["latest"]
    assert runs["latest"]["raw"] in runs["latest"]


def test_the_inputs_of_a_reused_step_are_those_of_its_execution(project: RecordedProject) -> None:
    from zenconv.records import events
    from zenconv.testing.logs import ended, planned, reused, write_run

    project.record({"raw": 1})
    steps = [events.PlanReady([planned("raw")]), events.StepsReused([reused("raw")])]
    write_run(project.state, steps, end=ended())
    first, second = (zenconv.runs()[number]["raw"] for number in (1, 2))
    assert (first.status, second.status) == ("succeeded", "reused")
    assert dict(second.inputs) == dict(first.inputs) != {}


def test_a_reused_step_whose_execution_is_not_recorded_here_has_no_inputs(project: RecordedProject) -> None:
    from zenconv.records import events
    from zenconv.testing.logs import ended, planned, reused, write_run

    steps = [events.PlanReady([planned("raw")]), events.StepsReused([reused("raw")])]
    write_run(project.state, steps, end=ended())
    assert zenconv.runs()["latest"]["raw"].inputs == {}


def test_a_run_is_a_table_of_its_steps(project: RecordedProject) -> None:
    pytest.importorskip("pandas")
    project.record_failure("churn", {"type": "ValueError", "message": "no", "frames": []})
    frame = zenconv.runs()["last"].to_frame()
    assert list(frame["step"]) == ["churn", "after"]
    assert list(frame["status"]) == ["failed", "skipped"]
    assert list(frame["error"]) == ["ValueError: no", ""]
    assert str(frame["started"].dtype).endswith("UTC]")


def test_completion_shows_exactly_the_public_names() -> None:
    assert dir(zenconv) == sorted(zenconv.__all__)
