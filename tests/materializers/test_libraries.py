"""What holds for the values of every library: equal, safe, the same in every process, verified."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

from zenconv.errors import CorruptArtifact
from zenconv.materializers.libraries import LIBRARIES
from zenconv.materializers.registry import _import_materializer

from . import library_values

pytestmark = [
    pytest.mark.filterwarnings("ignore:::plotly"),
    pytest.mark.filterwarnings("ignore:::sklearn"),
    pytest.mark.filterwarnings("ignore:::lightgbm"),
]

RUNS_CODE = {"matplotlib"}

CONTENTS = """
import importlib, json, sys, warnings
warnings.simplefilter("ignore")
sys.path.insert(0, {tests!r})
import library_values
from zenconv.materializers import Materializers
from zenconv.materializers.discarding import DiscardingStore
found = {{}}
for name, (library, make) in library_values.VALUES.items():
    try:
        importlib.import_module(library)
    except ImportError:
        continue
    found[name] = Materializers().save(make()[0], DiscardingStore(), where="x").content
print(json.dumps(found))
"""


def made(name: str) -> tuple[Any, Any]:
    library, make = library_values.VALUES[name]
    pytest.importorskip(library)
    return make()


@pytest.mark.parametrize("name", library_values.VALUES)
def test_it_comes_back_equal(shelf: Any, name: str) -> None:
    value, equal = made(name)
    artifact = shelf.save(value)
    again = shelf.load(artifact)
    assert type(again) is type(value)
    assert equal(value, again)
    assert artifact.materializer.partition("/")[0] == name.partition(" ")[0]


@pytest.mark.parametrize("name", sorted(set(library_values.VALUES) - RUNS_CODE))
def test_no_pickle_is_written_and_no_trust_is_needed(shelf: Any, name: str) -> None:
    value, equal = made(name)
    artifact = shelf.save(value)
    assert not artifact.needs_trust
    again = shelf.load(artifact, allowed=False)
    assert equal(value, again)
    assert shelf.save(again).content == artifact.content


@pytest.mark.parametrize("name", library_values.VALUES)
def test_a_flipped_bit_in_any_file_is_found(shelf: Any, name: str) -> None:
    value, _ = made(name)
    artifact = shelf.save(value)
    for number, file in enumerate(artifact.files):
        if file.inline is None:
            path = shelf.store.folder / file.digest[3:]
            data = path.read_bytes()
            path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
            damaged = artifact
        else:
            inline = (file.inline[:-1] + bytes([file.inline[-1] ^ 1])) if file.inline else b"x"
            files = list(artifact.files)
            files[number] = attrs.evolve(file, inline=inline)
            damaged = attrs.evolve(artifact, files=tuple(files))
        if file.name.endswith("preview.png"):  # only for looking at
            continue
        with pytest.raises(CorruptArtifact) as error:
            shelf.load(damaged)
        assert error.value.digest == file.digest
        if file.inline is None:
            path.write_bytes(data)


@pytest.mark.parametrize("name", library_values.VALUES)
def test_it_has_a_summary_that_can_be_written_down(shelf: Any, name: str) -> None:
    value, _ = made(name)
    summary = shelf.save(value).summary
    assert summary
    assert json.loads(json.dumps(summary)) == summary


def test_two_processes_agree_on_the_content_of_equal_values() -> None:
    code = CONTENTS.format(tests=str(Path(__file__).parent))
    found = []
    for seed in ("1", "2"):
        environment = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "HF_HUB_OFFLINE": "1",
        }
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        found.append(json.loads(done.stdout))
    assert found[0]
    assert found[0] == found[1]


def test_saving_plain_values_imports_no_library() -> None:
    names = sorted({library for library, _ in library_values.VALUES.values()})
    code = (
        "import sys\nfrom zenconv.materializers import Materializers\n"
        "from zenconv.materializers.discarding import DiscardingStore\n"
        "Materializers().save({'a': [1, None]}, DiscardingStore(), where='x')\n"
        f"print([name for name in {names} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("spec", LIBRARIES, ids=lambda spec: spec.id)
def test_what_is_offered_is_there(spec: Any) -> None:
    pytest.importorskip(
        {"scipy-sparse": "scipy", "scipy-stats": "scipy", "pillow": "PIL", "torch-datasets": "torch"}.get(
            spec.id, spec.id.partition("-")[0]
        )
    )
    assert set(spec.types) <= set(_import_materializer(spec).types)
