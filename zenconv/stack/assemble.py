"""From a stack's table to components that work: `assemble`.

Nothing is imported or opened before it is asked for, so a run in which everything is reused
never loads the orchestrator, and listing a stack opens no connection.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import attrs

from zenconv.errors import Problem, SettingsError, UnknownComponent, ZenconvError
from zenconv.hooks import Plugins
from zenconv.settings.secrets import find_references, resolve_references
from zenconv.settings.settings import ComponentSettings, Settings, StackSettings

if TYPE_CHECKING:
    from zenconv.interfaces.orchestrating import Orchestrator
    from zenconv.interfaces.storing import ActionCache, ArtifactStore
    from zenconv.trust import Mode, Trust

T = TypeVar("T")

_REQUIRED_KINDS = ("orchestrator", "artifact_store", "action_cache", "metadata_store")

_EXAMPLES = {"action_cache": '"sqlite", which stays in the project (the artifact store has no url for one)'}

KEY_VARIABLE = "ZENCONV_SIGNING_KEY"
"""The environment variable that the hints name for a stack's signing key."""


def choose_component(stack: StackSettings, kind: str) -> ComponentSettings | None:
    """Return the component of `kind` that `stack` uses, by its table or by default; None: it has none."""
    asked = stack.components.get(kind)
    if asked is not None:
        return asked
    if kind == "orchestrator":
        return ComponentSettings("in-process", where="default")
    if kind == "artifact_store":
        return ComponentSettings("local", where="default")
    if kind == "metadata_store":
        return ComponentSettings("sqlite", where="default")
    if kind == "action_cache":
        return _default_action_cache(choose_component(stack, "artifact_store"))
    return None


def _default_action_cache(store: ComponentSettings | None) -> ComponentSettings | None:
    """Beside the artifacts: in SQLite next to a local store, as objects below a URL; None without one."""
    if store is None or store.id == "local":
        kept = {"path": store.options["path"]} if store is not None and "path" in store.options else {}
        return ComponentSettings("sqlite", kept, "default")
    kept = {name: store.options[name] for name in ("url", "storage_options") if name in store.options}
    return ComponentSettings("objects", kept, "default") if "url" in kept else None


def choose_trust_mode(stack: StackSettings) -> str:
    """Return the trust mode of `stack`: its own, else ``local``, or ``signed`` where others write too."""
    if stack.trust.mode:
        return stack.trust.mode
    store = choose_component(stack, "artifact_store")
    return "local" if store is None or store.id == "local" else "signed"


