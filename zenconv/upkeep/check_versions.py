"""Which versions are at work, whether they fit each other, and what changed since the last run."""

from __future__ import annotations

import platform
import sqlite3
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from zenconv import __version__
from zenconv.interfaces.recording import MetadataStore
from zenconv.settings import Settings
from zenconv.upkeep.findings import Finding, Section
from zenconv.upkeep.requirements import find_unmet, read_requirement_lines, requirements_of

SECTION = Section("versions")
_MOST_SHOWN = 8


def check_versions(
    settings: Settings, packages: Mapping[str, str], records: MetadataStore
) -> Iterator[Finding]:
    """Look at Python, zenconv, SQLite, and the `packages` that the project reaches, by version."""
    yield SECTION.ok("python", f"Python {platform.python_version()}, zenconv {__version__}")
    yield SECTION.ok("sqlite", f"SQLite {sqlite3.sqlite_version}")
    yield from _check_declared(settings.root)
    yield from _check_reached(packages)
    yield from _check_changes(packages, records)


def _check_reached(packages: Mapping[str, str]) -> Iterator[Finding]:
    for name, version in packages.items():
        for text in find_unmet(requirements_of(name)):
            yield SECTION.warning("libraries", f"{name} {version}: {text}", f"pip install --upgrade {name}")
    if packages:
        yield SECTION.ok("libraries", f"the steps reach {_join(f'{n} {v}' for n, v in packages.items())}")


def _check_declared(root: Path) -> Iterator[Finding]:
    """Compare what the project itself says that it requires with what is installed."""
    table = _read_toml(root / "pyproject.toml").get("project")
    project: Mapping[str, Any] = table if isinstance(table, dict) else {}
    declared = project.get("dependencies")
    yield from _unmet(
        "pyproject.toml", [d for d in declared if isinstance(d, str)] if isinstance(declared, list) else []
    )
    python = project.get("requires-python")
    if isinstance(python, str) and not _is_python(python):
        text = f"pyproject.toml: Python {python} is required, this is {platform.python_version()}"
        yield SECTION.warning("python", text)
    try:
        lines = read_requirement_lines((root / "requirements.txt").read_text("utf-8"))
    except (OSError, ValueError):
        return
    yield from _unmet("requirements.txt", lines)


def _unmet(file: str, requirements: Iterable[str]) -> Iterator[Finding]:
    for text in find_unmet(requirements):
        yield SECTION.warning("libraries", f"{file}: {text}")


def _read_toml(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}  # told where the settings are read, if it matters


def _is_python(specifier: str) -> bool:
    try:
        from packaging.specifiers import SpecifierSet

        return SpecifierSet(specifier).contains(platform.python_version(), prereleases=True)
    except (ImportError, ValueError):
        return True


def _check_changes(packages: Mapping[str, str], records: MetadataStore) -> Iterator[Finding]:
    """Tell what is another version than in the newest run: the steps that reach it run again."""
    for run in records.runs(limit=1, statuses=("succeeded", "failed")):
        before = run.environment.get("packages")
        if not isinstance(before, Mapping):
            return
        known = {_normalize(name): version for name, version in before.items()}
        changes = [
            f"{name} {known.get(_normalize(name), 'not installed')} -> {version}"
            for name, version in packages.items()
            if known.get(_normalize(name)) != version
        ]
        if changes:
            text = f"since run {run.number}: {_join(changes)}; the steps that reach them run again"
            yield SECTION.warning("libraries", text)


def _normalize(name: str) -> str:
    return name.lower().replace("-", "_").replace(".", "_")


def _join(texts: Iterable[str]) -> str:
    listed = list(texts)
    more = f" and {len(listed) - _MOST_SHOWN} more" if len(listed) > _MOST_SHOWN else ""
    return ", ".join(listed[:_MOST_SHOWN]) + more
