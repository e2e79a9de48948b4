"""Canonical digests of values: two values have one digest only if code cannot tell them apart.

Every type has a tag and every part a length, so the encoding is injective: ``1``, ``1.0``,
``True`` and ``"1"`` differ. A path below the project root counts relative to it. Classes and
functions are handed to whoever knows their code (`Referee`). What has no canonical form raises
`NotCanonical`: nothing is guessed from a ``repr``.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple, Protocol

import attrs

from zenconv import hashing
from zenconv.errors import ZenconvError
from zenconv.fingerprint.places import is_own_module, is_standard_module

FORMAT = "zenconv.value.1"
MAXIMUM_DEPTH = 120
MAXIMUM_PARTS = 5_000_000
_SHARE_FROM = 256


@attrs.define(auto_exc=True, slots=False)
class NotCanonical(ZenconvError):
    """A value has no canonical form; `what` says which part of it and why."""


class StandIn(NamedTuple):
    """What counts in place of a value, and which plugin says so."""

    owner: str
    value: Any


ContentOf = Callable[[Any], "str | StandIn | None"]
"""Digest of a value that only a library can encode (a data frame), what stands in for it, or None."""


class Referee(Protocol):
    """Decides what classes and functions inside a value stand for."""

    def refer(self, code: Any) -> bool:
        """Take note of a class or function; return whether it is project code, known by content."""

    def knows(self, code: Any) -> bool:
        """Return whether a class is project code, without taking note of it."""

    def reach(self, module_name: str) -> None:
        """Take note that the value depends on an installed module."""


class _Names:
    """Knows code by name only: enough for what is installed, not for what a user may edit."""

    def refer(self, code: Any) -> bool:
        name = str(getattr(code, "__qualname__", ""))
        if isinstance(code, FunctionType) and ("<" in name or not _is_importable(code)):
            raise NotCanonical(f"{name or 'a function'} is known by its code only")
        return False

    def knows(self, code: Any) -> bool:
        return False

    def reach(self, module_name: str) -> None:
        pass


def digest_of(
    value: object,
    *,
    root: str = "",
    content_of: ContentOf | None = None,
    secrets: tuple[str, ...] = (),
) -> str:
    """Return the canonical digest of `value`, such as a parameter.

    Parameters
    ----------
    value
        Any value. Classes count by name here; see `Fingerprinter.digest_of` for their code.
    root
        The project root: paths below it count relative to it.
    content_of
        Digest of a value that only a library can encode (a data frame), or None.
    secrets
        Values that must not count: text that holds one is encoded as "a secret".

    Raises
    ------
    NotCanonical
        If the value, or a part of it, has no canonical form.
    """
    from zenconv.fingerprint.places import Places

    prefixes = Places(root).root_prefixes if root else ()
    encoder = Encoder(prefixes=prefixes, content_of=content_of, secrets=secrets)
    return digest_encoding(encoder.encode(value))


def digest_encoding(data: bytes) -> str:
    """Return the digest of an encoding made by `Encoder`."""
    return hashing.digest_bytes(FORMAT.encode() + b"\0" + data)


class Encoder:
    """Turns values into canonical bytes."""

    def __init__(
        self,
        *,
        prefixes: tuple[str, ...] = (),
        content_of: ContentOf | None = None,
        referee: Referee | None = None,
        secrets: tuple[str, ...] = (),
    ) -> None:
        self.prefixes = tuple(prefix for prefix in prefixes if prefix.count("/") + prefix.count("\\") > 1)
        self.content_of = content_of
        self.referee: Referee = referee or _Names()
        self.secrets = tuple(secret for secret in secrets if secret)
        self.references = 0
        self._depth = 0
        self._parts = 0
        self._shared: dict[int, bytes] = {}

    def encode(self, value: Any) -> bytes:
        """Return the canonical bytes of `value`. `NotCanonical` if there are none."""
        try:
            return self._encode(value)
        except RecursionError:
            raise NotCanonical("it is nested too deeply") from None
        finally:
            self._depth = 0
            self._shared.clear()

    def _encode(self, value: Any) -> bytes:
        kind = value.__class__
        simple = _SCALARS.get(kind)
        if simple is not None:
            return simple(value)
        if kind is str:
            return self.text(value)
        shared = self._shared.get(id(value))
        if shared is not None:
            return shared
        self._parts += 1
        self._depth += 1
        if self._depth > MAXIMUM_DEPTH:
            raise NotCanonical("it is nested too deeply, or contains itself")
        references = self.references
        data = self._compound(value, type(value))
        self._depth -= 1
        if len(data) > _SHARE_FROM and references == self.references:
            data = self._shared[id(value)] = b"h" + bytes.fromhex(hashing.digest_bytes(data)[3:])
        return data

    def _compound(self, value: Any, kind: type) -> bytes:
        from zenconv.fingerprint import value_types

        method = _CONTAINERS.get(kind)
        return method(self, value) if method is not None else value_types.encode(self, value)

    # -- building blocks, for `value_types` ------------------------------------------------------

    def text(self, value: str) -> bytes:
        """Encode text; a project path in it counts relative to the root."""
        if self.secrets and any(secret in value for secret in self.secrets):
            return b"?secret;"
        for prefix in self.prefixes:
            if prefix[:-1] in value:
                return self._rooted(value)
        data = value.encode("utf-8", "surrogatepass")
        return b"s%d:%b" % (len(data), data)

    def _rooted(self, value: str) -> bytes:
        pieces = [value]
        for prefix in self.prefixes:
            pieces = [piece for text in pieces for piece in _cut(text, prefix)]
        if len(pieces) == 1:
            data = value.encode("utf-8", "surrogatepass")
            return b"s%d:%b" % (len(data), data)
        parts = [piece.encode("utf-8", "surrogatepass") for piece in pieces]
        return b"r%d[%b]" % (len(parts), b"".join(b"%d:%b" % (len(part), part) for part in parts))

    def sequence(self, tag: bytes, items: Iterable[Any]) -> bytes:
        """Encode `items` in order under `tag`."""
        parts = [self._encode(item) for item in items]
        self._parts += len(parts)
        if self._parts > MAXIMUM_PARTS:
            raise NotCanonical(f"it has more than {MAXIMUM_PARTS:,} parts")
        return b"%b%d[%b]" % (tag, len(parts), b"".join(parts))

    def unordered(self, tag: bytes, items: Iterable[Any]) -> bytes:
        """Encode `items` so that their order does not count."""
        values = list(items)
        if any(_is_code(value) for value in values):  # the order in which code is noted must be stable
            values.sort(key=lambda v: (str(getattr(v, "__module__", "")), str(getattr(v, "__qualname__", v))))
            return self.sequence(tag + b"=", values)
        before = self.references
        parts = sorted(self._encode(value) for value in values)
        if self.references != before and len(parts) > 1:
            raise NotCanonical("it is a set whose elements hold functions")
        return b"%b%d{%b}" % (tag, len(parts), b"".join(parts))

    def mapping(self, tag: bytes, items: Mapping[Any, Any]) -> bytes:
        """Encode keys and values in their order."""
        return self.sequence(tag, (part for pair in items.items() for part in pair))

    def fields(self, tag: bytes, items: Mapping[str, Any]) -> bytes:
        """Encode named parts, whose order does not count."""
        return self.sequence(tag, (part for name in sorted(items) for part in (name, items[name])))

    def knows(self, kind: type) -> bool:
        """Return whether `kind` is a class whose code is known."""
        return self.referee.knows(kind)

    def code(self, value: Any, module: str = "") -> bytes:
        """Encode a class or function: by its code if it is the project's, else by its name."""
        module = module or str(getattr(value, "__module__", None) or "builtins")
        if self.referee.refer(value):
            self.references += 1
            return b"R;"
        if is_homeless(value):
            raise NotCanonical("a class that a call has made")
        self.referee.reach(module)
        name = str(getattr(value, "__qualname__", None) or getattr(value, "__name__", ""))
        data = f"{stable_module(module)}:{name}".encode("utf-8", "surrogatepass")
        return b"n%d:%b" % (len(data), data)


