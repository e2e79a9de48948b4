from __future__ import annotations

import pytest

from tests.project.asking import bindings_of, error_of, value_of


def edges_of(project, id):
    return {n: (b.node, b.output) for n, b in bindings_of(project, id).items() if b.source == "node"}


def test_a_parameter_asks_for_the_step_of_its_name(project) -> None:
    opened = project({"steps_a.py": "def b(a): ...\ndef a(): ...\n"})
    assert edges_of(opened, "steps_a.py::b") == {"a": ("steps_a.py::a", "")}
    assert list(opened.checked().pipeline.nodes) == ["steps_a.py::a", "steps_a.py::b"]


def test_named_outputs_are_asked_for_by_name_and_the_step_for_the_whole(project) -> None:
    text = """
    from typing import Annotated
    def split() -> tuple[Annotated[int, "train"], Annotated[int, "test"]]: ...
    def use(train, test, split): ...
    """
    found = edges_of(project({"steps_a.py": text}), "steps_a.py::use")
    assert found == {
        "train": ("steps_a.py::split", "train"),
        "test": ("steps_a.py::split", "test"),
        "split": ("steps_a.py::split", None),
    }


def test_a_step_module_is_a_closed_unit(project) -> None:
    files = {
        "steps_training.py": "def raw(): ...\ndef churn(raw): ...\n",
        "steps_scoring.py": "def raw(): ...\ndef scores(churn, raw): ...\n",
    }
    opened = project(files)
    assert edges_of(opened, "steps_scoring.py::scores") == {
        "churn": ("steps_training.py::churn", ""),
        "raw": ("steps_scoring.py::raw", ""),
    }
    assert edges_of(opened, "steps_training.py::churn")["raw"][0] == "steps_training.py::raw"
    assert list(opened.checked(["scores"]).pipeline.nodes) == [
        "steps_scoring.py::raw",
        "steps_training.py::raw",
        "steps_training.py::churn",
        "steps_scoring.py::scores",
    ]


def test_a_template_lives_in_each_pipeline_that_reaches_it(project) -> None:
    files = {
        "zenconf.py": "def features(raw): ...\ndef unused(nothing): ...\n",
        "steps_a.py": "def raw(): ...\ndef a(features): ...\n",
        "steps_b.py": "def raw(): ...\ndef b(features): ...\n",
    }
    opened = project(files)
    assert edges_of(opened, "steps_a.py::features")["raw"][0] == "steps_a.py::raw"
    assert edges_of(opened, "steps_b.py::features")["raw"][0] == "steps_b.py::raw"
    assert not [id for id in opened.checked().pipeline.nodes if "unused" in id]


def test_the_nearest_provider_wins(project) -> None:
    files = {
        "zenconf.py": "def table(): ...\n",
        "steps_far.py": "def table(): ...\ndef far(): ...\n",
        "eu/zenconf.py": "def table(): ...\n",
        "eu/steps_near.py": "def near(): ...\n",
        "eu/steps_a.py": "def a(table, near, far): ...\n",
    }
    opened = project(files)
    found = edges_of(opened, "eu/steps_a.py::a")
    assert found["table"] == ("eu/steps_a.py::table", "")
    assert opened.checked().pipeline.nodes["eu/steps_a.py::table"].step.file == "eu/zenconf.py"
    assert found["near"] == ("eu/steps_near.py::near", "")
    assert found["far"] == ("steps_far.py::far", "")


def test_the_zenconf_of_a_folder_is_nearer_than_sibling_modules(project) -> None:
    files = {
        "zenconf.py": "def table(): ...\n",
        "steps_a.py": "def a(table): ...\n",
        "steps_b.py": "def table(): ...\n",
    }
    opened = project(files)
    assert opened.checked().pipeline.nodes["steps_a.py::table"].step.file == "zenconf.py"


def test_two_providers_at_one_distance_are_an_error_only_when_asked_for(project) -> None:
    files = {
        "steps_a.py": "def table(): ...\n",
        "steps_b.py": "def table(): ...\n",
    }
    project(files).checked()
    message = str(error_of(project({"steps_c.py": "\ndef c(table): ...\n"})))
    assert "steps_c.py:2: step 'c' asks for 'table', which 2 things provide at the same distance" in message
    assert "step 'table' (steps_a.py:1) and step 'table' (steps_b.py:1)" in message
    assert 'From("steps_a.py::table")' in message


