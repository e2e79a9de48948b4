"""Each edit that can change what a step does changes its fingerprint."""

# ruff: noqa: E501  (projects written on one line)
from __future__ import annotations

from textwrap import dedent

import pytest

# name: files before, {file: (old, new)} edits. A plain text is the file steps_main.py.
CASES: dict[str, tuple[object, tuple[str, str, str]]] = {}


def case(name: str, files: object, old: str, new: str, file: str = "steps_main.py") -> None:
    CASES[name] = (files, (file, old, new))


case("helper in the same file", "def h(x): return x + 1\ndef step(a): return h(a)\n", "x + 1", "x + 2")
case(
    "helper in another module",
    {
        "steps_main.py": "from helpers import h\ndef step(a): return h(a)\n",
        "helpers.py": "def h(x): return x + 1\n",
    },
    "x + 1",
    "x + 2",
    "helpers.py",
)
case(
    "helper reached as attribute",
    {
        "steps_main.py": "import helpers\ndef step(a): return helpers.h(a)\n",
        "helpers.py": "def h(x): return x + 1\n",
    },
    "x + 1",
    "x + 2",
    "helpers.py",
)
case(
    "helper of a helper, three modules away",
    {
        "steps_main.py": "import m1\ndef step(a): return m1.f(a)\n",
        "m1.py": "from m2 import f2\ndef f(a): return f2(a)\n",
        "m2.py": "import m3\ndef f2(a): return m3.f3(a)\n",
        "m3.py": "def f3(a): return a * 2\n",
    },
    "a * 2",
    "a * 3",
    "m3.py",
)
PACKAGE = {
    "pkg/__init__.py": "from .sub import f\n",
    "pkg/sub.py": "from . import deep\ndef f(x): return deep.g(x)\n",
    "pkg/deep.py": "def g(x): return x - 1\n",
}
for title, text in {
    "package: re-export": "from pkg import f\ndef step(a): return f(a)\n",
    "package: from submodule": "from pkg.sub import f\ndef step(a): return f(a)\n",
    "package: import as": "import pkg.sub as s\ndef step(a): return s.f(a)\n",
    "package: dotted import": "import pkg.sub\ndef step(a): return pkg.sub.f(a)\n",
    "package: star": "from pkg.sub import *\ndef step(a): return f(a)\n",
    "package: function-level from": "def step(a):\n    from pkg.sub import f as g\n    return g(a)\n",
    "package: function-level import as": "def step(a):\n    import pkg.sub as s\n    return s.f(a)\n",
    "package: function-level dotted": "def step(a):\n    import pkg.sub\n    return pkg.sub.f(a)\n",
    "package: module passed on": "import pkg.sub\ndef step(a): return run(pkg.sub, a)\ndef run(m, a): return m.f(a)\n",
    "package: getattr by constant": "import pkg\ndef step(a): return getattr(pkg.sub, 'f')(a)\n",
    "package: computed getattr": "import pkg.sub as s\ndef step(a, n='f'): return getattr(s, n)(a)\n",
    "package: import_module": "import importlib\ndef step(a): return importlib.import_module('pkg.sub').f(a)\n",
    "package: vars of module": "import pkg.sub as s\ndef step(a, n='f'): return vars(s)[n](a)\n",
    "package: module dictionary": "import pkg.sub as s\ndef step(a, n='f'): return s.__dict__[n](a)\n",
}.items():
    case(title, {**PACKAGE, "steps_main.py": text}, "x - 1", "x - 2", "pkg/deep.py")
case(
    "namespace package",
    {
        "steps_main.py": "import ns.part\ndef step(a): return ns.part.f(a)\n",
        "ns/part.py": "def f(x): return x\n",
    },
    "return x",
    "return -x",
    "ns/part.py",
)
case(
    "submodule imported lazily by a module's __getattr__",
    {
        "steps_main.py": "import pkg\ndef step(a): return pkg.f(a)\n",
        "pkg/__init__.py": "def __getattr__(name):\n    import importlib\n    return getattr(importlib.import_module('pkg.impl'), name)\n",
        "pkg/impl.py": "def f(x): return x\n",
    },
    "return x",
    "return -x",
    "pkg/impl.py",
)
case("globals()", "def f(x): return x\ndef step(a, n='f'): return globals()[n](a)\n", "return x", "return -x")
case("eval", "def f(x): return x\ndef step(a): return eval('f(a)')\n", "return x", "return -x")