class Stack:
    """The components of one stack, each made when first asked for, then kept."""

    def __init__(
        self,
        settings: Settings,
        plugins: Plugins,
        environ: Mapping[str, str],
        on_warning: Callable[[str], None] | None = None,
    ) -> None:
        self.name = settings.stack.name
        self.settings = settings.stack
        self._project = settings
        self._plugins = plugins
        self._environ = environ
        self._on_warning = on_warning
        self._made: dict[str, Any] = {}
        self._guard: tuple[Path, str] | None = None

    def __repr__(self) -> str:
        return f"Stack({self.name!r})"

    @property
    def orchestrator(self) -> Orchestrator:
        """Places steps and watches them."""
        return cast("Orchestrator", self._component("orchestrator"))

    @property
    def artifact_store(self) -> ArtifactStore:
        """Keeps the bytes of outputs."""
        return cast("ArtifactStore", self._component("artifact_store"))

    @property
    def action_cache(self) -> ActionCache:
        """Knows which key led to which outputs."""
        return cast("ActionCache", self._component("action_cache"))

    @property
    def metadata_store(self) -> Any:
        """Records runs and answers questions about them."""
        return self._component("metadata_store")

    @property
    def trackers(self) -> tuple[Any, ...]:
        """What else is told about runs; the stack switches them on."""
        return self._keep("trackers", self._make_trackers)

    @property
    def trust(self) -> Trust:
        """Whose bytes may be unpickled."""
        return self._keep("trust", self._make_trust)

    @property
    def capabilities(self) -> frozenset[str]:
        """What the orchestrator and the store say they can do beyond their interfaces."""
        chosen = (
            (kind, choose_component(self.settings, kind)) for kind in ("orchestrator", "artifact_store")
        )
        return frozenset(
            name for kind, asked in chosen if asked for name in self._plugins.capabilities(kind, asked.id)
        )

    def protect(self, guard: Path, owner: str) -> None:
        """Keep what is found and stored safe from `zenconv clean` while the lock file `guard` is held.

        `owner` is who people are told uses the store. What a run needs is asked for afterwards.
        """
        self._guard = (guard, owner)
        if "artifact_store" in self._made:
            self._protect(self._made["artifact_store"])

    def _protect(self, store: Any) -> None:
        if self._guard is not None and hasattr(store, "protect"):
            store.protect(*self._guard)

    def unprotect(self) -> None:
        """Give up what `protect` asked for: everything that was found and stored is recorded."""
        self._guard = None
        unprotect = getattr(self._made.get("artifact_store"), "unprotect", None)
        if unprotect is not None:
            unprotect()

    def component(self, kind: str) -> Any:
        """Return the component of any other kind. `SettingsError` where the stack has none."""
        return self._component(kind)

    def check_offered(self) -> None:
        """Raise what `assemble` leaves for later: components named that no plugin offers, all together.

        Whoever executes does so before the first step, not when a model is to be registered.
        """
        if self.settings.components:
            self._raise_unknown([])

    def close(self) -> None:
        """Close what was made and can be closed."""
        for component in (*self._made.values(), *self._made.get("trackers", ())):
            close = getattr(component, "close", None)
            if close is not None:
                close()
        self._made.clear()

    def is_settled(self, kind: str) -> bool:
        """Return whether the component of `kind`, or ``trust``, can be told without a store that is unknown.

        What is wrong with one that cannot is of no interest.
        """
        if kind not in ("action_cache", "trust") or kind in self.settings.components:
            return True
        if kind == "trust" and self.settings.trust.mode:
            return True
        store = choose_component(self.settings, "artifact_store")
        try:
            if store is not None:
                self._plugins.check_known("artifact_store", store.id)
        except UnknownComponent:
            return False
        return True

    def problems(self) -> list[Problem]:
        """Return everything that would stop this stack: unknown components, options, secrets, keys.

        Makes every component; nothing is written by that.
        """
        found: list[Problem] = []
        kinds = dict.fromkeys([*_REQUIRED_KINDS, *self.settings.components])
        attempts: list[Callable[[], Any]] = [
            partial(self._component, kind) for kind in kinds if self.is_settled(kind)
        ]
        attempts.append(lambda: self.trackers)
        if self.is_settled("trust"):
            attempts.append(lambda: self.trust)
        for attempt in attempts:
            try:
                attempt()
            except SettingsError as error:
                found += error.problems or (Problem(error.what, hint=error.hint),)
            except ZenconvError as error:
                found.append(Problem(error.what, hint=error.hint))
        return list(dict.fromkeys(found))

    def _keep(self, name: str, make: Callable[[], T]) -> T:
        if name not in self._made:
            self._made[name] = make()
        return cast("T", self._made[name])

    def _component(self, kind: str) -> Any:
        return self._keep(kind, lambda: self._make(kind))

    def _make_trackers(self) -> tuple[Any, ...]:
        return tuple(self._build("tracker", asked) for asked in self.settings.trackers)

    def _make(self, kind: str) -> Any:
        asked = choose_component(self.settings, kind)
        if asked is None:
            noun = kind.replace("_", " ")
            what = f"the stack {self.name!r} has no {noun}"
            hint = f"name one: [tool.zenconv.stacks.{self.name}] {kind} = {_EXAMPLES.get(kind, '...')}"
            raise SettingsError(problems=(_problem(what, self.settings.where, hint),))
        return self._build(kind, asked)

    def _build(self, kind: str, asked: ComponentSettings) -> Any:
        where = "" if asked.where == "default" else asked.where
        try:
            component = self._plugins.component(kind, asked.id, where=where)
        except UnknownComponent:
            self._raise_unknown([])
            raise
        options = {"id": asked.id, **self._resolve(asked.options, where, f"stacks.{self.name}.{kind}")}
        try:
            made = component.from_options(options, root=self._project.root, state=self._project.state)
        except SettingsError as error:
            raise _placed(error, where) from error
        if self._on_warning is not None and hasattr(made, "on_warning"):
            made.on_warning = self._on_warning
        if kind == "artifact_store":
            self._protect(made)
        return made

    def _resolve(self, options: Mapping[str, Any], where: str, key: str) -> dict[str, Any]:
        missing = [name for name in dict.fromkeys(find_references(options)) if name not in self._environ]
        if missing:
            problems = [
                _problem(
                    f"{key}: the environment variable {name} is not set",
                    where,
                    f"export {name}=..., or unset it",
                )
                for name in missing
            ]
            raise SettingsError(problems=tuple(problems))
        return {k: _plain_text(resolve_references(v, self._environ)) for k, v in options.items()}

    def _make_trust(self) -> Trust:
        from zenconv.trust import Key, Trust

        asked, mode = self.settings.trust, choose_trust_mode(self.settings)
        key = f"stacks.{self.name}.trust"
        if mode == "signed" and not asked.key:
            raise SettingsError(problems=(self._missing_key(),))
        if not asked.key:
            return Trust(cast("Mode", mode))
        text = self._resolve({"key": asked.key}, asked.where, key)["key"]
        if not str(text):
            raise SettingsError(problems=(_problem(f"{key}: the signing key is empty", asked.where),))
        return Trust(cast("Mode", mode), Key.from_text(str(text)))

    def _check_tracker(self, tracker: ComponentSettings) -> None:
        try:
            self._plugins.component("tracker", tracker.id, where=tracker.where)
        except UnknownComponent:
            self._raise_unknown([])
            raise

    def _raise_unknown(self, problems: Sequence[Problem]) -> None:
        """Raise `problems` and every component that no plugin offers, together, if two or more."""
        asked = [
            *self.settings.components.items(),
            *(("tracker", tracker) for tracker in self.settings.trackers),
        ]
        found, first = list(problems), None
        for kind, component in asked:
            try:
                self._plugins.check_known(kind, component.id, where=component.where)
            except UnknownComponent as error:
                first = first or error
                found.append(Problem(error.what, hint=error.hint))
        if len(found) == 1 and first is not None:
            raise first
        if found:
            raise SettingsError(problems=tuple(found))

    def _missing_key(self) -> Problem:
        store = choose_component(self.settings, "artifact_store")
        shared = store is not None and store.id != "local"
        reason = "its store is shared, so its trust mode is" if shared else "its trust mode is"
        what = f'stacks.{self.name}.trust.key is missing: {reason} "signed"'
        return _problem(
            what, self.settings.where, f"zenconv stack trust {self.name} makes a key and says where it goes"
        )


