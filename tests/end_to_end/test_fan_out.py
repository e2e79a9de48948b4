"""Fan-out: axes aligned and multiplied, `Collect`, tolerance, variants, several steps of one function."""

from __future__ import annotations

import pytest

from tests.end_to_end.test_collection_index import imports_of

GRID = """
    from typing import Annotated
    import zenconv
    from zenconv import Collect, Over

    def raw() -> list[int]:
        return [1, 2, 3]

    @zenconv.parametrize("C", [1, 10])
    def model(raw: list[int], C: int) -> int:
        return sum(raw) * C

    @zenconv.parametrize("fold", ["a", "b"])
    def score(model: int, fold: str) -> str:
        return f"{model}{fold}"

    def both(score: str, model: int) -> tuple[str, int]:
        return score, model

    def by_model(score: Annotated[Collect[str], Over("fold")]) -> list[str]:
        return list(score.values())

    def everything(score: Collect[str], by_model: Collect[list]) -> dict:
        return {"score": dict(score), "by_model": dict(by_model)}
    """


def test_a_shared_axis_is_aligned_and_different_axes_multiply(project):
    it = project({"steps_g.py": GRID})
    it.run("run")
    assert sorted(it.statuses()) == sorted(
        [
            "g::raw",
            "g::model[C=1]",
            "g::model[C=10]",
            *(f"g::score[C={c},fold={f}]" for c in (1, 10) for f in "ab"),
            *(f"g::both[C={c},fold={f}]" for c in (1, 10) for f in "ab"),
            "g::by_model[C=1]",
            "g::by_model[C=10]",
            "g::everything",
        ]
    )
    assert it.value("both[C=10,fold=b]") == ["60b", 60]
    assert it.value("everything") == {
        "score": {"C=1,fold=a": "6a", "C=1,fold=b": "6b", "C=10,fold=a": "60a", "C=10,fold=b": "60b"},
        "by_model": {"C=1": ["6a", "6b"], "C=10": ["60a", "60b"]},
    }


def test_inserting_a_value_in_front_computes_one_branch(project):
    it = project({"steps_g.py": GRID})
    it.run("run")
    it.edit("steps_g.py", '"C", [1, 10]', '"C", [5, 1, 10]')
    it.run("run")
    assert it.executed() == sorted(
        [
            "g::model[C=5]",
            *(f"g::score[C=5,fold={f}]" for f in "ab"),
            *(f"g::both[C=5,fold={f}]" for f in "ab"),
            "g::by_model[C=5]",
            "g::everything",
        ]
    )
    assert it.value("everything")["by_model"] == {
        "C=5": ["30a", "30b"],
        "C=1": ["6a", "6b"],
        "C=10": ["60a", "60b"],
    }


def test_keys_hold_values_and_not_labels(project):
    it = project({"steps_g.py": GRID})
    it.run("run")
    it.edit("steps_g.py", '"C", [1, 10]', '"C", [1, 10], ids=["weak", "strong"]')
    it.run("run")
    # Only those who see the labels run again.
    assert it.executed() == ["g::everything"]
    assert list(it.value("everything")["by_model"]) == ["C=weak", "C=strong"]


def test_worker_processes_give_the_same(project):
    it = project({"steps_g.py": GRID})
    it.run("run", "-n", "2")
    assert it.value("everything")["by_model"]["C=10"] == ["60a", "60b"]
    it.run("run")
    assert it.executed() == []


def test_the_second_run_imports_nothing(project, tmp_path):
    it = project({"steps_a.py": GRID})
    assert imports_of(it, tmp_path, "run") == []
    assert len(it.reused()) == 14


@pytest.mark.parametrize(
    ("target", "executed"),
    [
        ("model", {"g::raw", "g::model[C=1]", "g::model[C=10]"}),
        ("g::model[C=10]", {"g::raw", "g::model[C=10]"}),
        ("steps_g.py::model[10]", {"g::raw", "g::model[C=10]"}),
        ("score[b,1]", {"g::raw", "g::model[C=1]", "g::score[C=1,fold=b]"}),
        (
            "score[fold=a]",
            {"g::raw", *(f"g::{n}" for c in (1, 10) for n in (f"model[C={c}]", f"score[C={c},fold=a]"))},
        ),
    ],
)
def test_a_step_means_all_its_branches_and_brackets_choose(project, target, executed):
    it = project({"steps_g.py": GRID})
    it.run("run", target)
    assert set(it.executed()) == executed


def test_a_branch_that_is_not_there_is_a_usage_error(project):
    it = project({"steps_g.py": GRID})
    failed = it.run("run", "model[C=100]", check=4)
    assert "'model[C=100]' is no branch of 'model'" in failed.stderr
    assert "model[C=10]" in failed.stderr


