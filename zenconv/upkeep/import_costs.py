"""What importing a project costs: which modules, how many milliseconds, asked for by whom.

Python measures it itself (``-X importtime``), in a new process that imports the step files and
nothing else. A line says of a module how long it took with and without what it imported; those
come before it, indented.
"""

from __future__ import annotations

import base64
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence

import attrs

from zenconv.frozen import Frozen
from zenconv.settings import Settings

_LINE = re.compile(rb"import time:\s*(\d+) \|\s*(\d+) \| ( *)(\S+)\s*$")
_MARK = "zenconv: "
_OWN = "own module "
_TIME_LIMIT = 300.0
_MOST_PARTS = 3


@attrs.frozen(eq=False, repr=False)
class ImportCost(Frozen):
    """A library that the project imports.

    `chain` leads from the step file to it; `seconds` is what it took with all that it imported
    itself, of which `parts` (name, seconds) took most.
    """

    name: str
    chain: tuple[str, ...]
    seconds: float
    parts: tuple[tuple[str, float], ...] = ()


@attrs.define(eq=False, repr=False)
class _Module:
    name: str
    own: int
    total: int
    children: list[_Module] = attrs.field(factory=list)


def measure_imports(settings: Settings) -> list[ImportCost] | None:
    """Import the project in a new process; return the libraries it imports, the slowest first.

    None where that process did not end well: the project cannot be imported.
    """
    # Our own settings, through our own pipe.
    given = base64.b64encode(pickle.dumps(settings))
    command = [sys.executable, "-X", "importtime", "-c", _PROGRAM]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(
            command, input=given, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            cwd=settings.root, env=environment, timeout=_TIME_LIMIT, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    if done.returncode:
        return None
    return read_costs(done.stderr.split(b"\n"))


_PROGRAM = """
import base64, pickle, sys
settings = pickle.loads(base64.b64decode(sys.stdin.buffer.read()))
from zenconv.upkeep.import_costs import import_project
import_project(settings)
"""


def import_project(settings: Settings) -> None:
    """Import the step files of a project; say on stderr where each begins, and which modules are its own."""
    from zenconv.project.project import Project

    descriptor = os.dup(2)

    def tell(text: str) -> None:
        os.write(descriptor, f"\n{_MARK}{text}\n".encode("utf-8", "surrogateescape"))

    project = Project(settings, tell)
    files = project.collection.files
    tell("end")
    for source in project.sources.modules():
        tell(f"{_OWN}{source.module}")
    if not files:
        raise SystemExit(1)


def read_costs(lines: Sequence[bytes]) -> list[ImportCost]:
    """Return the libraries that what Python has measured names, the slowest first."""
    own = {line.decode("utf-8", "replace").partition(_OWN)[2] for line in lines if _OWN.encode() in line}
    costs: dict[str, list[tuple[_Module, tuple[str, ...]]]] = {}
    for file, module in _read_modules(lines):
        for library, chain in _find_libraries(module, (file,), own):
            costs.setdefault(_top(library.name), []).append((library, chain))
    found = [_add_up(name, members) for name, members in costs.items() if name != "zenconv"]
    return sorted(found, key=lambda cost: -cost.seconds)


def _read_modules(lines: Iterable[bytes]) -> Iterator[tuple[str, _Module]]:
    """Yield the modules that nobody else imported, each with the step file that was begun before."""
    file = ""
    waiting: list[tuple[int, _Module]] = []
    for line in lines:
        if line.startswith(_MARK.encode()):
            if file:
                yield from ((file, module) for _, module in waiting)
            waiting = []
            name = line.decode("utf-8", "replace").rpartition(" ")[2]
            file = name if name.endswith(".py") else ""
        elif match := _LINE.match(line):
            depth = len(match[3])
            module = _Module(match[4].decode("utf-8", "replace"), int(match[1]), int(match[2]))
            while waiting and waiting[-1][0] > depth:
                module.children.insert(0, waiting.pop()[1])
            waiting.append((depth, module))


def _find_libraries(
    module: _Module, chain: tuple[str, ...], own: set[str]
) -> Iterator[tuple[_Module, tuple[str, ...]]]:
    """Yield what is not the project's own, where the project itself asks for it."""
    if module.name in own:
        for child in module.children:
            yield from _find_libraries(child, (*chain, module.name), own)
    else:
        yield module, chain


def _add_up(name: str, members: Sequence[tuple[_Module, tuple[str, ...]]]) -> ImportCost:
    parts: dict[str, int] = {}
    for module, _ in members:
        _add_parts(module, parts)
    largest, chain = max(members, key=lambda member: member[0].total)
    others = sorted(((us, part) for part, us in parts.items() if part != name), reverse=True)
    shown = tuple((part, us / 1e6) for us, part in others[:_MOST_PARTS])
    return ImportCost(name, (*chain, largest.name), sum(module.total for module, _ in members) / 1e6, shown)


def _add_parts(module: _Module, parts: dict[str, int]) -> None:
    waiting = [module]
    while waiting:
        found = waiting.pop()
        parts[_top(found.name)] = parts.get(_top(found.name), 0) + found.own
        waiting += found.children


def _top(name: str) -> str:
    return name.partition(".")[0]
