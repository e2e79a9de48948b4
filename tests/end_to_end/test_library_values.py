"""Values of libraries pass from step to step, are reused, and are made again where they are live."""

from __future__ import annotations

from typing import Any

import pytest


def test_polars_frames_pass_between_steps_lazily_and_are_reused(project: Any) -> None:
    pytest.importorskip("polars")
    it = project(
        {
            "steps_a.py": """
            import polars as pl
            def raw() -> pl.LazyFrame: return pl.LazyFrame({"a": [1, 2, 3]}).filter(pl.col("a") > 1)
            def total(raw: pl.LazyFrame) -> int: return raw.select(pl.col("a").sum()).collect().item()
            """
        }
    )
    it.run("run")
    assert it.value("total") == 5
    it.run("run")
    assert it.executed() == []


def test_a_booster_is_stored_and_its_training_data_is_made_again(project: Any) -> None:
    pytest.importorskip("xgboost")
    it = project(
        {
            "steps_a.py": """
            import numpy as np
            import xgboost
            def data(): return xgboost.DMatrix(np.arange(40.0).reshape(20, 2), np.arange(20) % 2)
            def booster(data): return xgboost.train({"nthread": 1}, data, 2)
            def rounds(booster, data): return [booster.num_boosted_rounds(), data.num_row()]
            """
        }
    )
    it.run("run")
    assert it.value("rounds") == [2, 20]
    it.run("run")
    assert it.executed() == []


def test_a_value_that_nobody_can_store_says_what_to_do(project: Any) -> None:
    it = project(
        {
            "steps_a.py": """
            import sys
            def handle(): return {"frame": sys._getframe()}
            """
        }
    )
    text = it.run("run", check=1).text
    assert "a::handle" in text
    for advice in ("return plain data", "zenconv_materializers", "fixture"):
        assert advice in text
