"""The local artifact store: the suite, and what only a folder can get wrong."""

from __future__ import annotations

import errno
import functools
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zenconv import hashing
from zenconv.components.local_store import LocalStore
from zenconv.components.spool import store_error
from zenconv.errors import CorruptArtifact, SettingsError, StoreError
from zenconv.testing.stores import ArtifactStoreSuite, SweepingSuite, put, read


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


def blob_path(store: LocalStore, digest: str) -> Path:
    return store.path / "objects" / digest[3:5] / digest[3:]


class TestSuite(ArtifactStoreSuite):
    @pytest.fixture
    def reopen(self, tmp_path: Path):
        return functools.partial(LocalStore, str(tmp_path / "store"))


class TestSweeping(SweepingSuite):
    @pytest.fixture
    def reopen(self, tmp_path: Path):
        return functools.partial(LocalStore, str(tmp_path / "store"))


def test_the_default_folder_is_store_in_the_state_folder(tmp_path: Path):
    store = LocalStore.from_options({"id": "local"}, root=tmp_path, state=tmp_path / ".zenconv")
    assert store.path == tmp_path / ".zenconv" / "store"


def test_a_path_is_relative_to_the_root(tmp_path: Path):
    store = LocalStore.from_options({"path": "data/blobs"}, root=tmp_path, state=tmp_path / ".zenconv")
    assert store.path == tmp_path / "data" / "blobs"
    store = LocalStore.from_options({"path": "/x/y"}, root=tmp_path, state=tmp_path)
    assert store.path == Path("/x/y")


def test_all_wrong_options_are_told_at_once(tmp_path: Path):
    with pytest.raises(SettingsError) as caught:
        LocalStore.from_options({"pth": "x", "path": 3}, root=tmp_path, state=tmp_path)
    assert str(caught.value) == (
        "unknown option 'pth' of the artifact store 'local'\n    did you mean 'path'?\n"
        "option 'path' of the artifact store 'local': expected str, got int 3"
    )


def test_reading_an_empty_store_writes_nothing(store: LocalStore, tmp_path: Path):
    digest = hashing.digest_bytes(b"x")
    assert store.has([digest]) == set()
    assert list(store.digests()) == []
    store.quarantine(digest)
    store.delete([digest])
    store.sync()
    assert list(tmp_path.iterdir()) == []


def test_blobs_are_read_only_files_named_by_their_digest(store: LocalStore):
    digest = put(store, b"abc")
    path = blob_path(store, digest)
    assert store.local_path(digest) == path
    assert path.stat().st_mode & 0o777 == 0o444


def test_the_spool_is_empty_after_every_ending(store: LocalStore):
    put(store, b"small")
    put(store, b"large" * 100_000)
    put(store, b"large" * 100_000)
    writer = store.writer()
    writer.write(b"aborted" * 100_000)
    writer.abort()
    assert os.listdir(store.path / "spool") == []


def test_a_torn_file_is_replaced_by_the_next_commit(store: LocalStore):
    digest = put(store, b"x" * 10_000)
    path = blob_path(store, digest)
    path.unlink()
    path.write_bytes(b"x" * 100)
    put(store, b"x" * 10_000)
    assert read(store, digest) == b"x" * 10_000


def test_a_folder_removed_in_between_is_made_again(store: LocalStore):
    import shutil

    put(store, b"one")
    shutil.rmtree(store.path)
    assert read(store, put(store, b"one")) == b"one"


@pytest.mark.parametrize("place", ["file", "shard", "objects"])
def test_links_are_refused(store: LocalStore, tmp_path: Path, place: str):
    digest = put(store, b"secret")
    path = {"file": blob_path(store, digest), "shard": blob_path(store, digest).parent}.get(
        place, store.path / "objects"
    )
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    fresh = LocalStore(store.path)
    for action in (fresh.open, fresh.local_path):
        with pytest.raises(CorruptArtifact, match="is a link, which is refused"):
            action(digest)
    assert fresh.has([digest]) == set()


def test_nothing_is_written_through_a_link(store: LocalStore, tmp_path: Path):
    digest = hashing.digest_bytes(b"new")
    (tmp_path / "elsewhere").mkdir()
    blob_path(store, digest).parent.parent.mkdir(parents=True)
    blob_path(store, digest).parent.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="is a link, which is refused"):
        put(store, b"new")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_link_in_place_of_a_blob_is_replaced_not_followed(store: LocalStore, tmp_path: Path):
    target = tmp_path / "victim"
    target.write_bytes(b"keep")
    digest = put(store, b"mine")
    blob_path(store, digest).unlink()
    blob_path(store, digest).symlink_to(target)
    put(store, b"mine")
    assert read(store, digest) == b"mine"
    assert target.read_bytes() == b"keep"


def test_a_named_pipe_does_not_block(store: LocalStore):
    digest = put(store, b"pipe")
    blob_path(store, digest).unlink()
    os.mkfifo(blob_path(store, digest))
    with pytest.raises(CorruptArtifact):
        store.open(digest)


def test_foreign_files_are_not_blobs(store: LocalStore):
    digest = put(store, b"blob")
    (blob_path(store, digest).parent / "README").write_text("hello")
    (store.path / "objects" / "note.txt").write_text("hello")
    assert list(store.digests()) == [(digest, 4)]


