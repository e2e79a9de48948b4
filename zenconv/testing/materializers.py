"""The conformance suite of materializers: subclass it, name the materializer, give specimens, run pytest.

::

    class TestGraphs(MaterializerSuite):
        spec = MaterializerSpec("graphs", ("networkx.classes.graph.Graph",), "mine:Graphs")

        @pytest.fixture
        def specimens(self):
            return [
                Specimen(lambda: networkx.path_graph(3), lambda graph: graph.add_edge(0, 2), is_same),
                Specimen(lambda: networkx.path_graph(4)),
            ]

Each specimen makes a value, anew and equal whenever it is asked; no two specimens are equal. The
values are stored and loaded as in a run, in a real store, beside the built-in materializers.
"""

from __future__ import annotations

import json
import operator
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import attrs
import pytest

from zenconv import hashing
from zenconv.components.local_store import LocalStore
from zenconv.errors import UntrustedArtifact, ZenconvError
from zenconv.frozen import Frozen
from zenconv.hooks.markers import MaterializerSpec
from zenconv.materializers import Materializers
from zenconv.materializers.registry import BUILT_IN
from zenconv.records.artifact import Artifact, StoredFile
from zenconv.testing.suites import ConformanceSuite

_LONGEST_SUMMARY = 10_000
_MOST_FILES_HURT = 4
_RUNS_CODE = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen")
_heard: list[str] | None = None
_data: tuple[bytes, ...] = ()
_is_listening = False


@attrs.frozen(eq=False, repr=False)
class Specimen(Frozen):
    """A value to try a materializer on.

    Parameters
    ----------
    make
        Returns the value, a new object that equals the others it made.
    change
        Changes it in place so that it is no longer equal; None: nothing can.
    is_equal
        Tells whether two values of this type are equal; `==` by default.
    """

    make: Callable[[], Any]
    change: Callable[[Any], object] | None = None
    is_equal: Callable[[Any, Any], bool] = operator.eq


class Shelf:
    """Stores and loads values by real materializers in a real store."""

    def __init__(self, spec: MaterializerSpec, folder: Path) -> None:
        others = [one for one in BUILT_IN if one.id != spec.id]
        self.materializers = Materializers([*others, spec] if len(others) == len(BUILT_IN) else BUILT_IN)
        self.store = LocalStore(folder / "store")
        self._private = folder / "private"
        self._count = 0

    def save(self, value: Any) -> Artifact:
        """Store a value; its record comes back as from the log."""
        artifact = self.materializers.save(value, self.store, where="a value under test")
        return Artifact.from_json(artifact.to_json())

    def load(self, artifact: Artifact, *, allowed: bool = True) -> Any:
        """Load a value as a consumer of its own."""
        self._count += 1
        private = self._private / str(self._count)
        return self.materializers.load(artifact, self.store, allowed=allowed, private=private)

    def bytes_of(self, file: StoredFile) -> bytes:
        """Return what a stored file holds."""
        if file.inline is not None:
            return file.inline
        with self.store.open(file.digest) as stream:
            return stream.read()

    def replace(self, artifact: Artifact, name: str, data: bytes) -> Artifact:
        """Return the record of the same value with other bytes in one of its files."""
        with self.store.writer() as writer:
            writer.write(data)
            digest, size = writer.commit()
        files = [StoredFile(name, digest, size) if f.name == name else f for f in artifact.files]
        return attrs.evolve(artifact, files=tuple(files))


