"""W6 for code: after an edit exactly the steps that reach it run, with the right answer and a readable reason.

One project holds one small pipeline for each way in which people reach code: ``x -> out -> after``.
All edits of a round are made at once, so a pipeline that runs too much or too little stands out by name.
"""

# ruff: noqa: E501  (projects written on one line)
from __future__ import annotations

import json

import attrs

HEAD = "def x() -> int:\n    return 3\n\n"
TAIL = "\n\ndef after_{0}(out_{0}):\n    return [out_{0}]\n"


@attrs.frozen
class Way:
    """A way to reach code: files besides the step file, the step file's text, and an edit that matters.

    `same` is an edit of behaviour-free code: the step runs again, what follows does not. `idle` does
    not count at all.
    """

    step: str
    edit: tuple[str, str]
    file: str = ""
    files: dict[str, str] = attrs.field(factory=dict)
    same: tuple[str, str, str] | None = None
    idle: tuple[str, str, str] | None = None
    reason: str = ""


WAYS: dict[str, Way] = {}


def way(name: str, step: str, old: str, new: str, file: str = "", **options: object) -> None:
    WAYS[name] = Way(step, (old, new), file, **options)  # type: ignore[arg-type]


way(
    "body",
    "def out(x):\n    return x + 1\n",
    "x + 1",
    "x + 2",
    same=("", "return x + 1", "return 1 + x"),
    idle=("", "def out(x):", "def out(x):  # why\n    'A docstring.'\n"),
)
way(
    "helper",
    "def _h(v):\n    return v + 1\n\ndef out(x):\n    return _h(x)\n",
    "v + 1",
    "v + 2",
    same=("", "v + 1", "1 + v"),
    idle=("", "def _h(v):", "def _h(v: int) -> int:"),
)
way(
    "module",
    "from mod_module import h\n\ndef out(x):\n    return h(x)\n",
    "v + 1",
    "v + 2",
    "mod_module.py",
    files={"mod_module.py": "K = 1\n\ndef h(v):\n    return v + 1\n\ndef unused(v):\n    return v\n"},
    same=("mod_module.py", "v + 1", "1 + v"),
    idle=("mod_module.py", "def unused(v):\n    return v", "def other():\n    return 7"),
    reason="mod_module.h changed, mod_module.py:3",
)
PACKAGE = {
    "{}/__init__.py": "from .api import *\n",
    "{}/api.py": "from .inner.deep import scale as rescale\nfrom . import inner\n__all__ = ['rescale', 'inner']\n",
    "{}/inner/__init__.py": "LIMIT = 10\n",
    "{}/inner/deep.py": "from .. import inner\n\ndef scale(v):\n    return min(v * 2, inner.LIMIT)\n",
}


def package(name: str) -> dict[str, str]:
    return {file.format(name): text for file, text in PACKAGE.items()}


