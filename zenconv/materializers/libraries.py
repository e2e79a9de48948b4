"""Which classes of which libraries have a materializer here; none is imported before one appears."""

from __future__ import annotations

from zenconv.hooks.markers import MaterializerSpec

_HERE = "zenconv.materializers."
_ARROW = ("Table", "RecordBatch", "Array", "ChunkedArray", "Scalar", "Schema", "Field", "DataType")

LIBRARIES: tuple[MaterializerSpec, ...] = (
    MaterializerSpec(
        "numpy-random",
        (
            "numpy.random._generator.Generator",
            "numpy.random.mtrand.RandomState",
            "numpy.random.bit_generator.BitGenerator",
            "numpy.random.bit_generator.SeedSequence",
        ),
        f"{_HERE}numpy_random:RandomGenerators",
    ),
    MaterializerSpec("scipy-sparse", ("scipy.sparse._base._spbase",), f"{_HERE}scipy:SparseArrays"),
    MaterializerSpec(
        "scipy-stats",
        ("scipy.stats._distn_infrastructure.rv_frozen",),
        f"{_HERE}scipy:FrozenDistributions",
    ),
    MaterializerSpec(
        "polars",
        (
            "polars.dataframe.frame.DataFrame",
            "polars.series.series.Series",
            "polars.lazyframe.frame.LazyFrame",
        ),
        f"{_HERE}polars:PolarsFrames",
    ),
    MaterializerSpec(
        "pyarrow", tuple(f"pyarrow.lib.{name}" for name in _ARROW), f"{_HERE}pyarrow:ArrowValues"
    ),
    MaterializerSpec("xgboost", ("xgboost.core.Booster",), f"{_HERE}xgboost:Boosters"),
    MaterializerSpec("xgboost-sklearn", ("xgboost.sklearn.XGBModel",), f"{_HERE}xgboost:Estimators"),
    MaterializerSpec("lightgbm", ("lightgbm.basic.Booster",), f"{_HERE}lightgbm:Boosters"),
    MaterializerSpec("lightgbm-sklearn", ("lightgbm.sklearn.LGBMModel",), f"{_HERE}lightgbm:Estimators"),
    MaterializerSpec("catboost", ("catboost.core.CatBoost",), f"{_HERE}catboost:CatBoostModels"),
    MaterializerSpec("matplotlib", ("matplotlib.figure.Figure",), f"{_HERE}matplotlib:Figures"),
    MaterializerSpec("plotly", ("plotly.basedatatypes.BaseFigure",), f"{_HERE}plotly:Figures"),
    MaterializerSpec("pillow", ("PIL.Image.Image",), f"{_HERE}pillow:Images"),
    MaterializerSpec(
        "torch-datasets",
        ("torch.utils.data.dataset.TensorDataset", "torch.utils.data.dataset.Subset"),
        f"{_HERE}torch_datasets:TorchDatasets",
    ),
    MaterializerSpec(
        "torch-programs",
        ("torch.jit._script.ScriptModule", "torch.export.exported_program.ExportedProgram"),
        f"{_HERE}torch_programs:Programs",
    ),
    MaterializerSpec(
        "datasets",
        ("datasets.arrow_dataset.Dataset", "datasets.dataset_dict.DatasetDict"),
        f"{_HERE}datasets:HuggingFaceDatasets",
    ),
    MaterializerSpec("tokenizers", ("tokenizers.Tokenizer",), f"{_HERE}tokenizers:Tokenizers"),
    MaterializerSpec(
        "transformers",
        ("transformers.tokenization_utils_base.PreTrainedTokenizerBase",),
        f"{_HERE}transformers:PretrainedTokenizers",
    ),
)
"""In the form in which a plugin offers its own; the least specific class of a library first."""
