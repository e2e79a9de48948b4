"""Values of every built-in materializer, as its suite wants them; libraries are imported when asked."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from zenconv.testing import Specimen


def plain_values() -> Sequence[Specimen]:
    return [
        Specimen(lambda: [1, 2.5, None], lambda value: value.append(3)),
        Specimen(lambda: {"a": {1, 2}, 3: (True, b"x")}, lambda value: value.clear()),
        Specimen(lambda: "täxt \ud800"),
        Specimen(lambda: 1),
        Specimen(lambda: True),
    ]


class Counter:
    """A class that stored values refer to by its name."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __eq__(self, other: object) -> bool:
        return type(other) is Counter and self.count == other.count

    __hash__ = None  # type: ignore[assignment]


def objects() -> Sequence[Specimen]:
    def change(value: Counter) -> None:
        value.count += 10

    return [Specimen(lambda: Counter(1), change), Specimen(lambda: Counter(2))]


def functions() -> Sequence[Specimen]:
    def make(number: int) -> Callable[[int], int]:
        return lambda value: value * number

    def is_equal(one: Any, other: Any) -> bool:
        return bool(one(3) == other(3))

    return [Specimen(lambda: make(2), None, is_equal), Specimen(lambda: make(3), None, is_equal)]


def paths() -> Sequence[Specimen]:
    def file(text: str) -> Path:
        path = Path(tempfile.mkdtemp()) / "data.csv"
        path.write_text(text)
        return path

    def folder() -> Path:
        path = Path(tempfile.mkdtemp()) / "folder"
        (path / "inner").mkdir(parents=True)
        (path / "inner/a.txt").write_text("a")
        return path

    def content(path: Path) -> Any:
        if path.is_file():
            return path.name, path.read_bytes()
        return path.name, {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}

    def is_equal(one: Path, other: Path) -> bool:
        return bool(content(one) == content(other))

    return [
        Specimen(lambda: file("1,2"), lambda path: path.write_text("3"), is_equal),
        Specimen(lambda: file("1,3"), None, is_equal),
        Specimen(folder, lambda path: (path / "inner/b.txt").write_text("b"), is_equal),
    ]


def streams() -> Sequence[Specimen]:
    def of(*items: Any) -> Specimen:
        # Whoever compares a stream uses it up: only what comes back is looked at.
        return Specimen(lambda: (item for item in items), None, lambda one, _other: list(one) == list(items))

    return [of(1, "two"), of(1), of()]


def arrays() -> Sequence[Specimen]:
    import numpy as np

    def change(array: Any) -> None:
        array[0] = array[-1]

    def is_equal(one: Any, other: Any) -> bool:
        return one.dtype == other.dtype and one.shape == other.shape and bool((one == other).all())

    return [
        Specimen(lambda: np.arange(6.0), change, is_equal),
        Specimen(lambda: np.arange(6.0).reshape(2, 3), change, is_equal),
        Specimen(lambda: np.arange(6, dtype="f4"), change, is_equal),
        Specimen(lambda: np.array(["a", "bc"]), change, is_equal),
        Specimen(lambda: np.asfortranarray(np.arange(9.0).reshape(3, 3)), change, is_equal),
    ]


def random_generators() -> Sequence[Specimen]:
    import numpy as np

    def is_equal(one: Any, other: Any) -> bool:
        return bool(one.bit_generator.state == other.bit_generator.state)

    return [
        Specimen(lambda: np.random.default_rng(3), lambda value: value.random(), is_equal),
        Specimen(lambda: np.random.default_rng(4), lambda value: value.random(), is_equal),
    ]


def frames() -> Sequence[Specimen]:
    import pandas as pd

    def change(frame: Any) -> None:
        frame["n"] = 0

    def is_equal(one: Any, other: Any) -> bool:
        return bool(one.equals(other)) and list(one.index) == list(other.index)

    return [
        Specimen(lambda: pd.DataFrame({"n": [1, 2], "t": ["a", None]}), change, is_equal),
        Specimen(lambda: pd.DataFrame({"n": [1, 2], "t": ["a", "b"]}), change, is_equal),
        Specimen(lambda: pd.DataFrame({"n": [1, 2]}, index=["x", "y"]), change, is_equal),
        Specimen(lambda: pd.Series([1.5, 2], name="s"), None, is_equal),
    ]


def estimators() -> Sequence[Specimen]:
    from sklearn.linear_model import LinearRegression

    def make(slope: float) -> Any:
        return LinearRegression().fit([[0.0], [1.0]], [0.0, slope])

    def change(model: Any) -> None:
        model.intercept_ = 7.0

    def is_equal(one: Any, other: Any) -> bool:
        return bool(one.predict([[3.0]])[0] == other.predict([[3.0]])[0])

    return [Specimen(lambda: make(2.0), change, is_equal), Specimen(lambda: make(3.0), change, is_equal)]


