"""Rank the biopsies that came in today, with the classifier that `training` made."""

from pathlib import Path

import pandas as pd


def raw(biopsies: Path) -> pd.DataFrame:
    """Read today's biopsies; nobody knows their diagnosis yet."""
    return pd.read_csv(biopsies, index_col="patient")


def scores(features: pd.DataFrame, classifier) -> pd.Series:
    """Estimate how likely each tumour is malignant. `classifier` is the one of `steps_training.py`."""
    return pd.Series(classifier.predict_proba(features)[:, 1], index=features.index, name="risk")


def urgent(scores: pd.Series, threshold: float) -> list[str]:
    """Name the patients to call first, the greatest risk first."""
    return list(scores[scores >= threshold].sort_values(ascending=False).index)
