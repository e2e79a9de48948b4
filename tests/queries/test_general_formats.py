"""What any value is written as, and what a stored pickle is written as without being loaded."""

from __future__ import annotations

import io
import json
import pickle
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from zenconv.errors import CorruptArtifact, UsageError
from zenconv.materializers import pickling
from zenconv.queries.general_formats import find_writer
from zenconv.queries.joined_pickle import join_pickle
from zenconv.queries.plain_data import to_json


def written(value: Any, extension: str) -> bytes:
    write = find_writer(value, extension)
    assert write is not None
    stream = io.BytesIO()
    write(value, stream)
    return stream.getvalue()


@dataclass
class Settings:
    rate: float
    place: Path


def test_rows_are_written_one_a_line_however_they_come() -> None:
    rows = [{"a": 1}, {"a": "ü"}]
    assert written(rows, ".jsonl").decode() == '{"a": 1}\n{"a": "ü"}\n'
    assert written(iter(rows), ".jsonl") == written(rows, ".jsonl")
    assert json.loads(written(iter(rows), ".json")) == rows
    assert written(iter(rows), ".csv") == b"a\r\n1\r\n\xc3\xbc\r\n"
    assert written(rows, ".tsv") == b"a\r\n1\r\n\xc3\xbc\r\n"
    assert written([[1, "x y"]], ".tsv") == b"1\tx y\r\n"


def test_objects_become_dictionaries_of_their_fields() -> None:
    value = {"settings": [Settings(0.5, Path("a/b"))], "price": Decimal("1.10"), "id": UUID(int=1)}
    assert to_json(value) == {
        "settings": [{"rate": 0.5, "place": "a/b"}],
        "price": "1.10",
        "id": "00000000-0000-0000-0000-000000000001",
    }


def test_arrays_are_written_under_their_names() -> None:
    loaded = np.load(io.BytesIO(written({"a": np.arange(3), "b": [1.5]}, ".npz")))
    assert (loaded["a"].tolist(), loaded["b"].tolist()) == ([0, 1, 2], [1.5])
    assert np.load(io.BytesIO(written(np.eye(2), ".npz")))["arr_0"].tolist() == [[1, 0], [0, 1]]
    with pytest.raises(UsageError, match="no array of numbers"):
        written({"a": "text"}, ".npz")


def test_tables_are_written_with_an_index_that_says_something() -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = pandas.DataFrame({"a": [1, 2]}, index=pandas.Index(["x", "y"], name="key"))
    assert list(pandas.read_feather(io.BytesIO(written(frame, ".feather")))) == ["key", "a"]
    assert written(frame, ".jsonl") == b'{"key": "x", "a": 1}\n{"key": "y", "a": 2}\n'


def test_values_are_pickled_and_what_cannot_be_is_told() -> None:
    assert pickle.loads(written({1, 2}, ".pkl")) == {1, 2}
    with pytest.raises(UsageError, match="a function cannot be pickled"):
        written(lambda: 1, ".joblib")


def test_tensors_are_written_as_their_libraries_read_them() -> None:
    torch = pytest.importorskip("torch")
    layer = torch.nn.Linear(2, 1)
    state = torch.load(io.BytesIO(written(layer.state_dict(), ".pt")))
    assert torch.equal(state["weight"], layer.weight)
    safetensors = pytest.importorskip("safetensors.torch")
    assert torch.equal(safetensors.load(written(layer, ".safetensors"))["bias"], layer.bias)
    with pytest.raises(UsageError, match=r"a list cannot be written as \.safetensors"):
        written([1], ".safetensors")


def stored(value: Any) -> dict[str, bytes]:
    """Return the files of a stored pickle, as `zenconv.materializers.objects` writes them."""
    data, buffers, _ = pickling.dump(value)
    layout, content = [], b""
    for buffer in buffers:
        layout.append([len(content), buffer.nbytes, int(buffer.readonly)])
        content += bytes(buffer)
    return {"": data, "buffers": content, "layout": json.dumps(layout).encode() if buffers else b""}


def test_a_pickle_with_buffers_beside_it_is_written_as_one_without_being_loaded() -> None:
    read_only = np.arange(2000)
    read_only.flags.writeable = False
    value = {"a": np.arange(1000.0), "b": [np.zeros((30, 50), order="F"), "text"], "c": read_only}
    files = stored(value)
    assert len(json.loads(files["layout"])) == 3
    again = pickle.loads(b"".join(join_pickle(files.__getitem__)))
    assert again["a"].tolist() == value["a"].tolist()
    assert again["b"][0].flags.f_contiguous
    assert again["c"].tolist() == read_only.tolist()
    assert again["a"].flags.writeable
    assert not again["c"].flags.writeable


def test_a_pickle_without_buffers_is_written_as_it_is() -> None:
    files = stored([1, 2])
    assert list(join_pickle(files.__getitem__)) == [files[""]]


@pytest.mark.parametrize("file", ["", "buffers", "layout"])
def test_a_damaged_pickle_is_an_error(file: str) -> None:
    files = stored(np.arange(1000.0))
    files[file] = files[file][: len(files[file]) // 2]
    with pytest.raises(CorruptArtifact):
        list(join_pickle(files.__getitem__))
