"""`Project`: run pipelines from a script or a notebook.

The run happens in processes of its own, started fresh: edits on disk are seen, whatever the
kernel has imported, and a crash of a step leaves the kernel alive.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from zenconv.errors import ExecutionError, UsageError
from zenconv.settings import find_root

if TYPE_CHECKING:
    from zenconv.queries import Run, Runs


@attrs.define(auto_exc=True, slots=False)
class RunFailed(ExecutionError):
    """The run did not succeed; `run` is its record, None where what was asked for made no sense."""

    run: Any = attrs.field(default=None, kw_only=True, repr=False)
    exit_code: int = attrs.field(default=1, kw_only=True)


class Project:
    """A project on disk.

    Parameters
    ----------
    path
        The project's folder, or any folder inside it. Default: the current folder.
    stack
        The stack to use; default as for ``zenconv run``.

    Raises
    ------
    UsageError
        There is no project there.
    """

    def __init__(self, path: str | os.PathLike[str] = ".", *, stack: str | None = None) -> None:
        self.root = find_root(Path(path).resolve())
        self.stack = stack

    def __repr__(self) -> str:
        return f"Project({str(self.root)!r})"

    def run(
        self,
        *targets: str,
        params: Mapping[str, Any] | None = None,
        keyword: str = "",
        stop_on_failure: bool = False,
        force: Sequence[str] = (),
        check: bool = True,
        quiet: bool = False,
    ) -> Run:
        """Run what `targets` name (default: everything) and return the record of the run.

        Parameters
        ----------
        targets
            Node ids, files, pipelines or step names.
        params
            Parameters, as with ``--set``; they win over the configuration.
        keyword
            A ``-k`` expression.
        stop_on_failure
            Start nothing more after the first failure.
        force
            Steps to run even where nothing changed.
        check
            Raise `RunFailed` unless the run succeeds.
        quiet
            Do not show progress.

        Raises
        ------
        RunFailed
            The run failed, was interrupted, or the project could not be collected. Also without
            `check` where there is no run to return: a target or parameter that does not exist.
        """
        command = ["run", "--json", *(["-q"] if quiet else [])]
        command += [
            text for name, value in (params or {}).items() for text in ("--set", f"{name}={to_text(value)}")
        ]
        command += ["-k", keyword] if keyword else []
        command += ["-x"] if stop_on_failure else []
        command += [text for name in force for text in ("--force", name)]
        exit_code, output, errors = self._call([*command, "--", *targets], show=not quiet)
        try:
            run_id = json.loads(output)["run"]
        except (ValueError, KeyError, TypeError):
            run_id = None
        if run_id is None:
            text = _error_text(errors) or f"zenconv run ended with {exit_code}"
            raise RunFailed(text, exit_code=exit_code)
        run: Run = self.runs()[str(run_id)]
        if check and exit_code:
            raise RunFailed(_failure_text(errors, run_id), run=run, exit_code=exit_code)
        return run

    def runs(self) -> Runs:
        """Return the recorded runs, newest first."""
        from zenconv.queries import runs

        return runs(self.root)

    def load(self, target: str, run: str = "latest") -> Any:
        """Return the stored value of a step or output; see `zenconv.load`."""
        from zenconv.queries import load

        return load(target, run=run, root=self.root)

    def plan(self, *targets: str) -> list[dict[str, Any]]:
        """Return what a run would do: per node ``id``, ``action``, ``reason``."""
        exit_code, output, errors = self._call(["run", "--plan", "--json", "--", *targets], show=False)
        if exit_code:
            raise RunFailed(_error_text(errors), exit_code=exit_code)
        nodes: list[dict[str, Any]] = json.loads(output)["nodes"]
        return nodes

    def _call(self, arguments: Sequence[str], *, show: bool) -> tuple[int, str, str]:
        environment = {**os.environ, **({"ZENCONV_STACK": self.stack} if self.stack else {})}
        with tempfile.TemporaryFile() as results:
            process = subprocess.Popen(
                [sys.executable, "-m", "zenconv", *arguments],
                cwd=self.root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=results,
                stderr=subprocess.PIPE,
            )
            errors = _follow(process, show=show)
            results.seek(0)
            return process.returncode, results.read().decode("utf-8", "replace"), errors


def _follow(process: subprocess.Popen[bytes], *, show: bool) -> str:
    assert process.stderr is not None
    lines = []
    try:
        for data in process.stderr:
            line = data.decode("utf-8", "replace")
            lines.append(line)
            if show:
                sys.stderr.write(line)  # which a notebook shows in the cell
        process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        process.wait()
        raise
    return "".join(lines)


def to_text(value: Any) -> str:
    """Return the text of a parameter for ``--set``: a TOML value.

    Raises `UsageError` for a value that no text can stand for.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, os.PathLike):
        return json.dumps(os.path.abspath(value))
    if isinstance(value, list | tuple):
        return "[" + ", ".join(to_text(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(k))} = {to_text(v)}" for k, v in value.items()) + "}"
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    raise UsageError(
        f"a {type(value).__qualname__} cannot be given as a parameter",
        hint="pass text, numbers, dates, lists or dictionaries; data comes from steps",
    )


def _error_text(errors: str) -> str:
    """Return what went wrong, without what was printed before."""
    return errors[max(errors.find("error: "), 0) :].removeprefix("error: ").strip()


def _failure_text(errors: str, run: str) -> str:
    tail = errors.strip().splitlines()[-30:]
    return "\n".join([*tail, f"(run {run}; `zenconv show {run}` tells more)"])
