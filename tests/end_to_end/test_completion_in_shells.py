"""Completion as a person has it: TAB, typed into a real bash, zsh and fish."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import time

import pytest

from tests.documentation import make_programs
from tests.end_to_end.conftest import make_environment
from tests.end_to_end.test_completion import FILES

CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b\(B|\x1b\][^\x07]*\x07")
COMMANDS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
BEGIN = {
    "bash": "bind 'set bell-style none'; ",
    "zsh": "autoload -U compinit; compinit -u -D; ",
    "fish": "",
}
SOURCE = {
    "bash": 'eval "$(zenconv completion bash)"',
    "zsh": 'eval "$(zenconv completion zsh)"',
    "fish": "zenconv completion fish | source",
}


class Shell:
    """An interactive shell in a pseudo-terminal, in a project's folder, with completion switched on."""

    def __init__(self, name: str, it, programs) -> None:
        self.seen = ""
        environment = make_environment(it.home, TERM="xterm", HOME=str(it.home), INPUTRC=os.devnull, PS1="$ ")
        environment["PATH"] = f"{programs}:{environment['PATH']}"
        self.pid, self._handle = pty.fork()
        if not self.pid:
            os.chdir(it.path)
            os.execvpe(COMMANDS[name][0], COMMANDS[name], environment)
        self._wait(r"[#$%>] *\r?$")
        self.type(f"{BEGIN[name]}{SOURCE[name]}; echo LOAD''ED\n", "LOADED")
        self._wait(r"[#$%>] *\r?$")

    def type(self, text: str, expected: str) -> None:
        """Type `text`; fail unless `expected` (a pattern) is on the screen soon."""
        self.seen = ""
        os.write(self._handle, text.encode())
        self._wait(expected)

    def _wait(self, pattern: str, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not re.search(pattern, CONTROL.sub("", self.seen)):
            assert time.monotonic() < deadline, f"{pattern!r} did not appear in {self.seen!r}"
            if select.select([self._handle], [], [], 0.1)[0]:
                self.seen += os.read(self._handle, 65536).decode(errors="replace")

    def end(self) -> None:
        os.close(self._handle)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


@pytest.fixture(params=COMMANDS)
def shell(request, project, tmp_path):
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    it = project({**FILES, "$(touch PWNED)/steps_odd.py": "def odd(): ...\n", "data 2/new.csv": "1\n"})
    it.home.mkdir()
    it.run("steps")
    shell = Shell(request.param, it, make_programs(tmp_path / "bin"))
    yield shell
    shell.end()
    assert not (it.path / "PWNED").exists()


NEW_LINE = "\x15"


def test_tab_completes_commands_steps_parameters_files_and_runs(shell):
    shell.type("zenconv expl\t", "explain ")
    shell.type("training::mo\t", "del")
    shell.type(f"{NEW_LINE}zenconv run --set csv=da\t", r"csv=data")
    shell.type(f"{NEW_LINE}zenconv run --set qui\t", "quick=")
    shell.type("tr\t", "true")
    shell.type(f"{NEW_LINE}zenconv run --stack=pro\t", "--stack=production")
    shell.type(f"{NEW_LINE}zenconv run training::\t\t", "split")
    shell.type(f"{NEW_LINE}zenconv run \\$\t", r"\\\$\\\(touch\\ PWNED\\\)/")
