"""What `load_settings` returns: frozen records, picklable, every value with its origin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import attrs

from zenconv.frozen import Frozen
from zenconv.settings.root import NORECURSE, STEP_FILES

COMPONENT_KINDS = (
    "orchestrator",
    "artifact_store",
    "action_cache",
    "metadata_store",
    "model_registry",
    "tuner",
    "deployer",
)
"""The components a stack's table names one of each; `trackers` is a list."""

LOCAL = "local"
"""The stack that always exists, and is used unless another is asked for."""

Layer = Literal[0, 1, 2, 3]
BASE_LAYER, STACK_LAYER, ENVIRONMENT_LAYER, FLAG_LAYER = range(4)


@attrs.frozen(eq=False, repr=False)
class Value(Frozen):
    """One parameter as written.

    Parameters
    ----------
    value
        What TOML gives, or a `Text` from a shell. Of a table, a dictionary.
    origin
        Where it is written: ``pyproject.toml:4``, ``ZENCONV_PARAMS__C``, ``--set``.
    secret
        Names of the environment variables it refers to, comma-separated; they are looked up
        when a step runs (`zenconv.settings.secrets.resolve_references`).
    layer
        How strong it is: 0 base, 1 stack, 2 environment, 3 command line. A stronger layer wins
        before a more specific key does.
    is_table
        Whether deeper keys stand in it (``training`` when there is ``training.C``).
    """

    value: Any
    origin: str
    secret: str = ""
    layer: int = BASE_LAYER
    is_table: bool = False


@attrs.frozen(eq=False, repr=False)
class ComponentSettings(Frozen):
    """A component as a stack asks for it; `options` holds references to secrets, not their values."""

    id: str
    options: Mapping[str, Any] = attrs.field(factory=dict)
    where: str = ""


@attrs.frozen(eq=False, repr=False)
class TrustSettings(Frozen):
    """Whose bytes may be unpickled; `mode` is empty where the store decides. See `zenconv.trust`."""

    mode: str = ""
    key: str = attrs.field(default="", repr=False)
    where: str = ""


@attrs.frozen(eq=False, repr=False)
class StackSettings(Frozen):
    """One table of ``stacks``. `components` maps kinds to what was asked for, defaults left out."""

    name: str = LOCAL
    components: Mapping[str, ComponentSettings] = attrs.field(factory=dict)
    trackers: tuple[ComponentSettings, ...] = ()
    trust: TrustSettings = TrustSettings()
    workers: int | None = None
    where: str = ""


@attrs.frozen(eq=False, repr=False)
class PluginSettings(Frozen):
    """Installed plugins to load and not to load, by name; `where` is ``file:line``."""

    enabled: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()
    where: str = ""


@attrs.frozen(eq=False, repr=False)
class CleanSettings(Frozen):
    """What `zenconv clean` keeps: `older_than` in seconds, `keep_last` runs; None where nothing is said."""

    older_than: float | None = None
    keep_last: int | None = None


BRANCH = "{branch}"
"""Stands in the path of an export for the branch of a fan-out."""


@attrs.frozen(eq=False, repr=False)
class OutputSettings(Frozen):
    """How an output is stored, and where it is written to after a run.

    Parameters
    ----------
    name
        Which outputs, as it is written: ``training::split.train``.
    place, step, branch, output
        The parts of that. Empty, or None: any.
    materializer
        The id of the one that stores it; empty: the first that accepts the value.
    export
        The file, absolute or relative to the root; empty: none.
    """

    name: str
    place: str
    step: str
    branch: str | None = None
    output: str | None = None
    materializer: str = ""
    export: str = ""
    where: str = ""


@attrs.frozen(eq=False, repr=False)
class Settings(Frozen):
    """Everything a project's configuration, the environment and the flags say, layered and checked.

    Parameters
    ----------
    root, state
        The project's folder, and the folder in it that zenconv writes to.
    file
        The configuration file, or None.
    params
        Every parameter by its dotted key; tables are there too, whole. See `look_up`.
    stack, stacks, stack_origin
        The stack in use, all there are, and who chose it.
    models, tune, bundle, promote
        Tables kept as they are written.
    outputs
        How outputs are stored, and the files they are written to.
    options
        What plugins are asked for, by the name of the option.
    warnings
        What is odd but no mistake.
    origins
        Where each setting other than a parameter is written, by dotted key.
    markers, strict_markers
        The project's own marks as declared (``"slow: takes minutes"``); whether any other is a mistake.
    timeout
        How many seconds a step may take that says nothing of its own; 0: as long as it likes.
    cwd
        The folder the command was called in; steps run in `root`, wherever that was.
    replacements
        Functions in the place of steps, by name, which only a test can give.
    """

    root: Path
    state: Path
    file: Path | None = None
    step_files: tuple[str, ...] = STEP_FILES
    norecurse: tuple[str, ...] = NORECURSE
    params: Mapping[str, Value] = attrs.field(factory=dict)
    stack: StackSettings = StackSettings()
    stacks: Mapping[str, StackSettings] = attrs.field(factory=dict)
    stack_origin: str = "default"
    plugins: PluginSettings = PluginSettings()
    seed: int | None = None
    clean: CleanSettings = CleanSettings()
    models: Mapping[str, Any] = attrs.field(factory=dict)
    tune: Mapping[str, Any] = attrs.field(factory=dict)
    outputs: tuple[OutputSettings, ...] = ()
    bundle: Mapping[str, Any] = attrs.field(factory=dict)
    promote: Mapping[str, Any] = attrs.field(factory=dict)
    options: Mapping[str, Any] = attrs.field(factory=dict)
    warnings: tuple[str, ...] = ()
    origins: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    markers: tuple[str, ...] = ()
    strict_markers: bool = True
    timeout: float = 0.0
    cwd: Path = attrs.field(factory=Path.cwd, eq=False)
    replacements: Mapping[str, Callable[..., Any]] = attrs.field(factory=dict, repr=False)


def seed_of(settings: Settings) -> int:
    """Return the seed of a run: the configured one, else 0."""
    return settings.seed if settings.seed is not None else 0
