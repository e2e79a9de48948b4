"""Whatever a notebook holds, the file drafted from it is valid Python that does nothing."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.starting.notebooks import code, markdown, take_over, write_notebook
from zenconv.errors import ZenconvError
from zenconv.starting.draft_code import Draft
from zenconv.starting.draft_file import HEAD, check_inert, write_draft
from zenconv.starting.draft_names import step_file_name
from zenconv.starting.drafts import Drafts
from zenconv.starting.from_notebook import draft_file

EVIL = "open('EXECUTED', 'w')"
ATTACKS = {
    "another encoding": ("# -*- coding: utf-7 -*-", f"+AAo-{EVIL}"),
    "a carriage return": (f"# harmless\r{EVIL}",),
    "a form feed": (f"# harmless\x0c{EVIL}", f"\x0c{EVIL}"),
    "a vertical tab": (f"# harmless\x0b{EVIL}",),
    "a line separator": (f"# harmless\u2028{EVIL}", f"# harmless\u2029{EVIL}"),
    "a next line": (f"# harmless\x85{EVIL}", f"# harmless\x1c{EVIL}"),
    "a null": (f"# harmless\x00\n{EVIL}",),
    "an end of text": (f"# harmless\x1a\n{EVIL}", f"\x04{EVIL}"),
    "a surrogate": (f"\udc0a{EVIL}",),
    "the end of a docstring": (f'"""\n{EVIL}\n"""', f"'''\n{EVIL}\n'''"),
    "a backslash at the end": (f"# harmless\\\n{EVIL}", "x = 1 \\"),
    "a default and a decorator": (
        f"def f(x={EVIL}): pass",
        f"@{EVIL}\ndef g(): pass",
        f"class A({EVIL}): pass",
    ),
    "an import": ("import os as x\r" + EVIL, "import evil_module"),
    "a command of IPython": (f"!ls\r{EVIL}", f"%%bash\r{EVIL}", f"%%time\n{EVIL}"),
    "code": (EVIL, f"if True:\n    {EVIL}", f"x = [{EVIL} for _ in range(3)]"),
}


def run(text: bytes, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "steps_draft.py").write_bytes(text)
    (folder / "evil_module.py").write_text(EVIL)
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", "import steps_draft; print(sorted(vars(steps_draft)))"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("kind", ["code", "markdown", "raw", "in two", "old"])
def test_importing_a_draft_executes_nothing_of_the_notebook(tmp_path, kind):
    texts = [text for attack in ATTACKS.values() for text in attack]
    cells = [{**code(text), "cell_type": kind} for text in texts]
    more = {}
    if kind == "in two":
        cells = [{**code(), "source": [text[: len(text) // 2], text[len(text) // 2 :]]} for text in texts]
    elif kind == "old":
        more = {"worksheets": [{"cells": [{"cell_type": "code", "input": text} for text in texts]}]}
    path = write_notebook(tmp_path, *cells, **({**more, "cells": None} if more else {}))
    data = draft_file(path).data
    done = run(data, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "'__doc__'" in done.stdout
    assert not any(name in done.stdout for name in ("'x'", "'f'", "'os'", "'A'"))
    assert not (tmp_path / "EXECUTED").exists()
    assert data.decode().count("EXECUTED") >= len(texts) - 8  # all of it is there to read


@pytest.mark.parametrize(
    "name",
    [
        'a"""\n' + EVIL + "\n.ipynb",
        "a\r" + EVIL + ".ipynb",
        "a\u2028b.ipynb",
        "coding: utf-7.ipynb",
        "\udcff.ipynb",
    ],
)
def test_a_notebooks_name_cannot_leave_its_comment(name):
    text = write_draft(Drafts((), (Draft(text="words"),)), name)
    assert [type(node) for node in ast.parse(text.encode()).body] == [ast.Expr]
    assert text.encode().splitlines()[0] == HEAD.encode().splitlines()[0]


@pytest.mark.parametrize(
    ("stem", "file"),
    [
        ("analysis", "steps_analysis.py"),
        ("01 - EDA (final) v2", "steps_01_eda_final_v2.py"),
        ("Übersicht", "steps_ubersicht.py"),
        ("分析", "steps_notebook.py"),
        ("../../etc/passwd", "steps_etc_passwd.py"),
        ("a\nimport os", "steps_a_import_os.py"),
        ("", "steps_notebook.py"),
        ("x" * 500, f"steps_{'x' * 40}.py"),
        ("class", "steps_class.py"),
    ],
)
def test_the_step_file_is_named_after_the_notebook_with_what_a_module_may_have(stem, file):
    assert step_file_name(stem) == file


@pytest.mark.parametrize(
    "text", ["x = 1\n", f"{HEAD}x = 1\n", f"{HEAD}'more'\n", '"""other"""\n', f"# a\n{HEAD}", f"{HEAD}("]
)
def test_a_draft_that_would_do_something_is_never_written(text):
    with pytest.raises(ZenconvError, match="the draft would"):
        check_inert(text)


CHARACTERS = (
    st.characters()
    | st.sampled_from("\n\r\t\x0c\u2028#\"'\\:()[]{}=%!?@ ax1")
    | st.characters(categories=["Cs", "Cc"])
)
TEXTS = st.text(CHARACTERS, max_size=80) | st.lists(
    st.sampled_from(sum(ATTACKS.values(), ())), max_size=3
).map("\n".join)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
CELLS = (
    st.builds(
        lambda kind, source: {"cell_type": kind, "source": source, "input": source},
        st.sampled_from(["code", "markdown", "raw", "heading", 3]),
        TEXTS | st.lists(TEXTS) | ANYTHING,
    )
    | ANYTHING
)


@settings(max_examples=200, deadline=None)
@given(st.lists(CELLS, max_size=6), ANYTHING)
def test_any_notebook_gives_a_file_that_is_comments_alone(cells, metadata):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.ipynb"
        path.write_text(json.dumps({"cells": cells, "metadata": metadata}))
        text = draft_file(path).data.decode()
    assert text.startswith(HEAD)
    rest = text.removeprefix(HEAD)
    assert all(line.startswith("#") or not line for line in rest.split("\n"))
    assert set(rest) & set("\r\x0b\x0c\x00\x85\u2028\u2029") == set()
    assert len(ast.parse(text.encode()).body) == 1


LINES = [
    *("x = f(y)", "y = x + 1", "x.fit(y)", "def f(a):\n    return a", "import os", "if x:\n    y = 2"),
    *("x, y = y, x", "print(x)", "x", "class A:\n    z = 1", "z = '''\n  a\n'''", "for i in y:\n    x += i"),
    *(
        "%time x",
        "!ls",
        "lambda: y",
        "x = 1; y = 2",
        "await x",
        "# words",
        "",
        "with x as y:\n    y",
        "del x",
    ),
    *("N = 3", "@f\ndef g(b=N):\n    return x", "f'''\n{x}\n'''", "[y := a for a in x]", "x[0] = 1; x"),
]
PYTHON = st.lists(st.sampled_from(LINES), max_size=6).map("\n".join)


@settings(max_examples=200, deadline=None)
@given(st.lists(PYTHON, max_size=6))
def test_a_draft_that_is_taken_over_as_a_whole_is_valid_python(cells):
    with tempfile.TemporaryDirectory() as folder:
        path = write_notebook(Path(folder), markdown("# Title"), *map(code, cells))
        text = draft_file(path).data.decode()
    compile(take_over(text), "draft", "exec")
