"""Runs, steps and values from Python, without importing the project."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

import zenconv
from tests.queries.recorded import Outputs, RecordedProject
from zenconv.errors import CorruptArtifact, UntrustedArtifact, UsageError
from zenconv.records import events
from zenconv.testing.logs import ended, finished, node_of, planned, write_run

ERROR = {"type": "ValueError", "message": "<b>no</b>", "frames": []}


def test_runs_are_counted_and_come_newest_first(project: RecordedProject) -> None:
    ids = [project.record({"raw": n}).id for n in range(3)]
    runs = zenconv.runs()
    assert len(runs) == 3
    assert [run.id for run in runs] == ids[::-1]
    assert [run.id for run in runs[:2]] == ids[:0:-1]
    assert [run.id for run in runs[::-1]] == ids
    project.record({"raw": 4})
    assert len(runs) == 4


def test_latest_is_the_newest_successful_run_and_last_the_newest(project: RecordedProject) -> None:
    good = project.record({"raw": 1})
    bad = project.record_failure("churn", ERROR)
    runs = zenconv.runs(project.root)
    assert (runs["latest"].id, runs["last"].id) == (good.id, bad.id)
    assert runs[1].id == runs["1"].id == runs[good.id].id == runs[good.id[:4]].id == good.id


@pytest.mark.parametrize(
    ("which", "message"),
    [
        (7, "there is no run '7'"),
        ("../x", "there is no run"),
        ("", "there is no run"),
        (-1, "there is no run '-1'"),
    ],
)
def test_a_run_that_is_not_there_is_a_usage_error(project: RecordedProject, which: Any, message: str) -> None:
    project.record({"raw": 1})
    with pytest.raises(UsageError, match=message):
        zenconv.runs()[which]


def test_without_runs_the_error_says_how_to_make_one(project: RecordedProject) -> None:
    with pytest.raises(UsageError, match="no run is recorded") as caught:
        zenconv.runs()["last"]
    assert caught.value.hint == "zenconv run"


def test_without_success_latest_points_to_the_last(project: RecordedProject) -> None:
    project.record_failure("churn", ERROR)
    with pytest.raises(UsageError, match="no run has succeeded yet") as caught:
        zenconv.runs()["latest"]
    assert caught.value.hint == "zenconv show 1"


@pytest.mark.parametrize("name", ["churn", "training::churn", "steps_training.py::churn"])
def test_a_step_has_three_names(project: RecordedProject, name: str) -> None:
    project.record({"raw": [1, 2], "churn": 0.5})
    step = zenconv.runs()["latest"][name]
    assert (step.node, step.status, step.seconds) == ("steps_training.py::churn", "succeeded", 0.25)
    assert step.load() == 0.5
    assert step.parameters == {"C": "0.1"}
    assert step.inputs["train"]["shape"] == [100, 4]
    assert step.log() == "hello\n"
    assert step.reason == "no earlier result"
    assert list(step.outputs) == [""]


def test_a_name_shared_by_pipelines_must_say_which(project: RecordedProject) -> None:
    files = ["eu/steps_training.py", "us/steps_training.py", "steps_scoring.py"]
    nodes = [planned("raw", file=file) for file in files]
    folder = write_run(
        project.state,
        [events.PlanReady(nodes), *(finished("raw", file=file) for file in files)],
        end=ended(),
    )
    run = zenconv.runs()[folder.id]
    with pytest.raises(UsageError, match="means several steps") as caught:
        run["raw"]
    assert caught.value.hint == "write the node id"
    assert run["scoring::raw"].node == "steps_scoring.py::raw"
    assert run["steps_scoring.py::raw"].node == "steps_scoring.py::raw"
    assert run["eu/training::raw"].node == "eu/steps_training.py::raw"
    with pytest.raises(UsageError, match="means several steps"):
        run["training::raw"]


def test_a_step_that_is_not_there_brings_a_suggestion(project: RecordedProject) -> None:
    project.record({"churn": 1})
    with pytest.raises(UsageError, match="no step 'chrun'") as caught:
        zenconv.runs()["last"]["chrun"]
    assert caught.value.hint == "did you mean 'churn'?"


def test_outputs_are_found_by_step_and_name_or_by_name(project: RecordedProject) -> None:
    project.record({"split": Outputs({"train": [1], "test": [2]})})
    run = zenconv.runs()["latest"]
    assert run["split"].load() == {"train": [1], "test": [2]}
    assert run["split"].load("test") == run["split.test"].load() == run["test"].load() == [2]
    assert run["training::split.train"].load() == run["steps_training.py::split.train"].load() == [1]
    with pytest.raises(UsageError, match="has no output 'valid'") as caught:
        run["split"].load("valid")
    assert caught.value.hint == "its outputs: 'train', 'test'"


def test_load_takes_the_newest_run_in_which_the_step_has_a_result(project: RecordedProject) -> None:
    project.record({"churn": "old"})
    project.record({"churn": "new"})
    project.record_failure("churn", ERROR)
    project.record({"other": 1})
    assert zenconv.load("churn") == zenconv.load("training::churn") == "new"
    assert zenconv.load("churn", run=1) == "old"
    assert zenconv.load("churn", root=project.root / "steps_training.py") == "new"
    with pytest.raises(UsageError, match=r"has no result in run 3-.*: it is failed") as caught:
        zenconv.load("churn", run=3)
    assert caught.value.hint == "zenconv show 3 steps_training.py::churn"


def test_a_step_that_never_had_a_result_says_what_became_of_it(project: RecordedProject) -> None:
    project.record_failure("churn", ERROR)
    with pytest.raises(UsageError, match=r"has no result in any run; in run 1-\w+ it is failed"):
        zenconv.load("churn")
    with pytest.raises(UsageError, match="no step 'nothing'"):
        zenconv.load("nothing")


def test_what_is_loaded_is_the_callers_own(project: RecordedProject) -> None:
    project.record({"raw": {"a": [1]}})
    step = zenconv.runs()["latest"]["raw"]
    step.load()["a"].append(2)
    assert step.load() == {"a": [1]}


def _blobs(project: RecordedProject) -> list[Path]:
    return [path for path in (project.state.store / "objects").rglob("*") if path.is_file()]


def test_altered_bytes_are_an_error_with_the_command_that_helps(project: RecordedProject) -> None:
    project.record({"raw": "x" * 5000}, printed=b"")
    for path in _blobs(project):
        data = bytearray(path.read_bytes())
        data[100] ^= 1
        path.chmod(0o644)
        path.write_bytes(data)
    with pytest.raises(CorruptArtifact, match=r"steps_training\.py::raw of run 1-") as caught:
        zenconv.load("raw")
    assert caught.value.hint == "zenconv run steps_training.py::raw computes it again"


def test_missing_bytes_are_an_error_with_the_command_that_helps(project: RecordedProject) -> None:
    project.record({"raw": "x" * 5000}, printed=b"y" * 5000)
    for path in _blobs(project):
        path.unlink()
    with pytest.raises(CorruptArtifact, match=r"steps_training\.py::raw"):
        zenconv.load("raw")
    with pytest.raises(CorruptArtifact, match=r"the output of steps_training\.py::raw"):
        zenconv.runs()["last"]["raw"].log()


def test_a_pickle_of_this_machine_is_loaded_and_one_of_another_is_not(
    project: RecordedProject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from collections import deque

    project.record({"churn": [iter([1, 2]), deque([3])]})
    assert list(zenconv.load("churn")[0]) == [1, 2]
    monkeypatch.setenv("ZENCONV_HOME", str(tmp_path / "another"))
    with pytest.raises(UntrustedArtifact, match="was not written by you on this machine"):
        zenconv.load("churn")


_USES_CLASS = """
import sys, zenconv
net = zenconv.load("net", root={root!r})
print(net.predict(), type(net).__module__, "steps_models" in sys.modules)
"""


def test_a_class_of_a_step_module_is_found_below_the_root(project: RecordedProject, tmp_path: Path) -> None:
    source = "class Net:\n    def predict(self):\n        return 42\n"
    (project.root / "steps_models.py").write_text(source)
    sys.path.insert(0, str(project.root))
    try:
        import steps_models  # type: ignore[import-not-found]

        project.record({"net": steps_models.Net()})
    finally:
        sys.path.remove(str(project.root))
        sys.modules.pop("steps_models", None)
    done = subprocess.run(
        [sys.executable, "-c", _USES_CLASS.format(root=str(project.root))],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**__import__("os").environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.stdout.strip() == "42 steps_models True", done.stderr


def test_html_is_text_whatever_the_names_are(project: RecordedProject) -> None:
    project.record({"<script>alert(1)</script>": 1})
    project.record_failure("<img src=x>", ERROR, stack="<i>")
    runs = zenconv.runs()
    pages = [runs._repr_html_(), runs["last"]._repr_html_(), runs["last"]["<img src=x>"]._repr_html_()]
    assert "&lt;script&gt;" in runs["latest"]._repr_html_()
    for page in pages:
        assert not any(tag in page for tag in ("<script", "<img", "<i>", "<b>"))


def test_names_complete_in_a_notebook(project: RecordedProject) -> None:
    folder = project.record({"raw": 1})
    runs = zenconv.runs()
    assert runs._ipython_key_completions_() == ["latest", "last", folder.id]
    assert runs["last"]._ipython_key_completions_() == ["steps_training.py::raw"]


def test_reprs_say_what_a_person_asks_first(project: RecordedProject) -> None:
    folder = project.record({"raw": 1})
    runs = zenconv.runs()
    assert repr(runs) == f"<1 run>\n  <run {folder.id} succeeded: 1 succeeded>"
    assert repr(runs["last"]["raw"]) == f"<steps_training.py::raw succeeded in run {folder.id}>"


def test_runs_become_a_frame(project: RecordedProject) -> None:
    pytest.importorskip("pandas")
    assert list(zenconv.runs().to_frame().columns)[:3] == ["number", "id", "status"]
    project.record({"raw": 1})
    project.record_failure("churn", ERROR)
    frame = zenconv.runs().to_frame()
    assert frame["number"].tolist() == [2, 1]
    assert frame["failed"].tolist() == [1, 0]
    assert str(frame["started"].dtype).startswith("datetime64[")


def test_a_damaged_index_is_told_as_a_warning(project: RecordedProject) -> None:
    project.record({"raw": 1})
    runs = zenconv.runs()
    assert len(runs) == 1
    runs._history.stack.close()
    project.state.index.write_bytes(b"")
    with pytest.warns(UserWarning, match="made again from the logs"):
        assert len(zenconv.runs()) == 1


_WATCH = """
import sys
seen = set()
def watch(event, arguments):
    if event == "pickle.find_class" or event == "import" and str(arguments[0]).startswith("steps_"):
        seen.add((event, str(arguments[:2])))
