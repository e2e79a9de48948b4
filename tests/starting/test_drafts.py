"""What becomes of a notebook's cells: the drafts, as a person would take them over."""

from __future__ import annotations

import pytest

from tests.starting.notebooks import code, markdown, notebook, take_over
from zenconv.starting.draft_file import HEAD, write_draft
from zenconv.starting.drafts import draft_cells
from zenconv.starting.notebook_file import Notebook, read_notebook


@pytest.fixture
def draft(tmp_path):
    def make(*cells: object, **more: object) -> str:
        path = tmp_path / "a.ipynb"
        path.write_text(notebook(*cells, **more), "utf-8")
        return write_draft(draft_cells(read_notebook(path)), path.name)

    return make


@pytest.fixture
def taken(draft):
    """Return what a notebook's drafts are once all of them were taken over, without the docstring."""
    return lambda *cells, **more: take_over(draft(*cells, **more)).removeprefix(HEAD)


def test_a_cell_becomes_a_step_named_after_what_later_cells_use(taken):
    text = taken(code("n = len('abc')"), code("n * 2"))
    assert "def n():\n    n = len('abc')\n    return n\n" in text
    assert "def cell_2(n):\n    return n * 2\n" in text


def test_a_name_that_is_bound_again_becomes_another_step(taken):
    text = taken(code("df = load()"), code("df = df[1:]"), code("df.sum()"))
    assert "def df():\n    df = load()\n    return df\n" in text
    assert "def df_2(df):\n    df = df[1:]\n    return df\n" in text
    assert "def cell_3(df_2):\n    df = df_2\n    return df.sum()\n" in text


@pytest.mark.parametrize(
    "change",
    [
        *("df['a'] = 1", "df.a.b = 1", "del df['a']", "df.append(1)", "df.sort_values('a', inplace=True)"),
        *("df[0].x += 1", "for i in range(3):\n    df.fit(i)", "history = df.fit(1)", "a, df['b'] = 1, 2"),
        "df += 1",
    ],
)
def test_a_value_that_is_changed_in_place_is_another_step(taken, change):
    text = taken(code("df = load()"), code(change), code("df.sum()"))
    assert "def df_2(df):" in text
    assert "def cell_3(df_2):" in text


def test_reading_a_value_makes_no_new_one(taken):
    text = taken(code("df = load()"), code("df.head()"), code("x = df['a'].mean()\nx"), code("df"))
    assert "df_2" not in text


def test_several_values_become_outputs_and_the_heading_the_name(taken):
    text = taken(
        markdown("# Title"),
        markdown("## 2. Split the data"),
        code("train, test = cut()"),
        code("train"),
        code("test"),
    )
    assert '@zenconv.step(outputs=("train", "test"))\ndef split_the_data():\n' in text
    assert "    return train, test\n" in text
    assert "\nimport zenconv\n" in text


def test_what_the_notebook_would_show_is_returned(taken):
    assert "def cell_1():\n    return 1 + 1\n" in taken(code("1 + 1"))
    assert "    return (\n        1)\n" in taken(code("(", "    1)"))
    assert "return" not in taken(code("1 + 1;"))
    assert "return" not in taken(code("print(1)"))
    assert "    return acc\n" in taken(code("acc = 1 + len('a')", "print(acc)"))


def test_imports_are_collected_once_with_those_of_the_future_first(taken):
    text = taken(
        code("import os, sys"),
        code("import numpy as np", "from __future__ import annotations"),
        code("import numpy as np"),
    )
    assert "\nfrom __future__ import annotations\nimport os, sys\nimport numpy as np\n" in text
    assert text.count("import numpy") == 1


def test_constants_stay_in_the_module_and_are_no_parameters(taken):
    text = taken(code("SEED = 42", "NAMES = ['a', 'b']"), code("f = open(NAMES[0], SEED)"), code("f"))
    assert "\nSEED = 42\nNAMES = ['a', 'b']\n" in text
    assert "def f():\n    f = open(NAMES[0], SEED)\n" in text


@pytest.mark.parametrize("later", ["N = 2", "N += 1", "N.append(3)"])
def test_what_is_bound_or_changed_again_is_no_constant(taken, later):
    assert "def N():" in taken(code("N = [1]"), code(later), code("N"))


def test_an_empty_container_is_to_be_filled(taken):
    assert "def results():\n    results = []\n" in taken(code("results = []"), code("results"))


def test_functions_are_helpers_with_the_comments_above_them(taken):
    text = taken(
        code(
            "# cleans",
            "@cached",
            "def clean(df):",
            "    return df",
            "",
            "class Net: pass",
            "def _own(): pass",
        )
    )
    assert "# cleans\n@zenconv.helper\n@cached\ndef clean(df):\n    return df\n" in text
    assert "\nclass Net: pass\ndef _own(): pass\n" in text


def test_a_function_that_uses_a_steps_value_is_remarked_on(draft):
    text = draft(code("df = load()"), code("def size(): return len(df)"))
    assert "##   size uses df, which a step makes: pass it as an argument\n" in text