CLASS = """
class Base:
    rate = 1
    def go(self, x): return x + self.rate
class Model(Base):
    def predict(self, x): return self.go(x)
    @property
    def size(self): return 1
    @classmethod
    def make(cls): return cls()
    @staticmethod
    def help(x): return x * 10
    class Inner:
        depth = 7
def step(a): return Model().predict(a)
"""
for title, old, new in [
    ("method", "self.go(x)", "self.go(x) + 1"),
    ("base class method", "x + self.rate", "x - self.rate"),
    ("class attribute", "rate = 1", "rate = 2"),
    ("property", "return 1", "return 2"),
    ("classmethod", "return cls()", "return cls() or 0"),
    ("staticmethod", "x * 10", "x * 11"),
    ("nested class", "depth = 7", "depth = 8"),
    ("base removed", "Model(Base)", "Model()"),
]:
    case(f"class: {title}", CLASS, old, new)
case(
    "class: base in another module",
    {
        "steps_main.py": "from b import B\nclass C(B): pass\ndef step(a): return C().f(a)\n",
        "b.py": "class B:\n    def f(self, x): return x\n",
    },
    "return x",
    "return -x",
    "b.py",
)
case(
    "class: metaclass",
    """
    class Meta(type):
        def __call__(cls, *a): return super().__call__(*a)
    class C(metaclass=Meta): pass
    def step(a): return C()
    """,
    "super().__call__(*a)",
    "super().__call__()",
)
case(
    "class: attribute read from a file",
    {
        "steps_main.py": "from pathlib import Path\nclass C:\n    k = (Path(__file__).parent / 'k.txt').read_text()\n"
        "def step(a): return C.k\n",
        "k.txt": "1",
    },
    "1",
    "2",
    "k.txt",
)
case("class: attribute set later", "class C: pass\nC.k = 1\ndef step(a): return C.k\n", "C.k = 1", "C.k = 2")
case(
    "class: method put in later",
    "class C: pass\ndef f(self): return 1\nC.f = f\ndef step(a): return C().f()\n",
    "return 1",
    "return 2",
)
case(
    "class: decorator of a class",
    """
    def deco(c):
        c.k = 1
        return c
    @deco
    class C: pass
    def step(a): return C.k
    """,
    "c.k = 1",
    "c.k = 2",
)
case(
    "class: method behind a project decorator",
    """
    def twice(f):
        def inner(self): return f(self) * 2
        return inner
    class C:
        @twice
        def go(self): return 1
    def step(a): return C().go()
    """,
    "* 2",
    "* 3",
)
case(
    "class: decorated method itself",
    """
    def twice(f):
        def inner(self): return f(self) * 2
        return inner
    class C:
        @twice
        def go(self): return 1
    def step(a): return C().go()
    """,
    "return 1",
    "return 3",
)
case(
    "class: cached_property",
    """
    from functools import cached_property
    class C:
        @cached_property
        def go(self): return 1
    def step(a): return C().go
    """,
    "return 1",
    "return 3",
)
case(
    "class: dataclass default",
    """
    from dataclasses import dataclass
    @dataclass
    class C:
        k: int = 1
    def step(a): return C().k
    """,
    "= 1",
    "= 2",
)
case(
    "class: dataclass field type",
    """
    from dataclasses import dataclass
    @dataclass
    class C:
        k: int = 1
    def step(a): return C().k
    """,
    "k: int",
    "k: float",
)
case(
    "class: dataclass options",
    """
    from dataclasses import dataclass
    @dataclass(order=True)
    class C:
        k: int = 1
    def step(a): return C().k
    """,
    "order=True",
    "order=False",
)
case(
    "class: attrs method",
    """
    import attrs
    @attrs.frozen
    class C:
        k: int = 1
        def go(self): return self.k
    def step(a): return C().go()
    """,
    "return self.k",
    "return -self.k",
)
case(
    "class: enum value",
    """
    from enum import Enum
    class E(Enum):
        A = 1
    def step(a): return E.A.value
    """,
    "A = 1",
    "A = 2",
)
case(
    "class: enum method",
    """
    from enum import Enum
    class E(Enum):
        A = 1
        def go(self): return 1
    def step(a): return E.A.go()
    """,
    "return 1",
    "return 2",
)
case(
    "class: named tuple default",
    """
    from typing import NamedTuple
    class P(NamedTuple):
        x: int = 1
    def step(a): return P()
    """,
    "= 1",
    "= 2",
)
case(
    "class: functional namedtuple",
    "from collections import namedtuple\nP = namedtuple('P', 'x y')\ndef step(a): return P(1, 2)\n",
    "x y",
    "y x",
)
case("class: docstring in a class body", 'class C:\n    "one"\ndef step(a): return C()\n', '"one"', '"two"')
case(
    "class: which of two conditional definitions",
    "FAST = True\nif FAST:\n    class C:\n        def f(self): return 1\nelse:\n    class C:\n"
    "        def f(self): return 2\ndef step(a): return C().f()\n",
    "FAST = True",
    "FAST = False",
)

