"""The fingerprint as a whole: parts, warnings, distributions, references, scale."""

# ruff: noqa: E501  (projects written on one line)
from __future__ import annotations

import time

import pytest

from zenconv.fingerprint import Fingerprinter, NotCanonical


def open_project(load_project, text: str, **more: str):
    project = load_project(
        {"steps_main.py": text, **{f"{name}.py": content for name, content in more.items()}}
    )
    return Fingerprinter(project.sources), project.load(), project


def test_parts_say_what_counts_and_where_it_stands(load_project) -> None:
    taker, module, _ = open_project(
        load_project, "from helpers import scale\nK = {'a': 1}\ndef step(a): return scale(a) + K['a']\n",
        helpers="# x\ndef scale(x):\n    return x\n",
    )  # fmt: skip
    parts = {part.name: part for part in taker.of_function(module.step).parts}
    assert set(parts) == {"steps_main.step", "helpers.scale", "steps_main.K"}
    scale = parts["helpers.scale"]
    assert (scale.kind, scale.file, scale.line, scale.text) == (
        "function",
        "helpers.py",
        2,
        "def scale(x):\n    return x",
    )
    assert parts["steps_main.K"].kind == "value"
    assert "'a': 1" in parts["steps_main.K"].text


@pytest.mark.parametrize(
    "text",
    [
        "import os\nVALUE = os.environ.get('X', 'hunter2')\n",
        "API_TOKEN = VALUE = 'hunter2'\n",
        "VALUE = {'password': 'hunter2'}\n",
    ],
)
def test_what_may_be_a_secret_is_not_shown(load_project, text: str) -> None:
    name = "API_TOKEN" if "API_TOKEN" in text else "VALUE"
    taker, module, _ = open_project(load_project, f"{text}def step(a): return {name}\n")
    assert "hunter2" not in repr(
        [part.text for part in taker.of_function(module.step).parts if part.kind == "value"]
    )


def test_a_declared_secret_neither_counts_nor_shows(load_project) -> None:
    digests = []
    for secret in ("hunter2", "other"):
        project = load_project({"steps_main.py": f"URL = 'db://u:{secret}@h'\ndef step(a): return URL\n"})
        found = Fingerprinter(project.sources, secrets=(secret,)).of_function(project.load().step)
        assert not any(secret in part.text for part in found.parts)
        digests.append(found.digest)
    assert digests[0] == digests[1]


def test_one_warning_names_a_global_without_canonical_form(load_project) -> None:
    text = (
        "import threading\nstate = threading.local()\ndef h(): return state\ndef step(a): return h(), state\n"
    )
    taker, module, _ = open_project(load_project, text)
    (problem,) = taker.of_function(module.step).warnings
    assert problem.where == "steps_main.py:2"
    assert "'state'" in problem.what
    assert "_thread._local" in problem.what
    assert "fixture" in problem.hint


def test_a_closure_without_canonical_form_is_named(load_project) -> None:
    text = (
        "import threading\ndef make():\n    state = threading.local()\n    def f(): return state\n    return f\n"
        "f = make()\ndef step(a): return f()\n"
    )
    taker, module, _ = open_project(load_project, text)
    (problem,) = taker.of_function(module.step).warnings
    assert problem.where == "steps_main.py:4"
    assert "closes over" in problem.what


def test_a_module_reached_by_a_computed_name_is_a_warning(load_project) -> None:
    text = "import sys\ndef step(name):\n    return sys.modules[name]\n"
    taker, module, _ = open_project(load_project, text)
    (problem,) = taker.of_function(module.step).warnings
    assert problem.where == "steps_main.py:3"
    assert "also=[...]" in problem.hint