def test_keyword_expressions_match_ids(project):
    it = project({"steps_g.py": GRID})
    it.run("run", "-k", "score and fold=b and not C=10")
    assert "g::score[C=1,fold=b]" in it.executed()
    assert "g::score[C=10,fold=b]" not in it.executed()


def test_loading_a_step_with_branches_gives_all_of_them(project):
    it = project({"steps_g.py": GRID})
    it.run("run")
    code = """
        import zenconv
        print(dict(zenconv.load("model")), zenconv.load("model[C=10]"), zenconv.load("g::model[1]"))
        print(zenconv.runs()["last"]["by_model[C=1]"].load())
        """
    assert it.python(code).stdout == "{'C=1': 6, 'C=10': 60} 60 6\n['6a', '6b']\n"
    assert it.run("get", "score[1,b]").stdout.strip() == "6b"


TOLERANT = """
    from typing import Annotated
    import zenconv
    from zenconv import Collect, Over

    @zenconv.parametrize("shop", range(10))
    def fitted(shop: int) -> int:
        if shop < {broken}:
            raise ValueError(f"shop {{shop}} has no data")
        return shop

    def most(fitted: Annotated[Collect[int], Over("shop", tolerate={tolerate!r})]) -> list:
        return [sum(fitted.values()), list(fitted.failed)]
    """


@pytest.mark.parametrize("tolerate", ["20%", 2])
def test_failed_branches_are_tolerated_up_to_a_share_or_number(project, tolerate):
    it = project({"steps_s.py": TOLERANT.format(broken=2, tolerate=tolerate)})
    it.run("run", check=1)
    assert it.value("most") == [44, ["shop=0", "shop=1"]]
    it.edit("steps_s.py", "shop < 2", "shop < 3")
    it.run("run", check=1)
    assert it.statuses()["s::most"] == "skipped"
    assert "3 of 10 branches did" in it.reasons()["s::most"]


def test_without_tolerance_one_failed_branch_stops_what_collects(project):
    it = project({"steps_s.py": TOLERANT.format(broken=1, tolerate=0)})
    it.run("run", check=1)
    assert it.statuses()["s::most"] == "skipped"
    assert it.statuses()["s::fitted[shop=9]"] == "succeeded"


def test_a_value_that_one_branch_changes_in_place_stays_as_it_was_for_the_others(project):
    it = project(
        {
            "steps_m.py": """
            import zenconv

            class Bag(list): ...

            @zenconv.parametrize("bag", [Bag([1])], ids=["bag"])
            @zenconv.parametrize("n", [1, 2, 3])
            def filled(bag, n: int) -> int:
                bag.append(n)
                return len(bag)
            """
        }
    )
    it.run("run")
    assert it.python("import zenconv; print(set(zenconv.load('filled').values()))").stdout == "{2}\n"


def test_a_value_that_cannot_be_compared_runs_every_time(project):
    it = project(
        {
            "steps_m.py": """
            import zenconv

            @zenconv.parametrize("items", [(i for i in range(3))], ids=["three"])
            def used(items) -> int:
                return 1
            """
        }
    )
    it.run("run")
    it.run("run")
    assert it.executed() == ["m::used[items=three]"]
    assert "no form that two runs could compare" in it.reasons()["m::used[items=three]"]