def tensors() -> Sequence[Specimen]:
    import torch

    def is_equal(one: Any, other: Any) -> bool:
        return one.dtype == other.dtype and torch.equal(one, other)

    return [
        Specimen(lambda: torch.arange(6.0), lambda tensor: tensor.add_(1), is_equal),
        Specimen(lambda: torch.arange(6), lambda tensor: tensor.add_(1), is_equal),
    ]


def torch_datasets() -> Sequence[Specimen]:
    import torch
    from torch.utils.data import Subset, TensorDataset

    def make(indices: list[int]) -> Any:
        return Subset(TensorDataset(torch.arange(10.0)), indices)

    def change(subset: Any) -> None:
        subset.indices[0] = 9

    def is_equal(one: Any, other: Any) -> bool:
        return [item[0].item() for item in one] == [item[0].item() for item in other]

    return [
        Specimen(lambda: make([1, 2]), change, is_equal),
        Specimen(lambda: make([2, 1]), change, is_equal),
    ]


def torch_programs() -> Sequence[Specimen]:
    import torch

    def make(weight: float) -> Any:
        layer = torch.nn.Linear(1, 1, bias=False)
        torch.nn.init.constant_(layer.weight, weight)
        return torch.jit.script(layer)

    def change(program: Any) -> None:
        program.weight.data.add_(10)

    def is_equal(one: Any, other: Any) -> bool:
        return bool(torch.equal(one(torch.ones(1)), other(torch.ones(1))))

    return [Specimen(lambda: make(1), change, is_equal), Specimen(lambda: make(2), change, is_equal)]


def sparse_arrays() -> Sequence[Specimen]:
    import numpy as np
    import scipy.sparse

    def change(array: Any) -> None:
        array.data[0] += 1

    def is_equal(one: Any, other: Any) -> bool:
        return type(one) is type(other) and one.shape == other.shape and (one != other).nnz == 0

    return [
        Specimen(lambda: scipy.sparse.csr_array(np.eye(3)), change, is_equal),
        Specimen(lambda: scipy.sparse.csr_array(np.eye(4)), change, is_equal),
    ]


def distributions() -> Sequence[Specimen]:
    import scipy.stats

    def is_equal(one: Any, other: Any) -> bool:
        return one.args == other.args and one.kwds == other.kwds and one.mean() == other.mean()

    return [
        Specimen(lambda: scipy.stats.gamma(2.5, scale=3), None, is_equal),
        Specimen(lambda: scipy.stats.gamma(2.5, scale=4), None, is_equal),
    ]


def polars_frames() -> Sequence[Specimen]:
    import polars as pl

    def change(frame: Any) -> None:
        frame[0, "a"] = 9

    def is_equal(one: Any, other: Any) -> bool:
        return bool(one.equals(other))

    return [
        Specimen(lambda: pl.DataFrame({"a": [1, 2], "t": ["x", None]}), change, is_equal),
        Specimen(lambda: pl.DataFrame({"a": [2, 1], "t": ["x", None]}), change, is_equal),
        Specimen(lambda: pl.Series("a", [1, 2]), None, is_equal),
    ]


def arrow_values() -> Sequence[Specimen]:
    import pyarrow as pa

    def is_equal(one: Any, other: Any) -> bool:
        return bool(one.equals(other, check_metadata=True))

    return [
        Specimen(lambda: pa.table({"a": [1, None]}), None, is_equal),
        Specimen(lambda: pa.table({"a": [1, 2]}), None, is_equal),
        Specimen(lambda: pa.table({"a": [1, 2]}, metadata={"made": "here"}), None, is_equal),
    ]


def _training() -> tuple[Any, Any]:
    import numpy as np

    features = np.random.default_rng(0).normal(size=(80, 3))
    return features, (features[:, 0] > 0).astype(int)


def _classifier(made: Callable[[int], Any]) -> Sequence[Specimen]:
    features, labels = _training()

    def is_equal(one: Any, other: Any) -> bool:
        return bool((one.predict_proba(features) == other.predict_proba(features)).all())

    return [Specimen(lambda n=n: made(n).fit(features, labels), None, is_equal) for n in (2, 3)]


def xgboost_estimators() -> Sequence[Specimen]:
    import xgboost

    return _classifier(lambda n: xgboost.XGBClassifier(n_estimators=n, n_jobs=1))


def xgboost_boosters() -> Sequence[Specimen]:
    import xgboost

    features, labels = _training()
    data = xgboost.DMatrix(features, labels)

    def is_equal(one: Any, other: Any) -> bool:
        return bool((one.predict(data) == other.predict(data)).all())

    return [
        Specimen(lambda n=n: xgboost.train({"nthread": 1}, data, num_boost_round=n), None, is_equal)
        for n in (2, 3)
    ]


def lightgbm_estimators() -> Sequence[Specimen]:
    import lightgbm

    return _classifier(lambda n: lightgbm.LGBMClassifier(n_estimators=n, n_jobs=1, verbose=-1))


