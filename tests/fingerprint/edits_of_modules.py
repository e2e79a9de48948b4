"""Edits that count, of modules and packages, however code reaches them."""

# ruff: noqa: E501  (projects written on one line)
from __future__ import annotations

from tests.fingerprint.edits_of_functions import CASES, case

PACKAGE = {
    "pkg/__init__.py": "from .sub import f\nfrom importlib import import_module\ndef late(x): return import_module('.sub', __package__).f(x)\n",
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
    "package: import_module, relative": "def step(a):\n    import pkg\n    return pkg.late(a)\n",
    "package: import_module, relative to a text": "import importlib\ndef step(a): return importlib.import_module('.sub', package='pkg').f(a)\n",
    "package: sys.modules": "import pkg, sys\ndef step(a): return sys.modules['pkg.sub'].f(a)\n",
    "package: sys.modules.get": "import pkg, sys\ndef step(a): return sys.modules.get('pkg.sub').f(a)\n",
    "package: a name that pkgutil resolves": "import pkgutil\ndef step(a): return pkgutil.resolve_name('pkg.sub:f')(a)\n",
    "package: a dotted name that pkgutil resolves": "import pkgutil\ndef step(a): return pkgutil.resolve_name('pkg.sub.f')(a)\n",
    "package: a module of it by a computed name": "import pkg.sub\ndef step(a, n='sub'): return getattr(pkg, n).f(a)\n",
    "package: imported for the whole module": "def step(a):\n    global sub\n    import pkg.sub as sub\n    return sub.f(a)\n",
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
for title, module in {
    "sys.modules": "sys.modules[__name__]",
    "import_module": "importlib.import_module(__name__)",
}.items():
    case(
        f"its own module by name: {title}",
        f"import importlib, sys\ndef f(x): return x\ndef step(a, n='f'): return getattr({module}, n)(a)\n",
        "return x",
        "return -x",
    )
case(
    "namespace package: a module of it by a computed name",
    {
        "steps_main.py": "import ns.part\ndef step(a, n='part'): return getattr(ns, n).f(a)\n",
        "ns/part.py": "def f(x): return x\n",
    },
    "return x",
    "return -x",
    "ns/part.py",
)
case(
    "package that imports all of its modules",
    {
        "steps_main.py": "import zoo\ndef step(a, n='a'): return getattr(zoo, n).f(a)\n",
        "zoo/__init__.py": "__all__ = ['a']\nfrom . import *\n",
        "zoo/a.py": "def f(x): return x\n",
    },
    "return x",
    "return -x",
    "zoo/a.py",
)
case(
    "globals of a function",
    "def f(x): return x\ndef step(a): return step.__globals__['f'](a)\n",
    "return x",
    "return -x",
)
case("eval", "def f(x): return x\ndef step(a): return eval('f(a)')\n", "return x", "return -x")

__all__ = ["CASES"]
