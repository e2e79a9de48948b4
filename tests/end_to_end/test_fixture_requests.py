"""``request``: who asks, marks that pass data, fixtures by name; ``usefixtures``; built-in fixtures."""

from __future__ import annotations

import pytest

WHO_ASKS = {
    "pyproject.toml": """
[tool.zenconv]
markers = ["rows(count): how many rows", "slow: takes long"]
""",
    "zenconf.py": """
import zenconv

@zenconv.fixture
def narrow(request):
    node = request.node
    return [node.id, node.nodeid, node.name, node.pipeline, request.fixturename, request.scope, str(node)]

@zenconv.fixture(scope="pipeline", name="wide")
def _wide(request):
    node = request.node
    return [node.name, node.pipeline, request.fixturename, request.scope, request.fixturenames]

@zenconv.fixture(scope="run")
def widest(request):
    return [request.node.name, request.node.id, request.fixturename, request.scope]

@zenconv.fixture
def table(request):
    mark = request.node.get_closest_marker("rows")
    return list(range(mark.args[0] if mark is not None else 1))
""",
    "eu/steps_a.py": """
import zenconv

def one(narrow): return narrow
def two(wide): return wide
def three(widest): return widest

@zenconv.mark.slow
@zenconv.mark.timeout(60)
@zenconv.mark.rows(3)
def four(table, request) -> dict:
    return {
        "rows": len(table),
        "names": request.fixturenames,
        "keywords": list(request.keywords),
        "marks": [mark.name for mark in request.node.iter_markers()],
        "none": request.node.get_closest_marker("timeout"),
        "own": [request.fixturename, request.scope, request.function is four],
    }

def five(table) -> int:
    return len(table)
""",
}


def test_request_tells_who_asks_and_a_wider_fixture_nothing_of_the_first_step_that_did(project) -> None:
    it = project(WHO_ASKS)
    it.run("run")
    id = "eu/steps_a.py::one"
    assert it.value("one") == [id, id, "one", "eu/a", "narrow", "step", id]
    assert it.value("two") == ["eu/a", "eu/a", "wide", "pipeline", []]
    assert it.value("three") == ["run", "", "widest", "run"]


def test_marks_of_a_step_pass_data_to_its_fixtures_and_count_in_its_key(project) -> None:
    it = project(WHO_ASKS)
    it.run("run")
    assert it.value("four") == {
        "rows": 3,
        "names": ["table"],
        "keywords": ["four", "rows", "slow"],
        "marks": ["rows", "slow"],
        "none": None,
        "own": [None, "step", True],
    }
    assert it.value("five") == 1
    it.edit("eu/steps_a.py", "rows(3)", "rows(4)")
    it.run("run")
    assert it.executed() == ["eu/a::four"]
    assert it.value("four")["rows"] == 4
    told = "what request tells fixture table changed: eu/a::four @rows(3) @slow -> eu/a::four @rows(4) @slow"
    assert told in it.reasons()["eu/a::four"]
    it.edit("eu/steps_a.py", "timeout(60)", "timeout(50)")
    it.run("run")
    assert it.executed() == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("config", "settings do not count in the key: ask for the parameter by its name"),
        ("module", "what it holds would not count in the key"),
        ("param", "this fixture has no params"),
        ("nonsense", "request has no attribute 'nonsense'"),
    ],
)
def test_what_request_lacks_is_refused_with_the_reason(project, name, reason) -> None:
    it = project({"steps_a.py": f"def one(request): return request.{name}\n"})
    assert reason in it.run("run", check=1).stderr


BY_NAME = {
    "steps_a.py": """
import zenconv

@zenconv.fixture
def sqlite():
    print("sqlite up")
    yield "sqlite 3"
    print("sqlite down")

@zenconv.fixture
def postgres():
    print("postgres up")
    return "postgres 18"

@zenconv.fixture
def database(request, kind: str = "sqlite"):
    return request.getfixturevalue("postgres" if kind == "postgres" else "sqlite")

def one(database) -> str:
    print("one")
    return database

def two(request) -> str:
    return request.getfixturevalue("sqlite")
""",
}


def test_a_fixture_asked_for_by_name_is_the_only_one_set_up_and_ends_after_who_asked(project) -> None:
    it = project(BY_NAME)
    it.run("run")
    assert (it.value("one"), it.value("two")) == ("sqlite 3", "sqlite 3")
    assert it.run("logs", "one").stdout.split("\n")[:-1] == ["sqlite up", "one", "sqlite down"]
    it.run("run", "--set", "kind=postgres")
    assert it.value("one") == "postgres 18"


def test_every_fixture_whose_name_stands_in_quotes_counts_in_the_key(project) -> None:
    it = project(BY_NAME)
    it.run("run")
    it.edit("steps_a.py", '"postgres 18"', '"postgres 19"')
    it.run("run")
    assert it.executed() == ["a::one"]
    it.edit("steps_a.py", '"sqlite 3"', '"sqlite 4"')
    it.run("run")
    assert it.executed() == ["a::one", "a::two"]


def test_a_name_that_the_key_cannot_know_is_refused_with_what_to_write(project) -> None:
    it = project(
        {
            "steps_a.py": """
            import zenconv

            @zenconv.fixture
            def hidden(): return 1

            def one(request):
                return request.getfixturevalue("hid" + "den".lower())
            """
        }
    )
    shown = it.run("run", check=1).stderr
    assert "UsageError: step 'one' cannot have 'hidden' by name" in shown
    assert "the key would not count it" in shown
    assert 'write the name in quotes there: request.getfixturevalue("hidden")' in shown


