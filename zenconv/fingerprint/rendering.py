"""The text of a part for people: what a diff between two fingerprints shows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from zenconv.fingerprint.index import Binding
from zenconv.fingerprint.sources import ModuleSource

LIMIT = 4096

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
    if value is None or isinstance(value, (bool, int, float, complex, bytes)):
        return repr(value)[:200] if not isinstance(value, int) or value.bit_length() < 4000 else "<big int>"
    if isinstance(value, str):
        return repr(value if len(value) <= 200 else value[:200] + "...")
    if isinstance(value, dict) and depth < 4:
        lines = [f"  {_key(key)}: {_item(key, item, depth)}" for key, item in list(value.items())[:100]]
        return "{\n" + "\n".join(lines) + "\n}" if lines else "{}"
    if isinstance(value, (list, tuple, set, frozenset)) and depth < 4:
        shown = ", ".join(_short(item, depth + 1) for item in list(value)[:50])
        return f"{type(value).__name__}({shown}{', ...' if len(value) > 50 else ''})"
    name = getattr(value, "__qualname__", None)
    return f"<{name}>" if isinstance(name, str) else f"<{type(value).__qualname__}>"


def _key(key: Any) -> str:
    return _short(key, 4)


def _item(key: Any, item: Any, depth: int) -> str:
    return "<not shown>" if isinstance(key, str) and _CONFIDENTIAL.search(key) else _short(item, depth + 1)
