"""``--override``: recorded results and files in place of what steps would compute."""

from __future__ import annotations

import json

import pytest

STEPS = {
    "steps_a.py": """
        from typing import Annotated

        def download() -> dict[str, int]:
            return {"a": 1, "b": 2}

        def raw(download: dict[str, int]) -> dict[str, int]:
            return dict(download)

        def split(raw: dict[str, int]) -> tuple[Annotated[int, "yes"], Annotated[int, "no"]]:
            return raw["a"], raw["b"]

        def total(yes: int, no: int) -> int:
            return yes + no

        def share(yes: int, total: int) -> float:
            return yes / total
    """,
    "small.json": '{"a": 10, "b": 30}',
    "same.json": '{"a": 1, "b": 2}',
    "number.json": "4",
}


@pytest.fixture
def it(project):
    return project(STEPS)


def override(it, *replacements: str, check: int = 0, args: tuple[str, ...] = (), **options):
    flags = [word for text in replacements for word in ("--override", text)]
    return it.run("run", *flags, *args, check=check, **options)


# ---------------------------------------------------------------- files


def test_a_file_takes_the_place_of_a_step_and_what_only_that_needed_is_not_executed(it) -> None:
    override(it, "raw=small.json")
    assert it.executed() == ["a::share", "a::split", "a::total"]
    assert "a::download" not in it.statuses()
    assert it.value("share") == 0.25


def test_dependents_are_decided_by_content(it) -> None:
    it.run("run")
    override(it, "raw=same.json")
    assert it.executed() == []
    override(it, "raw=small.json")
    assert it.executed() == ["a::share", "a::split", "a::total"]
    override(it, "raw=small.json")
    assert it.executed() == []
    it.write({"small.json": '{"a": 1, "b": 3}'})
    override(it, "raw=small.json")
    assert it.executed() == ["a::share", "a::split", "a::total"]


def test_an_override_is_recorded_with_its_origin_and_ends_with_the_run(it) -> None:
    override(it, "raw=small.json")
    row = next(step for step in it.json("show", "last")["steps"] if step["step"] == "raw")
    assert (row["status"], row["reason"]) == ("reused", "overridden by small.json")
    assert it.value("raw", run="last") == {"a": 10, "b": 30}
    it.run("run")
    assert it.value("share") == 1 / 3
    assert it.executed() == ["a::download", "a::raw", "a::share", "a::split", "a::total"]


def test_the_path_is_seen_from_the_current_folder(it) -> None:
    (it.path / "data").mkdir()
    it.write({"data/mine.json": '{"a": 1, "b": 1}'})
    override(it, "raw=mine.json", cwd="data")
    assert it.value("share") == 0.5


def test_the_plan_and_the_list_show_it(it) -> None:
    it.run("run")
    rows = it.json("run", "--plan", "--override", "raw=same.json")["nodes"]
    assert (rows[0]["id"], rows[0]["action"]) == ("steps_a.py::raw", "reuse")
    assert rows[0]["reason"] == "overridden by same.json"
    assert "download" not in it.run("run", "--co", "--override", "raw=same.json").stdout


def stored(it) -> list[str]:
    return sorted(f.name for f in (it.path / ".zenconv" / "store").rglob("*") if len(f.name) > 40)


def test_a_plan_stores_nothing(it) -> None:
    it.run("run")
    it.write({"big.json": json.dumps({"a": 1, "b": 2, **{str(n): n for n in range(1000)}})})
    store = stored(it)
    it.run("run", "--plan", "--override", "raw=big.json")
    assert stored(it) == store
    override(it, "raw=big.json")
    assert stored(it) != store


def test_the_end_of_a_pipeline_can_be_overridden(it) -> None:
    override(it, "share=number.json", check=0)
    assert it.executed() == []
    assert it.value("share") == 4


def test_workers_get_the_override_too(it) -> None:
    override(it, "raw=small.json", args=("-n", "2"))
    assert it.value("share") == 0.25


def test_an_override_outlives_the_runner(project) -> None:
    steps = """
        import os

        def raw() -> int:
            return 1

        def bad(raw: int) -> int:
            os._exit(0)

        def good(raw: int) -> int:
            return raw + 1
    """
    it = project({"steps_a.py": steps, "n.json": "41"})
    override(it, "raw=n.json", check=1)
    assert it.statuses() == {"a::raw": "reused", "a::bad": "failed", "a::good": "succeeded"}
    assert it.value("good") == 42


KINDS = """
    import pathlib
    from dataclasses import dataclass

    @dataclass
    class Point:
        x: int
        y: float

    def text() -> str:
        return ""

    def number() -> float:
        return 0.0

    def data() -> bytes:
        return b""

    def file() -> pathlib.Path:
        raise AssertionError

    def point() -> Point:
        return Point(0, 0)

    def pairs() -> dict[str, tuple[int, int]]:
        return {}

    def unknown():
        return None

    def all_of_them(text, number, data, file, point, pairs, unknown) -> str:
        return repr((text, number, data, file.read_text(), point, pairs, unknown))
"""


