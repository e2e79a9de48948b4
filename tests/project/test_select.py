from __future__ import annotations

import pytest

from tests.project.asking import error_of, select

FILES = {
    "zenconf.py": "def features(raw): ...\n",
    "steps_training.py": """
    from typing import Annotated
    def raw(): ...
    def split(features) -> tuple[Annotated[int, "train"], Annotated[int, "test"]]: ...
    def churn(train): ...
    """,
    "eu/steps_scoring.py": "def raw(): ...\ndef scores(features, churn): ...\n",
    "eu/steps_training.py": "def report(scores): ...\n",
    "notes.py": "",
    "empty/readme.txt": "",
}
TRAINING = ["raw", "split", "churn"]


def ids_of(project, *targets, **options):
    return set(select(project, *targets, **options).ids)


def in_training(*names):
    return {f"steps_training.py::{name}" for name in names}


@pytest.mark.parametrize("target", ["steps_training.py::churn", "training::churn", "churn"])
def test_a_step_is_selected_by_node_id_pipeline_and_name(project, target) -> None:
    opened = project(FILES)
    selected = opened.checked([target])
    assert selected.ids == in_training("churn")
    assert set(selected.pipeline.nodes) == in_training("raw", "features", "split", "churn")
    assert selected.pipeline.names == ("training",)


@pytest.mark.parametrize("target", ["train", "training::train", "steps_training.py::test"])
def test_an_output_selects_its_step(project, target) -> None:
    assert ids_of(project(FILES), target) == in_training("split")


@pytest.mark.parametrize("target", ["training", "steps_training.py", "./steps_training.py"])
def test_a_pipeline_is_selected_by_name_and_file(project, tmp_path, target) -> None:
    assert ids_of(project(FILES), target, cwd=tmp_path) == in_training(*TRAINING)


def test_the_last_part_of_a_pipelines_name_suffices_where_unique(project) -> None:
    opened = project(FILES)
    expected = {"eu/steps_scoring.py::raw", "eu/steps_scoring.py::scores"}
    assert ids_of(opened, "scoring") == ids_of(opened, "eu/scoring") == expected


def test_a_whole_name_wins_over_a_last_part(project) -> None:
    assert ids_of(project(FILES), "training") == in_training(*TRAINING)


def test_a_folder_selects_the_pipelines_in_it(project, tmp_path) -> None:
    opened = project(FILES)
    expected = {"eu/steps_scoring.py::raw", "eu/steps_scoring.py::scores", "eu/steps_training.py::report"}
    assert ids_of(opened, "eu", cwd=tmp_path) == expected
    assert ids_of(opened, ".", cwd=tmp_path / "eu") == expected


def test_paths_are_taken_from_the_current_folder_first(project, tmp_path) -> None:
    opened = project(FILES)
    assert ids_of(opened, "steps_training.py", cwd=tmp_path / "eu") == {"eu/steps_training.py::report"}
    assert ids_of(opened, "steps_training.py::report", cwd=tmp_path / "eu") == {
        "eu/steps_training.py::report"
    }
    assert ids_of(opened, "../steps_training.py", cwd=tmp_path / "eu") == in_training(*TRAINING)
    assert ids_of(opened, str(tmp_path / "steps_training.py")) == in_training(*TRAINING)


def test_a_zenconf_selects_its_templates_wherever_they_live(project, tmp_path) -> None:
    expected = {"steps_training.py::features", "eu/steps_scoring.py::features"}
    assert ids_of(project(FILES), "zenconf.py", cwd=tmp_path) == expected


def test_two_matches_of_one_rank_are_an_error(project) -> None:
    opened = project(FILES)
    error = error_of(opened, "raw")
    assert error.exit_code == 4
    assert "'raw' may mean 2 steps: steps_training.py::raw, eu/steps_scoring.py::raw" in str(error)
    assert "say which: steps_training.py::raw" in str(error)


def test_two_pipelines_of_one_last_part_are_an_error(project) -> None:
    opened = project({"a/steps_x.py": "def a(): ...\n", "b/steps_x.py": "def b(): ...\n"})
    assert "'x' may mean 2 pipelines: a/x, b/x" in str(error_of(opened, "x"))


def test_an_unknown_target_is_an_error_with_a_suggestion(project) -> None:
    error = error_of(project(FILES), "chrun")
    assert error.exit_code == 4
    assert "'chrun' is no step, pipeline, file or folder of this project" in str(error)
    assert "did you mean 'churn'" in str(error)


def test_an_unknown_node_id_suggests_one(project) -> None:
    assert "did you mean 'steps_training.py::churn'" in str(
        error_of(project(FILES), "steps_training.py::chrun")
    )


def test_a_file_that_is_no_step_file_is_named_so(project, tmp_path) -> None:
    assert "'notes.py' is no step file" in str(error_of(project(FILES), "notes.py", cwd=tmp_path))


def test_several_targets_are_joined(project) -> None:
    assert ids_of(project(FILES), "churn", "report") == {
        "steps_training.py::churn",
        "eu/steps_training.py::report",
    }


def test_keywords_narrow_what_the_targets_select(project) -> None:
    opened = project(FILES)
    assert ids_of(opened, keyword="raw and not eu") == in_training("raw")
    assert ids_of(opened, "training", keyword="train and not raw") == in_training("split", "churn")
    assert ids_of(opened, keyword="test") == in_training("split")


def test_a_keyword_without_a_match_selects_nothing(project) -> None:
    error = error_of(project(FILES), keyword="nowhere")
    assert error.exit_code == 5
    assert "-k 'nowhere' matches no step" in str(error)


def test_the_last_failed_narrow_the_selection(project) -> None:
    opened = project(FILES)
    assert ids_of(opened, last_failed=["steps_training.py::churn", "gone"]) == in_training("churn")
    assert len(ids_of(opened, last_failed=[])) == 8
    error = error_of(opened, "report", last_failed=["steps_training.py::churn"])
    assert error.exit_code == 5
    assert "none of the steps that failed last is selected" in str(error)


def test_a_project_without_steps_selects_nothing(project) -> None:
    error = error_of(project({"steps_a.py": "x = 1\n"}))
    assert error.exit_code == 5
    assert "the step files define no step" in str(error)


def test_a_project_without_step_files_says_what_to_do(project) -> None:
    error = error_of(project({"zenconv.toml": ""}))
    assert error.exit_code == 5
    assert "create steps_first.py" in str(error)


def test_a_target_without_steps_selects_nothing(project) -> None:
    opened = project({"steps_a.py": "def a(): ...\n", "steps_b.py": "x = 1\n"})
    error = error_of(opened, "b")
    assert error.exit_code == 5
    assert "'b': there is no step in it" in str(error)


def test_only_fixtures_of_the_selection_are_kept(project) -> None:
    text = """
    import zenconv
    @zenconv.fixture
    def one(): ...
    @zenconv.fixture
    def two(one): ...
    @zenconv.fixture
    def three(): ...
    def a(two): ...
    def b(three): ...
    """
    pipeline = project({"steps_a.py": text}).checked(["steps_a.py::a"]).pipeline
    assert set(pipeline.fixtures) == {"steps_a.py::one", "steps_a.py::two"}


def test_steps_to_force_are_matched_within_a_selection(project) -> None:
    opened = project(FILES)
    pipeline = opened.checked(["churn"]).pipeline
    assert opened.match(pipeline, ["split", "report"]) == in_training("split")
