"""The built-in fixtures, as the engine makes them; `zenconv.project.builtins` lists them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import attrs

from zenconv.authoring import Scope
from zenconv.engine.checkpoints import Checkpoints
from zenconv.engine.secrets import Secrets
from zenconv.errors import UsageError
from zenconv.frozen import Frozen
from zenconv.settings.machine import name_device


@attrs.frozen(eq=False, repr=False)
class RunInfo(Frozen):
    """What a step that asks for ``run`` gets: `id`, `number`, `stack`, `started` (UTC)."""

    id: str
    number: int
    stack: str
    started: datetime


@attrs.frozen(eq=False, repr=False)
class Asker(Frozen):
    """Who asks for a built-in fixture: a step with its node and key, for itself or for a fixture.

    `task` is the node that is computed: another one where a live value is made again for it.
    `branch` tells it from others of the step. `is_shared`: the fixture outlives the step, so nothing of
    the step may show in what it gets. `gpus` are the numbers of those that the task has to itself.
    """

    task: str
    node: str
    key: str
    step: str
    fixture: str = ""
    is_shared: bool = False
    branch: str = ""
    gpus: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """What tells this one from the others that ask, of all that the key holds as well."""
        if self.is_shared:
            return f"fixture {self.fixture}"
        name = f"{self.step} fixture {self.fixture}" if self.fixture else self.step
        return f"{name} of {self.branch}" if self.branch else name


@attrs.define(eq=False, repr=False)
class BuiltinFixtures:
    """Makes what steps and fixtures ask for by a built-in name."""

    run: RunInfo
    seed: int
    secrets: Secrets
    checkpoints: Checkpoints

    def is_one_for_step(self, name: str) -> bool:
        """Return whether a step and its fixtures get the same object, which ends with the step."""
        return name in ("tmp_path", "checkpoint")

    def scope_of(self, name: str) -> Scope:
        """Return how long what is made under `name` lives."""
        return "step" if self.is_one_for_step(name) else "run"

    def make(self, name: str, asker: Asker) -> Any:
        """Return what each that asks gets anew."""
        match name:
            case "run":
                return self.run
            case "now":
                return self.run.started
            case "secrets":
                return self.secrets
            case "log":
                return _logger(asker)
            case "device":
                return name_device(asker.gpus[0] if asker.gpus else None)
            case "seed":
                from zenconv.engine.seeding import seed_generators

                return seed_generators(self.seed, asker.name)
        raise UsageError(f"unknown built-in fixture {name!r}")

    def make_for_step(self, name: str, asker: Asker) -> tuple[Any, Callable[[], object]]:
        """Return what there is one of for a step, and what ends it."""
        if name == "checkpoint":
            folder = self.checkpoints.open(asker.task, asker.node, asker.key)
            return folder, lambda: None  # whether it goes depends on what becomes of the step
        import shutil
        import tempfile

        folder = Path(tempfile.mkdtemp(prefix="zenconv-"))
        return folder, lambda: shutil.rmtree(folder, ignore_errors=True)


def _logger(asker: Asker) -> Any:
    import logging

    class CurrentStderr(logging.Handler):
        """Writes to whatever ``sys.stderr`` is at that moment: it changes while steps run."""

        def emit(self, record: logging.LogRecord) -> None:
            sys.stderr.write(self.format(record) + "\n")

    kind, name = ("fixture", asker.fixture) if asker.fixture else ("step", asker.step)
    logger = logging.getLogger(f"zenconv.{kind}.{name}")
    if not logger.handlers:
        handler = CurrentStderr()
        handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
    return logger
