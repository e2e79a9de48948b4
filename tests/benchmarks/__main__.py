"""``python -m tests.benchmarks [W1 W2 ...]``: every workload against its floor and its bar.

Machines differ and are shared: compare within one run, and read the ratios.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator

from tests.benchmarks import measurements, reading, watching
from tests.benchmarks.measurements import Failed, Row

GROUPS: dict[str, Callable[[], Iterator[Row]]] = {
    "help": measurements.start,
    "W1": measurements.w1,
    "W2": measurements.w2,
    "W3": measurements.w3,
    "W9": measurements.w9,
    "20k": measurements.w20k,
    "W5": measurements.w5,
    "mem": measurements.memory,
    "W7": measurements.w7,
    "W8": measurements.w8,
    "warm": watching.warm,
    "read": reading.history,
    "plug": reading.plugins,
    "2GiB": measurements.w2gib,
}
ALSO = {"W4": ("W2", "W3"), "W4a": ("W2",), "W4b": ("W3",)}
"""Workloads measured together with another one."""
ONLY_BY_NAME = {"2GiB"}
COLUMNS = "{:<5} {:<56} {:>9} {:>9} {:>6} {:>9} {:>5}  {}"


def main(names: list[str]) -> int:
    chosen = choose(names)
    failed = False
    if set(chosen) - {"W6"}:
        print(COLUMNS.format("", "CPU of the process tree", "floor", "zenconv", "ratio", "bar", "", ""))
    for name in chosen:
        if name != "W6":
            failed |= show_rows(name)
    if "W6" in chosen:
        failed |= show_exactness()
    return int(failed)


def choose(names: Iterable[str]) -> list[str]:
    """Return the groups to measure. Exits with a message for a name that does not exist."""
    known = [*GROUPS, "W6"]
    wanted = [group for name in names for group in ALSO.get(name, (name,))]
    for name in wanted:
        if name not in known:
            sys.exit(f"no workload {name!r}; there are {', '.join(known)}, W4a, W4b")
    return list(dict.fromkeys(wanted)) or [name for name in known if name not in ONLY_BY_NAME]


def show_rows(name: str) -> bool:
    """Measure one group and print its lines; return whether a bar was missed."""
    failed = False
    try:
        for row in GROUPS[name]():
            print(render(row), flush=True)
            failed |= row.passed is False
    except Failed as error:
        print(f"{name:<5} could not be measured: {error}", flush=True)
        failed = True
    return failed


def render(row: Row) -> str:
    ratio = f"{row.measured / row.floor:.2f}" if row.floor else ""
    verdict = {True: "pass", False: "FAIL", None: ""}[row.passed]
    note = row.note
    if row.reference is not None:
        note = f"{note}{', ' if note else ''}floor of the reference machine {row.reference:g}"
    return COLUMNS.format(
        row.name, row.title, number(row.floor, row.unit), number(row.measured, row.unit), ratio,
        number(row.bar, row.unit), verdict, note,
    ).rstrip()  # fmt: skip


def number(value: float | None, unit: str) -> str:
    if value is None or value != value:  # missing, or not a number
        return "-" if value is not None else ""
    digits = {"s": 3, "kB": 1}.get(unit, 0)
    return f"{value:.{digits}f} {unit}"


def show_exactness() -> bool:
    """Print the table of W6; return whether a line of it is wrong."""
    from tests.benchmarks.exactness import outcomes

    line = "{:<5} {:<60} {:>9} {:>9}  {}"
    print(
        "\n"
        + line.format("W6", "edit of the middle step of a chain of 100", "expected", "executed", "answer")
    )
    failed = False
    try:
        for outcome in outcomes():
            right = "right" if outcome.is_right else "WRONG"
            verdict = "" if outcome.passed else "  FAIL"
            edit = outcome.edit.name
            text = line.format("", edit, outcome.expected, outcome.executed, right + verdict)
            print(text, flush=True)
            failed |= not outcome.passed
    except Failed as error:
        print(f"could not be measured: {error}")
        failed = True
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