def is_homeless(value: Any) -> bool:
    """Return whether `value` is of ``make_dataclass``, whose classes say `types` before Python 3.12."""
    return (
        isinstance(value, type)
        and value.__module__ == "types"
        and getattr(sys.modules["types"], value.__qualname__, None) is not value
    )


def stable_module(name: str) -> str:
    """Return a module's public name: which private part of it defines a thing differs between versions."""
    if is_standard_module(name):
        return ".".join(part for part in name.lstrip("_").split(".") if not part.startswith("_")) or name
    return name


def _cut(text: str, prefix: str) -> Iterable[str]:
    """Split `text` at each occurrence of the folder `prefix`, which ends in a separator."""
    bare = prefix[:-1]
    pieces: list[str] = []
    start = 0
    while True:
        found = text.find(bare, start)
        if found < 0:
            return [*pieces, text]
        end = found + len(bare)
        if end == len(text) or text[end] == prefix[-1]:
            pieces.append(text[:found])
            text, start = text[end:].replace("\\", "/"), 0
        else:
            start = end


def _is_code(value: Any) -> bool:
    return isinstance(value, (type, FunctionType, MethodType))


def _is_importable(function: FunctionType) -> bool:
    from zenconv.fingerprint.places import Places

    module = function.__globals__.get("__name__", "")
    if is_standard_module(module) or is_own_module(module):
        return True
    path = getattr(sys.modules.get(module), "__file__", None)
    return path is not None and not Places("/nowhere/at/all").is_project_file(path)


