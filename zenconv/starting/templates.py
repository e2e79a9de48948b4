"""The templates of ``zenconv init``: folders beside this file, copied and never written over anything.

Every file of a template ends with ``.txt``, which is left off in the project: what lies here is
data, no module of this package, whatever tools think of ``.py`` and ``.toml``.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs

from zenconv.errors import SettingsError, StoreError, UsageError, did_you_mean
from zenconv.frozen import Frozen
from zenconv.settings.document import OWN_FILE, PYPROJECT, read_document

_FOLDER = Path(__file__).with_name("templates")
_SUFFIX = ".txt"


@attrs.frozen(eq=False, repr=False)
class Template(Frozen):
    """One way to begin. `needs` maps modules that its steps import to the distributions to install."""

    name: str
    description: str
    needs: Mapping[str, str] = attrs.field(factory=dict)

    def files(self) -> dict[str, bytes]:
        """Return the content of every file by its path in the project, POSIX, sorted."""
        folder = _FOLDER / self.name
        found = sorted(path for path in folder.rglob(f"*{_SUFFIX}") if path.is_file())
        return {
            path.relative_to(folder).as_posix().removesuffix(_SUFFIX): path.read_bytes() for path in found
        }

    def missing(self) -> list[str]:
        """Return the distributions that its steps need and that are not installed; imports nothing."""
        return [name for module, name in self.needs.items() if importlib.util.find_spec(module) is None]


TEMPLATES: tuple[Template, ...] = (
    Template("minimal", "one pipeline in plain Python: a table, a split, a fit, its error"),
    Template(
        "sklearn",
        "training and scoring with scikit-learn; both share one step",
        {"sklearn": "scikit-learn", "pandas": "pandas", "pyarrow": "pyarrow"},
    ),
    Template("torch", "a small PyTorch network, its training and its accuracy", {"torch": "torch"}),
)
"""The first is the default."""


def find_template(name: str) -> Template:
    """Return the template called `name`. `UsageError`."""
    for template in TEMPLATES:
        if template.name == name:
            return template
    similar = did_you_mean(name, [template.name for template in TEMPLATES])
    raise UsageError(f"there is no template {name!r}", hint=f"{similar} `zenconv init --list` describes them")


def write_files(folder: Path, files: Mapping[str, bytes]) -> list[str]:
    """Write what is not there yet, and return the paths written.

    A file that is there with the very same content is left alone, so an interrupted call can be
    repeated.

    Raises
    ------
    UsageError
        Some are there with another content: all of them are named, and nothing is written.
    StoreError
        The folder cannot be written. What this call had written is gone again.
    """
    taken = sorted(name for name, data in files.items() if not _is_free(folder / name, data))
    if OWN_FILE in files and has_own_table(folder / PYPROJECT):
        taken.append(f"{PYPROJECT} with a table [tool.zenconv] (in place of {OWN_FILE})")
    if taken:
        raise UsageError(
            f"nothing written, as {_these(taken)} already in {os.fspath(folder)!r}: {', '.join(taken)}",
            hint="name another folder, or move what is there: no file is ever overwritten",
        )
    written: list[str] = []
    try:
        for name, data in files.items():
            if _write_new(folder / name, data):
                written.append(name)
    except OSError as error:
        for name in written:
            (folder / name).unlink(missing_ok=True)
        raise StoreError(
            f"cannot write {error.filename or folder}: {error.strerror or error}",
            hint="name a folder that can be written",
        ) from error
    return written


def has_own_table(path: Path) -> bool:
    """Return whether this pyproject.toml has settings of zenconv; a broken one might."""
    try:
        return path.is_file() and b"zenconv" in path.read_bytes() and read_document(path, PYPROJECT).has_table
    except (OSError, SettingsError):
        return True


def _these(names: Iterable[str]) -> str:
    return "these files are" if len(list(names)) > 1 else "this file is"


def _is_free(path: Path, data: bytes) -> bool:
    """Return whether `data` may be written to `path`, or stands there already."""
    if not os.path.lexists(path):
        return True
    try:
        return path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data
    except OSError:
        return False


def _write_new(path: Path, data: bytes) -> bool:
    """Write a file that is not there; return False, having done nothing, if it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(path, "xb") as stream:
            stream.write(data)
    except FileExistsError:
        return False
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return True
