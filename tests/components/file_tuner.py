"""A tuner on files that draws at random: small, and right; what the suite of tuners is tried on."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from tests.components.file_log import append_line, flip_byte, read_lines
from zenconv import hashing
from zenconv.errors import NotRecorded, UsageError
from zenconv.locks import FileLock
from zenconv.records.tuning import Dimension, Study, Trial, check_study_name


class FileTuner:
    """One log for each study: the study first, then who asked and what was told."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)

    def open(self, study: Study) -> None:
        check_study_name(study.name)
        if not study.space:
            raise ValueError(f"the study {study.name!r} has no dimension")
        with FileLock(self.folder / "lock"):
            lines = read_lines(self.log(study.name))
            if not lines:
                append_line(self.log(study.name), study.to_json())
            elif not self.is_same(Study.from_json(lines[0]), study):
                raise UsageError(f"the study {study.name!r} has another space or direction")

    def is_same(self, there: Study, study: Study) -> bool:
        return attrs.evolve(there, seed=study.seed) == study

    def ask(self, study: str) -> Trial | None:
        check_study_name(study)
        with FileLock(self.folder / "lock"):
            lines = self.read(study)
            known = Study.from_json(lines[0])
            trial = self.choose(known, sum(line[0] == "asked" for line in lines[1:]))
            append_line(self.log(study), ["asked", trial.number, trial.parameters])
        return trial

    def choose(self, study: Study, number: int) -> Trial:
        chance = random.Random(f"{study.seed} {number}")
        return Trial(number, {name: self.draw(d, chance) for name, d in study.space.items()})

    def draw(self, dimension: Dimension, chance: random.Random) -> Any:
        low, high = dimension.low, dimension.high
        if dimension.kind == "choice":
            return chance.choice(dimension.choices)
        if dimension.kind == "integer":
            return chance.randint(int(low), int(high))
        if dimension.is_log:
            drawn = math.exp(chance.uniform(math.log(low), math.log(high)))
            return min(max(drawn, low), high)
        return chance.uniform(low, high)

    def tell(self, study: str, number: int, value: float | None) -> None:
        check_study_name(study)
        if value is not None and not math.isfinite(value):
            raise ValueError(f"the value of a trial is finite, not {value}")
        with FileLock(self.folder / "lock"):
            lines = self.read(study)
            if ["asked", number] not in [line[:2] for line in lines[1:]]:
                raise NotRecorded(f"{study} has no trial {number}")
            append_line(self.log(study), ["told", number, value])

    def trials(self, study: str) -> Sequence[Trial]:
        found: dict[int, Trial] = {}
        for what, number, data in read_lines(self.log(check_study_name(study)))[1:]:
            if what == "asked":
                found[number] = Trial(number, data)
            elif found[number].status == "open":
                status = "failed" if data is None else "succeeded"
                found[number] = attrs.evolve(found[number], status=status, value=data)
        return list(found.values())

    def close(self) -> None:
        pass

    def read(self, study: str) -> list[Any]:
        lines = read_lines(self.log(study))
        if not lines:
            raise NotRecorded(f"there is no study {study!r}")
        return lines

    def log(self, study: str) -> Path:
        return self.folder / f"{hashing.digest_texts('study', [study])[3:]}.log"


def damage(tuner: Any, study: str) -> None:
    flip_byte(tuner.log(study), b'"asked"')
