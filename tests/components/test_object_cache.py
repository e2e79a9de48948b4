"""The action cache of objects: the suite in memory, on files and on S3; expiry and fencing."""

from __future__ import annotations

import functools
import json
import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.components.meeting import wait_until
from zenconv.components import object_cache
from zenconv.components.object_cache import ObjectActionCache
from zenconv.components.remote_files import RemoteFiles
from zenconv.errors import SettingsError
from zenconv.testing.stores import ActionCacheSuite, make_entry, make_key


class ObjectSuite(ActionCacheSuite):
    takeover_seconds = 20.0
    many_claims = 200

    def damage(self, cache, key) -> None:
        path = f"actions/{key.local}/{key.inputs}.json"
        changed = cache._files.read(path).replace(b"0.25", b"0.75")
        cache._files.replace(path, changed)


def claims_for(request: pytest.FixtureRequest) -> dict:
    """Let claims expire soon only where they have to: a machine that is busy may stop for seconds."""
    return {"claim_seconds": 3 if "killed" in request.node.name else 90}


class TestFiles(ObjectSuite):
    @pytest.fixture
    def reopen(self, request: pytest.FixtureRequest, tmp_path: Path):
        options = {"url": f"file://{tmp_path}/remote", **claims_for(request)}
        return functools.partial(ObjectActionCache.from_options, options, root=tmp_path, state=tmp_path)


class TestMemory(ObjectSuite):
    @pytest.fixture
    def reopen(self, request: pytest.FixtureRequest, tmp_path: Path):
        options = {"url": f"memory://{tmp_path.name}-{os.urandom(4).hex()}", **claims_for(request)}
        return lambda: ObjectActionCache.from_options(options, root=tmp_path, state=tmp_path)


class TestS3(ObjectSuite):
    many_claims = 40

    @pytest.fixture
    def reopen(self, request: pytest.FixtureRequest, tmp_path: Path, s3_options):
        options = {**s3_options, **claims_for(request)}
        return functools.partial(ObjectActionCache.from_options, options, root=tmp_path, state=tmp_path)


@pytest.fixture
def files(tmp_path: Path) -> RemoteFiles:
    return RemoteFiles(f"file://{tmp_path}/remote")


KEY = make_key("a")


def read_expiry(files: RemoteFiles, holder: ObjectActionCache) -> float:
    """Return until when the claims of `holder` count without another sign of life."""
    data = files.read(f"leases/{holder._owner}.json")
    assert data is not None
    return float(json.loads(data)["expires"])


def stop_renewing(cache: ObjectActionCache) -> None:
    """Let the claims of `cache` expire, as of a process that is stopped or cut off."""
    cache._stop.set()
    cache._renewer.join()


def test_a_living_holder_renews_its_claim(files: RemoteFiles, monkeypatch: pytest.MonkeyPatch):
    clock = SimpleNamespace(now=1_000_000.0)
    monkeypatch.setattr(object_cache, "time", SimpleNamespace(time=lambda: clock.now))
    holder, other = (ObjectActionCache(files, claim_seconds=0.3) for _ in range(2))
    assert holder.claim(KEY)
    for _ in range(4):
        clock.now += 0.2
        wait_until(lambda: read_expiry(files, holder) > clock.now + 0.2)
        assert not other.claim(KEY)
    holder.close()
    assert other.claim(KEY)
    other.close()


def test_an_expired_claim_is_taken_over_by_exactly_one(files: RemoteFiles):
    dead = ObjectActionCache(files, claim_seconds=0.05)
    assert dead.claim(KEY)
    stop_renewing(dead)
    time.sleep(0.1)
    others = [ObjectActionCache(files, claim_seconds=60) for _ in range(5)]
    assert sum(other.claim(KEY) for other in others) == 1
    for other in others:
        other.close()


def test_a_holder_who_was_overtaken_replaces_nothing(files: RemoteFiles):
    slow = ObjectActionCache(files, claim_seconds=0.05)
    assert slow.claim(KEY)
    stop_renewing(slow)
    time.sleep(0.1)
    quick = ObjectActionCache(files, claim_seconds=60)
    assert quick.claim(KEY)
    quick.publish(make_entry(KEY, "quick"))
    slow.publish(make_entry(KEY, "slow"))
    assert quick.look_up([KEY]) == {KEY: make_entry(KEY, "quick")}


