"""`zenconv init --from`: from a notebook to a pipeline that runs, cell by cell."""

from __future__ import annotations

import os

from tests.starting.notebooks import code, markdown, notebook, take_over

CELLS = (
    markdown("# House prices"),
    code("%matplotlib inline", "import csv, io", "import statistics"),
    code("TABLE = 'size,price\\n50,100\\n70,150\\n90,180\\n5,0\\n'"),
    code(
        "rows = [{k: float(v) for k, v in r.items()} for r in csv.DictReader(io.StringIO(TABLE))]", "rows[:2]"
    ),
    markdown("## Clean"),
    code(
        "def is_house(row):",
        "    return row['size'] > 10",
        "",
        "rows = [row for row in rows if is_house(row)]",
    ),
    code("sizes, prices = [r['size'] for r in rows], [r['price'] for r in rows]"),
    code("line = statistics.linear_regression(sizes, prices)", "slope = line.slope"),
    code("print(slope)", "round(slope, 2)"),
    code("!echo done"),
)


def test_a_draft_does_nothing_until_it_is_taken_over_and_then_runs(project):
    it = project({"House prices.ipynb": notebook(*CELLS)})
    drafted = it.run("init", "--from", "House prices.ipynb")
    assert drafted.stdout.startswith("wrote  steps_house_prices.py\nnext:  ")
    assert "nothing of it is active" in drafted.stderr
    assert sorted(os.listdir(it.path)) == ["House prices.ipynb", "steps_house_prices.py"]
    assert "define no step" in it.run("run", check=5).stderr

    it.write({"steps_house_prices.py": take_over(it.read("steps_house_prices.py")).encode()})
    it.run("run")
    steps = ("cell_5", "cell_7", "rows", "rows_2", "slope")
    assert it.executed() == [f"house_prices::{step}" for step in steps]
    assert it.value("rows_2") == [{"size": s, "price": p} for s, p in ((50, 100), (70, 150), (90, 180))]
    assert it.value("cell_7") == 2.0
    it.run("run")
    assert it.executed() == []


def test_one_block_can_be_taken_over_at_a_time(project):
    it = project({"a.ipynb": notebook(*CELLS)})
    it.run("init", "--from", "a.ipynb")
    text = it.read("steps_a.py")
    for block in text.split("\n\n\n"):
        if "imports" in block or "TABLE =" in block or "def rows()" in block:
            text = text.replace(block, take_over(block))
    it.write({"steps_a.py": text.encode()})
    it.run("run")
    assert it.executed() == ["a::rows"]


def test_a_draft_is_written_where_it_is_wanted_and_over_nothing(project):
    it = project({"nb/a.ipynb": notebook(*CELLS), "out/steps_a.py": "MINE = 1\n"})
    assert "steps_a.py" in it.run("init", "out", "--from", "nb/a.ipynb", check=4).stderr
    assert it.read("out/steps_a.py") == "MINE = 1\n"
    answer = it.json("init", "new/folder", "--from", "nb/a.ipynb")
    assert answer["written"] == ["steps_a.py"]
    assert answer["cells"] == {"steps": 5, "others": 3}
    assert (it.path / "new/folder/steps_a.py").exists()


def test_what_is_no_notebook_is_an_error_that_says_why(project):
    it = project({"a.ipynb": "{", "b.ipynb": b"\xff"})
    assert (
        "'a.ipynb' is no notebook: it is not valid JSON: line 1"
        in it.run("init", "--from", "a.ipynb", check=4).stderr
    )
    assert "'b.ipynb' is no notebook: it is not UTF-8" in it.run("init", "--from", "b.ipynb", check=4).stderr
    assert "there is no file 'c.ipynb'" in it.run("init", "--from", "c.ipynb", check=4).stderr
    assert "takes no --template" in it.run("init", "--from", "a.ipynb", "-t", "torch", check=4).stderr
    assert sorted(os.listdir(it.path)) == ["a.ipynb", "b.ipynb"]
