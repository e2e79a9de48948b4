"""What is nearer takes the place of what is farther, may wrap it, and says so on request."""

from __future__ import annotations

LEVELS = {
    "zenconf.py": """
import zenconv

@zenconv.fixture
def db():
    return ["root"]

@zenconv.fixture
def client(db):
    return ["client", *db]

@zenconv.fixture(scope="run")
def wide(base):
    with open("made", "a") as stream:
        stream.write("x")
    return ["wide", *base]

@zenconv.fixture(scope="run")
def base():
    return ["root"]

def raw():
    return ["root"]

def features(raw):
    return ["features", *raw]
""",
    "eu/zenconf.py": """
import zenconv

@zenconv.fixture
def db(db):
    return ["eu", *db]

def raw(raw):
    return ["eu", *raw]
""",
    "eu/west/zenconf.py": """
import zenconv

@zenconv.fixture
def db(db):
    return ["west", *db]

def raw(raw):
    return ["west", *raw]
""",
    "eu/west/steps_b.py": """
import zenconv

@zenconv.fixture
def db(db):
    return ["module", *db]

@zenconv.fixture(scope="run")
def base():
    return ["module"]

def raw(raw):
    return ["module", *raw]

def seen(client, db): return [client, db]
def made(features): return features
def shared(wide): return wide
""",
    "steps_a.py": """
def seen(client, db): return [client, db]
def made(features): return features
def shared(wide): return wide
""",
    "steps_c.py": "def shared(wide): return wide\n",
}


def test_fixtures_are_wrapped_level_by_level_and_others_see_the_nearest(project) -> None:
    it = project(LEVELS)
    it.run("run")
    whole = ["module", "west", "eu", "root"]
    assert it.value("eu/west/b::seen") == [["client", *whole], whole]
    assert it.value("a::seen") == [["client", "root"], ["root"]]


def test_templates_are_wrapped_level_by_level_and_others_see_the_nearest(project) -> None:
    it = project(LEVELS)
    it.run("run")
    assert it.value("eu/west/b::made") == ["features", "module", "west", "eu", "root"]
    assert it.value("a::made") == ["features", "root"]


def test_a_fixture_of_the_run_is_one_for_all_pipelines_that_see_the_same_and_another_where_one_does_not(
    project,
) -> None:
    it = project(LEVELS)
    it.run("run")
    assert it.value("eu/west/b::shared") == ["wide", "module"]
    assert it.value("a::shared") == it.value("c::shared") == ["wide", "root"]
    assert it.read("made") == "xx"


def test_a_change_of_an_overridden_fixture_runs_only_the_steps_that_it_reaches(project) -> None:
    it = project(LEVELS)
    it.run("run")
    it.edit("eu/zenconf.py", '["eu", *db]', '["EU", *db]')
    it.run("run")
    assert it.executed() == ["eu/west/b::seen"]
    assert "zenconf.db changed, eu/zenconf.py:3" in it.reasons()["eu/west/b::seen"]


def test_overriding_something_that_was_not_overridden_runs_the_steps_that_see_it(project) -> None:
    it = project(LEVELS)
    it.run("run")
    it.append("steps_a.py", "import zenconv\n@zenconv.fixture\ndef db(db): return ['a', *db]\n")
    it.run("run")
    assert it.executed() == ["a::seen"]
    assert it.value("a::seen") == [["client", "a", "root"], ["a", "root"]]


def test_steps_overrides_shows_who_overrides_whom_without_importing_again(project) -> None:
    it = project(LEVELS)
    shown = it.run("steps", "--overrides").stdout
    assert "db  fixture\n" in shown
    assert "  eu/west/steps_b.py:4 overrides eu/west/zenconf.py:4, and asks for it  in eu/west/b\n" in shown
    assert "  eu/zenconf.py:4 overrides zenconf.py:4, and asks for it  in eu/west/b\n" in shown
    assert "raw  step\n  eu/west/steps_b.py:11 overrides eu/west/zenconf.py:7, and asks for it" in shown
    assert "  eu/west/steps_b.py:8 overrides zenconf.py:18  in eu/west/b\n" in shown
    it.run("run")
    assert it.run("steps", "--overrides").stdout == shown
    assert it.run("steps", "--overrides", "a").stdout == ""


def test_overrides_are_told_as_json_with_the_built_in_fixtures_that_lost_their_name(project) -> None:
    it = project(
        {
            "zenconf.py": "import zenconv\n@zenconv.fixture\ndef tmp_path(): return 'mine'\n",
            "steps_a.py": "def seed() -> int: return 3\ndef one(tmp_path, seed): return [tmp_path, seed]\n",
        }
    )
    assert it.json("steps", "--overrides")["overrides"] == [
        {
            "name": name,
            "kind": kind,
            "where": where,
            "overridden": "built in",
            "wraps": False,
            "pipelines": ["a"],
        }
        for name, kind, where in (("seed", "step", "steps_a.py:1"), ("tmp_path", "fixture", "zenconf.py:3"))
    ]
    it.run("run")
    assert it.value("one") == ["mine", 3]


def test_a_project_without_overrides_says_so(project) -> None:
    it = project({"steps_a.py": "def one(): return 1\n"})
    result = it.run("steps", "--overrides")
    assert (result.stdout, result.stderr) == ("", "nothing is overridden\n")


def test_a_fixture_that_asks_for_its_own_name_where_none_is_farther_out_is_an_error(project) -> None:
    it = project({"steps_a.py": "import zenconv\n@zenconv.fixture\ndef db(db): ...\ndef one(db): ...\n"})
    shown = it.run("run", check=2).stderr
    assert "steps_a.py:3: fixture 'db' asks for 'db'" in shown


def test_an_overridden_name_that_comes_back_through_another_fixture_is_an_error_with_the_chain(
    project,
) -> None:
    it = project(
        {
            "zenconf.py": """
            import zenconv
            @zenconv.fixture
            def db(): ...
            @zenconv.fixture
            def client(db): ...
            """,
            "steps_a.py": "import zenconv\n@zenconv.fixture\ndef db(client): ...\ndef one(db): ...\n",
        }
    )
    shown = it.run("run", check=2).stderr
    assert "fixtures ask for each other: db -> client -> db" in shown
    chain = "one (steps_a.py:4) -> db (step, steps_a.py:3) -> client (step, zenconf.py:5) -> db (step, st"
    assert chain in shown
