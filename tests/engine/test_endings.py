"""How a process ended is told in words."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from zenconv.engine.endings import crash_error, describe_end, kill_group


def end_of(code: str) -> int:
    pid = os.posix_spawn(sys.executable, [sys.executable, "-c", code], os.environ)
    return os.waitpid(pid, 0)[1]


@pytest.mark.parametrize(
    ("code", "cause", "hint"),
    [
        ("import os; os._exit(0)", "exited with status 0", "not with os._exit()"),
        ("import os; os._exit(7)", "exited with status 7", "not with os._exit()"),
        ("import os; os.kill(os.getpid(), 9)", "killed by SIGKILL", "out of memory"),
        ("import os; os.kill(os.getpid(), 11)", "killed by SIGSEGV", "a compiled library crashed"),
        ("import os; os.kill(os.getpid(), 40)", "killed by signal 40", ""),
    ],
)
def test_the_end_of_a_process_is_the_error_of_its_step(code: str, cause: str, hint: str) -> None:
    assert describe_end(end_of(code)) == cause
    error = crash_error(cause)
    assert error["type"] == "Crash"
    assert error["message"] == f"the step ended its process: {cause}"
    assert hint in error.get("hint", "")


def test_a_group_is_killed_and_one_that_is_gone_is_no_error() -> None:
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    kill_group(process.pid)
    assert process.wait(timeout=60) == -signal.SIGKILL
    kill_group(process.pid)
