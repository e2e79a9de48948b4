"""What libraries write themselves: tables of polars and pyarrow, figures, pictures, boosters.

A value brings its library along: it is known by the dotted name of its class, and asked to write.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import IO, Any

from zenconv.errors import UsageError

Write = Callable[[Any, IO[bytes]], object]

_PICTURES = {
    ".bmp": "BMP",
    ".gif": "GIF",
    ".jpeg": "JPEG",
    ".jpg": "JPEG",
    ".png": "PNG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
}


def extensions_of(type_name: str) -> list[str]:
    """Return the extensions under which the library of the type `type_name` writes files of its own."""
    return sorted({extension for name in _formats_near(type_name) for extension in _FORMATS[name]})


def find_own_writer(value: Any, extension: str) -> Write | None:
    """Return what writes `value` to a stream of bytes as its library does; None where it does not.

    What it raises for a value that does not fit is a `UsageError`.
    """
    for cls in type(value).__mro__:
        write = _FORMATS.get(f"{cls.__module__}.{cls.__qualname__}", {}).get(extension)
        if write is not None:
            return _telling_why(write, extension)
    return None


def _formats_near(type_name: str) -> list[str]:
    if type_name in _FORMATS:
        return [type_name]
    package = type_name.partition(".")[0]
    return [name for name in _FORMATS if name.partition(".")[0] == package]


def _telling_why(write: Write, extension: str) -> Write:
    def write_or_tell(value: Any, stream: IO[bytes]) -> None:
        try:
            write(value, stream)
        except OSError:
            raise
        except Exception as error:
            why = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise UsageError(
                f"a {type(value).__name__} cannot be written as {extension}: {why}",
                hint="choose another extension",
            ) from error

    return write_or_tell


def _as_text(write: Callable[[Any], str]) -> Write:
    return lambda value, stream: stream.write(write(value).encode())


def _as_table(batch: Any) -> Any:
    import pyarrow

    return pyarrow.Table.from_batches([batch])


def _write_arrow_csv(table: Any, stream: IO[bytes]) -> None:
    import pyarrow.csv

    pyarrow.csv.write_csv(table, stream)


def _write_arrow_parquet(table: Any, stream: IO[bytes]) -> None:
    import pyarrow.parquet

    pyarrow.parquet.write_table(table, stream)


def _write_matrix(matrix: Any, stream: IO[bytes]) -> None:
    import scipy.sparse

    scipy.sparse.save_npz(stream, matrix)


def _with(prepare: Callable[[Any], Any], formats: Mapping[str, Write]) -> dict[str, Write]:
    def prepared(write: Write) -> Write:
        return lambda value, stream: write(prepare(value), stream)

    return {extension: prepared(write) for extension, write in formats.items()}


def _draw(name: str) -> Write:
    return lambda figure, stream: figure.savefig(stream, format=name)


def _draw_plotly(name: str) -> Write:
    return lambda figure, stream: stream.write(figure.to_image(format=name))


def _save_picture(name: str) -> Write:
    return lambda image, stream: image.save(stream, format=name)


def _write_arrow_feather(table: Any, stream: IO[bytes]) -> None:
    import pyarrow.feather

    pyarrow.feather.write_feather(table, stream)


def _write_arrow_rows(table: Any, stream: IO[bytes]) -> None:
    from zenconv.queries.general_formats import WRITERS

    WRITERS[".jsonl"](table.to_pylist(), stream)


def _write_program(program: Any, stream: IO[bytes]) -> None:
    import torch

    save: Any = torch.jit.save if isinstance(program, torch.jit.ScriptModule) else torch.export.save
    save(program, stream)


_PROGRAM: Mapping[str, Write] = dict.fromkeys((".pt", ".pt2", ".pth"), _write_program)
_ARROW: Mapping[str, Write] = {
    ".arrow": _write_arrow_feather,
    ".csv": _write_arrow_csv,
    ".feather": _write_arrow_feather,
    ".jsonl": _write_arrow_rows,
    ".parquet": _write_arrow_parquet,
}
_POLARS: Mapping[str, Write] = {
    ".arrow": lambda frame, stream: frame.write_ipc(stream),
    ".feather": lambda frame, stream: frame.write_ipc(stream),
    ".jsonl": lambda frame, stream: frame.write_ndjson(stream),
    ".tsv": lambda frame, stream: frame.write_csv(stream, separator="\t"),
    ".csv": lambda frame, stream: frame.write_csv(stream),
    ".json": lambda frame, stream: frame.write_json(stream),
    ".parquet": lambda frame, stream: frame.write_parquet(stream),
}
_XGBOOST: Mapping[str, Write] = {
    ".json": lambda booster, stream: stream.write(booster.save_raw(raw_format="json")),
    ".ubj": lambda booster, stream: stream.write(booster.save_raw(raw_format="ubj")),
}
_LIGHTGBM: Mapping[str, Write] = {".txt": _as_text(lambda booster: booster.model_to_string())}
_CATBOOST: Mapping[str, Write] = {
    ".cbm": lambda model, stream: model.save_model(stream.name, format="cbm"),
    ".json": lambda model, stream: model.save_model(stream.name, format="json"),
}
_FORMATS: Mapping[str, Mapping[str, Write]] = {
    "PIL.Image.Image": {extension: _save_picture(name) for extension, name in _PICTURES.items()},
    "catboost.core.CatBoost": _CATBOOST,
    "datasets.arrow_dataset.Dataset": _with(lambda data: data.with_format("arrow")[:], _ARROW),
    "lightgbm.basic.Booster": _LIGHTGBM,
    "lightgbm.sklearn.LGBMModel": _with(lambda model: model.booster_, _LIGHTGBM),
    "matplotlib.figure.Figure": {f".{name}": _draw(name) for name in ("jpg", "pdf", "png", "svg")},
    "plotly.basedatatypes.BaseFigure": {
        ".html": _as_text(lambda figure: str(figure.to_html())),
        ".json": _as_text(lambda figure: str(figure.to_json())),
        **{f".{name}": _draw_plotly(name) for name in ("pdf", "png", "svg")},
    },
    "polars.dataframe.frame.DataFrame": _POLARS,
    "polars.lazyframe.frame.LazyFrame": _with(lambda frame: frame.collect(), _POLARS),
    "polars.series.series.Series": _with(lambda series: series.to_frame(), _POLARS),
    "pyarrow.lib.RecordBatch": _with(_as_table, _ARROW),
    "pyarrow.lib.Table": _ARROW,
    "scipy.sparse._base._spbase": {".npz": _write_matrix},
    "tokenizers.Tokenizer": {".json": _as_text(lambda tokenizer: str(tokenizer.to_str()))},
    "torch.export.exported_program.ExportedProgram": _PROGRAM,
    "torch.jit._script.ScriptModule": _PROGRAM,
    "transformers.tokenization_utils_base.PreTrainedTokenizerBase": {
        ".json": _as_text(lambda tokenizer: str(tokenizer.backend_tokenizer.to_str()))
    },
    "xgboost.core.Booster": _XGBOOST,
    "xgboost.sklearn.XGBModel": _with(lambda model: model.get_booster(), _XGBOOST),
}
"""By dotted name of a class: what its values write, by extension."""

EXTENSIONS = frozenset(extension for formats in _FORMATS.values() for extension in formats)
