"""Run-time branches together with what else a project may have: marks, fixtures, other axes, selection."""

from __future__ import annotations

import pytest

from tests.end_to_end.test_collection_index import imports_of

SKIPPED_BRANCH = """
    import zenconv
    from typing import Annotated
    from zenconv import Collect, Each, Over

    def shops() -> Each[int]:
        return {"a": 1, "b": 2}

    @zenconv.parametrize("C", [1, zenconv.param(2, marks=zenconv.mark.skip("not today"))])
    def model(shops: int, C: int) -> int:
        return shops * C

    def later(model: int) -> int:
        return model + 1

    def best(model: Annotated[Collect[int], Over("C", tolerate=1)]) -> dict:
        return {"given": dict(model), "failed": list(model.failed)}
    """


@pytest.mark.parametrize("workers", ["0", "2"])
def test_an_axis_may_end_while_the_items_of_a_run_are_kept(project, workers):
    it = project(
        {
            "steps_a.py": """
            import zenconv
            from typing import Annotated
            from zenconv import Collect, Each, Over

            def shops() -> Each[int]:
                return {"a": 1, "b": 2}

            @zenconv.parametrize("C", [1, 10])
            def model(shops: int, C: int) -> int:
                return shops * C

            def total(model: Annotated[Collect[int], Over("C")]) -> dict:
                return dict(model)

            def beside(model: Collect[int], shops: int) -> list:
                return [shops, dict(model)]

            def report(total: Collect[dict], beside: Collect[list]) -> dict:
                return {"total": dict(total), "beside": dict(beside)}
            """
        }
    )
    a, b = {"C=1": 1, "C=10": 10}, {"C=1": 2, "C=10": 20}
    it.run("run", "-n", workers)
    assert it.value("report") == {
        "total": {"shops=a": a, "shops=b": b},
        "beside": {"shops=a": [1, a], "shops=b": [2, b]},
    }
    it.run("run", "-n", workers)
    assert it.executed() == []


def test_branches_skipped_for_a_param_are_planned_as_they_are_run(project, tmp_path):
    it = project({"steps_a.py": SKIPPED_BRANCH})
    it.run("run")
    ran = {"succeeded": "reuse", "skipped": "skip"}
    statuses = it.statuses()
    assert it.value("best[a]") == {"given": {"C=1": 1}, "failed": ["C=2"]}
    assert it.plan() == {node: ran[status] for node, status in statuses.items()}
    assert imports_of(it, tmp_path, "run") == []


def test_what_skipped_items_would_have_made_is_planned_as_skipped(project):
    it = project(
        {
            "steps_a.py": """
            import zenconv
            from zenconv import Collect, Each

            @zenconv.parametrize("C", [1, zenconv.param(2, marks=zenconv.mark.skip("not today"))])
            def shops(C: int) -> Each[int]:
                return [C]

            def double(shops: int) -> int:
                return 2 * shops

            def total(double: Collect[int]) -> int:
                return sum(double.values())
            """
        }
    )
    it.run("run")
    assert set(it.plan().values()) == {"reuse", "skip"}


@pytest.mark.parametrize("again", range(2))
def test_workers_are_not_needed_where_all_is_skipped(project, again):
    it = project(
        {
            "steps_a.py": """
            import zenconv

            @zenconv.mark.skip("not today")
            def one(): return 1

            async def two(one): return one
            """
        }
    )
    for _ in range(1 + again):
        it.run("run", "-n", "2")
    assert set(it.statuses().values()) == {"skipped"}


def test_a_step_that_returned_no_items_has_a_value(project):
    it = project({"steps_a.py": "from zenconv import Each\ndef shops() -> Each[int]: return {}\n"})
    it.run("run")
    assert it.value("shops") == {}
    assert "returned no items" in it.run("get", "shops").stderr
    assert "returned no items" in it.run("get", "shops", "-o", "x.json", check=4).stderr


def test_the_plan_lists_every_branch_after_what_it_waits_for(project):
    it = project(
        {
            "steps_a.py": """
            from zenconv import Collect, Each
            def shops() -> Each[int]: return [1, 2]
            def double(shops: int) -> int: return 2 * shops
            def total(double: Collect[int]) -> int: return sum(double.values())
            def check_total(total): assert total == 6
            """
        }
    )
    it.run("run")
    it.edit("steps_a.py", "2 * shops", "shops * 2")
    nodes = it.json("run", "--plan")["nodes"]
    assert [node["step"] for node in nodes] == ["shops", "double", "double", "total", "check_total"]
    assert "double[shops=0]" in nodes[-1]["reason"]