def lightgbm_boosters() -> Sequence[Specimen]:
    import lightgbm

    features, labels = _training()

    def make(rounds: int) -> Any:
        data = lightgbm.Dataset(features, labels, free_raw_data=False)
        return lightgbm.train({"num_threads": 1, "verbose": -1}, data, num_boost_round=rounds)

    def is_equal(one: Any, other: Any) -> bool:
        return bool((one.predict(features) == other.predict(features)).all())

    return [Specimen(lambda n=n: make(n), None, is_equal) for n in (2, 3)]


def catboost_models() -> Sequence[Specimen]:
    import catboost

    return _classifier(
        lambda n: catboost.CatBoostClassifier(
            iterations=n, verbose=0, allow_writing_files=False, thread_count=1
        )
    )


def matplotlib_figures() -> Sequence[Specimen]:
    from matplotlib.figure import Figure

    def make(title: str) -> Any:
        figure = Figure()
        figure.add_subplot(title=title).plot([1, 2])
        return figure

    def change(figure: Any) -> None:
        figure.axes[0].set_title("changed")

    def is_equal(one: Any, other: Any) -> bool:
        return bool(one.axes[0].get_title() == other.axes[0].get_title())

    return [Specimen(lambda: make("a"), change, is_equal), Specimen(lambda: make("b"), change, is_equal)]


def plotly_figures() -> Sequence[Specimen]:
    import plotly.graph_objects as go

    def change(figure: Any) -> None:
        figure.layout.title = "changed"

    return [
        Specimen(lambda: go.Figure(go.Bar(x=["a"], y=[1])), change),
        Specimen(lambda: go.Figure(go.Bar(x=["a"], y=[2])), change),
    ]


def images() -> Sequence[Specimen]:
    import PIL.Image

    def change(image: Any) -> None:
        image.putpixel((0, 0), 9)

    return [
        Specimen(lambda: PIL.Image.linear_gradient("L"), change),
        Specimen(lambda: PIL.Image.radial_gradient("L"), change),
    ]


def huggingface_datasets() -> Sequence[Specimen]:
    import datasets

    def is_equal(one: Any, other: Any) -> bool:
        return one.features == other.features and one[:] == other[:]

    return [
        Specimen(lambda: datasets.Dataset.from_dict({"a": [1, 2]}), None, is_equal),
        Specimen(lambda: datasets.Dataset.from_dict({"a": [2, 1]}), None, is_equal),
    ]


def _tokenizer(words: Sequence[str]) -> Any:
    import tokenizers

    vocabulary = {word: number for number, word in enumerate([*words, "?"])}
    return tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="?"))


def fast_tokenizers() -> Sequence[Specimen]:
    def is_equal(one: Any, other: Any) -> bool:
        return bool(one.to_str() == other.to_str())

    return [
        Specimen(lambda: _tokenizer("ab"), lambda value: value.add_tokens(["z"]), is_equal),
        Specimen(lambda: _tokenizer("ba"), lambda value: value.add_tokens(["z"]), is_equal),
    ]


def pretrained_tokenizers() -> Sequence[Specimen]:
    import transformers

    def make(words: str) -> Any:
        return transformers.PreTrainedTokenizerFast(tokenizer_object=_tokenizer(words), unk_token="?")

    def is_equal(one: Any, other: Any) -> bool:
        return bool(one("a b") == other("a b"))

    return [Specimen(lambda: make("ab"), None, is_equal), Specimen(lambda: make("ba"), None, is_equal)]


SPECIMENS: dict[str, tuple[str, Callable[[], Sequence[Specimen]]]] = {
    "json": ("json", plain_values),
    "objects": ("json", objects),
    "pickled": ("json", functions),
    "paths": ("json", paths),
    "stream": ("json", streams),
    "numpy": ("numpy", arrays),
    "numpy-random": ("numpy", random_generators),
    "pandas": ("pandas", frames),
    "sklearn": ("sklearn", estimators),
    "torch": ("torch", tensors),
    "torch-datasets": ("torch", torch_datasets),
    "torch-programs": ("torch", torch_programs),
    "scipy-sparse": ("scipy", sparse_arrays),
    "scipy-stats": ("scipy", distributions),
    "polars": ("polars", polars_frames),
    "pyarrow": ("pyarrow", arrow_values),
    "xgboost": ("xgboost", xgboost_boosters),
    "xgboost-sklearn": ("xgboost", xgboost_estimators),
    "lightgbm": ("lightgbm", lightgbm_boosters),
    "lightgbm-sklearn": ("lightgbm", lightgbm_estimators),
    "catboost": ("catboost", catboost_models),
    "matplotlib": ("matplotlib", matplotlib_figures),
    "plotly": ("plotly", plotly_figures),
    "pillow": ("PIL", images),
    "datasets": ("datasets", huggingface_datasets),
    "tokenizers": ("tokenizers", fast_tokenizers),
    "transformers": ("transformers", pretrained_tokenizers),
}
"""By the id of the materializer, and the module that must be there."""
