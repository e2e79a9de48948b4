"""The recorded history of one project: which run, which step, which output a name means."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from zenconv.errors import NotRecorded, UsageError, did_you_mean
from zenconv.queries.outputs import names_of
from zenconv.records.run import HAS_RESULT, RunRecord, RunStatus, StepRunRecord, StepStatus
from zenconv.records.step import is_branch, split_branch

if TYPE_CHECKING:
    from zenconv.hooks.manager import Plugins
    from zenconv.interfaces.recording import MetadataStore
    from zenconv.settings.settings import Settings
    from zenconv.stack.assemble import Stack

_FIRST_PAGE, _PAGE = 4, 100
"""Most questions are about the newest run."""

LATEST, LAST = "latest", "last"
"""``latest`` is the newest successful run on all data, ``last`` the newest."""


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
    only_stack
        Where not ``""``: only runs on this stack count when a run is searched for; and it is
        asked for results of a run whose own stack is not in the settings any more.
    """

    def __init__(
        self,
        settings: Settings,
        plugins: Plugins,
        stack: Stack,
        on_notice: Callable[[str], object],
        only_stack: str = "",
    ) -> None:
        self.settings = settings
        self.plugins = plugins
        self.stack = stack
        self.only_stack = only_stack
        self._on_notice = on_notice
        self._store: MetadataStore | None = None
        self._stacks: dict[str, Stack] = {stack.name: stack}
        self._stack_names: dict[str, str] = {}

    @classmethod
    def open(
        cls, root: Path | str | None = None, *, stack: str = "", on_notice: Callable[[str], object]
    ) -> History:
        """Return the history of the project that `root` (the current folder) belongs to.

        `stack` as for ``--stack``: only what ran on it.

        Raises
        ------
        UsageError
            There is no project. `SettingsError`, if its settings have mistakes.
        """
        from zenconv.hooks.manager import load_plugins
        from zenconv.settings.load import load_settings
        from zenconv.stack.assemble import assemble

        settings = load_settings(Path(root) if root is not None else Path.cwd(), stack=stack or None)
        names = settings.plugins
        plugins = load_plugins(enabled=names.enabled, disabled=names.disabled, where=names.where)
        return cls(settings, plugins, assemble(settings, plugins), on_notice, stack)

    def close(self) -> None:
        """Close every stack that was used."""
        for stack in self._stacks.values():
            stack.close()

    def stack_of(self, run: str) -> Stack:
        """Return the stack on which the run of that id ran: its store has the results.

        Raises
        ------
        UsageError
            The stack is not in the settings any more, and no other was named instead.
        """
        if run not in self._stack_names:
            self._stack_names[run] = next((record.stack for record in self.store.find(run)), "")
        name = self._stack_names[run] or self.stack.name
        if name not in self.settings.stacks and self.only_stack:
            return self.stack
        if name not in self._stacks:
            self._stacks[name] = self._assemble(name, run)
        return self._stacks[name]

    def _assemble(self, name: str, run: str) -> Stack:
        from zenconv.stack.assemble import Stack

        if name not in self.settings.stacks:
            known = ", ".join(sorted(self.settings.stacks))
            raise UsageError(
                f"run {run} ran on the stack {name!r}, which the settings do not have; they have: {known}",
                hint="--stack NAME, or stack=NAME in Python, says which stack has its results now",
            )
        settings = attrs.evolve(self.settings, stack=self.settings.stacks[name])
        return Stack(settings, self.plugins, os.environ)  # reading needs no tracker and no signing key

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
        offset, limit = 0, _FIRST_PAGE
        while page := self.store.runs(limit=limit, offset=offset, **filters):
            yield from (run for run in page if not self.only_stack or run.stack == self.only_stack)
            if len(page) < limit:
                return
            offset, limit = offset + len(page), _PAGE

    def find_run(self, text: str | int = LAST) -> RunRecord:
        """Return the run that `text` means: ``latest``, ``last``, a number, an id or its beginning.

        Raises
        ------
        NotRecorded
            There is none. `UsageError`, if there are several.
        """
        text = str(text)
        if text in (LATEST, LAST):
            wanted: tuple[RunStatus, ...] = ("succeeded",) if text == LATEST else ()
            runs = (run for run in self.runs(statuses=wanted) if text == LAST or not run.sample)
            found: Sequence[RunRecord] = list(islice(runs, 1))
        else:
            found = self.store.find(text)
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(run.id for run in found)
            raise UsageError(f"{text!r} means several runs: {names}", hint="write more of the id")
        raise self._no_run(text)

    def _no_run(self, text: str) -> NotRecorded:
        newest = next(self.runs(), None)
        where = f" on the stack {self.only_stack!r}" if self.only_stack else ""
        if newest is None:
            hint = f"zenconv run --stack {self.only_stack}" if self.only_stack else "zenconv run"
            return NotRecorded(f"no run{where} is recorded in {self.settings.root}", hint=hint)
        if text == LATEST:
            what = "no run on all data" if newest.sample else "no run"
            return NotRecorded(f"{what}{where} has succeeded yet", hint=f"zenconv show {newest.number}")
        return NotRecorded(
            f"there is no run {text[:80]!r}; the newest is {newest.id}",
            hint="name a run by its number, its id, `latest` or `last`; `zenconv runs` lists them",
        )

    def find_step(self, run: RunRecord, text: str) -> Found:
        """Return the step of `run` that `text` means, tried in this order.

        A node id (``steps_training.py::split``), pipeline and step (``training::split``), a step
        (``split``), an output of a step (``train``). With ``.train`` behind any of the first
        three: one of its outputs.

        Raises
        ------
        NotRecorded
            There is none. `UsageError`, if there are several of one rank.
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

    def find_newest(self, text: str) -> Found:
        """Return the step that `text` means in the newest run that has such a step.

        The newest run may have none: its project could not be collected, or it was another
        pipeline's. Raises as `find_step` does.
        """
        for record in self._runs_with_steps():
            if self._matches(record, text):
                return self.find_step(record, text)
        raise self._unknown_step(text)

    def _runs_with_steps(self) -> Iterator[RunRecord]:
        return (record for record in self.runs() if record.steps)

    def _runs_on_all_data(self) -> Iterator[RunRecord]:
        return (record for record in self._runs_with_steps() if not record.sample)

    def _unknown_step(self, text: str) -> NotRecorded:
        newest = next(self._runs_with_steps(), None) or self.find_run(LAST)
        return self._no_step(newest, text)

    def find_result(self, text: str, run: str | int = LATEST) -> Found:
        """Return the step that `text` means in the newest run on all data in which it has a result.

        `run` other than ``latest``: in that run. Raises as `find_run` and `find_step` do.
        """
        if str(run) != LATEST:
            found = self.find_step(self.find_run(run), text)
            if found.step.status not in HAS_RESULT:
                raise NotRecorded(
                    f"{found.step.node} has no result in run {found.run.id}: it is {found.step.status}",
                    hint=f"zenconv show {found.run.number} {found.step.node}",
                )
            return found
        for record in self._runs_on_all_data():
            matches = self._matches(record, text, statuses=HAS_RESULT)
            if len(matches) == 1:
                return matches[0]
            if matches:
                return self.find_step(record, text)
        newest = self.find_newest(text)
        step = newest.step
        if step.status in HAS_RESULT:
            raise NotRecorded(
                f"{step.node} has a result on a sample only ({newest.run.sample}, run {step.run})",
                hint=f"zenconv run {step.node.replace(f'@{newest.run.sample}', '', 1)}; "
                f"or name that run: {step.number}",
            )
        raise NotRecorded(
            f"{step.node} has no result in any run; in run {step.run} it is {step.status}",
            hint=f"zenconv show {step.number} {step.node}",
        )

    def find_branches(self, text: str, run: str | int = LATEST) -> list[Found]:
        """Return the results that `text` means: one, or all branches of one step, in their order.

        Raises as `find_result` does.
        """
        records = self._runs_on_all_data() if str(run) == LATEST else [self.find_run(run)]
        for record in records:
            matches = self._matches(record, text, statuses=HAS_RESULT)
            if matches:
                if len({found.step.template for found in matches}) == 1:
                    return matches
                break
        return [self.find_result(text, run)]

    def _matches(self, run: RunRecord, text: str, *, statuses: Sequence[StepStatus] = ()) -> list[Found]:
        if not isinstance(text, str):
            raise UsageError(f"a step is named by a text, not by {text!r}")
        for name, output in _split_output(text):
            steps = self._steps_named(run, name, statuses)
            if output is not None:
                steps = [step for step in steps if output in names_of(step)]
            if steps:
                return [Found(run, step, output) for step in steps]
        return self._by_output(run, text, statuses) if "::" not in text else []

    def _steps_named(self, run: RunRecord, name: str, statuses: Sequence[StepStatus]) -> list[StepRunRecord]:
        exact = self.store.steps(run.id, node=name, statuses=statuses)
        if exact:
            return list(exact)
        place, _, step = name.rpartition("::")
        step, branch = split_branch(step)
        named = self.store.steps(run.id, step=step, statuses=statuses)
        if branch is not None:
            named = [record for record in named if is_branch(record.branch, branch)]
        for is_place in (_is_pipeline, _ends_pipeline, _ends_file) if place else (_is_anywhere,):
            found = [record for record in named if is_place(record, place)]
            if found:
                return found
        return []

    def _by_output(self, run: RunRecord, name: str, statuses: Sequence[StepStatus]) -> list[Found]:
        if not name:
            return []
        steps = self.store.steps(run.id, statuses=statuses)
        return [Found(run, step, name) for step in steps if name in names_of(step)]

    def executed(self, step: StepRunRecord) -> StepRunRecord | None:
        """Return the record of the execution whose result `step` has; None where it is not recorded.

        A step that ran is its own; of a reused one the run is searched that made the result.
        """
        if step.status != "reused":
            return step
        made = self.store.history(step.node, statuses=["succeeded"])
        return next((record for record in made if record.key == step.key), None)

    def _no_step(self, run: RunRecord, text: str) -> NotRecorded:
        known = [step.node if "::" in text else step.step for step in self.store.steps(run.id, limit=2000)]
        if not known:
            return NotRecorded(f"run {run.id} has no steps", hint=f"zenconv show {run.number}")
        return NotRecorded(f"no step {text[:80]!r} in run {run.id}", hint=did_you_mean(text, known))


def _split_output(text: str) -> Iterator[tuple[str, str | None]]:
    """Yield each way to read `text` as a step and an output behind a dot; brackets hide their dots."""
    yield text, None
    if text.endswith("]"):
        return
    place, separator, last = text.rpartition("::")
    for position in (index for index, letter in enumerate(last) if letter == "."):
        yield place + separator + last[:position], last[position + 1 :]


def _is_anywhere(step: StepRunRecord, place: str) -> bool:
    return True


def _is_pipeline(step: StepRunRecord, place: str) -> bool:
    return step.pipeline == place


def _ends_pipeline(step: StepRunRecord, place: str) -> bool:
    return step.pipeline.rpartition("/")[2] == place


def _ends_file(step: StepRunRecord, place: str) -> bool:
    file = step.node.rpartition("::")[0]
    return f"/{file}".endswith(f"/{place.replace(os.sep, '/')}")