def test_an_overtaken_holder_does_not_release_the_claim_of_its_successor(files: RemoteFiles):
    slow = ObjectActionCache(files, claim_seconds=0.05)
    assert slow.claim(KEY)
    stop_renewing(slow)
    time.sleep(0.1)
    quick = ObjectActionCache(files, claim_seconds=60)
    assert quick.claim(KEY)
    slow.release(KEY)
    assert not ObjectActionCache(files).claim(KEY)
    quick.close()


def test_what_an_overtaken_holder_computed_first_is_kept(files: RemoteFiles):
    slow = ObjectActionCache(files, claim_seconds=0.05)
    assert slow.claim(KEY)
    stop_renewing(slow)
    time.sleep(0.1)
    quick = ObjectActionCache(files, claim_seconds=60)
    assert quick.claim(KEY)
    slow.publish(make_entry(KEY, "slow"))
    assert quick.look_up([KEY]) == {KEY: make_entry(KEY, "slow")}
    quick.close()


@pytest.mark.parametrize(
    "garbage", [b"", b"{", b"null", b'{"owner": 1}', b"\xff\xfe", b'{"owner": "../../x"}']
)
def test_an_unreadable_claim_blocks_nobody(files: RemoteFiles, garbage: bytes):
    files.replace(f"claims/{KEY.local}/{KEY.inputs}/00000001.json", garbage)
    cache = ObjectActionCache(files)
    assert cache.claim(KEY)
    cache.close()


@pytest.mark.parametrize(
    "garbage", [b"", b"{", b"null\n{}", b'{"checksum": "zz"}\n{}', b'{"checksum": 5}\n{}', b"\xff" * 100]
)
def test_an_unreadable_entry_is_a_miss(files: RemoteFiles, garbage: bytes):
    files.replace(f"actions/{KEY.local}/{KEY.inputs}.json", garbage)
    cache = ObjectActionCache(files)
    assert cache.look_up([KEY]) == {}
    assert list(cache.entries()) == []


def test_an_entry_moved_to_another_key_is_a_miss(files: RemoteFiles):
    cache = ObjectActionCache(files)
    cache.publish(make_entry(KEY))
    other = make_key("b")
    data = files.read(f"actions/{KEY.local}/{KEY.inputs}.json")
    assert data is not None
    files.replace(f"actions/{other.local}/{other.inputs}.json", data)
    assert cache.look_up([other]) == {}


def test_foreign_objects_are_passed_over(files: RemoteFiles):
    cache = ObjectActionCache(files)
    cache.publish(make_entry(KEY))
    files.replace("actions/README", b"hello")
    files.replace("actions/notes/x.json", b"hello")
    files.replace(f"actions/{KEY.local}/tmp.draft", b"hello")
    assert [entry.key for entry in cache.entries()] == [KEY]


@pytest.mark.parametrize("garbage", [b"", b"{", b'{"expires": "soon"}', b"[]"])
def test_an_unreadable_lease_has_expired(files: RemoteFiles, garbage: bytes):
    holder, other = ObjectActionCache(files), ObjectActionCache(files)
    assert holder.claim(KEY)
    files.replace(f"leases/{holder._owner}.json", garbage)
    assert other.claim(KEY)
    other.close()
    holder.close()


def test_closing_leaves_neither_claims_nor_leases(files: RemoteFiles, tmp_path: Path):
    cache = ObjectActionCache(files)
    assert cache.claim(KEY)
    cache.close()
    assert [path for path in (tmp_path / "remote").rglob("*") if path.is_file()] == []


def test_publishing_leaves_no_claim_behind(files: RemoteFiles, tmp_path: Path):
    cache = ObjectActionCache(files)
    assert cache.claim(KEY)
    cache.publish(make_entry(KEY))
    assert [path for path in (tmp_path / "remote" / "claims").rglob("*") if path.is_file()] == []
    cache.close()


@pytest.mark.parametrize("seconds", [0, -1])
def test_a_claim_must_last(tmp_path: Path, seconds: float):
    with pytest.raises(
        SettingsError, match=f"'claim_seconds' of the action cache 'objects': {seconds} is not above 0"
    ):
        ObjectActionCache.from_options(
            {"url": "memory://x", "claim_seconds": seconds}, root=tmp_path, state=tmp_path
        )


def test_an_unknown_option_is_told(tmp_path: Path):
    with pytest.raises(SettingsError, match="unknown option 'ulr' of the action cache 'objects'"):
        ObjectActionCache.from_options({"ulr": "memory://x"}, root=tmp_path, state=tmp_path)