way(
    "star",
    "from pstar import *\n\ndef out(x):\n    return rescale(x)\n",
    "v * 2",
    "v * 3",
    "pstar/inner/deep.py",
    files=package("pstar"),
    idle=("pstar/__init__.py", "from .api", "import os\nfrom .api"),
    reason="pstar.inner.deep.scale changed, pstar/inner/deep.py:3",
)
way(
    "reexport",
    "import preexport as p\n\ndef out(x):\n    return p.rescale(x)\n",
    "LIMIT = 10",
    "LIMIT = 4",
    "preexport/inner/__init__.py",
    files=package("preexport"),
    reason="LIMIT",
)
way(
    "submodule",
    "import psubmodule.inner.deep\n\ndef out(x):\n    return psubmodule.inner.deep.scale(x)\n",
    "v * 2",
    "v * 3",
    "psubmodule/inner/deep.py",
    files=package("psubmodule"),
)
way(
    "inside",
    "def out(x):\n    from pinside.inner.deep import scale\n    return scale(x)\n",
    "v * 2",
    "v * 3",
    "pinside/inner/deep.py",
    files=package("pinside"),
)
way(
    "lazy_module",
    "def out(x):\n    import importlib\n    return importlib.import_module('plazy.inner.deep').scale(x)\n",
    "v * 2",
    "v * 3",
    "plazy/inner/deep.py",
    files=package("plazy"),
)
way(
    "getattr_name",
    "import mod_getattr\n\ndef out(x, how: str = 'double'):\n    return getattr(mod_getattr, how)(x)\n",
    "v * 2",
    "v * 3",
    "mod_getattr.py",
    files={"mod_getattr.py": "def double(v):\n    return v * 2\n"},
)
way(
    "constant",
    "LEARNING = {'rate': 0.5, 'steps': [1, 2]}\n\ndef out(x):\n    return x * LEARNING['rate']\n",
    "0.5",
    "0.25",
    same=("", "'steps': [1, 2]", "'steps': [1, 3]"),
    idle=("", "{'rate': 0.5, 'steps': [1, 2]}", "dict(rate=1 / 2, steps=[1] + [2])"),
)
way(
    "constant_elsewhere",
    "import settings_one as s\n\ndef out(x):\n    return x * s.RATE\n",
    "RATE = 2",
    "RATE = 3",
    "settings_one.py",
    files={"settings_one.py": "RATE = 2\nOTHER = 1\n"},
    idle=("settings_one.py", "OTHER = 1", "OTHER = 2"),
)
way(
    "constant_from_import",
    "from settings_two import RATE as R\n\ndef out(x):\n    return x * R\n",
    "BASE = 1",
    "BASE = 2",
    "settings_two.py",
    files={"settings_two.py": "BASE = 1\nRATE = BASE + 1\n"},
)
way(
    "yaml_config",
    "import yaml, pathlib\nCONFIG = yaml.safe_load(open(pathlib.Path(__file__).parent / 'config_yaml.yaml'))\n\n"
    "def out(x):\n    return x * CONFIG['model']['depth']\n",
    "depth: 3",
    "depth: 4",
    "config_yaml.yaml",
    files={"config_yaml.yaml": "model:\n  depth: 3\n"},
    idle=("config_yaml.yaml", "model:", "# a remark\nmodel:"),
)
way(
    "json_config",
    "import json\nCONFIG = json.load(open('config_json.json'))\n\ndef out(x):\n    return x * CONFIG['depth']\n",
    "3",
    "4",
    "config_json.json",
    files={"config_json.json": '{"depth": 3}'},
)
way(
    "toml_in_class",
    "import tomllib\n\nclass Settings:\n    with open('config_toml.toml', 'rb') as stream:\n        DATA = tomllib.load(stream)\n\n"
    "def out(x):\n    return x * Settings.DATA['depth']\n",
    "depth = 3",
    "depth = 4",
    "config_toml.toml",
    files={"config_toml.toml": "depth = 3\n"},
)
way(
    "table",
    "def _a(v):\n    return v\n\ndef _b(v):\n    return v * 2\n\nMODELS = {'a': _a, 'b': _b}\n\n"
    "def out(x):\n    return MODELS['b'](x)\n",
    "v * 2",
    "v * 5",
    same=("", "v * 2", "2 * v"),
)
way(
    "lambdas",
    "METRICS = {'mae': lambda v: abs(v), 'mse': lambda v: v * v}\n\ndef out(x):\n    return METRICS['mse'](x)\n",
    "v * v",
    "v * v * v",
)
way(
    "registry",
    "import registered\n\ndef out(x):\n    return registered.MODELS['one'](x)\n",
    "v + 1",
    "v + 5",
    "registered.py",
    files={
        "registered.py": "MODELS = {}\n\ndef register(f):\n    MODELS[f.__name__] = f\n    return f\n\n@register\ndef one(v):\n    return v + 1\n"
    },
)
way(
    "decorator",
    "from decorating import twice\n\n@twice\ndef out(x):\n    return x\n",
    "* 2",
    "* 3",
    "decorating.py",
    files={
        "decorating.py": "import functools\n\ndef twice(f):\n    @functools.wraps(f)\n    def inner(*args, **kwargs):\n        return f(*args, **kwargs) * 2\n    return inner\n"
    },
)
way(
    "decorator_argument",
    "from decorating_by import times\n\n@times(by=2)\ndef out(x):\n    return x\n",
    "by=2",
    "by=3",
    files={
        "decorating_by.py": "import functools\n\ndef times(by):\n    def outer(f):\n        @functools.wraps(f)\n        def inner(*args, **kwargs):\n            return f(*args, **kwargs) * by\n        return inner\n    return outer\n"
    },
)
way(
    "lru_cache",
    "from functools import lru_cache\n\n@lru_cache(maxsize=8)\ndef _h(v):\n    return v + 1\n\ndef out(x):\n    return _h(x)\n",
    "v + 1",
    "v + 2",
    same=("", "v + 1", "1 + v"),
)
way(
    "third_party_decorator",
    "import deprecated_like\n\ndef out(x):\n    return deprecated_like.h(x)\n",
    "v + 1",
    "v + 2",
    "deprecated_like.py",
    files={
        "deprecated_like.py": "import click\n\n@click.pass_obj\ndef _g(obj, v):\n    return v\n\ndef h(v):\n    return _core(v)\n\ndef _core(v):\n    return v + 1\n"
    },
)
way(
    "partial",
    "from functools import partial\n\ndef _h(v, by):\n    return v * by\n\n_g = partial(_h, by=2)\n\ndef out(x):\n    return _g(x)\n",
    "by=2",
    "by=3",
    same=("", "v * by", "by * v"),
)
way(
    "closure",
    "def _make(n):\n    def inner(v):\n        return v * n\n    return inner\n\n_g = _make(2)\n\ndef out(x):\n    return _g(x)\n",
    "_make(2)",
    "_make(3)",
    same=("", "v * n", "n * v"),
)
way("default", "def out(x, k=2):\n    return x * k\n", "k=2", "k=3", same=("", "k=2", "k=1 + 1"))
way("helper_default", "def _h(v, k=2):\n    return v * k\n\ndef out(x):\n    return _h(x)\n", "k=2", "k=3")
way(
    "method",
    "from shapes_method import Model\n\ndef out(x):\n    return Model(2).predict(x)\n",
    "v * self.k",
    "v - self.k",
    "shapes_method.py",
    files={
        "shapes_method.py": "class Base:\n    def predict(self, v):\n        return v * self.k\n\nclass Model(Base):\n    def __init__(self, k):\n        self.k = k\n"
    },
    same=("shapes_method.py", "v * self.k", "self.k * v"),
    reason="shapes_method.Base changed, shapes_method.py:1",
)
way(
    "class_attribute",
    "class Model:\n    rate = 2\n    def predict(self, v):\n        return v * self.rate\n\ndef out(x):\n    return Model().predict(x)\n",
    "rate = 2",
    "rate = 3",
)
way(
    "patched_method",
    "import patched\n\ndef out(x):\n    return patched.Model().predict(x)\n",
    "v + 1",
    "v + 2",
    "patched.py",
    files={
        "patched.py": "class Model:\n    pass\n\ndef _predict(self, v):\n    return v + 1\n\nModel.predict = _predict\n"
    },
)
way(
    "dataclass",
    "from dataclasses import dataclass, field\n\n@dataclass\nclass Options:\n    depth: int = 2\n    sizes: list = field(default_factory=lambda: [1, 2])\n\n"
    "def out(x):\n    return x * Options().depth + sum(Options().sizes)\n",
    "[1, 2]",
    "[1, 5]",
)
way(
    "enumeration",
    "from enum import Enum\n\nclass Kind(Enum):\n    A = 1\n    B = 2\n\ndef out(x):\n    return x * Kind.B.value\n",
    "B = 2",
    "B = 7",
)
way(
    "named_tuple",
    "from collections import namedtuple\nPoint = namedtuple('Point', 'a b', defaults=(1, 2))\n\ndef out(x):\n    return Point(x).b\n",
    "(1, 2)",
    "(1, 5)",
)
way(
    "protocol_instance",
    "from instance_made import TOOL\n\ndef out(x):\n    return TOOL.apply(x)\n",
    "v + self.k",
    "v - self.k",
    "instance_made.py",
    files={
        "instance_made.py": "class Tool:\n    def __init__(self, k):\n        self.k = k\n    def apply(self, v):\n        return v + self.k\n\nTOOL = Tool(2)\n"
    },
)
way(
    "instance_state",
    "from instance_state import TOOL\n\ndef out(x):\n    return TOOL.apply(x)\n",
    "Tool(2)",
    "Tool(3)",
    "instance_state.py",
    files={
        "instance_state.py": "class Tool:\n    def __init__(self, k):\n        self.k = k\n    def apply(self, v):\n        return v + self.k\n\nTOOL = Tool(2)\n"
    },
)
way(
    "bound_method",
    "class _Tool:\n    k = 2\n    def apply(self, v):\n        return v + self.k\n\n_apply = _Tool().apply\n\ndef out(x):\n    return _apply(x)\n",
    "v + self.k",
    "v - self.k",
)
way(
    "composed",
    "def _compose(*fs):\n    def run(v):\n        for f in fs:\n            v = f(v)\n        return v\n    return run\n\n"
    "def _a(v):\n    return v + 1\n\ndef _b(v):\n    return v * 2\n\n_both = _compose(_a, _b)\n\ndef out(x):\n    return _both(x)\n",
    "v * 2",
    "v * 3",
    same=("", "v * 2", "2 * v"),
)
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