def test_a_template_may_wrap_the_one_farther_out(project) -> None:
    files = {
        "zenconf.py": "def features(raw): ...\n",
        "eu/zenconf.py": "def features(features): ...\n",
        "eu/steps_a.py": "def raw(): ...\ndef a(features): ...\n",
        "eu/steps_b.py": "def raw(): ...\ndef features(features): ...\n",
    }
    opened = project(files)
    outer = edges_of(opened, "eu/steps_a.py::features")["features"][0]
    assert outer == "eu/steps_a.py::features@zenconf.py"
    assert edges_of(opened, outer)["raw"][0] == "eu/steps_a.py::raw"
    second = edges_of(opened, "eu/steps_b.py::features")["features"][0]
    assert second == "eu/steps_b.py::features@eu/zenconf.py"
    assert edges_of(opened, second)["features"][0] == "eu/steps_b.py::features@zenconf.py"


@pytest.mark.parametrize(
    "name",
    ["raw", "steps_b.py::raw", "b::raw", "left", "steps_b.py::left", "halves.left", "b::halves.left"],
)
def test_from_takes_a_step_an_output_or_a_node_id(project, name) -> None:
    files = {
        "steps_b.py": """
        from typing import Annotated
        def raw(): ...
        def halves() -> tuple[Annotated[int, "left"], Annotated[int, "right"]]: ...
        """,
        "steps_a.py": f"""
        from typing import Annotated
        from zenconv import From
        def a(x: Annotated[int, From("{name}")] = 3): ...
        """,
    }
    expected = ("steps_b.py::halves", "left") if name.endswith("left") else ("steps_b.py::raw", "")
    assert edges_of(project(files), "steps_a.py::a")["x"] == expected


def test_from_an_unknown_place_or_step_is_an_error(project) -> None:
    text = """
    from typing import Annotated
    from zenconv import From
    def raw(): ...
    def a(x: Annotated[int, From("steps_x.py::raw")]): ...
    def b(x: Annotated[int, From("steps_a.py::rav")]): ...
    def c(x: Annotated[int, From("rav")]): ...
    def d(x: Annotated[int, From("raw.rest")]): ...
    """
    message = str(error_of(project({"steps_a.py": text})))
    assert (
        "step 'a' asks for From(\"steps_x.py::raw\"), but there is no file or pipeline 'steps_x.py'"
        in message
    )
    assert "step 'b' asks for From(\"steps_a.py::rav\"), which no step provides" in message
    assert "step 'c' asks for From(\"rav\"), which no step provides\n    did you mean 'raw'?" in message
    assert "step 'd' asks for From(\"raw.rest\"), which no step provides" in message


def test_a_parameter_with_a_default_is_wired_by_its_own_module_only(project) -> None:
    files = {
        "zenconf.py": "def limit(): ...\n",
        "steps_b.py": "def other(): ...\n",
        "steps_a.py": "def own(): ...\ndef a(limit=1, other=2, own=3, a=4): ...\n",
    }
    bindings = bindings_of(project(files), "steps_a.py::a")
    assert [(n, b.source, b.value, b.origin) for n, b in bindings.items()] == [
        ("limit", "value", 1, "default"),
        ("other", "value", 2, "default"),
        ("own", "node", None, ""),
        ("a", "value", 4, "default"),
    ]


def test_builtin_fixtures_come_last(project) -> None:
    files = {"steps_a.py": "def now(): ...\ndef a(now, run, seed=3): ...\n"}
    bindings = bindings_of(project(files), "steps_a.py::a")
    assert bindings["now"].source == "node"
    assert (bindings["run"].source, bindings["run"].fixture) == ("builtin", "run")
    assert bindings["seed"].value == 3


def test_places_to_write_need_no_value_and_may_have_one(project) -> None:
    text = """
    from pathlib import Path
    from zenconv import Output
    def report(): ...
    def a(path: "Output[Path]", report: Output[Path]): ...
    """
    opened = project({"steps_a.py": text, "zenconv.toml": "params.path = 'out.txt'\n"})
    bindings = bindings_of(opened, "steps_a.py::a")
    assert bindings["path"].is_output
    assert bindings["path"].value == opened.settings.root / "out.txt"
    assert (bindings["report"].is_output, bindings["report"].value) == (True, None)


