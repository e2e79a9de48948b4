"""A module that a step imports by a computed name counts, with all that it imports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

PROJECT = {
    "models/__init__.py": "",
    "models/small.py": "from models.sizes import SIZE\ndef fit():\n    return SIZE\n",
    "models/big.py": "def fit():\n    from models import late\n    return late.SIZE\n",
    "models/sizes.py": "SIZE = 1\n",
    "models/late.py": "SIZE = 10\n",
}
WAYS = {
    "import_module": "import_module(f'models.{name}').fit()",
    "a relative import_module": "import_module(f'.{name}', 'models').fit()",
    "a class path": "pkgutil.resolve_name(f'models.{name}:fit')()",
}


def _step(way: str) -> str:
    imports = "import pkgutil\nfrom importlib import import_module\n"
    return f"{imports}def fitted(name: str = 'small'):\n    return {way}\n"


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_an_edit_below_a_module_that_is_imported_by_a_computed_name_counts(
    project: Callable[..., Any], way: str
) -> None:
    made = project({**PROJECT, "steps_a.py": _step(way)})
    assert "its code is not in the fingerprint" not in made.run().stderr
    made.run()
    assert made.executed() == []
    made.write({"models/sizes.py": "SIZE = 2\n", "models/late.py": "SIZE = 20\n"})
    made.run("-n", "1")
    assert made.value("fitted") == 2
    made.run("--set", "name=big")
    assert made.value("fitted") == 20
    made.write({"models/late.py": "SIZE = 30\n"})
    made.run("--set", "name=big")
    assert made.value("fitted") == 30


def test_a_name_that_is_written_in_the_code_counts_by_fingerprint_alone(project: Callable[..., Any]) -> None:
    made = project({**PROJECT, "steps_a.py": _step("import_module('models.small').fit()")})
    assert "without asking" not in made.run().stderr
    made.write({"models/small.py": f"# a remark\n{PROJECT['models/small.py']}"})
    made.run()
    assert made.executed() == []
