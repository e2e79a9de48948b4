"""The settings of a project with everything it writes in a folder of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs

from zenconv.settings import Settings
from zenconv.settings.load import load_settings
from zenconv.settings.settings import StackSettings


def isolate_settings(
    root: Path,
    private: Path,
    params: Mapping[str, Any],
    replacements: Mapping[str, Callable[..., Any]],
    workers: int = 0,
) -> Settings:
    """Return the settings of the project at `root`, on a local stack in the folder `private`.

    `params` win over the project's. Files that the settings have written after a run are not written.

    Raises
    ------
    UsageError
        There is no project. `SettingsError`, if its settings have mistakes.
    """
    from zenconv.stack.workers import with_workers

    settings = load_settings(root, overrides=dict(params), environ={})
    stack = StackSettings()
    settings = attrs.evolve(
        settings,
        state=private / "state",
        stack=stack,
        stacks={stack.name: stack},
        outputs=tuple(attrs.evolve(output, export="") for output in settings.outputs),
        replacements=dict(replacements),
    )
    return with_workers(settings, workers)
