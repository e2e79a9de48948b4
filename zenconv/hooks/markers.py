"""What a plugin writes with: `hookimpl`, and the records its hooks return.

A plugin's ``__init__`` holds hook implementations and nothing heavy::

    from zenconv.hooks.markers import ComponentSpec, hookimpl

    @hookimpl
    def zenconv_components():
        return [ComponentSpec("tracker", "mlflow", "zenconv_mlflow.tracker:Tracker")]
"""

from __future__ import annotations

from typing import Literal

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