def test_a_step_never_has_the_name_of_a_builtin_a_check_or_something_imported(taken):
    text = taken(
        code("import np"),
        code("max = f()"),
        code("check_a = f()"),
        code("np = f()"),
        code("_t = f()"),
        code("max, check_a, np, _t"),
    )
    assert "def max_value():" in text
    assert "def value_of_check_a():" in text
    assert "def np_2():" in text
    assert "def t():" in text
    assert "def cell_6(max_value, value_of_check_a, np_2, t):\n    max = max_value\n" in text


def test_lines_inside_of_strings_are_not_indented(taken):
    text = taken(code("q = f('''", "select", "   1''')", "x = g()"), code("q"))
    assert "    q = f('''\nselect\n   1''')\n    x = g()\n" in text


def test_names_bound_only_on_some_path_still_come_from_above(taken):
    text = taken(code("a = f()"), code("if b:", "    a = 2", "c = a"), code("c"))
    assert "def c(a):" in text


def test_names_of_loops_and_comprehensions_are_no_inputs(taken):
    text = taken(code("i = f()"), code("r = [i for i in range(3)]", "for i in r:", "    print(i)", "r"))
    assert "def r():" in text


def test_a_name_bound_only_below_is_asked_for_and_remarked_on(draft, taken):
    cells = code("y = x + 1"), code("x = f()"), code("y")
    assert "def y(x):" in taken(*cells)
    assert "##   bound only in a cell below: x\n" in draft(*cells)


def test_a_name_bound_nowhere_is_remarked_on_unless_anything_may_bind_it(draft):
    assert "##   bound nowhere in the notebook: x\n" in draft(code("x + 1"))
    assert "bound nowhere" not in draft(code("from pylab import *"), code("x + 1"))
    assert "bound nowhere" not in draft(code("%run other.ipynb"), code("x + 1"))


@pytest.mark.parametrize("line", ["np.random.seed(0)", "np.options.width = 3", "np.rcParams['a'] = 1"])
def test_what_is_set_for_the_whole_notebook_is_remarked_on(draft, line):
    text = draft(code("import numpy as np", "df = load()"), code(line), code("df.a = 1", "df.seed(0)"))
    assert text.count("sets something of np for later cells") == 1
    assert "sets something of df" not in text


def test_inputs_are_named_with_the_cells_they_come_from(draft):
    text = draft(code("a, b = f()"), code("c = g()"), code("a + b + c"))
    assert "##   uses a, b of cell 1; c of cell 2\n" in text


def test_commands_of_ipython_become_comments(taken):
    text = taken(code("%matplotlib inline", "!ls", "files = !ls", "df.head?", "if x:", "    %time f()"))
    for line in ("# %matplotlib inline", "# !ls", "# files = !ls", "# df.head?", "    pass  # %time f()"):
        assert f"    {line}\n" in text


def test_a_percent_sign_in_python_is_no_command(taken):
    assert "    y = ('%s'\n         %x)\n" in taken(code("y = ('%s'", "     %x)"), code("y"))


@pytest.mark.parametrize("command", ["%%time", "%%capture out"])
def test_a_cell_that_is_timed_is_python(taken, command):
    assert f"def y():\n    # {command}\n    y = f()\n    return y\n" in taken(
        code(command, "y = f()"), code("y")
    )


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        (code("%%bash", "rm -rf /"), "%%bash is no Python"),
        (code("print 'two'"), "no Python 3: line 1"),
        (code("x = = 1"), "no Python 3"),
        (code("if a: global a"), "around it a function would be no Python"),
        (code("from a import *; x = 1"), "around it a function would be no Python"),
    ],
)
def test_a_cell_that_cannot_be_drafted_is_left_as_it_is_and_stays_a_comment(draft, taken, cell, why):
    assert why in draft(cell)
    compiled = compile(taken(cell), "draft", "exec")
    assert compiled.co_names == ()


def test_a_notebook_in_another_language_is_left_as_it_is(draft):
    text = draft(code("x <- 1"), metadata={"kernelspec": {"language": "R"}})
    assert "##   left as it is: it is r\n# # x <- 1\n" in text


def test_waiting_makes_an_async_step(taken):
    text = taken(
        code("import asyncio"), code("r = await fetch()"), code("async def g(): await h()"), code("r")
    )
    assert "async def r():\n    r = await fetch()\n" in text
    assert "\ndef cell_4(r):" in text


def test_text_cells_are_remarks_and_empty_cells_are_nothing(draft):
    text = draft(markdown("# Title", "", "words"), code(""), code("  \n"), code("1"))
    assert "## # Title\n##\n## words\n" in text
    assert "## cell 1\n# def cell_1():\n" in text


def test_an_empty_notebook_gives_an_empty_draft():
    text = write_draft(draft_cells(Notebook(())), "a.ipynb")
    assert text == f"{HEAD}\n## the notebook: a.ipynb\n"
