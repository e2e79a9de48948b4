"""Stores that others may use too.

A store in the state folder belongs to one project. Of any other nobody can see all the records
of runs, so each run pins what it needs before it ends; see `zenconv.stack.pins`.
"""

from __future__ import annotations

import os

from zenconv.errors import StoreError
from zenconv.records.layout import RunFolder, StateFolder, run_number
from zenconv.settings.settings import Settings, StackSettings
from zenconv.stack.assemble import Stack, choose_component

_MOST_OLDER = 20


def is_shared(settings: Settings, stack: StackSettings) -> bool:
    """Return whether anybody but this project may use the store of `stack`."""
    store, cache = (choose_component(stack, kind) for kind in ("artifact_store", "action_cache"))
    if store is None or store.id != "local" or cache is None or cache.id != "sqlite":
        return True
    state = os.path.realpath(settings.state)
    paths = [component.options.get("path") or settings.state / "store" for component in (store, cache)]
    places = [os.path.realpath(settings.root / os.path.expanduser(path)) for path in paths]
    return any(os.path.commonpath([state, place]) != state for place in places)


def end_use(settings: Settings, stack: Stack, folder: RunFolder, host: str) -> list[str]:
    """Give up the protection of a run's results: its log, complete by now, or pins keep them.

    Pins what the run needs where the store is shared, and what earlier ones need that were
    killed. Returns what went wrong with that, a line each.
    """
    state = StateFolder(settings.state)
    try:
        if is_shared(settings, settings.stack):
            from zenconv.stack.run_pins import pin_runs  # most stores are not

            older = sorted((run for run in state.run_ids() if run != folder.id), key=run_number)
            pin_runs(state, stack, [folder.id, *older[-_MOST_OLDER:]], host)
    except StoreError as error:
        return [f"the results of this run are not pinned in the store that others use, too: {error.what}"]
    stack.unprotect()
    return []
