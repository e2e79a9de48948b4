"""Whatever a process starts is found below it and ends with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from zenconv.engine.descendants import Started, kill_tree, list_descendants, now_in_ticks

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt orphans")

SCRIPT = """
import os, signal, subprocess, sys, time
from zenconv.engine.descendants import Adoption, Started, has_children, kill_own, list_descendants

def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())  # whole lines, whoever else writes

def daemon():
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in range(1, 32):
                if number not in (signal.SIGKILL, signal.SIGSTOP):
                    signal.signal(number, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            say(os.getpid())
            os.write(writing, b"x")
            time.sleep(300)
        os._exit(0)
    os.wait()
    os.read(reading, 1)

def program():
    say(subprocess.Popen(["sleep", "300"], start_new_session=True).pid)

def family():
    if os.fork() == 0:
        for _ in range(3):
            if os.fork() == 0:
                say(os.getpid())
                time.sleep(300)
        time.sleep(300)
"""


def start_script(body: str) -> subprocess.Popen[str]:
    script = textwrap.dedent(SCRIPT) + textwrap.dedent(body)
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)


def start(body: str, count: int) -> tuple[subprocess.Popen[str], list[int]]:
    process = start_script(body)
    assert process.stdout is not None
    return process, [int(process.stdout.readline()) for _ in range(count)]


def is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stream:
            return stream.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def await_end(pids: list[int], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while any(map(is_running, pids)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [pid for pid in pids if is_running(pid)] == []


def test_daemons_sessions_and_grandchildren_end_with_the_process_that_adopts_them() -> None:
    body = """
    with Adoption():
        daemon()
        program()
        family()
        time.sleep(300)
    """
    process, pids = start(body, 5)
    time.sleep(0.1)
    assert set(pids) <= set(list_descendants(process.pid))
    kill_tree(process.pid)
    assert process.wait(60) == -signal.SIGKILL
    await_end(pids)


@pytest.mark.parametrize("away", ["os.setsid()", "os.setpgid(0, 0)", "pass"])
def test_processes_that_go_on_forking_are_all_caught(away: str) -> None:
    body = f"""
    end = time.monotonic() + 30  # so that nothing is left of a test that is broken off
    with Adoption():
        if os.fork() == 0:
            {away}
            say("begun")
            while time.monotonic() < end:
                if os.fork() == 0:
                    continue  # the child goes on, and its parent ends: the tree never stands still
                os._exit(0)
            say("never caught")
            os._exit(0)
        time.sleep(300)
    """
    process = start_script(body)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    time.sleep(0.05)
    kill_tree(process.pid)
    process.wait(60)
    assert process.stdout.read() == ""  # it ends when nobody holds the pipe any more


def test_a_process_ends_what_it_started_itself_except_what_it_spares() -> None:
    body = """
    with Adoption():
        program()
        before = Started(frozenset(list_descendants(os.getpid())))
        assert has_children()
        daemon()
        program()
        kill_own(before)
        say(*list_descendants(os.getpid()))
        kill_own()
        say(has_children())
    """
    process, (spared, daemon, program, left) = start(body, 4)
    await_end([daemon, program])
    assert left == spared
    assert process.stdout is not None
    assert process.stdout.read() == "False\n"
    await_end([spared])
    process.wait(60)


def test_nothing_is_found_below_a_process_that_is_gone() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait(60)
    assert list_descendants(process.pid) == []
    kill_tree(process.pid)


def test_what_is_below_a_spared_process_is_spared_too() -> None:
    process, pids = start("family()\ntime.sleep(300)", 3)
    (child,) = (int(field) for field in _children(process.pid))
    try:
        assert set(pids) < set(list_descendants(process.pid))
        assert list_descendants(process.pid, Started(frozenset([child]))) == []
    finally:
        kill_tree(process.pid)
        process.wait(60)


def _children(pid: int) -> list[str]:
    done = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return done.stdout.split()


def test_a_process_of_another_user_is_left_alone() -> None:
    assert 1 not in list_descendants(os.getpid())


def test_what_began_before_a_moment_is_spared_by_its_time() -> None:
    process, pids = start("program()\ntime.sleep(300)", 1)
    try:
        time.sleep(0.03)
        later = Started(tick=now_in_ticks())
        assert list_descendants(process.pid, later) == []
        earlier = Started(tick=now_in_ticks() - 60_000)
        assert list_descendants(process.pid, earlier) == pids
    finally:
        kill_tree(process.pid)
        process.wait(60)
