"""Shared by every pipeline in this folder."""

import time
from contextlib import contextmanager

import cleaning
import pandas as pd

import zenconv


def features(raw: pd.DataFrame) -> pd.DataFrame:
    """Clean the biopsies of whichever pipeline asks, so that training and scoring cannot differ."""
    return cleaning.add_irregularity(cleaning.drop_mismeasured(raw))


@zenconv.fixture(scope="pipeline")
def stopwatch():
    """Time parts of a step, and sum up at the end of the pipeline."""
    laps = {}

    @contextmanager
    def measure(what):
        start = time.perf_counter()
        yield
        laps[what] = time.perf_counter() - start
        print(f"{what} took {laps[what]:.3f} s")

    yield measure
    print(f"timed in all: {sum(laps.values()):.3f} s")
