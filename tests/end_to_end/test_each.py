"""Run-time fan-out: `Each`, nested, collected, cached item by item, resumed after failures and crashes."""

from __future__ import annotations

import pytest

from tests.end_to_end.test_collection_index import imports_of

SHOPS = """
    import os
    from pathlib import Path
    from typing import Annotated
    import zenconv
    from zenconv import Collect, Each, Over

    def shops(listing: Path = Path("shops.txt")) -> Each[str]:
        return {name: name.upper() for name in listing.read_text().split()}

    @zenconv.parametrize("C", [1, 2])
    def model(shops: str, C: int) -> str:
        if C == 2 and os.environ.get("CRASH") == shops:
            os._exit(0)
        if os.environ.get("FAIL") == shops:
            raise ValueError(f"{shops} has no data")
        return f"{shops}{C}"

    def best(model: Annotated[Collect[str], Over("shops")]) -> dict:
        return dict(model)

    def names(shops: Collect[str]) -> dict:
        return dict(shops)
    """

NESTED = """
    from typing import Annotated
    from zenconv import Collect, Each, Over

    SHOPS = {"s1": [1, 2], "s2": [3], "s3": []}

    def shops() -> Each[list]:
        return SHOPS

    def total(shops: list) -> int:
        return sum(shops)

    def days(shops: list) -> Each[int]:
        yield from shops

    def scaled(days: int, total: int) -> list:
        return [days, total]

    def of_shop(scaled: Annotated[Collect[list], Over("days")], total: int) -> list:
        return [list(scaled.values()), total]

    def report(of_shop: Collect[list], days: Collect[int], scaled: Collect[list]) -> dict:
        return {"of_shop": dict(of_shop), "days": dict(days), "scaled": list(scaled)}
    """


def shops(project, text: str = "a b c"):
    return project({"steps_s.py": SHOPS, "shops.txt": text})


def test_items_become_branches_and_a_mapping_gives_their_ids(project):
    it = shops(project)
    it.run("run")
    assert {node for node in it.executed() if "model" in node} == {
        f"s::model[C={c},shops={s}]" for c in (1, 2) for s in "abc"
    }
    assert it.value("best[C=2]") == {"shops=a": "A2", "shops=b": "B2", "shops=c": "C2"}
    assert it.value("names") == {"shops=a": "A", "shops=b": "B", "shops=c": "C"}


def test_an_item_in_front_computes_one_branch(project):
    it = shops(project)
    it.run("run")
    it.write({"shops.txt": "x a b c"})
    it.run("run")
    assert it.executed() == sorted(
        [
            "s::best[C=1]",
            "s::best[C=2]",
            "s::model[C=1,shops=x]",
            "s::model[C=2,shops=x]",
            "s::names",
            "s::shops",
        ]
    )
    assert list(it.value("names")) == ["shops=x", "shops=a", "shops=b", "shops=c"]


def test_positions_are_no_part_of_a_key(project):
    it = project(
        {
            "steps_i.py": """
            from zenconv import Collect, Each
            ITEMS = [10, 20]
            def items() -> Each[int]: return ITEMS
            def squared(items: int) -> int: return items ** 2
            def total(squared: Collect[int]) -> dict: return dict(squared)
            """
        }
    )
    it.run("run")
    it.edit("steps_i.py", "[10, 20]", "[5, 10, 20]")
    it.run("run")
    assert it.executed() == ["i::items", "i::squared[items=0]", "i::total"]
    assert it.value("total") == {"items=0": 25, "items=1": 100, "items=2": 400}


def test_nested_items_with_several_collects(project):
    it = project({"steps_n.py": NESTED})
    it.run("run")
    assert it.value("report") == {
        "of_shop": {
            "shops=s1": [[[1, 3], [2, 3]], 3],
            "shops=s2": [[[3, 3]], 3],
            "shops=s3": [[], 0],
        },
        "days": {"shops=s1,days=0": 1, "shops=s1,days=1": 2, "shops=s2,days=0": 3},
        "scaled": ["shops=s1,days=0", "shops=s1,days=1", "shops=s2,days=0"],
    }
    it.run("run")
    assert it.executed() == []


@pytest.mark.parametrize("files", [{"steps_a.py": SHOPS, "shops.txt": "a b"}, {"steps_a.py": NESTED}])
def test_a_run_that_reuses_everything_imports_nothing(project, tmp_path, files):
    it = project(files)
    assert imports_of(it, tmp_path, "run") == []
    assert it.executed() == []


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_failed_or_crashed_branch_leaves_the_others_and_resumes(project, workers):
    it = shops(project)
    it.run("run", "-n", workers, env={"CRASH": "B", "FAIL": "C"}, check=1)
    statuses = it.statuses()
    failed = {node for node, status in statuses.items() if status == "failed"}
    assert failed == {"s::model[C=2,shops=b]", "s::model[C=1,shops=c]", "s::model[C=2,shops=c]"}
    assert statuses["s::best[C=1]"] == statuses["s::best[C=2]"] == "skipped"
    assert statuses["s::names"] == "succeeded"
    it.run("run", "-n", workers)
    assert set(it.executed()) == {*failed, "s::best[C=1]", "s::best[C=2]"}
    assert it.value("best[C=2]") == {"shops=a": "A2", "shops=b": "B2", "shops=c": "C2"}