def test_an_unresolved_name_says_what_is_meant_and_how_to_mend_it(project) -> None:
    error = error_of(project({"steps_a.py": "def train(): ...\n\ndef churn(trian): ...\n"}))
    assert error.exit_code == 2
    assert str(error) == (
        "steps_a.py:3: step 'churn' asks for 'trian'; nothing provides it\n"
        "    did you mean 'train'?\n"
        "    hint: write a step `trian`, or give it a value: a default, or --set trian=...; "
        "not a step? name it `_churn`"
    )


def test_several_unresolved_names_of_one_step_are_one_problem(project) -> None:
    error = error_of(project({"steps_a.py": "def title_(): ...\ndef bar_chart(data, title, width): ...\n"}))
    (problem,) = error.problems
    assert "step 'bar_chart' asks for 'data', 'title' and 'width'; nothing provides them" in problem.what
    assert problem.exists == "for 'title' did you mean 'title_'?"
    assert "name it `_bar_chart`" in problem.hint


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("def _raw(): ...", "`_raw` is a helper, for its name begins with an underscore"),
        ("@zenconv.helper\ndef raw(): ...", "marked as a helper"),
        ("class raw: ...", "`raw` is a class"),
        ("raw = 3", "`raw` is a int of the module"),
        ("raw = lambda: 3", "`raw` is a lambda"),
        ("from cleaning import raw", "`raw` is imported from cleaning"),
    ],
)
def test_a_near_miss_is_explained(project, line, reason) -> None:
    files = {"cleaning.py": "def raw(): ...\n", "steps_a.py": f"import zenconv\n{line}\ndef a(raw): ...\n"}
    (problem,) = error_of(project(files)).problems
    assert reason in problem.hint


def test_a_step_out_of_sight_is_pointed_at(project) -> None:
    files = {"eu/steps_b.py": "def raw(): ...\n", "steps_a.py": "def a(raw): ...\n"}
    assert 'From("eu/steps_b.py::raw")' in str(error_of(project(files)))


def test_all_problems_are_shown_together_by_file_and_line(project) -> None:
    files = {
        "steps_b.py": "1 / 0\n",
        "steps_a.py": "def a(x): ...\ndef b(a: int): ...\ndef c(y): ...\n",
    }
    assert [p.where for p in error_of(project(files)).problems] == [
        "steps_a.py:1",
        "steps_a.py:3",
        "steps_b.py:1",
    ]


def test_a_cycle_is_drawn_with_its_places(project) -> None:
    error = str(
        error_of(project({"steps_a.py": "def a(b): ...\ndef b(c): ...\ndef c(a): ...\ndef d(a): ...\n"}))
    )
    assert "steps_a.py:1: a cycle: a <- b <- c <- a" in error
    assert "steps_a.py:1 a, steps_a.py:2 b, steps_a.py:3 c" in error


def test_a_step_that_asks_for_itself_is_told_so(project) -> None:
    files = {
        "steps_a.py": "from typing import Annotated\nfrom zenconv import From\n"
        "def a(x: Annotated[int, From('steps_a.py::a')]): ...\n"
    }
    assert "step 'a' asks for itself: a <- a" in str(error_of(project(files)))


def test_a_very_long_cycle_is_shortened(project) -> None:
    lines = [f"def s{i}(s{(i + 1) % 50}): ..." for i in range(50)]
    error = str(error_of(project({"steps_a.py": "\n".join(lines)})))
    assert "... 38 more ..." in error


def test_provably_wrong_edges_are_errors(project) -> None:
    text = """
    def a() -> dict[str, int]: ...
    def b(a: int): ...
    def c(a: "dict[str, float]"): ...
    def nothing() -> None: ...
    def d(nothing: int): ...
    """
    error = error_of(project({"steps_a.py": text}))
    assert [p.line for p in error.problems] == [3, 6]
    assert "step 'b' wants a: int, but step 'a' is dict[str, int]" in str(error)
    assert "'a' is at steps_a.py:2" in str(error)
    assert "its annotation must say what: def nothing(...) -> ..." in str(error)


