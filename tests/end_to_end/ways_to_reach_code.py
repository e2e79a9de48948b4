"""Ways in which a step can reach code, each with an edit: `way` takes one down in `WAYS`."""

# ruff: noqa: E501  (projects written on one line)
from __future__ import annotations

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
