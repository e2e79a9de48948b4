"""When what was written is forced to the disk."""

from __future__ import annotations

import threading

from zenconv.engine.durability import Durability
from zenconv.errors import StoreError

LONG = 3600.0


class Disk:
    """Stands for whatever is forced out; says when it was asked to, and by which thread."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.is_asked = threading.Event()

    def sync(self) -> None:
        self.asked.append(threading.current_thread().name)
        self.is_asked.set()


def test_little_waits_for_the_end():
    disk = Disk()
    durability = Durability([disk.sync], LONG)
    durability.note(1000)
    durability.note()
    assert disk.asked == []
    assert durability.finish() == []
    assert disk.asked == ["MainThread"]


def test_much_is_begun_at_once_beside_the_steps():
    disk = Disk()
    durability = Durability([disk.sync], LONG)
    durability.note(40 << 20)
    durability.note(40 << 20)
    assert disk.is_asked.wait(30)
    assert durability.finish() == []
    assert disk.asked == ["zenconv-sync"], "nothing came after it"


def test_what_comes_after_much_counts_anew():
    disk = Disk()
    durability = Durability([disk.sync], LONG)
    durability.note(80 << 20)
    assert disk.is_asked.wait(30)
    durability.note(1)
    assert durability.finish() == []
    assert disk.asked == ["zenconv-sync", "MainThread"]


def test_after_the_interval_a_little_is_forced_out_too():
    disk = Disk()
    durability = Durability([disk.sync], 0.0)
    durability.note()
    assert disk.is_asked.wait(30)
    durability.finish()
    assert disk.asked[0] == "zenconv-sync"


def test_a_disk_that_fails_is_told_about_once_and_the_others_are_forced_out():
    disk = Disk()

    def broken() -> None:
        raise StoreError("the disk is gone")

    durability = Durability([broken, disk.sync], LONG)
    durability.note(80 << 20)
    assert disk.is_asked.wait(30)
    durability.note()
    assert durability.finish() == ["not everything has reached the disk: the disk is gone"]
    assert durability.finish() == [], "nothing is left to force out"


def test_nothing_written_forces_nothing_out():
    disk = Disk()
    assert Durability([disk.sync], LONG).finish() == []
    assert disk.asked == []