def step_file(name: str) -> str:
    return f"steps_{name}.py"


def named(name: str, text: str) -> str:
    """Give the step a name of its own: pipelines with equal code share their results."""
    return text.replace("def out(", f"def out_{name}(")


def initial_files() -> dict[str, str]:
    files = {}
    for name, w in WAYS.items():
        files[step_file(name)] = HEAD + named(name, w.step) + TAIL.format(name)
        files.update(w.files)
    return files


def read_values(it, names, step="out"):
    """Return what the plain functions answer, called without the program."""
    code = f"""
        import importlib, json, sys, os
        sys.path.insert(0, os.getcwd())
        found = {{}}
        for name in {sorted(names)!r}:
            module = importlib.import_module("steps_" + name)
            found[name] = getattr(module, "out_" + name)(module.x())
        print(json.dumps(found))
    """
    return json.loads(it.python(code).stdout)


def stored_values(it, names):
    code = f"""
        import json, zenconv
        print(json.dumps({{name: zenconv.load(name + "::out_" + name, run="last") for name in {sorted(names)!r}}}))
    """
    return json.loads(it.python(code).stdout)


def check_plan(it, planned):
    """The plan made before a run agrees with what then happened."""
    statuses = it.statuses()
    for node, action in planned.items():
        expected = {"reuse": {"reused"}, "run": {"succeeded"}, "maybe": {"reused", "succeeded"}}[action]
        assert statuses[node] in expected, (node, action, statuses[node])


