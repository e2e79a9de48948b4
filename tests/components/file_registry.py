"""A model registry on files: small, and right; what the suite of model registries is tried on."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import attrs

from tests.components.file_log import append_line, flip_byte, read_lines
from zenconv import hashing
from zenconv.errors import CorruptArtifact, NotRecorded
from zenconv.interfaces.registering import OpenFile
from zenconv.locks import FileLock
from zenconv.records.artifact import StoredFile
from zenconv.records.model_version import ModelVersion, Promotion, check_alias, check_model_name


class FileRegistry:
    """One log for each model, and the bytes of their files by digest."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)

    def register(self, version: ModelVersion, open_file: OpenFile) -> ModelVersion:
        check_model_name(version.name)
        for file in version.artifact.files:
            if file.inline is None:
                self.keep(file, open_file)
        with FileLock(self.folder / "lock"):
            versions = self.versions(version.name)
            for earlier in versions:
                if self.is_same(earlier, version):
                    return earlier
            numbered = attrs.evolve(version, number=self.next_number(versions))
            append_line(self.log(version.name), ["version", numbered.to_json()])
        return numbered

    def is_same(self, earlier: ModelVersion, version: ModelVersion) -> bool:
        return earlier.content == version.content

    def next_number(self, versions: Sequence[ModelVersion]) -> int:
        return versions[0].number + 1 if versions else 1

    def keep(self, file: StoredFile, open_file: OpenFile) -> None:
        if self.blob(file).exists():
            return
        self.blob(file).parent.mkdir(parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(dir=self.blob(file).parent)
        try:
            with open(descriptor, "wb") as target, open_file(file.digest) as source:
                self.copy(source, target)
            os.replace(draft, self.blob(file))
        except BaseException:
            os.unlink(draft)
            raise

    def copy(self, source: IO[bytes], target: IO[bytes]) -> None:
        shutil.copyfileobj(source, target, 1 << 20)

    def models(self) -> Sequence[str]:
        logs = self.folder.glob("*.log")
        return sorted({kind[1]["name"] for log in logs for kind in read_lines(log)})

    def versions(self, name: str) -> Sequence[ModelVersion]:
        lines = read_lines(self.log(check_model_name(name)))
        return [ModelVersion.from_json(data) for kind, data in reversed(lines) if kind == "version"]

    def get(self, name: str, version: int | str) -> ModelVersion | None:
        check_model_name(name)
        if isinstance(version, str):
            promotion = self.find_promotion(name, check_alias(version))
            version = promotion.number if promotion else 0
        return next((found for found in self.versions(name) if found.number == version), None)

    def open(self, version: ModelVersion, file: str = "") -> IO[bytes]:
        for stored in version.artifact.files:
            if stored.name == file:
                if stored.inline is not None:
                    return io.BytesIO(stored.inline)
                if self.blob(stored).exists():
                    return open(self.blob(stored), "rb")
        raise CorruptArtifact(f"{version.name} {version.number}: the file {file!r} is missing")

    def promote(self, promotion: Promotion) -> Promotion | None:
        check_alias(promotion.alias)
        with FileLock(self.folder / "lock"):
            if promotion.number:
                version = self.get(promotion.name, promotion.number)
                if version is None or version.content != promotion.content:
                    raise NotRecorded(f"{promotion.name} has no version {promotion.number} with that content")
            now = self.find_promotion(promotion.name, promotion.alias)
            number = now.number if now else 0
            if number == promotion.number or promotion.replaces not in (None, number):
                return now
            append_line(self.log(promotion.name), ["promotion", promotion.to_json()])
        return promotion if promotion.number else None

    def find_promotion(self, name: str, alias: str) -> Promotion | None:
        last = next((p for p in self.promotions(name) if p.alias == alias), None)
        return last if last and last.number else None

    def promotions(self, name: str) -> Sequence[Promotion]:
        lines = read_lines(self.log(check_model_name(name)))
        return [Promotion.from_json(data) for kind, data in reversed(lines) if kind == "promotion"]

    def close(self) -> None:
        pass

    def log(self, name: str) -> Path:
        return self.folder / f"{hashing.digest_texts('model', [name])[3:]}.log"

    def blob(self, file: StoredFile) -> Path:
        return self.folder / "files" / file.digest[3:]


def damage_record(registry: Any, version: ModelVersion) -> None:
    flip_byte(registry.log(version.name), b'"number": %d' % version.number)


def lose_file(registry: Any, version: ModelVersion, file: str) -> None:
    next(registry.blob(stored) for stored in version.artifact.files if stored.name == file).unlink()
