"""Whether the stack will do: its components, what they may write, its keys, what pipelines ask of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from glob import glob

from zenconv import hashing
from zenconv.errors import Problem, StoreError, ZenconvError
from zenconv.hooks.manager import Plugins
from zenconv.interfaces.storing import ActionCache, ArtifactStore
from zenconv.records.artifact import ActionKey
from zenconv.records.layout import StateFolder
from zenconv.settings import Settings
from zenconv.stack.assemble import Stack, choose_component
from zenconv.trust import load_user_key
from zenconv.upkeep.check_verbs import check_verbs
from zenconv.upkeep.findings import Finding, Section

_LACKS = {
    "async": "they wait for each other, one after another",
    "gpu": "there is none for them",
}
"""What the lack of a capability means for the steps that need it."""


def check_stack(
    settings: Settings, plugins: Plugins, stack: Stack, problems: Sequence[Problem]
) -> list[Finding]:
    """Look at everything but the records; what is written is deleted again.

    `problems` are those of the stack itself: what its components cannot do because of them is not told.
    """
    section = Section(f"stack {stack.name}")
    findings = [section.error("components", str(problem), 4) for problem in problems]
    if not findings:
        findings.append(section.ok("components", _describe(settings)))

    def look(subject: str, action: Callable[[], str]) -> None:
        found = section.look(subject, action)
        # What is wrong with a component itself is among the problems already.
        told = {problem.what for problem in problems}
        findings.extend(f for f in found if f.level == "ok" or not any(what in f.text for what in told))

    look("orchestrator", lambda: type(stack.orchestrator).__name__)
    look("artifact store", lambda: _try_store(settings, stack.artifact_store))
    if stack.is_settled("action_cache"):
        look("action cache", lambda: _try_cache(stack.action_cache))
    if stack.is_settled("trust"):
        look("trust", lambda: _try_trust(stack))
    findings += check_verbs(section, stack)
    findings += _check_reach(section, settings, plugins)
    return findings


def check_reachable(stack: Stack) -> list[Finding]:
    """Return why store or cache cannot even be asked; nothing where they can."""
    section = Section(f"stack {stack.name}")
    nothing, key = hashing.digest_bytes(os.urandom(16)), ActionKey(os.urandom(32).hex(), os.urandom(32).hex())
    for subject, ask in (
        ("artifact store", lambda: stack.artifact_store.has([nothing])),
        ("action cache", lambda: stack.action_cache.look_up([key])),
    ):
        try:
            ask()
        except (ZenconvError, OSError) as error:
            found = section.failures(subject, error)
            hint = "see whether the address, the credentials and the network are right"
            return [section.error(f.subject, f.text, f.exit_code, hint) for f in found]
    return []


def _describe(settings: Settings) -> str:
    kinds = ("orchestrator", "artifact_store", "action_cache", "metadata_store")
    chosen = [(kind, choose_component(settings.stack, kind)) for kind in kinds]
    named = [f"{kind.replace('_', ' ')} {component.id!r}" for kind, component in chosen if component]
    named += [f"tracker {tracker.id!r}" for tracker in settings.stack.trackers]
    return ", ".join(named)


def _try_store(settings: Settings, store: ArtifactStore) -> str:
    """Write a blob, read it back, delete it."""
    StateFolder(settings.state).create()
    data = b"zenconv check " + os.urandom(16)
    with store.writer() as writer:
        writer.write(data)
        digest, _ = writer.commit()
    try:
        with store.open(digest) as stream:
            if hashing.digest_bytes(stream.read()) != digest:
                raise StoreError(f"{store.url} gives back other bytes than were written")
    finally:
        store.delete([digest])
    if store.has([digest]):
        raise StoreError(f"{store.url} still has what was deleted")
    return f"{store.url}: written, read back, deleted"


def _try_cache(cache: ActionCache) -> str:
    key = ActionKey(os.urandom(32).hex(), os.urandom(32).hex())
    try:
        if cache.look_up([key]) or not cache.claim(key):
            raise StoreError("the action cache knows a key that nobody made")
        cache.release(key)
    finally:
        cache.close()
    return f"{type(cache).__name__}: claims and looks up"


def _try_trust(stack: Stack) -> str:
    trust = stack.trust
    if trust.mode == "signed" and trust.shared is None:
        raise StoreError(
            "trust is 'signed', but the stack has no key",
            hint=f"`zenconv stack trust {stack.name}` makes one",
        )
    load_user_key()
    return trust.mode


def _check_reach(section: Section, settings: Settings, plugins: Plugins) -> Iterator[Finding]:
    """Workers elsewhere must reach the store."""
    orchestrator, store = (
        choose_component(settings.stack, kind) for kind in ("orchestrator", "artifact_store")
    )
    try:
        if orchestrator is None or "remote" not in plugins.capabilities("orchestrator", orchestrator.id):
            return
        if store is not None and "remote" not in plugins.capabilities("artifact_store", store.id):
            yield section.error(
                "artifact store",
                f"{orchestrator.id!r} runs steps on other machines, which lack the store {store.id!r}",
                4,
                'an address that all of them reach: artifact_store = "s3://bucket/zenconv"',
            )
    except ZenconvError:
        return  # told where the plugins are looked at


def check_needs(
    settings: Settings, plugins: Plugins, needs: Mapping[str, Iterable[str]]
) -> Iterator[Finding]:
    """Compare what steps need (capability to the steps that do) with what the orchestrator offers."""
    section = Section(f"stack {settings.stack.name}")
    orchestrator = choose_component(settings.stack, "orchestrator")
    if orchestrator is None:
        return
    offered = plugins.capabilities("orchestrator", orchestrator.id)
    for capability, steps in needs.items():
        is_remote = "remote" in offered
        if capability in offered or (capability == "gpu" and not is_remote and _has_gpu()):
            continue
        named = list(steps)
        more = f" and {len(named) - 3} more" if len(named) > 3 else ""
        what = f"{', '.join(named[:3])}{more}: the orchestrator {orchestrator.id!r} lacks {capability!r}"
        text = f"{what}, so {_LACKS.get(capability, 'they may fail')}"
        if capability == "gpu" and is_remote:
            yield section.error("orchestrator", text, 4, "choose a stack whose orchestrator has GPUs")
        else:
            yield section.warning("orchestrator", text)


def _has_gpu() -> bool:
    """Whether this machine shows a device that steps could compute on."""
    return sys.platform == "darwin" or bool(glob("/dev/nvidia[0-9]*") or glob("/dev/kfd"))
