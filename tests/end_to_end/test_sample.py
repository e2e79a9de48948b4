"""``zenconv run --sample``: the whole pipeline on a part of its data, apart from runs on all of it."""

import re

import pytest

STEPS = """
    def raw(rows: int = 1000) -> list[int]:
        print("loading")
        return list(range(rows))

    def labels() -> list[str]:
        return [str(number) for number in range(1000)]

    def settings() -> dict[str, int]:
        return {"factor": 2}

    def scaled(raw: list[int], settings: dict[str, int]) -> list[int]:
        return [number * settings["factor"] for number in raw]

    def joined(raw: list[int], labels: list[str], scaled: list[int]) -> dict[str, object]:
        return {"rows": len(scaled), "aligned": [str(n) for n in raw] == labels, "first": scaled[0]}
"""


def test_the_pipeline_runs_on_a_sample_and_the_loaders_run_once_for_both(project):
    it = project({"steps_a.py": STEPS})
    it.run("run", "--sample", "1%")
    assert it.value("joined", run="last")["rows"] == 10
    assert it.value("raw", run="last") == list(range(1000))
    assert len(it.value("raw@1%", run="last")) == 10
    it.run("run")
    assert it.reused() == ["a::labels", "a::raw", "a::settings"]
    assert it.value("joined")["rows"] == 1000


def test_each_size_has_its_own_results_and_they_are_reused(project):
    it = project({"steps_a.py": STEPS})
    it.run("run")
    for size in ("1%", "50"):
        it.run("run", "--sample", size)
        assert it.executed() == sorted(
            ["a::joined", "a::scaled", *(f"a::{name}@{size}" for name in ("labels", "raw", "settings"))]
        )
        it.run("run", "--sample", size)
        assert it.executed() == []
    it.run("run")
    assert it.executed() == []
    assert it.value("joined")["rows"] == 1000


def test_a_sample_is_the_same_every_time_keeps_the_order_and_rows_side_by_side(project):
    it = project({"steps_a.py": STEPS})
    it.run("run", "--sample", "2%")
    rows = it.value("raw@2%", run="last")
    assert rows == sorted(rows)
    assert it.value("joined", run="last")["aligned"] is True
    it.run("run", "--sample", "2%", "--force", "raw@2%", check=False)
    assert it.value("raw@2%", run="last") == rows
    other = project({"steps_a.py": STEPS})
    other.run("run", "--sample", "2%", "-n", "2")
    assert other.value("raw@2%", run="last") == rows


def test_a_run_on_a_sample_is_marked_and_never_the_latest(project):
    it = project({"steps_a.py": STEPS})
    done = it.run("run", "--sample", "1%")
    assert re.search(r"\(run 1-\w+, sample 1%\)", done.stdout)
    assert "SAMPLE" in it.run("runs").stdout
    assert "sample 1%" in it.run("show").stdout
    assert it.json("runs")["runs"][0]["sample"] == "1%"
    failed = it.run("get", "joined", check=4)
    assert "on a sample only (1%" in failed.stderr
    assert '"rows": 10' in it.run("get", "1", "joined").stdout
    it.run("show", "latest", check=4)
    it.run("run")
    it.run("run", "--sample", "1%")
    assert '"rows": 1000' in it.run("get", "joined").stdout
    assert it.value("joined")["rows"] == 1000
    assert it.json("show", "latest")["run"]["number"] == 2
    assert "SAMPLE" in it.run("runs").stdout


def test_reasons_compare_with_runs_on_as_much_data(project):
    it = project({"steps_a.py": STEPS})
    it.run("run")
    it.run("run", "--sample", "1%")
    it.edit("steps_a.py", "number * settings", "2 * number * settings")
    assert "scaled changed" in it.run("explain", "scaled").stdout
    it.run("run")
    assert "scaled changed" in it.reasons()["a::scaled"]
    it.run("run", "--sample", "1%")
    assert "scaled changed" in it.reasons()["a::scaled"]
    told = it.run("explain", "scaled", "--sample", "1%").stdout
    assert "reuse" in told


def test_what_failed_last_is_looked_for_among_runs_on_as_much_data(project):
    it = project(
        {
            "steps_a.py": STEPS
            + "\n    def few_rows(raw: list[int]) -> int:\n        return 1 // (len(raw) > 500)\n"
        }
    )
    it.run("run", "--sample", "1%", check=1)
    it.run("run")
    it.run("run", "--lf", "--sample", "1%", check=1)
    assert it.executed() == ["a::few_rows"]


def test_the_plan_shows_where_the_sample_is_taken(project):
    it = project({"steps_a.py": STEPS})
    it.run("run")
    assert it.plan("joined", "--sample", "1%") == {
        "a::raw": "reuse",
        "a::raw@1%": "run",
        "a::labels": "reuse",
        "a::labels@1%": "run",
        "a::settings": "reuse",
        "a::settings@1%": "run",
        "a::scaled": "maybe",
        "a::joined": "maybe",
    }


