"""What a package records of the suites that its components have passed: ``conformance.json`` in it.

The record is the package's own word, made by its tests (`zenconv.testing.conformance`). It says for
which code it was made: when that has changed since, the record is out of date.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs

from zenconv.frozen import Frozen
from zenconv.hooks.manager import SHIPPED, PluginRow

FILE = "conformance.json"
_FORMAT = 1


@attrs.frozen(eq=False, repr=False)
class Conformance(Frozen):
    """The outcome of a suite for one component: the names of the tests that passed, and of those skipped.

    `zenconv` is the version whose suite it was; `is_current`: the package's code is the same as then.
    """

    kind: str
    id: str
    suite: str
    zenconv: str
    passed: tuple[str, ...]
    skipped: tuple[str, ...] = ()
    is_current: bool = True


def read_conformance(package: Path) -> list[Conformance]:
    """Return what the package in a folder has recorded; nothing where there is no record."""
    try:
        data = json.loads((package / FILE).read_bytes())
        if data["format"] != _FORMAT:
            return []
        is_current = data["code"] == digest_code(package)
        return [
            Conformance(
                str(row["kind"]),
                str(row["id"]),
                str(row["suite"]),
                str(data["zenconv"]),
                tuple(map(str, row["passed"])),
                tuple(map(str, row["skipped"])),
                is_current,
            )
            for row in data["suites"]
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def find_conformance(row: PluginRow) -> list[Conformance]:
    """Return what the package of a loaded plugin has recorded."""
    package = sys.modules.get(row.module.partition(":")[0].partition(".")[0])
    file = getattr(package, "__file__", None)
    if row.origin == SHIPPED or file is None or not hasattr(package, "__path__"):
        return []
    return read_conformance(Path(file).parent)


def write_conformance(package: Path, outcomes: Iterable[Conformance]) -> Path:
    """Record outcomes for the code of a package as it is now; return the path of the record."""
    from zenconv import __version__

    rows: list[dict[str, Any]] = [
        {
            "kind": o.kind,
            "id": o.id,
            "suite": o.suite,
            "passed": sorted(o.passed),
            "skipped": sorted(o.skipped),
        }
        for o in sorted(outcomes, key=lambda o: (o.kind, o.id))
    ]
    data = {"format": _FORMAT, "zenconv": __version__, "code": digest_code(package), "suites": rows}
    path = package / FILE
    path.write_text(json.dumps(data, indent=2) + "\n", "utf-8")
    return path


def digest_code(package: Path) -> str:
    """Return a digest of the names and contents of all Python files of a package."""
    hasher = hashlib.sha256()
    for file in sorted(package.rglob("*.py")):
        for part in (file.relative_to(package).as_posix().encode(), file.read_bytes()):
            hasher.update(b"%d:" % len(part) + part)
    return hasher.hexdigest()