DECORATED = """
import functools
def deco(n):
    def outer(f):
        @functools.wraps(f)
        def inner(*a): return f(*a) * n
        return inner
    return outer
@deco(2)
def step(a): return a + 1
"""
for title, old, new in [
    ("its code", "f(*a) * n", "f(*a) / n"),
    ("its argument", "@deco(2)", "@deco(3)"),
    ("the function below", "a + 1", "a + 2"),
]:
    case(f"decorator: {title}", DECORATED, old, new)
case(
    "decorator: argument from a file",
    {
        "steps_main.py": DECORATED.replace("@deco(2)", "@deco(int(open(__file__[:-13] + 'n.txt').read()))"),
        "n.txt": "2",
    },
    "2",
    "3",
    "n.txt",
)
case(
    "decorator: one that loses the function",
    "class D:\n    def __init__(self, f): self.fn = f\n    def __call__(self, a): return self.fn(a)\n"
    "@D\ndef step(a): return a + 1\n",
    "a + 1",
    "a + 2",
)
case(
    "decorator: class instance code",
    "class D:\n    def __init__(self, f): self.fn = f\n    def __call__(self, a): return self.fn(a)\n"
    "@D\ndef step(a): return a + 1\n",
    "return self.fn(a)",
    "return -self.fn(a)",
)
case(
    "decorator: lru_cache",
    "from functools import lru_cache\n@lru_cache\ndef h(x): return x\ndef step(a): return h(a)\n",
    "return x",
    "return -x",
)
case(
    "decorator: contextmanager",
    "from contextlib import contextmanager\n@contextmanager\ndef h(x):\n"
    "    yield x\ndef step(a):\n    with h(a) as b: return b\n",
    "yield x",
    "yield -x",
)
case(
    "decorator: installed one",
    "import pluggy\nmark = pluggy.HookimplMarker('p')\n@mark\ndef h(x): return x\ndef step(a): return h(a)\n",
    "return x",
    "return -x",
)
case(
    "decorator: docstring under an installed one",
    "import click\n@click.command()\ndef h(x):\n    'one'\ndef step(a): return h(a)\n",
    "'one'",
    "'two'",
)
case(
    "decorator: body under an installed one that wraps",
    "import click\n@click.command()\ndef h(x):\n    return 1\ndef step(a): return h(a)\n",
    "return 1",
    "return 2",
)
case(
    "partial: function",
    "from functools import partial\ndef f(x, y): return x + y\ng = partial(f, 1)\ndef step(a): return g(a)\n",
    "x + y",
    "x - y",
)
case(
    "partial: argument",
    "from functools import partial\ndef f(x, y): return x + y\ng = partial(f, 1)\ndef step(a): return g(a)\n",
    "partial(f, 1)",
    "partial(f, 2)",
)
case(
    "closure: cell value",
    "def make(n):\n    def f(x): return x * n\n    return f\ng = make(2)\ndef step(a): return g(a)\n",
    "make(2)",
    "make(3)",
)
case(
    "closure: code",
    "def make(n):\n    def f(x): return x * n\n    return f\ng = make(2)\ndef step(a): return g(a)\n",
    "x * n",
    "x / n",
)
case(
    "closure: function in a cell",
    "def make(h):\n    def f(x): return h(x)\n    return f\n"
    "def one(x): return x\ng = make(one)\ndef step(a): return g(a)\n",
    "): return x\n",
    "): return -x\n",
)
case(
    "closure: without canonical form",
    "import threading\ndef make(n):\n    l = threading.local()\n    l.k = n * 2\n"
    "    def f(x):\n        return l.k\n    return f\ng = make(1)\ndef step(a): return g(a)\n",
    "n * 2",
    "n * 3",
)
case("default argument: literal", "def step(a, k=1): return a * k\n", "k=1", "k=2")
case(
    "default argument: from a file",
    {
        "steps_main.py": "def h(k=open(__file__[:-13] + 'n.txt').read()): return k\ndef step(a): return h()\n",
        "n.txt": "2",
    },
    "2",
    "3",
    "n.txt",
)
case(
    "default argument: function",
    "def f(x): return x\ndef step(a, g=f): return g(a)\n",
    "return x",
    "return -x",
)
case(
    "dispatch table: dict",
    "def f(x): return x\nT = {'f': f}\ndef step(a): return T['f'](a)\n",
    "return x",
    "return -x",
)
case(
    "dispatch table: list of lambdas",
    "T = [lambda x: x, lambda x: x + 1]\ndef step(a): return T[1](a)\n",
    "x + 1",
    "x + 2",
)
case(
    "dispatch table: wiring",
    "def f(x): return x\ndef g(x): return -x\nT = {'f': f, 'g': g}\ndef step(a): return T['f'](a)\n",
    "{'f': f, 'g': g}",
    "{'f': g, 'g': f}",
)
case(
    "dispatch table: set of functions",
    "def f(x): return x\ndef g(x): return -x\nT = {f, g}\ndef step(a): return [h(a) for h in T]\n",
    "return -x",
    "return -x * 2",
)
REGISTRY = """
R = {}
def register(f):
    R[f.__name__] = f
    return f
@register
def one(x): return x
def step(a): return R['one'](a)
"""
case("dispatch table: registered by a decorator", REGISTRY, "return x", "return -x")
case("dispatch table: one more entry", REGISTRY, "def step", "@register\ndef two(x): return x\ndef step")
DISPATCH = """
from functools import singledispatch
@singledispatch
def h(x): return 0
@h.register
def _(x: int): return 1
@h.register(str)
def _(x): return 2
def step(a): return h(a)
"""
for title, old, new in [
    ("default", "0", "5"),
    ("by annotation", "return 1", "return 6"),
    ("by argument", "return 2", "return 7"),
    ("annotation", "x: int", "x: float"),
]:
    case(f"singledispatch: {title}", DISPATCH, old, new)