def test_what_cannot_be_sampled_passes_whole_with_a_note_and_shares_its_results(project):
    it = project(
        {
            "steps_a.py": """
                def settings() -> dict[str, int]:
                    return {"factor": 2}

                def doubled(settings: dict[str, int]) -> int:
                    return settings["factor"] * 2
            """
        }
    )
    it.run("run")
    done = it.run("run", "--sample", "1%")
    assert "settings@1% is the whole value: dict has no rows to choose from" in done.stderr
    assert it.executed() == ["a::settings@1%"]


def test_branches_outputs_generators_and_collected_loaders_are_sampled_each(project):
    it = project(
        {
            "steps_a.py": """
                from collections.abc import Iterator
                from typing import Annotated
                import zenconv
                from zenconv import Collect

                @zenconv.parametrize("country", ["fr", "de"])
                def rows(country: str) -> list[str]:
                    return [f"{country}{number}" for number in range(1000)]

                def counted(rows: list[str]) -> int:
                    return len(rows)

                def total(rows: Collect[list[str]]) -> int:
                    return sum(len(part) for part in rows.values())

                def both() -> tuple[Annotated[list[int], "left"], Annotated[list[int], "right"]]:
                    return list(range(200)), list(range(400))

                def sizes(left: list[int], right: list[int]) -> list[int]:
                    return [len(left), len(right)]

                def stream() -> Iterator[int]:
                    yield from range(1000)

                def streamed(stream: Iterator[int]) -> int:
                    return len(list(stream))
            """
        }
    )
    for workers in ("0", "2"):
        it.run("run", "--sample", "1%", "-n", workers)
        assert it.value("counted[country=fr]", run="last") == 10
        assert it.value("total", run="last") == 20
        assert it.value("sizes", run="last") == [2, 4]
        assert it.value("streamed", run="last") == 10


def test_live_values_and_steps_that_return_each_pass_whole(project):
    it = project(
        {
            "steps_a.py": """
                import sqlite3
                from zenconv import Collect, Each

                def connection():
                    return sqlite3.connect(":memory:")

                def uses(connection) -> bool:
                    return connection.execute("SELECT 1").fetchone() == (1,)

                def items():
                    return iter(range(1000))

                def count(items) -> int:
                    return len(list(items))

                def parts() -> Each[list[int]]:
                    return {"a": list(range(500)), "b": list(range(300))}

                def size(parts: list[int]) -> int:
                    return len(parts)

                def all_sizes(size: Collect[int]) -> int:
                    return sum(size.values())
            """
        }
    )
    it.run("run", "--sample", "1%")
    assert it.value("uses", run="last") is True
    assert it.value("all_sizes", run="last") == 800
    assert it.value("count", run="last") == 10


def test_a_sampled_run_of_an_unchanged_project_imports_nothing(project):
    it = project({"steps_a.py": STEPS + '\n    import sys\n    print("imported", file=sys.stderr)\n'})
    it.run("run")
    it.run("run", "--sample", "1%")
    it.edit("steps_a.py", "import sys", "import sys, os; os.environ")
    it.run("run")
    it.run("run", "--sample", "1%")
    assert it.executed() == []


def test_a_table_of_pandas_is_sampled(project):
    pytest.importorskip("pandas")
    it = project(
        {
            "steps_a.py": """
                import pandas as pd

                def raw() -> pd.DataFrame:
                    return pd.DataFrame({"x": range(1000), "y": range(1000)})

                def size(raw: pd.DataFrame) -> list[int]:
                    return [len(raw), int((raw["x"] == raw.index).sum())]
            """
        }
    )
    it.run("run", "--sample", "1%")
    assert it.value("size", run="last") == [10, 10]


def test_watching_on_a_sample(project):
    from tests.end_to_end.watching import Watching

    it = project({"steps_a.py": STEPS})
    with Watching(it, "--sample", "1%") as watching:
        watching.after(("steps_a.py", '"factor": 2', '"factor": 3'), until=r"\(run \d+-\w+, sample 1%\)")
        assert it.value("joined", run="last")["rows"] == 10


@pytest.mark.parametrize("size", ["0", "200%", "some"])
def test_a_size_that_means_nothing_is_an_error(project, size):
    it = project({"steps_a.py": STEPS})
    assert "--sample 1%" in it.run("run", "--sample", size, check=4).stderr


def test_a_sampled_dataset_is_no_contradiction(project):
    pytest.importorskip("torch")
    it = project(
        {
            "steps_a.py": """
                from torch.utils.data import Dataset
                class Numbers(Dataset):
                    def __len__(self): return 1000
                    def __getitem__(self, index): return index
                def numbers() -> Numbers: return Numbers()
                def size(numbers: Numbers) -> int: return len(numbers)
                """
        }
    )
    assert "says it returns" not in it.run("run", "--sample", "1%").stderr
    assert it.value("size", run="last") == 10
