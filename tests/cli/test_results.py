"""``get``, ``logs`` and ``show`` of results: as JSON, by a step alone, from files a step wrote."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli.test_reading_commands import ERROR, Command
from tests.queries.recorded import Outputs, RecordedProject
from zenconv.records import events
from zenconv.testing.logs import ended, planned, reused, write_run


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RecordedProject:
    monkeypatch.setenv("ZENCONV_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ZENCONV_DISABLE_PLUGIN_AUTOLOAD", "1")
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)
    return RecordedProject.make(root)


@pytest.fixture
def zenconv(project: RecordedProject, capfdbinary: pytest.CaptureFixture[bytes]) -> Command:
    return Command(capfdbinary)


def fail_to_collect(project: RecordedProject) -> None:
    failure = events.ProjectFailed("steps_training.py:1: invalid syntax", 2)
    write_run(project.state, [failure], end=ended("error", 2))


def test_a_step_alone_is_that_of_the_newest_run_that_has_it(
    zenconv: Command, project: RecordedProject
) -> None:
    first = project.record({"raw": 1}, printed=b"from raw\n")
    project.record({"other": 2})
    fail_to_collect(project)
    assert zenconv("logs", "raw") == "from raw\n"
    assert f"in run {first.id}" in zenconv("show", "raw")
    assert zenconv("get", "raw") == "1\n"
    assert "invalid syntax" in zenconv("show")
    for words in (["logs", "rwa"], ["show", "rwa"], ["get", "rwa"]):
        zenconv(*words, code=4)
        assert "no step 'rwa' in run 2-" in zenconv.error


def test_get_as_json_is_the_value_and_what_is_recorded_about_it(
    zenconv: Command, project: RecordedProject
) -> None:
    folder = project.record({"split": Outputs({"train": [0.1], "test": [2]}), "model": iter([1])})
    data = zenconv.json("get", "split")
    assert (data["run"], data["node"]) == (folder.id, "steps_training.py::split")
    assert {name: output["value"] for name, output in data["outputs"].items()} == {
        "train": [0.1],
        "test": [2],
    }
    assert zenconv.json("get", "split.test")["outputs"]["test"]["type"] == "list"
    model = zenconv.json("get", "model")["outputs"][""]
    assert "value" not in model
    assert model["no_value"] == "it is no plain value; -o FILE writes it"
    zenconv("get", "split.test", "--json", "-o", "x.json", code=4)
    assert "--json is printed" in zenconv.error


def test_get_takes_a_run_before_the_step(zenconv: Command, project: RecordedProject) -> None:
    project.record({"raw": "old"})
    project.record({"raw": "new"})
    assert zenconv("get", "1", "raw") == zenconv("get", "raw", "--run", "1") == "old\n"
    zenconv("get", "1", code=4)
    assert "'1' names a run, but no step" in zenconv.error
    zenconv("get", "1", "raw", "--run", "2", code=4)
    assert "two runs are named: 1 and 2" in zenconv.error


def test_logs_as_json_hold_the_whole_text(zenconv: Command, project: RecordedProject) -> None:
    folder = project.record({"a": 1, "b": 2}, printed=b"caf\xc3\xa9\n")
    (one,) = zenconv.json("logs", "a")["logs"]
    assert one == {
        "run": folder.id,
        "node": "steps_training.py::a",
        "status": "succeeded",
        "size": 6,
        "text": "café\n",
    }
    assert [log["node"][-1] for log in zenconv.json("logs", "--all")["logs"]] == ["a", "b"]


def test_a_file_that_a_step_wrote_is_shown_and_written_by_its_parameter(
    zenconv: Command, project: RecordedProject, tmp_path: Path
) -> None:
    (tmp_path / "model.bin").write_bytes(b"weights" * 500)
    outputs = Outputs({"": None, "@model": tmp_path / "model.bin"})
    project.record({"train": outputs, "both": outputs})
    text = zenconv("show", "train")
    assert "  model  file model.bin  " in text
    assert "@" not in text.partition("outputs")[2]
    assert "NoneType" not in text
    assert zenconv("get", "train").startswith("file model.bin  ")
    zenconv("get", "train", "-o", "copy.bin")
    assert Path("copy.bin").read_bytes() == b"weights" * 500
    zenconv("get", "both.model", "-o", "-")
    assert zenconv.raw == b"weights" * 500
    assert list(zenconv.json("show", "train")["step"]["outputs"]) == ["", "model"]


def test_get_of_several_written_files_asks_for_one(
    zenconv: Command, project: RecordedProject, tmp_path: Path
) -> None:
    for name in ("a.bin", "b.bin"):
        (tmp_path / name).write_text(name)
    outputs = {"": None, "@a": tmp_path / "a.bin", "@b": tmp_path / "b.bin"}
    project.record({"train": Outputs(outputs)})
    zenconv("get", "train", "-o", "x.bin", code=4)
    assert "name one: train.a, train.b" in zenconv.error
    zenconv("get", "train.b", "-o", "x.bin")
    assert Path("x.bin").read_text() == "b.bin"


def test_get_of_a_folder_needs_a_name_for_it(
    zenconv: Command, project: RecordedProject, tmp_path: Path
) -> None:
    (tmp_path / "made").mkdir()
    project.record({"folder": tmp_path / "made"})
    zenconv("get", "folder", "-o", "-", code=4)
    assert "'made' is a folder" in zenconv.error


def test_a_table_as_json_keeps_digits_and_index(zenconv: Command, project: RecordedProject) -> None:
    pandas = pytest.importorskip("pandas")
    project.record({"scores": pandas.Series([0.12345678901234567], index=["a"], name="score")})
    zenconv("get", "scores", "-o", "x.json")
    assert json.loads(Path("x.json").read_text()) == [{"index": "a", "score": 0.12345678901234567}]


def test_many_reused_steps_are_one_line(zenconv: Command, project: RecordedProject) -> None:
    names = [f"step{number}" for number in range(13)]
    plan = events.PlanReady([planned(name, action="reuse") for name in names])
    for number, count in ((1, 12), (2, 13)):
        nodes = events.PlanReady(plan.nodes[:count])
        write_run(project.state, [nodes, events.StepsReused([reused(n) for n in names[:count]])], end=ended())
        text = zenconv("show", str(number))
        assert ("training::step3" in text) == (count == 12)
        assert (f"13 steps reused: zenconv show {number} -v" in text) == (count == 13)
    assert "training::step3" in zenconv("show", "-v")


def test_paths_below_the_root_are_shown_as_seen_from_there(
    zenconv: Command, project: RecordedProject
) -> None:
    values = {"near": "/project/data/x.csv", "far": "/project2/y.csv"}
    bindings = [
        {"parameter": name, "source": "value", "value": value, "origin": "--set"}
        for name, value in values.items()
    ]
    write_run(project.state, [events.PlanReady([planned("raw", bindings=bindings)])], end=ended())
    for words in (["show"], ["show", "raw"]):
        text = zenconv(*words)
        assert "/project/data" not in text
        assert "data/x.csv" in text
        assert "/project2/y.csv" in text


def test_on_a_narrow_terminal_runs_say_how_long_ago(project: RecordedProject) -> None:
    import contextlib
    import pty
    import subprocess
    import sys

    project.record({"raw": 1})
    leader, follower = pty.openpty()
    environment = {**os.environ, "COLUMNS": "60", "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-m", "zenconv", "runs"], stdout=follower, env=environment, check=True)
    os.close(follower)
    text = b""
    with contextlib.suppress(OSError):  # at the end
        while part := os.read(leader, 10_000):
            text += part
    os.close(leader)
    assert " ago" in text.decode().splitlines()[1]


def test_a_failure_of_another_run_does_not_hide_a_result(zenconv: Command, project: RecordedProject) -> None:
    project.record({"churn": "good"})
    project.record_failure("churn", ERROR)
    assert zenconv("get", "churn") == "good\n"
    assert "failed" in zenconv("show", "churn").splitlines()[0]
