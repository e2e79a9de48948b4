"""What holds for every hook: it is documented, used by something real, listed, and tested."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from zenconv.hooks import specs

REPOSITORY = Path(__file__).resolve().parents[2]
HOOKS: dict[str, Any] = {name: hook for name, hook in vars(specs).items() if name.startswith("zenconv_")}


def python_files(*folders: str) -> list[Path]:
    found = [file for folder in folders for file in sorted((REPOSITORY / folder).rglob("*.py"))]
    return [file for file in found if not any(part.startswith(".") for part in file.parts)]


def implemented_in(files: list[Path]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for file in files:
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.FunctionDef) and node.name in HOOKS:
                found.setdefault(node.name, []).append(str(file.relative_to(REPOSITORY)))
    return found


REAL = implemented_in(
    [
        file
        for file in python_files("zenconv", "plugins", "example_project")
        if "tests" not in file.parts and file.name != "specs.py"
    ]
)
TESTS = [
    file for file in python_files("tests", "plugins") if "tests" in file.parts and file != Path(__file__)
]


@pytest.mark.parametrize("name", sorted(HOOKS))
def test_every_hook_says_when_how_often_and_where_it_is_called(name: str) -> None:
    text = " ".join((inspect.getdoc(HOOKS[name]) or "").split())
    for word in ("When:", "How often:", "Where:", "eturn"):
        assert word in text, word


@pytest.mark.parametrize("name", sorted(HOOKS))
def test_every_hook_is_used_by_a_real_plugin(name: str) -> None:
    assert REAL.get(name), f"nothing in zenconv, plugins or example_project implements {name}"


@pytest.mark.parametrize("name", sorted(HOOKS))
def test_every_hook_has_a_test_that_implements_or_names_it(name: str) -> None:
    pattern = re.compile(rf"\b{name}\b")
    assert any(pattern.search(file.read_text("utf-8")) for file in TESTS)


@pytest.mark.parametrize("name", sorted(HOOKS))
def test_every_hook_and_its_arguments_are_in_the_reference(name: str) -> None:
    arguments = ", ".join(inspect.signature(HOOKS[name]).parameters)
    page = (REPOSITORY / "docs/reference/hooks.md").read_text("utf-8")
    assert f"`{name}({arguments})`" in page


def test_every_hook_that_only_watches_returns_nothing_and_says_so() -> None:
    assert set(HOOKS) >= specs.OBSERVERS | specs.OFFERS | specs.WRAPPERS
    for name in specs.OBSERVERS:
        text = " ".join((inspect.getdoc(HOOKS[name]) or "").split())
        assert "Returns nothing" in text
        assert "an exception is shown as a warning" in text
