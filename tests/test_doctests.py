"""The examples in docstrings are true."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


def modules_with_examples() -> list[str]:
    files = sorted((REPOSITORY / "zenconv").rglob("*.py"))
    names = [
        ".".join(f.relative_to(REPOSITORY).with_suffix("").parts)
        for f in files
        if ">>> " in f.read_text("utf-8")
    ]
    return [name.removesuffix(".__init__") for name in names]


@pytest.mark.parametrize("name", modules_with_examples())
def test_the_examples_of_a_module_are_true(name):
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.testmod(importlib.import_module(name), optionflags=flags)
    assert result.attempted > 0
    assert result.failed == 0
