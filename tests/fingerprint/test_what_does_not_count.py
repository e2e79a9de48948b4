"""Edits that cannot change what a step does leave its fingerprint alone."""

from __future__ import annotations

import pytest

BODY = """
import numpy as np
from helpers import scale

def step(a, b: int = 2) -> float:
    "What it does."
    total = scale(a) + b
    return np.abs(total)
"""
HELPERS = "def scale(x):\n    return x * 2\n"

# name: (files, the same project written otherwise)
SAME: dict[str, tuple[dict[str, str], dict[str, str]]] = {}


def same(name: str, first: str | dict[str, str], second: str | dict[str, str]) -> None:
    SAME[name] = tuple(  # type: ignore[assignment]
        {"steps_main.py": files} if isinstance(files, str) else files for files in (first, second)
    )


def of_body(old: str, new: str) -> tuple[dict[str, str], dict[str, str]]:
    assert old in BODY
    return (
        {"steps_main.py": BODY, "helpers.py": HELPERS},
        {"steps_main.py": BODY.replace(old, new), "helpers.py": HELPERS},
    )


same("comment", *of_body("    total", "    # a comment\n    total"))
same("blank lines", *of_body("    total", "\n\n    total"))
same("formatting", *of_body("scale(a) + b", "(\n        scale( a )+b\n    )"))
same("docstring edited", *of_body("What it does.", "Else."))
same("docstring removed", *of_body('    "What it does."\n', ""))
same("annotations", *of_body("b: int = 2) -> float", "b = 2)"))
same("annotation as text", *of_body("b: int", "b: 'SomethingElse'"))
same("local annotation", *of_body("total = scale", "total: float = scale"))
same("another function", *of_body("def step", "def other(x):\n    return x\n\n\ndef step"))
same(
    "another step that uses a helper",
    *of_body("def step", "def other(x):\n    return scale(x) ** 2\n\n\ndef step"),
)
same("unused import", *of_body("import numpy as np", "import json\nimport numpy as np"))
same("unused constant", *of_body("def step", "UNUSED = 4\n\n\ndef step"))
same("script guard", *of_body("def step", "if __name__ == '__main__':\n    print(1)\n\n\ndef step"))
same("string as a comment in the body", *of_body("    total", "    '''note'''\n    total"))
same("logging at module level", *of_body("def step", "import logging\nlogging.basicConfig()\n\n\ndef step"))
same("quotes", "def step(a): return 'x'\n", 'def step(a): return u"x"\n')
same("number spelling", "def step(a): return 1000 + 0x10\n", "def step(a): return 1_000 + 16\n")
same("ellipsis for pass", "def step(a): ...\n", "def step(a): pass\n")
same("constant computed otherwise", "A = 1 + 1\ndef step(a): return A\n", "A = 2\ndef step(a): return A\n")
same(
    "order of definitions",
    "K = 1\ndef f(x): return K\ndef g(x): return f(x)\ndef step(a): return g(a)\n",
    "def step(a): return g(a)\ndef g(x): return f(x)\ndef f(x): return K\nK = 1\n",
)
same(
    "helper moved to another file",
    {
        "steps_main.py": "from one import f\ndef step(a): return f(a)\n",
        "one.py": "def f(x): return g(x)\ndef g(x): return x\n",
    },
    {
        "steps_main.py": "from two import f\ndef step(a): return f(a)\n",
        "two.py": "from three import g\ndef f(x): return g(x)\n",
        "three.py": "def g(x): return x\n",
    },
)
same(
    "helper moved into the step's file",
    {"steps_main.py": "from one import f\ndef step(a): return f(a)\n", "one.py": "def f(x): return x\n"},
    "def f(x): return x\ndef step(a): return f(a)\n",
)
same(
    "package reorganised",
    {
        "steps_main.py": "from pkg import f\ndef step(a): return f(a)\n",
        "pkg/__init__.py": "from .a import f\n",
        "pkg/a.py": "def f(x): return x\n",
    },
    {
        "steps_main.py": "from pkg import f\ndef step(a): return f(a)\n",
        "pkg/__init__.py": "from .deep.b import f\n",
        "pkg/deep/__init__.py": "",
        "pkg/deep/b.py": "def f(x): return x\n",
    },
)
same(
    "constant moved",
    {"steps_main.py": "from c import K\ndef step(a): return K\n", "c.py": "K = [1]\n"},
    "K = [1]\ndef step(a): return K\n",
)
same(
    "class moved",
    {
        "steps_main.py": "from c import C\ndef step(a): return C()\n",
        "c.py": "class C:\n    k = 1\n    def f(self): return 1\n",
    },
    "class C:\n    k = 1\n    def f(self): return 1\ndef step(a): return C()\n",
)
same(
    "local variable of the name of a function",
    "def f(): return 1\ndef step(a):\n    f = a\n    return f\n",
    "def f(): return 2\ndef step(a):\n    f = a\n    return f\n",
)
same(
    "parameter of the name of a step",
    "def f(): return 1\ndef step(f): return f\n",
    "def f(): return 2\ndef step(f): return f\n",
)
same(
    "comprehension variable of the name of a function",
    "def f(): return 1\ndef step(a): return [f for f in a]\n",
    "def f(): return 2\ndef step(a): return [f for f in a]\n",
)
same(
    "exception variable",
    "e = 1\ndef step(a):\n    try: return a\n    except ValueError as e: return e\n",
    "e = 2\ndef step(a):\n    try: return a\n    except ValueError as e: return e\n",
)
same(
    "match variable",
    "m = 1\ndef step(a):\n    match a:\n        case [m, *_]: return m\n",
    "m = 2\ndef step(a):\n    match a:\n        case [m, *_]: return m\n",
)
same(
    "nested function's parameter",
    "k = 1\ndef step(a):\n    return (lambda k: k)(a)\n",
    "k = 2\ndef step(a):\n    return (lambda k: k)(a)\n",
)
same(
    "attribute of the name of a global",
    "k = 1\ndef step(a): return a.k\n",
    "k = 2\ndef step(a): return a.k\n",
)
same(
    "keyword of the name of a global",
    "k = 1\ndef step(a): return dict(k=a)\n",
    "k = 2\ndef step(a): return dict(k=a)\n",
)
same(
    "logger's name",
    "import logging\nlog = logging.getLogger('a')\ndef step(a): log.info(a)\n",
    "import logging\nlog = logging.getLogger('b')\ndef step(a): log.info(a)\n",
)
same(
    "type checking imports",
    "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch\ndef step(a): return a\n",
    "def step(a): return a\n",
)
same(
    "method's docstring",
    "class C:\n    def f(self):\n        'one'\n        return 1\ndef step(a): return C().f()\n",
    "class C:\n    def f(self):\n        'two'\n        return 1\ndef step(a): return C().f()\n",
)
same("marks", "def step(a): return a\n", "import zenconv.errors as z\ndef step(a): return a\n")
same(
    "set order",
    "K = {'a', 'b', 'c'}\ndef step(a): return K\n",
    "K = {'c', 'b', 'a'}\ndef step(a): return K\n",
)
same(
    "path below the root",
    "from pathlib import Path\nP = Path(__file__).parent / 'x'\ndef step(a): return P\n",
    "from pathlib import Path\nP = Path(__file__).resolve().parent / 'x'\ndef step(a): return P\n",
)
same(
    "root in the middle of a text",
    "import os\nU = 'sqlite:///' + os.path.dirname(__file__) + '/db'\ndef step(a): return U\n",
    "import os\nU = f'sqlite:///{os.path.dirname(__file__)}/db'\ndef step(a): return U\n",
)
same(
    "another entry of a package",
    {
        "steps_main.py": "import pkg.a\ndef step(x): return pkg.a.f(x)\n",
        "pkg/__init__.py": "",
        "pkg/a.py": "def f(x): return x\ndef g(x): return 1\n",
    },
    {
        "steps_main.py": "import pkg.a\ndef step(x): return pkg.a.f(x)\n",
        "pkg/__init__.py": "K = 1\n",
        "pkg/a.py": "def f(x): return x\ndef g(x): return 2\n",
    },
)


