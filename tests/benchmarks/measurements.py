"""Each workload measured: floor and program in one go, best of three, against its bar."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

from tests.benchmarks import workloads
from tests.benchmarks.processes import MEGABYTE, ZENCONV, Cost, Place, measure, measure_memory

FLOOR = Path(__file__).with_name("floor.py")
ROUNDS = 3


@attrs.frozen
class Row:
    """One line of the table: seconds of CPU unless `unit` says otherwise.

    `reference` is the floor as measured on the machine for which the bars were set: where this
    machine's differs, read the ratio.
    """

    name: str
    title: str
    measured: float
    floor: float | None = None
    bar: float | None = None
    unit: str = "s"
    reference: float | None = None
    note: str = ""
    higher_is_better: bool = False

    @property
    def passed(self) -> bool | None:
        if self.bar is None or self.measured != self.measured:  # not a number: could not be measured
            return None
        return self.measured >= self.bar if self.higher_is_better else self.measured <= self.bar


class Failed(Exception):
    """The program did not do what was to be measured."""


@contextmanager
def make_place(text: str, name: str = "steps_work.py") -> Iterator[Place]:
    """Give a fresh project of one step file, and a home whose caches are warm after a first command."""
    with tempfile.TemporaryDirectory(prefix="zenconv-bench-") as folder:
        place = Place(Path(folder) / "project", Path(folder) / "home")
        place.folder.mkdir()
        (place.folder / name).write_text(text, "utf-8")
        yield place


def zenconv(place: Place, *args: str, expected: int = 0) -> Cost:
    """Run the program once. Raises `Failed` with what it printed."""
    cost = measure([*ZENCONV, *args], place)
    if cost.exit_code != expected:
        raise Failed(
            f"zenconv {' '.join(args)} ended with {cost.exit_code}: {(cost.stderr + cost.stdout)[-400:]}"
        )
    return cost


def floor(place: Place, *options: str) -> Cost:
    """Run the floor once, from nothing."""
    state = place.folder / ".floor"
    shutil.rmtree(state, ignore_errors=True)
    cost = measure([sys.executable, str(FLOOR), "steps_work", str(state), *options], place)
    shutil.rmtree(state, ignore_errors=True)
    if cost.exit_code:
        raise Failed(f"floor: {cost.stderr[-400:]}")
    return cost


def forget(place: Place) -> None:
    """Remove everything zenconv knows of the project."""
    shutil.rmtree(place.folder / ".zenconv", ignore_errors=True)


def best(run: Callable[[], Cost], rounds: int = ROUNDS) -> Cost:
    return min((run() for _ in range(rounds)), key=lambda cost: cost.cpu)


def best_of_each(*runs: Callable[[], Cost], rounds: int = ROUNDS) -> list[Cost]:
    """Return the best of each, measured in turns, so that a busy moment of the machine hits them all."""
    costs = [[run() for run in runs] for _ in range(rounds)]
    return [min(of_one, key=lambda cost: cost.cpu) for of_one in zip(*costs, strict=True)]


def first_run(place: Place, *args: str) -> Cost:
    forget(place)
    return zenconv(place, "run", "-q", *args)


def warm_up(place: Place) -> None:
    """Have every byte code file written before anything is timed."""
    first_run(place)
    zenconv(place, "run", "-q")


# ---------------------------------------------------------------- the workloads


def start() -> Iterator[Row]:
    """What the program costs before it does anything."""
    with make_place(workloads.three_trivial()) as place:
        bare = best(lambda: measure([sys.executable, "-c", "pass"], place), 5)
        for option in ("--help", "--version"):
            zenconv(place, option)
            cost = best(lambda option=option: zenconv(place, option), 5)  # type: ignore[misc]
            yield Row("help", f"zenconv {option}", cost.cpu, bare.cpu, 0.070, note="floor: python -c pass")


def w1() -> Iterator[Row]:
    with make_place(workloads.three_trivial()) as place:
        yield from _executed("W1", "cold start, 3 trivial steps", place, 0.20, 0.05)


def w2() -> Iterator[Row]:
    with make_place(workloads.chain(200)) as place:
        yield from _executed("W2", "chain of 200", place, 0.35, 0.07)
        yield _reused("W4a", "chain of 200 again, nothing changed", place, 0.25, 0.04)


def w3() -> Iterator[Row]:
    with make_place(workloads.wide(500)) as place:
        yield from _executed("W3", "500 steps and a join", place, 0.60, 0.15)
        yield _reused("W4b", "500 steps and a join again", place, 0.28, 0.05)


def w9() -> Iterator[Row]:
    with make_place(workloads.joined_groups(98, 50)) as place:
        yield from _executed("W9", "5,000 steps, 99 joins", place, 4.0, 0.96)
        yield _reused("W9", "5,000 steps again", place, 1.2, None)


def w5() -> Iterator[Row]:
    with make_place(workloads.large_array(512)) as place:
        warm_up(place)
        # Touching fresh memory costs this much or nothing, as the machine has pages ready or not.
        bottom, cost = best_of_each(lambda: floor(place), lambda: first_run(place), rounds=5)
        yield Row(
            "W5", "512 MiB array through 3 steps", cost.cpu, bottom.cpu, 1.2 * bottom.cpu, reference=2.95
        )
        forget(place)
        peak = measure_memory([*ZENCONV, "run", "-q"], place) / MEGABYTE
        least = measure_memory([sys.executable, str(FLOOR), "steps_work", ".floor"], place) / MEGABYTE
        yield Row("W5", "its peak memory", peak, least, 1.1 * least, unit="MB", reference=1059)


def memory() -> Iterator[Row]:
    """What each further step of a run takes, above what importing the module takes."""
    few, many = 1000, 6000
    taken: dict[str, list[int]] = {"module": [], "run": []}
    for length in (few, many):
        with make_place(workloads.chain(length)) as place:
            taken["module"].append(int(measure([sys.executable, "-B", "-c", _IMPORTING], place).stdout))
            taken["run"].append(measure_memory([*ZENCONV, "run", "-q"], place))
    module, run = ((above - below) / (many - few) / 1000 for below, above in taken.values())
    yield Row("mem", "memory of a run for each step", run, module, module + 4, unit="kB")


_IMPORTING = """
import re, sys
sys.path.insert(0, "")
import steps_work  # compiled each time: a run reads no byte code
# Its own peak: what `wait4` says includes the process that it was forked from.
print(1024 * int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1]))
"""


def w7() -> Iterator[Row]:
    steps, seconds = 8, 0.5
    with make_place(workloads.busy(steps, seconds)) as place:
        title = "8 steps of 0.5 s, 2 workers: how busy both are"
        try:
            cost = first_run(place, "-n", "2")
        except Failed as refusal:
            yield Row(
                "W7", title, float("nan"), unit="%", bar=90, higher_is_better=True, note=_first_line(refusal)
            )
            return
        span = _span(place)
        yield Row(
            "W7",
            title,
            100 * steps * seconds / (2 * span),
            unit="%",
            bar=90,
            higher_is_better=True,
            note=f"wall {cost.wall:.1f} s",
        )


def w8() -> Iterator[Row]:
    with make_place(workloads.digits()) as place:
        warm_up(place)
        plain, kept, cost = best_of_each(
            lambda: floor(place, "--plain"), lambda: floor(place), lambda: first_run(place)
        )
        yield Row(
            "W8",
            "digits: split, two models, evaluate",
            cost.cpu,
            kept.cpu,
            plain.cpu + 0.35,
            reference=1.77,
            note=f"plain calls {plain.cpu:.2f} s",
        )
        yield _reused("W8", "digits again", place, 0.30, None)


def w20k() -> Iterator[Row]:
    with make_place(workloads.chain(20_000)) as place:

        def plan(*, cold: bool) -> Cost:
            if cold:
                forget(place)
            return zenconv(place, "run", "--plan", "-q")

        plan(cold=True)
        cold = best(lambda: plan(cold=True))
        yield Row("20k", "chain of 20,000: build and plan", cold.cpu, bar=4.0)
        yield Row("20k", "its peak memory", cold.memory / MEGABYTE, bar=350, unit="MB")
        yield Row(
            "20k", "planned again, with the collection index", best(lambda: plan(cold=False)).cpu, bar=1.5
        )


def w2gib() -> Iterator[Row]:
    """Only when asked for by name: each of its rounds writes and reads 4 GiB, twice."""
    size = 2 * 2**30
    with make_place(workloads.large_array(2048)) as place:
        raw = [sys.executable, "-c", _RAW_COPIES, str(size)]

        def seconds(run: Callable[[], Cost]) -> list[float]:
            # Not in turns: on a machine that gets its memory page by page, each finds what it left.
            found = []
            for _ in range(ROUNDS):
                forget(place)
                found.append(run().wall)
            return found

        bottom, wall = seconds(lambda: measure(raw, place)), seconds(lambda: first_run(place))
        forget(place)
        yield Row(
            "2GiB",
            "2 GiB array: part of the speed of write + fsync + read",
            100 * min(bottom) / min(wall),
            bar=60,
            unit="%",
            higher_is_better=True,
            note="wall, s: "
            + " ".join(f"{s:.1f}" for s in wall)
            + " / "
            + " ".join(f"{s:.1f}" for s in bottom),
        )


_RAW_COPIES = """
import os, sys
block = bytes(4 << 20)
buffer = bytearray(4 << 20)
for name in ("raw", "raw too"):  # as many bytes as the two arrays that are stored have
    with open(name, "wb") as stream:
        for _ in range(int(sys.argv[1]) // len(block)):
            stream.write(block)
        stream.flush(); os.fsync(stream.fileno())
    with open(name, "rb", buffering=0) as stream:
        while stream.readinto(buffer): pass
for name in ("raw", "raw too"):
    os.unlink(name)
"""


def _executed(name: str, title: str, place: Place, bar: float, reference: float) -> Iterator[Row]:
    warm_up(place)
    bottom, cost = best_of_each(lambda: floor(place), lambda: first_run(place))
    yield Row(name, title, cost.cpu, bottom.cpu, bar, reference=reference)


def _reused(name: str, title: str, place: Place, bar: float, reference: float | None) -> Row:
    zenconv(place, "run", "-q")
    cost = best(lambda: zenconv(place, "run", "-q"))
    return Row(name, title, cost.cpu, bar=bar, reference=reference)


def _span(place: Place) -> float:
    """Return the seconds from the start of the first step to the end of the last."""
    from datetime import datetime

    from zenconv.records.log import read_events

    log = next((place.folder / ".zenconv" / "runs").glob("*/events.log"))
    events = [event for event, _ in read_events(log) if event.name in ("step_started", "step_finished")]
    times = [datetime.fromisoformat(event.at) for event in events]
    return (max(times) - min(times)).total_seconds()


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:80]