def assemble(
    settings: Settings,
    plugins: Plugins,
    *,
    environ: Mapping[str, str] = os.environ,
    on_warning: Callable[[str], None] | None = None,
) -> Stack:
    """Return the stack that `settings` chose.

    Parameters
    ----------
    environ
        Where ``${env:NAME}`` in the options of components is looked up.
    on_warning
        Gets one line when a component found damage and began anew, if it can tell; without it
        such lines are Python warnings.

    Raises
    ------
    SettingsError
        The stack needs a signing key and has none.
    UnknownComponent
        A tracker is not installed: runs would silently not be tracked.

    Other mistakes are raised when the component they belong to is first asked for;
    `Stack.problems` finds them all.
    """
    stack = Stack(settings, plugins, environ, on_warning)
    if choose_trust_mode(settings.stack) == "signed" and not settings.stack.trust.key:
        stack._raise_unknown([stack._missing_key()] if stack.is_settled("trust") else [])
    for tracker in settings.stack.trackers:
        stack._check_tracker(tracker)
    return stack


def _plain_text(value: Any) -> Any:
    """Return `value` with what came from variables as ordinary text: a token may look like a number."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _plain_text(item) for key, item in value.items()}
    return [_plain_text(item) for item in value] if isinstance(value, list) else value


def _problem(what: str, where: str, hint: str = "") -> Problem:
    file, colon, line = where.rpartition(":")
    if colon and line.isdigit():
        return Problem(what, file=file, line=int(line), hint=hint)
    return Problem(what, file=where, hint=hint)


def _placed(error: SettingsError, where: str) -> SettingsError:
    """Say in which line of the settings the table stands that a component refused."""
    problems = error.problems or (Problem(error.what, hint=error.hint),)
    file, _, line = where.rpartition(":")
    if not line.isdigit():
        return SettingsError(problems=problems)
    return SettingsError(
        problems=tuple(p if p.file else attrs.evolve(p, file=file, line=int(line)) for p in problems)
    )
