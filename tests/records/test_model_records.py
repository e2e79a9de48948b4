"""Models, studies and deployments as records: their names, and the way through JSON and back."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from zenconv.records.deployment import Deployment, check_deployment_name
from zenconv.records.model_version import ModelVersion, Promotion, check_alias, check_model_name
from zenconv.records.tuning import Dimension, Study, check_study_name
from zenconv.testing.deployers import HOSTILE_DEPLOYMENT_NAMES, make_deployment
from zenconv.testing.registered import HOSTILE_ALIASES, HOSTILE_MODEL_NAMES, make_version, promotion_of
from zenconv.testing.tuners import HOSTILE_STUDY_NAMES, make_study


def through_json(record: Any) -> Any:
    return type(record).from_json(json.loads(json.dumps(record.to_json())))


@pytest.mark.parametrize(
    "record",
    [
        make_version(number=3),
        ModelVersion("churn[s117]", make_version().artifact),
        promotion_of(make_version(number=3), replaces=0),
        Promotion("churn", "production", 0),
        make_study(direction="minimize", seed=-1),
        make_deployment(),
        attrs.evolve(make_deployment(), status="failed", error="no", serving=make_version("second"), url="x"),
    ],
    ids=lambda record: type(record).__name__,
)
def test_records_come_back_from_json(record: ModelVersion | Promotion | Study | Deployment) -> None:
    found = through_json(record)
    assert found == record
    assert found.to_json() == record.to_json()


@pytest.mark.parametrize(
    ("check", "good", "hostile"),
    [
        (check_model_name, ("churn", "churn[s117]", "churn[../x]", "a.b-c d", "größe"), HOSTILE_MODEL_NAMES),
        (check_alias, ("production", "P", "a-b_1"), HOSTILE_ALIASES),
        (check_study_name, ("training::churn", "eu/training::churn[s=1]", "größe"), HOSTILE_STUDY_NAMES),
        (check_deployment_name, ("churn", "churn-2", "0", "a" * 63), HOSTILE_DEPLOYMENT_NAMES),
    ],
    ids=["model", "alias", "study", "deployment"],
)
def test_names_are_those_of_a_list_and_everything_else_is_refused(
    check: Any, good: tuple[str, ...], hostile: tuple[str, ...]
) -> None:
    assert [check(name) for name in good] == list(good)
    for name in hostile:
        with pytest.raises(ValueError, match=r"^not the name of|^not an alias of"):
            check(name)


@pytest.mark.parametrize(
    ("dimension", "good", "wrong"),
    [
        (Dimension("number", 0.0, 1.0), (0.0, 0.5, 1.0), (0, 1, -0.1, 1.1, float("nan"), "0.5", None)),
        (Dimension("integer", -1, 2), (-1, 0, 2), (-2, 3, 0.0, True, "0")),
        (Dimension("choice", choices=(1, "1", None)), (1, "1", None), (True, 1.0, "None", 2)),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_a_dimension_contains_values_of_its_own_type(
    dimension: Dimension, good: tuple[Any, ...], wrong: tuple[Any, ...]
) -> None:
    assert [value for value in good if not dimension.contains(value)] == []
    assert [value for value in wrong if dimension.contains(value)] == []