sys.addaudithook(watch)
import zenconv
runs = zenconv.runs({root!r})
for run in runs:
    repr(run), run._repr_html_(), run.environment
    for step in run:
        step.log(), step.outputs, step.inputs, step.error, step.parameters, step._repr_html_()
print(sorted(seen), sorted({{"pandas", "numpy", "torch", "sklearn", "fsspec"}} & set(sys.modules)))
"""


def test_reading_imports_nothing_of_the_project_and_unpickles_nothing(project: RecordedProject) -> None:
    project.record({"raw": [1], "model": [iter([1])]})
    done = subprocess.run(
        [sys.executable, "-c", _WATCH.format(root=str(project.root))],
        capture_output=True,
        text=True,
        check=False,
        env={**__import__("os").environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.stdout.strip() == "[] []", done.stderr


def test_a_live_value_says_that_it_is_not_stored(project: RecordedProject) -> None:
    happened = [events.PlanReady([planned("loader")]), finished("loader", outputs={}, live=True)]
    write_run(project.state, happened, end=ended())
    with pytest.raises(UsageError, match="its value is live"):
        zenconv.load("loader")


def test_no_warning_where_nothing_is_wrong(project: RecordedProject) -> None:
    project.record({"raw": 1})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert zenconv.runs()["last"]["raw"].node == node_of("raw")
