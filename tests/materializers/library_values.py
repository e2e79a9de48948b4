"""One value of each library, made anew on each call, with how to tell that another is equal.

Each function imports its library, so that it is skipped where that is missing.
"""

from __future__ import annotations

import datetime
import io
from collections.abc import Callable
from decimal import Decimal
from typing import Any

Equal = Callable[[Any, Any], bool]


def numpy_generator() -> tuple[Any, Equal]:
    import numpy as np

    generator = np.random.default_rng(3)
    generator.normal(size=3)
    return generator, lambda a, b: a.bit_generator.state == b.bit_generator.state


def scipy_sparse() -> tuple[Any, Equal]:
    import numpy as np
    import scipy.sparse

    value = scipy.sparse.csr_array(np.arange(40_000.0).reshape(200, 200))
    return value, lambda a, b: type(a) is type(b) and (a != b).nnz == 0


def scipy_distribution() -> tuple[Any, Equal]:
    import scipy.stats

    return scipy.stats.gamma(
        2.5, scale=3
    ), lambda a, b: a.args == b.args and a.kwds == b.kwds and a.mean() == b.mean()


def polars_frame() -> tuple[Any, Equal]:
    import polars as pl

    frame = pl.DataFrame(
        {
            "number": [1, None, 3] * 5000,
            "text": ["a", None, "ü"] * 5000,
            "list": [[1, 2], None, []] * 5000,
            "struct": [{"a": 1, "b": "x"}, None, {"a": None, "b": None}] * 5000,
            "decimal": [Decimal("1.50"), None, Decimal("3.25")] * 5000,
            "moment": [datetime.date(2020, 1, 1), None, None] * 5000,
        }
    )
    return frame.with_columns(pl.col("text").cast(pl.Categorical).alias("category")), lambda a, b: a.equals(b)


def polars_lazy() -> tuple[Any, Equal]:
    import polars as pl

    lazy = pl.LazyFrame({"a": [3, 1, 2]}).filter(pl.col("a") > 1).sort("a")
    return lazy, lambda a, b: a.collect().equals(b.collect())


def arrow_table() -> tuple[Any, Equal]:
    import pyarrow as pa

    table = pa.table(
        {"number": [1, None] * 9000, "text": ["a", None] * 9000, "list": [[1], None] * 9000},
        metadata={"made": "here"},
    )
    return table, lambda a, b: a.equals(b, check_metadata=True)


def xgboost_classifier() -> tuple[Any, Equal]:
    import xgboost

    features, labels = _training_data()
    model = xgboost.XGBClassifier(n_estimators=3, n_jobs=1).fit(features, labels)
    return model, _predicts_alike(features)


def lightgbm_classifier() -> tuple[Any, Equal]:
    import lightgbm

    features, labels = _training_data()
    names = ["no", "yes"]
    model = lightgbm.LGBMClassifier(n_estimators=3, n_jobs=1, verbose=-1)
    model.fit(features, [names[label] for label in labels])
    return model, _predicts_alike(features)


def catboost_classifier() -> tuple[Any, Equal]:
    import catboost

    features, labels = _training_data()
    model = catboost.CatBoostClassifier(iterations=3, verbose=0, allow_writing_files=False, thread_count=1)
    return model.fit(features, labels), _predicts_alike(features)


def matplotlib_figure() -> tuple[Any, Equal]:
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.add_subplot(title="a curve", xlabel="x")
    axes.plot([1, 2, 3], label="one")
    axes.legend()
    return figure, lambda a, b: _picture(a) == _picture(b)


def plotly_figure() -> tuple[Any, Equal]:
    import numpy as np
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    figure = make_subplots(rows=1, cols=2)
    figure.add_trace(go.Scatter(x=np.arange(5000), y=np.arange(5000.0)), row=1, col=1)
    figure.add_trace(go.Bar(x=np.array(["a", "b"], dtype=object), y=[1, 2]), row=1, col=2)
    return figure, lambda a, b: a == b and a.to_json() == b.to_json()


def pillow_image() -> tuple[Any, Equal]:
    import PIL.Image

    image = PIL.Image.linear_gradient("L").quantize(16)
    image.info["dpi"] = (72, 72)
    return image, lambda a, b: a == b


def torch_subset() -> tuple[Any, Equal]:
    import torch
    from torch.utils.data import Subset, TensorDataset

    dataset = TensorDataset(torch.arange(20_000.0).reshape(-1, 2), torch.arange(10_000))
    return Subset(
        dataset, [5, 3, 9000]
    ), lambda a, b: a.indices == b.indices and all(torch.equal(x, y) for x, y in zip(a[2], b[2], strict=True))


def huggingface_dataset() -> tuple[Any, Equal]:
    import datasets

    made = datasets.Dataset.from_dict({"a": list(range(10_000)), "b": [["x"]] * 10_000}).shuffle(seed=1)
    return made, lambda a, b: a.features == b.features and a[:] == b[:]


def tokenizer() -> tuple[Any, Equal]:
    import tokenizers

    return tokenizers.Tokenizer(_word_level()), lambda a, b: a.to_str() == b.to_str()


def pretrained_tokenizer() -> tuple[Any, Equal]:
    import tokenizers
    import transformers

    inner = tokenizers.Tokenizer(_word_level())
    made = transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, unk_token="?", chat_template="{{ x }}"
    )
    return made, lambda a, b: a("a b c") == b("a b c") and a.chat_template == b.chat_template


VALUES: dict[str, tuple[str, Callable[[], tuple[Any, Equal]]]] = {
    "numpy-random": ("numpy", numpy_generator),
    "scipy-sparse": ("scipy", scipy_sparse),
    "scipy-stats": ("scipy", scipy_distribution),
    "polars": ("polars", polars_frame),
    "polars lazy": ("polars", polars_lazy),
    "pyarrow": ("pyarrow", arrow_table),
    "xgboost-sklearn": ("xgboost", xgboost_classifier),
    "lightgbm-sklearn": ("lightgbm", lightgbm_classifier),
    "catboost": ("catboost", catboost_classifier),
    "matplotlib": ("matplotlib", matplotlib_figure),
    "plotly": ("plotly", plotly_figure),
    "pillow": ("PIL", pillow_image),
    "torch-datasets": ("torch", torch_subset),
    "datasets": ("datasets", huggingface_dataset),
    "tokenizers": ("tokenizers", tokenizer),
    "transformers": ("transformers", pretrained_tokenizer),
}
"""By the id of the materializer, and the module that must be there."""


def _training_data() -> tuple[Any, Any]:
    import numpy as np

    features = np.random.default_rng(0).normal(size=(200, 4))
    return features, (features[:, 0] > 0).astype(int)


def _predicts_alike(features: Any) -> Equal:
    return lambda a, b: bool((a.predict_proba(features) == b.predict_proba(features)).all())


def _picture(figure: Any) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()


def _word_level() -> Any:
    import tokenizers

    return tokenizers.models.WordLevel({"a": 0, "b": 1, "?": 2}, unk_token="?")
