"""The suite of stores that can be cleaned notices what is wrong: one mistake at a time."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.components.calling import call_test, list_tests
from tests.components.meeting import wait_until
from zenconv.components.local_store import LocalStore
from zenconv.errors import CorruptArtifact
from zenconv.interfaces.sweeping import Swept
from zenconv.locks import FileLock
from zenconv.testing import SweepingSuite

Needed = Callable[[], Container[str]]


class Keeping(LocalStore):
    """Removes nothing."""

    def sweep(self, digests: Iterable[str], still_needed: Needed) -> Swept:
        return Swept({})


class Ruthless(LocalStore):
    """Asks nobody who is interested."""

    def sweep(self, digests: Iterable[str], still_needed: Needed) -> Swept:
        sizes, needed = dict(self.digests()), still_needed()
        removed = {digest: sizes[digest] for digest in digests if digest in sizes and digest not in needed}
        self.delete(removed)
        return Swept(removed)


class Deaf(LocalStore):
    """Does not hear that a run is interested."""

    def protect(self, guard: Path, owner: str) -> None:
        pass


class Reckless(Deaf):
    """Does not hear it, in another process either: here what was found is swept before it is read."""

    def has(self, digests: Iterable[str]) -> set[str]:
        found = super().has(digests)
        if found:
            (self.path / "found").touch()
            wait_until(lambda: not LocalStore.has(self, found))
        return found

    def sweep(self, digests: Iterable[str], still_needed: Needed) -> Swept:
        wait_until((self.path / "found").exists)
        return super().sweep(digests, still_needed)


class Eternal(LocalStore):
    """Protects for as long as the process lives, and not the run."""

    def protect(self, guard: Path, owner: str) -> None:
        self.own = FileLock(f"{guard}-{id(self)}")
        self.own.acquire()
        super().protect(Path(self.own.path), owner)


class Clinging(LocalStore):
    """Does not give its protection up."""

    def unprotect(self) -> None:
        pass


class Blaming(LocalStore):
    """Names a user, and removes all the same."""

    def sweep(self, digests: Iterable[str], still_needed: Needed) -> Swept:
        return Swept(super().sweep(digests, still_needed).removed, ("run 1",))


class Early(LocalStore):
    """Asks who is interested before it is told what may go."""

    def sweep(self, digests: Iterable[str], still_needed: Needed) -> Swept:
        held = self._sweep.holds.living()
        sizes = dict(self.digests())
        removed = {digest: sizes[digest] for digest in digests if digest in sizes and digest not in held}
        self.delete(removed)
        return Swept(removed)


class Impatient(LocalStore):
    """Does not wait for a sweep to decide."""

    def protect(self, guard: Path, owner: str) -> None:
        super().protect(guard, owner)
        self._sweep.announce = self._sweep.holds.add  # type: ignore[method-assign]

    def has(self, digests: Iterable[str]) -> set[str]:
        found = super().has(digests)
        (self.path / "looked").touch()
        return found

    def sweep(self, digests: Iterable[str], still_needed: Needed) -> Swept:
        def wait_and_tell() -> Container[str]:
            needed = still_needed()
            wait_until((self.path / "looked").exists)
            return needed

        return super().sweep(digests, wait_and_tell)


class Remembering(LocalStore):
    """Takes what it has removed for stored."""

    gone: frozenset[str] = frozenset()

    def sweep(self, digests: Iterable[str], still_needed: Needed) -> Swept:
        swept = super().sweep(digests, still_needed)
        self.gone = self.gone.union(swept.removed)
        return swept

    def _is_present(self, digest: str, size: int) -> bool:
        return digest in self.gone or super()._is_present(digest, size)


class Stale(LocalStore):
    """Takes a run for alive that has ever begun."""

    def protect(self, guard: Path, owner: str) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        (self.path / "protected").touch()

    def sweep(self, digests: Iterable[str], still_needed: Needed) -> Swept:
        return Swept({}) if (self.path / "protected").exists() else super().sweep(digests, still_needed)


class Hasty(LocalStore):
    """Removes first, and puts back what is needed."""

    def sweep(self, digests: Iterable[str], still_needed: Needed) -> Swept:
        sizes = dict(self.digests())
        doomed = {digest: self.open(digest).read() for digest in digests if digest in sizes}
        self.delete(doomed)
        needed = still_needed()
        for digest, data in doomed.items():
            if digest in needed:
                with self.writer() as writer:
                    writer.write(data)
                    writer.commit()
        return Swept({digest: sizes[digest] for digest in doomed if digest not in needed})


BROKEN: dict[type[LocalStore], str] = {
    Keeping: "test_what_nobody_needs_is_removed_and_told_with_its_size",
    Ruthless: "test_what_a_living_run_found_stays",
    Deaf: "test_what_a_living_run_wrote_stays",
    Reckless: "test_what_a_running_process_has_found_is_never_missing",
    Eternal: "test_a_run_that_has_ended_protects_nothing",
    Clinging: "test_a_run_that_has_recorded_everything_gives_its_protection_up",
    Blaming: "test_who_uses_the_store_is_told_where_single_blobs_cannot_be_told",
    Early: "test_what_is_found_while_a_sweep_begins_stays",
    Impatient: "test_what_is_looked_for_while_a_sweep_decides_is_not_found_and_then_removed",
    Remembering: "test_a_swept_blob_can_be_written_again",
    Stale: "test_a_process_that_was_killed_protects_as_long_as_its_run_lives",
    Hasty: "test_a_sweep_killed_in_the_middle_loses_nothing",
}

FAILING = (AssertionError, pytest.fail.Exception, CorruptArtifact)


def call(kind: type[LocalStore], name: str, tmp_path: Path) -> None:
    reopen = partial(kind, str(tmp_path / "storage"))
    guard = FileLock(tmp_path / "guard")
    guard.acquire()
    offered: dict[str, Any] = {"reopen": reopen, "store": reopen(), "guard": guard, "tmp_path": tmp_path}
    try:
        call_test(SweepingSuite(), name, **offered)
    finally:
        guard.close()


@pytest.mark.parametrize(("kind", "name"), BROKEN.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_a_store_that_is_cleaned_badly_does_not_pass(
    kind: type[LocalStore], name: str, tmp_path: Path
) -> None:
    with pytest.raises(FAILING):
        call(kind, name, tmp_path)


@pytest.mark.parametrize("name", BROKEN.values())
def test_one_that_is_right_passes_in_the_same_way(name: str, tmp_path: Path) -> None:
    call(LocalStore, name, tmp_path)


def test_every_test_of_the_suite_is_one_that_something_broken_fails() -> None:
    assert list_tests(SweepingSuite) - set(BROKEN.values()) == set()
