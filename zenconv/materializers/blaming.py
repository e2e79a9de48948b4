"""Which member of an object cannot be stored, and what its author can do about it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

from zenconv.errors import SaveError
from zenconv.materializers.describing import class_name, type_name

_MAXIMUM_DEPTH = 12
_MAXIMUM_CHILDREN = 200

_STREAM = "return a list, or annotate the step `-> Iterator[T]`"
_ADVICE = (
    (
        ("async_generator",),
        "return a list of what it gives: `[item async for item in items]`, in an `async def` without `yield`",
    ),
    (
        ("coroutine", "Task", "Future"),
        "return what it gives: `await` it in a step that is `async def`, or ask a future for its result()",
    ),
    (
        ("generator", "iterator", "zip", "map", "filter"),
        _STREAM,
    ),
    (
        ("lock", "RLock", "Condition", "Semaphore", "Event", "Queue", "SimpleQueue"),
        "leave locks out in __getstate__, or make the object in a fixture",
    ),
    (
        ("socket", "Connection", "Cursor", "Engine", "Session", "Client"),
        "open connections in a fixture, and return what was read from them",
    ),
    (
        ("TextIOWrapper", "BufferedReader", "BufferedWriter", "FileIO", "BufferedRandom"),
        "return the Path of the file instead of the open file",
    ),
    (("module",), "import the module where it is used instead of returning it"),
    (("memoryview",), "return its bytes: `value.tobytes()`"),
    (("Match",), "return what was found: `match.groups()`, or `match.group()`"),
    (
        ("torch.nn.modules.module.Module",),
        "return its `state_dict()`, and load that into a new module in the step that uses it",
    ),
    (("DataLoader",), "return the data set, and make the loader in the step that uses it"),
    (
        ("DMatrix", "catboost.core.Pool"),
        "return the table or the arrays that it is made of, and make it in the step that trains",
    ),
)


def explain_failure(value: Any, error: Exception, dump: Callable[[Any], Any]) -> SaveError:
    """Return the error that names the member at fault, by its path from `value`, and a way out."""
    path, culprit = "", value
    if not isinstance(error, RecursionError):
        path, culprit = _find_culprit(value, dump)
    name = type_name(culprit)
    reason = f"{type(error).__name__}: {error}"
    if not path:
        return SaveError(f"cannot store a {type_name(value)} ({reason})", hint=_advice(type(culprit)))
    return SaveError(
        f"cannot store a {type_name(value)}: its member {path} is a {name}, "
        f"which cannot be pickled ({reason})",
        hint=_known_advice(type(value)) or _advice(type(culprit)),
    )


def _find_culprit(value: Any, dump: Callable[[Any], Any]) -> tuple[str, Any]:
    path = ""
    met = {id(value)}
    for _ in range(_MAXIMUM_DEPTH):
        for step, child in _children(value):
            if id(child) not in met and not _works(child, dump):
                met.add(id(child))
                path, value = path + step, child
                break
        else:
            break
    return path, value


def _works(child: Any, dump: Callable[[Any], Any]) -> bool:
    try:
        dump(child)
    except Exception:  # noqa: BLE001  any failure is the answer
        return False
    return True


def _children(value: Any) -> Iterator[tuple[str, Any]]:
    for count, pair in enumerate(_all_children(value)):
        if count == _MAXIMUM_CHILDREN:
            return
        yield pair


def _all_children(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from (
            (f"[{key!r}]" if type(key) in (str, int) else "[...]", item) for key, item in value.items()
        )
    elif isinstance(value, (list, tuple)):
        yield from ((f"[{number}]", item) for number, item in enumerate(value))
    elif isinstance(value, (set, frozenset)):
        yield from (("{...}", item) for item in value)
    elif getattr(value, "__closure__", None):
        names = value.__code__.co_freevars
        yield from (
            (f".{name}", cell.cell_contents) for name, cell in zip(names, value.__closure__, strict=False)
        )
    for name, item in list(getattr(value, "__dict__", {}).items()) if not isinstance(value, type) else ():
        yield f".{name}", item
    for ancestor in type(value).__mro__:
        slots = ancestor.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(value, name) and name not in ("__dict__", "__weakref__"):
                yield f".{name}", getattr(value, name)


def _advice(cls: type) -> str:
    return _known_advice(cls) or (
        f"return plain data instead (numbers, text, tables, arrays, a Path){_own_way(cls)}, or write a "
        "materializer for it (hook zenconv_materializers), or, if it is a live resource, make it in a fixture"
    )


def _own_way(cls: type) -> str:
    if cls.__module__.partition(".")[0] in sys.stdlib_module_names:
        return ""
    return f", or give {class_name(cls)} a __reduce__"


def _known_advice(cls: type) -> str:
    for ancestor in cls.__mro__:
        for names, advice in _ADVICE:
            name = ancestor.__name__
            if class_name(ancestor) in names or any(name == one or name.endswith(f"_{one}") for one in names):
                return advice
    return _STREAM if cls.__name__.endswith("iterator") else ""
