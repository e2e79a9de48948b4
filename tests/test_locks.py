"""The file lock: who holds it, for how long, and what a fork may not change."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from zenconv.errors import StoreError
from zenconv.locks import FileLock, is_held

HOLDER = """
import sys, time
from zenconv.locks import FileLock
lock = FileLock(sys.argv[1])
assert lock.acquire()
print("held", flush=True)
time.sleep(600)
"""


def start_holder(path: Path, script: str = HOLDER) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "held"
    return process


def test_one_holder_at_a_time(tmp_path: Path):
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.acquire()
    assert first.is_held
    assert not second.acquire()
    assert not first.acquire()
    first.release()
    first.release()
    assert second.acquire()
    second.close()
    assert first.acquire()
    first.close()


def test_the_folder_is_made_when_needed(tmp_path: Path):
    lock = FileLock(tmp_path / "a" / "b" / "lock")
    assert list(tmp_path.iterdir()) == []
    assert lock.acquire()
    lock.close(remove=True)
    assert not (tmp_path / "a" / "b" / "lock").exists()


def test_is_held_tells_free_missing_and_held(tmp_path: Path):
    path = tmp_path / "lock"
    assert not is_held(path)
    lock = FileLock(path)
    lock.acquire()
    assert is_held(path)
    assert is_held(path)
    lock.release()
    assert not is_held(path)
    assert lock.acquire()
    lock.close()


def test_a_killed_holder_holds_no_more(tmp_path: Path):
    process = start_holder(tmp_path / "lock")
    lock = FileLock(tmp_path / "lock")
    assert is_held(tmp_path / "lock")
    assert not lock.acquire(timeout=0.05)
    process.kill()
    process.wait()
    assert not is_held(tmp_path / "lock")
    assert lock.acquire()
    lock.close()


def test_waiting_ends_as_soon_as_the_lock_is_free(tmp_path: Path):
    holder, waiter = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    holder.acquire()
    threading.Timer(0.1, holder.release).start()
    began = time.monotonic()
    assert waiter.acquire(timeout=30)
    assert time.monotonic() - began < 20
    waiter.close()
    holder.close()


def test_probing_never_makes_an_acquisition_fail(tmp_path: Path):
    path = tmp_path / "lock"
    lock = FileLock(path)
    lock.acquire()
    lock.release()
    stop = threading.Event()

    def probe() -> None:
        while not stop.is_set():
            is_held(path)

    threads = [threading.Thread(target=probe) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(200):
            assert lock.acquire(timeout=30)
            lock.release()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        lock.close()


def test_a_removed_lock_file_is_not_mistaken_for_the_lock(tmp_path: Path):
    path = tmp_path / "lock"
    old = FileLock(path)
    old.acquire()
    path.unlink()
    new = FileLock(path)
    assert new.acquire()
    old.release()
    assert not old.acquire()
    new.close(remove=True)
    assert old.acquire()
    old.close()


def test_threads_exclude_each_other(tmp_path: Path):
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(30):
            with FileLock(tmp_path / "lock"):
                inside += 1
                most = max(most, inside)
                time.sleep(0)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


FORKER = """
import os, sys, time
from zenconv.locks import FileLock
lock = FileLock(sys.argv[1])
assert lock.acquire()
reading, writing = os.pipe()
child = os.fork()
if not child:
    assert not lock.is_held
    lock.release(); lock.close()
    os.write(writing, b"x")
    time.sleep(600)
assert os.read(reading, 1) == b"x"
print("held", flush=True)
print(child, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_neither_holds_nor_releases_the_lock(tmp_path: Path):
    process = start_holder(tmp_path / "lock", FORKER)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    try:
        assert is_held(tmp_path / "lock")
        process.kill()
        process.wait()
        os.kill(child, 0)
        assert not is_held(tmp_path / "lock")
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_started_program_does_not_inherit_the_lock(tmp_path: Path):
    script = HOLDER.replace(
        'print("held"', 'import subprocess; p = subprocess.Popen(["sleep", "600"]); print("held"'
    ).replace("time.sleep(600)", "print(p.pid, flush=True); time.sleep(600)")
    process = start_holder(tmp_path / "lock", script)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.kill()
    process.wait()
    assert not is_held(tmp_path / "lock")
    os.kill(child, signal.SIGKILL)


def test_reading_the_lock_file_does_not_release_it(tmp_path: Path):
    lock = FileLock(tmp_path / "lock")
    lock.acquire()
    assert (tmp_path / "lock").read_bytes() == b""
    assert is_held(tmp_path / "lock")
    lock.close()


def test_a_lock_that_cannot_be_made_names_the_file(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError) as caught:
        FileLock(tmp_path / "file" / "lock").acquire()
    assert str(caught.value).startswith(f"cannot lock {tmp_path}/file/lock: ")


def test_a_link_is_no_lock_file(tmp_path: Path):
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="cannot lock"):
        FileLock(tmp_path / "lock").acquire()
    assert not (tmp_path / "elsewhere").exists()


def test_a_forgotten_lock_is_released(tmp_path: Path):
    FileLock(tmp_path / "lock").acquire()
    assert not is_held(tmp_path / "lock")
