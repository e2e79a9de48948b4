"""Whether the components of a stack have the verbs of their kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from zenconv.errors import ZenconvError
from zenconv.interfaces.closing import Closable
from zenconv.interfaces.deploying import Deployer
from zenconv.interfaces.orchestrating import Orchestrator
from zenconv.interfaces.recording import MetadataStore
from zenconv.interfaces.registering import ModelRegistry
from zenconv.interfaces.storing import ActionCache, ArtifactStore
from zenconv.interfaces.tuning import Tuner
from zenconv.stack.assemble import Stack
from zenconv.upkeep.findings import Finding, Section

INTERFACES: Mapping[str, type] = {
    "orchestrator": Orchestrator,
    "artifact_store": ArtifactStore,
    "action_cache": ActionCache,
    "metadata_store": MetadataStore,
    "model_registry": ModelRegistry,
    "tuner": Tuner,
    "deployer": Deployer,
}


def check_verbs(section: Section, stack: Stack) -> Iterator[Finding]:
    """Yield what components lack, and those that are complete and that no run asks for."""
    for kind, chosen in stack.settings.components.items():
        interface, noun = INTERFACES[kind], kind.replace("_", " ")
        try:
            component = stack.component(kind)
        except ZenconvError:
            continue  # told where the stack is looked at
        lacking = [name for name in _verbs(interface) if not callable(getattr(component, name, None))]
        if lacking:
            what = f"the {noun} {chosen.id!r} is no {interface.__name__}: it lacks {', '.join(lacking)}"
            where = f"{interface.__module__}.{interface.__name__}"
            yield section.error(noun, f"{chosen.where}: {what}", 4, f"its verbs are those of {where}")
        elif kind in ("model_registry", "tuner", "deployer"):
            yield section.ok(noun, type(component).__name__)


def _verbs(interface: type) -> list[str]:
    faces = [interface, Closable] if issubclass(interface, Closable) else [interface]
    return [
        name
        for face in faces
        for name, value in vars(face).items()
        if callable(value) and not name.startswith("_")
    ]
