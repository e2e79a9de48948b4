"""The orchestrator passes the suite, and does what it is for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from zenconv.testing import OrchestratorSuite, ProjectOnDisk

SETTINGS = '[stacks.local]\norchestrator = {id = "fresh", workers = 2}\n'


class TestFresh(OrchestratorSuite):
    package, component = "zenconv_fresh", "fresh"
    many_steps = 200  # each costs a process

    @pytest.fixture
    def orchestrator(self) -> Mapping[str, Any]:
        return {"id": "fresh", "workers": 2}


def test_no_step_meets_what_another_left_behind(tmp_path: Path) -> None:
    steps = """
    import os

    left = []

    def one() -> list[int]:
        left.append("one")
        return [os.getpid(), len(left)]

    def two(one) -> list[int]:
        left.append("two")
        return [os.getpid(), len(left)]
    """
    project = ProjectOnDisk.make(tmp_path / "project", {"steps_a.py": steps, "zenconv.toml": SETTINGS})
    project.run("run")
    (first, count), (second, again) = project.value("one"), project.value("two")
    assert first != second
    assert (count, again) == (1, 1)


@pytest.mark.parametrize("workers", ["0", '"many"', "true"])
def test_a_number_of_workers_that_is_none_is_a_mistake(tmp_path: Path, workers: str) -> None:
    settings = SETTINGS.replace("2", workers)
    project = ProjectOnDisk.make(
        tmp_path / "project", {"steps_a.py": "def one(): return 1\n", "zenconv.toml": settings}
    )
    assert "orchestrator 'fresh'" in project.run("run", check=4).stderr
