"""``runs``, ``show``, ``logs`` and ``get``, as commands of a process of their own or in this one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.queries.recorded import Outputs, RecordedProject
from zenconv.cli.main import run_command
from zenconv.records import events
from zenconv.testing.logs import ended, finished, node_of, planned, succeeded_run, write_run

REPOSITORY = Path(__file__).parents[2]
ERROR = {
    "type": "ValueError",
    "message": "could not convert string to float: 'abc'\nsecond line",
    "frames": [
        {"file": "steps_training.py", "line": 14, "function": "churn", "text": "model.fit(clean(train))"},
        {"file": "cleaning.py", "line": 3, "function": "clean", "text": "return float(table)"},
    ],
    "causes": [{"type": "KeyError", "message": "'age'", "frames": []}],
    "hint": "look at the data",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RecordedProject:
    monkeypatch.setenv("ZENCONV_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ZENCONV_DISABLE_PLUGIN_AUTOLOAD", "1")
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)
    return RecordedProject.make(root)


class Command:
    """Runs a command in this process; keeps what it printed."""

    def __init__(self, capfdbinary: Any) -> None:
        self._captured = capfdbinary
        self.error = ""
        self.raw = b""

    def __call__(self, *words: str, code: int = 0) -> str:
        found = run_command(words)
        sys.stdout.flush()
        sys.stderr.flush()
        self.raw, error = self._captured.readouterr()
        self.error = error.decode()
        assert found == code, self.error
        return self.raw.decode(errors="replace")

    def json(self, *words: str) -> Any:
        data = json.loads(self(*words, "--json"))
        assert data["schema"] == 1
        return data


@pytest.fixture
def zenconv(project: RecordedProject, capfdbinary: Any) -> Command:
    return Command(capfdbinary)


def test_runs_without_a_run_says_what_to_do(zenconv: Command) -> None:
    assert zenconv("runs") == ""
    assert zenconv.error == "no run yet: zenconv run\n"
    assert zenconv.json("runs") == {"schema": 1, "runs": [], "total": 0}


def test_outside_of_a_project_every_command_says_so(
    zenconv: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    for words in (["runs"], ["show"], ["logs", "x"], ["get", "x"]):
        zenconv(*words, code=4)
        assert "no project in" in zenconv.error


def test_runs_lists_the_newest_first(zenconv: Command, project: RecordedProject) -> None:
    first = project.record({"raw": 1})
    second = project.record_failure("churn", ERROR)
    head, *lines = zenconv("runs").splitlines()
    assert head.split() == ["RUN", "STATUS", "STARTED", "TOOK", "STEPS", "PIPELINES", "GIT", "STACK"]
    assert lines[0].startswith(f"{second.id}  failed ")
    assert "1 failed, 1 skipped" in lines[0]
    assert lines[1].startswith(f"{first.id}  succeeded ")
    for text in ("1 ran", "training", "9f3c1a2b+", "local", "1.50 s", " ago ("):
        assert text in lines[1]


def test_runs_can_be_filtered(zenconv: Command, project: RecordedProject) -> None:
    for _ in range(3):
        project.record({"raw": 1})
    bad = project.record_failure("churn", ERROR)
    assert [run["id"] for run in zenconv.json("runs", "--failed")["runs"]] == [bad.id]
    assert len(zenconv.json("runs", "-n", "2")["runs"]) == 2
    assert len(zenconv.json("runs", "training")["runs"]) == 4
    assert zenconv("runs", "scoring") == ""
    assert "no such run of a pipeline 'scoring' among 4" in zenconv.error
    zenconv("runs", "-n", "2")
    assert "and older ones: zenconv runs -n 10" in zenconv.error


def test_show_alone_answers_why_the_last_run_failed(zenconv: Command, project: RecordedProject) -> None:
    printed = "".join(f"line {n}\n" for n in range(100)).encode()
    words = ["run", "training", "--set", "csv=a b.csv", "-oseed=3", "--set=C=3", "--stack", "big", "-x"]
    (project.root / "zenconv.toml").write_text("[stacks.big]\n")
    project.record_failure("churn", ERROR, printed, arguments=words, stack="big")
    text = zenconv("show")
    for expected in (
        "failed in 1.50 s: 1 failed, 1 skipped",
        "FAILED steps_training.py::churn  (steps_training.py:12)",
        "  KeyError: 'age'\n  which led to:\n",
        "  steps_training.py:14 in churn\n      model.fit(clean(train))\n",
        "  cleaning.py:3 in clean\n      return float(table)\n",
        "  ValueError: could not convert string to float: 'abc'\n  second line\n",
        "  hint: look at the data\n",
        "C      0.1  <- pyproject.toml:4",
        "train  pandas.DataFrame 100 x 4",
        "output, the last 20 lines; all: zenconv logs 1 steps_training.py::churn\n  line 80\n",
        "  line 99\n",
        "to run it again: zenconv run steps_training.py::churn --stack big ",
        " --set 'csv=a b.csv' --set C=3 -o seed=3\n",
        "zenconv run training --set 'csv=a b.csv' -oseed=3",
        "C=0.1  <- pyproject.toml:4  (churn, after)",
        "git       9f3c1a2b (main), with uncommitted changes",
        "packages  150 (-v lists them)",
    ):
        assert expected in text
    assert "package7" in zenconv("show", "-v")


def test_show_of_a_project_that_could_not_be_collected_is_its_message(
    zenconv: Command, project: RecordedProject
) -> None:
    message = "steps_training.py:1: invalid syntax\n    hint: close the bracket"
    write_run(project.state, [events.ProjectFailed(message, 2)], end=ended("error", 2))
    text = zenconv("show")
    assert "error in 1.50 s" in text
    assert message in text


def test_show_of_an_interrupted_run_names_the_step(zenconv: Command, project: RecordedProject) -> None:
    write_run(project.state, [events.PlanReady([planned("slow")]), events.StepStarted(node_of("slow"))])
    text = zenconv("show")
    assert "interrupted" in text.splitlines()[0]
    assert "interrupted in steps_training.py::slow  (steps_training.py:12)" in text


def test_show_of_a_big_run_is_short(zenconv: Command, project: RecordedProject) -> None:
    steps = [f"step{n}" for n in range(3000)]
    happened: list[Any] = [events.PlanReady([planned(step) for step in steps])]
    happened += [finished(step, status="failed" if n < 50 else "succeeded") for n, step in enumerate(steps)]
    write_run(project.state, happened, end=ended("failed", 1))
    text = zenconv("show")
    assert len(text.splitlines()) < 150
    assert "50 failed, 2950 ran" in text
    assert "... and 45 steps more failed: zenconv show 1 -v" in text
    assert "... and 2960 steps more: zenconv show 1 -v" in text


def test_show_of_a_step_says_everything_about_it(zenconv: Command, project: RecordedProject) -> None:
    project.record({"raw": [1, 2, 3]})
    for words in (["show", "raw"], ["show", "1", "training::raw"], ["show", "latest", node_of("raw")]):
        text = zenconv(*words)
        assert "steps_training.py::raw  succeeded  in run 1-" in text
        for expected in (
            "written at  steps_training.py:12",
            "reason      no earlier result",
            "took        250 ms",
        ):
            assert expected in text
        assert "stored by json/1" in text
        assert "output\n  hello\n" in text
    assert "parameter C  float 0.1" in zenconv("show", "raw", "-v")
    data = zenconv.json("show", "raw")
    assert data["step"]["outputs"][""]["type"] == "list"
    assert data["step"]["parts"]["parameter C"] == "float 0.1"


def test_show_as_json_holds_the_run_and_its_steps(zenconv: Command, project: RecordedProject) -> None:
    project.record_failure("churn", ERROR)
    data = zenconv.json("show")
    assert data["run"]["status"] == "failed"
    assert len(data["run"]["environment"]["packages"]) == 150
    assert [step["status"] for step in data["steps"]] == ["failed", "skipped"]
    assert data["steps"][0]["error"]["frames"][1]["file"] == "cleaning.py"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["show", "7"], "there is no run '7'"),
        (["show", "latest", "nothing"], "no step 'nothing' in run 1-"),
        (["show", "chrun"], "did you mean 'churn'?"),
        (["show", "1", "churn", "more"], "unexpected argument 'more'"),
        (["logs"], "name one step, or ask for --all"),
        (["logs", "churn", "--all"], "name one step, or ask for --all"),
        (["get", "churn", "--run", "9"], "there is no run '9'"),
        (["get", "churn.x"], "no step 'churn.x'"),
    ],
)
def test_what_is_not_there_is_said_in_one_line_with_exit_code_4(
    zenconv: Command, project: RecordedProject, words: list[str], message: str
) -> None:
    project.record({"churn": 1})
    zenconv(*words, code=4)
    assert message in zenconv.error
    assert "Traceback" not in zenconv.error


def test_logs_are_the_bytes_as_they_were_printed(zenconv: Command, project: RecordedProject) -> None:
    printed = b"\x1b[31mred\x1b[0m \xff\x00 end without newline"
    project.record({"raw": 1}, printed=printed)
    zenconv("logs", "raw")
    assert zenconv.raw == printed + b"\n"
    zenconv("logs", "1", "raw")
    assert zenconv.raw == printed + b"\n"


def test_logs_of_a_silent_step_say_so(zenconv: Command, project: RecordedProject) -> None:
    project.record({"raw": 1}, printed=b"")
    assert zenconv("logs", "raw") == ""
    assert zenconv.error == "steps_training.py::raw printed nothing\n"


def test_logs_of_all_steps_are_headed_by_their_names(zenconv: Command, project: RecordedProject) -> None:
    project.record({"a": 1, "b": 2})
    expected = "==> steps_training.py::a <==\nhello\n==> steps_training.py::b <==\nhello\n"
    assert zenconv("logs", "--all") == zenconv("logs", "1", "--all") == expected


def test_on_a_terminal_logs_cannot_send_escape_codes(project: RecordedProject) -> None:
    project.record({"raw": 1}, printed=b"\x1b]0;title\x07\x1b[2Jgone\r\nnext\ttab\n")
    shown = _in_terminal(project.root, "logs", "raw")
    assert "\x1b]0" not in shown
    assert "\x1b[2J" not in shown
    assert "\\x1b[2Jgone" in shown
    assert "next\ttab" in shown.replace("        ", "\t") or "next" in shown


def _in_terminal(root: Path, *words: str) -> str:
    import pty

    parent, child = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "zenconv", *words],
        stdout=child,
        stderr=child,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "NO_COLOR": "1"},
    )
    os.close(child)
    parts = []
    while True:
        try:
            part = os.read(parent, 10_000)
        except OSError:
            break
        if not part:
            break
        parts.append(part)
    process.wait()
    os.close(parent)
    return b"".join(parts).decode()


_LONG_LOG = """
import resource, sys
from zenconv.cli.main import run_command
run_command(["runs"])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
run_command(["logs", "raw"])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, file=sys.stderr)
"""


def test_logs_of_any_size_take_constant_memory(project: RecordedProject) -> None:
    project.record({"raw": 1}, printed=b"some text that is printed again and again\n" * 2_000_000)
    done = subprocess.run(
        [sys.executable, "-c", _LONG_LOG],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
        cwd=project.root,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    assert int(done.stderr.split()[-1]) < 16_000


def test_hostile_names_reach_no_terminal(zenconv: Command, project: RecordedProject) -> None:
    hostile = "\x1b[2J\x9b31m\u202eevil\nRUN faked"
    nodes = [planned(hostile, pipeline=hostile, reason=hostile, file="x.py")]
    error = {
        "type": hostile,
        "message": hostile,
        "frames": [{"file": hostile, "line": 1, "function": hostile}],
    }
    failure = finished(
        hostile, file="x.py", status="failed", error=error, warnings=[hostile], inputs={hostile: 1}
    )
    write_run(
        project.state,
        [events.PlanReady(nodes), failure, events.Notice(hostile)],
        end=ended("failed", 1),
        stack=hostile,
        arguments=[hostile],
    )
    for words in (["runs"], ["show"], ["show", "-v"], ["show", "last", f"x.py::{hostile}"]):
        text = zenconv(*words)
        for character in ("\x1b", "\x9b", "\u202e"):
            assert character not in text


def test_get_prints_plain_values_as_they_are(zenconv: Command, project: RecordedProject) -> None:
    project.record({"text": "line\nü", "number": 0.5, "table": {"auc": 0.9, "n": [1, None]}, "pair": (1, 2)})
    assert zenconv("get", "text") == "line\nü\n"
    assert zenconv("get", "number") == "0.5\n"
    assert json.loads(zenconv("get", "training::table")) == {"auc": 0.9, "n": [1, None]}
    assert json.loads(zenconv("get", "steps_training.py::pair")) == [1, 2]


def test_get_of_several_outputs_lists_them_or_takes_one(zenconv: Command, project: RecordedProject) -> None:
    project.record({"split": Outputs({"train": [1], "test": [2]})})
    assert [line.split()[0] for line in zenconv("get", "split").splitlines()] == ["split.train", "split.test"]
    assert json.loads(zenconv("get", "split.test")) == json.loads(zenconv("get", "test")) == [2]
    zenconv("get", "split", "-o", "x.json", code=4)
    assert "name one: split.train, split.test" in zenconv.error


def test_get_writes_what_the_extension_says(zenconv: Command, project: RecordedProject) -> None:
    project.record({"rows": [{"a": 1, "b": "x,y"}, {"a": 2}], "text": "hello", "nan": [float("nan"), 1.5]})
    zenconv("get", "rows", "-o", "rows.json")
    assert json.loads(Path("rows.json").read_text()) == [{"a": 1, "b": "x,y"}, {"a": 2}]
    zenconv("get", "rows", "-o", "rows.csv")
    assert Path("rows.csv").read_bytes() == b'a,b\r\n1,"x,y"\r\n2,\r\n'
    zenconv("get", "text", "-o", "text.txt")
    assert Path("text.txt").read_text() == "hello"
    zenconv("get", "nan", "-o", "nan.json")
    assert json.loads(Path("nan.json").read_text()) == [None, 1.5]
    zenconv("get", "rows", "-o", "-")
    assert json.loads(zenconv.raw) == [{"a": 1, "b": "x,y"}, {"a": 2}]


def test_get_writes_tables_and_arrays(zenconv: Command, project: RecordedProject) -> None:
    pandas = pytest.importorskip("pandas")
    numpy = pytest.importorskip("numpy")
    frame = pandas.DataFrame({"a": range(30), "b": ["x"] * 30})
    project.record({"frame": frame, "indexed": frame.set_index("b")["a"], "array": numpy.eye(3)})
    assert "[30 rows]" in zenconv("get", "frame")
    assert "[3 x 3 float64]" in zenconv("get", "array")
    zenconv("get", "frame", "-o", "f.csv")
    assert Path("f.csv").read_text().splitlines()[:2] == ["a,b", "0,x"]
    zenconv("get", "indexed", "-o", "i.csv")
    assert Path("i.csv").read_text().splitlines()[:2] == ["b,a", "x,0"]
    zenconv("get", "frame", "-o", "f.parquet")
    pandas.testing.assert_frame_equal(pandas.read_parquet("f.parquet"), frame)
    zenconv("get", "array", "-o", "a.npy")
    assert (numpy.load("a.npy") == numpy.eye(3)).all()
    zenconv("get", "array", "-o", "a.csv")
    assert Path("a.csv").read_text().splitlines()[0] == "1.0,0.0,0.0"
    zenconv("get", "frame", "-o", "f.json")
    assert json.loads(Path("f.json").read_text())[29] == {"a": 29, "b": "x"}
    zenconv("get", "frame", "-o", "-")
    assert zenconv.raw.splitlines()[0] == b"a,b"


@pytest.mark.parametrize(
    ("target", "file", "message"),
    [
        ("text", "x.csv", "a str is no table"),
        ("text", "x.parquet", "a str is no table"),
        ("text", "x.npy", "no array of numbers"),
        ("text", "x.jsonl", "a str is no sequence of rows"),
        ("pickled", "x.png", "a list_iterator cannot be written as .png"),
        ("odd", "x.json", "has no JSON form"),
        ("text", "folder", "is a folder"),
    ],
)
def test_get_leaves_nothing_behind_when_a_value_does_not_fit(
    zenconv: Command, project: RecordedProject, target: str, file: str, message: str
) -> None:
    project.record({"text": {"s": "abc"}["s"], "pickled": iter([1]), "odd": len})
    Path("folder").mkdir()
    before = sorted(os.listdir())
    zenconv("get", target, "-o", file, code=4)
    assert message in zenconv.error
    assert sorted(os.listdir()) == before


def test_get_never_unpickles_to_print_or_to_copy(zenconv: Command, project: RecordedProject) -> None:
    project.record({"model": iter([1])})
    text = zenconv("get", "model")
    assert "list_iterator" in text
    assert "stored by" in text
    assert "zenconv get steps_training.py::model -o FILE" in zenconv.error
    zenconv("get", "model", "-o", "model.pkl")
    import pickle

    assert list(pickle.loads(Path("model.pkl").read_bytes())) == [1]


def test_get_copies_files_and_folders(zenconv: Command, project: RecordedProject, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "a.txt").write_text("A" * 5000)
    project.record({"folder": tmp_path / "made", "file": tmp_path / "made" / "a.txt"})
    zenconv("get", "file", "-o", "copy.bin")
    assert Path("copy.bin").read_text() == "A" * 5000
    zenconv("get", "folder", "-o", "copied")
    assert Path("copied/a.txt").read_text() == "A" * 5000
    zenconv("get", "folder", "-o", "copied", code=4)
    assert "is a folder" in zenconv.error


def test_get_of_altered_bytes_writes_nothing(zenconv: Command, project: RecordedProject) -> None:
    project.record({"raw": "x" * 5000}, printed=b"")
    (blob,) = [path for path in (project.state.store / "objects").rglob("*") if path.is_file()]
    for file in ("x.txt", "x.unknown"):
        blob.unlink(missing_ok=True)
        blob.write_bytes(b"y" * 5000)
        zenconv("get", "raw", "-o", file, code=1)
        assert "steps_training.py::raw of run" in zenconv.error
        assert "differ from their digest" in zenconv.error
        assert not Path(file).exists()
        assert not blob.exists(), "altered bytes are put aside, so that the next run makes them again"
    assert not [name for name in os.listdir() if name.startswith(".x")]


def test_get_into_a_missing_folder_is_one_line(zenconv: Command, project: RecordedProject) -> None:
    project.record({"raw": 1})
    zenconv("get", "raw", "-o", "no/where.json", code=1)
    assert "cannot write no/where.json: No such file or directory" in zenconv.error


def test_a_damaged_index_is_one_warning_and_full_history(zenconv: Command, project: RecordedProject) -> None:
    project.record({"raw": 1})
    zenconv("runs")
    for path in project.state.path.glob("index.sqlite-*"):
        path.unlink()
    project.state.index.write_bytes(b"garbage" * 1000)
    assert "1-" in zenconv("runs")
    assert zenconv.error.count("warning:") == 1
    assert "made again from the logs" in zenconv.error


_WATCH = """
import sys
seen = set()
def watch(event, arguments):
    if event == "pickle.find_class" or event == "import" and str(arguments[0]).startswith("steps_"):
        seen.add((event, str(arguments[:2])))
