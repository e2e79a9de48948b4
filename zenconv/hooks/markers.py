"""What a plugin writes with: `hookimpl`, and the records its hooks return.

A plugin's ``__init__`` holds hook implementations and nothing heavy::

    from zenconv.hooks.markers import ComponentSpec, hookimpl

    @hookimpl
    def zenconv_components():
        return [ComponentSpec("tracker", "mlflow", "zenconv_mlflow.tracker:Tracker")]
"""

from __future__ import annotations

from typing import Any, Literal

import attrs
import pluggy

from zenconv.frozen import Frozen

PROJECT_NAME = "zenconv"

hookspec = pluggy.HookspecMarker(PROJECT_NAME)
hookimpl = pluggy.HookimplMarker(PROJECT_NAME)

Kind = Literal[
    "orchestrator",
    "artifact_store",
    "action_cache",
    "metadata_store",
    "model_registry",
    "tuner",
    "deployer",
    "tracker",
]
KINDS: tuple[Kind, ...] = (
    "orchestrator",
    "artifact_store",
    "action_cache",
    "metadata_store",
    "model_registry",
    "tuner",
    "deployer",
    "tracker",
)


@attrs.frozen(eq=False, repr=False)
class ComponentSpec(Frozen):
    """A component that a plugin offers; nothing of it is imported before a stack uses it.

    Parameters
    ----------
    kind
        One of `KINDS`.
    id
        What a stack's table names it by; one plugin only may claim it per kind.
    target
        ``"module:Class"``; the class is built by ``Class.from_options(options, root=, state=)``.
    capabilities
        What it can do beyond the interface, for ``zenconv plugins`` and ``zenconv check``.
    """

    kind: Kind
    id: str
    target: str
    capabilities: tuple[str, ...] = ()


@attrs.frozen(eq=False, repr=False)
class MaterializerSpec(Frozen):
    """A materializer that a plugin offers.

    Parameters
    ----------
    id
        The name of the format, recorded with every artifact; one plugin only may claim it.
    types
        Dotted names of the classes it writes; matched along the MRO of a value's class.
    target
        ``"module:Class"``; built without arguments when a value of such a class appears.
    """

    id: str
    types: tuple[str, ...]
    target: str


@attrs.frozen(eq=False, repr=False)
class ParameterValue(Frozen):
    """What a plugin says that a parameter is; `origin` tells people where: ``params.yaml:3``.

    The value is converted by the parameter's annotation, as one from the settings is.
    """

    value: Any
    origin: str


OptionKind = Literal["flag", "text", "path", "integer", "number"]


@attrs.frozen(eq=False, repr=False)
class OptionSpec(Frozen):
    """A flag that a plugin gives to ``zenconv run``; it may stand in the settings, too.

    Parameters
    ----------
    name
        As it is typed: ``"--junit-xml"``. In ``[tool.zenconv.options]`` it is ``junit-xml``, and
        `zenconv_configure` gets its value as ``options["junit_xml"]``.
    help
        One line.
    kind
        ``flag`` takes no value and is False or True; the others are `str`, `pathlib.Path`, `int` or
        `float`. A path is absolute then: relative ones begin at the current folder on the command
        line, at the project's root in the settings.
    default
        What it is where nothing is said; None is allowed for every kind but ``flag``.
    metavar
        What stands for the value in the help: ``FILE``.
    choices
        The texts that are allowed; empty: any.
    is_repeated
        It may be given several times (in the settings: as a list); its value is then a tuple.
    """

    name: str
    help: str
    kind: OptionKind = "text"
    default: Any = None
    metavar: str = ""
    choices: tuple[str, ...] = ()
    is_repeated: bool = False

    @property
    def key(self) -> str:
        """Return the name of its value for `zenconv_configure`."""
        return self.name.lstrip("-").replace("-", "_")


@attrs.frozen(eq=False, repr=False)
class CommandSpec(Frozen):
    """A command that a plugin adds: ``zenconv NAME``.

    Parameters
    ----------
    name
        No built-in command has it, and one plugin only may claim it.
    help
        The line in ``zenconv --help``.
    target
        ``"module:command"``, a click command, imported when the command is called. The common
        options (``-C``, ``-c``, ``--stack``, ``-p``, ``--set``) are added to it;
        `click.pass_obj` hands it a `CommandPlace`.
    """

    name: str
    help: str
    target: str
