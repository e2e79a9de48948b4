"""The process that forks workers: clean, patient, and gone with whoever started it."""

from __future__ import annotations

import subprocess
import sys
import textwrap

PRELUDE = """
import os, select, signal, socket, sys, time
from zenconv.engine.fork_server import ForkServer

def body(connection, spool, number):
    connection.sendall(b"%d %d" % (number, "json.tool" in sys.modules))
    connection.recv(1)
    os._exit(number)

null = os.open(os.devnull, os.O_RDWR)

def fork(server, number):
    ours, theirs = socket.socketpair()
    pid = server.fork(theirs, null, number)
    theirs.close()
    return pid, ours

def ended(server, count):
    found = []
    while len(found) < count:
        select.select([server], [], [], 10)
        found += server.ended()
    return found

def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False

def wait_for_end(*pids):
    deadline = time.monotonic() + 30
    while any(map(is_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(map(is_alive, pids))
"""


def run(code: str) -> str:
    """Run code in a process of its own: the test's has threads and much else."""
    script = PRELUDE + textwrap.dedent(code)
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_workers_know_nothing_of_what_was_imported_since() -> None:
    run(
        """
        server = ForkServer(body, lambda is_server: None)
        import json.tool
        workers = [fork(server, number) for number in (1, 2, 3)]
        assert [c.recv(9) for _, c in workers] == [b"1 0", b"2 0", b"3 0"]
        for _, connection in workers:
            connection.sendall(b"x")
        statuses = dict(ended(server, 3))
        assert [os.waitstatus_to_exitcode(statuses[pid]) for pid, _ in workers] == [1, 2, 3]
        server.close()
        """
    )


def test_what_an_ended_worker_left_is_killed_at_the_end_or_spared() -> None:
    run(
        """
        import subprocess
        def body(connection, spool, number):
            connection.sendall(b"%d" % subprocess.Popen(["sleep", "60"]).pid)
            connection.recv(1)
            os._exit(0)

        def leave(server, spared):
            workers = [fork(server, number) for number in (1, 2)]
            left = [int(connection.recv(9)) for _, connection in workers]
            workers[0][1].sendall(b"x")
            ended(server, 1)
            if spared:
                server.spare()
            server.close()
            return left

        ended_one, other = leave(ForkServer(body, lambda is_server: None), False)
        wait_for_end(ended_one, other)
        ended_one, other = leave(ForkServer(body, lambda is_server: None), True)
        wait_for_end(other)
        assert is_alive(ended_one)
        os.kill(ended_one, signal.SIGKILL)
        """
    )


def test_a_worker_is_signalled_and_killed_with_what_it_started() -> None:
    run(
        """
        import subprocess
        def body(connection, spool, number):
            child = subprocess.Popen(["sleep", "60"])
            connection.sendall(b"%d" % child.pid)
            time.sleep(60)
        server = ForkServer(body, lambda is_server: None)
        (first, one), (second, two) = fork(server, 1), fork(server, 2)
        children = [int(one.recv(9)), int(two.recv(9))]
        server.signal(first, signal.SIGTERM)
        assert ended(server, 1) == [(first, signal.SIGTERM)]
        assert is_alive(children[0])
        server.kill(first)
        wait_for_end(children[0])
        assert is_alive(second)
        server.kill(second)
        assert ended(server, 1) == [(second, signal.SIGKILL)]
        server.signal(second, signal.SIGTERM)  # too late, and no error
        wait_for_end(children[1])
        server.close()
        """
    )


def test_closing_the_server_ends_the_workers_and_leaves_no_child() -> None:
    run(
        """
        server = ForkServer(body, lambda is_server: None)
        pids = [fork(server, number)[0] for number in (1, 2)]
        server.close()
        assert not any(map(is_alive, pids))
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            pass
        else:
            raise AssertionError("a child is left")
        """
    )


def test_workers_end_with_the_process_that_wanted_them_and_with_their_server() -> None:
    run(
        """
        reading, writing = os.pipe()
        runner = os.fork()
        if not runner:
            server = ForkServer(body, lambda is_server: None)
            workers = [fork(server, number) for number in (1, 2)]
            os.write(writing, b" ".join(b"%d" % pid for pid in [server._pid, *(p for p, _ in workers)]))
            time.sleep(60)
        pids = [int(pid) for pid in os.read(reading, 99).split()]
        os.kill(runner, signal.SIGKILL)
        os.waitpid(runner, 0)
        wait_for_end(*pids)

        server = ForkServer(body, lambda is_server: None)
        pids = [fork(server, number)[0] for number in (1, 2)]
        os.kill(server._pid, signal.SIGKILL)
        wait_for_end(*pids)
        try:
            server.kill(pids[0])
            server.ended()
        except Exception as error:
            assert "the process that starts workers has ended" in str(error)
        else:
            raise AssertionError("nobody noticed")
        """
    )


def test_a_system_that_refuses_another_process_is_an_error_that_says_so() -> None:
    run(
        """
        import zenconv.engine.fork_server as module
        def refuse():
            raise OSError(11, "no")
        server = ForkServer(body, lambda is_server: setattr(os, "fork", refuse))
        try:
            fork(server, 1)
        except Exception as error:
            assert str(error) == f"cannot start a worker process: {os.strerror(11)}", error
        else:
            raise AssertionError("it started")
        server.close()
        """
    )


def test_the_end_of_a_worker_that_is_heard_while_another_is_forked_is_not_lost() -> None:
    run(
        """
        server = ForkServer(body, lambda is_server: None)
        first, ours = fork(server, 3)
        ours.send(b"x")
        select.select([server], [], [], 10)
        assert not server.has_ended
        fork(server, 4)
        assert server.has_ended
        assert [(pid, os.waitstatus_to_exitcode(status)) for pid, status in server.ended()] == [(first, 3)]
        assert not server.has_ended
        server.close()
        """
    )