def test_a_step_that_fails_before_it_has_items_skips_what_waits_for_them(project):
    it = shops(project)
    (it.path / "shops.txt").unlink()
    it.run("run", check=1)
    assert it.statuses() == {
        "s::shops": "failed",
        **dict.fromkeys(
            ["s::model[C=1]", "s::model[C=2]", "s::best[C=1]", "s::best[C=2]", "s::names"], "skipped"
        ),
    }
    assert it.json("runs")["runs"][0]["counts"] == {"failed": 1, "skipped": 5}


def test_no_items_are_no_branches_and_an_empty_mapping(project):
    it = shops(project, "")
    it.run("run")
    assert it.executed() == ["s::best[C=1]", "s::names", "s::shops"]
    assert it.value("names") == {}


def test_the_plan_shows_branches_of_known_items_and_one_line_for_others(project):
    it = shops(project)
    assert it.plan() == {
        "s::shops": "run",
        "s::model[C=1]": "expand",
        "s::model[C=2]": "expand",
        "s::best[C=1]": "run",
        "s::best[C=2]": "run",
        "s::names": "run",
    }
    it.run("run")
    assert set(it.plan().values()) == {"reuse"}
    assert it.plan()["s::model[C=2,shops=c]"] == "reuse"


def test_explain_tells_of_branches_and_of_what_will_have_some(project):
    it = project({"steps_n.py": NESTED})
    assert "steps_n.py::total" in it.run("explain", "total").stdout
    it.run("run")
    assert "steps_n.py::total[shops=s2]" in it.run("explain", "total").stdout
    assert "steps_n.py::of_shop[shops=s1]" in it.run("explain", "of_shop[s1]").stdout
    it.edit("steps_n.py", "return sum(shops)", "return sum(shops) + 1")
    assert "n.total changed" in it.run("explain", "total").stdout


def test_the_plan_guesses_branches_from_the_newest_run(project):
    it = shops(project, "a b")
    it.run("run")
    it.write({"shops.txt": "a b c"})
    planned = it.run("run", "--plan").stdout
    assert "~s::model[C=1,shops=a]" in planned
    assert "~s::model[C=1,shops=c]" not in planned
    nodes = {node["id"]: node for node in it.json("run", "--plan")["nodes"]}
    guessed = [f"steps_s.py::model[C=2,shops={s}]" for s in "ab"]
    assert nodes["steps_s.py::model[C=2]"]["guessed"] == guessed
    it.write({"shops.txt": "a b"})
    it.run("run", "-k", "shops=a")
    it.write({"shops.txt": "a b c"})
    nodes = {node["id"]: node for node in it.json("run", "--plan")["nodes"]}
    assert nodes["steps_s.py::model[C=2]"]["guessed"] == guessed


def test_show_names_a_step_with_many_branches_once_beside_a_parameter(project):
    it = shops(project, "a b")
    it.run("run")
    (line,) = [line for line in it.run("show").stdout.splitlines() if line.startswith("  C=1 ")]
    assert line.endswith("  (model)")


def test_a_recorded_run_is_drawn_with_its_branches(project):
    it = project({"steps_n.py": NESTED})
    it.run("run")
    drawn = it.run("graph", "last").stdout
    assert (
        "n::of_shop[shops=s1]  [succeeded]  <- n::scaled[shops=s1,days=0], n::scaled[shops=s1,days=1]"
        in drawn
    )
    assert "scaled  <- days, total" in it.run("graph").stdout
    assert (
        "2 branches  <- steps_n.py::scaled[shops=s1,days=0] and 1 more"
        in it.run("show", "of_shop[s1]").stdout
    )


def test_the_record_counts_branches_and_not_what_they_stood_for(project):
    it = shops(project)
    it.run("run")
    assert it.json("runs")["runs"][0]["counts"] == {"succeeded": 10}
    nodes = [step["node"] for step in it.json("show")["steps"]]
    assert "steps_s.py::model[C=1]" not in nodes
    assert "steps_s.py::model[C=1,shops=a]" in nodes
    assert it.run("get", "model[1,b]").stdout.strip() == "B1"


NESTED_NODES = {"n::shops", "n::total[shops=s1]", "n::days[shops=s1]"}


