"""Hugging Face data and tokenizers: Arrow and JSON, made in memory, never downloaded."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

datasets = pytest.importorskip("datasets")
tokenizers = pytest.importorskip("tokenizers")

pytestmark = pytest.mark.filterwarnings("ignore")

rows = st.lists(
    st.fixed_dictionaries(
        {
            "number": st.integers(-(2**63), 2**63 - 1),
            "text": st.text(max_size=5) | st.none(),
            "list": st.lists(st.floats(allow_nan=False), max_size=3),
        }
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows, st.integers(0, 9))
def test_generated_datasets_come_back_equal(shared_shelf: Any, items: Any, seed: int) -> None:
    made = datasets.Dataset.from_list(items).shuffle(seed=seed)
    again = shared_shelf.safe_round_trip(made)
    assert again.features == made.features
    assert again[:] == made[:]
    assert again._fingerprint == made._fingerprint
    equal = datasets.Dataset.from_list(made[:] and made.to_list(), features=made.features)
    assert shared_shelf.save(equal).content == shared_shelf.save(made).content


def labelled() -> Any:
    features = datasets.Features(
        {"a": datasets.Value("int32"), "label": datasets.ClassLabel(names=["no", "yes"])}
    )
    return datasets.Dataset.from_dict(
        {"a": range(20), "label": [0, 1] * 10}, features=features, split="train"
    )


def test_features_split_and_format_come_back(shelf: Any) -> None:
    made = labelled().with_format("numpy", columns=["a"])
    again = shelf.safe_round_trip(made)
    assert (again.features, again.split, again.format) == (made.features, made.split, made.format)
    assert type(again[0]["a"]) is type(made[0]["a"])


def test_a_loaded_dataset_can_be_mapped_and_filtered(shelf: Any) -> None:
    again = shelf.safe_round_trip(labelled())
    assert again.map(lambda row: {"b": row["a"] + 1})[3]["b"] == 4
    assert len(again.filter(lambda row: row["a"] > 15)) == 4
    assert again.cast_column("a", datasets.Value("int64"))[0]["a"] == 0


def test_a_selection_is_stored_without_the_rest(shelf: Any) -> None:
    big = datasets.Dataset.from_dict({"a": range(100_000)})
    assert shelf.save(big.shuffle(seed=1).select(range(10))).size < 5000
    assert shelf.save(big.select(range(10))).size < 5000


def test_a_dictionary_of_datasets_comes_back(shelf: Any) -> None:
    made = labelled().train_test_split(0.25, seed=1)
    artifact = shelf.save(made)
    assert not artifact.needs_trust
    again = shelf.load(artifact)
    assert type(again) is datasets.DatasetDict
    assert list(again) == ["train", "test"]
    assert again["test"][:] == made["test"][:]
    assert artifact.summary == {"rows": {"train": 15, "test": 5}}


def test_a_transform_that_is_code_needs_a_pickle(shelf: Any) -> None:
    artifact = shelf.save(labelled().with_transform(lambda batch: {"a": [n + 1 for n in batch["a"]]}))
    assert artifact.runs_code
    assert shelf.load(artifact)[0]["a"] == 1


def trained() -> Any:
    made = tokenizers.Tokenizer(tokenizers.models.BPE(unk_token="[UNK]"))
    made.normalizer = tokenizers.normalizers.Lowercase()
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    trainer = tokenizers.trainers.BpeTrainer(special_tokens=["[UNK]", "[PAD]"], show_progress=False)
    made.train_from_iterator(["hello world", "the quick brown fox"] * 5, trainer)
    made.enable_padding(length=8, pad_token="[PAD]", pad_id=1)
    made.enable_truncation(8)
    return made


@settings(max_examples=50, deadline=None)
@given(text=st.text(max_size=20))
def test_a_tokenizer_encodes_the_same(shared_shelf: Any, text: str) -> None:
    made = trained() if not hasattr(shared_shelf, "pair") else shared_shelf.pair[0]
    if not hasattr(shared_shelf, "pair"):
        shared_shelf.pair = (made, shared_shelf.safe_round_trip(made))
    assert shared_shelf.pair[1].encode(text).ids == made.encode(text).ids


def test_pretrained_tokenizers_come_back_with_their_template(shelf: Any) -> None:
    transformers = pytest.importorskip("transformers")
    made = transformers.PreTrainedTokenizerFast(
        tokenizer_object=trained(), unk_token="[UNK]", pad_token="[PAD]", chat_template="{{ messages }}"
    )
    artifact = shelf.save(made)
    assert not artifact.needs_trust
    again = shelf.load(artifact)
    assert type(again) is type(made)
    assert again("hello fox") == made("hello fox")
    assert again.special_tokens_map == made.special_tokens_map
    assert again.chat_template == made.chat_template
    assert artifact.summary == {"vocabulary": len(made)}