def _float(value: float) -> bytes:
    if math.isnan(value):
        return b"fnan;"
    return b"f%b;" % value.hex().encode()


def _complex(value: complex) -> bytes:
    return b"c" + _float(value.real) + _float(value.imag)


_SCALARS: dict[type, Callable[[Any], bytes]] = {
    type(None): lambda value: b"N;",
    bool: lambda value: b"T;" if value else b"F;",
    int: lambda value: b"i%x;" % value,
    float: _float,
    complex: _complex,
    bytes: lambda value: b"b%d:%b" % (len(value), value),
    type(Ellipsis): lambda value: b"E;",
    type(NotImplemented): lambda value: b"I;",
    object: lambda value: b"O;",
}

_CONTAINERS: dict[type, Callable[[Encoder, Any], bytes]] = {
    list: lambda encoder, value: encoder.sequence(b"l", value),
    tuple: lambda encoder, value: encoder.sequence(b"t", value),
    dict: lambda encoder, value: encoder.mapping(b"d", value),
    set: lambda encoder, value: encoder.unordered(b"S", value),
    frozenset: lambda encoder, value: encoder.unordered(b"Z", value),
    bytearray: lambda encoder, value: b"y%d:%b" % (len(value), bytes(value)),
    FunctionType: lambda encoder, value: encoder.code(value, value.__globals__.get("__name__", "")),
    ModuleType: lambda encoder, value: encoder.code(value, value.__name__),
    MethodType: lambda encoder, value: encoder.sequence(b"m", (value.__func__, value.__self__)),
}


def _builtin(encoder: Encoder, value: Any) -> bytes:
    owner = getattr(value, "__self__", None)
    if owner is None or isinstance(owner, ModuleType):
        return encoder.code(value, getattr(owner, "__name__", "") or value.__module__ or "")
    return encoder.sequence(b"B", (owner, value.__name__))


_CONTAINERS[BuiltinFunctionType] = _builtin