def test_the_spool_files_of_dead_writers_are_removed_and_those_of_living_ones_kept(store: LocalStore):
    living = store.writer()
    living.write(b"living" * 100_000)
    spool = store.path / "spool"
    (spool / "1-dead").write_bytes(b"x")
    (spool / "2-young").write_bytes(b"x")
    old = time.time() - 3600
    for path in spool.iterdir():
        if path.name != "2-young":
            os.utime(path, (old, old))
    assert LocalStore(store.path).spool.clean() == 1
    assert sorted(path.name for path in spool.iterdir() if path.name.startswith(("1-", "2-"))) == ["2-young"]
    digest, _ = living.commit()
    assert store.has([digest]) == {digest}


def test_sync_forces_out_what_was_written_since_the_last_call(store: LocalStore, monkeypatch):
    forced: list[int] = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (forced.append(descriptor), real(descriptor))[1])
    first = put(store, b"one")
    store.sync()
    assert len(forced) == 4  # the blob, its folder, objects, the store
    store.sync()
    assert len(forced) == 4
    put(store, b"one")
    store.delete([first])
    put(store, b"two")
    store.sync()
    assert len(forced) == 8


@settings(max_examples=40, deadline=None)
@given(
    pieces=st.lists(st.binary(max_size=2000) | st.integers(1, 300_000).map(lambda n: b"z" * n), max_size=6)
)
def test_the_digest_is_that_of_all_pieces_together(tmp_path_factory, pieces: list[bytes]):
    store = LocalStore(tmp_path_factory.mktemp("law"))
    with store.writer() as writer:
        for piece in pieces:
            writer.write(piece)
        digest, size = writer.commit()
    assert digest == hashing.digest_bytes(b"".join(pieces))
    assert size == sum(map(len, pieces))
    assert read(store, digest) == b"".join(pieces)


def run_in_namespace(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script where it may mount file systems that nobody else sees."""
    probe = subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip(f"cannot make a mount namespace: {probe.stderr.decode().strip()}")
    return subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, "sh", sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )


FULL_DISK = """
import os, sys
from zenconv.components.local_store import LocalStore
from zenconv.errors import StoreError
store = LocalStore(sys.argv[1] + "/store")
writer = store.writer()
writer.write(b"fits"); print(writer.commit()[1])
for size in (4_000_000, 300_000):
    try:
        writer = store.writer()
        for number in range(10):
            writer.write(bytes([number]) * size)
        writer.commit()
    except StoreError as error:
        print(str(error).splitlines()[0].partition(": ")[2], "|", error.hint)
print(len(list(store.digests())), os.listdir(sys.argv[1] + "/store/spool"))
writer = store.writer()
writer.write(b"fits again"); print(writer.commit()[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a small file system")
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path):
    script = 'mount -t tmpfs -o size=1m none "$2" && "$1" -c "$3" "$2"'
    done = run_in_namespace(script, str(tmp_path), FULL_DISK)
    assert done.stdout.splitlines() == [
        "4",
        "No space left on device | free some space there; the next run resumes where this one stopped",
        "No space left on device | free some space there; the next run resumes where this one stopped",
        "1 []",
        "10",
    ], done.stderr


READ_ONLY = """
import sys
from zenconv.components.local_store import LocalStore
from zenconv.errors import StoreError
from zenconv.testing.stores import put, read
store = LocalStore(sys.argv[1] + "/store")
digests = [digest for digest, _ in store.digests()]
print(read(store, digests[0]).decode(), len(store.has(digests)), put(store, b"there") == digests[0])
actions = (lambda: put(store, b"new"), lambda: store.delete(digests), lambda: store.quarantine(digests[0]))
for action in actions:
    try:
        action()
    except StoreError as error:
        print(str(error).splitlines()[0].rpartition(": ")[2])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="mounts read-only")
def test_a_read_only_store_can_be_read_and_says_so_when_written(tmp_path: Path):
    put(LocalStore(tmp_path / "store"), b"there")
    script = 'mount --bind "$2" "$2" && mount -o remount,bind,ro "$2" && "$1" -c "$3" "$2"'
    done = run_in_namespace(script, str(tmp_path), READ_ONLY)
    assert done.stdout.splitlines() == ["there 1 True"] + ["Read-only file system"] * 3, done.stderr


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EDQUOT, "free some space"),
        (errno.EROFS, "writable folder"),
        (errno.EACCES, "writable folder"),
        (errno.EIO, ""),
    ],
)
def test_an_error_names_the_file_and_the_cause(number: int, hint: str):
    error = store_error("write", "/x/store/spool/1", OSError(number, os.strerror(number)))
    assert error.what == f"cannot write /x/store/spool/1: {os.strerror(number)}"
    assert hint in error.hint
    assert error.exit_code == 1


LIMITED = """
import resource, signal, sys
from zenconv.components.local_store import LocalStore
from zenconv.errors import StoreError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
store = LocalStore(sys.argv[1])
try:
    with store.writer() as writer:
        writer.write(b"x" * 5_000_000)
except StoreError as error:
    print(error)
print(list(store.spool.folder and __import__("os").listdir(store.spool.folder)))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits")
def test_a_refused_write_removes_the_spool_file(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "s")], capture_output=True, text=True, check=False
    )
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"cannot write {tmp_path}/s/spool/"), done.stderr
    assert lines[0].endswith("File too large")
    assert lines[1] == "[]"
