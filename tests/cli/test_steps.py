from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FILES = {
    "zenconv.toml": "[params]\ncsv = 'data.csv'\nunused = 1\n",
    "steps_training.py": (
        "from pathlib import Path\n"
        "from typing import Annotated\n"
        "print('imported')\n"
        "def raw(csv: Path) -> dict:\n"
        '    """Read the table.\n\n    All of it.\n    """\n'
        "def split(raw, seed) -> tuple[Annotated[int, 'train'], Annotated[int, 'test']]: ...\n"
        "def churn(train, C: float = 1.0): ...\n"
    ),
}


@pytest.fixture
def run(tmp_path: Path):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "ZENCONV_HOME": str(tmp_path),
        }
        return subprocess.run(
            [sys.executable, "-m", "zenconv", *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return call


def test_steps_are_listed_with_the_origin_of_each_parameter(run) -> None:
    done = run("steps")
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "training  steps_training.py, 3 steps\n"
        "  raw  steps_training.py:4\n"
        "      Read the table.\n"
        "      csv=data.csv <- zenconv.toml:2\n"
        "  split -> train, test  steps_training.py:9\n"
        "      raw <- steps_training.py::raw\n"
        "      seed <- built-in fixture\n"
        "  churn  steps_training.py:10\n"
        "      train <- steps_training.py::split.train\n"
        "      C=1.0 <- default\n\n"
    )
    assert "params.unused is not used" in done.stderr


def test_verbose_steps_show_types_and_the_whole_description(run) -> None:
    done = run("steps", "-v", "raw")
    assert "  raw -> dict  steps_training.py:4\n" in done.stdout
    assert "      All of it.\n" in done.stdout
    assert "csv: pathlib.Path = data.csv <- zenconv.toml:2" in done.stdout


def test_steps_as_json_are_not_disturbed_by_what_modules_print(run) -> None:
    answer = json.loads(run("steps", "--json", "churn").stdout)
    (step,) = answer["steps"]
    assert step["node"] == "steps_training.py::churn"
    assert step["parameters"][0] == {
        "name": "train",
        "type": "",
        "source": "node",
        "origin": "steps_training.py::split.train",
        "node": "steps_training.py::split",
        "output": "train",
    }


def test_mistakes_end_with_their_exit_code_and_no_frame_of_zenconv(run, tmp_path) -> None:
    (tmp_path / "steps_bad.py").write_text("def bad(missing): ...\n")
    done = run("steps")
    assert done.returncode == 2
    assert "steps_bad.py:1: step 'bad' asks for 'missing'; nothing provides it" in done.stderr
    assert "Traceback" not in done.stderr
    assert run("steps", "nowhere").returncode == 4
    assert run("steps", "-k", "nowhere").returncode == 5


def test_a_module_that_ends_the_process_is_named(run, tmp_path) -> None:
    (tmp_path / "steps_zz.py").write_text("import os\nos._exit(0)\n")
    done = run("steps")
    assert done.returncode != 0
    assert "importing steps_zz.py" in done.stderr


def test_the_graph_is_drawn_as_text(run) -> None:
    done = run("graph")
    assert done.returncode == 0, done.stderr
    lines = [" ".join(line.split()[-3:]) for line in done.stdout.splitlines()]
    assert lines[0].endswith("raw")
    assert "split (train, test)  <- raw" in done.stdout
    assert "churn  <- split.train" in done.stdout


def test_the_graph_has_forms_for_other_programs(run) -> None:
    dot = run("graph", "--dot").stdout
    assert '"steps_training.py::split" -> "steps_training.py::churn" [label="train"];' in dot
    mermaid = run("graph", "--mermaid").stdout
    assert mermaid.startswith("flowchart LR\n")
    assert '-- "train" -->' in mermaid
    nodes = json.loads(run("graph", "--json", "raw").stdout)["nodes"]
    assert [node["node"] for node in nodes] == ["steps_training.py::raw"]
