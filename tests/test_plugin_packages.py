"""What holds for every package under plugins/: it stands alone, and costs nothing until it is used."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import zenconv.testing
from zenconv.hooks import load_plugins
from zenconv.hooks.conformance import read_conformance

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGES = sorted(file.parent for file in (REPOSITORY / "plugins").glob("*/pyproject.toml"))
OFFERED = (
    "zenconv",
    "zenconv.interfaces",
    "zenconv.records",
    "zenconv.hooks",
    "zenconv.errors",
    "zenconv.testing",
    "zenconv.hashing",
    "zenconv.locks",
)
"""All of zenconv that a plugin imports from; the top level is its public names."""


def project_of(package: Path) -> dict[str, Any]:
    return tomllib.loads((package / "pyproject.toml").read_text("utf-8"))["project"]


def module_of(package: Path) -> Path:
    return package / package.name.replace("-", "_")


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield str(node.module)


def name_of(package: Path) -> str:
    return package.name


@pytest.mark.parametrize("package", PACKAGES, ids=name_of)
def test_a_package_has_all_that_a_package_needs(package: Path) -> None:
    project = project_of(package)
    assert project["name"] == package.name
    assert any(text.startswith("zenconv>=") for text in project["dependencies"])
    assert list(project["entry-points"]["zenconv"].values()) == [module_of(package).name]
    for file in (package / "README.md", module_of(package) / "__init__.py", module_of(package) / "py.typed"):
        assert file.exists()
    assert list((package / "tests").glob("test_*.py"))


@pytest.mark.parametrize("package", PACKAGES, ids=name_of)
def test_a_package_imports_from_zenconv_only_what_plugins_are_offered(package: Path) -> None:
    wrong = [
        f"{file.name}: {name}"
        for file in module_of(package).rglob("*.py")
        for name in imports(file)
        if name.partition(".")[0] == "zenconv" and ".".join(name.split(".")[:2]) not in OFFERED
    ]
    assert wrong == []


@pytest.mark.parametrize("package", PACKAGES, ids=name_of)
def test_what_zenconv_imports_at_every_start_is_light(package: Path) -> None:
    tree = ast.parse((module_of(package) / "__init__.py").read_bytes())
    at_import = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {str(getattr(node, "module", None) or node.names[0].name) for node in at_import}
    foreign = {n for n in names if n.partition(".")[0] not in {*sys.stdlib_module_names, "zenconv"}}
    assert foreign == set()
    assert {name for name in names if name.startswith("zenconv")} <= {"zenconv", "zenconv.hooks"}


@pytest.mark.parametrize("package", PACKAGES, ids=name_of)
def test_a_package_records_the_suites_that_all_its_components_pass(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(package)
    row = load_plugins([module_of(package).name], autoload=False).rows()[-1]
    offered = {*row.components, *(("materializer", id) for id in row.materializers)}
    hint = f"pytest {package.relative_to(REPOSITORY)} --record-conformance"
    recorded = {(record.kind, record.id): record for record in read_conformance(module_of(package))}
    assert recorded.keys() == offered, hint
    for record in recorded.values():
        suite = getattr(zenconv.testing, record.suite)
        assert record.is_current, hint
        tests = {name for name in dir(suite) if name.startswith("test_")}
        assert {*record.passed, *record.skipped} == tests, hint


def test_an_orchestrator_that_passes_its_suite_fits_in_60_lines() -> None:
    module = module_of(REPOSITORY / "plugins/zenconv-fresh")
    (record,) = read_conformance(module)
    assert (record.suite, record.is_current) == ("OrchestratorSuite", True)
    assert sum(len(file.read_text("utf-8").splitlines()) for file in module.rglob("*.py")) <= 60


@pytest.mark.parametrize("package", PACKAGES, ids=name_of)
def test_a_package_is_in_the_reference(package: Path) -> None:
    assert f"`{package.name}`" in (REPOSITORY / "docs/reference/hooks.md").read_text("utf-8")