def test_edges_are_checked_through_type_checking_imports(project) -> None:
    text = """
    from __future__ import annotations
    from typing import TYPE_CHECKING, Annotated
    if TYPE_CHECKING:
        from library import Left, Right

    def a() -> Left: ...
    def b(a: Left): ...
    def c(a: Right): ...
    """
    files = {"library.py": "class Left: ...\nclass Right: ...\n", "steps_a.py": text}
    (problem,) = error_of(project(files)).problems
    assert "step 'c' wants a: Right, but step 'a' is Left" in problem.what


def test_a_type_checking_import_is_not_carried_out_for_equal_types(project) -> None:
    import sys

    text = """
    from __future__ import annotations
    import typing
    if typing.TYPE_CHECKING:
        import antigravity_like_library as lib

    def a() -> lib.Table: ...
    def b(a: lib.Table, x: int | None = None) -> list[lib.Table]: ...
    def c(b: list[lib.Table]): ...
    """
    files = {"antigravity_like_library.py": "class Table: ...\n", "steps_a.py": text}
    project(files).checked()
    assert "antigravity_like_library" not in sys.modules


def test_the_order_is_that_of_files_and_definitions(project) -> None:
    files = {
        "steps_b.py": "def b2(): ...\ndef b1(b2): ...\n",
        "steps_a.py": "def a3(a1): ...\ndef a2(): ...\ndef a1(): ...\n",
    }
    assert list(project(files).checked().pipeline.nodes) == [
        "steps_a.py::a2",
        "steps_a.py::a1",
        "steps_a.py::a3",
        "steps_b.py::b2",
        "steps_b.py::b1",
    ]


def test_a_chain_of_many_steps_is_built_without_recursion(project) -> None:
    lines = ["def s0(): ..."] + [f"def s{i}(s{i - 1}): ..." for i in range(1, 3000)]
    pipeline = project({"steps_a.py": "\n".join(reversed(lines))}).checked().pipeline
    assert len(pipeline) == 3000
    assert list(pipeline.nodes)[-1] == "steps_a.py::s2999"


def test_values_show_where_they_come_from(project) -> None:
    files = {
        "zenconv.toml": "[params]\nC = 1\nchurn.depth = 3\ntraining.rate = 0.5\n",
        "steps_training.py": "def churn(C: float, depth: int, rate: float, mode: str, width=2): ...\n",
    }
    opened = project(files, sets=("mode=7",))
    id = "steps_training.py::churn"
    assert value_of(opened, id, "C") == (1.0, "zenconv.toml:2")
    assert type(value_of(opened, id, "C")[0]) is float
    assert value_of(opened, id, "depth") == (3, "zenconv.toml:3")
    assert value_of(opened, id, "rate") == (0.5, "zenconv.toml:4")
    assert value_of(opened, id, "mode") == ("7", "--set")
    assert value_of(opened, id, "width") == (2, "default")


def test_the_more_specific_key_wins_and_the_stronger_layer_before_it(project) -> None:
    files = {
        "zenconv.toml": "params = {C = 1, churn = {C = 2}, training = {C = 3, churn = {C = 4}}}\n",
        "steps_training.py": "def churn(C): ...\ndef other(C): ...\n",
        "steps_scoring.py": "def churn_(C): ...\n",
    }
    opened = project(files)
    assert value_of(opened, "steps_training.py::churn", "C")[0] == 4
    assert value_of(opened, "steps_training.py::other", "C")[0] == 3
    assert value_of(opened, "steps_scoring.py::churn_", "C")[0] == 1
    assert not opened.warnings
    assert value_of(project({}, sets=("C=9",)), "steps_training.py::churn", "C") == (9, "--set")


def test_the_environment_is_stronger_than_the_file(project) -> None:
    files = {"zenconv.toml": "params.C = 1\n", "steps_a.py": "def a(C: int): ...\n"}
    assert value_of(project(files, ZENCONV_PARAMS__C="5"), "steps_a.py::a", "C") == (5, "ZENCONV_PARAMS__C")


def test_a_value_of_the_wrong_type_is_an_error_of_the_configuration(project) -> None:
    files = {"zenconv.toml": "\nparams.C = 'abc'\n", "steps_a.py": "def a(C: float): ...\n"}
    error = error_of(project(files))
    assert error.exit_code == 4
    assert "zenconv.toml:2: parameter 'C' of step 'a': expected float" in str(error)
    assert "declared at steps_a.py:1" in str(error)


