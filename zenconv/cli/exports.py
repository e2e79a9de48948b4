"""The files of ``[tool.zenconv.outputs]``: after a run each holds the result of its step.

A file is written if the result is not the one it was written from last, if it is missing, or if
somebody changed it. What was written from what stands in ``.zenconv/exports.json``; the rest is in
the events of the run, so nothing is opened where nothing is to be written. Reading results, which
may import libraries, happens in a process of its own.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from zenconv.cli.output import escape, print_note, style_error
from zenconv.errors import StoreError, UsageError, ZenconvError
from zenconv.frozen import Frozen

if TYPE_CHECKING:
    from zenconv.cli.options import CommonOptions
    from zenconv.queries.history import History
    from zenconv.records.events import Event, RunFinished
    from zenconv.settings.settings import OutputSettings, Settings

_RECORD = "exports.json"
_UNSAFE = re.compile(r"[^\w.,=+-]")


@attrs.frozen(eq=False, repr=False)
class Export(Frozen):
    """A file to be written: from which output of which node, and the digest of that content."""

    path: str
    node: str
    output: str | None
    content: str


class Exports:
    """Listens to a run for `listener`, and then writes the files that the settings ask for.

    Of a run on a `sample` none is written: they hold the results on all data.
    """

    def __init__(self, settings: Settings, listener: Callable[[Event], object], sample: str = "") -> None:
        self.settings = settings
        self.problems: list[str] = []
        self.written: list[dict[str, Any]] = []
        self._listener = listener
        self._wanted = [output for output in settings.outputs if output.export and not sample]
        self._found: dict[str, Export] = {}

    def __call__(self, event: Event) -> None:
        """Pass an event on, and remember the results that are to be written."""
        self._listener(event)
        if self._wanted:
            for row in _results(event):
                self._take(row["node"], row["outputs"])

    def write(self, common: CommonOptions, run: str, finished: RunFinished) -> int:
        """Write what is to be written, and say what could not be; return the exit code, 1 if some could not.

        A run that was interrupted, or that never came to be one, leads to nothing.
        """
        if not self._wanted or finished.status not in ("succeeded", "failed"):
            return 0
        known = _read_record(self.settings)
        stale = [export for export in self._found.values() if not self._is_there(export, known)]
        if stale:
            self._write(common, run, stale, known)
        for problem in self.problems:
            print_note(f"{style_error('error:')} {escape(problem, keep_lines=True)}")
        return 1 if self.problems else 0

    def _take(self, node: str, outputs: Mapping[str, Any]) -> None:
        from zenconv.engine.output_choices import means_step
        from zenconv.project.discover import pipeline_name
        from zenconv.records.step import split_branch

        file, _, rest = node.partition("::")
        step, branch = split_branch(rest)
        for settings in self._wanted:
            if means_step(settings, file, pipeline_name(file), step, branch or ""):
                self._add(settings, node, branch or "", outputs)

    def _add(self, settings: OutputSettings, node: str, branch: str, outputs: Mapping[str, Any]) -> None:
        from zenconv.settings.settings import BRANCH

        path = settings.export.replace(BRANCH, _file_name(branch))
        name = _choose_output(settings, outputs)
        if name is None:
            self.problems.append(f"{settings.where}: {node} has no stored result to be written to {path!r}")
            return
        other = self._found.setdefault(path, Export(path, node, settings.output, outputs[name]["content"]))
        if other.node != node:
            self.problems.append(
                f"{settings.where}: {other.node} and {node} would both be written to {path!r}"
            )

    def _is_there(self, export: Export, known: Mapping[str, Any]) -> bool:
        recorded = known.get(export.path)
        return recorded is not None and recorded == [
            export.content,
            *_stamp(self.settings.root / export.path),
        ]

    def _write(self, common: CommonOptions, run: str, stale: Sequence[Export], known: dict[str, Any]) -> None:
        from zenconv.engine.guard import ask_child

        settings = self.settings

        def ask(_tell: Callable[[str], None]) -> Any:
            from zenconv.cli.output import print_warning
            from zenconv.queries.history import History
            from zenconv.stack.assemble import assemble

            plugins = common.load_plugins(settings)
            history = History(settings, plugins, assemble(settings, plugins), print_warning)
            return [_write_one(history, run, export, is_ours=export.path in known) for export in stale]

        for export, problem in zip(stale, ask_child(ask, settings.root), strict=True):
            if problem:
                self.problems.append(f"{export.node} cannot be written to {export.path!r}: {problem}")
                continue
            self.written.append({"node": export.node, "file": export.path})
            known[export.path] = [export.content, *_stamp(settings.root / export.path)]
        _write_record(settings, known)


def _results(event: Event) -> Iterator[Mapping[str, Any]]:
    from zenconv.records.events import StepFinished, StepsReused

    if isinstance(event, StepsReused):
        yield from event.steps
    elif isinstance(event, StepFinished) and event.status == "succeeded":
        yield {"node": event.node, "outputs": event.outputs}


def _choose_output(settings: OutputSettings, outputs: Mapping[str, Any]) -> str | None:
    """Return the recorded name of the output that is meant."""
    from zenconv.queries.outputs import WRITTEN, find_name

    if settings.output is not None:
        return find_name(outputs, settings.output)
    returned = [name for name in outputs if not name.startswith(WRITTEN)]
    written = [name for name in outputs if name.startswith(WRITTEN)]
    if written and all(outputs[name]["type"].rpartition(".")[2] == "NoneType" for name in returned):
        returned = written
    return returned[0] if len(returned) == 1 else None


def _file_name(branch: str) -> str:
    """Return the name of a branch as a part of a file's name."""
    return _UNSAFE.sub("_", branch).strip(".") or "_"


def _stamp(path: Path) -> list[int]:
    """Return what changes when somebody writes to a file; empty where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns]


def _write_one(history: History, run: str, export: Export, *, is_ours: bool) -> str:
    """Write one file; return why it could not be, or ``""``."""
    from zenconv.queries.exporting import export as write_file
    from zenconv.queries.history import Found

    try:
        target = _find_target(history.settings.root, export.path)
        if is_ours and target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)  # the copy of a folder, which is replaced as a whole
        record = history.find_run(run)
        [step] = history.store.steps(record.id, node=export.node)
        write_file(history, Found(record, step, export.output), target)
    except ZenconvError as error:
        return str(error)
    except OSError as error:
        return f"{error.filename or ''}: {error.strerror or error}".removeprefix(": ")
    except Exception as error:  # noqa: BLE001 - a foreign library converts the value
        return f"{type(error).__name__}: {error}"
    return ""


def _find_target(root: Path, path: str) -> Path:
    """Return where to write; its folder is there. `UsageError` if a link leads out of the project."""
    target = root / path
    if not os.path.isabs(path):
        real, inside = os.path.realpath(target), os.path.realpath(root)
        if os.path.commonpath([real, inside]) != inside:
            raise UsageError(
                f"a link leads out of the project, to {real}", hint="write an absolute path if that is meant"
            )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot make the folder {target.parent}: {error.strerror or error}") from error
    return target


def _read_record(settings: Settings) -> dict[str, Any]:
    try:
        record = json.loads((settings.state / _RECORD).read_bytes())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _write_record(settings: Settings, record: Mapping[str, Any]) -> None:
    """Keep what was written; where that is impossible, the next run writes the files again."""
    draft = settings.state / f"{_RECORD}.{os.getpid()}"
    try:
        draft.write_text(json.dumps(record))
        os.replace(draft, settings.state / _RECORD)
    except OSError:
        pass
