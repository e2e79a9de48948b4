"""Axes and fixtures in the graph, before anything runs."""

from __future__ import annotations

from tests.project.asking import value_of


def test_aligned_steps_with_values_of_their_own_keep_those(project) -> None:
    opened = project(
        {
            "steps_a.py": """
            import zenconv

            @zenconv.parametrize("C", [1, 2], ids=["x", "y"])
            def a(C): return C

            @zenconv.parametrize("C", [20, 10], ids=["y", "x"])
            def b(a, C): return [a, C]
            """
        }
    )
    assert value_of(opened, "steps_a.py::b[C=x]", "C")[0] == 10
    assert value_of(opened, "steps_a.py::b[C=y]", "C")[0] == 20


def test_a_branch_has_what_its_axes_give_to_fixtures_and_nothing_of_others(project) -> None:
    opened = project(
        {
            "steps_a.py": """
            import zenconv

            @zenconv.fixture(params=["p", "q"])
            def db(request): return request.param

            def one(db): return db
            def two(one): return one
            """
        }
    )
    nodes = opened.checked().pipeline.nodes
    (param,) = nodes["steps_a.py::one[db=q]"].params
    assert (param.fixture, param.item, param.value.value, param.replaces) == (
        "steps_a.py::db",
        "db=q",
        "q",
        False,
    )
    assert param.value.origin == "params steps_a.py:5"
    assert nodes["steps_a.py::two[db=q]"].params == ()


def test_nodes_are_grouped_only_where_a_wider_fixture_has_params(project) -> None:
    text = """
    import zenconv

    @zenconv.fixture({}params=["p", "q"])
    def db(request): return request.param

    def one(db): return db
    def plain(): return 0
    def two(one, db, plain): return one
    """
    narrow = project({"steps_a.py": text.replace("{}", "")})
    ids = [id.partition("::")[2] for id in narrow.checked().pipeline.nodes]
    assert ids == ["one[db=p]", "one[db=q]", "plain", "two[db=p]", "two[db=q]"]
    wide = project({"steps_b.py": text.replace("{}", "scope='pipeline', ")})
    ids = [id.partition("::")[2] for id in wide.checked(["b"]).pipeline.nodes]
    assert ids == ["plain", "one[db=p]", "two[db=p]", "one[db=q]", "two[db=q]"]
