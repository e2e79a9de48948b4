"""Pydantic models are their class and their fields as JSON, nested ones and private ones too."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zenconv.errors import CorruptArtifact, UntrustedArtifact

pydantic = pytest.importorskip("pydantic")

from . import pydantic_models as models  # noqa: E402

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
inner = st.builds(
    models.Inner, rate=st.floats(allow_nan=False), tags=st.lists(st.text(max_size=3), max_size=2)
)
outer = st.builds(
    models.Outer,
    inner=inner,
    day=st.dates(),
    many=st.dictionaries(st.text(max_size=3), inner),
    anything=plain,
)


@settings(max_examples=150, deadline=None)
@given(outer | inner | st.lists(inner, max_size=3))
def test_models_come_back_equal_as_json(shared_shelf: Any, value: Any) -> None:
    artifact = shared_shelf.save(value)
    assert artifact.materializer == "json/1"
    assert not artifact.runs_code
    again = shared_shelf.load(artifact)
    assert again == value
    assert shared_shelf.save(again).content == artifact.content


def test_what_was_set_private_and_extra_comes_back(shelf: Any) -> None:
    model = models.Outer(inner=models.Inner(), day=datetime.date(2020, 1, 1), more=[1, 2])
    model._count = 8
    assert model.twice == 1.0
    again = shelf.safe_round_trip(model)
    assert again._count == 8
    assert again.model_extra == {"more": [1, 2]}
    assert again.model_fields_set == {"inner", "day", "more"}
    assert again.inner.model_fields_set == set()
    assert vars(again)["twice"] == 1.0


def test_arrays_in_a_model_lie_beside_it(shelf: Any) -> None:
    model = models.Outer(inner=models.Inner(), day=datetime.date(2020, 1, 1), anything=np.arange(20_000))
    artifact = shelf.save(model)
    assert not artifact.runs_code
    assert len(artifact.files[0].inline or b"") < 1000
    assert shelf.load(artifact).anything.tolist() == list(range(20_000))


@pytest.mark.parametrize(
    "value", [models.Settled(numbers=(1, 2)), models.Numbers([1, 2])], ids=["frozen", "root"]
)
def test_frozen_and_root_models_come_back(shelf: Any, value: Any) -> None:
    again = shelf.safe_round_trip(value)
    assert again == value
    assert type(again) is type(value)


def test_a_loaded_model_may_be_changed(shelf: Any) -> None:
    artifact = shelf.save(models.Inner(tags=["a"]))
    shelf.load(artifact).tags.append("b")
    assert shelf.load(artifact).tags == ["a"]


def test_one_model_in_two_places_stays_one(shelf: Any) -> None:
    model = models.Inner()
    again = shelf.round_trip([model, model])
    assert again[0] is again[1]


def test_the_class_is_resolved_only_with_trust(shelf: Any) -> None:
    artifact = shelf.save(models.Inner())
    assert artifact.refers == (f"{models.__name__}:Inner",)
    with pytest.raises(UntrustedArtifact):
        shelf.load(artifact, allowed=False)


def test_a_class_that_is_no_model_any_more_is_refused(shelf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = shelf.save(models.Inner())
    monkeypatch.setattr(models, "Inner", dict)
    with pytest.raises(CorruptArtifact, match="Inner' is not a pydantic model any more"):
        shelf.load(artifact)


def test_models_with_values_or_rules_of_their_own_need_a_pickle(shelf: Any) -> None:
    again = shelf.round_trip(models.Secretive(token="x"))
    assert again.token.get_secret_value() == "x"
    assert shelf.save(models.Secretive(token="x")).runs_code


def test_the_summary_lists_the_fields(shelf: Any) -> None:
    assert shelf.save(models.Inner()).summary == {"fields": ["rate", "tags"]}
