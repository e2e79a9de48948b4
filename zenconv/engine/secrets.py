"""Values that must appear nowhere: looked up late, and struck out of everything recorded."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from zenconv.errors import UsageError

MASK = "***"
_REFERENCE = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")
_SHORTEST = 4


class Secrets:
    """``secrets["NAME"]``: the value of an environment variable, struck out of all records."""

    def __init__(self, announce: Callable[[str], None] = lambda _name: None) -> None:
        self._values: set[str] = set()
        self._announce = announce

    def __getitem__(self, name: str) -> str:
        value = os.environ.get(name)
        if value is None:
            raise UsageError(
                f"the secret {name!r} is not set", hint=f"set the environment variable {name} before the run"
            )
        if value not in self._values:
            self.hide(value)
            self._announce(name)
        return value

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the secret, or `default` where it is not set."""
        return self[name] if name in os.environ else default

    def __repr__(self) -> str:
        return "<secrets>"

    def hide(self, value: str) -> None:
        """Strike `value` out of what is recorded from now on; shorter than 4 characters it cannot be."""
        if len(value) >= _SHORTEST:
            self._values.add(value)

    def resolve(self, value: Any) -> Any:
        """Return `value` with every ``${env:NAME}`` in its texts replaced by the variable's value."""
        if isinstance(value, str):
            return _REFERENCE.sub(lambda match: self[match[1]], value)
        if isinstance(value, list | tuple):
            return type(value)(self.resolve(item) for item in value)
        if isinstance(value, dict):
            return {key: self.resolve(item) for key, item in value.items()}
        return value

    def redact(self, value: Any) -> Any:
        """Return plain JSON data with every hidden value struck out of its texts."""
        if not self._values:
            return value
        if isinstance(value, str):
            for secret in sorted(self._values, key=len, reverse=True):
                value = value.replace(secret, MASK)
            return value
        if isinstance(value, list | tuple):
            return [self.redact(item) for item in value]
        if isinstance(value, dict):
            return {self.redact(key): self.redact(item) for key, item in value.items()}
        return value

    def redacted_blocks(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield `blocks` with hidden values struck out, also where one lies across a border."""
        hidden = sorted((value.encode() for value in self._values), key=len, reverse=True)
        if not hidden:
            yield from blocks
            return
        keep = len(hidden[0]) - 1
        rest = b""
        for block in blocks:
            rest += block
            for value in hidden:
                rest = rest.replace(value, MASK.encode())
            border = len(rest) - keep
            if border > 0:
                yield rest[:border]
                rest = rest[border:]
        if rest:
            yield rest
