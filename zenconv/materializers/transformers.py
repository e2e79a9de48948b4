"""Tokenizers of `transformers`, as the folder that ``save_pretrained`` writes."""

from __future__ import annotations

import copyreg
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import transformers

from zenconv.errors import CorruptArtifact
from zenconv.interfaces.materializing import Sink, Source
from zenconv.materializers.reducing import set_attributes
from zenconv.materializers.saving import Declined
from zenconv.materializers.values import load_description, save_encoded

_ORIGIN = ("name_or_path", "is_local", "local_files_only")
"""What the library notes of where a tokenizer was read, which here is a folder of the moment."""


class PretrainedTokenizers:
    """Stores tokenizers of the library's own classes; nothing is ever downloaded for one."""

    id = "transformers"
    version = 1
    types = ("transformers.tokenization_utils_base.PreTrainedTokenizerBase",)

    def accepts(self, value: Any) -> bool:
        """Return whether `transformers` offers its class by name."""
        return _class_of(type(value).__name__) is type(value)

    def save(self, value: Any, sink: Sink) -> None:
        """Write the files; `Declined` if they do not bring the tokenizer back."""
        with tempfile.TemporaryDirectory(prefix="zenconv-") as folder:
            value.save_pretrained(folder)
            files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
            names = [path.relative_to(folder).as_posix() for path in files]
            _check(value, folder)
            origin = {name: value.init_kwargs[name] for name in _ORIGIN if name in value.init_kwargs}
            save_encoded({"class": type(value).__name__, "files": names, "origin": origin}, sink)
            for number, path in enumerate(files):
                sink.add_file(path, f"f{number}")

    def load(self, source: Source) -> Any:
        """Return a new tokenizer."""
        description = load_description(source)
        cls = _class_of(description["class"])
        if cls is None:
            raise CorruptArtifact(f"transformers has no tokenizer {description['class']!r}")
        with tempfile.TemporaryDirectory(prefix="zenconv-") as folder:
            for number, name in enumerate(description["files"]):
                _write(Path(folder), name, source.read(f"f{number}"))
            made = cls.from_pretrained(folder, local_files_only=True)
        for name in _ORIGIN:
            made.init_kwargs.pop(name, None)
        made.init_kwargs.update(description["origin"])
        made.name_or_path = str(description["origin"].get("name_or_path", ""))
        return made

    def summarize(self, value: Any) -> Mapping[str, Any]:
        """Return the size of the vocabulary."""
        return {"vocabulary": len(value)}


def reduce_encoding(encoding: Any, _storages: dict[int, Any]) -> Any:
    """Return how to pickle what a tokenizer gives: its own way forgets the number of sequences."""
    arguments = (type(encoding),)
    return copyreg.__newobj__, arguments, dict(vars(encoding)), None, None, set_attributes  # type: ignore[attr-defined]


def _class_of(name: Any) -> Any:
    found = getattr(transformers, name, None) if type(name) is str else None
    base = transformers.PreTrainedTokenizerBase
    return found if isinstance(found, type) and issubclass(found, base) else None


def _check(value: Any, folder: str) -> None:
    again = type(value).from_pretrained(folder, local_files_only=True)
    if again.get_vocab() != value.get_vocab() or again.special_tokens_map != value.special_tokens_map:
        raise Declined("its files do not bring it back")


def _write(folder: Path, name: str, data: bytes) -> None:
    parts = name.split("/")
    if any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts):
        raise CorruptArtifact(f"the stored tokenizer has a file named {name!r}")
    path = folder.joinpath(*parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
