"""Statements that may change a library while a project is imported, and what they influence."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from zenconv.engine.import_order import ANY, Arrival, digest_order, find_influenced, find_settings
from zenconv.fingerprint.sources import ProjectSources


def take(tmp_path: Path, text: str, **namespace: object):
    """Return the sources of a project whose only module has this text and these names."""
    sources = ProjectSources(tmp_path)
    module = ModuleType("steps_order")
    vars(module).update(namespace)
    sys.modules["steps_order"] = module
    sources.record("steps_order", str(tmp_path / "steps_order.py"), text.encode())
    return sources


@pytest.fixture(autouse=True)
def _forget():
    yield
    sys.modules.pop("steps_order", None)


torch = ModuleType("torch")


@pytest.mark.parametrize(
    "text",
    [
        "torch.set_default_dtype(1)",
        "torch.backends.cudnn.benchmark = True",
        "torch.options['x'] = 1",
        "if True:\n    torch.use(1)",
        "try:\n    pass\nexcept Exception:\n    pass\nelse:\n    torch.use(1)",
        "with open('x') as stream:\n    torch.use(1)",
        "torch.config().update(1)",
        "del torch.options['x']",
        "setattr(torch, 'x', 1)",
        "getattr(torch.options, 'set')(1)",
        "vars(torch)['x'] = 1",
    ],
)
def test_calls_for_nothing_and_assignments_inside_may_change_a_library(tmp_path, text):
    sources = take(tmp_path, f"import torch\n{text}\n", torch=torch)
    assert [setting.package for setting in find_settings(sources.modules()[0], sources)] == ["torch"]


@pytest.mark.parametrize(
    "text",
    [
        "dtype = torch.dtype('float')",
        "torch.manual_seed(0)",
        "torch.random.seed(0)",
        "print('hello')",
        "logging.basicConfig()",
        "def step():\n    torch.use(1)",
        "class Net:\n    x = torch.use(1)",
        "'text'.join([])",
        "logging.captureWarnings(torch.Warning)",
        "print(torch.version)",
        "numbers = []",
    ],
)
def test_values_seeds_definitions_and_the_standard_library_do_not(tmp_path, text):
    import logging

    sources = take(tmp_path, f"import torch\n{text}\n", torch=torch, logging=logging)
    assert find_settings(sources.modules()[0], sources) == []


def test_what_the_projects_own_functions_do_may_be_anything(tmp_path):
    def setup():
        """Called while the module is imported."""

    setup.__module__ = "steps_order"
    sources = take(tmp_path, "def setup(): ...\nsetup()\n", setup=setup)
    assert [setting.package for setting in find_settings(sources.modules()[0], sources)] == [ANY]


def test_modules_that_come_later_and_refer_to_the_library_are_influenced(tmp_path):
    sources = take(tmp_path, "import torch\ntorch.use(1)\nimport after, apart\n", torch=torch)
    file = str(tmp_path / "steps_order.py")
    after, apart, before = ModuleType("after"), ModuleType("apart"), ModuleType("before")
    after.torch = before.torch = torch
    imported = {"steps_order": sys.modules["steps_order"], "torch": torch}
    first = frozenset(["steps_order"])
    arrivals = [
        Arrival(first, {file: 1}),
        Arrival(first | {"torch", "before"}, {file: 3}),
        Arrival(first | {"torch", "before", "after"}, {file: 3}),
    ]
    imported |= {"before": before, "after": after, "apart": apart}
    assert find_influenced(imported, arrivals, sources) == {"after"}


def test_the_order_changes_with_imports_and_settings_only(tmp_path):
    text = "import torch\ntorch.use(1)\nimport after\n\ndef step():\n    return 1\n"
    before = digest_order(take(tmp_path, text, torch=torch))
    assert digest_order(take(tmp_path, text.replace("return 1", "return 2"), torch=torch)) == before
    assert digest_order(take(tmp_path, text.replace("use(1)", "use(2)"), torch=torch)) != before
    assert digest_order(take(tmp_path, text + "\ntorch.use(3)\n", torch=torch)) != before
