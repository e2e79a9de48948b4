"""In a real terminal: the debugger, Ctrl-C, the status line."""

from __future__ import annotations

import os
import pty
import select
import sys
import time
from pathlib import Path

from tests.end_to_end.conftest import make_environment


class Terminal:
    """``zenconv *args`` in a pseudo-terminal of its own session."""

    def __init__(self, it, *args: str) -> None:
        self.seen = ""
        self.pid, self._handle = pty.fork()
        if not self.pid:
            os.chdir(it.path)
            environment = make_environment(it.home, TERM="xterm")
            os.execve(sys.executable, [sys.executable, "-m", "zenconv", *args], environment)

    def wait_for(self, text: str, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < deadline, f"{text!r} did not appear in {self.seen!r}"
            ready, _, _ = select.select([self._handle], [], [], 0.1)
            if ready:
                try:
                    self.seen += os.read(self._handle, 65536).decode(errors="replace")
                except OSError:
                    break

    def type(self, text: str) -> None:
        self.seen = ""
        os.write(self._handle, text.encode())

    def end(self, seconds: float = 20) -> int:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            ready, _, _ = select.select([self._handle], [], [], 0.05)
            if ready:
                try:
                    self.seen += os.read(self._handle, 65536).decode(errors="replace")
                except OSError:
                    pass
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self._handle)
                return os.waitstatus_to_exitcode(status)
        raise AssertionError(f"it did not end; {self.seen!r}")


DEBUGGED = {"steps_a.py": "def a() -> int:\n    x = 41\n    breakpoint()\n    return x + 1\n"}


def test_a_breakpoint_talks_to_the_person_under_s(project) -> None:
    it = project(DEBUGGED)
    terminal = Terminal(it, "run", "-s")
    terminal.wait_for("(Pdb)")
    terminal.type("p x * 1000\n")
    terminal.wait_for("41000")
    terminal.wait_for("(Pdb)")
    terminal.type("c\n")
    assert terminal.end() == 0
    assert it.value("a") == 42


def test_a_breakpoint_without_a_terminal_says_what_to_do(project) -> None:
    it = project(DEBUGGED)
    assert "zenconv run -s" in it.run("run", check=1).stderr


def test_ctrl_c_in_a_terminal_ends_cleanly_with_and_without_s(project) -> None:
    steps = """
import pathlib, time

def a() -> int:
    pathlib.Path("begun").write_text("1")
    time.sleep(60)
    return 1
"""
    for number, flags in enumerate(((), ("-s",))):
        it = project({"steps_a.py": steps}, name=f"p{number}")
        terminal = Terminal(it, "run", *flags)
        wait_for_file(it.path / "begun")
        terminal.type("\x03")
        assert terminal.end() == 130
        assert it.json("runs")["runs"][0]["status"] == "interrupted"


def test_the_status_line_is_gone_at_the_end(project) -> None:
    it = project({"steps_a.py": "def a() -> int:\n    return 1\n"})
    terminal = Terminal(it, "run")
    assert terminal.end() == 0
    lines = [line.rpartition("\x1b[2K")[2] for line in terminal.seen.split("\r\n")]
    assert any(line.startswith("a::a") for line in lines)
    assert "1 ran in" in terminal.seen


def wait_for_file(path: Path) -> None:
    deadline = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
