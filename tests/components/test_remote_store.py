"""The remote artifact store: the suite in memory, on files and on S3; copies; errors in one line."""

from __future__ import annotations

import functools
import os
import shutil
from pathlib import Path

import pytest

from zenconv import hashing
from zenconv.components.remote_files import RemoteFiles, hide_credentials
from zenconv.components.remote_store import RemoteStore
from zenconv.errors import CorruptArtifact, SettingsError, StoreError
from zenconv.testing.stores import ArtifactStoreSuite, SweepingSuite, put, read


def open_store(options: dict, folder: Path, number: int = 0) -> RemoteStore:
    return RemoteStore.from_options(options, root=folder, state=folder / f"state{number}")


class RemoteSuite(ArtifactStoreSuite):
    def damage(self, store, digest, data) -> None:
        store._files.replace(f"objects/{digest[3:5]}/{digest[3:]}", data)
        store._copies.delete([digest])


class TestFiles(RemoteSuite):
    @pytest.fixture
    def reopen(self, tmp_path: Path):
        options = {"url": f"file://{tmp_path}/remote"}
        return functools.partial(RemoteStore.from_options, options, root=tmp_path, state=tmp_path / "state")


class TestMemory(RemoteSuite):
    @pytest.fixture
    def reopen(self, tmp_path: Path):
        options = {"url": f"memory://{tmp_path.name}-{os.urandom(4).hex()}"}
        return lambda: RemoteStore.from_options(options, root=tmp_path, state=tmp_path / "state")


class TestS3(RemoteSuite):
    @pytest.fixture
    def reopen(self, tmp_path: Path, s3_options):
        return functools.partial(
            RemoteStore.from_options, s3_options, root=tmp_path, state=tmp_path / "state"
        )


class TestSweepingFiles(SweepingSuite):
    @pytest.fixture
    def reopen(self, tmp_path: Path):
        options = {"url": f"file://{tmp_path}/remote"}
        return functools.partial(RemoteStore.from_options, options, root=tmp_path, state=tmp_path / "state")


class TestSweepingMemory(SweepingSuite):
    @pytest.fixture
    def reopen(self, tmp_path: Path):
        options = {"url": f"memory://{tmp_path.name}-{os.urandom(4).hex()}"}
        return lambda: RemoteStore.from_options(options, root=tmp_path, state=tmp_path / "state")


class TestSweepingS3(SweepingSuite):
    @pytest.fixture
    def reopen(self, tmp_path: Path, s3_options):
        return functools.partial(
            RemoteStore.from_options, s3_options, root=tmp_path, state=tmp_path / "state"
        )


def test_two_machines_share_blobs(s3_options, tmp_path: Path):
    laptop, server = open_store(s3_options, tmp_path, 1), open_store(s3_options, tmp_path, 2)
    for data in (b"small", b"large" * 3_000_000):
        digest = put(laptop, data)
        assert server.has([digest]) == {digest}
        assert read(server, digest) == data
        assert server.local_path(digest).stat().st_mode & 0o222 == 0


def test_a_copy_here_is_read_without_the_network_but_does_not_count_as_present(tmp_path: Path):
    options = {"url": f"file://{tmp_path}/remote"}
    store = open_store(options, tmp_path)
    digest = put(store, b"data")
    shutil.rmtree(tmp_path / "remote")
    assert read(store, digest) == b"data"
    assert store.has([digest]) == set()
    put(store, b"data")
    assert store.has([digest]) == {digest}


def test_a_rotten_copy_does_not_take_the_sound_blob_from_everyone(tmp_path: Path):
    store = open_store({"url": f"file://{tmp_path}/remote"}, tmp_path)
    digest = put(store, b"sound")
    copy = store.local_path(digest)
    copy.chmod(0o644)
    copy.write_bytes(b"s0und")
    assert read(store, digest) == b"s0und"
    store.quarantine(digest)
    assert store.has([digest]) == {digest}
    assert read(store, digest) == b"sound"


def test_wrong_remote_bytes_never_become_a_copy(tmp_path: Path):
    store = open_store({"url": f"file://{tmp_path}/remote"}, tmp_path, 1)
    digest = put(store, b"original")
    blob = tmp_path / "remote" / "objects" / digest[3:5] / digest[3:]
    blob.write_bytes(b"0riginal")
    other = open_store({"url": f"file://{tmp_path}/remote"}, tmp_path, 2)
    with pytest.raises(CorruptArtifact, match="differ from its digest") as caught:
        other.open(digest)
    assert caught.value.digest == digest
    other.quarantine(digest)
    assert not blob.exists()
    assert (tmp_path / "remote" / "quarantine" / digest[3:]).read_bytes() == b"0riginal"


