"""W6: after an edit exactly the right steps run, and the answer is right.

A chain whose middle step reaches code in every way that people use. Each case is one edit; the
number of steps that have to run follows from whether the middle step's code counts as changed
(`Edit.runs_middle`) and whether its value differs (`changes_value`: everything behind it runs
too). No two edits lead to the same value: what runs behind one could be reused by the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import dedent

import attrs


@attrs.frozen
class Edit:
    """One edit of the chain: in `file`, `old` becomes `new`."""

    name: str
    file: str
    old: str
    new: str
    runs_middle: bool = True
    changes_value: bool = True

    def expected(self, length: int) -> int:
        """Return how many steps of a chain of that length have to run."""
        behind = length - 1 - length // 2
        return self.runs_middle * (1 + self.changes_value * behind)


HELPERS = dedent('''
    """Functions that the middle step reaches."""

    STEP_SIZE = 1
    UNUSED = 0


    def imported(value):
        return value + STEP_SIZE


    def decorate(function):
        def wrapper(*args):
            return function(*args) + 0
        return wrapper


    def unrelated(value):
        return value


    class Scale:
        factor = 1

        def apply(self, value):
            return value * self.factor


    def through_table(value):
        return value + 0
''').lstrip()

_MIDDLE = """
OFFSET = 0
TABLE = {{"plain": helpers.through_table}}


def _local(value):
    return value + 0


def _default(value, by=0):
    return value + by


def _partial(value, by):
    return value + by


_bound = functools.partial(_partial, by=0)


@helpers.decorate
def _decorated(value):
    return value


def s{i}(s{p}):
    # a comment
    value = _local(s{p})
    value = helpers.imported(value)
    value = helpers.Scale().apply(value)
    value = TABLE["plain"](value)
    value = _default(value) + OFFSET
    value = _bound(value)
    from lazily import late
    return _decorated(late(value))
"""


def make_chain(length: int) -> dict[str, str]:
    """Return the files of a project: a chain of steps with a rich one in its middle."""
    middle = length // 2
    parts = ['"""A chain."""\n\nimport functools\n\nimport helpers\n\n\ndef s0():\n    return 0\n']
    for i in range(1, length):
        text = _MIDDLE if i == middle else "\ndef s{i}(s{p}):\n    return s{p} + 1\n"
        parts.append("\n" + text.format(i=i, p=i - 1))
    return {
        "steps_chain.py": "".join(parts),
        "helpers.py": HELPERS,
        "lazily.py": "def late(value):\n    return value + 0\n",
    }


_STEPS, _HELPERS = "steps_chain.py", "helpers.py"

EDITS = (
    Edit("a comment", _STEPS, "# a comment", "# another comment\n\n", runs_middle=False),
    Edit("formatting", _STEPS, "value = _local(", "value   =  _local( ", runs_middle=False),
    Edit(
        "a docstring of a helper",
        _HELPERS,
        "def imported(value):",
        'def imported(value):\n    """Add."""',
        runs_middle=False,
    ),
    Edit(
        "an annotation of a helper",
        _HELPERS,
        "def imported(value):",
        "def imported(value: int) -> int:",
        runs_middle=False,
    ),
    Edit(
        "a function nobody reaches",
        _HELPERS,
        "return value\n\n\nclass",
        "return value + 7\n\n\nclass",
        runs_middle=False,
    ),
    Edit("a constant nobody reaches", _HELPERS, "UNUSED = 0", "UNUSED = 9", runs_middle=False),
    Edit("a constant spelled otherwise", _STEPS, "OFFSET = 0", "OFFSET = 1 - 1", runs_middle=False),
    Edit(
        "a refactoring without effect", _STEPS, "value = _local(", "value = 0 + _local(", changes_value=False
    ),
    Edit(
        "a helper rewritten, same result",
        _HELPERS,
        "return value + STEP_SIZE",
        "return STEP_SIZE + value",
        changes_value=False,
    ),
    Edit(
        "a helper in the same file",
        _STEPS,
        "def _local(value):\n    return value + 0",
        "def _local(value):\n    return value + 9",
    ),
    Edit("an imported helper", _HELPERS, "return value + STEP_SIZE", "return value + STEP_SIZE + 11"),
    Edit("a constant of a helper", _HELPERS, "STEP_SIZE = 1", "STEP_SIZE = 3"),
    Edit("a constant in the same file", _STEPS, "OFFSET = 0", "OFFSET = 3"),
    Edit("a method", _HELPERS, "return value * self.factor", "return value * self.factor + 7"),
    Edit("a class attribute", _HELPERS, "factor = 1", "factor = 2"),
    Edit("a decorator", _HELPERS, "return function(*args) + 0", "return function(*args) + 13"),
    Edit(
        "a function in a dispatch table",
        _HELPERS,
        "def through_table(value):\n    return value + 0",
        "def through_table(value):\n    return value + 14",
    ),
    Edit("the default of a helper", _STEPS, "by=0):", "by=6):"),
    Edit("the argument of a partial", _STEPS, "_partial, by=0)", "_partial, by=8)"),
    Edit("a module imported in the function", "lazily.py", "value + 0", "value + 17"),
)


def apply_edit(files: Mapping[str, str], edit: Edit) -> dict[str, str]:
    """Return the project's files after the edit."""
    text = files[edit.file]
    if text.count(edit.old) != 1:
        raise ValueError(f"{edit.name}: {edit.old!r} is {text.count(edit.old)} times in {edit.file}")
    return {**files, edit.file: text.replace(edit.old, edit.new)}


def answer(files: Mapping[str, str], length: int) -> int:
    """Return the value of the last step, by calling the functions in a process of their own."""
    import subprocess
    import sys
    import tempfile
    from pathlib import Path

    code = (
        "import steps_chain\n"
        "value = steps_chain.s0()\n"
        f"for i in range(1, {length}): value = getattr(steps_chain, f's{{i}}')(value)\n"
        "print(value)"
    )
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            Path(folder, name).write_text(text, "utf-8")
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
        )
    return int(done.stdout)
