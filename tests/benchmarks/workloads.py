"""The workloads, as text of step files. The numbers W1 to W9 are those of the project's plan."""

from __future__ import annotations

from collections.abc import Iterable

HEAD = '"""A generated workload."""\n\n'


def three_trivial() -> str:
    """W1: what starting costs."""
    return (
        HEAD + _step("one", (), "1") + _step("two", ("one",), "one + 1") + _step("three", ("two",), "two + 1")
    )


def chain(length: int) -> str:
    """W2 and the long chains: each step waits for the one before."""
    parts = [_step("s0", (), "0")]
    parts += [_step(f"s{i}", (f"s{i - 1}",), f"s{i - 1} + {i}") for i in range(1, length)]
    return HEAD + "".join(parts)


def wide(width: int) -> str:
    """W3: independent steps and one that waits for them all."""
    names = [f"part{i}" for i in range(width)]
    parts = [_step(name, (), str(i)) for i, name in enumerate(names)]
    return HEAD + "".join(parts) + _step("total", names, _sum(names))


def joined_groups(groups: int, size: int) -> str:
    """W9: one source, groups of steps that use it, a join a group, and a join of the joins."""
    parts = [_step("source", (), "1")]
    for group in range(groups):
        names = [f"g{group}_{i}" for i in range(size)]
        parts += [_step(name, ("source",), f"source + {i}") for i, name in enumerate(names)]
        parts.append(_step(f"join{group}", names, _sum(names)))
    joins = [f"join{group}" for group in range(groups)]
    return HEAD + "".join(parts) + _step("total", joins, _sum(joins))


def large_array(mebibytes: int) -> str:
    """W5: an array made, changed in place by its consumer, and summed up."""
    return f"""{HEAD}import numpy as np


def measured() -> np.ndarray:
    return np.arange({mebibytes} * 2**20 // 8, dtype=np.float64)


def scaled(measured: np.ndarray) -> np.ndarray:
    return measured * 0.5


def total(scaled: np.ndarray) -> float:
    scaled[0] = 1.0
    return float(scaled.sum())
"""


def busy(steps: int, seconds: float) -> str:
    """W7: steps that do nothing but use the processor, for some seconds of CPU each."""
    body = "\n".join(
        f"""

def busy{i}() -> int:
    return _spin({i})
"""
        for i in range(steps)
    )
    return f"""{HEAD}import time


def _spin(seed: int) -> int:
    end = time.process_time() + {seconds}
    while time.process_time() < end:
        seed = (seed * 1103515245 + 12345) % 2**31
    return 0
{body}"""


def digits() -> str:
    """W8: a small real pipeline: split, two models, evaluate."""
    return f"""{HEAD}import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split


def split() -> dict:
    images, labels = load_digits(return_X_y=True)
    parts = train_test_split(images, labels, test_size=0.3, random_state=0)
    return dict(zip(("train_x", "test_x", "train_y", "test_y"), parts, strict=True))


def linear(split: dict) -> LogisticRegression:
    return LogisticRegression(max_iter=200, C=0.1).fit(split["train_x"] / 16, split["train_y"])


def forest(split: dict) -> RandomForestClassifier:
    return RandomForestClassifier(50, random_state=0).fit(split["train_x"], split["train_y"])


def metrics(linear, forest, split: dict) -> dict:
    return {{
        "linear": float(linear.score(split["test_x"] / 16, split["test_y"])),
        "forest": float(forest.score(split["test_x"], split["test_y"])),
    }}
"""


def _step(name: str, parameters: Iterable[str], expression: str) -> str:
    return f"def {name}({', '.join(parameters)}):\n    return {expression}\n\n\n"


def _sum(names: Iterable[str]) -> str:
    return f"sum(({', '.join(names)},))"
