"""Values of libraries are written to files as those libraries do it."""

from __future__ import annotations

import importlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zenconv.errors import UsageError
from zenconv.queries.own_formats import _FORMATS, extensions_of, find_own_writer

FEATURES = np.random.default_rng(0).random((60, 2))
LABELS = (FEATURES[:, 0] > 0.5).astype(int)


def _figure(matplotlib: Any) -> Any:
    return importlib.import_module("matplotlib.figure").Figure()


def _tokenizer() -> Any:
    tokenizers = pytest.importorskip("tokenizers")
    return tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0, "?": 1}, unk_token="?"))


VALUES: dict[str, Callable[[Any], Any]] = {
    "PIL.Image.Image": lambda PIL: importlib.import_module("PIL.Image").new("RGB", (3, 2)),
    "catboost.core.CatBoost": lambda catboost: catboost.CatBoostClassifier(
        iterations=1, verbose=0, allow_writing_files=False
    ).fit(FEATURES, LABELS),
    "datasets.arrow_dataset.Dataset": lambda datasets: datasets.Dataset.from_dict({"a": [1, 2]}),
    "lightgbm.basic.Booster": lambda lightgbm: lightgbm.train(
        {"verbose": -1}, lightgbm.Dataset(FEATURES, LABELS), 1
    ),
    "lightgbm.sklearn.LGBMModel": lambda lightgbm: lightgbm.LGBMClassifier(n_estimators=1, verbose=-1).fit(
        FEATURES, LABELS
    ),
    "matplotlib.figure.Figure": _figure,
    "plotly.basedatatypes.BaseFigure": lambda plotly: importlib.import_module(
        "plotly.graph_objects"
    ).Figure(),
    "polars.dataframe.frame.DataFrame": lambda polars: polars.DataFrame({"a": [1, 2]}),
    "polars.lazyframe.frame.LazyFrame": lambda polars: polars.LazyFrame({"a": [1, 2]}),
    "polars.series.series.Series": lambda polars: polars.Series("a", [1, 2]),
    "pyarrow.lib.RecordBatch": lambda pyarrow: pyarrow.record_batch({"a": [1, 2]}),
    "pyarrow.lib.Table": lambda pyarrow: pyarrow.table({"a": [1, 2]}),
    "scipy.sparse._base._spbase": lambda scipy: importlib.import_module("scipy.sparse").eye(3).tocsr(),
    "tokenizers.Tokenizer": lambda tokenizers: _tokenizer(),
    "torch.export.exported_program.ExportedProgram": lambda torch: torch.export.export(
        torch.nn.Linear(1, 1), (torch.ones(1),)
    ),
    "torch.jit._script.ScriptModule": lambda torch: torch.jit.script(torch.nn.Linear(1, 1)),
    "transformers.tokenization_utils_base.PreTrainedTokenizerBase": (
        lambda transformers: transformers.PreTrainedTokenizerFast(tokenizer_object=_tokenizer())
    ),
    "xgboost.core.Booster": lambda xgboost: xgboost.train({}, xgboost.DMatrix(FEATURES, LABELS), 1),
    "xgboost.sklearn.XGBModel": lambda xgboost: xgboost.XGBClassifier(n_estimators=1).fit(FEATURES, LABELS),
}
BEGINNINGS = {
    ".arrow": b"ARROW1",
    ".bmp": b"BM",
    ".feather": b"ARROW1",
    ".gif": b"GIF8",
    ".html": b"<",
    ".jpg": b"\xff\xd8\xff",
    ".npz": b"PK",
    ".parquet": b"PAR1",
    ".pdf": b"%PDF",
    ".png": b"\x89PNG",
    ".svg": b"<?xml",
    ".txt": b"tree",
}
DRAWN_ELSEWHERE = {("plotly.basedatatypes.BaseFigure", extension) for extension in (".pdf", ".png", ".svg")}


def test_a_value_of_each_class_is_tried() -> None:
    assert VALUES.keys() == _FORMATS.keys()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", VALUES)
def test_each_format_is_written(name: str, tmp_path: Path) -> None:
    value = VALUES[name](pytest.importorskip(name.partition(".")[0]))
    for extension in _FORMATS[name]:
        if (name, extension) in DRAWN_ELSEWHERE:
            continue  # another package draws it, in a browser
        write = find_own_writer(value, extension)
        assert write is not None
        target = tmp_path / f"file{extension}"
        with target.open("wb") as stream:
            write(value, stream)
        assert target.read_bytes().startswith(BEGINNINGS.get(extension, b""))
        assert target.stat().st_size > 3
        if extension == ".csv":
            assert target.read_text().replace('"', "").split() == ["a", "1", "2"]


def test_what_does_not_fit_is_told_as_the_library_says_it() -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"a": [[1, 2]]})
    write = find_own_writer(frame, ".csv")
    assert write is not None
    with pytest.raises(UsageError, match=r"a DataFrame cannot be written as \.csv: CSV format"):
        write(frame, io.BytesIO())


def test_other_values_and_extensions_have_no_writer() -> None:
    assert find_own_writer({"a": 1}, ".csv") is None
    assert find_own_writer(np.ones(3), ".png") is None


def test_the_extensions_of_a_type_are_those_of_its_library() -> None:
    assert extensions_of("matplotlib.figure.Figure") == [".jpg", ".pdf", ".png", ".svg"]
    assert extensions_of("plotly.graph_objs._figure.Figure") == [".html", ".json", ".pdf", ".png", ".svg"]
    assert extensions_of("numpy.ndarray") == []