@pytest.mark.parametrize(
    ("text", "is_warned"),
    [
        ("def step(name): return importlib.import_module(name)", False),
        ("def step(name): return pkgutil.resolve_name(name)", False),
        ("def step(name): return __import__(name)", True),
        (
            "M = importlib.import_module('js' + 'on')\ndef step(): return getattr(sys.modules[__name__], 'M')",
            True,
        ),
    ],
)
def test_what_is_imported_by_a_computed_name_in_a_step_is_left_to_be_heard(
    load_project, text, is_warned
) -> None:
    taker, module, _ = open_project(load_project, f"import importlib, pkgutil, sys\n{text}\n")
    assert (
        any("computed name" in problem.what for problem in taker.of_function(module.step).warnings)
        is is_warned
    )


def test_loggers_locks_and_constants_give_no_warning(load_project) -> None:
    text = "import logging, threading\nlog = logging.getLogger(__name__)\nL = threading.Lock()\nK = object()\ndef step(a): return log, K, L\n"
    taker, module, _ = open_project(load_project, text)
    assert taker.of_function(module.step).warnings == ()


def test_distributions_are_those_the_code_reaches(load_project) -> None:
    text = "import numpy as np\nimport attrs\ndef h(x): return np.abs(x)\ndef step(a): return h(a)\ndef other(a): return attrs\n"
    taker, module, _ = open_project(load_project, text)
    assert [name for name, _ in taker.of_function(module.step).distributions] == ["numpy"]
    assert [name for name, _ in taker.of_function(module.other).distributions] == ["attrs"]


def test_distributions_of_imports_inside_functions_count_without_importing_them(load_project) -> None:
    taker, module, _ = open_project(
        load_project, "def step(a):\n    import sklearn.svm as s\n    return s.SVC()\n"
    )
    assert "scikit_learn" in dict(taker.of_function(module.step).distributions)


def test_further_functions_count(load_project) -> None:
    taker, module, _ = open_project(
        load_project, "def f(): return 1\ndef g(): return 2\ndef step(a): return a\n"
    )
    plain, first, second = (
        taker.of_function(module.step, also=also).digest for also in ([], [module.f], [module.g])
    )
    assert len({plain, first, second}) == 3


CLASSES = """
import numpy as np
def scale(x): return x
class Net:
    def predict(self, x): return scale(x)
    class Inner: pass
"""


def test_a_reference_to_a_project_class_covers_what_it_reaches(load_project) -> None:
    digests = []
    for text in (CLASSES, CLASSES.replace("return x\n", "return -x\n", 1), CLASSES + "def other(): pass\n"):
        taker, _, _ = open_project(load_project, text)
        digests.append(taker.of_reference("steps_main:Net").digest)
    assert digests[0] == digests[2] != digests[1]


def test_references_that_name_nothing_are_none(load_project) -> None:
    taker, _, _ = open_project(load_project, CLASSES)
    assert taker.of_reference("steps_main:Gone") is None
    assert taker.of_reference("no_module_of_that_name:X") is None
    assert taker.of_reference("numpy:no_such_name") is None
    assert taker.of_reference("steps_main:Net.Inner") is not None


def test_references_to_installed_code_are_its_distributions(load_project) -> None:
    taker, _, _ = open_project(load_project, CLASSES)
    found = taker.of_reference("numpy:ndarray")
    assert [name for name, _ in found.distributions] == ["numpy"]
    assert found.parts == ()
    assert taker.of_reference("collections:OrderedDict").distributions == ()


def test_a_snapshot_outlives_what_steps_do_to_their_modules(load_project) -> None:
    taker, module, _ = open_project(load_project, "K = [1]\nclass Net:\n    def f(self): return K\n")
    expected = taker.of_reference("steps_main:Net").digest
    other, module, _ = open_project(load_project, "K = [1]\nclass Net:\n    def f(self): return K\n")
    other.snapshot()
    module.K.append(2)
    assert other.of_reference("steps_main:Net").digest == expected


def test_values_with_project_code_in_them_count_by_that_code(load_project) -> None:
    digests = []
    for body in ("1", "1", "2"):
        taker, module, _ = open_project(load_project, f"def f(): return {body}\n")
        digests.append(taker.digest_of({"metric": module.f}))
    assert digests[0] == digests[1] != digests[2]
    with pytest.raises(NotCanonical):
        taker.digest_of(iter([]))


