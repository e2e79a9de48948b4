"""What logs mention, found by pattern: all of it, wherever a block of reading ends."""

from __future__ import annotations

from pathlib import Path

from zenconv import hashing
from zenconv.records import mentioned
from zenconv.records.artifact import Artifact, StoredFile
from zenconv.records.mentioned import Mentioned, find_stored
from zenconv.testing.logs import cache_key, finished, new_state, succeeded_run, text_artifact, write_run

DIGEST = hashing.digest_bytes(b"big")


def test_digests_and_keys_of_a_real_log_are_found(tmp_path: Path):
    state = new_state(tmp_path)
    folder = succeeded_run(state)
    found = Mentioned()
    assert found.read(folder.log) == folder.log.stat().st_size
    assert text_artifact("raw").files[0].digest in found.digests
    assert {cache_key("raw"), cache_key("churn"), cache_key("metrics")} <= found.keys


def test_a_digest_is_found_wherever_a_block_ends(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(mentioned, "_BLOCK", 1000)
    log = tmp_path / "events.log"
    for padding in range(900, 1010):
        log.write_bytes(b"x" * padding + f'"{DIGEST}" "{cache_key("k")}"'.encode() + b"y" * 300)
        found = Mentioned()
        found.read(log)
        assert (found.digests, found.keys) == ({DIGEST}, {cache_key("k")})


def test_what_a_damaged_line_and_unknown_events_say_is_kept_too(tmp_path: Path):
    log = tmp_path / "events.log"
    other = hashing.digest_bytes(b"other")
    log.write_bytes(f'garbage {{"model":"{DIGEST}"\n00000000 {{"of_tomorrow":["{other}"]}}\n'.encode())
    found = Mentioned()
    found.read(log)
    assert found.digests == {DIGEST, other}


def test_only_what_lies_in_the_store_is_found_where_that_is_asked_for(tmp_path: Path):
    big = Artifact(DIGEST, "numpy/1", "x", (StoredFile('a "name"', DIGEST, 5000),))
    folder = write_run(new_state(tmp_path), [finished("a", outputs={"": big.to_json()}), finished("b")])
    found = find_stored(folder.log)
    assert (found.digests, found.keys) == ({DIGEST}, {cache_key("a"), cache_key("b")})
    assert find_stored(folder.log, folder.log.stat().st_size).keys == set()
