"""Programs that PyTorch compiles, scripted, traced or exported: as the archive that it writes itself."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from typing import Any

import torch

from zenconv import hashing
from zenconv.interfaces.materializing import Sink, Source

_SCRIPTED = ("RecursiveScriptModule", "TopLevelTracedModule")
_MANGLED = re.compile(rb"[./]___torch_mangle_\d+")
"""What tells types of one name apart; counted up in each process."""
_CONSTANTS = re.compile(rb"(?m)(?:^ +\w+ : Final\[.*\n)+")
"""They stand in the order of a set."""
_PASSING = (".debug_pkl", "/.data/serialization_id")
"""Files that say where the code once stood, and a number that differs each time."""


class Programs:
    """Stores TorchScript modules and exported programs; they come back on the CPU.

    A traced module comes back as a scripted one, as from PyTorch's own files.
    """

    id = "torch-programs"
    version = 1
    types = ("torch.jit._script.ScriptModule", "torch.export.exported_program.ExportedProgram")
    runs_code = True

    def accepts(self, value: Any) -> bool:
        """Return whether it is of a class of PyTorch itself."""
        return is_program(value)

    def save(self, value: Any, sink: Sink) -> None:
        """Write the archive."""
        archive = _archive(value)
        sink.write(archive)
        sink.set_content(hashing.digest_texts("zenconv.torch-programs.1", _content(archive)))

    def load(self, source: Source) -> Any:
        """Return a new program."""
        return load_program(source.read())

    def summarize(self, value: Any) -> Mapping[str, Any]:
        """Return nothing: what counts is in the code."""
        return {}


def is_program(value: Any) -> bool:
    """Return whether `value` is compiled, and of a class of PyTorch itself."""
    cls = type(value)
    if cls.__module__.startswith("torch.jit."):
        return cls.__name__ in _SCRIPTED
    return cls.__module__ == "torch.export.exported_program" and cls.__name__ == "ExportedProgram"


def reduce_program(program: Any, _storages: dict[int, Any]) -> Any:
    """Return how to pickle a program that is part of an object: PyTorch refuses to."""
    return load_program, (_archive(program),)


def reduce_for_content(value: Any) -> Any:
    """Return how to hash the same: by its archive, without what differs between processes."""
    return (load_program, tuple(_content(_archive(value)))) if is_program(value) else NotImplemented


def load_program(archive: bytes) -> Any:
    """Return the program in an archive."""
    if _is_exported(archive):
        return torch.export.load(io.BytesIO(archive))
    load: Any = torch.jit.load
    return load(io.BytesIO(archive), map_location="cpu")


def _archive(program: Any) -> bytes:
    stream = io.BytesIO()
    if isinstance(program, torch.jit.ScriptModule):
        torch.jit.save(program, stream)
    else:
        torch.export.save(program, stream)
    return stream.getvalue()


def _is_exported(archive: bytes) -> bool:
    with zipfile.ZipFile(io.BytesIO(archive)) as content:
        return any(name.endswith("/archive_format") for name in content.namelist())


def _content(archive: bytes) -> list[str]:
    texts: list[str] = []
    with zipfile.ZipFile(io.BytesIO(archive)) as content:
        for name in content.namelist():
            if not name.endswith(_PASSING):
                data = _MANGLED.sub(b"", content.read(name))
                if name.endswith(".py"):
                    data = _CONSTANTS.sub(_in_order, data)
                texts += (_MANGLED.sub(b"", name.encode()).decode(), hashing.digest_bytes(data))
    return texts


def _in_order(found: re.Match[bytes]) -> bytes:
    return b"".join(sorted(found[0].splitlines(keepends=True)))