def test_a_file_is_read_as_the_step_says_that_it_returns(project) -> None:
    it = project({"steps_a.py": KINDS, "t.txt": "hello\n", "n.txt": "2\n", "d.bin": b"\x00\xff"})
    it.write({"p.json": '{"x": 1, "y": 2}', "pairs.json": '{"k": [1, 2]}', "u.json": '[1, null, "x"]'})
    override(
        it, "text=t.txt", "number=n.txt", "data=d.bin", "file=t.txt", "point=p.json", "pairs=pairs.json",
        "unknown=u.json",
    )  # fmt: skip
    assert it.value("all_of_them") == repr(
        ("hello\n", 2.0, b"\x00\xff", "hello\n", "POINT", {"k": (1, 2)}, [1, None, "x"])
    ).replace("'POINT'", "Point(x=1, y=2.0)")


def test_tables_and_arrays(project) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    import numpy

    steps = """
        import numpy as np
        import pandas as pd

        def table() -> pd.DataFrame:
            raise AssertionError

        def other() -> pd.DataFrame:
            raise AssertionError

        def array() -> np.ndarray:
            raise AssertionError

        def total(table: pd.DataFrame, other, array) -> float:
            return float(table["x"].sum() + other["x"].sum() + array.sum())
    """
    it = project({"steps_a.py": steps, "t.csv": "x\n1\n2\n"})
    pandas.DataFrame({"x": [10, 20]}).to_parquet(it.path / "t.parquet")
    numpy.save(it.path / "a.npy", numpy.array([100, 200]))
    override(it, "table=t.csv", "other=t.parquet", "array=a.npy")
    assert it.value("total") == 333.0
    done = override(it, "table=a.npy", "other=t.parquet", "array=t.csv", check=4)
    assert "table: a.npy holds a ndarray, which does not fit DataFrame" in done.stderr
    assert "array: t.csv holds a DataFrame, which does not fit ndarray" in done.stderr


# ---------------------------------------------------------------- recorded results


@pytest.mark.parametrize("source", ["@1", "@1:raw", "@1::raw", "@run:1", "@run:1:raw", "@1:a::raw"])
def test_a_recorded_result_takes_the_place_of_a_step(it, source) -> None:
    it.run("run")
    it.edit("steps_a.py", '"b": 2', '"b": 9')
    it.run("run")
    assert it.value("share") == 1 / 10
    override(it, f"raw={source}")
    assert it.executed() == []
    assert it.value("share") == 1 / 3
    row = next(step for step in it.json("show", "last")["steps"] if step["step"] == "raw")
    assert row["reason"].startswith("overridden by run 1-")
    assert row["reason"].endswith("steps_a.py::raw")


@pytest.mark.parametrize("source", ["@download", "@run:download", "@latest:download", "@a::download"])
def test_the_result_of_another_step_can_be_used(it, source) -> None:
    it.run("run", "download")
    override(it, f"raw={source}")
    assert it.executed() == ["a::share", "a::split", "a::total"]
    assert it.value("share") == 1 / 3


def test_a_step_with_several_outputs_is_overridden_by_a_run(it) -> None:
    it.run("run")
    override(it, "split=@1")
    assert sorted(it.statuses()) == ["a::share", "a::split", "a::total"]
    assert it.executed() == []


def test_a_step_with_several_outputs_is_overridden_by_a_file_that_holds_them_all(it) -> None:
    it.write({"both.json": "[1, 4]"})
    override(it, "split=both.json")
    assert it.value("share") == 1 / 5
    it.write({"both.json": "[1, 4, 5]"})
    assert "split: " in override(it, "split=both.json", check=4).stderr


def test_one_of_several_outputs_is_overridden_by_itself(it) -> None:
    it.run("run")
    override(it, "yes=number.json")
    assert it.value("share") == 4 / 6
    assert it.executed() == ["a::share", "a::total"]
    assert it.value("yes", run="last") == 4
    override(it, "split.no=@1:split.yes")
    assert it.value("share") == 1 / 2


def test_a_branch_is_overridden_by_itself(project) -> None:
    steps = """
        import zenconv

        @zenconv.parametrize("C", [1, 2])
        def part(C: int) -> int:
            return C

        def total(part: zenconv.Collect[int]) -> int:
            return sum(part.values())
    """
    it = project({"steps_a.py": steps, "n.json": "40"})
    override(it, "part[C=1]=n.json")
    assert it.value("total") == 42
    assert "it means 2 steps" in override(it, "part=n.json", check=4).stderr


