"""Pickling by reference: the stream, the big buffers beside it, and the names of code it mentions.

The *content* of a pickled value is the digest of a second, canonical stream, in which sets are
sorted and equal texts are one object: two processes that built the same value agree on it,
whatever the order of their hash tables and whichever strings happen to be interned.
"""

from __future__ import annotations

import io
import pickle
import sys
from types import BuiltinFunctionType, FunctionType
from typing import Any

from zenconv import hashing
from zenconv.materializers import classes
from zenconv.materializers.reducing import reduce_for_content, reduce_known
from zenconv.materializers.saving import Declined

PROTOCOL = 5
OUT_OF_BAND = 1 << 12
"""Buffers of at least this many bytes are stored beside the stream, to be mapped."""

_CODE = (FunctionType, BuiltinFunctionType)
OUTSIDE_KEYS = frozenset({"builtins", "zenconv", *sys.stdlib_module_names})
"""Top-level modules whose code does not count: Python's own, and ours, which has a format version."""
_PASSING = frozenset({"_stop_words_id", "_tmp_like_exog"})
"""Attributes in which scikit-learn's text vectorizers keep an address, and statsmodels unused memory."""


class ReferencePickler(pickle.Pickler):
    """The C pickler; classes and functions are stored as names, and the names collected.

    `Declined` for a class or function that another process would not find by its name.
    """

    def __init__(self, stream: Any) -> None:
        super().__init__(stream, PROTOCOL, buffer_callback=self.keep_buffer)
        self.references: set[tuple[str, str]] = set()
        self.buffers: list[memoryview] = []
        self.storages: dict[int, Any] = {}

    def reducer_override(self, value: Any) -> Any:
        """Note what `value` refers to, if it is code; reduce what pickles badly by itself."""
        if isinstance(value, type) or type(value) in _CODE:
            note_reference(value, self.references)
            return NotImplemented
        return reduce_known(value, self.storages)

    def keep_buffer(self, buffer: pickle.PickleBuffer) -> bool:
        """Take a big buffer out of the stream."""
        return keep_buffer(buffer, self.buffers)


class ContentPickler(ReferencePickler):
    """Writes the canonical stream, which is only hashed, never loaded."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self.canonical = CanonicalIdentity(ContentPickler)

    def persistent_id(self, value: Any) -> Any:
        """Return what stands for `value` where its natural form is not canonical."""
        return self.canonical.stand_in(value)

    def reducer_override(self, value: Any) -> Any:
        """Reduce `value` as for storing, but without attributes that differ by chance."""
        state = getattr(value, "__dict__", None)
        if type(state) is dict and not _PASSING.isdisjoint(state):
            return (
                type,
                (type(value),),
                {name: item for name, item in state.items() if name not in _PASSING},
            )
        known = reduce_for_content(value)
        return super().reducer_override(value) if known is NotImplemented else known


class CanonicalIdentity:
    """Decides which objects are replaced in a canonical stream, and by what."""

    def __init__(self, make_pickler: Any) -> None:
        self._make_pickler = make_pickler
        self._texts: dict[Any, Any] = {}
        self._sets: dict[int, tuple[int, Any]] = {}

    def stand_in(self, value: Any) -> Any:
        """Return the replacement of `value`, or None to keep it."""
        kind = type(value)
        if kind is str:
            number = self._class_number(value) if len(value) == 32 else None
            return self._texts.setdefault(value, value) if number is None else ("class", number)
        if kind is bytes:
            return self._texts.setdefault(value, value)
        if kind is set or kind is frozenset:
            return self._set(value)
        if kind.__module__ == "numpy" and kind.__name__ == "ndarray":
            return _padded_array(value)
        return None

    def _set(self, value: Any) -> Any:
        known = self._sets.get(id(value))
        if known is not None:
            return ("set", known[0])
        number = len(self._sets)
        self._sets[id(value)] = (number, value)
        items = sorted(content_digest(item, self._make_pickler) for item in value)
        return ("set", number, type(value).__name__, items)

    def _class_number(self, text: str) -> int | None:
        # Cloudpickle gives each class it stores by value a random number; only here it must not count.
        module = sys.modules.get("cloudpickle.cloudpickle")
        trackers = getattr(module, "_DYNAMIC_CLASS_TRACKER_BY_ID", {})
        if text not in trackers:
            return None
        return int(self._sets.setdefault(-id(trackers[text]), (len(self._sets), None))[0])


class HashingStream:
    """A stream that hashes what is written to it."""

    def __init__(self) -> None:
        self.hasher = hashing.Hasher("zenconv.pickle.1")

    def write(self, data: Any) -> int:
        """Hash `data`."""
        self.hasher.update(data)
        return len(data)


def content_digest(value: Any, make_pickler: Any = ContentPickler) -> str:
    """Return the digest of the canonical pickle of `value`, buffers included."""
    stream = HashingStream()
    pickler = make_pickler(stream)
    pickler.dump(value)
    for buffer in pickler.buffers:
        stream.hasher.update(b"%d:" % buffer.nbytes)
        stream.hasher.update(buffer)
    return stream.hasher.digest()


def dump(
    value: Any, make_pickler: Any = ReferencePickler
) -> tuple[bytes, list[memoryview], set[tuple[str, str]]]:
    """Return the pickle of `value`, its out-of-band buffers, and the code it mentions."""
    stream = io.BytesIO()
    pickler = make_pickler(stream)
    pickler.dump(value)
    return stream.getvalue(), pickler.buffers, pickler.references


class ImportingUnpickler(pickle.Unpickler):
    """Unpickles with an importer that knows the modules of the project."""

    def __init__(self, data: bytes, buffers: Any, importer: Any) -> None:
        super().__init__(io.BytesIO(data), buffers=buffers)
        self._importer = importer

    def find_class(self, module: str, name: str) -> Any:
        """Import `module` the project's way, then find `name` in it as usual."""
        if module not in sys.modules:
            self._importer(module)
        return super().find_class(module, name)


def keep_buffer(buffer: pickle.PickleBuffer, kept: list[memoryview]) -> bool:
    """Append a big buffer to `kept` and return False; return True to leave it in the stream."""
    raw = buffer.raw()
    if raw.nbytes < OUT_OF_BAND:
        return True
    kept.append(raw)
    return False


def note_reference(code: Any, references: set[tuple[str, str]]) -> None:
    """Collect the name of a class or function of a project or a third party."""
    module = getattr(code, "__module__", None)
    if module is None:  # a bound built-in: its owner is pickled, and noted, by itself
        return
    if isinstance(code, type) and module in ("__main__", "__mp_main__"):
        raise Declined(f"its class {code.__qualname__} is defined in {module}")
    if module in ("__main__", "__mp_main__") or "<locals>" in code.__qualname__:
        raise Declined(f"it holds the function {code.__qualname__} of {module}")
    if module.partition(".")[0] not in OUTSIDE_KEYS:
        references.add((module, code.__qualname__))


def is_found_by_name(code: Any) -> bool:
    """Return whether another process finds this class or function by module and name."""
    if getattr(code, "__module__", None) is None or "<locals>" in code.__qualname__:
        return False
    return classes.is_importable(code)


def _padded_array(value: Any) -> Any:
    if (value.dtype.names is None and value.dtype.char not in "gG") or value.dtype.hasobject:
        return None
    from zenconv.materializers import numpy

    return (
        "array",
        repr(value.dtype),
        value.shape,
        numpy.digest_of(value),
    )