def test_a_project_module_that_cannot_be_imported_is_no_error(load_project) -> None:
    digests = []
    for body in ("1 / 0", "1 / 0", "2 / 0"):
        text = "def step(a):\n    try:\n        import broken\n        return broken.f()\n    except Exception: return 1\n"
        taker, module, _ = open_project(load_project, text, broken=body + "\n")
        digests.append(taker.of_function(module.step).digest)
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


def test_code_inside_further_values_counts(load_project) -> None:
    digests = []
    for body in ("1", "2"):
        text = f"from functools import partial\ndef f(x): return {body}\nTABLE = [partial(f, 1)]\ndef step(a): return a\n"
        taker, module, _ = open_project(load_project, text)
        found = taker.of_function(module.step, also=[module.TABLE, module.TABLE[0]])
        assert "steps_main.f" in {part.name for part in found.parts}
        digests.append(found.digest)
    assert digests[0] != digests[1]


def test_a_chain_of_5000_helpers_is_no_problem(load_project) -> None:
    lines = [f"def f{i}(x): return f{i + 1}(x) + {i}" for i in range(5000)]
    text = "\n".join([*lines, "def f5000(x): return x", "def step(a): return f0(a)", ""])
    taker, module, _ = open_project(load_project, text)
    first = taker.of_function(module.step)
    assert len(first.parts) == 5002
    taker, module, _ = open_project(
        load_project, text.replace("def f5000(x): return x", "def f5000(x): return -x")
    )
    assert taker.of_function(module.step).digest != first.digest


def test_a_ring_of_2000_functions_is_no_problem(load_project) -> None:
    lines = [f"def f{i}(x): return f{(i + 1) % 2000}(x)" for i in range(2000)]
    text = "\n".join([*lines, "def step(a): return f0(a)", ""])
    digests = []
    for old, new in (("", ""), ("return f1500(x)", "return f1500(-x)")):
        taker, module, _ = open_project(load_project, text.replace(old, new) if old else text)
        digests.append(taker.of_function(module.step).digest)
    assert digests[0] != digests[1]


def test_5000_steps_are_linear_work(load_project) -> None:
    text = "".join(f"def s{i}(x):\n    y = x + {i}\n    return y\n" for i in range(5000))
    taker, module, _ = open_project(load_project, text)
    started = time.process_time()
    digests = {taker.of_function(getattr(module, f"s{i}")).digest for i in range(5000)}
    assert len(digests) == 5000
    assert time.process_time() - started < 5.0  # about 0.5; quadratic work would take minutes


def test_parts_are_named_as_they_are_written(load_project) -> None:
    text = (
        "import functools\nfrom collections import namedtuple\nP = namedtuple('P', 'x')\n"
        "TABLE = [lambda x: x, lambda x: x + 1]\n"
        "def deco(f):\n    @functools.wraps(f)\n    def inner(*a): return f(*a)\n    return inner\n"
        "@deco\ndef step(a): return P(a), TABLE\n"
    )
    taker, module, _ = open_project(load_project, text)
    parts = {part.name: part for part in taker.of_function(module.step).parts}
    assert "steps_main.deco.<locals>.inner" in parts
    assert (parts["steps_main.P"].line, parts["steps_main.P"].text) == (3, "P = namedtuple('P', 'x')")
    assert {"steps_main.<lambda>", "steps_main.<lambda> (2)"} <= set(parts)


def test_a_default_factory_is_no_riddle(load_project) -> None:
    text = (
        "from dataclasses import dataclass, field\n@dataclass\nclass C:\n"
        "    k: list = field(default_factory=list)\ndef step(a): return C()\n"
    )
    taker, module, _ = open_project(load_project, text)
    assert taker.of_function(module.step).warnings == ()


def test_bytecode_of_another_python_is_gone(load_project) -> None:
    import sys

    taker, _, _ = open_project(load_project, "def step(a): return a\n")
    assert taker.of_reference(f"python-bytecode:{sys.implementation.cache_tag}") is not None
    assert taker.of_reference("python-bytecode:cpython-39") is None
