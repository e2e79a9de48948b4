"""Nothing is believed: bytes are verified, records are checked, code runs only when it may."""

from __future__ import annotations

import os
import pickle
import sys
from typing import Any

import attrs
import numpy as np
import pandas as pd
import pytest

from zenconv import hashing
from zenconv.errors import ArtifactError, CorruptArtifact, UnknownComponent, UntrustedArtifact
from zenconv.records.artifact import Artifact, StoredFile

from . import step_values as sv

VALUES = {
    "json": [1, "a"] * 1000,
    "array": np.arange(50_000),
    "small array": np.arange(3),
    "frame": pd.DataFrame({"a": np.arange(20_000), "b": ["x"] * 20_000}),
    "pickle": sv.Model(weights=np.arange(50_000)),
    "parts": {"a": np.arange(20_000), "b": [1]},
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES.keys())
def test_a_flipped_bit_in_any_file_is_found(shelf: Any, value: Any) -> None:
    artifact = shelf.save(value)
    for number, file in enumerate(artifact.files):
        for position in {0, file.size // 2, file.size - 1}:
            with pytest.raises(CorruptArtifact) as error:
                shelf.load(_with_flipped_bit(shelf, artifact, number, position))
            assert error.value.digest == file.digest
            _mend(shelf, file, position)
    shelf.load(artifact)


@pytest.mark.parametrize("change", [b"", b"x"], ids=["shorter", "longer"])
def test_a_file_of_another_length_is_found(shelf: Any, change: bytes) -> None:
    artifact = shelf.save(np.arange(50_000))
    path = shelf.store.local_path(artifact.files[0].digest)
    data = path.read_bytes()
    path.write_bytes(data + change if change else data[:-1])
    with pytest.raises(CorruptArtifact):
        shelf.load(artifact)


def test_a_missing_file_is_a_corrupt_artifact(shelf: Any) -> None:
    artifact = shelf.save(np.arange(50_000))
    shelf.store.quarantine(artifact.files[0].digest)
    with pytest.raises(CorruptArtifact) as error:
        shelf.load(artifact)
    assert error.value.digest == artifact.files[0].digest


class Planted:
    def __reduce__(self) -> Any:
        return os.system, ("echo planted",)


def _file(data: bytes, name: str = "") -> StoredFile:
    return StoredFile(name, hashing.digest_bytes(data), len(data), data)


def _watch() -> list[str]:
    seen: list[str] = []
    sys.addaudithook(
        lambda event, args: seen.append(event) if event in ("os.system", "pickle.find_class") else None
    )
    return seen


def test_a_planted_pickle_is_not_executed(shelf: Any) -> None:
    data = pickle.dumps(Planted())
    seen = _watch()
    honest = Artifact("b3:" + "0" * 64, "objects/1", "x", (_file(data),), runs_code=True)
    for kind in ("objects/1", "pickled/1", "sklearn/1"):
        with pytest.raises(UntrustedArtifact, match="would run code"):
            shelf.load(attrs.evolve(honest, materializer=kind), allowed=False)
        for allowed in (False, True):  # the record claims that no trust is needed
            with pytest.raises(UntrustedArtifact, match="its record does not say so"):
                shelf.load(attrs.evolve(honest, materializer=kind, runs_code=False), allowed=allowed)
    assert seen == []


def test_a_planted_pickle_in_a_part_is_not_executed(shelf: Any) -> None:
    files = (_file(b'{"$part":0}'), _file(b'["objects/1"]', "@"), _file(pickle.dumps(Planted()), "@0/"))
    seen = _watch()
    for allowed in (False, True):
        with pytest.raises(UntrustedArtifact):
            shelf.load(Artifact("b3:" + "0" * 64, "json/1", "x", files), allowed=allowed)
    assert seen == []


def test_an_array_of_objects_is_refused(shelf: Any) -> None:
    import io

    stream = io.BytesIO()
    np.save(stream, np.array([Planted()], object), allow_pickle=True)
    seen = _watch()
    with pytest.raises(CorruptArtifact, match="objects"):
        shelf.load(Artifact("b3:" + "0" * 64, "numpy/1", "x", (_file(stream.getvalue()),)))
    assert seen == []


@pytest.mark.parametrize("tag", ["$object", "$enum", "$flag", "$namedtuple"])
def test_a_class_is_resolved_only_if_the_record_declares_it(shelf: Any, tag: str) -> None:
    data = f'{{"{tag}":["os:system",[]]}}'.encode()
    artifact = Artifact("b3:" + "0" * 64, "json/1", "x", (_file(data),))
    with pytest.raises(UntrustedArtifact, match="does not declare"):
        shelf.load(artifact, allowed=True)


def test_a_dataclass_needs_trust_to_be_resolved(shelf: Any) -> None:
    artifact = shelf.save(sv.Settings(1.0))
    assert artifact.refers == (f"{sv.__name__}:Settings",)
    assert not artifact.runs_code
    with pytest.raises(UntrustedArtifact):
        shelf.load(artifact, allowed=False)


def test_a_class_that_is_gone_is_named(shelf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = shelf.save(sv.Settings(1.0))
    monkeypatch.delattr(sv, "Settings")
    with pytest.raises(ArtifactError, match=r"step_values.Settings, which is not there any more(?s:.*)hint"):
        shelf.load(artifact)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/b", "@x", "@1", "@0/../x", "A", "x\n"])
def test_a_record_with_hostile_file_names_is_refused(shelf: Any, name: str) -> None:
    with pytest.raises(CorruptArtifact, match="has a file named"):
        shelf.load(Artifact("b3:" + "0" * 64, "json/1", "x", (_file(b"1"), _file(b"1", name))))


@pytest.mark.parametrize("digest", ["../../etc/passwd", "b3:zz", ""])
def test_a_record_with_a_hostile_digest_is_refused(shelf: Any, digest: str) -> None:
    with pytest.raises(CorruptArtifact, match="malformed digest"):
        shelf.load(Artifact("b3:" + "0" * 64, "json/1", "x", (StoredFile("", digest, 1),)))


def test_an_unknown_materializer_or_newer_format_is_said(shelf: Any) -> None:
    artifact = shelf.save(1)
    with pytest.raises(
        UnknownComponent, match=r"'jso', which no installed plugin provides(?s:.*)did you mean 'json'"
    ):
        shelf.load(attrs.evolve(artifact, materializer="jso/1"))
    with pytest.raises(ArtifactError, match="reads up to 'json/1'"):
        shelf.load(attrs.evolve(artifact, materializer="json/2"))


@pytest.mark.parametrize(
    "text", [b"", b"[" * 5000, b'{"$nope":1}', b'{"$part":5}', b'{"$part":"x"}', b'{"$date":1}', b"\xff"]
)
def test_malformed_json_is_an_artifact_error(shelf: Any, text: bytes) -> None:
    with pytest.raises(ArtifactError):
        shelf.load(Artifact("b3:" + "0" * 64, "json/1", "x", (_file(text),)))


def _with_flipped_bit(shelf: Any, artifact: Artifact, number: int, position: int) -> Artifact:
    file = artifact.files[number]
    if file.inline is None:
        _mend(shelf, file, position)
        return artifact
    data = bytearray(file.inline)
    data[position] ^= 1
    files = list(artifact.files)
    files[number] = attrs.evolve(file, inline=bytes(data))
    return attrs.evolve(artifact, files=tuple(files))


def _mend(shelf: Any, file: StoredFile, position: int) -> None:
    if file.inline is None:
        path = shelf.store.folder / file.digest[3:]
        data = bytearray(path.read_bytes())
        data[position] ^= 1
        path.write_bytes(data)
