"""What is set up at the moment: where each piece belongs, and what ends it, last in, first out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from typing import Any, TypeVar

import attrs

from zenconv.errors import ZenconvError

T = TypeVar("T")

SettingUp = Generator[Awaitable[Any], Any, T]
"""Work that yields what has to be awaited before it can go on, and returns its result."""

Finalizer = Callable[[], object]
Identity = tuple[str, ...]


@attrs.define(auto_exc=True, slots=False)
class FixtureError(ZenconvError):
    """A fixture's set-up failed; the exception is its cause."""

    exit_code = 1


@attrs.define(eq=False, repr=False)
class Live:
    """Something that is set up for a while: a fixture, a folder, a finalizer.

    `scope` and `owner` say when it ends: with a step, a pipeline or the run. `where`, of a fixture,
    is ``file:line``. `variant` says which params it was made with, its own and those of fixtures it
    asked for: what differs in one of them cannot be set up beside it. `read` are the files that its
    set-up read.
    """

    identity: Identity
    scope: str
    owner: str
    name: str
    where: str = ""
    variant: Mapping[str, str] = attrs.field(factory=dict)
    read: Mapping[str, Any] = attrs.field(factory=dict)
    value: Any = None
    failure: BaseException | None = None
    is_over: bool = False
    finalizers: list[Finalizer] = attrs.field(factory=list)
    awaited: list[Finalizer] = attrs.field(factory=list)

    def add(self, finalizer: Finalizer, *, is_awaited: bool = False) -> None:
        """Call `finalizer` when this ends, last added first; with `is_awaited`, wait for what it returns."""
        self.finalizers.append(finalizer)
        if is_awaited:
            self.awaited.append(finalizer)

    def give(self, chain: str = "") -> Any:
        """Return the value. `FixtureError` from what went wrong when it was made; `chain`: who asked."""
        if self.failure is None:
            return self.value
        asked = f", asked for by {chain}" if chain else ""
        raise FixtureError(f"fixture {self.name!r} ({self.where}) failed{asked}") from self.failure

    def blame(self, error: BaseException) -> BaseException:
        """Return `error`, raised in a teardown, with a note that says whose it was."""
        what = f"in the teardown of fixture {self.name!r} ({self.where})"
        error.add_note(what if self.where else f"in a finalizer of step {self.name!r}")
        return error


class Lifetimes:
    """Everything that is set up, in the order in which it was; `made` counts all that ever was."""

    def __init__(self) -> None:
        self._live: dict[Identity, Live] = {}
        self._users: dict[str, set[Identity]] = {}
        self._added = 0
        self.made = 0

    def __bool__(self) -> bool:
        return bool(self._live)

    def find(self, identity: Identity) -> Live | None:
        """Return what is set up under `identity`."""
        return self._live.get(identity)

    def add(self, live: Live) -> None:
        """Note what was set up last; it ends before everything that was there."""
        self._live[live.identity] = live
        self.made += 1

    def concerns(self, owner: str) -> bool:
        """Return whether the step `owner` has something to end, or uses something."""
        if not self._live:
            return False
        return owner in self._users or any(live.owner == owner for live in self._live.values())

    def names(self, scope: str, owner: str) -> list[str]:
        """Return, in words, what belongs to a scope, without one everything, and has something to end."""
        return [
            f"fixture {live.name!r} ({live.where})"
            for live in self._live.values()
            if live.finalizers and (not scope or (live.scope, live.owner) == (scope, owner))
        ]

    def use(self, live: Live, owner: str) -> None:
        """Note that the step `owner` uses it, until that ends."""
        self._users.setdefault(owner, set()).add(live.identity)

    def add_finalizer(self, owner: str, name: str, finalizer: Finalizer) -> None:
        """Call `finalizer` at the end of the step `owner`, before what is set up for it now ends."""
        self._added += 1
        live = Live(("finalizer", owner, str(self._added)), "step", owner, name)
        live.add(finalizer)
        self.add(live)

    def end(self, scope: str = "", owner: str = "") -> SettingUp[list[BaseException]]:
        """End what belongs to a scope, without one everything; return what failed on the way."""
        if scope == "step":
            self._users.pop(owner, None)
        return self._end(
            live for live in self._live.values() if not scope or (live.scope, live.owner) == (scope, owner)
        )

    def end_one(self, live: Live) -> SettingUp[list[BaseException]]:
        """End a single one; return what failed on the way."""
        return self._end([live])

    def end_variants(self, variant: Mapping[str, str]) -> SettingUp[list[BaseException]]:
        """End what was made with other params than `variant` and is not in use; return what failed."""
        used = {identity for identities in self._users.values() for identity in identities}
        return self._end(
            live
            for live in self._live.values()
            if live.identity not in used
            and any(live.variant.get(name, item) != item for name, item in variant.items())
        )

    def _end(self, chosen: Iterable[Live]) -> SettingUp[list[BaseException]]:
        ending = list(chosen)
        failures: list[BaseException] = []
        for live in reversed(ending):
            yield from _finish(live, failures)
            del self._live[live.identity]
        return failures


def _finish(live: Live, failures: list[BaseException]) -> SettingUp[None]:
    live.is_over = True
    while live.finalizers:
        finalizer = live.finalizers.pop()
        try:
            result: Any = finalizer()
            if finalizer in live.awaited:
                yield result
        except BaseException as error:  # noqa: BLE001 - the other teardowns have their turn
            failures.append(live.blame(error))


def drive(work: SettingUp[T], wait: Callable[[Awaitable[Any]], Any]) -> T:
    """Do all of `work`; `wait` returns what an awaitable comes to."""
    made: Any = None
    failure: BaseException | None = None
    while True:
        try:
            pending = work.throw(failure) if failure is not None else work.send(made)
        except StopIteration as end:
            result: T = end.value
            return result
        made, failure = None, None
        try:
            made = wait(pending)
        except BaseException as error:  # noqa: BLE001 - raised where the fixture is set up or ended
            failure = error


def complete(work: SettingUp[T]) -> T:
    """Do all of `work`. `CannotWait` is raised in it where something would have to be awaited."""
    return drive(work, _refuse_to_wait)


class CannotWait(Exception):
    """Something is async where nothing can wait for it."""


def _refuse_to_wait(awaitable: Awaitable[Any]) -> Any:
    close = getattr(awaitable, "close", None)
    if close is not None:
        close()
    raise CannotWait


async def finish_awaiting(awaitable: Awaitable[T]) -> T:
    """Await a teardown to its end, although whoever waits is cancelled."""
    import asyncio

    task = asyncio.ensure_future(awaitable)
    while True:
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.done():
                raise
