"""Every built-in materializer passes the suite that every materializer has to pass; broken ones do not."""

from __future__ import annotations

import importlib.util
import inspect
import os
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.materializers.specimens import SPECIMENS
from zenconv.errors import ZenconvError
from zenconv.hooks.markers import MaterializerSpec
from zenconv.interfaces.materializing import Sink, Source
from zenconv.materializers.registry import BUILT_IN
from zenconv.testing import MaterializerSuite, Specimen
from zenconv.testing.materializers import Shelf

FRAGILE = {"xgboost": "its parser of models aborts the process on some bytes that it has not written"}


def make_suite(
    spec: MaterializerSpec, module: str, make: Callable[[], Sequence[Specimen]]
) -> type[MaterializerSuite]:
    @pytest.fixture
    def specimens(self: Any) -> Sequence[Specimen]:
        return make()

    fragile = FRAGILE.get(module, "")
    name = "Test" + spec.id.title().replace("-", "")
    given = {"spec": spec, "specimens": specimens, "fragile": fragile}
    return type(name, (MaterializerSuite,), {**given, "__module__": __name__})


LIBRARIES = {module: importlib.util.find_spec(module) is not None for module, _ in SPECIMENS.values()}

for _spec in BUILT_IN:
    if LIBRARIES[SPECIMENS[_spec.id][0]]:
        _suite = make_suite(_spec, *SPECIMENS[_spec.id])
        globals()[_suite.__name__] = _suite
del _suite


def test_the_materializers_of_every_library_are_tried() -> None:
    missing = [module for module, is_there in LIBRARIES.items() if not is_there]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


def test_every_built_in_materializer_is_tried() -> None:
    assert {spec.id for spec in BUILT_IN} == set(SPECIMENS)


class Note:
    """What the materializers below store."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        return type(other) is Note and self.text == other.text

    __hash__ = None  # type: ignore[assignment]


class Notes:
    """Is right."""

    id = "notes"
    version = 1
    types = (f"{__name__}.Note",)

    def accepts(self, value: Any) -> bool:
        return type(value) is Note

    def save(self, value: Any, sink: Sink) -> None:
        sink.write(value.text.encode())

    def load(self, source: Source) -> Any:
        return Note(source.read().decode())

    def summarize(self, value: Any) -> dict[str, Any]:
        return {"length": len(value.text)}


class Lossy(Notes):
    def save(self, value: Any, sink: Sink) -> None:
        sink.write(value.text.upper().encode())


class Shared(Notes):
    loaded: dict[bytes, Note] = {}

    def load(self, source: Source) -> Any:
        return self.loaded.setdefault(source.read(), Note(source.read().decode()))


class Moody(Notes):
    def save(self, value: Any, sink: Sink) -> None:
        sink.write(os.urandom(8) + value.text.encode())

    def load(self, source: Source) -> Any:
        return Note(source.read()[8:].decode())


class Colliding(Notes):
    def save(self, value: Any, sink: Sink) -> None:
        super().save(value, sink)
        sink.set_content("b3:" + "0" * 64)


class Secretive(Notes):
    """Pickles, and does not say that loading runs code."""

    def save(self, value: Any, sink: Sink) -> None:
        sink.write(pickle.dumps(value))

    def load(self, source: Source) -> Any:
        return pickle.loads(source.read())


class Evaluating(Notes):
    def save(self, value: Any, sink: Sink) -> None:
        sink.write(repr(value.text).encode())

    def load(self, source: Source) -> Any:
        return Note(eval(source.read()))


class Lazy(Notes):
    """Stores a reference to what may change."""

    kept: list[Note] = []

    def save(self, value: Any, sink: Sink) -> None:
        self.kept.append(value)
        sink.write(b"%d" % (len(self.kept) - 1))

    def load(self, source: Source) -> Any:
        return Note(self.kept[int(source.read())].text)


class Talkative(Notes):
    def summarize(self, value: Any) -> dict[str, Any]:
        return {"text": value.text * 10_000}


class Reluctant(Notes):
    def accepts(self, value: Any) -> bool:
        return False


class Inventive(Notes):
    """Has something to say where a file is missing."""

    def load(self, source: Source) -> Any:
        try:
            return super().load(source)
        except ZenconvError:
            return Note("")


class Lonely(Notes):
    """Is at a loss where it is not alone."""

    def save(self, value: Any, sink: Sink) -> None:
        super().save(value, sink)
        self.saved = getattr(self, "saved", 0) + 1

    def load(self, source: Source) -> Any:
        return Note("one of several") if self.saved > 1 else super().load(source)


class Misnamed(Notes):
    version = 0


def change(note: Note) -> None:
    note.text += "!"


BROKEN: dict[type[Notes], str] = {
    Lossy: "test_what_comes_back_equals_what_went_in",
    Shared: "test_each_consumer_has_an_object_of_its_own",
    Lazy: "test_what_is_stored_is_what_was_returned",
    Moody: "test_equal_values_have_one_content_digest",
    Colliding: "test_different_values_have_different_content_digests",
    Secretive: "test_code_runs_only_where_the_record_says_so_and_it_is_allowed",
    Evaluating: "test_hostile_bytes_are_an_error_and_never_code",
    Talkative: "test_the_summary_is_small_and_plain",
    Reluctant: "test_it_is_the_one_that_stores_its_values",
    Inventive: "test_a_file_that_is_missing_is_an_error",
    Lonely: "test_a_value_inside_others_comes_back",
    Misnamed: "test_it_has_the_form_of_a_materializer",
}
TESTS = [name for name in vars(MaterializerSuite) if name.startswith("test_")]


def call(kind: type[Notes], name: str, tmp_path: Path) -> None:
    """Call a test of the suite on a materializer for notes."""
    suite = MaterializerSuite()
    spec = MaterializerSpec("notes", Notes.types, f"{__name__}:{kind.__name__}")
    type(suite).spec = spec
    shelf = Shelf(spec, tmp_path / "shelf")
    shelf.materializers._instances["notes"] = kind()
    specimens = [Specimen(lambda: Note("hello"), change), Specimen(lambda: Note("world"), change)]
    offered: dict[str, Any] = {"shelf": shelf, "specimens": specimens}
    test: Callable[..., None] = getattr(suite, name)
    suite.materializer = kind  # type: ignore[assignment, method-assign]
    test(**{parameter: offered[parameter] for parameter in inspect.signature(test).parameters})


@pytest.mark.parametrize(("kind", "name"), BROKEN.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_a_broken_materializer_does_not_pass(kind: type[Notes], name: str, tmp_path: Path) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        call(kind, name, tmp_path)


@pytest.mark.parametrize("name", TESTS)
def test_one_that_is_right_passes_in_the_same_way(name: str, tmp_path: Path) -> None:
    call(Notes, name, tmp_path)


def test_every_test_of_the_suite_is_one_that_something_broken_fails() -> None:
    assert set(TESTS) - set(BROKEN.values()) == set()
