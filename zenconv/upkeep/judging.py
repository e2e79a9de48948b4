"""Which runs and cache entries go, and what those that stay need."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import attrs

from zenconv.errors import StoreError
from zenconv.frozen import Frozen
from zenconv.locks import is_held
from zenconv.records.artifact import ActionEntry
from zenconv.records.layout import StateFolder
from zenconv.records.mentioned import Mentioned
from zenconv.settings import Settings
from zenconv.stack.assemble import Stack, choose_component
from zenconv.stack.pins import digests_of, is_pin, keys_of
from zenconv.stack.run_pins import run_pins
from zenconv.upkeep.retention import Retention, RunFacts, Verdict, age_of

_PAGE = 500


@attrs.frozen(eq=False, repr=False)
class JudgedEntries(Frozen):
    """The entries that go, how many stay, what these need, and what those that go needed."""

    going: list[ActionEntry]
    staying: int
    needed: set[str]
    freed: set[str]


class Judge:
    """Applies the rules of one clean to what is recorded and stored.

    Parameters
    ----------
    only_own
        Entries that runs of this project have neither written nor used stay whatever their age.
    others
        Pins of the runs of others go with age, too.
    """

    def __init__(
        self, settings: Settings, stack: Stack, retention: Retention, *, only_own: bool, others: bool
    ) -> None:
        self.only_own = only_own
        self._others = others
        self._settings = settings
        self._state = StateFolder(settings.state)
        self._stack = stack
        self._retention = retention
        self._own: set[str] = set()

    def judge_runs(self) -> list[Verdict]:
        """Return a verdict for every recorded run, newest first."""
        store = self._stack.metadata_store
        store.refresh()
        present = set(self._state.run_ids())
        runs: list[RunFacts] = []
        while page := store.runs(limit=_PAGE, offset=len(runs)):
            runs += map(RunFacts.of, page)
        here = [run for run in runs if run.id in present]
        self._own = {run.id for run in here}
        alive = {run.id for run in here if self._is_alive(run.id)}
        elsewhere = {run.id for run in here if not self._is_in_this_store(run.stack)}
        return self._retention.judge(here, alive=alive, elsewhere=elsewhere)

    def _is_alive(self, run: str) -> bool:
        try:
            return is_held(self._state.run(run).lock)
        except StoreError:
            return True

    def _is_in_this_store(self, stack: str) -> bool:
        own = choose_component(self._stack.settings, "artifact_store")
        stacks = self._settings.stacks
        return stack in stacks and choose_component(stacks[stack], "artifact_store") == own

    def mentioned_by(self, run: str) -> Mentioned:
        """Return what the log of a run that goes mentions, as far as it can be read."""
        mentioned = Mentioned()
        with suppress(StoreError):
            mentioned.read(self._state.run(run).log)
        return mentioned

    def judge_entries(self, kept: Mentioned, gone: Mapping[str, Mentioned]) -> JudgedEntries:
        """Judge every entry of the cache, given what the runs mention that stay, and those that go."""
        gone_keys = set[str]().union(*(mentioned.keys for mentioned in gone.values()))
        given_up = run_pins(self._state, gone)
        pinned: set[str] = set()
        judged = JudgedEntries([], 0, set(), set())
        candidates: list[ActionEntry] = []
        staying = 0
        for entry in self._stack.action_cache.entries():
            if entry.key in given_up:
                continue  # it goes with its run
            if self._stays(entry, kept, gone_keys):
                pinned |= keys_of(entry)
                judged.needed.update(digests_of(entry))
                staying += not is_pin(entry)
            else:
                candidates.append(entry)
        for entry in candidates:
            if str(entry.key) in pinned:
                judged.needed.update(digests_of(entry))
                staying += 1
            else:
                judged.going.append(entry)
                judged.freed.update(digests_of(entry))
        return attrs.evolve(judged, staying=staying)

    def _stays(self, entry: ActionEntry, kept: Mentioned, gone_keys: set[str]) -> bool:
        key = str(entry.key)
        if key in kept.keys:
            return True
        if entry.discovered and digests_of(entry) <= kept.digests:
            return True  # a kept run used it under the key that it has without what was discovered
        if is_pin(entry):
            return not (self._others and self._is_given_up(entry))
        if self.only_own:
            return key not in gone_keys or not self._is_own(entry)
        return key not in gone_keys and age_of(entry.created) <= self._retention.result_age

    def _is_given_up(self, entry: ActionEntry) -> bool:
        """Whether the pin of a run of somebody else is older than runs are kept here."""
        is_run = next(iter(entry.outputs), "").startswith("run ")
        return is_run and not self._is_own(entry) and age_of(entry.created) > self._retention.result_age

    def _is_own(self, entry: ActionEntry) -> bool:
        """Whether a run of this project wrote an entry: ``run 3-ab12cd on laptop``."""
        words = entry.writer.split()
        return len(words) > 1 and words[1] in self._own
