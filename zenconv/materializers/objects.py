"""Any other object, as a pickle under the trust rules: by reference where possible, else by value."""

from __future__ import annotations

import json
import mmap
import pickle
import sys
from collections.abc import Mapping
from typing import Any

from zenconv.errors import ArtifactError, CorruptArtifact, SaveError, ZenconvError
from zenconv.interfaces.materializing import Sink, Source
from zenconv.materializers import pickling
from zenconv.materializers.blaming import explain_failure
from zenconv.materializers.describing import type_name
from zenconv.materializers.saving import Declined

ALIGNMENT = 64
BYTECODE = "python-bytecode"
"""What stands before the version of Python in a reference: no module can have this name."""

_MAP_LIMIT = 1 << 16
_FAILURES = (pickle.PicklingError, TypeError, AttributeError, NotImplementedError, ValueError, ImportError)


class PickledByReference:
    """Stores an object whose classes and functions other processes find by their names.

    Files: the pickle; with big buffers also ``buffers``, all of them one after the other, and
    ``layout``, the list of their offsets and sizes.
    """

    id = "objects"
    version = 1
    types: tuple[str, ...] = ("builtins.object",)
    runs_code = True
    closed = False

    def accepts(self, value: Any) -> bool:
        """Return True: `save` declines what does not fit."""
        return True

    def save(self, value: Any, sink: Sink) -> None:
        """Write the pickle, after reading it back."""
        try:
            save_pickle(value, sink, pickling.ReferencePickler, pickling.ContentPickler)
        except _FAILURES as error:
            raise Declined(f"{type(error).__name__}: {error}") from error
        except (ZenconvError, OSError, RecursionError):
            raise
        except Exception as error:
            raise explain_failure(value, error, pickling.dump) from error

    def load(self, source: Source) -> Any:
        """Unpickle. The registry has made sure that this is allowed."""
        return load_pickle(source)

    def summarize(self, value: Any) -> Mapping[str, Any]:
        """Return the number of items, where there is one."""
        size = len(value) if hasattr(type(value), "__len__") else None
        return {} if size is None else {"len": size}


class PickledByValue(PickledByReference):
    """The last resort: cloudpickle, which stores the code of local classes and functions too.

    Beside the pickle it notes the Python that compiled the code, in the file ``python``: another
    one would crash on it.
    """

    id = "pickled"

    def save(self, value: Any, sink: Sink) -> None:
        """Write the pickle, after reading it back; `SaveError` names what cannot be pickled."""
        from zenconv.materializers.by_value import ByValueContentPickler, ByValuePickler

        try:
            save_pickle(value, sink, ByValuePickler, ByValueContentPickler)
        except RecursionError:
            raise
        except SaveError:
            raise
        except Exception as error:
            if isinstance(error.__context__, RecursionError) or "recursion" in str(error):
                raise RecursionError(str(error)) from error
            raise explain_failure(value, error, lambda part: pickling.dump(part, ByValuePickler)) from error
        sink.write(str(sys.implementation.cache_tag).encode(), "python")
        sink.add_reference(BYTECODE, str(sys.implementation.cache_tag))

    def load(self, source: Source) -> Any:
        """Unpickle what this Python compiled; `ArtifactError` for what another one did."""
        compiled_by = source.read("python").decode("ascii", "replace")
        if compiled_by != sys.implementation.cache_tag:
            raise ArtifactError(
                f"it holds code compiled by {compiled_by}, which {sys.implementation.cache_tag} cannot run",
                hint="run the step that made it again with this Python",
            )
        return load_pickle(source)


def save_pickle(value: Any, sink: Sink, pickler: Any, content_pickler: Any) -> None:
    """Pickle `value` with `pickler`, read it back to be sure, then write it."""
    data, buffers, references = pickling.dump(value, pickler)
    content = pickling.content_digest(value, content_pickler)
    _check_readable(value, data, buffers, content_pickler)
    sink.write(data)
    if buffers:
        _write_buffers(sink, buffers)
    for module, qualname in references:
        sink.add_reference(module, qualname)
    sink.set_content(content)


def load_pickle(source: Source) -> Any:
    """Unpickle the main file of `source`, with its buffers mapped privately."""
    buffers = _read_buffers(source) if "buffers" in source.names() else []
    importer = source.permission.importer  # type: ignore[attr-defined]
    return pickling.ImportingUnpickler(source.read(), buffers, importer).load()


def _check_readable(value: Any, data: bytes, buffers: list[memoryview], content_pickler: Any) -> None:
    name = type_name(value)
    try:
        again = pickle.loads(data, buffers=buffers)
    except Exception as error:
        raise SaveError(
            f"a {name} can be pickled but not unpickled: {type(error).__name__}: {error}",
            hint=f"give {name} a __reduce__ that returns all arguments of its __init__, or return plain data",
        ) from error
    if type(again) is not type(value) and type_name(again) != name:
        raise SaveError(
            f"a {name} comes back from its pickle as a {type_name(again)}",
            hint="return plain data: a list, a dictionary, an array or a table",
        )
    if _is_unequal(value, again) and not _has_same_state(value, again, content_pickler):
        raise SaveError(
            f"a {name} does not come back equal from its pickle",
            hint=f"let __getstate__ and __setstate__ of {name} keep all that __eq__ compares",
        )


def _is_unequal(value: Any, again: Any) -> bool:
    # Containers compare in exponential time where tuples share tuples, and have no state of their own.
    compare = getattr(type(value), "__eq__")  # noqa: B009  mypy compares the types
    if type(value).__module__ == "builtins" or compare is getattr(object, "__eq__"):  # noqa: B009
        return False
    try:
        return (value == again) is False
    except Exception:  # noqa: BLE001  a comparison that fails says nothing
        return False


def _has_same_state(value: Any, again: Any, content_pickler: Any) -> bool:
    # Equal attributes in an unequal object: a NaN, which equals nothing, not even itself.
    try:
        mine, other = (pickling.content_digest(vars(item), content_pickler) for item in (value, again))
    except Exception:  # noqa: BLE001  without attributes, or with some that the pickle rightly leaves out
        return True
    return mine == other


def _write_buffers(sink: Sink, buffers: list[memoryview]) -> None:
    layout: list[list[int]] = []
    position = 0
    with sink.open("buffers") as stream:
        for buffer in buffers:
            padding = -position % ALIGNMENT
            stream.write(bytes(padding))
            layout.append([position + padding, buffer.nbytes, int(buffer.readonly)])
            stream.write(buffer)
            position += padding + buffer.nbytes
    sink.write(json.dumps(layout).encode(), "layout")


def _read_buffers(source: Source) -> list[memoryview]:
    layout = json.loads(source.read("layout"))
    size = source.size("buffers")  # type: ignore[attr-defined]
    if size < _MAP_LIMIT:
        whole = memoryview(bytearray(source.read("buffers")))
    else:
        with source.path("buffers").open("rb") as stream:
            whole = memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_COPY))
    found = []
    for start, length, readonly in layout:
        if not 0 <= start <= start + length <= size:
            raise CorruptArtifact("the stored buffers are shorter than their layout says")
        piece = whole[start : start + length]
        found.append(piece.toreadonly() if readonly else piece)
    return found
