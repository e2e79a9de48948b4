"""More ways in which a step can reach code, added to `WAYS`."""

# ruff: noqa: E501  (projects written on one line)
from __future__ import annotations

from tests.end_to_end.ways_to_reach_code import WAYS, way

way(
    "singledispatch",
    "from functools import singledispatch\n\n@singledispatch\ndef _h(v):\n    return 0\n\n@_h.register\ndef _(v: int):\n    return v + 1\n\n"
    "def out(x):\n    return _h(x)\n",
    "v + 1",
    "v + 2",
)
way(
    "conditional_definition",
    "try:\n    import a_library_nobody_has as fast\nexcept ImportError:\n    fast = None\n\nif fast:\n    def _h(v):\n        return 0\nelse:\n    def _h(v):\n        return v + 1\n\n"
    "def out(x):\n    return _h(x)\n",
    "v + 1",
    "v + 2",
)
way(
    "nested",
    "def out(x):\n    def inner(v):\n        return v + SHIFT\n    return inner(x)\n\nSHIFT = 1\n",
    "SHIFT = 1",
    "SHIFT = 2",
)
way(
    "comprehension",
    "WEIGHTS = (1, 2)\n\ndef out(x):\n    return [x * w for w in WEIGHTS]\n",
    "(1, 2)",
    "(1, 3)",
    idle=("", "(1, 2)", "tuple([1, 2])"),
)
way(
    "loop_made",
    "TABLE = {}\nfor i in range(3):\n    TABLE[i] = i * 2\n\ndef out(x):\n    return TABLE[2] + x\n",
    "i * 2",
    "i * 3",
)
way(
    "environment_default",
    "import os\nDEPTH = int(os.environ.get('DEPTH_OF_A_TEST', '2'))\n\ndef out(x):\n    return x * DEPTH\n",
    "'2'",
    "'3'",
)
way(
    "regex",
    "import re\nPATTERN = re.compile('a+')\n\ndef out(x):\n    return len(PATTERN.findall('aab' * x))\n",
    "'a+'",
    "'a'",
)
way(
    "path_constant",
    "from pathlib import Path\nNAME = Path(__file__).parent / 'some' / 'place'\n\ndef out(x):\n    return NAME.name * x\n",
    "'place'",
    "'other'",
)
way(
    "generator_helper",
    "def _items(v):\n    yield v\n    yield v + 1\n\ndef out(x):\n    return list(_items(x))\n",
    "v + 1",
    "v + 2",
)
way(
    "context_manager",
    "from contextlib import contextmanager\n\n@contextmanager\ndef _scaled(v):\n    yield v * 2\n\ndef out(x):\n    with _scaled(x) as y:\n        return y\n",
    "v * 2",
    "v * 3",
)
way(
    "recursion",
    "def _even(n):\n    return True if n == 0 else _odd(n - 1)\n\ndef _odd(n):\n    return False if n == 0 else _even(n - 1)\n\ndef out(x):\n    return _even(x)\n",
    "return False if",
    "return 'no' if",
)
way(
    "circular_modules",
    "import circle_a\n\ndef out(x):\n    return circle_a.f(x)\n",
    "return v + 1",
    "return v + 2",
    "circle_b.py",
    files={
        "circle_a.py": "import circle_b\n\ndef f(v):\n    return circle_b.g(v) if v else 0\n",
        "circle_b.py": "import circle_a\n\ndef g(v):\n    return v + 1 if v else circle_a.f(v)\n",
    },
)
way("docstring_read", "def _h():\n    'one'\n\ndef out(x):\n    return _h.__doc__ * x\n", "'one'", "'two'")
way("operator_order", "def out(x):\n    return x - 1 - 1\n", "x - 1 - 1", "x - (1 - 1)")
way(
    "string_prompt",
    "PROMPT = '''Classify:\n{v}\n'''\n\ndef out(x):\n    return PROMPT.format(v=x)\n",
    "Classify",
    "Rank",
)
way(
    "global_counter",
    "STATE = {'n': 1}\n\ndef _bump():\n    STATE['n'] += 1\n    return STATE['n']\n\ndef out(x):\n    return _bump() + x\n",
    "+= 1",
    "+= 2",
)
way(
    "class_factory",
    "def _make(rate):\n    class Model:\n        def predict(self, v):\n            return v * rate\n    return Model\n\nModel = _make(2)\n\ndef out(x):\n    return Model().predict(x)\n",
    "_make(2)",
    "_make(3)",
)
way(
    "mixin",
    "from mixing import Model\n\ndef out(x):\n    return Model().predict(x)\n",
    "return 2",
    "return 5",
    "mixin_only.py",
    files={
        "mixin_only.py": "class RateMixin:\n    @property\n    def rate(self):\n        return 2\n",
        "mixing.py": "from mixin_only import RateMixin\n\nclass Model(RateMixin):\n    def predict(self, v):\n        return v * self.rate\n",
    },
)
way(
    "cached_property",
    "from functools import cached_property\n\nclass _Tool:\n    @cached_property\n    def k(self):\n        return 2\n\ndef out(x):\n    return _Tool().k * x\n",
    "return 2",
    "return 3",
)
way(
    "async_step",
    "import asyncio\n\nasync def _h(v):\n    return v + 1\n\ndef out(x):\n    return asyncio.run(_h(x))\n",
    "v + 1",
    "v + 2",
)
way(
    "walrus_match",
    "def out(x):\n    match x:\n        case 3 if (y := x + 1):\n            return y\n        case _:\n            return 0\n",
    "x + 1",
    "x + 2",
)
way(
    "module_getattr",
    "import lazy_pkg\n\ndef out(x):\n    return lazy_pkg.impl(x)\n",
    "v + 1",
    "v + 2",
    "lazy_pkg/work.py",
    files={
        "lazy_pkg/__init__.py": "def __getattr__(name):\n    import importlib\n    work = importlib.import_module('lazy_pkg.work')\n    return getattr(work, name)\n",
        "lazy_pkg/work.py": "def impl(v):\n    return v + 1\n",
    },
)
way(
    "exec_made",
    "NAMESPACE = {}\nexec('def h(v):\\n    return v + 1\\n', NAMESPACE)\n_h = NAMESPACE['h']\n\ndef out(x):\n    return _h(x)\n",
    "v + 1",
    "v + 2",
)
way(
    "attribute_of_function",
    "def _h(v):\n    return v * _h.rate\n_h.rate = 2\n\ndef out(x):\n    return _h(x)\n",
    "rate = 2",
    "rate = 3",
)
way(
    "attrs_class",
    "import attrs\n\n@attrs.define\nclass Model:\n    rate: int = attrs.field(default=2, converter=lambda v: v + 1)\n\ndef out(x):\n    return x * Model(1).rate\n",
    "v + 1",
    "v + 2",
)
way(
    "inherited_constructor",
    "class _A:\n    def __init_subclass__(cls, rate=1, **kw):\n        cls.rate = rate\n\nclass _B(_A, rate=2):\n    pass\n\ndef out(x):\n    return x * _B.rate\n",
    "rate=2",
    "rate=3",
)
way(
    "descriptor",
    "class _Scaled:\n    def __get__(self, obj, kind):\n        return 2\n\nclass _Model:\n    rate = _Scaled()\n\ndef out(x):\n    return x * _Model().rate\n",
    "return 2",
    "return 3",
)
way(
    "map_and_sorted",
    "def _key(v):\n    return -v\n\ndef out(x):\n    return sorted([1, x, 2], key=_key)\n",
    "return -v",
    "return v",
)
way(
    "method_in_table",
    "class _M:\n    @staticmethod\n    def a(v):\n        return v + 1\n    @classmethod\n    def b(cls, v):\n        return v + 2\nTABLE = {'a': _M.a, 'b': _M.b}\n\ndef out(x):\n    return TABLE['b'](x)\n",
    "v + 2",
    "v + 3",
)
way(
    "subclass_registry",
    "class _Base:\n    registry = {}\n    def __init_subclass__(cls, **kw):\n        _Base.registry[cls.__name__] = cls\n\nclass _A(_Base):\n    def go(self, v):\n        return v + 1\n\ndef out(x):\n    return _Base.registry['_A']().go(x)\n",
    "v + 1",
    "v + 2",
)
way(
    "subclasses_call",
    "class _Base:\n    pass\n\nclass _A(_Base):\n    def go(self, v):\n        return v + 1\n\ndef out(x):\n    return [c().go(x) for c in _Base.__subclasses__()]\n",
    "v + 1",
    "v + 2",
)
way(
    "plugins_dir",
    "import importlib, pkgutil, plugs\nfor info in pkgutil.iter_modules(plugs.__path__):\n    importlib.import_module('plugs.' + info.name)\n\ndef out(x):\n    return [f(x) for f in plugs.HOOKS]\n",
    "v + 1",
    "v + 2",
    "plugs/one.py",
    files={
        "plugs/__init__.py": "HOOKS = []\n",
        "plugs/one.py": "from plugs import HOOKS\n@HOOKS.append\ndef hook(v):\n    return v + 1\n",
    },
)
way(
    "class_getattr",
    "import ga_mod\n\nclass _Proxy:\n    def __getattr__(self, name):\n        return getattr(ga_mod, name)\n\ndef out(x):\n    return _Proxy().h(x)\n",
    "v + 1",
    "v + 2",
    "ga_mod.py",
    files={"ga_mod.py": "def h(v):\n    return v + 1\n"},
)
way(
    "import_as_nested",
    "import na.nb.nc as deep\n\ndef out(x):\n    f = deep.h\n    return f(x)\n",
    "v + 1",
    "v + 2",
    "na/nb/nc.py",
    files={"na/__init__.py": "", "na/nb/__init__.py": "", "na/nb/nc.py": "def h(v):\n    return v + 1\n"},
)
way(
    "alias",
    "def _h(v):\n    return v + 1\n_g = _h\n_k = _g\n\ndef out(x):\n    return _k(x)\n",
    "v + 1",
    "v + 2",
)
way(
    "redefined",
    "def _h(v):\n    return v\n\ndef _h(v):\n    return v + 1\n\ndef out(x):\n    return _h(x)\n",
    "v + 1",
    "v + 2",
)
way(
    "omegaconf_like",
    "import yaml\nclass Box(dict):\n    __getattr__ = dict.__getitem__\nwith open('box.yaml') as f:\n    C = Box(yaml.safe_load(f))\n\ndef out(x):\n    return C.k * x\n",
    "k: 1",
    "k: 2",
    "box.yaml",
    files={"box.yaml": "k: 1\n"},
)
way(
    "argparse_ns",
    "from types import SimpleNamespace\nARGS = SimpleNamespace(k=1)\n\ndef out(x):\n    return ARGS.k * x\n",
    "k=1",
    "k=2",
)
way(
    "lazy_global",
    "_CACHE = None\ndef _get():\n    global _CACHE\n    if _CACHE is None:\n        _CACHE = 5\n    return _CACHE\n\ndef out(x):\n    return _get() * x\n",
    "= 5",
    "= 6",
)
way(
    "setattr_module",
    "import sys\nsetattr(sys.modules[__name__], 'MADE', 5)\n\ndef out(x):\n    return MADE * x\n",
    "5)",
    "6)",
)
way("globals_update", "globals().update({'MADE2': 5})\n\ndef out(x):\n    return MADE2 * x\n", "5}", "6}")
way(
    "property_setter",
    "class _T:\n    def __init__(self):\n        self._k = 1\n    @property\n    def k(self):\n        return self._k\n    @k.setter\n    def k(self, v):\n        self._k = v + 1\n\ndef out(x):\n    t = _T(); t.k = x\n    return t.k\n",
    "v + 1",
    "v + 2",
)
way(
    "operator_overload",
    "class _T:\n    def __add__(self, v):\n        return v + 1\n\nT = _T()\n\ndef out(x):\n    return T + x\n",
    "v + 1",
    "v + 2",
)
way(
    "iter_protocol",
    "class _T:\n    def __iter__(self):\n        yield 1\n\ndef out(x):\n    return [x, *_T()]\n",
    "yield 1",
    "yield 2",
)
way(
    "type_alias_used",
    "from typing import Annotated\nRate = Annotated[int, 'meta']\n\ndef out(x):\n    return Rate.__metadata__[0] * x\n",
    "'meta'",
    "'mota'",
)
way(
    "weights_class_attr",
    "class Cfg:\n    class Model:\n        depth = 2\n\ndef out(x):\n    return Cfg.Model.depth * x\n",
    "depth = 2",
    "depth = 4",
)
way(
    "dict_merge",
    "BASE = {'a': 1}\nFULL = {**BASE, 'b': 2}\n\ndef out(x):\n    return FULL['a'] * x\n",
    "'a': 1",
    "'a': 3",
)
way(
    "conditional_env",
    "import sys\nif sys.platform != 'none':\n    K = 2\nelse:\n    K = 3\n\ndef out(x):\n    return K * x\n",
    "K = 2",
    "K = 5",
)
way(
    "functools_reduce",
    "import functools, operator\n\ndef _f(a, b):\n    return a + b\n_sum = functools.partial(functools.reduce, _f)\n\ndef out(x):\n    return _sum([1, x])\n",
    "a + b",
    "a - b",
)
way(
    "slots_dataclass",
    "from dataclasses import dataclass, field\n\n@dataclass(slots=True, frozen=True)\nclass _C:\n    k: int = field(default=2)\n\ndef out(x):\n    return _C().k * x\n",
    "default=2",
    "default=3",
)
way(
    "file_by_path",
    "import importlib.util, os\n_spec = importlib.util.spec_from_file_location('loose_file_by_path', os.path.join(os.path.dirname(os.path.abspath(__file__)), 'loose-file_by_path.txt.py'))\nloose = importlib.util.module_from_spec(_spec)\n_spec.loader.exec_module(loose)\n\ndef out(x):\n    return loose.h(x)\n",
    "v + 1",
    "v + 2",
    "loose-file_by_path.txt.py",
    files={"loose-file_by_path.txt.py": "def h(v):\n    return _h(v)\n\ndef _h(v):\n    return v + 1\n"},
)
way(
    "function_of_file_by_path",
    "import importlib.util, os\n_spec = importlib.util.spec_from_file_location('loose_function_of_file_by_path', os.path.join(os.path.dirname(os.path.abspath(__file__)), 'loose-function_of_file_by_path.txt.py'))\nloose = importlib.util.module_from_spec(_spec)\n_spec.loader.exec_module(loose)\n_h = loose.h\n\ndef out(x):\n    return _h(x)\n",
    "v + 1",
    "v + 2",
    "loose-function_of_file_by_path.txt.py",
    files={
        "loose-function_of_file_by_path.txt.py": "def h(v):\n    return _h(v)\n\ndef _h(v):\n    return v + 1\n"
    },
)
way(
    "table_of_files_by_path",
    "import importlib.util, os\n_spec = importlib.util.spec_from_file_location('loose_table_of_files_by_path', os.path.join(os.path.dirname(os.path.abspath(__file__)), 'loose-table_of_files_by_path.txt.py'))\nloose = importlib.util.module_from_spec(_spec)\n_spec.loader.exec_module(loose)\n_all = {'a': loose}\n\ndef out(x):\n    return _all['a'].h(x)\n",
    "v + 1",
    "v + 2",
    "loose-table_of_files_by_path.txt.py",
    files={
        "loose-table_of_files_by_path.txt.py": "def h(v):\n    return _h(v)\n\ndef _h(v):\n    return v + 1\n"
    },
)

__all__ = ["WAYS"]
