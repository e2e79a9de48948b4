"""The example project does what the README says of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.end_to_end.conftest import REPOSITORY, ProjectOnDisk

pytest.importorskip("sklearn")
pytest.importorskip("pyarrow")

TRAINING = ["classifier", "features", "metrics", "missed", "raw", "risks", "split"]
SCORING = ["features", "raw", "scores", "urgent"]
EVERYTHING = [f"scoring::{name}" for name in SCORING] + [f"training::{name}" for name in TRAINING]


def copy_example(target: Path) -> None:
    left = shutil.ignore_patterns(".zenconv", "__pycache__", "team_store")
    shutil.copytree(REPOSITORY / "example_project", target, dirs_exist_ok=True, ignore=left)


@pytest.fixture
def example(project):
    """The example project as cloned."""
    it = project()
    copy_example(it.path)
    return it


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The example project after its first run; made once, so not to be changed."""
    folder = tmp_path_factory.mktemp("example")
    it = ProjectOnDisk(folder / "project", folder / "home")
    copy_example(it.path)
    it.run("run")
    return it


@pytest.fixture
def example_run(finished, tmp_path):
    """The example project after its first run, copied, for one test to edit."""
    shutil.copytree(finished.path, tmp_path / "project")
    return ProjectOnDisk(tmp_path / "project", finished.home)


def test_first_run_executes_every_step_and_the_second_none(example):
    example.run("run")
    assert example.executed() == EVERYTHING
    example.run("run")
    assert example.executed() == []
    assert example.reused() == EVERYTHING


def test_the_classifier_is_good(example_run):
    metrics = example_run.value("training::metrics")
    assert metrics["auc"] > 0.98
    assert metrics["caught"] > 0.9


def test_it_ranks_the_patients_of_today(example_run):
    urgent = example_run.value("scoring::urgent")
    assert 3 <= len(urgent) <= 37
    assert all(name.startswith("P-") for name in urgent)


def test_an_edited_helper_reruns_what_reaches_it_and_says_why(example_run):
    example_run.edit("cleaning.py", '["mean perimeter"] ** 2', '["mean perimeter"] ** 2.5')
    plan = example_run.plan()
    assert {node for node, action in plan.items() if action == "run"} == {
        "scoring::features",
        "training::features",
    }
    example_run.run("run")
    assert "scoring::features" in example_run.executed()
    assert "scoring::raw" in example_run.reused()
    assert "training::raw" in example_run.reused()
    assert "cleaning.add_irregularity" in example_run.reasons()["training::features"]
    assert "cleaning.py:" in example_run.reasons()["training::features"]


def test_an_edit_without_effect_on_the_data_stops_right_there(example_run):
    example_run.edit("cleaning.py", "LARGEST_RADIUS = 40.0", "LARGEST_RADIUS = 50.0")
    example_run.run("run")
    assert example_run.executed() == ["scoring::features", "training::features"]


def test_comments_docstrings_and_formatting_change_nothing(example_run):
    example_run.edit("cleaning.py", "beyond it, two cells", "past that, two cells")
    example_run.edit("cleaning.py", '"""Leave out cells', '"""Drop cells')
    example_run.edit("steps_training.py", "study = load_breast_cancer(", "study   =  load_breast_cancer( ")
    example_run.run("run")
    assert example_run.executed() == []


def test_a_parameter_reruns_only_what_takes_it(example_run):
    example_run.run("run", "--set", "threshold=0.2")
    assert example_run.executed() == ["scoring::urgent", "training::metrics", "training::missed"]
    example_run.run("run")
    assert example_run.executed() == []


def test_new_patients_leave_training_alone(example_run):
    lines = example_run.read("data/biopsies_today.csv").splitlines()
    example_run.write({"data/biopsies_today.csv": "\n".join(lines[:-1]) + "\n"})
    example_run.run("run")
    assert example_run.executed() == [f"scoring::{name}" for name in SCORING]


def test_running_one_pipeline_runs_what_it_needs_of_the_other(example):
    example.run("run", "scoring")
    executed = example.executed()
    assert "training::classifier" in executed
    assert "training::metrics" not in executed


def test_the_team_stack_has_a_store_and_a_threshold_of_its_own(example_run):
    example_run.run("run", "--stack", "team")
    assert (example_run.path / "team_store").is_dir()


def test_values_come_back_without_a_server(example_run):
    done = example_run.python(
        """
        import json, zenconv
        run = zenconv.runs()["latest"]
        print(json.dumps([run["metrics"].load()["auc"], type(zenconv.load("training::classifier")).__name__]))
        """
    )
    auc, kind = json.loads(done.stdout)
    assert auc > 0.98
    assert kind == "Pipeline"


def test_scores_can_be_had_as_a_file(example_run):
    example_run.run("get", "scoring::scores", "-o", "scores.csv")
    assert len(example_run.read("scores.csv").splitlines()) == 41


@pytest.mark.parametrize("command", ["runs", "show", "steps", "graph", "config", "stack", "plugins", "check"])
def test_every_listing_command_has_a_json_form(example_run, command):
    assert example_run.json(command)["schema"] == 1


def test_explain_names_the_edited_function(example_run):
    example_run.edit("cleaning.py", '["mean perimeter"] ** 2', '["mean perimeter"] ** 2.5')
    shown = example_run.run("explain", "training::features").stdout
    assert "add_irregularity" in shown
    assert "** 2.5" in shown