sys.addaudithook(watch)
from zenconv.cli.main import run_command
for words in (["runs"], ["runs", "--json"], ["show"], ["show", "-v"], ["show", "--json"], ["show", "model"],
              ["logs", "model"], ["logs", "--all"], ["get", "text"], ["get", "model"],
              ["get", "text", "-o", "t.json"],
              ["get", "model", "-o", "m.pkl"]):
    assert run_command(words) == 0, words
heavy = {"pandas", "numpy", "torch", "sklearn", "fsspec", "asyncio", "rich"}
print(sorted(seen), sorted(heavy & set(sys.modules)), file=sys.stderr)
"""


def test_commands_import_nothing_of_the_project_and_nothing_heavy(project: RecordedProject) -> None:
    project.record({"text": "t", "model": iter([1])})
    done = subprocess.run(
        [sys.executable, "-c", _WATCH],
        capture_output=True,
        text=True,
        check=False,
        cwd=project.root,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    assert done.stderr.splitlines()[-1] == "[] []", done.stderr


def test_all_commands_read_a_project_that_is_running(zenconv: Command, project: RecordedProject) -> None:
    succeeded_run(project.state)
    folder = project.state.next_run()
    lock = folder.hold()
    from zenconv.records.log import EventLog
    from zenconv.testing.logs import started

    with EventLog(folder.log) as log:
        log.append(started(folder))
        log.append(events.PlanReady([planned("a"), planned("b")]))
        log.append(events.StepStarted(node_of("a")))
        assert f"{folder.id}  running" in zenconv("runs")
        assert "1 running, 1 waiting" in zenconv("show")
        zenconv("logs", "a")
        assert "still running" in zenconv.error
    lock.close()