class MaterializerSuite(ConformanceSuite):
    """What every `Materializer` promises. Set `spec` and override `specimens`; where needed, the rest."""

    kind = "materializer"

    spec: ClassVar[MaterializerSpec]
    """How the plugin offers the materializer."""

    fragile: ClassVar[str] = ""
    """Why bytes that nobody has written may end the process: a library's parser that does not check them."""

    @pytest.fixture
    def specimens(self) -> Sequence[Specimen]:
        """Return at least two specimens whose values are not equal."""
        raise NotImplementedError("override the fixture `specimens`")

    @pytest.fixture
    def shelf(self, tmp_path: Path) -> Shelf:
        """Where the values are stored."""
        return Shelf(self.spec, tmp_path / "shelf")

    def materializer(self) -> Any:
        """Return the materializer, made as a run makes it."""
        import importlib

        module, _, name = self.spec.target.partition(":")
        return getattr(importlib.import_module(module), name)()

    def test_it_has_the_form_of_a_materializer(self, specimens: Sequence[Specimen]) -> None:
        made = self.materializer()
        assert made.id == self.spec.id
        assert type(made.version) is int
        assert made.version >= 1
        assert self.spec.types
        assert all("." in name for name in self.spec.types)
        for verb in ("accepts", "save", "load", "summarize"):
            assert callable(getattr(made, verb))
        assert len(specimens) >= 2, "two values that are not equal are needed to tell them apart"

    def test_it_is_the_one_that_stores_its_values(self, shelf: Shelf, specimens: Sequence[Specimen]) -> None:
        kinds = {shelf.save(specimen.make()).materializer for specimen in specimens}
        assert {kind.partition("/")[0] for kind in kinds} == {self.spec.id}

    def test_what_comes_back_equals_what_went_in(self, shelf: Shelf, specimens: Sequence[Specimen]) -> None:
        for specimen in specimens:
            value = specimen.make()
            artifact = shelf.save(value)
            loaded = shelf.load(artifact)
            assert type(loaded) is type(value)
            assert specimen.is_equal(loaded, value)
            assert specimen.is_equal(shelf.load(artifact), specimen.make()), "saving has changed the value"

    def test_each_consumer_has_an_object_of_its_own(
        self, shelf: Shelf, specimens: Sequence[Specimen]
    ) -> None:
        for specimen in specimens:
            artifact = shelf.save(specimen.make())
            first, second = shelf.load(artifact), shelf.load(artifact)
            if specimen.change is None:
                continue
            assert first is not second
            specimen.change(first)
            assert not specimen.is_equal(first, specimen.make()), "`change` changes nothing"
            assert specimen.is_equal(second, specimen.make())
            assert specimen.is_equal(shelf.load(artifact), specimen.make()), "what is stored has changed"

    def test_what_is_stored_is_what_was_returned(self, shelf: Shelf, specimens: Sequence[Specimen]) -> None:
        for specimen in specimens:
            if specimen.change is not None:
                value = specimen.make()
                artifact = shelf.save(value)
                specimen.change(value)
                assert specimen.is_equal(shelf.load(artifact), specimen.make())

    def test_equal_values_have_one_content_digest(self, shelf: Shelf, specimens: Sequence[Specimen]) -> None:
        for specimen in specimens:
            artifact = shelf.save(specimen.make())
            assert hashing.is_digest(artifact.content)
            assert shelf.save(specimen.make()).content == artifact.content
            if not artifact.runs_code:  # in a pickle it counts which of its parts are one object
                assert shelf.save(shelf.load(artifact)).content == artifact.content, "it changes on the way"

    def test_different_values_have_different_content_digests(
        self, shelf: Shelf, specimens: Sequence[Specimen]
    ) -> None:
        contents = [shelf.save(specimen.make()).content for specimen in specimens]
        for specimen in specimens:
            if specimen.change is not None:
                value = specimen.make()
                specimen.change(value)
                contents.append(shelf.save(value).content)
        assert len(set(contents)) == len(contents)

    def test_a_value_inside_others_comes_back(self, shelf: Shelf, specimens: Sequence[Specimen]) -> None:
        for specimen in specimens:
            value = specimen.make()
            if not shelf.materializers.is_closed(value):
                continue
            loaded = shelf.load(shelf.save({"one": value, "again": [value]}))
            assert specimen.is_equal(loaded["one"], value)
            assert loaded["one"] is loaded["again"][0], "one object has become two"

    def test_code_runs_only_where_the_record_says_so_and_it_is_allowed(
        self, shelf: Shelf, specimens: Sequence[Specimen]
    ) -> None:
        for specimen in specimens:
            artifact = shelf.save(specimen.make())
            with listening(*map(shelf.bytes_of, artifact.files)) as heard:
                if artifact.runs_code or artifact.refers:
                    with pytest.raises(UntrustedArtifact):
                        shelf.load(artifact, allowed=False)
                else:
                    assert specimen.is_equal(shelf.load(artifact, allowed=False), specimen.make())
            assert heard == [], "it runs code, and has not declared that"

    def test_hostile_bytes_are_an_error_and_never_code(
        self, shelf: Shelf, specimens: Sequence[Specimen]
    ) -> None:
        if self.fragile:
            pytest.skip(self.fragile)
        artifacts = [shelf.save(specimen.make()) for specimen in specimens]
        others = [shelf.bytes_of(file) for artifact in artifacts for file in artifact.files[:1]]
        for artifact in artifacts:
            if artifact.runs_code:
                continue  # who may load it at all is trusted to have written it
            shelf.load(artifact)  # what has to be imported is, before anybody listens
            for file in artifact.files[:_MOST_FILES_HURT]:
                for data in hurt(shelf.bytes_of(file), others):
                    with listening(data) as heard:
                        try:
                            shelf.load(shelf.replace(artifact, file.name, data))
                        except ZenconvError:
                            pass
                    assert heard == []

    def test_a_file_that_is_missing_is_an_error(self, shelf: Shelf, specimens: Sequence[Specimen]) -> None:
        artifact = shelf.save(specimens[0].make())
        with pytest.raises(ZenconvError):
            shelf.load(attrs.evolve(artifact, files=()))

    def test_the_summary_is_small_and_plain(self, shelf: Shelf, specimens: Sequence[Specimen]) -> None:
        for specimen in specimens:
            summary = shelf.materializers.summarize(specimen.make())
            assert len(json.dumps(summary)) < _LONGEST_SUMMARY


def hurt(data: bytes, others: Sequence[bytes]) -> Iterator[bytes]:
    """Yield what somebody might put in the place of `data`."""
    yield b""
    yield data[: len(data) // 2]
    yield data[:-1]
    yield data + data
    yield b"\0" * max(len(data), 1)
    yield b"__import__('os').system('true')"
    yield b"cos\nsystem\n(S'true'\ntR."  # a pickle
    step = max(1, len(data) // 12)
    for position in range(0, len(data), step):
        yield data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :]
    yield from others


class listening:  # noqa: N801 - used as a function is
    """Take down what runs code while it is entered: programs, pickled names, `data` that is compiled."""

    def __init__(self, *data: bytes) -> None:
        self._data = data

    def __enter__(self) -> list[str]:
        global _heard, _data, _is_listening
        if not _is_listening:
            sys.addaudithook(_hear)
            _is_listening = True
        _heard, _data = [], self._data
        return _heard

    def __exit__(self, *exc_info: object) -> None:
        global _heard
        _heard = None


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    # ``eval`` compiles what is called ``<string>``; `ast.literal_eval`, which is harmless, ``<unknown>``.
    if _heard is None:
        return
    if event in _RUNS_CODE or event == "pickle.find_class":
        _heard.append(f"{event} {arguments}")
    elif (
        event == "compile" and arguments[1] == "<string>" and isinstance(source := arguments[0], str | bytes)
    ):
        text = source.encode("utf-8", "surrogatepass") if isinstance(source, str) else source
        if text.strip() and any(text.strip() in data for data in _data):
            _heard.append(f"{event} {source!r}")
