"""Each edit that can change what a step does changes its fingerprint."""

# ruff: noqa: E501  (projects written on one line)
from __future__ import annotations

from textwrap import dedent

import pytest

from tests.fingerprint.edits_of_functions import case
from tests.fingerprint.edits_of_values import CASES


def edited(files: object, edit: tuple[str, str, str]) -> dict[str, str]:
    name, old, new = edit
    texts = {"steps_main.py": dedent(files)} if isinstance(files, str) else dict(files)  # type: ignore[call-overload]
    assert old in texts[name], f"{old!r} is not in {name}"
    return {**texts, name: texts[name].replace(old, new, 1)}


case(
    "setting made by an imported module",
    {
        "steps_main.py": "import project_settings\ndef step(a): return a\n",
        "project_settings.py": "from deep import more\n",
        "deep/__init__.py": "",
        "deep/more.py": "import numpy as np\nnp.set_printoptions(precision=2)\n",
    },
    "precision=2",
    "precision=3",
    "deep/more.py",
)
case(
    "setting behind a call",
    "import decimal\ndecimal.getcontext().prec = 28\ndef step(a): return decimal\n",
    "= 28",
    "= 27",
)
case(
    "a patch of Python's library",
    "import json\ndef f(x): return x\njson.mine_for_a_test = f\n"
    "def step(a): return json.mine_for_a_test(a)\n",
    "return x",
    "return -x",
)
case(
    "dataclass default from a file",
    {
        "steps_main.py": "from dataclasses import dataclass, field\ndef read(): return open(__file__[:-13] + 'n.txt').read()\n"
        "@dataclass(slots=True)\nclass C:\n    k: str = field(default=read())\ndef step(a): return C()\n",
        "n.txt": "2",
    },
    "2",
    "3",
    "n.txt",
)
case(
    "NamedTuple default from a file",
    {
        "steps_main.py": "from typing import NamedTuple\ndef read(): return open(__file__[:-13] + 'n.txt').read()\n"
        "class C(NamedTuple):\n    k: str = read()\ndef step(a): return C()\n",
        "n.txt": "2",
    },
    "2",
    "3",
    "n.txt",
)
case(
    "attrs default from a file",
    {
        "steps_main.py": "import attrs\ndef read(): return open(__file__[:-13] + 'n.txt').read()\n"
        "@attrs.define\nclass C:\n    k: str = attrs.field(default=read())\ndef step(a): return C()\n",
        "n.txt": "2",
    },
    "2",
    "3",
    "n.txt",
)
case(
    "constant: estimator",
    "from sklearn.linear_model import Ridge\nM = {'r': Ridge(alpha=1.0)}\ndef step(a): return M\n",
    "alpha=1.0",
    "alpha=2.0",
)
case(
    "constant: network address",
    "import ipaddress\nA = ipaddress.ip_address('1.1.1.1')\ndef step(a): return A\n",
    "'1.1.1.1'",
    "'1.1.1.2'",
)
case(
    "constant: typed array", "import array\nA = array.array('i', [1])\ndef step(a): return A\n", "[1]", "[2]"
)


@pytest.mark.parametrize("name", CASES)
def test_an_edit_counts(name, fingerprint) -> None:
    files, edit = CASES[name]
    before = edited(files, (edit[0], edit[1], edit[1]))
    first = fingerprint(before)
    again = fingerprint(before)
    changed = fingerprint(edited(files, edit))
    assert first.digest == again.digest, "a second checkout has another fingerprint"
    assert first.digest != changed.digest
    assert {(p.name, p.digest) for p in first.parts} != {(p.name, p.digest) for p in changed.parts}
