"""Parametrized values for fixtures: as their param, in their place, and through overrides."""

from __future__ import annotations

from tests.end_to_end.test_fixture_params import branches

INDIRECT = {
    "steps_a.py": """
import zenconv

@zenconv.fixture
def table(request):
    return list(range(request.param))

@zenconv.fixture
def wrapped(table):
    return {"table": table}

@zenconv.parametrize("table", [1, 3], indirect=True)
def one(table) -> list:
    return table

@zenconv.parametrize("table, factor", [(2, 10), (3, 100)], indirect=["table"])
def two(wrapped, factor: int) -> list:
    return [factor * n for n in wrapped["table"]]
""",
}


def test_indirect_parametrization_hands_the_values_to_the_fixture(project) -> None:
    it = project(INDIRECT)
    it.run("run")
    assert branches(it, "one") == {"table=1": [0], "table=3": [0, 1, 2]}
    assert branches(it, "two") == {"table-factor=2-10": [0, 10], "table-factor=3-100": [0, 100, 200]}
    it.edit("steps_a.py", "(3, 100)", "(4, 100)")
    it.run("run")
    assert it.executed() == ["a::two[table-factor=4-100]"]


def test_indirect_parametrization_replaces_the_params_of_the_fixture(project) -> None:
    it = project(
        {
            "steps_a.py": """
            import zenconv

            @zenconv.fixture(params=["own"])
            def db(request): return request.param

            @zenconv.parametrize("db", ["given", "also"], indirect=True)
            def one(db) -> str: return db

            def two(db) -> str: return db
            """
        }
    )
    it.run("run")
    assert branches(it, "one") == {"db=given": "given", "db=also": "also"}
    assert branches(it, "two") == {"db=own": "own"}


DIRECT = {
    "zenconf.py": """
import zenconv

@zenconv.fixture
def username():
    raise RuntimeError("never set up")

@zenconv.fixture(scope="pipeline")
def widest():
    return "wide"

@zenconv.fixture(scope="pipeline")
def wide(widest):
    return f"of {widest}"

@zenconv.fixture
def other_username(username):
    return f"other {username}"
""",
    "steps_a.py": """
import zenconv

@zenconv.parametrize("username", ["direct"])
def one(username) -> str:
    return username

@zenconv.parametrize("username", ["through"])
def two(other_username) -> str:
    return other_username

@zenconv.parametrize("widest", ["a", "b"])
def three(wide) -> str:
    return wide
""",
}


def test_a_parametrized_value_takes_the_place_of_a_fixture_wherever_the_step_meets_it(project) -> None:
    it = project(DIRECT)
    it.run("run")
    assert branches(it, "one") == {"username=direct": "direct"}
    assert branches(it, "two") == {"username=through": "other through"}
    assert branches(it, "three") == {"widest=a": "of a", "widest=b": "of b"}
    it.edit("zenconf.py", "never set up", "not even once")
    it.run("run")
    assert it.executed() == []
    it.edit("steps_a.py", '"through"', '"thorough"')
    it.run("run")
    assert it.executed() == ["a::two[username=thorough]"]


def test_a_parametrized_fixture_may_be_overridden_by_a_plain_one_and_the_reverse(project) -> None:
    it = project(
        {
            "zenconf.py": """
            import zenconv

            @zenconv.fixture(params=["one", "two"])
            def many(request): return request.param

            @zenconv.fixture
            def single(): return "single"
            """,
            "steps_a.py": """
            import zenconv

            @zenconv.fixture
            def many(): return "overridden"

            @zenconv.fixture(params=["x", "y"])
            def single(request): return request.param

            def with_many(many) -> str: return many
            def with_single(single) -> str: return single
            """,
            "steps_b.py": """
            def b_many(many) -> str: return many
            def b_single(single) -> str: return single
            """,
        }
    )
    it.run("run")
    assert it.value("with_many") == "overridden"
    assert branches(it, "with_single") == {"single=x": "x", "single=y": "y"}
    assert branches(it, "b_many") == {"many=one": "one", "many=two": "two"}
    assert it.value("b_single") == "single"


def test_a_plain_override_may_wrap_a_parametrized_fixture(project) -> None:
    it = project(
        {
            "zenconf.py": """
            import zenconv
            @zenconv.fixture(params=["one", "two"])
            def name(request): return request.param
            """,
            "steps_a.py": """
            import zenconv
            @zenconv.fixture
            def name(name): return name.upper()
            def shout(name) -> str: return name
            """,
        }
    )
    it.run("run")
    assert branches(it, "shout") == {"name=one": "ONE", "name=two": "TWO"}
