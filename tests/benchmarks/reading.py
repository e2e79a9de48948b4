"""Reading commands on a long history, and starting with many plugins installed."""

from __future__ import annotations

import compileall
import os
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import workloads
from tests.benchmarks.measurements import Row, best, best_of_each, make_place, zenconv
from tests.benchmarks.processes import ZENCONV, Cost, measure

RUNS = 10_000
PLUGINS = 30
PAIRS = 15


def history() -> Iterator[Row]:
    """``runs`` and ``show`` with ten thousand runs recorded."""
    with make_place(workloads.three_trivial()) as place:
        zenconv(place, "run", "-q")
        _multiply_run(place.folder / ".zenconv" / "runs", RUNS)
        first = zenconv(place, "runs")
        note = f"first time, all logs read: {first.cpu:.2f} s"
        cost = best(lambda: zenconv(place, "runs"))
        yield Row("read", f"runs, with {RUNS:,} runs recorded", cost.cpu, bar=0.25, note=note)
        yield Row("read", "show", best(lambda: zenconv(place, "show")).cpu, bar=0.25)


def _multiply_run(folder: Path, count: int) -> None:
    """Record the only run `count` times over, as so many runs of their own."""
    import attrs

    from zenconv.records.events import encode
    from zenconv.records.log import read_events

    original = next(folder.iterdir())
    events = [event for event, _ in read_events(original / "events.log")]
    for number in range(2, count + 1):
        copy = folder / f"{number}-{number:06x}"
        copy.mkdir()
        events[0] = attrs.evolve(events[0], run=copy.name, number=number)
        (copy / "events.log").write_bytes(b"".join(map(encode, events)))


def plugins() -> Iterator[Row]:
    """What thirty installed plugins add to a run in which everything is reused."""
    with make_place(workloads.three_trivial()) as place:
        site = place.folder.parent / "site"
        _install_plugins(site, PLUGINS)

        def run(*, with_plugins: bool) -> Cost:
            env = {"PYTHONPATH": f"{place.environment()['PYTHONPATH']}:{site}"} if with_plugins else None
            return measure([*ZENCONV, "run", "-q"], place, env=env)

        without, cost = best_of_each(
            lambda: run(with_plugins=False), lambda: run(with_plugins=True), rounds=PAIRS
        )
        added = cost.cpu - without.cpu
        yield Row("plug", f"{PLUGINS} plugins installed: added", 1000 * added, bar=10, unit="ms")


def _install_plugins(site: Path, count: int) -> None:
    for number in range(count):
        name = f"zenconv_bench{number}"
        information = site / f"{name}-1.0.dist-info"
        information.mkdir(parents=True)
        (site / f"{name}.py").write_text("from zenconv import hookimpl\n", "utf-8")
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", "utf-8")
        (information / "entry_points.txt").write_text(f"[zenconv]\nbench{number} = {name}\n", "utf-8")
    compileall.compile_dir(site, quiet=2)  # as pip does
    an_hour_ago = time.time() - 3600
    os.utime(site, (an_hour_ago, an_hour_ago))  # what changed just now is looked through at every start
