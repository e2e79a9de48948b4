"""W6 as a table: which steps the program really executes after each edit."""

from __future__ import annotations

import json
from collections.abc import Iterator

import attrs

from tests.benchmarks.measurements import make_place, zenconv
from tests.benchmarks.processes import Place
from tests.benchmarks.reruns import EDITS, Edit, answer, apply_edit, make_chain

LENGTH = 100


@attrs.frozen
class Outcome:
    """What one edit led to."""

    edit: Edit
    expected: int
    executed: int
    is_right: bool

    @property
    def passed(self) -> bool:
        return self.is_right and self.executed == self.expected


def outcomes() -> Iterator[Outcome]:
    """Make each edit on the chain, run it, and take it back again, which has to reuse everything."""
    files = make_chain(LENGTH)
    with make_place("") as place:
        (place.folder / "steps_work.py").unlink()
        _write(place, files)
        zenconv(place, "run", "-q")
        for edit in EDITS:
            edited = apply_edit(files, edit)
            _write(place, edited)
            executed = _count_executed(place)
            is_right = _last_value(place) == answer(edited, LENGTH)
            yield Outcome(edit, edit.expected(LENGTH), executed, is_right)
            _write(place, files)
            back = Edit(f"... and back: {edit.name}", edit.file, edit.new, edit.old, runs_middle=False)
            yield Outcome(back, 0, _count_executed(place), _last_value(place) == answer(files, LENGTH))


def _write(place: Place, files: dict[str, str]) -> None:
    for name, text in files.items():
        (place.folder / name).write_text(text, "utf-8")


def _count_executed(place: Place) -> int:
    counts = json.loads(zenconv(place, "run", "-q", "--json").stdout)["counts"]
    return int(counts.get("succeeded", 0))


def _last_value(place: Place) -> int:
    return int(zenconv(place, "get", f"s{LENGTH - 1}").stdout)
