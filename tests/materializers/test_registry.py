"""Which materializer is asked, and what is said when one misbehaves."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import pytest

from zenconv.errors import PluginError, SaveError, StoreError
from zenconv.materializers import BUILT_IN, Materializers, MaterializerSpec

from . import step_values as sv


class Upper:
    """Stores a text in capitals, as a plugin might."""

    id = "upper"
    version = 1
    types = ("builtins.str",)

    def accepts(self, value: Any) -> bool:
        return bool(value.isupper())

    def save(self, value: Any, sink: Any) -> None:
        sink.write(value.encode())

    def load(self, source: Any) -> Any:
        return source.read().decode()

    def summarize(self, value: Any) -> Mapping[str, Any]:
        return {"letters": len(value)}


class Sneaky(Upper):
    id = "sneaky"

    def save(self, value: Any, sink: Any) -> None:
        sink.set_runs_code()
        sink.write(b"")


class Broken(Upper):
    id = "broken"

    def save(self, value: Any, sink: Any) -> None:
        raise KeyError("oops")


class Full(Upper):
    id = "full"

    def save(self, value: Any, sink: Any) -> None:
        raise OSError(28, "No space left on device")


class Misnamed(Upper):
    id = "other"


def with_plugin(cls: type, id: str, types: tuple[str, ...] = ("builtins.str",)) -> Materializers:
    return Materializers([*BUILT_IN, (id, types, f"{__name__}:{cls.__name__}")])


def test_a_plugin_is_asked_before_what_is_built_in(shelf: Any) -> None:
    shelf.materializers = with_plugin(Upper, "upper")
    assert shelf.save("ABC").materializer == "upper/1"
    assert shelf.round_trip("ABC") == "ABC"
    assert shelf.save("abc").materializer == "json/1"


def test_the_nearest_class_is_asked_first(shelf: Any) -> None:
    shelf.materializers = with_plugin(Upper, "upper", (f"{sv.__name__}.Text",))
    assert shelf.save(sv.Text("ABC")).materializer == "upper/1"
    assert shelf.save("ABC").materializer == "json/1"


def test_two_materializers_cannot_claim_one_id() -> None:
    with pytest.raises(PluginError, match=r"two materializers claim the id 'json'"):
        Materializers([*BUILT_IN, MaterializerSpec("json", (), "x:Y")])


@pytest.mark.parametrize("target", ["no.such:Thing", f"{__name__}:Nothing"])
def test_one_that_cannot_be_imported_is_named(shelf: Any, target: str) -> None:
    shelf.materializers = Materializers([*BUILT_IN, ("mine", ("builtins.str",), target)])
    with pytest.raises(PluginError, match=r"'mine' \(.*\) cannot be imported"):
        shelf.save("a")


def test_one_that_calls_itself_otherwise_is_refused(shelf: Any) -> None:
    shelf.materializers = with_plugin(Misnamed, "mine")
    with pytest.raises(PluginError, match="calls itself 'other', registered as 'mine'"):
        shelf.save("A")


def test_one_that_hides_that_it_pickles_is_refused(shelf: Any) -> None:
    shelf.materializers = with_plugin(Sneaky, "sneaky")
    with pytest.raises(PluginError, match=r"without saying so(?s:.*)runs_code = True"):
        shelf.save("A")


def test_its_exceptions_name_step_type_and_materializer(shelf: Any) -> None:
    shelf.materializers = with_plugin(Broken, "broken")
    with pytest.raises(SaveError, match=r"steps_x.py::made: cannot store a str \(broken\): KeyError: 'oops'"):
        shelf.save("A")


def test_a_full_disk_is_a_store_error(shelf: Any) -> None:
    shelf.materializers = with_plugin(Full, "full")
    with pytest.raises(StoreError, match="No space left"):
        shelf.save("A")


def test_saving_a_number_imports_no_data_library() -> None:
    import subprocess

    code = (
        "import sys\nfrom zenconv.materializers import Materializers\n"
        "assert 'zenconv.materializers.loading' not in sys.modules\n"
        "from zenconv.materializers.discarding import DiscardingStore\n"
        "Materializers().save({'a': [1, 2.5]}, DiscardingStore(), where='x')\n"
        "heavy = ('numpy', 'pandas', 'torch', 'sklearn', 'cloudpickle', 'pickle', 'asyncio')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
