"""The recorded history of one project: which run, which step, which output a name means."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from zenconv.errors import UsageError, did_you_mean
from zenconv.records.run import HAS_RESULT, RunRecord, RunStatus, StepRunRecord, StepStatus

if TYPE_CHECKING:
    from zenconv.hooks.manager import Plugins
    from zenconv.interfaces.recording import MetadataStore
    from zenconv.settings.settings import Settings
    from zenconv.stack.assemble import Stack

_PAGE = 100

LATEST, LAST = "latest", "last"
"""``latest`` is the newest successful run, ``last`` the newest."""


@attrs.frozen
class Found:
    """A step of a run, and the one output that was named (None: all of them)."""

    run: RunRecord
    step: StepRunRecord
    output: str | None = None


class History:
    """The runs of one project.

    Parameters
    ----------
    settings, plugins, stack
        The project's. Nothing of them is used before it is needed.
    on_notice
        Called with each line for people: a damaged index that was made again, for example.
    """

    def __init__(
        self,
        settings: Settings,
        plugins: Plugins,
        stack: Stack,
        on_notice: Callable[[str], object],
    ) -> None:
        self.settings = settings
        self.plugins = plugins
        self.stack = stack
        self._on_notice = on_notice
        self._store: MetadataStore | None = None

    @classmethod
    def open(cls, root: Path | str | None = None, *, on_notice: Callable[[str], object]) -> History:
        """Return the history of the project that `root` (the current folder) belongs to.

        Raises
        ------
        UsageError
            There is no project. `SettingsError`, if its settings have mistakes.
        """
        from zenconv.hooks.manager import load_plugins
        from zenconv.settings.load import load_settings
        from zenconv.stack.assemble import assemble

        settings = load_settings(Path(root) if root is not None else Path.cwd())
        names = settings.plugins
        plugins = load_plugins(enabled=names.enabled, disabled=names.disabled)
        return cls(settings, plugins, assemble(settings, plugins), on_notice)

    @property
    def store(self) -> MetadataStore:
        """The metadata store, up to date as of the last `refresh`."""
        return self._store if self._store is not None else self.refresh()

    def refresh(self) -> MetadataStore:
        """Take in what happened since, and return the metadata store."""
        if self._store is None:
            self._store = self.stack.metadata_store
        self._store.refresh()
        self.tell()
        return self._store

    def tell(self) -> None:
        """Pass on what the metadata store has to say to people."""
        if self._store is not None:
            notices, self._store.notices[:] = list(self._store.notices), []
            for text in notices:
                self._on_notice(text)

    def runs(self, **filters: Any) -> Iterator[RunRecord]:
        """Yield runs, newest first, page by page; `filters` as for `MetadataStore.runs`."""
        offset = 0
        while page := self.store.runs(limit=_PAGE, offset=offset, **filters):
            yield from page
            if len(page) < _PAGE:
                return
            offset += len(page)

    def find_run(self, text: str | int = LAST) -> RunRecord:
        """Return the run that `text` means: ``latest``, ``last``, a number, an id or its beginning.

        Raises
        ------
        UsageError
            There is none, or there are several.
        """
        text = str(text)
        if text in (LATEST, LAST):
            wanted: tuple[RunStatus, ...] = ("succeeded",) if text == LATEST else ()
            found = self.store.runs(limit=1, statuses=wanted)
        else:
            found = self.store.find(text)
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(run.id for run in found)
            raise UsageError(f"{text!r} means several runs: {names}", hint="write more of the id")
        raise self._no_run(text)

    def _no_run(self, text: str) -> UsageError:
        newest = self.store.runs(limit=1)
        if not newest:
            return UsageError(f"no run is recorded in {self.settings.root}", hint="zenconv run")
        if text == LATEST:
            return UsageError("no run has succeeded yet", hint=f"zenconv show {newest[0].number}")
        return UsageError(
            f"there is no run {text[:80]!r}; the newest is {newest[0].id}",
            hint="name a run by its number, its id, `latest` or `last`; `zenconv runs` lists them",
        )

    def find_step(self, run: RunRecord, text: str) -> Found:
        """Return the step of `run` that `text` means, tried in this order.

        A node id (``steps_training.py::split``), pipeline and step (``training::split``), a step
        (``split``), an output of a step (``train``). With ``.train`` behind any of the first
        three: one of its outputs.

        Raises
        ------
        UsageError
            There is none, or there are several of one rank.
        """
        matches = self._matches(run, text)
        if not matches:
            raise self._no_step(run, text)
        if len(matches) > 1:
            names = ", ".join(found.step.node for found in matches[:8])
            raise UsageError(
                f"{text!r} means several steps of run {run.id}: {names}", hint="write the node id"
            )
        return matches[0]

    def find_result(self, text: str, run: str | int = LATEST) -> Found:
        """Return the step that `text` means in the newest run in which it has a result.

        `run` other than ``latest``: in that run. Raises as `find_run` and `find_step` do.
        """
        if str(run) != LATEST:
            found = self.find_step(self.find_run(run), text)
            if found.step.status not in HAS_RESULT:
                raise UsageError(
                    f"{found.step.node} has no result in run {found.run.id}: it is {found.step.status}",
                    hint=f"zenconv show {found.run.number} {found.step.node}",
                )
            return found
        for record in self.runs():
            matches = self._matches(record, text, statuses=HAS_RESULT)
            if len(matches) == 1:
                return matches[0]
            if matches:
                return self.find_step(record, text)
        newest = self.find_run(LAST)
        failed = self._matches(newest, text)
        if failed:
            step = failed[0].step
            raise UsageError(
                f"{step.node} has no result in any run; in the last one it is {step.status}",
                hint=f"zenconv show {newest.number} {step.node}",
            )
        raise self._no_step(newest, text)

    def _matches(self, run: RunRecord, text: str, *, statuses: Sequence[StepStatus] = ()) -> list[Found]:
        if not isinstance(text, str):
            raise UsageError(f"a step is named by a text, not by {text!r}")
        for name, output in _split_output(text):
            steps = self._steps_named(run, name, statuses)
            if output is not None:
                steps = [step for step in steps if output in _outputs_of(step)]
            if steps:
                return [Found(run, step, output) for step in steps]
        return self._by_output(run, text, statuses) if "::" not in text else []

    def _steps_named(self, run: RunRecord, name: str, statuses: Sequence[StepStatus]) -> list[StepRunRecord]:
        exact = self.store.steps(run.id, node=name, statuses=statuses)
        if exact:
            return list(exact)
        place, _, step = name.rpartition("::")
        named = self.store.steps(run.id, step=step, statuses=statuses)
        for is_place in (_is_pipeline, _ends_pipeline, _ends_file) if place else (_is_anywhere,):
            found = [record for record in named if is_place(record, place)]
            if found:
                return found
        return []

    def _by_output(self, run: RunRecord, name: str, statuses: Sequence[StepStatus]) -> list[Found]:
        if not name:
            return []
        steps = self.store.steps(run.id, statuses=statuses)
        return [Found(run, step, name) for step in steps if name in _outputs_of(step)]

    def _no_step(self, run: RunRecord, text: str) -> UsageError:
        known = [step.node if "::" in text else step.step for step in self.store.steps(run.id, limit=2000)]
        if not known:
            return UsageError(f"run {run.id} has no steps", hint=f"zenconv show {run.number}")
        return UsageError(f"no step {text[:80]!r} in run {run.id}", hint=did_you_mean(text, known))


def _split_output(text: str) -> Iterator[tuple[str, str | None]]:
    yield text, None
    place, separator, last = text.rpartition("::")
    for position in (index for index, letter in enumerate(last) if letter == "."):
        yield place + separator + last[:position], last[position + 1 :]


def _outputs_of(step: StepRunRecord) -> list[str]:
    return [name for name in (*step.output_names, *step.outputs) if name]


def _is_anywhere(step: StepRunRecord, place: str) -> bool:
    return True


def _is_pipeline(step: StepRunRecord, place: str) -> bool:
    return step.pipeline == place


def _ends_pipeline(step: StepRunRecord, place: str) -> bool:
    return step.pipeline.rpartition("/")[2] == place


def _ends_file(step: StepRunRecord, place: str) -> bool:
    file = step.node.rpartition("::")[0]
    return f"/{file}".endswith(f"/{place.replace(os.sep, '/')}")
