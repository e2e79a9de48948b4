"""Projects made from text, and the program run on them as a person would: in processes of its own.

::

    def test_a_step_runs(tmp_path):
        project = ProjectOnDisk.make(tmp_path, {"steps_a.py": "def one(): return 1"})
        project.run("run")                      # fails the test unless the exit code is 0
        assert project.executed() == ["a::one"]
        assert project.value("one") == 1
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import zenconv

TIME_LIMIT = 120.0
"""Seconds after which a command is stopped and its test fails."""

_PLACE = os.path.dirname(os.path.dirname(os.path.abspath(zenconv.__file__)))


def make_environment(home: Path, **changes: str) -> dict[str, str]:
    """Return an environment in which nothing of this machine's own zenconv shows."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ZENCONV_", "_ZENCONV", "COV_"))
        and name
        not in ("PYTHONDONTWRITEBYTECODE", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "CI", "PYTEST_ADDOPTS")
    }
    # This zenconv, whichever is installed.
    kept["PYTHONPATH"] = os.pathsep.join(filter(None, [_PLACE, kept.get("PYTHONPATH", "")]))
    return {**kept, "ZENCONV_HOME": str(home), "COLUMNS": "120", **changes}


class Result(subprocess.CompletedProcess[str]):
    """A finished process; its text shows in the message of a failed assertion."""

    @property
    def text(self) -> str:
        """Everything printed, stdout first."""
        return self.stdout + self.stderr

    def __repr__(self) -> str:
        return (
            f"$ {' '.join(map(str, self.args))}  -> {self.returncode}\n"
            f"--- stdout\n{self.stdout}--- stderr\n{self.stderr}"
        )