def test_what_a_step_has_set_up_anyway_can_be_asked_for_by_any_name_that_comes(project) -> None:
    it = project(
        {
            "steps_a.py": """
            import zenconv

            @zenconv.fixture
            def inner(): return "in"

            @zenconv.fixture
            def outer(inner): return "out"

            def one(outer, request) -> list:
                return [request.getfixturevalue(name) for name in request.fixturenames]
            """
        }
    )
    it.run("run")
    assert it.value("one") == ["out", "in"]


def test_by_name_too_no_fixture_outlives_what_it_asks_for_and_none_asks_for_itself(project) -> None:
    it = project(
        {
            "steps_a.py": """
            import zenconv

            @zenconv.fixture
            def narrow(): return 1

            @zenconv.fixture(scope="run")
            def wide(request): return request.getfixturevalue("narrow")

            @zenconv.fixture(scope="run")
            def folder(request): return request.getfixturevalue("tmp_path")

            @zenconv.fixture
            def ping(request): return request.getfixturevalue("pong")

            @zenconv.fixture
            def pong(ping): return 1

            def one(wide): ...
            def two(ping): ...
            def three(folder): ...
            """
        }
    )
    shown = it.run("run", check=1).stderr
    assert (
        "fixture 'wide' (steps_a.py:7) lives for the run, but asks for 'narrow', which lives for the step"
        in shown
    )
    assert "asks for 'tmp_path', which lives for the step" in shown
    assert "who asked: narrow (steps_a.py:4) <- fixture 'wide' (steps_a.py:7) <- step 'one'" in shown
    assert "fixture 'ping' asks for itself: fixture 'ping' (steps_a.py:13) <- fixture 'pong'" in shown


USES = {
    "zenconf.py": """
import os
import zenconv

@zenconv.fixture
def clean_folder(tmp_path):
    before = os.getcwd()
    os.chdir(tmp_path)
    yield
    os.chdir(before)

@zenconv.fixture
def announced():
    print("announced")
""",
    "steps_a.py": """
import os
import random
import zenconv

zenconvmark = [zenconv.mark.usefixtures("clean_folder")]

def one() -> list:
    return os.listdir()

@zenconv.mark.usefixtures("announced", "seed")
def two() -> float:
    assert os.listdir() == []
    return random.random()
""",
    "steps_b.py": "import os\ndef three() -> list:\n    return sorted(os.listdir())[-2:]\n",
}


def test_usefixtures_sets_fixtures_up_for_a_step_or_for_all_steps_of_a_file(project) -> None:
    it = project(USES)
    it.run("run")
    assert it.value("one") == []
    assert it.value("three") == ["steps_b.py", "zenconf.py"]
    assert it.run("logs", "two").stdout == "announced\n"
    drawn = it.value("two")
    it.edit("steps_a.py", "    return random.random()", "    drawn = random.random()\n    return drawn")
    it.run("run")
    assert it.executed() == ["a::two"]
    assert it.value("two") == drawn


def test_a_fixture_that_is_only_used_counts_in_the_key_as_well(project) -> None:
    it = project(USES)
    it.run("run")
    it.edit("zenconf.py", 'print("announced")', 'print("announced again")')
    it.run("run")
    assert it.executed() == ["a::two"]
    it.append("zenconf.py", "    print('more')\n")
    it.edit("zenconf.py", "    os.chdir(before)\n", "    os.chdir(before)\n    print('left')\n")
    it.run("run")
    assert it.executed() == ["a::one", "a::two"]


def test_usefixtures_of_what_is_no_fixture_is_a_mistake_at_the_mark(project) -> None:
    it = project(
        {
            "steps_a.py": """
            import zenconv

            @zenconv.fixture
            def database(): ...

            def raw(): return 1

            @zenconv.mark.usefixtures("databse", "raw")
            def one(): ...
            """
        }
    )
    shown = it.run("run", check=2).stderr
    assert "steps_a.py:8: usefixtures of step 'one' names 'databse', which is no fixture" in shown
    assert "did you mean 'database'?" in shown
    assert "usefixtures of step 'one' names 'raw', which is step 'raw' (steps_a.py:6)" in shown


def test_a_step_and_its_fixtures_share_one_tmp_path(project) -> None:
    it = project(
        {
            "steps_a.py": """
            import zenconv

            @zenconv.fixture
            def filled(tmp_path):
                (tmp_path / "x").write_text("filled")

            def one(filled, tmp_path) -> str:
                return (tmp_path / "x").read_text()

            def two(tmp_path) -> int:
                return len(list(tmp_path.iterdir()))
            """
        }
    )
    it.run("run")
    assert (it.value("one"), it.value("two")) == ("filled", 0)


def test_a_wider_fixture_that_asks_for_seed_draws_the_same_whichever_step_comes_first(project) -> None:
    it = project(
        {
            "steps_a.py": """
            import random
            import zenconv

            @zenconv.fixture(scope="run")
            def noise(seed):
                return random.random()

            def one(noise) -> float: return noise
            def two(noise) -> float: return noise
            """
        }
    )
    it.run("run", "a::two")
    drawn = it.value("two")
    it.run("run")
    assert it.executed() == ["a::one"]
    assert it.value("one") == drawn


def test_the_log_of_a_fixture_bears_its_own_name(project) -> None:
    it = project(
        {
            "steps_a.py": """
            import zenconv

            @zenconv.fixture
            def db(log):
                return log.name

            def one(db, log) -> list:
                log.info("hello")
                return [db, log.name]
            """
        }
    )
    it.run("run")
    assert it.value("one") == ["zenconv.fixture.db", "zenconv.step.one"]
    assert "INFO hello" in it.run("logs", "one").stdout