def test_a_secret_is_bound_by_name_and_not_looked_up(project) -> None:
    files = {"zenconv.toml": 'params.token = "${env:TOKEN}"\n', "steps_a.py": "def a(token: str): ...\n"}
    binding = bindings_of(project(files, TOKEN="hidden"), "steps_a.py::a")["token"]
    assert binding.secret == "TOKEN"
    assert "hidden" not in repr(binding)


FIXTURES = """
import zenconv

@zenconv.fixture(scope="run")
def db(url): yield url

@zenconv.fixture(scope="pipeline")
def session(db, run): ...

@zenconv.fixture(autouse=True)
def timer(tmp_path): ...
"""


def test_fixtures_are_bound_with_their_own_parameters(project) -> None:
    files = {
        "zenconv.toml": "params.url = 'x'\n",
        "zenconf.py": FIXTURES,
        "steps_a.py": "def a(session): ...\n",
        "steps_b.py": "def b(db): ...\n",
    }
    pipeline = project(files).checked().pipeline
    assert set(pipeline.fixtures) == {
        "steps_a.py::db",
        "steps_b.py::db",
        "steps_a.py::session",
        "steps_a.py::timer",
        "steps_b.py::timer",
    }
    assert pipeline.fixtures["steps_a.py::session"].bindings[0].fixture == "steps_a.py::db"
    assert pipeline.fixtures["steps_a.py::db"].bindings[0].value == "x"
    assert [b.fixture for b in pipeline.nodes["steps_b.py::b"].autouse] == ["steps_b.py::timer"]
    assert pipeline.nodes["steps_b.py::b"].bindings[0].fixture == "steps_b.py::db"


def test_a_fixture_may_wrap_the_one_farther_out(project) -> None:
    files = {
        "zenconf.py": "import zenconv\n@zenconv.fixture\ndef db(): ...\n",
        "steps_a.py": "import zenconv\n@zenconv.fixture\ndef db(db): ...\ndef a(db): ...\n",
    }
    pipeline = project(files).checked().pipeline
    assert pipeline.fixtures["steps_a.py::db"].bindings[0].fixture == "steps_a.py::db@zenconf.py"


def test_a_fixture_may_not_ask_for_a_step(project) -> None:
    text = "import zenconv\n@zenconv.fixture\ndef db(raw): ...\ndef raw(): ...\ndef a(db): ...\n"
    error = str(error_of(project({"steps_a.py": text})))
    assert "steps_a.py:3: fixture 'db' asks for 'raw', which is step 'raw' (steps_a.py:4)" in error
    assert "a fixture may ask for fixtures and parameters only" in error


@pytest.mark.parametrize("name", ["tmp_path", "short"])
def test_a_fixture_may_not_outlive_what_it_asks_for(project, name) -> None:
    text = f"""
    import zenconv
    @zenconv.fixture(scope="run")
    def db({name}): ...
    @zenconv.fixture
    def short(): ...
    def a(db): ...
    """
    error = str(error_of(project({"steps_a.py": text})))
    assert (
        f"steps_a.py:4: fixture 'db' lives for the run, but asks for '{name}', which lives for the step"
        in error
    )
    assert f"a (steps_a.py:7) -> db (run, steps_a.py:4) -> {name} (step, " in error
    assert '@zenconv.fixture(scope="step")' in error


def test_fixtures_that_ask_for_each_other_are_an_error(project) -> None:
    text = "import zenconv\n@zenconv.fixture\ndef x(y): ...\n@zenconv.fixture\ndef y(x): ...\ndef a(x): ...\n"
    error = str(error_of(project({"steps_a.py": text})))
    assert "fixtures ask for each other: x -> y -> x" in error
    assert "a (steps_a.py:6) -> x (step, steps_a.py:3) -> y (step, steps_a.py:5) -> x (step" in error


def test_a_fixture_that_nobody_provides_parameters_for_is_an_error(project) -> None:
    text = "import zenconv\n@zenconv.fixture\ndef db(url): ...\ndef a(db): ...\n"
    error = str(error_of(project({"steps_a.py": text})))
    assert "fixture 'db' asks for 'url'; nothing provides it" in error
    assert "name it" not in error
