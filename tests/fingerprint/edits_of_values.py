"""Edits that count, of registries, constants and other values: added to the `CASES` of functions and modules."""

# ruff: noqa: E501  (projects written on one line)
from __future__ import annotations

from tests.fingerprint.edits_of_functions import case
from tests.fingerprint.edits_of_modules import CASES

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
    "function of arrays made from a project function",
    "import numpy as np\nU = np.frompyfunc(lambda x: x + 1, 1, 1)\ndef step(a): return U(a)\n",
    "x + 1",
    "x + 2",
)
case(
    "class made by make_dataclass",
    "import dataclasses\nD = dataclasses.make_dataclass('D', [('a', int, 3)])\ndef step(a): return D()\n",
    "3",
    "4",
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

__all__ = ["CASES"]
