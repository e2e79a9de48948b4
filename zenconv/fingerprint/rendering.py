"""The text of a part for people: what a diff between two fingerprints shows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from zenconv.fingerprint.index import Binding
from zenconv.fingerprint.sources import ModuleSource

LIMIT = 4096
_ONE_LINE = 60
_BRACKETS: dict[type, tuple[str, str]] = {list: ("[", "]"), tuple: ("(", ")"), set: ("{", "}")}
_PLAIN_TEXT = frozenset({"datetime", "decimal", "fractions", "pathlib", "re", "uuid", "zoneinfo"})
_SHAPED = frozenset({"numpy", "pandas", "polars", "torch"})

_CONFIDENTIAL = re.compile(
    r"pass(word|wd|phrase)?|secret|token|credential|api_?key|private_?key|auth", re.IGNORECASE
)
_ENVIRONMENT = re.compile(r"environ|getenv|secret|keyring|getpass|dotenv")


def clip(text: str) -> str:
    """Return `text`, cut at `LIMIT` characters."""
    return text if len(text) <= LIMIT else text[: LIMIT - 4] + "\n..."


def is_confidential(name: str, bindings: Iterable[Binding], source: ModuleSource | None) -> bool:
    """Return whether a global may hold a secret: by its name, or because the environment sets it."""
    if _CONFIDENTIAL.search(name):
        return True
    return source is not None and any(_ENVIRONMENT.search(_statement(source, b)) for b in bindings)


def render_value(name: str, value: Any, *, hidden: bool) -> str:
    """Return ``NAME = value``, one line per item of a mapping, short, and without what is confidential."""
    if hidden:
        return f"{name} = <not shown>"
    return clip(f"{name} = {_short(value, 0)}")


def render_bindings(source: ModuleSource, bindings: Iterable[Binding]) -> str:
    """Return the statements that assign a name."""
    texts = (_statement(source, binding) for binding in bindings)
    return clip("\n".join("<not shown>" if _CONFIDENTIAL.search(text) else text for text in texts))


def _statement(source: ModuleSource, binding: Binding) -> str:
    nodes = [part for part in binding.parts if not isinstance(part, str)]
    last = max((getattr(node, "end_lineno", None) or binding.line for node in nodes), default=binding.line)
    return source.text(binding.line, last)


def _short(value: Any, depth: int) -> str:
    try:
        return _show(value, depth)
    except Exception:  # noqa: BLE001 - a value's own code, such as a proxy's outside of its context
        return f"<{type(value).__qualname__}>"


def _show(value: Any, depth: int) -> str:
    if value is None or isinstance(value, (bool, int, float, complex, bytes)):
        return _scalar(value)
    if isinstance(value, str):
        return repr(value if len(value) <= 200 else value[:200] + "...")
    if isinstance(value, dict) and depth < 4:
        return _mapping([(_key(key), _item(key, item, depth)) for key, item in list(value.items())[:100]])
    if isinstance(value, (list, tuple, set, frozenset)) and depth < 4:
        return _sequence(value, depth)
    name = getattr(value, "__qualname__", None)
    return f"<{name}>" if isinstance(name, str) else _object(value, depth)


def _scalar(value: Any) -> str:
    kind = type(value)
    if kind.__module__ == "builtins" and not (kind is int and value.bit_length() >= 4000):
        return repr(value)[:200]
    member = getattr(value, "__dict__", {}).get("_name_")
    return f"{kind.__qualname__}.{member}" if isinstance(member, str) else f"<{kind.__qualname__}>"


def _mapping(lines: list[tuple[str, str]]) -> str:
    """Return a mapping on one line if it fits, else one line per item."""
    texts = [f"{key}: {item}" for key, item in lines]
    if sum(map(len, texts)) <= _ONE_LINE and not any("\n" in text for text in texts):
        return "{" + ", ".join(texts) + "}"
    return "{\n" + "\n".join("  " + text.replace("\n", "\n  ") for text in texts) + "\n}"


def _sequence(value: Any, depth: int) -> str:
    opening, closing = _BRACKETS.get(type(value), (f"{type(value).__name__}(", ")"))
    shown = [_short(item, depth + 1) for item in list(value)[:50]] + ["..."] * (len(value) > 50)
    if isinstance(value, (set, frozenset)):
        shown.sort()
    return opening + ", ".join(shown) + ("," if type(value) is tuple and len(value) == 1 else "") + closing


def _object(value: Any, depth: int) -> str:
    """Return what tells an object from another one of its class; its own ``__repr__`` is not asked."""
    kind = type(value)
    library = kind.__module__.partition(".")[0]
    if library in _PLAIN_TEXT:
        return repr(value)[:200]
    if library == "functools" and kind.__qualname__ == "partial" and depth < 4:
        return _partial(value, depth)
    if library in _SHAPED:
        return f"<{kind.__qualname__} {getattr(value, 'dtype', '')} {getattr(value, 'shape', '')}>"
    try:
        state = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return f"<{kind.__qualname__}>"
    if isinstance(state.get("_name_"), str):
        return f"{kind.__qualname__}.{state['_name_']}"
    if depth >= 4 or not state:
        return f"<{kind.__qualname__}>"
    shown = ", ".join(f"{key}={_item(key, item, depth)}" for key, item in list(state.items())[:20])
    return f"{kind.__qualname__}({shown})"


def _partial(value: Any, depth: int) -> str:
    shown = [_short(value.func, depth + 1), *(_short(item, depth + 1) for item in value.args)]
    shown += [f"{key}={_item(key, item, depth)}" for key, item in value.keywords.items()]
    return f"partial({', '.join(shown)})"


def _key(key: Any) -> str:
    return _short(key, 4)


def _item(key: Any, item: Any, depth: int) -> str:
    return "<not shown>" if isinstance(key, str) and _CONFIDENTIAL.search(key) else _short(item, depth + 1)