@pytest.mark.parametrize(
    ("arguments", "executed"),
    [
        (["total[s2]"], {"n::shops", "n::total[shops=s2]"}),
        (["scaled[shops=s1,days=1]"], {*NESTED_NODES, "n::scaled[shops=s1,days=1]"}),
        (["scaled[shops=s1]"], {*NESTED_NODES, *(f"n::scaled[shops=s1,days={d}]" for d in "01")}),
        (
            ["of_shop[s1]"],
            {*NESTED_NODES, "n::of_shop[shops=s1]", *(f"n::scaled[shops=s1,days={d}]" for d in "01")},
        ),
        (
            ["-k", "scaled and s2"],
            {
                "n::shops",
                *(f"n::{n}" for n in ("total[shops=s2]", "days[shops=s2]", "scaled[shops=s2,days=0]")),
            },
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_only_branches_that_are_asked_for_and_what_they_need_come_into_being(project, arguments, executed):
    it = project({"steps_n.py": NESTED})
    it.run("run", *arguments)
    assert set(it.executed()) == executed


def test_a_branch_that_never_comes_is_said_so(project):
    it = project({"steps_n.py": NESTED})
    assert (
        "steps_n.py::total: no branch came into being that was asked for" in it.run("run", "total[zz]").stderr
    )


def test_last_failed_means_the_branches_that_failed(project):
    it = shops(project)
    it.run("run", env={"FAIL": "B"}, check=1)
    it.run("run", "--lf", env={"FAIL": "B"}, check=1)
    assert it.executed() == ["s::model[C=1,shops=b]", "s::model[C=2,shops=b]"]
    it.run("run", "--lf", "-k", "C=2")
    assert it.executed() == ["s::model[C=2,shops=b]"]


def test_branches_can_be_forced(project):
    it = shops(project)
    it.run("run")
    it.run("run", "--force", "model[C=1]")
    assert it.executed() == [f"s::model[C=1,shops={s}]" for s in "abc"]


def test_a_damaged_item_is_computed_again(project):
    it = project(
        {
            "steps_d.py": """
            from zenconv import Collect, Each
            def items() -> Each[bytes]: return {"a": b"a" * 5000, "b": b"b" * 5000}
            def sized(items: bytes) -> int: return len(items)
            """
        }
    )
    it.run("run")
    blobs = [p for p in (it.path / ".zenconv").rglob("*") if p.is_file() and p.stat().st_size >= 5000]
    blobs = [p for p in blobs if set(p.read_bytes()) & {*b"ab"} and len(set(p.read_bytes())) < 60]
    assert blobs
    for blob in blobs:
        blob.chmod(0o644)
        blob.write_bytes(b"x" * blob.stat().st_size)
    it.edit("steps_d.py", "return len(items)", "return len(items) + 1")
    it.run("run")
    assert it.value("sized[a]") == 5001


MISTAKES = {
    "part of a tuple": (
        "def one() -> tuple[Each[int], int]: return [1], 2",
        "Each is what a step returns, not a part of it",
    ),
    "wrong item type": (
        "def one() -> Each[dict]: return []\ndef two(one: int): return 1",
        "step 'two' wants one: int, but step 'one' is dict",
    ),
    "ends an axis on which another hangs": (
        "def a() -> Each[list]: return []\ndef b(a) -> Each[int]: return a\n"
        "def c(b: Annotated[Collect[int], Over('a')]): return 1",
        "keeps 'b', whose items may differ for each a",
    ),
    "asks for all as Each": (
        "def one() -> Each[int]: return []\ndef two(one: Each[int]): return 1",
        "ask for one item, or for all: Collect",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_is_not_supported_is_refused_at_collection(project, name):
    source, message = MISTAKES[name]
    head = "from typing import Annotated\nfrom zenconv import Collect, Each, Over\n"
    failed = project({"steps_x.py": head + source}).run("run", check=2)
    assert message in failed.stderr
    assert "steps_x.py:" in failed.stderr


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("'text'", "returned a str, but declares Each"),
        ("3", "returned a int, but declares Each"),
        ("None", "returned nothing (None), but declares Each"),
        ("pandas.DataFrame({'a': [1]})", "returned a DataFrame, but declares Each"),
        ("[open('/dev/null')]", "returned an item '0' that cannot be stored"),
    ],
)
def test_what_is_no_list_of_items_is_a_failure_that_says_so(project, returned, message):
    it = project(
        {
            "steps_x.py": f"""
            import pandas
            from zenconv import Each
            def one() -> Each[int]: return {returned}
            def two(one): return 1
            """
        }
    )
    assert message in it.run("run", check=1).stderr


def test_hostile_ids_stay_ids(project):
    it = project(
        {
            "steps_h.py": r"""
            from zenconv import Collect, Each
            def items() -> Each[int]:
                ids = ["../../up", "a::b", "a,b=c]", "", "x" * 1000, "two\nlines\x1b[2J", 7]
                return {id: number for number, id in enumerate(ids, 1)}
            def same(items: int) -> int: return items
            def total(same: Collect[int]) -> int: return sum(same.values())
            """
        }
    )
    it.run("run")
    assert it.value("total") == 28
    it.run("run")
    assert it.executed() == []
    assert "\x1b[2J" not in it.run("show", "-v").text
    assert it.run("get", "same[../../up]").stdout.strip() == "1"