MISTAKES = {
    "unknown parameter": (
        "@zenconv.parametrize('D', [1])\ndef one(C: int = 1): return C",
        "step 'one' is parametrized by 'D', which is no parameter of it",
    ),
    "collect of one": (
        "def one(): return 1\ndef all_of(one: Collect[int]): return 1",
        "collects 'one', but there is only one: no axis reaches it",
    ),
    "over an unknown axis": (
        "@zenconv.parametrize('fold', [1])\ndef one(fold): return 1\n"
        "def all_of(one: Annotated[Collect[int], Over('flod')]): return 1",
        "over 'flod', which is no axis of it",
    ),
    "nothing left": (
        "@zenconv.parametrize('fold', [1])\ndef one(fold): return 1\n"
        "def two(one): return 1\ndef all_of(one: Collect[int], two): return 1",
        "another parameter keeps its branches apart by fold",
    ),
    "misaligned": (
        "@zenconv.parametrize('x', [1, 2])\ndef one(x): return 1\n"
        "@zenconv.parametrize('x', [1, 3])\ndef two(x): return 1\ndef three(one, two): return 1",
        "two axes called 'x' with other ids: '2', '3' is in one of them only",
    ),
    "too many": (
        "".join(
            f"@zenconv.parametrize('x{i}', range(100))\n"
            f"def s{i}(x{i}{f', s{i - 1}' if i else ''}): return 1\n"
            for i in range(4)
        ),
        "step 's2' would be 1,000,000 nodes",
    ),
    "wrong type": (
        "@zenconv.parametrize('x', [1, 2])\ndef one(x) -> dict: return {}\n"
        "def all_of(one: Collect[int]): return 1",
        "Collect[int], but step 'one' is dict",
    ),
    "empty": ("@zenconv.parametrize('x', [])\ndef one(x): return 1", "there are no values"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_in_axes_are_found_at_collection(project, name):
    source, message = MISTAKES[name]
    head = "import zenconv\nfrom typing import Annotated\nfrom zenconv import Collect, Over\n"
    it = project({"steps_x.py": head + source})
    failed = it.run("run", check=2)
    assert message in failed.stderr
    assert "steps_x.py:" in failed.stderr


VARIANTS = """
    from zenconv import when

    @when(model="svm")
    def classifier() -> str:
        return "svm"

    @when(model=("tree", "forest"))
    def classifier() -> str:
        return "tree"

    @when(model=None)
    def classifier() -> str:
        return "default"
    """


def test_a_parameter_chooses_among_the_definitions_of_a_step(project):
    it = project({"steps_v.py": VARIANTS})
    it.run("run")
    assert it.value("classifier") == "default"
    it.run("run", "--set", "model=forest")
    assert it.value("classifier") == "tree"
    it.run("run", "--set", "v.model=svm")
    assert it.value("classifier") == "svm"
    it.run("run", "--set", "model=tree")
    assert it.reused() == ["v::classifier"]


def test_a_default_chooses_where_nothing_is_set(project):
    text = """
        from zenconv import when

        @when(model="svm")
        def classifier(model: str = "svm") -> str:
            return model

        @when(model="tree")
        def classifier(model: str = "svm", depth: int = 3) -> str:
            return f"{model} {depth}"
        """
    it = project({"steps_v.py": text})
    it.run("run")
    assert it.value("classifier") == "svm"
    it.run("run", "--set", "model=tree")
    assert it.value("classifier") == "tree 3"


def test_only_the_chosen_definition_counts(project):
    it = project({"steps_v.py": VARIANTS})
    it.run("run", "--set", "model=svm")
    it.edit("steps_v.py", 'return "tree"', 'return "other tree"')
    assert it.plan("--set", "model=svm") == {"v::classifier": "reuse"}
    it.edit("steps_v.py", 'return "svm"', 'return "other svm"')
    assert it.plan("--set", "model=svm") == {"v::classifier": "run"}


def test_none_or_two_fitting_definitions_are_an_error(project):
    it = project({"steps_v.py": VARIANTS})
    failed = it.run("run", "--set", "model=knn", check=2)
    assert "no definition of step 'classifier' fits: model='knn' (--set)" in failed.stderr
    assert "when(model='svm') at steps_v.py:3" in failed.stderr
    it.edit("steps_v.py", '("tree", "forest")', '("tree", "svm")')
    failed = it.run("run", "--set", "model=svm", check=2)
    assert "2 definitions of step 'classifier' fit" in failed.stderr


def test_one_function_may_be_several_steps(project):
    it = project(
        {
            "steps_n.py": """
            from zenconv import step

            def eu() -> int: return 1
            def us() -> int: return 2

            @step(name="eu_model", inputs={"data": "eu"})
            @step(name="us_model", inputs={"data": "us"}, params={"alpha": 0.5})
            def _fit(data: int, alpha: float = 1.0) -> list: return [data, alpha]

            def both(eu_model: list, us_model: list) -> list: return [eu_model, us_model]
            """
        }
    )
    it.run("run")
    assert it.value("both") == [[1, 1.0], [2, 0.5]]
    it.run("run", "--set", "us_model.alpha=0.1")
    assert it.executed() == ["n::both", "n::us_model"]
    it.edit("steps_n.py", 'params={"alpha": 0.5}', 'params={"alpha": 0.7}')
    it.run("run")
    assert it.executed() == ["n::both", "n::us_model"]


def test_each_branch_has_random_numbers_of_its_own_whatever_its_id(project):
    it = project(
        {
            "steps_r.py": """
            import random
            import zenconv
            from zenconv import Collect, Each

            @zenconv.parametrize("fold", [1, 2, 3])
            def drawn(fold: int, seed: int) -> float: return random.random()

            def again(drawn: float, seed: int) -> float: return random.random()

            def items() -> Each[int]: return [10, 20]
            def of_item(items: int, seed: int) -> float: return random.random()

            def all_of(drawn: Collect[float], again: Collect[float], of_item: Collect[float]) -> list:
                return [*drawn.values(), *again.values(), *of_item.values()]
            """
        }
    )
    it.run("run")
    before = it.value("all_of")
    assert len(set(before)) == 8
    it.edit("steps_r.py", "[1, 2, 3]", "[1, 2, 3], ids='abc'")
    it.edit("steps_r.py", "[10, 20]", "[5, 10, 20]")
    it.run("run", "--force", "drawn", "--force", "again", "--force", "of_item")
    after = it.value("all_of")
    assert [*after[:6], *after[7:]] == before