def run_round(it, expected):
    planned = it.plan()
    it.run("run")
    wrong = set(it.executed()) ^ set(expected)
    assert not wrong, {
        "should not have run": sorted(set(it.executed()) - set(expected)),
        "should have run": sorted(set(expected) - set(it.executed())),
        "reasons": {n: it.reasons().get(n) for n in wrong},
    }
    check_plan(it, planned)


def test_every_way_to_reach_code(project) -> None:
    files = initial_files()
    it = project(files)
    it.run("run")
    assert stored_values(it, WAYS) == read_values(it, WAYS)
    run_round(it, [])
    before = read_values(it, WAYS)

    for name, w in WAYS.items():
        it.edit(w.file or step_file(name), *(named(name, text) for text in w.edit))
    run_round(it, [f"{name}::{step}_{name}" for name in WAYS for step in ("out", "after")])
    after = read_values(it, WAYS)
    assert stored_values(it, WAYS) == after
    assert {name for name in WAYS if before[name] == after[name]} == set()
    reasons = it.reasons()
    for name, w in WAYS.items():
        reason = reasons[f"{name}::out_{name}"]
        assert w.reason in reason, (name, reason)

    it.write(files)
    run_round(it, [])
    assert stored_values(it, WAYS) == before

    same = {name: w.same for name, w in WAYS.items() if w.same}
    for name, (file, old, new) in same.items():
        it.edit(file or step_file(name), named(name, old), named(name, new))
    run_round(it, [f"{name}::out_{name}" for name in same])

    it.write(files)
    for name, w in WAYS.items():
        if w.idle:
            file, old, new = w.idle
            it.edit(file or step_file(name), named(name, old), named(name, new))
    run_round(it, [])


SETTINGS = {
    "settings_made.py": "import decimal\n\ndecimal.getcontext().prec = 5\n",
    "steps_a.py": """
        import decimal
        import json
        import settings_made

        def _dumps(v):
            return str(v) + "1"

        json.dumps_of_a_test = _dumps

        def seventh():
            return str(decimal.Decimal(3) / 7)

        def dumped(seventh):
            return json.dumps_of_a_test(seventh)
    """,
    "steps_b.py": "def apart():\n    return 1\n",
}


def test_settings_made_on_import_count_for_the_whole_module(project) -> None:
    it = project(SETTINGS)
    it.run("run")
    it.edit("settings_made.py", "prec = 5", "prec = 7")
    run_round(it, ["a::seventh", "a::dumped"])
    assert it.value("seventh") == "0.4285714"
    assert "settings_made.py:3" in it.reasons()["a::seventh"]
    it.edit("steps_a.py", '+ "1"', '+ "2"')
    run_round(it, ["a::seventh", "a::dumped"])
    assert it.value("dumped") == "0.42857142"
    it.write(SETTINGS)
    run_round(it, [])
