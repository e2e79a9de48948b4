"""`zenconv check`: will it run? Settings, plugins, components, store, records, project."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import attrs

from zenconv import hashing
from zenconv.engine.guard import ask_child
from zenconv.errors import Problem, SettingsError, StoreError, ZenconvError
from zenconv.frozen import Frozen
from zenconv.hooks.manager import Plugins
from zenconv.interfaces.storing import ActionCache, ArtifactStore
from zenconv.project.planning import Planner, Selection
from zenconv.records.artifact import ActionKey
from zenconv.records.layout import StateFolder
from zenconv.records.step import Pipeline
from zenconv.settings import Settings
from zenconv.stack.assemble import Stack, assemble
from zenconv.trust import load_user_key


@attrs.frozen(eq=False, repr=False)
class Finding(Frozen):
    """One thing that was looked at: what, whether it is sound, a line about it, the exit code if not."""

    subject: str
    is_sound: bool
    text: str
    exit_code: int = 0


def check_project(settings: Settings, load_plugins: Callable[[], Plugins], *, fix: bool) -> list[Finding]:
    """Look at everything a run would need; nothing is raised. `fix` repairs the metadata index."""
    findings = [Finding("settings", True, str(settings.file or "defaults, no configuration file"))]
    findings += [Finding("settings", True, f"warning: {text}") for text in settings.warnings]
    plugins: list[Plugins] = []

    def plugin_text() -> str:
        plugins.append(load_plugins())
        return ", ".join(row.name for row in plugins[0].rows())

    findings.append(_look("plugins", plugin_text))
    if plugins:
        findings += _check_stack(settings, plugins[0], fix=fix)
        findings.append(_look("project", lambda: _project_text(settings, plugins[0])))
    return findings


def _check_stack(settings: Settings, plugins: Plugins, *, fix: bool) -> list[Finding]:
    stack = assemble(settings, plugins)
    return [
        *(Finding(f"stack {stack.name}", False, str(problem), 4) for problem in stack.problems()),
        _look("orchestrator", lambda: type(stack.orchestrator).__name__),
        _look("artifact store", lambda: _store_text(settings, stack.artifact_store)),
        _look("action cache", lambda: _cache_text(stack.action_cache)),
        _look("trust", lambda: _trust_text(stack)),
        _look("records", lambda: _records_text(settings, stack, fix=fix)),
    ]


def _look(subject: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, True, look())
    except ZenconvError as error:
        return Finding(subject, False, str(error), error.exit_code)
    except OSError as error:
        return Finding(subject, False, f"{error.strerror or error}: {error.filename}", 1)


def _store_text(settings: Settings, store: ArtifactStore) -> str:
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
    return f"{store.url}: written and read back"


def _cache_text(cache: ActionCache) -> str:
    key = ActionKey(os.urandom(32).hex(), os.urandom(32).hex())
    if cache.look_up([key]) or not cache.claim(key):
        raise StoreError("the action cache knows a key that nobody made")
    cache.release(key)
    cache.close()
    return f"{type(cache).__name__}: claims and looks up"


def _trust_text(stack: Stack) -> str:
    trust = stack.trust
    if trust.mode == "signed" and trust.shared is None:
        raise StoreError(
            "trust is 'signed', but the stack has no key",
            hint=f"`zenconv stack trust {stack.name}` makes one",
        )
    load_user_key()
    return trust.mode


def _records_text(settings: Settings, stack: Stack, *, fix: bool) -> str:
    store = stack.metadata_store
    if fix:
        store.rebuild()
    else:
        store.refresh()
    return "\n".join([_count(store.count(), "runs"), *store.notices])


def _project_text(settings: Settings, plugins: Plugins) -> str:
    def ask(tell: Callable[[str], None]) -> Any:
        planner = Planner.open(settings, Selection(), plugins, tell)
        plan = planner.plan(Selection())
        _check_secrets(plan.pipeline)
        return {
            "steps": len(plan.pipeline),
            "pipelines": len({node.pipeline for node in plan.pipeline}),
            "warnings": planner.warnings(),
        }

    answer = ask_child(ask, settings.root)
    steps, pipelines = (_count(answer[name], name) for name in ("steps", "pipelines"))
    text = f"{steps} in {pipelines}"
    return "\n".join([text, *(f"warning: {warning}" for warning in answer["warnings"])])


def _check_secrets(pipeline: Pipeline) -> None:
    """Raise `SettingsError` for parameters that refer to environment variables which are not set."""
    problems = [
        Problem(
            f"parameter {binding.parameter!r} of step {node.step.name!r} needs the variable {name}",
            *_place(binding.origin),
            hint=f"set {name} before the run",
        )
        for node in pipeline
        for binding in node.bindings
        for name in filter(None, binding.secret.split(","))
        if name not in os.environ
    ]
    if problems:
        raise SettingsError(problems=tuple(problems))


def _place(origin: str) -> tuple[str, int]:
    file, _, line = origin.rpartition(":")
    return (file, int(line)) if line.isdigit() else (origin, 0)


def _count(number: int, plural: str) -> str:
    return f"{number} {plural.removesuffix('s') if number == 1 else plural}"