@pytest.mark.parametrize("name", SAME)
def test_an_edit_does_not_count(name, fingerprint) -> None:
    first, second = SAME[name]
    assert fingerprint(first).digest == fingerprint(second).digest


def test_a_renamed_step_module_changes_nothing(load_project) -> None:
    from zenconv.fingerprint import Fingerprinter

    digests = []
    for name in ("steps_one", "steps_two"):
        project = load_project({f"{name}.py": "def f(x): return x\ndef step(a): return f(a)\n"})
        digests.append(Fingerprinter(project.sources).of_function(project.load(name).step).digest)
    assert digests[0] == digests[1]


@pytest.mark.parametrize(
    "line",
    [
        "@zenconv.mark.nocache",
        "@zenconv.step(version='1')",
        "@mark.nocache",
        "@mark.retry(3, on=(OSError, 'crash'), backoff='exponential')",
        "@zenconv.mark.timeout('10m')\n@zenconv.mark.slow\n@zenconv.mark.resources(cpu=2)",
        "zenconvmark = [mark.timeout(3)]",
        "kept = mark.timeout(3)\n@kept",
    ],
)
def test_a_decorator_of_zenconv_is_no_code(line: str, fingerprint) -> None:
    text = "import zenconv\nfrom zenconv import mark\ndef step(a): return a\n"
    plain = fingerprint(text)
    try:
        marked = fingerprint(text.replace("def step", f"{line}\ndef step"))
    except (AttributeError, TypeError) as error:
        pytest.skip(str(error))
    assert marked.digest == plain.digest
    assert marked.warnings == ()
