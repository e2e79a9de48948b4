"""`ProjectUnderTest`: what the fixture ``zenconv_project`` gives."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zenconv.errors import ExecutionError, UsageError, ZenconvError
from zenconv.pytest_plugin.isolation import isolate_settings
from zenconv.settings import find_root

if TYPE_CHECKING:
    from zenconv.pytest_plugin.single_step import StepCaller
    from zenconv.queries import Run, Runs
    from zenconv.queries.history import History

_TAIL_LINES = 60


class ProjectUnderTest:
    """A project with a stack of its own for one test.

    Parameters
    ----------
    root
        The project's folder, or any folder inside it.
    private
        The folder for everything that is written.
    """

    def __init__(self, root: Path, private: Path) -> None:
        self.root = find_root(root.resolve())
        self._private = private
        self._overrides: dict[str, Any] = {}
        self._histories: list[History] = []
        self._caller: StepCaller | None = None

    def __repr__(self) -> str:
        return f"ProjectUnderTest({str(self.root)!r})"

    def override(self, step: str, replacement: Any) -> None:
        """Put something in the place of a step, for the runs of this test.

        Parameters
        ----------
        step
            A step's name, ``pipeline::step`` or a node id.
        replacement
            A function, whose parameters ask for steps, fixtures and values as those of any step; or the
            value itself.
        """
        self._overrides[step] = replacement

    def run_step(self, step: str, *, params: Mapping[str, Any] | None = None, **arguments: Any) -> Any:
        """Call one step in this process and return what it returns.

        Parameters
        ----------
        step
            A step's name, ``pipeline::step`` or a node id.
        params
            Parameters, as with ``--set``.
        arguments
            Its arguments, by name: every input that other steps would give, and whatever else should
            not come from the configuration, a default or a fixture. Fixtures that are not given are
            set up, and torn down before this returns.

        Raises
        ------
        UsageError
            There is no such step, an input is missing, or an argument is none of its parameters.
        CollectionError
            The project has mistakes. What the step raises comes as it is.
        """
        __tracebackhide__ = True
        from zenconv.pytest_plugin.single_step import StepCaller

        if self._caller is None:
            self._caller = StepCaller(self.root, self._private)
        try:
            return self._caller.call(step, params or {}, arguments)
        except ZenconvError as error:
            raise error.with_traceback(None)  # noqa: B904  (with its own cause)

    def run(
        self,
        *targets: str,
        params: Mapping[str, Any] | None = None,
        keyword: str = "",
        force: Sequence[str] = (),
        workers: int = 0,
        check: bool = True,
    ) -> Run:
        """Run what `targets` name (default: everything) as ``zenconv run`` does; return its record.

        The run happens in a process of its own, which sees the project's files and the overrides,
        not what a test has patched in this one.

        Parameters
        ----------
        params
            Parameters, as with ``--set``.
        keyword
            A ``-k`` expression.
        force
            Steps to run even where nothing changed.
        workers
            Worker processes.
        check
            Raise unless the run succeeds; a failed check counts as failure.

        Raises
        ------
        ExecutionError
            The run failed; the message shows what failed and how.
        UsageError
            A target is unknown, or an override cannot be sent to the process.
        """
        __tracebackhide__ = True
        request = {
            "root": str(self.root),
            "private": str(self._private),
            "targets": targets,
            "params": dict(params or {}),
            "keyword": keyword,
            "force": tuple(force),
            "workers": workers,
            "path": [entry for entry in sys.path if entry],
        }
        answer, text = self._call(request)
        run: Run | None = self.runs()[str(answer["run"])] if answer.get("run") else None
        sys.stderr.write(text)
        if run is None or (check and answer["exit_code"]):
            what = answer.get("error") or f"the run failed with exit code {answer['exit_code']}"
            tail = "\n".join(text.splitlines()[-_TAIL_LINES:])
            raise (UsageError if answer["exit_code"] in (4, 5) else ExecutionError)(f"{what}\n{tail}".strip())
        return run

    def runs(self) -> Runs:
        """Return the runs of this test, newest first."""
        from zenconv.queries.views import Runs

        return Runs(self._history())

    def load(self, target: str, run: str | int = "latest") -> Any:
        """Return the value that a step had in a run of this test; see `zenconv.load`."""
        from zenconv.queries.views import load_from

        return load_from(self._history(), target, run)

    def close(self) -> None:
        """Close what was opened; called when the test has ended."""
        for history in self._histories:
            history.close()

    def _history(self) -> History:
        from zenconv.hooks.manager import load_plugins
        from zenconv.queries.history import History
        from zenconv.stack.assemble import assemble

        settings = isolate_settings(self.root, self._private, {}, {})
        names = settings.plugins
        plugins = load_plugins(enabled=names.enabled, disabled=names.disabled, where=names.where)
        history = History(settings, plugins, assemble(settings, plugins), lambda _text: None)
        self._histories.append(history)
        return history

    def _call(self, request: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
        data = _pack({**request, "replacements": dict(self._overrides)})
        process = subprocess.run(
            [sys.executable, "-m", "zenconv.pytest_plugin.child"],
            input=data,
            capture_output=True,
            cwd=self.root,
            check=False,
        )
        text = process.stderr.decode("utf-8", "replace")
        try:
            answer: dict[str, Any] = json.loads(process.stdout)
        except ValueError:
            raise ExecutionError(f"the run's process ended with {process.returncode}\n{text}") from None
        return answer, text


def _pack(request: Mapping[str, Any]) -> bytes:
    """Return a request as bytes; functions of test modules go by value."""
    import cloudpickle

    with _by_value(request["replacements"].values()):
        try:
            return bytes(cloudpickle.dumps(request))
        except Exception as error:
            for name, value in request["replacements"].items():
                try:
                    cloudpickle.dumps(value)
                except Exception as cause:
                    raise UsageError(
                        f"the override of {name!r} cannot be sent to the run's process: {cause}",
                        hint="override it with a function that makes the value",
                    ) from cause
            raise UsageError(f"the run cannot be described to its process: {error}") from error


@contextmanager
def _by_value(replacements: Any) -> Iterator[None]:
    import cloudpickle

    names = {getattr(value, "__module__", None) for value in replacements if isinstance(value, Callable)}  # type: ignore[arg-type]
    modules = [sys.modules[name] for name in names if name in sys.modules and name != "builtins"]
    own = [module for module in modules if not module.__name__.startswith("zenconv.")]
    for module in own:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in own:
            cloudpickle.unregister_pickle_by_value(module)
