"""Pins: entries that no step has, kept in any cache, seen by whoever cleans."""

from __future__ import annotations

from pathlib import Path

from zenconv import hashing
from zenconv.components.sqlite_cache import SqliteActionCache
from zenconv.stack.pins import digests_of, is_pin, keys_of, pin, pin_key, unpin
from zenconv.testing.stores import make_entry, make_key

DIGESTS = {hashing.digest_bytes(text) for text in (b"one", b"two")}


def test_a_pin_holds_its_digests_until_it_is_given_up(tmp_path: Path):
    cache = SqliteActionCache(tmp_path / "actions.db")
    pin(cache, "model", "churn 3", DIGESTS, "a test")
    (entry,) = cache.entries()
    assert is_pin(entry)
    assert digests_of(entry) == DIGESTS
    assert entry.writer == "a test"
    pin(cache, "model", "churn 3", [], "a test")
    assert [digests_of(entry) for entry in cache.entries()] == [set()]
    unpin(cache, "model", ["churn 3", "never made"])
    assert list(cache.entries()) == []


def test_a_pin_keeps_entries_by_their_keys(tmp_path: Path):
    cache = SqliteActionCache(tmp_path / "actions.db")
    keys = {str(make_key("a")), str(make_key("b"))}
    pin(cache, "run", "1", DIGESTS, "a test", keys=keys)
    (entry,) = cache.entries()
    assert keys_of(entry) == keys
    assert digests_of(entry) >= DIGESTS
    assert keys_of(make_entry(make_key("a"))) == set()


def test_results_of_steps_are_no_pins_and_names_are_told_apart(tmp_path: Path):
    assert not is_pin(make_entry(make_key("a")))
    keys = {pin_key(kind, name) for kind, name in [("run", "1"), ("run", "2"), ("model", "1"), ("ru", "n1")]}
    assert len(keys) == 4
