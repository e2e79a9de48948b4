"""Values from files that people name on the command line: the extension and the annotation say how."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_origin

from zenconv.errors import UsageError, ZenconvError
from zenconv.project.annotations import realize
from zenconv.project.compatibility import is_compatible
from zenconv.settings.convert import convert
from zenconv.settings.text import Text


def read_value(path: Path, expected: Sequence[Any]) -> Any:
    """Return the value that the file at `path` holds.

    Parameters
    ----------
    expected
        Annotations that the value has to fit. The first says what the file is read as: ``Path``
        is the file itself, ``bytes`` its content.

    Raises
    ------
    UsageError
        The file cannot be read, or its value does not fit.
    """
    kinds = [realize(annotation) for annotation in expected]
    kind = kinds[0] if kinds else None
    try:
        value = _read(path, kind)
    except ZenconvError:
        raise
    except OSError as error:
        raise UsageError(f"cannot read {path.name}: {error.strerror or error}") from error
    except Exception as error:
        raise UsageError(f"cannot read {path.name}: {type(error).__name__}: {error}") from error
    for annotation in kinds:
        if not fits(type(value), annotation):
            raise UsageError(
                f"{path.name} holds a {type(value).__qualname__}, which does not fit {show_type(annotation)}"
            )
    return value


def fits(kind: type | None, annotation: Any) -> bool:
    """Return whether values of the class `kind` may fit `annotation`: no only where that is certain."""
    return kind is None or is_compatible(kind, realize(annotation))


def find_class(name: str) -> type | None:
    """Return the class of a dotted name, if its module is imported already."""
    parts = name.split(".") if "." in name else ["builtins", name]
    for length in range(len(parts) - 1, 0, -1):
        found: Any = sys.modules.get(".".join(parts[:length]))
        if found is not None:
            for part in parts[length:]:
                found = getattr(found, part, None)
            return found if isinstance(found, type) else None
    return None


def show_type(annotation: Any) -> str:
    """Return an annotation as people write it."""
    return annotation.__qualname__ if isinstance(annotation, type) else str(annotation)


def _read(path: Path, kind: Any) -> Any:
    wanted = get_origin(kind) or kind
    if isinstance(wanted, type) and issubclass(wanted, os.PathLike):
        return path
    if wanted is bytes:
        return path.read_bytes()
    if path.is_dir():
        raise UsageError(f"{path.name} is a folder, and the step returns {show_type(kind)}")
    read = _READERS.get(path.suffix.lower())
    if read is None:
        known = " ".join(_READERS)
        raise UsageError(
            f"{path.name}: a value cannot be read from such a file; what can: {known}",
            hint="a pickle is never loaded: its bytes could run code" if _is_pickle(path) else "",
        )
    return read(path, kind)


def _is_pickle(path: Path) -> bool:
    return path.suffix.lower() in (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".npz")


def _read_json(path: Path, kind: Any) -> Any:
    value = json.loads(path.read_text("utf-8"))
    return value if kind is None or _library(kind) else convert(value, kind, base=path.parent)


def _read_text(path: Path, kind: Any) -> Any:
    text = path.read_text("utf-8")
    if kind is None or kind is str:
        return text
    return convert(Text(text.strip()), kind, base=path.parent)


def _read_csv(path: Path, kind: Any) -> Any:
    if _library(kind) == "polars":
        import polars

        return polars.read_csv(path)
    import pandas

    return pandas.read_csv(path)


def _read_parquet(path: Path, kind: Any) -> Any:
    if _library(kind) == "polars":
        import polars

        return polars.read_parquet(path)
    if _library(kind) == "pyarrow":
        import pyarrow.parquet

        return pyarrow.parquet.read_table(path)
    import pandas

    return pandas.read_parquet(path)


def _read_npy(path: Path, _kind: Any) -> Any:
    import numpy

    return numpy.load(path, allow_pickle=False)


def _library(kind: Any) -> str:
    """Return the name of the library that a class comes from, ``""`` for Python's own."""
    module = getattr(get_origin(kind) or kind, "__module__", "") or ""
    name = module.partition(".")[0]
    return name if name in ("pandas", "polars", "pyarrow", "numpy") else ""


_READERS: dict[str, Callable[[Path, Any], Any]] = {
    ".csv": _read_csv,
    ".json": _read_json,
    ".npy": _read_npy,
    ".parquet": _read_parquet,
    ".txt": _read_text,
}
