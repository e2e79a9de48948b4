"""Edits that count, of functions, classes and what they reach: `case` takes one down in `CASES`."""

# ruff: noqa: E501  (projects written on one line)
from __future__ import annotations

# name: files before, (file, old, new). A plain text is the file steps_main.py.
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
