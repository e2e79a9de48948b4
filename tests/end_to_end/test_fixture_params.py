"""``params`` of fixtures, ``request.param``, grouping of wider fixtures."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.end_to_end.test_fixture_teardown import NOTING, trace


def branches(it, step: str) -> dict[str, Any]:
    """Return the values of all branches of a step, by id."""
    code = f"import json, zenconv; print(json.dumps(dict(zenconv.load({step!r}))))"
    return json.loads(it.python(code).stdout)


SERVERS = {
    "zenconf.py": """
import zenconv

@zenconv.fixture(params=["gmail", "python"])
def server(request):
    return request.param

@zenconv.fixture
def connection(server):
    return f"to {server}"
""",
    "steps_a.py": """
from zenconv import Collect

def hello(connection) -> str:
    return connection

def answer(hello: str, server) -> str:
    return f"{hello}, {server}"

def plain() -> int:
    return 1

def all_of_them(answer: Collect[str]) -> dict:
    return dict(answer)
""",
}


def test_every_step_that_uses_a_fixture_with_params_runs_once_for_each_aligned_with_the_others(
    project,
) -> None:
    it = project(SERVERS)
    it.run("run")
    assert it.executed() == [
        "a::all_of_them",
        "a::answer[server=gmail]",
        "a::answer[server=python]",
        "a::hello[server=gmail]",
        "a::hello[server=python]",
        "a::plain",
    ]
    assert it.value("all_of_them") == {
        "server=gmail": "to gmail, gmail",
        "server=python": "to python, python",
    }


def test_a_param_counts_by_its_value_whatever_its_place_or_id(project) -> None:
    it = project(SERVERS)
    it.run("run")
    it.edit("zenconf.py", '["gmail", "python"]', '["new", "gmail", "python"]')
    it.run("run")
    assert it.executed() == ["a::all_of_them", "a::answer[server=new]", "a::hello[server=new]"]
    it.edit("zenconf.py", '["new", "gmail", "python"]', '["new", "gmail", "python"], ids=["x", "y", "z"]')
    it.run("run")
    assert it.executed() == ["a::all_of_them"]
    it.edit("zenconf.py", '["new", ', '["newer", ')
    it.run("run")
    assert it.executed() == ["a::all_of_them", "a::answer[server=x]", "a::hello[server=x]"]
    assert it.reasons()["a::hello[server=x]"] == "server.param: 'new' -> 'newer'"


def test_params_have_ids_as_in_pytest_and_branches_are_selected_by_them(project) -> None:
    it = project(
        {
            "steps_a.py": """
            import zenconv

            def _idfn(value):
                return "eggs" if value == 0 else None

            @zenconv.fixture(params=[0, 1], ids=["spam", "ham"])
            def a(request): return request.param

            @zenconv.fixture(params=[0, 1], ids=_idfn)
            def b(request): return request.param

            @zenconv.fixture(params=[zenconv.param(2, id="two"), [3], None, True])
            def c(request): return request.param

            def with_a(a): return a
            def with_b(b): return b
            def with_c(c): return c
            """
        }
    )
    assert sorted(it.plan()) == [
        "a::with_a[a=ham]",
        "a::with_a[a=spam]",
        "a::with_b[b=1]",
        "a::with_b[b=eggs]",
        "a::with_c[c=None]",
        "a::with_c[c=True]",
        "a::with_c[c=c1]",
        "a::with_c[c=two]",
    ]
    it.run("run", "with_a[ham]")
    assert it.executed() == ["a::with_a[a=ham]"]
    it.run("run", "-k", "eggs or two")
    assert it.executed() == ["a::with_b[b=eggs]", "a::with_c[c=two]"]


GROUPED = {
    "noting.py": NOTING,
    "steps_a.py": """
import zenconv
from noting import note

@zenconv.fixture(scope="pipeline", params=["mod1", "mod2"])
def modarg(request):
    note(f"up {request.param}")
    yield request.param
    note(f"down {request.param}")

@zenconv.fixture(scope="pipeline")
def app(modarg):
    note(f"app up {modarg}")
    yield modarg
    note(f"app down {modarg}")

@zenconv.fixture(params=[1, 2])
def otherarg(request):
    yield request.param

@zenconv.mark.nocache
def first(otherarg): note(f"first {otherarg}")

@zenconv.mark.nocache
def second(app): note(f"second {app}")