def test_a_link_in_a_shared_folder_is_refused(tmp_path: Path):
    (tmp_path / "secret").write_bytes(b"secret")
    digest = hashing.digest_bytes(b"secret")
    blob = tmp_path / "remote" / "objects" / digest[3:5] / digest[3:]
    blob.parent.mkdir(parents=True)
    blob.symlink_to(tmp_path / "secret")
    store = open_store({"url": f"file://{tmp_path}/remote"}, tmp_path)
    assert store.has([digest]) == set()
    with pytest.raises(CorruptArtifact):
        store.open(digest)


def test_a_url_without_scheme_is_a_folder_below_the_root(tmp_path: Path):
    store = open_store({"url": "shared/blobs"}, tmp_path)
    assert store.url == f"file://{tmp_path}/shared/blobs"
    put(store, b"x")
    assert (tmp_path / "shared" / "blobs" / "objects").is_dir()


def test_construction_touches_neither_disk_nor_network(tmp_path: Path):
    open_store({"url": "s3://bucket/x", "storage_options": {"endpoint_url": "http://127.0.0.1:1"}}, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "artifact store 'fsspec' needs the option 'url'\n    hint: url = \"s3://bucket/zenconv\""),
        ({"url": 1}, "option 'url' of the artifact store 'fsspec': expected str, got int 1"),
        (
            {"url": "s3://x", "storage_option": {}},
            "'storage_option' of the artifact store 'fsspec'\n    did you mean 'storage_options'",
        ),
        ({"url": "s3://x", "storage_options": "a"}, "expected dict, got str 'a'"),
    ],
)
def test_wrong_options_are_told(tmp_path: Path, options: dict, message: str):
    with pytest.raises(SettingsError) as caught:
        open_store(options, tmp_path)
    assert message in str(caught.value)


def test_a_missing_bucket_is_one_line_and_is_not_made(s3_options, tmp_path: Path):
    store = open_store({**s3_options, "url": "s3://nowhere-at-all/x"}, tmp_path)
    with pytest.raises(StoreError) as caught:
        put(store, b"x")
    assert str(caught.value).startswith("cannot write s3://nowhere-at-all/x/objects/")
    assert "\n" not in str(caught.value)


def test_an_unknown_protocol_and_a_missing_package_are_one_line(tmp_path: Path):
    with pytest.raises(
        StoreError, match=r"cannot open the store foo://x: ValueError: Protocol not known: foo"
    ):
        put(open_store({"url": "foo://x"}, tmp_path), b"x")
    with pytest.raises(StoreError, match=r"the store gs://x needs a package: ImportError: .*gcsfs"):
        open_store({"url": "gs://x"}, tmp_path).has([hashing.digest_bytes(b"")])


def test_an_unreachable_server_is_one_line_without_credentials(tmp_path: Path):
    storage = {
        "endpoint_url": "http://127.0.0.1:9",
        "key": "KEY123",
        "secret": "SECRET123",
        "config_kwargs": {"retries": {"max_attempts": 0}, "connect_timeout": 1},
    }
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    store = open_store({"url": "s3://bucket/x", "storage_options": storage}, tmp_path)
    with pytest.raises(StoreError) as caught:
        store.has([hashing.digest_bytes(b"x")])
    assert "cannot read s3://bucket/x/objects/" in str(caught.value)
    assert "SECRET123" not in str(caught.value)


def test_credentials_in_a_url_are_never_shown():
    assert hide_credentials("sftp://me:secret@host:22/a/b") == "sftp://host:22/a/b"
    assert hide_credentials("s3://bucket/a@b") == "s3://bucket/a@b"
    assert RemoteFiles("ftp://u:p@h/x").url == "ftp://h/x"


def test_a_full_local_disk_during_download_is_a_store_error(tmp_path: Path):
    options = {"url": f"file://{tmp_path}/remote"}
    digest = put(open_store(options, tmp_path, 1), b"data")
    (tmp_path / "state2").write_text("a file where the folder of copies belongs")
    with pytest.raises(StoreError, match="cannot"):
        open_store(options, tmp_path, 2).open(digest)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_opens_its_own_connection(s3_options, tmp_path: Path):
    import subprocess
    import sys

    script = (
        "import os, sys, json; from pathlib import Path\n"
        "from zenconv.components.remote_store import RemoteStore\n"
        "from zenconv.testing.stores import put, read\n"
        "folder = Path(sys.argv[2])\n"
        "store = RemoteStore.from_options(json.loads(sys.argv[1]), root=folder, state=folder)\n"
        "digest = put(store, b'x')\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    put(store, b'y'); os._exit(0 if store.has([digest]) else 1)\n"
        "print(os.waitpid(child, 0)[1], len(list(store.digests())))\n"
    )
    import json

    done = subprocess.run(
        [sys.executable, "-c", script, json.dumps(s3_options), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.split() == ["0", "2"], done.stderr
