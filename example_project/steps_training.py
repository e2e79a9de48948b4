"""Learn to tell malignant tumours from benign ones, by measurements of cells under the microscope."""

from typing import Annotated

import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler


def raw(held_back: int = 40) -> pd.DataFrame:
    """Load 569 biopsies of known diagnosis, without the last ones: those play tomorrow's patients."""
    study = load_breast_cancer(as_frame=True)
    biopsies = study.data.assign(malignant=study.target == 0)
    return biopsies.iloc[:-held_back]


def split(
    features: pd.DataFrame, seed: int, test_size: float = 0.25
) -> tuple[Annotated[pd.DataFrame, "train"], Annotated[pd.DataFrame, "test"]]:
    """Set a quarter of the biopsies aside for judging the classifier."""
    return train_test_split(features, test_size=test_size, stratify=features["malignant"], random_state=seed)


def classifier(train: pd.DataFrame, C: float, stopwatch) -> Pipeline:
    """Fit a logistic regression; `C` is how freely it may weigh single measurements."""
    measurements, malignant = train.drop(columns="malignant"), train["malignant"]
    with stopwatch("fitting"):
        return make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=1000)).fit(
            measurements, malignant
        )


def risks(classifier: Pipeline, test: pd.DataFrame) -> pd.Series:
    """Estimate how likely each tumour set aside is malignant."""
    probability = classifier.predict_proba(test.drop(columns="malignant"))[:, 1]
    return pd.Series(probability, index=test.index, name="risk")


def metrics(risks: pd.Series, test: pd.DataFrame, threshold: float) -> dict[str, float]:
    """Judge the estimates: how well they rank, and how many malignant tumours they catch."""
    return {
        "auc": float(roc_auc_score(test["malignant"], risks)),
        "caught": float(recall_score(test["malignant"], risks >= threshold)),
    }


def missed(risks: pd.Series, test: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """List the malignant tumours that would have been taken for benign: what to learn from."""
    return test.assign(risk=risks)[test["malignant"] & (risks < threshold)].sort_values("risk")
