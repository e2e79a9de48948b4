"""What libraries pickle badly comes back whole, and equal values have one content."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from zenconv.materializers.reducing import reduce_for_content


def noted_weight() -> Any:
    torch = pytest.importorskip("torch")
    weight = torch.nn.Parameter(torch.arange(6.0))
    weight._is_hf_initialized = True
    return weight


def noted_weights() -> Any:
    weight = noted_weight()
    return {"one": weight, "tied": weight, "part": weight.detach()[1:3], "layer": _layer(weight)}


def _layer(weight: Any) -> Any:
    import torch

    layer = torch.nn.Linear(6, 1, bias=False)
    layer.weight = weight
    return layer


def registered_buffer() -> Any:
    torch = pytest.importorskip("torch")
    module = torch.nn.Module()
    module.mean = torch.nn.Buffer(torch.ones(3), persistent=False)
    return module


def typed_storage() -> Any:
    torch = pytest.importorskip("torch")
    return [torch.arange(3.0)._typed_storage(), torch.arange(3.0).untyped_storage(), torch.UntypedStorage(0)]


def tree_of_points() -> Any:
    spatial = pytest.importorskip("scipy.spatial")
    return spatial.KDTree(np.random.default_rng(0).normal(size=(50, 3)))


def boosted_pipeline() -> Any:
    catboost = pytest.importorskip("catboost")
    pipeline = pytest.importorskip("sklearn.pipeline")
    features = np.random.default_rng(0).normal(size=(40, 2))
    model = catboost.CatBoostRegressor(iterations=2, verbose=0, allow_writing_files=False, thread_count=1)
    return pipeline.make_pipeline(model).fit(features, features[:, 0])


def overlapping_fields() -> Any:
    return np.zeros(2, np.dtype({"names": ["whole", "low"], "formats": ["<i4", "<i2"], "offsets": [0, 0]}))


EQUAL_WHEN_MADE_AGAIN: dict[str, Callable[[], Any]] = {
    "a weight with a note": noted_weight,
    "tied weights with a note": noted_weights,
    "a buffer of a module": registered_buffer,
    "storages": typed_storage,
    "a tree of points": tree_of_points,
    "a booster in a pipeline": boosted_pipeline,
    "fields that overlap": overlapping_fields,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", EQUAL_WHEN_MADE_AGAIN)
def test_a_value_that_is_made_again_has_the_same_content(shelf: Any, kind: str) -> None:
    first, second = EQUAL_WHEN_MADE_AGAIN[kind](), EQUAL_WHEN_MADE_AGAIN[kind]()
    assert shelf.save(first).content == shelf.save(second).content


def test_what_is_noted_on_weights_and_who_shares_them_comes_back(shelf: Any) -> None:
    again = shelf.round_trip(noted_weights())
    assert again["one"] is again["tied"] is again["layer"].weight
    assert again["one"]._is_hf_initialized is True
    again["part"][0] = 9
    assert again["one"].tolist() == [0, 9, 2, 3, 4, 5]


def test_another_note_on_a_weight_is_another_content(shelf: Any) -> None:
    changed = noted_weight()
    changed._is_hf_initialized = False
    assert shelf.save(changed).content != shelf.save(noted_weight()).content


def test_a_buffer_stays_what_it_is(shelf: Any) -> None:
    again = shelf.round_trip(registered_buffer())
    assert list(dict(again.named_buffers())) == ["mean"]
    assert again.mean.persistent is False


def test_storages_come_back(shelf: Any) -> None:
    typed, untyped, empty = shelf.round_trip(typed_storage())
    assert typed.tolist() == [0.0, 1.0, 2.0]
    assert bytes(untyped) == np.arange(3, dtype=np.float32).tobytes()
    assert empty.nbytes() == 0


def test_a_tree_of_points_finds_the_same_and_other_points_are_another_content(shelf: Any) -> None:
    tree = tree_of_points()
    assert shelf.round_trip(tree).query([0, 0, 0], k=3)[1].tolist() == tree.query([0, 0, 0], k=3)[1].tolist()
    assert shelf.save(type(tree)(tree.data + 1)).content != shelf.save(tree).content


def test_fields_that_overlap_come_back(shelf: Any) -> None:
    value = overlapping_fields()
    value["whole"] = 70_000
    again = shelf.round_trip(value)
    assert again.dtype == value.dtype
    assert again.tolist() == value.tolist()


def test_a_normal_distribution_does_not_become_a_standard_one(shelf: Any) -> None:
    stats = pytest.importorskip("scipy.stats")
    again = shelf.round_trip(stats.Normal(mu=1.0, sigma=2.0))
    assert (again.mu, again.sigma) == (1.0, 2.0)
    assert again.cdf(1.0) == 0.5


@pytest.mark.filterwarnings("ignore")
def test_an_encoded_text_keeps_the_number_of_its_sequences(shelf: Any) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    transformers = pytest.importorskip("transformers")
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0, "?": 1}, unk_token="?"))
    encoded = transformers.PreTrainedTokenizerFast(tokenizer_object=words, unk_token="?")(["a", "a"])
    again = shelf.round_trip(encoded)
    assert again.n_sequences == 1
    assert again.sequence_ids(0) == encoded.sequence_ids(0)
    assert again["input_ids"] == [[0], [0]]


@pytest.mark.filterwarnings("ignore")
def test_a_traced_module_inside_an_object_comes_back_and_computes(shelf: Any) -> None:
    torch = pytest.importorskip("torch")
    traced = torch.jit.trace(torch.nn.Linear(2, 1), torch.ones(1, 2))
    again = shelf.round_trip({"model": traced, "threshold": 0.5})
    assert torch.equal(again["model"](torch.ones(1, 2)), traced(torch.ones(1, 2)))


def test_how_long_a_search_took_is_no_part_of_its_content(shelf: Any) -> None:
    selection = pytest.importorskip("sklearn.model_selection")
    dummy = pytest.importorskip("sklearn.dummy")

    def search(strategies: list[str], seconds: float) -> Any:
        found = selection.GridSearchCV(dummy.DummyClassifier(), {"strategy": strategies}, cv=2)
        found.fit(np.zeros((4, 1)), [0, 1, 0, 1])
        found.refit_time_ = found.cv_results_["mean_fit_time"][:] = seconds
        return found

    contents = [shelf.save(search(["prior"], seconds)).content for seconds in (1.0, 2.0)]
    assert contents[0] == contents[1]
    assert shelf.save(search(["uniform"], 1.0)).content != contents[0]
    assert shelf.round_trip(search(["prior"], 3.0)).refit_time_ == 3.0


class Results:
    """Belongs to a library that gives attributes in the order of a set."""

    def __init__(self, *names: str) -> None:
        self.__dict__.update({name: len(name) for name in names})


def test_the_order_of_attributes_counts_only_where_it_says_something(monkeypatch: pytest.MonkeyPatch) -> None:
    def state(*names: str) -> Any:
        reduced = reduce_for_content(Results(*names))
        return reduced if reduced is NotImplemented else list(reduced[2].items())

    assert state("a", "bb") is NotImplemented
    monkeypatch.setattr(Results, "__module__", "statsmodels.results")
    assert state("bb", "a") == state("a", "bb") == [("a", 1), ("bb", 2)]
    monkeypatch.setattr(Results, "__reduce__", lambda self: (Results, ()), raising=False)
    assert state("a", "bb") is NotImplemented
