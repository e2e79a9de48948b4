"""The global generators of random numbers are seeded, whenever their libraries are imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

DRAWS = {
    "numpy": "import numpy\nprint(numpy.random.rand(), numpy.random.randint(1000))",
    "torch": "import torch\nprint(torch.rand(2).tolist())",
    "random": "import random\nprint(random.random())",
}
SEED = "from zenconv.engine.seeding import seed_generators\nassert seed_generators(7, 'step') == 7\n"


def printed(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("library", DRAWS)
def test_what_is_drawn_is_the_same_whether_the_library_was_imported_before_or_after(library: str) -> None:
    pytest.importorskip(library)
    asked = (
        f"import importlib.util\nassert importlib.util.find_spec({library!r}).loader.name == {library!r}\n"
    )
    before = printed(f"import {library}\n{SEED}{DRAWS[library]}")
    after = printed(SEED + (asked if library != "random" else "") + DRAWS[library])
    other = printed(SEED.replace("'step'", "'other'") + DRAWS[library])
    assert before == after
    assert other != after


def test_the_library_looks_as_ever() -> None:
    pytest.importorskip("numpy")
    looks = "import numpy\nprint(numpy.__loader__, numpy.__spec__.loader is numpy.__loader__)"
    assert printed(SEED + looks).partition(" at ")[0] == printed(looks).partition(" at ")[0]
    assert printed(SEED + looks).endswith("True\n")


def test_a_library_that_fails_is_seeded_when_it_is_imported_at_last(tmp_path) -> None:
    (tmp_path / "numpy.py").write_text("raise ImportError('not today')")
    pytest.importorskip("numpy")
    code = (
        f"{SEED}import sys\nsys.path.insert(0, {str(tmp_path)!r})\n"
        "try:\n    import numpy\nexcept ImportError:\n    del sys.path[0]\n"
    )
    assert printed(code + DRAWS["numpy"]) == printed(SEED + DRAWS["numpy"])
