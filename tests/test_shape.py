"""The shape of the code: short files, short functions, telling names, tested messages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
FOLDERS = ("zenconv", "plugins", "tests", "example_project")
LONGEST_FILE = 500
LONGEST_FUNCTION = 60
DRAWERS = {"utils", "util", "common", "helpers", "helper", "base", "misc", "models", "tools"}
EMPTY_NAMES = re.compile(r"^_?(Base|Abstract)[A-Z]|(Manager|Helper|Utils?|Handler|Processor)$|^I[A-Z][a-z]")
ABBREVIATIONS = re.compile(r"(^|_)(cfg|ctx|mgr|conf|params_dict)($|_)")


def source_files(*folders: str) -> list[Path]:
    return [
        file
        for folder in folders or FOLDERS
        for file in sorted((REPOSITORY / folder).rglob("*.py"))
        if "__pycache__" not in file.parts
        and not any(part.startswith(".") for part in file.parts[len(REPOSITORY.parts) :])
    ]


def definitions(*folders: str) -> Iterator[tuple[Path, ast.AST]]:
    for file in source_files(*folders):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield file, node


def show(file: Path, node: ast.AST) -> str:
    return f"{file.relative_to(REPOSITORY)}:{node.lineno} {node.name}"  # type: ignore[attr-defined]


def test_no_file_is_longer_than_500_lines():
    lengths = {f.relative_to(REPOSITORY): len(f.read_text("utf-8").splitlines()) for f in source_files()}
    assert {str(name): n for name, n in lengths.items() if n > LONGEST_FILE} == {}


def test_no_function_is_longer_than_60_lines():
    long = [
        f"{show(file, node)}: {node.end_lineno - node.lineno + 1} lines"  # type: ignore[attr-defined]
        for file, node in definitions()
        if not isinstance(node, ast.ClassDef) and node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION  # type: ignore[attr-defined]
    ]
    assert long == []


def test_no_file_is_a_drawer():
    assert [str(f) for f in source_files("zenconv", "plugins") if f.stem in DRAWERS] == []


def test_no_class_has_an_empty_name():
    found = [
        show(file, node)
        for file, node in definitions("zenconv", "plugins")
        if isinstance(node, ast.ClassDef) and EMPTY_NAMES.search(node.name)
    ]
    assert found == []


def test_no_name_is_an_abbreviation():
    found = []
    for file, node in definitions("zenconv", "plugins"):
        names = [node.name]  # type: ignore[attr-defined]
        if not isinstance(node, ast.ClassDef):
            names += [argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)]  # type: ignore[attr-defined]
        found += [f"{show(file, node)}: {name}" for name in names if ABBREVIATIONS.search(name)]
    assert found == []


def test_every_module_says_what_it_is_for():
    silent = [
        str(file.relative_to(REPOSITORY))
        for file in source_files("zenconv", "plugins", "example_project")
        if not ast.get_docstring(ast.parse(file.read_bytes()))
    ]
    assert silent == []


def error_classes() -> list[str]:
    """Return the names of every exception class that derives from `ZenconvError`, wherever it is."""
    bases: dict[str, list[str]] = {}
    for _, node in definitions("zenconv"):
        if isinstance(node, ast.ClassDef):
            bases[node.name] = [base.id for base in node.bases if isinstance(base, ast.Name)]
    found = {"ZenconvError"}
    while True:
        more = {name for name, above in bases.items() if found & set(above)} - found
        if not more:
            return sorted(name for name in found if not name.startswith("_"))
        found |= more


@pytest.mark.parametrize("name", error_classes())
def test_every_error_has_a_test_of_its_message(name):
    own = Path(__file__).name
    tests = [f.read_text("utf-8") for f in source_files("tests") if f.name != own]
    assert any(re.search(rf"\b{name}\b", text) for text in tests), f"no test mentions {name}"
