"""Files in which processes say what they are interested in: damaged, foreign and hostile ones."""

from __future__ import annotations

import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from zenconv import hashing
from zenconv.components.holds import Holds
from zenconv.components.machine import machine_id
from zenconv.locks import FileLock

DIGEST = hashing.digest_bytes(b"data")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "holds").mkdir()
    return tmp_path / "holds"


def write(folder: Path, first: bytes, *, age: float = 0) -> Path:
    path = folder / "1-0123456789abcdef"
    path.write_bytes(first + f"\n{DIGEST}\nno digest\nb3:torn".encode())
    os.utime(path, (time.time() - age,) * 2)
    return path


def header(guard: object, machine: str = machine_id()) -> bytes:
    return json.dumps({"guard": guard, "host": machine, "owner": "run 1"}).encode()


def living(folder: Path) -> set[str]:
    return Holds(str(folder)).living()


def test_what_counts_is_the_lock_that_is_named(folder: Path, tmp_path: Path):
    lock = FileLock(tmp_path / "guard")
    lock.acquire()
    path = write(folder, header(lock.path))
    assert living(folder) == {DIGEST}
    lock.release()
    assert living(folder) == set()
    Holds(str(folder)).forget_dead()
    assert not path.exists()


@pytest.mark.parametrize("age", [0, 40 * 86400])
def test_a_process_of_another_machine_counts_as_living_for_long(folder: Path, age: float):
    write(folder, header("/no/such/guard", "another machine"), age=age)
    assert living(folder) == ({DIGEST} if age == 0 else set())


@pytest.mark.parametrize("first", [b"", b"\xff\xfe", b"[1]", b'{"guard": 3}', header(3), header("a\0b")])
def test_in_doubt_a_young_file_counts(folder: Path, first: bytes):
    write(folder, first)
    assert living(folder) <= {DIGEST}
    write(folder, first, age=7200)
    assert living(folder) == set()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_what_is_no_plain_file_is_not_opened_to_look_for_a_lock(folder: Path, tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")  # opening it would wait for ever
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    for name in ("pipe", "link"):
        write(folder, header(str(tmp_path / name)))
        assert living(folder) == set()


def test_nothing_is_written_before_a_run_begins_and_nothing_left_when_it_ends(tmp_path: Path):
    holds = Holds(str(tmp_path / "holds"))
    holds.add([DIGEST])
    assert not (tmp_path / "holds").exists()
    lock = FileLock(tmp_path / "guard")
    lock.acquire()
    holds.begin(Path(lock.path), "run 1")
    holds.add([DIGEST])
    holds.add([DIGEST])
    (path,) = (tmp_path / "holds").iterdir()
    assert path.read_text().count(DIGEST) == 1
    holds.end()
    assert list((tmp_path / "holds").iterdir()) == []
    lock.close()


def test_several_threads_write_into_one_file(tmp_path: Path):
    lock = FileLock(tmp_path / "guard")
    lock.acquire()
    digests = [hashing.digest_bytes(str(number).encode()) for number in range(32)]
    for round_ in range(20):
        holds = Holds(str(tmp_path / f"holds{round_}"))
        holds.begin(Path(lock.path), "run 1")
        start = threading.Barrier(8)

        def add(own: list[str], holds: Holds = holds, start: threading.Barrier = start) -> None:
            start.wait(10)
            holds.add(own)

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(add, [digests[n::8] for n in range(8)]))
        assert len(os.listdir(holds.folder)) == 1
        assert living(Path(holds.folder)) == set(digests)
        holds.end()