@zenconv.mark.nocache
def third(otherarg, modarg): note(f"third {otherarg} {modarg}")
""",
}


def test_steps_are_grouped_so_that_each_variant_of_a_wider_fixture_is_set_up_once_and_alone(project) -> None:
    it = project(GROUPED)
    it.run("run")
    assert trace(it) == [
        "first 1",
        "first 2",
        "up mod1",
        "app up mod1",
        "second mod1",
        "third 1 mod1",
        "third 2 mod1",
        "app down mod1",
        "down mod1",
        "up mod2",
        "app up mod2",
        "second mod2",
        "third 1 mod2",
        "third 2 mod2",
        "app down mod2",
        "down mod2",
    ]


def test_each_worker_sets_a_variant_up_once(project) -> None:
    it = project(GROUPED)
    it.run("run", "-n", "1")
    assert [line for line in trace(it) if line.startswith(("up", "down"))] == [
        "up mod1",
        "down mod1",
        "up mod2",
        "down mod2",
    ]


def test_variants_of_the_runs_fixtures_come_one_after_another_across_pipelines(project) -> None:
    it = project(
        {
            "noting.py": NOTING,
            "zenconf.py": """
            import zenconv
            from noting import note

            @zenconv.fixture(scope="run", params=["x", "y"])
            def db(request):
                note(f"up {request.param}")
                yield request.param
                note(f"down {request.param}")
            """,
            "steps_a.py": "def one(db) -> str: return db\ndef two(one: str, db) -> str: return one + db\n",
            "steps_b.py": "def three(db) -> str: return db\n",
        }
    )
    it.run("run")
    assert trace(it) == ["up x", "down x", "up y", "down y"]
    assert branches(it, "two") == {"db=x": "xx", "db=y": "yy"}


def test_a_teardown_that_fails_when_one_variant_makes_room_for_the_next_fails_the_run(project) -> None:
    it = project(
        {
            "steps_a.py": """
            import zenconv

            @zenconv.fixture(scope="pipeline", params=[1, 2])
            def db(request):
                yield request.param
                raise ValueError(f"cannot close {request.param}")

            def one(db) -> int: return db
            """
        }
    )
    shown = it.run("run", check=1).stderr
    assert shown.count("error: a teardown failed") == 2
    assert shown.index("cannot close 1") < shown.index("cannot close 2")


def test_marks_of_a_param_are_those_of_its_branch_and_strict(project) -> None:
    it = project(
        {
            "pyproject.toml": "[tool.zenconv]\nmarkers = ['slow: takes long', 'rows(n): how many']\n",
            "steps_a.py": """
            import zenconv

            @zenconv.fixture(params=[1, zenconv.param(2, marks=[zenconv.mark.slow, zenconv.mark.rows(5)])])
            def size(request):
                mark = request.node.get_closest_marker("rows")
                return [request.param, mark and mark.args[0]]

            def one(size) -> list: return size

            @zenconv.parametrize("C", [zenconv.param(0.1, marks=zenconv.mark.slow), 1])
            def two(C) -> float: return C
            """,
        }
    )
    it.run("run", "-m", "slow")
    assert it.executed() == ["a::one[size=2]", "a::two[C=0.1]"]
    assert it.value("one[2]") == [2, 5]
    it.run("run")
    assert it.value("one[1]") == [1, None]
    it.edit("steps_a.py", "rows(5)", "rows(6)")
    it.run("run")
    assert it.executed() == ["a::one[size=2]"]
    it.edit("steps_a.py", "zenconv.mark.rows(6)", "zenconv.mark.usefixtures('size')")
    shown = it.run("run", check=2).stderr
    assert "steps_a.py:3: the mark 'usefixtures' is one of a step, not of a single branch (size=2)" in shown
    it.edit("steps_a.py", "zenconv.mark.usefixtures('size')", "zenconv.mark.slwo")
    shown = it.run("run", check=2).stderr
    assert "unknown mark 'slwo'" in shown
    assert "did you mean 'slow'?" in shown


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("@zenconv.fixture(params=[])", "params of fixture 'db': there are no values"),
        ("@zenconv.fixture(params=[1, 2], ids=['a'])", "params of fixture 'db': 2 values, but 1 ids"),
        ("@zenconv.fixture(params=[zenconv.param(1, 2)])", "params of fixture 'db': 1 values are needed"),
    ],
)
def test_params_that_make_no_sense_are_a_mistake(project, text, message) -> None:
    it = project({"steps_a.py": f"import zenconv\n{text}\ndef db(request): ...\ndef one(db): ...\n"})
    assert message in it.run("run", check=2).stderr


def test_what_a_parametrized_fixture_lacks_is_told(project) -> None:
    it = project(
        {
            "steps_a.py": """
            import zenconv

            @zenconv.fixture
            def plain(request): return request.param

            @zenconv.fixture(params=[1, 2])
            def many(request): return request.param

            @zenconv.fixture
            def chosen(request): return request.getfixturevalue("many")

            def one(plain): ...
            def two(chosen): ...
            """
        }
    )
    shown = it.run("run", check=1).stderr
    assert "AttributeError: request.param: this fixture has no params" in shown
    assert "cannot have 'many' by name: it has params, which multiply the steps that use it" in shown


def test_a_parametrized_name_that_is_nothing_of_the_step_is_a_mistake(project) -> None:
    it = project(
        {
            "steps_a.py": """
            import zenconv

            @zenconv.fixture
            def table(request): ...

            @zenconv.parametrize("tabel", [1], indirect=True)
            def one(table): ...

            @zenconv.parametrize("c", [1])
            def two(C): ...
            """
        }
    )
    shown = it.run("run", check=2).stderr
    assert "step 'one' is parametrized by 'tabel', which is no fixture that it uses" in shown
    assert "did you mean 'table'?" in shown
    assert "step 'two' is parametrized by 'c', which is no parameter of it and no fixture" in shown


def test_branches_draw_different_numbers_from_one_seed_and_the_same_ones_again(project) -> None:
    it = project(
        {
            "steps_a.py": """
            import random
            import zenconv

            @zenconv.parametrize("replica", [1, 2, 3])
            def draw(replica, seed) -> float:
                return random.random()

            @zenconv.fixture(params=["a", "b"])
            def kind(request): return request.param

            def other(kind, seed) -> float:
                return random.random()
            """
        }
    )
    it.run("run")
    drawn, others = branches(it, "draw"), branches(it, "other")
    assert len(set(drawn.values())) == 3
    assert len(set(others.values())) == 2
    it.edit("steps_a.py", "[1, 2, 3]", "[1, 2, 3], ids=['x', 'y', 'z']")
    it.edit(
        "steps_a.py", "def draw(replica, seed) -> float:", "def draw(replica, seed) -> float:\n    ''\n    0"
    )
    it.run("run")
    assert list(branches(it, "draw").values()) == list(drawn.values())


def test_a_fixture_that_only_takes_its_param_from_request_does_not_depend_on_who_asks(project) -> None:
    it = project(
        {
            "zenconf.py": """
            import zenconv

            @zenconv.fixture(params=[1, 2])
            def size(request):
                request.addfinalizer(lambda: None)
                return request.param

            def made(size) -> int: return size
            """,
            "steps_a.py": "def one(made) -> int: return made\n",
        }
    )
    it.run("run")
    it.write({"steps_b.py": "def two(made) -> int: return made + 1\n"})
    it.run("run")
    assert it.executed() == ["b::two[size=1]", "b::two[size=2]"]


def test_an_autouse_fixture_with_params_multiplies_every_step_that_sees_it(project) -> None:
    it = project(
        {
            "steps_a.py": """
            import zenconv

            @zenconv.fixture(autouse=True, params=["f32", "f64"])
            def precision(request): print(request.param)

            def one() -> int: return 1
            """
        }
    )
    it.run("run")
    assert it.executed() == ["a::one[precision=f32]", "a::one[precision=f64]"]
    assert it.run("logs", "one[f64]").stdout == "f64\n"


def test_a_param_may_be_skipped(project) -> None:
    it = project(
        {
            "steps_a.py": """
            import zenconv

            @zenconv.fixture(params=[0, zenconv.param(1, marks=zenconv.mark.skip("no data"))])
            def data_set(request): return request.param

            def one(data_set) -> int: return data_set
            def two(one: int) -> int: return one
            """
        }
    )
    it.run("run")
    assert it.statuses() == {
        "a::one[data_set=0]": "succeeded",
        "a::two[data_set=0]": "succeeded",
        "a::one[data_set=1]": "skipped",
        "a::two[data_set=1]": "skipped",
    }
