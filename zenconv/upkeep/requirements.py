"""What distributions require, and whether it is installed in a version that will do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

import importlib_metadata

_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


def requirements_of(distribution: str) -> list[str]:
    """Return what an installed distribution requires, as it says so; nothing for an unknown one."""
    try:
        return list(importlib_metadata.requires(distribution) or ())
    except importlib_metadata.PackageNotFoundError:
        return []


def find_unmet(requirements: Iterable[str]) -> Iterator[str]:
    """Yield, in a few words, each requirement that what is installed does not meet.

    Extras that were not asked for do not count. Without the package ``packaging``, only whether
    something is installed at all can be told.
    """
    parse = _parser()
    for text in requirements:
        if parse is None:
            yield from _find_missing(text)
            continue
        try:
            requirement = parse(text)
        except ValueError:
            continue  # nothing that an installer would understand either
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield from _compare(requirement)


def _parser() -> Any:
    try:
        from packaging.requirements import Requirement
    except ImportError:
        return None
    return Requirement


def _find_missing(text: str) -> Iterator[str]:
    match = _NAME.match(text)
    if match and "extra" not in text and ";" not in text and installed_version(match[1]) is None:
        yield f"{match[1]} is not installed"


def _compare(requirement: Any) -> Iterator[str]:
    found = installed_version(requirement.name)
    if found is None:
        yield f"{requirement.name}{requirement.specifier} is not installed"
    elif requirement.url is None and not requirement.specifier.contains(found, prereleases=True):
        yield f"{requirement.name}{requirement.specifier} is required, {found} is installed"


@cache
def installed_version(distribution: str) -> str | None:
    """Return the version of an installed distribution, None where there is none."""
    try:
        return importlib_metadata.version(distribution)
    except importlib_metadata.PackageNotFoundError:
        return None


def read_requirement_lines(text: str) -> Sequence[str]:
    """Return the requirements in a ``requirements.txt``, without options, addresses and other files."""
    lines = (line.partition(" #")[0].strip() for line in text.splitlines())
    return [
        line for line in lines if line and not line.startswith(("#", "-", ".", "/")) and "://" not in line
    ]
