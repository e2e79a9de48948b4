"""A model registry that is right passes the suite that every one has to pass; broken ones do not."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import IO

import attrs
import pytest

from tests.components.calling import call_test, list_tests
from tests.components.file_log import append_line
from tests.components.file_registry import FileRegistry, damage_record, lose_file
from tests.components.meeting import meet
from zenconv.errors import CorruptArtifact, RecordError
from zenconv.interfaces.registering import OpenFile
from zenconv.locks import FileLock
from zenconv.records.artifact import StoredFile
from zenconv.records.model_version import ModelVersion, Promotion, check_alias, check_model_name
from zenconv.testing import ModelRegistrySuite


class FileSuite(ModelRegistrySuite):
    """The suite, with what damages files."""

    damage_record = staticmethod(damage_record)  # type: ignore[assignment]
    lose_file = staticmethod(lose_file)  # type: ignore[assignment]


class TestFileRegistry(FileSuite):
    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Callable[[], FileRegistry]:
        return partial(FileRegistry, str(tmp_path / "models"))


class Copying(FileRegistry):
    """Makes a version of everything."""

    def is_same(self, earlier: ModelVersion, version: ModelVersion) -> bool:
        return False


class Refreshing(FileRegistry):
    """Gives what is there the metrics of what came later."""

    def register(self, version: ModelVersion, open_file: OpenFile) -> ModelVersion:
        return attrs.evolve(version, number=super().register(version, open_file).number)


class Counting(FileRegistry):
    """Gives every version the number one."""

    def next_number(self, versions: Sequence[ModelVersion]) -> int:
        return 1


class OldestFirst(FileRegistry):
    def versions(self, name: str) -> Sequence[ModelVersion]:
        return list(reversed(super().versions(name)))

    def next_number(self, versions: Sequence[ModelVersion]) -> int:
        return len(versions) + 1


class Shortening(FileRegistry):
    """Leaves out where a model is from."""

    def register(self, version: ModelVersion, open_file: OpenFile) -> ModelVersion:
        return super().register(attrs.evolve(version, run=""), open_file)


class Private(FileRegistry):
    """Keeps what it registers to itself."""

    def log(self, name: str) -> Path:
        return super().log(f"{name} {id(self)}")


class Greedy(FileRegistry):
    """Reads a whole file at once."""

    def copy(self, source: IO[bytes], target: IO[bytes]) -> None:
        target.write(source.read())


class Hasty(FileRegistry):
    """Registers before the bytes have come."""

    def register(self, version: ModelVersion, open_file: OpenFile) -> ModelVersion:
        numbered = super().register(version, lambda digest: io.BytesIO())
        for file in version.artifact.files:
            if file.inline is None:
                with open_file(file.digest) as source:
                    self.blob(file).write_bytes(source.read())
        return numbered


class Hesitant(FileRegistry):
    """Registers, and stores when it is closed: killed before, it leaves versions without bytes."""

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self.later: list[tuple[StoredFile, OpenFile]] = []

    def keep(self, file: StoredFile, open_file: OpenFile) -> None:
        self.later.append((file, open_file))

    def close(self) -> None:
        for file, open_file in self.later:
            super().keep(file, open_file)
        self.later.clear()


class Trusting(FileRegistry):
    """Makes a path of a name."""

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"


class Levelling(FileRegistry):
    """Does not tell capitals apart."""

    def log(self, name: str) -> Path:
        return super().log(name.lower())


class Swallowing(FileRegistry):
    """Promotes what is not there."""

    def get(self, name: str, version: int | str) -> ModelVersion | None:
        newest = self.versions(name)[:1]
        return super().get(name, version) or (newest[0] if newest and isinstance(version, int) else None)


class Repeating(FileRegistry):
    """Records every promotion again."""

    def promote(self, promotion: Promotion) -> Promotion | None:
        found = super().promote(promotion)
        if found != promotion and promotion.number and promotion.replaces is None:
            append_line(self.log(promotion.name), ["promotion", promotion.to_json()])
        return found


class Overriding(FileRegistry):
    """Promotes whatever the alias is on by now."""

    def promote(self, promotion: Promotion) -> Promotion | None:
        super().promote(attrs.evolve(promotion, replaces=None))
        return promotion if promotion.number else None


class Clinging(FileRegistry):
    """Takes no alias away."""

    def find_promotion(self, name: str, alias: str) -> Promotion | None:
        return next((p for p in self.promotions(name) if p.alias == alias and p.number), None)


class Mixing(FileRegistry):
    """Knows one alias only."""

    def find_promotion(self, name: str, alias: str) -> Promotion | None:
        last = next(iter(self.promotions(name)), None)
        return last if last and last.number else None


class Oldest(FileRegistry):
    """Takes the first promotion for the one that counts."""

    def find_promotion(self, name: str, alias: str) -> Promotion | None:
        return next((p for p in reversed(self.promotions(name)) if p.alias == alias), None)


class Unchecked(FileRegistry):
    """Takes any text for a name."""

    def versions(self, name: str) -> Sequence[ModelVersion]:
        try:
            return super().versions(name)
        except ValueError:
            return []


class Lenient(FileRegistry):
    """Takes any text for an alias."""

    def get(self, name: str, version: int | str) -> ModelVersion | None:
        try:
            return super().get(name, version)
        except ValueError:
            check_model_name(name)
            return None


class Forgiving(FileRegistry):
    """Leaves out what is damaged."""

    def versions(self, name: str) -> Sequence[ModelVersion]:
        try:
            return super().versions(name)
        except RecordError:
            return []


class Inventive(FileRegistry):
    """Gives nothing, without a word, for a file that is missing."""

    def open(self, version: ModelVersion, file: str = "") -> IO[bytes]:
        try:
            return super().open(version, file)
        except CorruptArtifact:
            return io.BytesIO()


class Unlocked(FileRegistry):
    """Looks before it has the lock: here two have looked before either has it."""

    def promote(self, promotion: Promotion) -> Promotion | None:
        check_alias(promotion.alias)
        now = self.find_promotion(promotion.name, promotion.alias)
        number = now.number if now else 0
        if number == promotion.number or promotion.replaces not in (None, number):
            return now
        if number:
            meet(self.folder / "looks")
        with FileLock(self.folder / "lock"):
            append_line(self.log(promotion.name), ["promotion", promotion.to_json()])
        return promotion


class Guessing(FileRegistry):
    """Has a version for every number."""

    def get(self, name: str, version: int | str) -> ModelVersion | None:
        found = super().get(name, version)
        return found or next(iter(self.versions(name)), None)


class Racing(FileRegistry):
    """Numbers versions before it has the lock: here two have a number before either has it."""

    def register(self, version: ModelVersion, open_file: OpenFile) -> ModelVersion:
        for file in version.artifact.files:
            if file.inline is None:
                self.keep(file, open_file)
        versions = self.versions(version.name)
        for earlier in versions:
            if earlier.content == version.content:
                return earlier
        numbered = attrs.evolve(version, number=self.next_number(versions))
        meet(self.folder / "numbered")
        with FileLock(self.folder / "lock"):
            append_line(self.log(version.name), ["version", numbered.to_json()])
        return numbered


class Threaded(Racing):
    """Numbers versions without a lock, in threads as well."""


class Incomplete(FileRegistry):
    """Has no history."""

    promotions = None  # type: ignore[assignment]


class Strict(FileRegistry):
    """Takes a model that nobody knows for a mistake."""

    def versions(self, name: str) -> Sequence[ModelVersion]:
        found = super().versions(name)
        assert found, f"there is no model {name!r}"
        return found

    def register(self, version: ModelVersion, open_file: OpenFile) -> ModelVersion:
        return FileRegistry(str(self.folder)).register(version, open_file)


class Crossed(FileRegistry):
    """Mixes the files of a model up."""

    def open(self, version: ModelVersion, file: str = "") -> IO[bytes]:
        return super().open(version, {"note": "part/1.npy"}.get(file, file))


class Singular(FileRegistry):
    """Has a content under one name only."""

    def register(self, version: ModelVersion, open_file: OpenFile) -> ModelVersion:
        for name in self.models():
            for earlier in self.versions(name):
                if earlier.content == version.content:
                    return earlier
        return super().register(version, open_file)


class Once(FileRegistry):
    """Can be closed once."""

    is_closed = False

    def close(self) -> None:
        assert not self.is_closed
        self.is_closed = True


BROKEN: dict[type[FileRegistry], str] = {
    Incomplete: "test_it_satisfies_the_protocol",
    Strict: "test_an_empty_registry_knows_nothing",
    Crossed: "test_its_files_come_back",
    Singular: "test_a_content_may_have_several_names",
    Once: "test_it_can_be_closed_twice",
    Threaded: "test_threads_register_each_content_once",
    Copying: "test_a_content_that_is_there_makes_no_version",
    Refreshing: "test_a_content_that_is_there_makes_no_version",
    Counting: "test_versions_of_a_name_count_up_and_come_newest_first",
    OldestFirst: "test_versions_of_a_name_count_up_and_come_newest_first",
    Shortening: "test_what_is_registered_is_found_by_everyone",
    Private: "test_what_is_registered_is_found_by_everyone",
    Greedy: "test_a_big_file_is_read_in_blocks",
    Hasty: "test_a_model_whose_bytes_are_wrong_is_not_registered",
    Hesitant: "test_a_process_killed_at_any_instant_leaves_whole_versions_and_blocks_nobody",
    Trusting: "test_names_that_look_alike_or_like_paths_are_names",
    Levelling: "test_names_that_look_alike_or_like_paths_are_names",
    Swallowing: "test_only_a_version_with_that_content_is_promoted",
    Guessing: "test_a_version_that_is_missing_is_none",
    Repeating: "test_promoting_what_is_promoted_adds_nothing",
    Overriding: "test_a_promotion_that_was_decided_on_another_version_does_not_happen",
    Clinging: "test_an_alias_is_taken_away_and_that_is_recorded",
    Mixing: "test_aliases_do_not_touch_each_other",
    Oldest: "test_an_alias_is_where_it_was_put_last",
    Unchecked: "test_what_is_no_name_is_refused",
    Lenient: "test_what_is_no_alias_is_refused",
    Forgiving: "test_a_damaged_record_is_an_error_and_never_another_answer",
    Inventive: "test_a_file_that_is_missing_is_an_error",
    Racing: "test_processes_register_each_content_once",
    Unlocked: "test_of_promotions_at_once_each_is_decided_on_the_one_before",
}

FAILING = (AssertionError, pytest.fail.Exception, CorruptArtifact, RecordError, OSError)


def call(kind: type[FileRegistry], name: str, tmp_path: Path) -> None:
    reopen = partial(kind, str(tmp_path / "models"))
    call_test(FileSuite(), name, reopen=reopen, registry=reopen(), other=reopen(), tmp_path=tmp_path)


@pytest.mark.parametrize(("kind", "name"), BROKEN.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_a_broken_model_registry_does_not_pass(kind: type[FileRegistry], name: str, tmp_path: Path) -> None:
    with pytest.raises(FAILING):
        call(kind, name, tmp_path)


@pytest.mark.parametrize("name", sorted(set(BROKEN.values())))
def test_one_that_is_right_passes_in_the_same_way(name: str, tmp_path: Path) -> None:
    call(FileRegistry, name, tmp_path)


def test_every_test_of_the_suite_is_one_that_something_broken_fails() -> None:
    assert list_tests(ModelRegistrySuite) - set(BROKEN.values()) == set()
