"""Files and folders that a step returns as ``Path``: stored as content, handed out as private copies."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zenconv.errors import CorruptArtifact, SaveError
from zenconv.interfaces.materializing import Sink, Source
from zenconv.materializers.decoding import Decoder
from zenconv.materializers.encoders import exists
from zenconv.materializers.encoding import Encoder, dumps

_FILE, _PROGRAM, _FOLDER = "file", "program", "folder"


class FilesAndFolders:
    """Stores what a path names: one file, or a folder as the list of all that is in it.

    Kept are names, bytes, empty folders and whether a file is executable. Links are refused:
    what they point to may lie anywhere.
    """

    id = "paths"
    version = 1
    types = ("pathlib.PosixPath", "pathlib.WindowsPath")

    def accepts(self, value: Any) -> bool:
        """Return whether something exists there; else a path is a plain value."""
        return type(value) is type(Path()) and exists(value)

    def save(self, value: Path, sink: Sink) -> None:
        """Write a list of entries, and each file."""
        _check_own(value)
        entries = []
        for number, (relative, path) in enumerate(_walk(value)):
            kind = _kind_of(path, value)
            if kind != _FOLDER:
                sink.add_file(path, f"f{number}")
            entries.append([relative, kind])
        name = value.name or value.resolve().name or "folder"
        sink.write(dumps(Encoder().encode({"name": name, "entries": entries})))

    def load(self, source: Source) -> Any:
        """Return the path of a private copy with the same name."""
        listing = Decoder().decode(json.loads(source.read()))
        _check_part(listing["name"])
        entries = [(_check_relative(relative), kind) for relative, kind in listing["entries"]]
        target = source.private_directory() / listing["name"]
        for number, (relative, kind) in enumerate(entries):
            place = target / relative if relative else target
            if kind == _FOLDER:
                place.mkdir()
            else:
                shutil.copyfile(source.path(f"f{number}"), place)
                place.chmod(0o755 if kind == _PROGRAM else 0o644)
        return target

    def summarize(self, value: Path) -> Mapping[str, Any]:
        """Return the size of a file, or how many files are at the top of a folder."""
        if value.is_dir():
            return {"folder": value.name, "entries": len(os.listdir(value))}
        return {"file": value.name, "bytes": value.stat().st_size}


def _check_own(top: Path) -> None:
    """Raise `SaveError` for a folder around what nobody means to copy: the project, a home folder."""
    here = top.resolve()
    others = {
        "this project": Path.cwd(),
        "a home folder": Path.home(),
        "everybody's temporary files": _temporary(),
    }
    for what, place in others.items():
        if here == place.resolve() or here in place.resolve().parents:
            raise SaveError(
                f"cannot store {str(top)!r}: all that is in it would be copied, {what} with it",
                hint="return a folder of its own; to name one without storing it, return its path as a str",
            )


def _temporary() -> Path:
    import tempfile

    return Path(tempfile.gettempdir())


def _walk(top: Path) -> list[tuple[str, Path]]:
    found = [("", top)]
    pending = [("", top)]
    while pending:
        relative, path = pending.pop()
        if not stat.S_ISDIR(path.lstat().st_mode):
            continue
        for name in sorted(os.listdir(path)):
            below = f"{relative}/{name}" if relative else name
            found.append((below, path / name))
            pending.append(found[-1])
    return sorted(found, key=lambda entry: entry[0].split("/"))


def _kind_of(path: Path, top: Path) -> str:
    mode = path.lstat().st_mode
    if stat.S_ISDIR(mode):
        return _FOLDER
    if stat.S_ISREG(mode):
        return _PROGRAM if mode & stat.S_IXUSR else _FILE
    if stat.S_ISLNK(mode):
        raise SaveError(
            f"cannot store {str(top)!r}: {str(path)!r} is a link to {os.readlink(path)!r}",
            hint="return the path it points to (path.resolve()), or copy the file instead of linking it",
        )
    raise SaveError(
        f"cannot store {str(top)!r}: {str(path)!r} is neither a file nor a folder",
        hint="return a folder that holds only files and folders",
    )


def _check_relative(relative: Any) -> str:
    if type(relative) is not str:
        raise CorruptArtifact(f"the stored folder lists {relative!r}")
    for part in relative.split("/") if relative else ():
        _check_part(part)
    return relative


def _check_part(part: Any) -> None:
    forbidden = ("/", "\0", "\\", ":") if os.name == "nt" else ("/", "\0")
    if type(part) is not str or part in ("", ".", "..") or any(mark in part for mark in forbidden):
        raise CorruptArtifact(f"the stored folder lists the name {part!r}, which would leave it")