case("lambda: global", "f = lambda x: x + 1\ndef step(a): return f(a)\n", "x + 1", "x + 2")
case(
    "lambda: two on a line",
    "f, g = (lambda x: x + 1), (lambda x: x + 2)\ndef step(a): return f(a)\n",
    "x + 1",
    "x + 3",
)
case("nested def", "def step(a):\n    def f(x): return x\n    return f(a)\n", "return x", "return -x")
case(
    "nested def: global it reads",
    "K = 1\ndef step(a):\n    def f(x): return x + K\n    return f(a)\n",
    "K = 1",
    "K = 2",
)
case("generator", "def h(x):\n    yield x\ndef step(a): return list(h(a))\n", "yield x", "yield -x")
case("async", "async def h(x): return x\nasync def step(a): return await h(a)\n", "return x", "return -x")
case("comprehension", "K = 1\ndef step(a): return [x + K for x in a]\n", "K = 1", "K = 2")
case("match", "def step(a):\n    match a:\n        case 1: return 1\n", "case 1", "case 2")
case("f-string", "K = 1\ndef step(a): return f'{a:>{K}}'\n", "K = 1", "K = 2")
case("constant", "A = 1\ndef step(a): return A\n", "A = 1", "A = 2")
case("constant: type", "A = 1\ndef step(a): return A\n", "A = 1", "A = 1.0")
case("constant: computed", "B = 2\nA = B + 1\ndef step(a): return A\n", "B = 2", "B = 3")
case(
    "constant: imported",
    {"steps_main.py": "from c import A\ndef step(a): return A\n", "c.py": "A = 1\n"},
    "A = 1",
    "A = 2",
    "c.py",
)
case(
    "constant: attribute",
    {"steps_main.py": "import c\ndef step(a): return c.A\n", "c.py": "A = 1\n"},
    "A = 1",
    "A = 2",
    "c.py",
)
case(
    "constant: read from YAML",
    {
        "steps_main.py": "import yaml\nCONFIG = yaml.safe_load(open(__file__[:-13] + 'c.yaml'))\n"
        "def step(a): return CONFIG['k']\n",
        "c.yaml": "k: 1\n",
    },
    "k: 1",
    "k: 2",
    "c.yaml",
)
case(
    "constant: bound in try",
    "try:\n    import nothing_of_that_name as m\nexcept ImportError:\n    m = 1\ndef step(a): return m\n",
    "m = 1",
    "m = 2",
)
case("constant: mutable registry", "R = []\nR.append(1)\ndef step(a): return R\n", "append(1)", "append(2)")
case(
    "constant: array", "import numpy as np\nW = np.array([1, 2])\ndef step(a): return W\n", "[1, 2]", "[1, 3]"
)
case(
    "constant: array shape",
    "import numpy as np\nW = np.zeros((2, 3))\ndef step(a): return W\n",
    "(2, 3)",
    "(3, 2)",
)
case(
    "constant: enum member of a mapping",
    "from enum import Enum\nclass E(Enum):\n    A = 1\n    B = 2\nM = {'x': E.A}\ndef step(a): return M\n",
    "'x': E.A",
    "'x': E.B",
)
case(
    "constant: dataclass",
    "from dataclasses import dataclass\n@dataclass\nclass C:\n    k: int\nX = C(1)\n"
    "def step(a): return X.k\n",
    "C(1)",
    "C(2)",
)
case(
    "constant: plain object",
    "class C:\n    def __init__(self, k): self.k = k\nX = C(1)\ndef step(a): return X.k\n",
    "C(1)",
    "C(2)",
)
case(
    "constant: pattern flags",
    "import re\nP = re.compile('a')\ndef step(a): return P.match(a)\n",
    "re.compile('a')",
    "re.compile('a', re.I)",
)
case(
    "constant: name assigned by a function",
    "K = None\ndef init():\n    global K\n    import threading\n    K = threading.local()\n"
    "    return 1\ninit()\ndef step(a): return K\n",
    "return 1",
    "return 2",
)
ESTIMATOR = """
from sklearn.linear_model import LogisticRegression
import numpy as np
X = np.array([[0.], [1.]])
model = LogisticRegression(C=1.0)
model.fit(X, [0, 1])
def step(a): return model.predict(a)
"""
case("no canonical form: constructor", ESTIMATOR, "C=1.0", "C=2.0")
case("no canonical form: what its statements reach", ESTIMATOR, "[1.]]", "[2.]]")
case("no canonical form: method called on it", ESTIMATOR, "[0, 1])\ndef", "[1, 0])\ndef")
case(
    "no canonical form: in a loop",
    "import threading\nk = threading.local()\nfor i in range(3):\n    k.x = i\ndef step(a): return k.x\n",
    "range(3)",
    "range(4)",
)
case(
    "no canonical form: in another module",
    {
        "steps_main.py": "from s import k\ndef step(a): return k\n",
        "s.py": "import threading\nk = threading.local()\nk.x = 1\n",
    },
    "k.x = 1",
    "k.x = 2",
    "s.py",
)
case("import target", "from math import sin as f\ndef step(a): return f(a)\n", "sin as", "cos as")
case(
    "import of another package under one name",
    "import json as m\ndef step(a): return m.dumps(a)\n",
    "json",
    "pickle",
)
case(
    "import inside try",
    {
        "steps_main.py": "try:\n    from fast import f\nexcept ImportError:\n    from slow import f\ndef step(a): return f(a)\n",
        "slow.py": "def f(x): return x\n",
    },
    "return x",
    "return -x",
    "slow.py",
)
case(
    "function-level constant",
    {"steps_main.py": "def step(a):\n    from c import A\n    return A\n", "c.py": "A = 1\n"},
    "A = 1",
    "A = 2",
    "c.py",
)
case(
    "function-level import in a branch",
    {
        "steps_main.py": "def step(a):\n    try:\n        import nothing_there as c\n    except ImportError:\n        import c\n"
        "    return c.A\n",
        "c.py": "A = 1\n",
    },
    "A = 1",
    "A = 2",
    "c.py",
)
case("function attribute", "def h(): return h.k\nh.k = 1\ndef step(a): return h()\n", "h.k = 1", "h.k = 2")
case(
    "settings of an installed library",
    "import numpy as np\nnp.seterr(all='warn')\ndef step(a): return a\n",
    "'warn'",
    "'ignore'",
)
case("docstring that code reads", "def h(x):\n    'one'\ndef step(a): return h.__doc__\n", "'one'", "'two'")
case(
    "annotation that code reads",
    "import inspect\ndef h(x: int): pass\ndef step(a): return inspect.signature(h)\n",
    "x: int",
    "x: float",
)
case("star argument", "def h(*a): return a\ndef step(a): return h(*a)\n", "h(*a)\n", "h(a)\n")
case(
    "parameter order",
    "def h(x, y): return x - y\ndef step(a): return h(1, 2)\n",
    "def h(x, y)",
    "def h(y, x)",
)
case(
    "swapped helpers",
    "def f(x): return x\ndef g(x): return -x\ndef step(a): return f(a)\n",
    "return f(a)",
    "return g(a)",
)
case(
    "mutual recursion",
    "def even(n): return n == 0 or odd(n - 1)\ndef odd(n): return n != 0 and even(n - 1)\n"
    "def step(a): return even(a)\n",
    "n != 0",
    "n > 0",
)
case(
    "global shadowed only in another function",
    "K = 1\ndef other():\n    K = 5\ndef step(a): return K\n",
    "K = 1",
    "K = 2",
)
case("walrus at module level", "(K := 1)\ndef step(a): return K\n", "1", "2")
case(
    "bound method as a global",
    "class C:\n    def go(self, x): return x\ngo = C().go\ndef step(a): return go(a)\n",
    "return x",
    "return -x",
)
case(
    "itemgetter",
    "from operator import itemgetter\ng = itemgetter(0)\ndef step(a): return g(a)\n",
    "(0)",
    "(1)",
)
case(
    "instance whose class holds the behaviour",
    "class C:\n    def go(self): return 1\nX = C()\ndef step(a): return X.go()\n",
    "return 1",
    "return 2",
)
case(
    "subclasses asked for",
    "class A: pass\nclass B(A):\n    def f(self): return 1\n"
    "def step(a): return [s().f() for s in A.__subclasses__()]\n",
    "return 1",
    "return 2",
)
case(
    "subclass registry",
    "class A:\n    subs = []\n    def __init_subclass__(cls): A.subs.append(cls)\nclass B(A):\n"
    "    def f(self): return 1\ndef step(a): return [s().f() for s in A.subs]\n",
    "return 1",
    "return 2",
)
case(
    "function made by exec", "exec('def f(x): return x')\ndef step(a): return f(a)\n", "return x", "return -x"
)
case(
    "function made by exec elsewhere",
    "ns = {}\nexec('def f(x): return x', ns)\nf = ns['f']\ndef step(a): return f(a)\n",
    "return x",
    "return -x",
)
case(
    "installed class given a project function",
    "import numpy as np\ndef h(x): return x\nH = np.vectorize(h)\ndef step(a): return H(a)\n",
    "return x",
    "return -x",
)
case(
    "random seed at module level",
    "import random\nrandom.seed(0)\ndef step(a): return random.random()\n",
    "seed(0)",
    "seed(1)",
)
case(
    "closures composed",
    "def compose(*fs):\n    def run(x):\n        for f in fs: x = f(x)\n        return x\n    return run\n"
    "pipe = compose(abs, lambda y: y + 1)\ndef step(a): return pipe(a)\n",
    "y + 1",
    "y + 2",
)
case(
    "descriptor",
    "class D:\n    def __get__(self, o, t): return 1\nclass C:\n    d = D()\ndef step(a): return C().d\n",
    "return 1",
    "return 2",
)
case("step itself", "def step(a): return a\n", "return a", "return -a")


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
