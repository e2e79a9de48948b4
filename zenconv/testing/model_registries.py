"""The conformance suite of model registries: subclass it, give the fixture `reopen`, run pytest.

::

    class TestMine(ModelRegistrySuite):
        @pytest.fixture
        def reopen(self, tmp_path):
            return functools.partial(MyRegistry, str(tmp_path / "models"))

`reopen` makes a new object on the same, at first empty, storage. When it can be pickled (a class or
a ``functools.partial`` of one, not a lambda), the tests with several processes run too.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path

import attrs
import pytest

from zenconv import hashing
from zenconv.errors import CorruptArtifact, NotRecorded, RecordError
from zenconv.interfaces.registering import ModelRegistry
from zenconv.records.artifact import StoredFile
from zenconv.records.model_version import ModelVersion
from zenconv.testing.concurrency import (
    PROCESSES,
    finish,
    kill_after,
    make_barrier,
    need_processes,
    run_threads,
    start_process,
)
from zenconv.testing.registered import (
    HOSTILE_ALIASES,
    HOSTILE_MODEL_NAMES,
    Blocks,
    Reopen,
    make_version,
    open_files,
    open_wrong,
    parts_of,
    promotion_of,
    read_parts,
    register,
    remove_alias,
    same_but_number,
)
from zenconv.testing.suites import ConformanceSuite

_BIG = 32 * 1024 * 1024
_BLOCK = 16 * 1024 * 1024


def _register_many(reopen: Reopen, barrier: Barrier, own: str) -> None:
    registry = reopen()
    barrier.wait()
    for number in range(10):
        register(registry, f"shared {number}")
        register(registry, f"own {own} {number}")
    registry.close()


def _promote_many(reopen: Reopen, barrier: Barrier, count: int) -> None:
    """Move the alias on by one version, `count` times, each time from where it is known to be."""
    registry = reopen()
    versions = {version.number: version for version in registry.versions("churn")}
    order = sorted(versions)
    barrier.wait()
    for _ in range(count):
        while True:
            now = registry.get("churn", "production")
            assert now is not None
            target = versions[order[(order.index(now.number) + 1) % len(order)]]
            promotion = promotion_of(target, replaces=now.number, reason=f"{id(registry)} {time.time_ns()}")
            if registry.promote(promotion) == promotion:
                break
    registry.close()


def _register_forever(reopen: Reopen, log: str) -> None:
    registry = reopen()
    with open(log, "w") as stream:
        for number in range(1_000_000):
            version = register(registry, f"text {number}")
            registry.promote(promotion_of(version))
            stream.write(f"{version.number} {number}\n")
            stream.flush()


class ModelRegistrySuite(ConformanceSuite):
    """What every `ModelRegistry` promises. Override `reopen`; where it is possible, the two that damage."""

    kind = "model_registry"

    @pytest.fixture
    def reopen(self) -> Reopen:
        """Return a callable that opens the same, at first empty, storage each time."""
        raise NotImplementedError("override the fixture `reopen`")

    @pytest.fixture
    def registry(self, reopen: Reopen) -> Iterator[ModelRegistry]:
        """The registry under test."""
        registry = reopen()
        yield registry
        registry.close()

    @pytest.fixture
    def other(self, reopen: Reopen) -> Iterator[ModelRegistry]:
        """A second object on the same storage, as of another process."""
        registry = reopen()
        yield registry
        registry.close()

    def damage_record(self, registry: ModelRegistry, version: ModelVersion) -> None:
        """Change a byte of what is recorded of a version, behind the registry's back."""
        pytest.skip("`damage_record` is not overridden")

    def lose_file(self, registry: ModelRegistry, version: ModelVersion, file: str) -> None:
        """Delete the bytes of one file of a version, behind the registry's back."""
        pytest.skip("`lose_file` is not overridden")

    def test_it_satisfies_the_protocol(self, registry: ModelRegistry) -> None:
        assert isinstance(registry, ModelRegistry)

    # -- versions

    def test_an_empty_registry_knows_nothing(self, registry: ModelRegistry) -> None:
        assert list(registry.models()) == []
        assert (list(registry.versions("churn")), list(registry.promotions("churn"))) == ([], [])
        assert (registry.get("churn", 1), registry.get("churn", "production")) == (None, None)

    def test_what_is_registered_is_found_by_everyone(
        self, registry: ModelRegistry, other: ModelRegistry
    ) -> None:
        version = register(registry)
        assert version.number >= 1
        assert same_but_number(version, make_version())
        for reader in (registry, other):
            assert reader.get("churn", version.number) == version
            assert (list(reader.models()), list(reader.versions("churn"))) == (["churn"], [version])

    def test_its_files_come_back(self, registry: ModelRegistry, other: ModelRegistry) -> None:
        version = register(registry)
        register(registry, "second")
        assert read_parts(other, version) == parts_of("first")
        for reader in (registry, other):
            with pytest.raises(CorruptArtifact):
                reader.open(version, "no such file").close()

    def test_a_big_file_is_read_in_blocks(self, registry: ModelRegistry) -> None:
        digest = hashing.digest_bytes(bytes(_BIG))
        artifact = attrs.evolve(make_version().artifact, files=(StoredFile("", digest, _BIG),))
        big = attrs.evolve(make_version(), artifact=artifact)
        version = registry.register(big, lambda digest: Blocks(_BIG, _BLOCK))  # type: ignore[arg-type, return-value]
        with registry.open(version) as stream:
            assert hashing.digest_stream(stream) == digest

    def test_versions_of_a_name_count_up_and_come_newest_first(
        self, registry: ModelRegistry, other: ModelRegistry
    ) -> None:
        made = [register(one, text) for one, text in ((registry, "a"), (other, "b"), (registry, "c"))]
        numbers = [version.number for version in made]
        assert numbers == sorted(set(numbers))
        register(registry, "a", "eu")
        assert list(other.versions("churn")) == made[::-1]
        assert list(other.models()) == ["churn", "eu"]

    def test_a_content_that_is_there_makes_no_version(
        self, registry: ModelRegistry, other: ModelRegistry
    ) -> None:
        version = register(registry)
        register(registry, "second")
        assert register(other, metrics={"auc": 0.9}, run="9-ffffff", by="another") == version
        assert len(other.versions("churn")) == 2

    def test_a_content_may_have_several_names(self, registry: ModelRegistry, other: ModelRegistry) -> None:
        first, second = register(registry), register(registry, name="eu")
        assert (first.name, second.name) == ("churn", "eu")
        assert read_parts(other, second) == parts_of("first")

    def test_names_that_look_alike_or_like_paths_are_names(
        self, registry: ModelRegistry, other: ModelRegistry
    ) -> None:
        names = [
            "Churn",
            "churn",
            "churn[../../x]",
            "churn[a/b]",
            "churn[s117]",
            "churn[100%]",
            "schätzung",
            "x.y",
        ]
        made = {name: register(registry, f"of {name}", name) for name in names}
        assert list(other.models()) == sorted(names)
        for name in names:
            assert list(other.versions(name)) == [made[name]]
            assert read_parts(other, made[name]) == parts_of(f"of {name}")

    @pytest.mark.parametrize("name", HOSTILE_MODEL_NAMES, ids=ascii)
    def test_what_is_no_name_is_refused(self, registry: ModelRegistry, name: str) -> None:
        version = make_version(name=name, number=1)
        for action in (
            lambda: registry.register(version, open_files("first")),
            lambda: registry.versions(name),
            lambda: registry.get(name, 1),
            lambda: registry.promote(promotion_of(version)),
            lambda: registry.promotions(name),
        ):
            with pytest.raises(ValueError, match="not the name of a model"):
                action()
        assert list(registry.models()) == []

    def test_a_model_whose_bytes_are_wrong_is_not_registered(
        self, registry: ModelRegistry, other: ModelRegistry
    ) -> None:
        with pytest.raises(CorruptArtifact):
            registry.register(make_version(), open_wrong("first"))
        assert (list(other.models()), list(other.versions("churn"))) == ([], [])
        version = register(other)
        assert read_parts(registry, version) == parts_of("first")

    def test_a_version_that_is_missing_is_none(self, registry: ModelRegistry) -> None:
        version = register(registry)
        for missing in (0, -1, version.number + 1, 10**12, "production"):
            assert registry.get("churn", missing) is None
        assert registry.get("nobody", version.number) is None

    # -- aliases

    def test_an_alias_is_where_it_was_put_last(self, registry: ModelRegistry, other: ModelRegistry) -> None:
        versions = [register(registry, text) for text in ("a", "b", "c")]
        made = [promotion_of(versions[index]) for index in (0, 2, 1, 0)]
        assert [registry.promote(promotion) for promotion in made] == made
        for reader in (registry, other):
            assert reader.get("churn", "production") == versions[0]
            assert list(reader.promotions("churn")) == made[::-1]

    def test_aliases_do_not_touch_each_other(self, registry: ModelRegistry, other: ModelRegistry) -> None:
        first, second = register(registry, "a"), register(registry, "b")
        foreign = register(registry, "a", "eu")
        for promotion in (
            promotion_of(first),
            promotion_of(second, "staging"),
            promotion_of(foreign, "Staging"),
        ):
            registry.promote(promotion)
        assert (other.get("churn", "production"), other.get("churn", "staging")) == (first, second)
        assert (other.get("eu", "production"), other.get("churn", "Staging")) == (None, None)
        assert len(other.promotions("eu")) == 1

    def test_promoting_what_is_promoted_adds_nothing(
        self, registry: ModelRegistry, other: ModelRegistry
    ) -> None:
        version = register(registry)
        first = registry.promote(promotion_of(version))
        assert other.promote(promotion_of(version, by="another", reason="again")) == first
        assert list(registry.promotions("churn")) == [first]

    def test_an_alias_is_taken_away_and_that_is_recorded(
        self, registry: ModelRegistry, other: ModelRegistry
    ) -> None:
        version, taken = register(registry), remove_alias("churn", "production")
        assert registry.promote(taken) is None
        first = promotion_of(version)
        registry.promote(first)
        assert registry.promote(taken) is None
        assert other.get("churn", "production") is None
        assert list(other.promotions("churn")) == [taken, first]
        assert other.promote(first) == first

    def test_only_a_version_with_that_content_is_promoted(self, registry: ModelRegistry) -> None:
        version = register(registry)
        wrong = [
            attrs.evolve(promotion_of(version), number=version.number + 1),
            attrs.evolve(promotion_of(version), content=make_version("second").content),
            attrs.evolve(promotion_of(version), name="nobody"),
        ]
        for promotion in wrong:
            with pytest.raises(NotRecorded):
                registry.promote(promotion)
        assert (list(registry.promotions("churn")), list(registry.models())) == ([], ["churn"])

    def test_a_promotion_that_was_decided_on_another_version_does_not_happen(
        self, registry: ModelRegistry, other: ModelRegistry
    ) -> None:
        first, second, third = (register(registry, text) for text in "abc")
        made = promotion_of(first, replaces=0)
        assert registry.promote(made) == made
        assert other.promote(promotion_of(second, replaces=0)) == made
        late = promotion_of(second, replaces=first.number)
        assert registry.promote(late) == late
        assert other.promote(promotion_of(third, replaces=first.number)) == late
        assert other.promote(attrs.evolve(remove_alias("churn", "production"), replaces=first.number)) == late
        assert other.promote(promotion_of(third, "staging", replaces=first.number)) is None
        assert list(other.promotions("churn")) == [late, made]

    @pytest.mark.parametrize("alias", HOSTILE_ALIASES, ids=ascii)
    def test_what_is_no_alias_is_refused(self, registry: ModelRegistry, alias: str) -> None:
        version = register(registry)
        with pytest.raises(ValueError, match="not an alias of a model"):
            registry.promote(promotion_of(version, alias))
        with pytest.raises(ValueError, match="not an alias of a model"):
            registry.get("churn", alias)
        assert list(registry.promotions("churn")) == []

    # -- damage

    def test_a_damaged_record_is_an_error_and_never_another_answer(
        self, registry: ModelRegistry, reopen: Reopen
    ) -> None:
        version = register(registry)
        registry.promote(promotion_of(version))
        sound = register(registry, "second", "eu")
        self.damage_record(registry, version)
        fresh = reopen()
        for action in (
            lambda: fresh.get("churn", version.number),
            lambda: fresh.get("churn", "production"),
            lambda: fresh.versions("churn"),
            lambda: register(fresh),
            lambda: register(fresh, "third"),
        ):
            with pytest.raises(RecordError):
                action()
        assert fresh.get("eu", sound.number) == sound
        fresh.close()

    def test_a_file_that_is_missing_is_an_error(self, registry: ModelRegistry, reopen: Reopen) -> None:
        version = register(registry)
        self.lose_file(registry, version, "weights.bin")
        fresh = reopen()
        with pytest.raises(CorruptArtifact):
            fresh.open(version, "weights.bin").close()
        fresh.close()

    # -- several at once

    def test_threads_register_each_content_once(self, registry: ModelRegistry, other: ModelRegistry) -> None:
        def work() -> None:
            for number in range(10):
                one = registry if number % 2 else other
                assert same_but_number(register(one, f"text {number}"), make_version(f"text {number}"))

        run_threads(work)
        versions = registry.versions("churn")
        assert len({version.number for version in versions}) == len(versions) == 10

    def test_processes_register_each_content_once(self, registry: ModelRegistry, reopen: Reopen) -> None:
        need_processes(reopen)
        barrier = make_barrier(PROCESSES)
        finish([start_process(_register_many, reopen, barrier, str(number)) for number in range(PROCESSES)])
        versions = registry.versions("churn")
        contents = {version.content for version in versions}
        assert len({v.number for v in versions}) == len(contents) == len(versions) == 10 + 10 * PROCESSES

    def test_of_promotions_at_once_each_is_decided_on_the_one_before(
        self, registry: ModelRegistry, reopen: Reopen
    ) -> None:
        need_processes(reopen)
        versions = [register(registry, text) for text in "abc"]
        registry.promote(promotion_of(versions[0], replaces=0))
        barrier = make_barrier(PROCESSES)
        finish([start_process(_promote_many, reopen, barrier, 10) for _ in range(PROCESSES)])
        made = list(registry.promotions("churn"))
        assert len(made) == 1 + 10 * PROCESSES
        assert [p.replaces for p in made] == [*(p.number for p in made[1:]), 0]

    def test_a_process_killed_at_any_instant_leaves_whole_versions_and_blocks_nobody(
        self, registry: ModelRegistry, reopen: Reopen, tmp_path: Path
    ) -> None:
        need_processes(reopen)
        for attempt in range(3):
            log = tmp_path / f"registered {attempt}"
            process = start_process(_register_forever, reopen, str(log))
            told = kill_after(log, process, 5, 0.02 * attempt)
            for number, text in (map(int, line.split()) for line in told):
                version = registry.get("churn", number)
                assert version is not None
                assert same_but_number(version, make_version(f"text {text}"))
            for version in registry.versions("churn"):
                assert len(read_parts(registry, version)) == len(version.artifact.files)
            assert registry.get("churn", "production") is not None
        new = register(registry, "after all of that")
        assert registry.promote(promotion_of(new)) == promotion_of(new)

    def test_it_can_be_closed_twice(self, registry: ModelRegistry) -> None:
        register(registry)
        registry.close()
        registry.close()