def test_a_pickle_that_nobody_trusted_wrote_is_refused(project) -> None:
    steps = """
        class Model:
            pass

        def model():
            made = Model()
            made.f = lambda x: x + 1
            return made

        def used(model) -> int:
            return model.f(1)
    """
    it = project({"steps_a.py": steps})
    it.run("run")
    override(it, "model=@1", args=("--force", "used"))
    assert it.executed() == ["a::used"]
    done = override(it, "model=@1", check=4, env={"ZENCONV_HOME": str(it.path / "stranger")})
    assert "is not trusted here" in done.stderr


def test_a_result_whose_bytes_are_elsewhere_is_refused(project) -> None:
    steps = "def a() -> bytes:\n    return b'x' * 5000\n\ndef b(a: bytes) -> int:\n    return len(a)\n"
    it = project({"steps_a.py": steps})
    it.run("run")
    settings = f'[stacks.other]\nartifact_store = "{it.path}/elsewhere"\n'
    it.write({"zenconv.toml": settings})
    done = override(it, "a=@1", check=4, args=("--stack", "other"))
    assert "run 1-" in done.stderr


def test_damaged_bytes_are_noticed_and_nothing_is_computed_in_their_place(project) -> None:
    steps = "def a() -> bytes:\n    return b'x' * 100_000\n\ndef b(a: bytes) -> int:\n    return len(a)\n"
    it = project({"steps_a.py": steps})
    it.run("run")
    [stored] = [f for f in (it.path / ".zenconv").rglob("*") if f.is_file() and f.stat().st_size >= 100_000]
    stored.chmod(0o644)
    stored.write_bytes(stored.read_bytes()[:-1] + b"y")
    done = override(it, "a=@1", check=1, args=("--force", "b"))
    assert "its input steps_a.py::a was overridden, and cannot be loaded" in done.stderr
    assert it.executed() == ["a::b"]


# ---------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("replacement", "message"),
    [
        ("raw", "raw: expected NAME=SOURCE, got 'raw'"),
        ("raw=", "raw: expected NAME=SOURCE, got 'raw='"),
        ("=small.json", "expected NAME=SOURCE"),
        ("raw=@", "raw: a run or a step is missing behind the @"),
        ("raw=none.json", "raw: there is no file 'none.json'"),
        ("raw=@7", "raw: there is no run '7'"),
        ("raw=@1:nothing", "raw: no step 'nothing' in run 1-"),
        ("rwa=small.json", "rwa: 'rwa' is no step"),
        ("raw=number.json", "raw: expected dict[str, int], got 4"),
        ("yes=small.json", "yes: expected int, got {'a': 10, 'b': 30}"),
        ("raw=@1:total", "raw: run 1-"),
        ("split=small.json", "split: "),
        ("split=@1:raw", "split: it has the outputs 'yes', 'no', and run 1-"),
        ("split.maybe=small.json", "split.maybe: steps_a.py::split has no output 'maybe'"),
        ("raw=steps_a.py", "raw: steps_a.py: a value cannot be read from such a file"),
        ("raw=model.pkl", "a pickle is never loaded"),
        ("raw=broken.json", "raw: cannot read broken.json: JSONDecodeError"),
        ("raw=.", "is a folder"),
    ],
)
def test_a_mistake_says_what_is_wrong(it, replacement, message) -> None:
    it.write({"model.pkl": b"cos\nsystem\n(S'touch owned'\ntR.", "broken.json": "{"})
    it.run("run")
    assert message in override(it, replacement, check=4).stderr
    assert not (it.path / "owned").exists()
    assert len(it.json("runs")["runs"]) == 1


def test_all_mistakes_are_told_together(it) -> None:
    text = override(
        it, "rwa=small.json", "raw=number.json", "raw=small.json", "raw=same.json", check=4
    ).stderr
    assert "'rwa' is no step" in text
    assert "raw: expected dict" in text
    assert "steps_a.py::raw is overridden twice" in text


def test_what_nothing_selected_needs_cannot_be_overridden(it) -> None:
    done = override(it, "share=number.json", check=4, args=("total",))
    assert "nothing that is selected needs it" in done.stderr


def test_all_outputs_as_one_can_only_be_recorded(project) -> None:
    steps = """
        from typing import Annotated

        def split() -> tuple[Annotated[int, "yes"], Annotated[int, "no"]]:
            return 1, 2

        def both(split) -> int:
            return sum(split)
    """
    it = project({"steps_a.py": steps, "n.json": "4"})
    assert "asks for all outputs of split as one" in override(it, "yes=n.json", check=4).stderr


def test_a_step_with_items_cannot_be_overridden(project) -> None:
    steps = """
        import zenconv

        def numbers() -> zenconv.Each[int]:
            return [1, 2]

        def double(numbers: int) -> int:
            return 2 * numbers
    """
    it = project({"steps_a.py": steps, "n.json": json.dumps([1])})
    assert "only a run knows its items" in override(it, "numbers=n.json", check=4).stderr
