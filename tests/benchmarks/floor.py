"""The floor: what keeping everything costs in plain Python.

Calls the functions of a step file in order, pickles each output into a file of its own and
writes one SQLite row a step, each in a transaction of its own, without fsync. Run as
``python floor.py MODULE FOLDER``; with ``--plain`` nothing is kept.
"""

from __future__ import annotations

import importlib
import os
import pickle
import sqlite3
import sys
from collections.abc import Callable
from typing import Any


def main() -> None:
    name, folder = sys.argv[1:3]
    sys.path.insert(0, os.getcwd())
    steps = public_functions(importlib.import_module(name))
    if "--plain" in sys.argv:
        call_all(steps, lambda step, value: None)
        return
    os.makedirs(folder, exist_ok=True)
    connection = sqlite3.connect(os.path.join(folder, "floor.sqlite"), isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("CREATE TABLE step (name TEXT PRIMARY KEY, path TEXT, size INTEGER)")

    def keep(step: str, value: Any) -> None:
        path = os.path.join(folder, step)
        with open(path, "wb") as stream:
            pickle.dump(value, stream, protocol=5)
            size = stream.tell()
        connection.execute("INSERT INTO step VALUES (?, ?, ?)", (step, path, size))

    call_all(steps, keep)
    connection.close()


def public_functions(module: Any) -> dict[str, Callable[..., Any]]:
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_")
        and getattr(value, "__module__", None) == module.__name__
        and callable(value)
    }


def call_all(steps: dict[str, Callable[..., Any]], keep: Callable[[str, Any], None]) -> None:
    """Call each function with the values of those its parameters name; definition order is right."""
    values: dict[str, Any] = {}
    remaining = dict.fromkeys(steps, 0)
    asked = {name: step.__code__.co_varnames[: step.__code__.co_argcount] for name, step in steps.items()}
    for names in asked.values():
        for name in names:
            remaining[name] += 1
    for name, step in steps.items():
        value = step(*[values[parameter] for parameter in asked[name]])
        keep(name, value)
        for parameter in asked[name]:
            remaining[parameter] -= 1
            if not remaining[parameter]:
                del values[parameter]
        values[name] = value


if __name__ == "__main__":
    main()
