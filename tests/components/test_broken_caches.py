"""The suite of action caches notices what is wrong: one mistake at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.components.calling import call_test, list_tests
from tests.components.meeting import meet
from zenconv.components.sqlite_cache import SqliteActionCache
from zenconv.records.artifact import ActionEntry, ActionKey
from zenconv.records.entry_bytes import key_bytes
from zenconv.testing import ActionCacheSuite


class Generous(SqliteActionCache):
    """Lets everybody compute everything."""

    def claim(self, key: ActionKey) -> bool:
        super().claim(key)
        return True


class Selfish(SqliteActionCache):
    """Keeps its claims when it has published."""

    def publish(self, entry: ActionEntry) -> None:
        super().publish(entry)
        super().claim(entry.key)


class Coarse(SqliteActionCache):
    """Looks at the local part of a key only."""

    def look_up(self, keys: Sequence[ActionKey]) -> dict[ActionKey, ActionEntry]:
        every = {entry.key.local: entry for entry in super().entries()}
        return {key: every[key.local] for key in keys if key.local in every}


class First(SqliteActionCache):
    """Keeps the first entry of a key."""

    def publish(self, entry: ActionEntry) -> None:
        if entry.key not in super().look_up([entry.key]):
            super().publish(entry)


class Shortening(SqliteActionCache):
    """Leaves out who has written an entry."""

    def publish(self, entry: ActionEntry) -> None:
        super().publish(attrs.evolve(entry, writer=""))


class Clinging(SqliteActionCache):
    """Removes nothing."""

    def remove(self, keys: Iterable[ActionKey]) -> None:
        super().look_up(list(keys))


class Believer(SqliteActionCache):
    """Takes any text for part of a key."""

    def knows_local(self, local: Iterable[str]) -> set[str]:
        try:
            return super().knows_local(local)
        except ValueError:
            return set()


class Lacking(SqliteActionCache):
    """Has no list of what it knows."""

    entries = None  # type: ignore[assignment]


class Fragile(SqliteActionCache):
    """Takes damage for the end."""

    def look_up(self, keys: Sequence[ActionKey]) -> dict[ActionKey, ActionEntry]:
        found = super().look_up(keys)
        assert len(self._rows([key_bytes(key) for key in keys])) == len(found), "an entry is damaged"
        return found


class Forgetting(SqliteActionCache):
    """Removes everything of a step with one of its entries."""

    def remove(self, keys: Iterable[ActionKey]) -> None:
        local = {key.local for key in keys}
        super().remove([entry.key for entry in super().entries() if entry.key.local in local])


class Inventing(SqliteActionCache):
    """Knows whatever it is asked for."""

    def knows_local(self, local: Iterable[str]) -> set[str]:
        return super().knows_local(local) or set(local)


class Buffered(SqliteActionCache):
    """Writes down what was published when it is closed, and not before."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.later: list[ActionEntry] = []

    def publish(self, entry: ActionEntry) -> None:
        self.later.append(entry)

    def close(self) -> None:
        for entry in self.later:
            super().publish(entry)
        self.later.clear()
        super().close()


class Sudden(Buffered):
    """Writes down what was published when it is closed in peace."""


class Late(Buffered):
    """Writes down what was published a little later."""


class Holding(SqliteActionCache):
    """Keeps its claims when it is closed."""

    def close(self) -> None:
        pass


class Modest(SqliteActionCache):
    """Claims so much and no more."""

    def claim(self, key: ActionKey) -> bool:
        return len(self._claimed) < 100 and super().claim(key)


class Short(SqliteActionCache):
    """Looks up a few."""

    def look_up(self, keys: Sequence[ActionKey]) -> dict[ActionKey, ActionEntry]:
        return super().look_up(keys[:20])


class Open(Generous):
    """Lets every process compute everything: here each key is computed by two before either is done."""

    def publish(self, entry: ActionEntry) -> None:
        meet(Path(f"{self.path}.{entry.key.local}"))
        super().publish(entry)


class Racing(SqliteActionCache):
    """Looks whether a key is claimed, and claims it then: here two have looked before either claims."""

    def claim(self, key: ActionKey) -> bool:
        place = Path(f"{self.path}.{key.local}")
        is_free = not place.exists()
        if is_free:
            meet(Path(f"{place}.looks"))
        place.touch()
        return is_free


class Eternal(SqliteActionCache):
    """Respects the claims of the dead."""

    def claim(self, key: ActionKey) -> bool:
        place = Path(f"{self.path}.{key.local}")
        if place.exists():
            return False
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
        return True


class Own(SqliteActionCache):
    """Keeps what it publishes to itself."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path}-{id(self)}")


BROKEN: dict[type[SqliteActionCache], str] = {
    Lacking: "test_it_satisfies_the_protocol",
    Fragile: "test_a_damaged_entry_is_a_miss_and_can_be_published_again",
    Forgetting: "test_a_local_part_is_known_by_any_of_its_entries",
    Inventing: "test_an_empty_cache_knows_nothing",
    Buffered: "test_a_process_killed_while_publishing_loses_nothing_that_it_was_told_is_kept",
    Sudden: "test_what_a_process_published_survives_its_sudden_end",
    Late: "test_threads_publish_and_look_up",
    Holding: "test_closing_releases_all_claims_and_the_cache_stays_usable",
    Modest: "test_many_claims_are_held_at_once",
    Short: "test_many_keys_are_looked_up_at_once",
    Open: "test_processes_compute_each_key_once",
    Racing: "test_threads_claim_each_key_once",
    Eternal: "test_the_claim_of_a_killed_process_is_taken_over",
    Own: "test_what_is_published_is_found_by_everyone",
    Generous: "test_a_claim_excludes_everyone_until_released",
    Selfish: "test_publishing_releases_the_claim",
    Coarse: "test_both_parts_of_the_key_count",
    First: "test_a_second_publication_replaces_the_first",
    Shortening: "test_every_field_of_an_entry_comes_back",
    Clinging: "test_removed_entries_are_gone",
    Believer: "test_what_is_not_a_key_is_refused",
}


class CacheSuite(ActionCacheSuite):
    """The suite, with what damages an entry."""

    def damage(self, cache: Any, key: ActionKey) -> None:
        with closing(sqlite3.connect(cache.path)) as connection:
            connection.execute("UPDATE entries SET payload = replace(payload, '0.25', '0.75')")
            connection.commit()


FAILING = (AssertionError, pytest.fail.Exception)


def call(kind: type[SqliteActionCache], name: str, tmp_path: Path) -> None:
    reopen = partial(kind, str(tmp_path / "storage"))
    call_test(
        CacheSuite(), name, reopen=reopen, cache=reopen(), other=reopen(), tmp_path=tmp_path, part="../x"
    )


@pytest.mark.parametrize(("kind", "name"), BROKEN.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_a_broken_action_cache_does_not_pass(
    kind: type[SqliteActionCache], name: str, tmp_path: Path
) -> None:
    with pytest.raises(FAILING):
        call(kind, name, tmp_path)


@pytest.mark.parametrize("name", BROKEN.values())
def test_a_cache_that_is_right_passes_in_the_same_way(name: str, tmp_path: Path) -> None:
    call(SqliteActionCache, name, tmp_path)


def test_every_test_of_the_suite_is_one_that_something_broken_fails() -> None:
    assert list_tests(ActionCacheSuite) - set(BROKEN.values()) == set()
