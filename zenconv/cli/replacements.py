"""What ``--override NAME=FILE`` and ``--override NAME=@RUN:STEP`` mean; nothing is imported for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zenconv.cli.reading import is_run, open_history
from zenconv.errors import NotRecorded, Problem, SettingsError, UsageError, ZenconvError
from zenconv.project.replacing import FLAG, Replacement
from zenconv.queries.outputs import choose_outputs

if TYPE_CHECKING:
    from zenconv.cli.options import CommonOptions
    from zenconv.queries.history import History

_HINT = f"{FLAG} raw=data/small.csv, or the result of a run: {FLAG} raw=@12, raw=@latest:other"


class ReplacementReader:
    """Reads the overrides of one command; the history is opened when the first asks for it."""

    def __init__(self, common: CommonOptions) -> None:
        self._common = common
        self._history: History | None = None

    def read(self, texts: Sequence[str]) -> tuple[Replacement, ...]:
        """Return what the values of ``--override`` mean. `SettingsError` with all that is wrong."""
        found, problems = [], []
        for text in texts:
            try:
                found.append(self._read(text))
            except ZenconvError as error:
                name = text.partition("=")[0]
                problems.append(Problem(f"{name}: {error.what}", file=FLAG, hint=error.hint))
        if self._history is not None:
            self._history.close()
        if problems:
            raise SettingsError(problems=tuple(problems))
        return tuple(found)

    def _read(self, text: str) -> Replacement:
        name, equals, source = text.partition("=")
        if "[" in name and "]" not in name:  # the axes of a branch: part[C=1]=file.json
            head, bracket, source = text.partition("]=")
            name, equals = head + "]", bracket and "="
        if not (name.strip() and equals and source.strip()):
            raise UsageError(f"expected NAME=SOURCE, got {text!r}", hint=_HINT)
        if source.startswith("@"):
            return self._read_recorded(name.strip(), source[1:])
        path = Path(source).expanduser().absolute()
        if not path.exists():
            raise UsageError(f"there is no file {source!r}", hint=_HINT)
        return Replacement(name.strip(), source, file=path)

    def _read_recorded(self, name: str, text: str) -> Replacement:
        if self._history is None:
            self._history = open_history(self._common)
        run, step = split_source(text, name)
        found = self._history.find_result(step, run)
        if found.step.live:
            raise NotRecorded(f"{found.step.node} is live in run {found.run.id}: its value is never stored")
        origin = f"run {found.run.id} {found.step.node}" + (f".{found.output}" if found.output else "")
        outputs = choose_outputs(found.step, found.output)
        return Replacement(name, origin, key=found.step.key, outputs=outputs)


def split_source(text: str, name: str) -> tuple[str, str]:
    """Return (run, step) of what stands behind the ``@``; `name` is what is overridden.

    ``12``, ``latest``: the same step of that run. ``12:raw``, ``12::raw``: that step of it.
    ``raw``, ``training::raw``: in the newest run in which it has a result. ``run:`` may stand
    before any of them.
    """
    if text.startswith("run:") and not text.startswith("run::"):
        text = text.removeprefix("run:")
    run, _, step = text.partition(":")
    if is_run(run):
        return run, step.lstrip(":") or name
    if not text:
        raise UsageError("a run or a step is missing behind the @", hint=_HINT)
    return "latest", text