class ProjectOnDisk:
    """A project in a temporary folder.

    Parameters
    ----------
    path
        The project's root.
    home
        What ``ZENCONV_HOME`` is for every process: keys and caches of the imagined user.
    """

    def __init__(self, path: Path, home: Path) -> None:
        self.path = path
        self.home = home
        self.last: Result | None = None

    @classmethod
    def make(
        cls, folder: Path, files: Mapping[str, str | bytes] | None = None, *, home: Path | None = None
    ) -> Self:
        """Make a project from ``{file name: text}``; without `home`, its user has a home of his own."""
        folder.mkdir(parents=True, exist_ok=True)
        made = cls(folder, home or folder.with_name(f"{folder.name}-home"))
        made.write(files or {})
        return made

    def __repr__(self) -> str:
        return f"project {self.path}\n{self.last!r}"

    def environment(self, **changes: str) -> dict[str, str]:
        """Return the environment of every process, with some variables added."""
        return make_environment(self.home, **changes)

    # -- files

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Write files; text is dedented. Folders are made."""
        for name, content in files.items():
            target = self.path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            data = content if isinstance(content, bytes) else textwrap.dedent(content).lstrip("\n").encode()
            target.write_bytes(data)

    def read(self, name: str) -> str:
        return (self.path / name).read_text("utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace `old`, which must be there exactly once, by `new`."""
        text = self.read(name)
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {name}"
        (self.path / name).write_text(text.replace(old, new), "utf-8")

    def append(self, name: str, text: str) -> None:
        with open(self.path / name, "a", encoding="utf-8") as stream:
            stream.write(textwrap.dedent(text))

    # -- processes

    def run(
        self,
        *args: str | Path,
        env: Mapping[str, str] | None = None,
        cwd: str | Path = ".",
        check: bool | int = True,
        timeout: float = TIME_LIMIT,
        stdin: str | None = None,
    ) -> Result:
        """Run ``zenconv *args`` in the project.

        Parameters
        ----------
        env
            Variables added to the environment.
        cwd
            The current folder, relative to the root.
        check
            True: the exit code must be 0; a number: it must be that one; False: any.
        stdin
            What is piped in; without it, stdin is empty and no pipe.
        """
        result = self._call([sys.executable, "-m", "zenconv", *map(str, args)], env, cwd, timeout, stdin)
        if check is not False:
            expected = 0 if check is True else check
            assert result.returncode == expected, f"expected exit code {expected}\n{result!r}"
        return result

    def json(self, *args: str | Path, **options: Any) -> Any:
        """Run ``zenconv *args --json`` and return what it printed."""
        result = self.run(*args, "--json", **options)
        data = json.loads(result.stdout)
        assert data["schema"] == 1, result
        return data

    def python(self, code: str, *, check: bool = True, env: Mapping[str, str] | None = None) -> Result:
        """Run a Python script in the project's folder."""
        result = self._call([sys.executable, "-c", textwrap.dedent(code)], env, ".", TIME_LIMIT)
        assert not check or result.returncode == 0, result
        return result

    def start(self, *args: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start ``zenconv *args`` and return at once; for tests of signals and of several at a time."""
        return subprocess.Popen(
            [sys.executable, "-m", "zenconv", *args],
            cwd=self.path,
            env=self.environment(**(env or {})),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )

    def _call(
        self,
        command: list[str],
        env: Mapping[str, str] | None,
        cwd: str | Path,
        timeout: float,
        stdin: str | None = None,
    ) -> Result:
        process = subprocess.run(
            command,
            cwd=self.path / cwd,
            env=self.environment(**(env or {})),
            **({"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=False,
        )
        shown = ["zenconv", *command[3:]] if command[1:3] == ["-m", "zenconv"] else command
        self.last = Result(shown, process.returncode, process.stdout, process.stderr)
        return self.last

    # -- what happened

    def events(self, run: str | None = None) -> list[Any]:
        """Return the events of a run, of the newest by default, from its own log."""
        from zenconv.records.log import read_events

        return [event for event, _ in read_events(self._run_folder(run) / "events.log")]

    def _run_folder(self, run: str | None) -> Path:
        runs = self.path / ".zenconv" / "runs"
        if run is not None:
            return runs / run
        folders = [f for f in runs.iterdir() if re.match(r"\d+-", f.name)] if runs.is_dir() else []
        assert folders, "no run is recorded"
        return max(folders, key=lambda folder: int(folder.name.partition("-")[0]))

    def statuses(self, run: str | None = None) -> dict[str, str]:
        """Return what became of each node of a run: ``{"training::raw": "reused"}``."""
        found: dict[str, str] = {}
        for event in self.events(run):
            if event.name == "steps_reused":
                found.update({short_id(row["node"]): "reused" for row in event.steps})
            elif event.name == "step_finished":
                found[short_id(event.node)] = event.status
        return found

    def executed(self, run: str | None = None) -> list[str]:
        """Return the nodes that were executed, whatever came of it: ``["training::raw"]``, sorted."""
        return sorted(
            node for node, status in self.statuses(run).items() if status in ("succeeded", "failed")
        )

    def reused(self, run: str | None = None) -> list[str]:
        """Return the nodes whose results were taken over, sorted."""
        return sorted(node for node, status in self.statuses(run).items() if status == "reused")

    def reasons(self, run: str | None = None) -> dict[str, str]:
        """Return why each executed node ran."""
        return {short_id(e.node): e.reason for e in self.events(run) if e.name == "step_finished"}

    def plan(self, *args: str) -> dict[str, str]:
        """Return what ``zenconv run --plan`` says of each node: ``{"training::raw": "reuse"}``."""
        return {short_id(node["id"]): node["action"] for node in self.json("run", "--plan", *args)["nodes"]}

    def value(self, target: str, run: str = "latest") -> Any:
        """Return the value of a step: whatever JSON can say, else its ``repr``."""
        code = f"""
            import json, zenconv
            value = zenconv.load({target!r}, run={run!r})
            try:
                print(json.dumps(value))
            except TypeError:
                print(json.dumps(repr(value)))
        """
        return json.loads(self.python(code).stdout)


def short_id(node: str) -> str:
    """Return ``eu/training::raw`` for ``eu/steps_training.py::raw``."""
    file, _, step = node.partition("::")
    folder, _, name = file.rpartition("/")
    pipeline = name.removeprefix("steps_").removesuffix(".py")
    return f"{folder}/{pipeline}::{step}" if folder else f"{pipeline}::{step}"
