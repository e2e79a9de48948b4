"""Projects whose steps are placed by the orchestrator under test."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from zenconv.testing.projects import ProjectOnDisk, Result
from zenconv.testing.suites import ConformanceSuite

MakeProject = Callable[[str], "OrchestratedProject"]


class OrchestratedProject(ProjectOnDisk):
    """A project whose stack has the orchestrator under test."""

    arguments: tuple[str, ...] = ()
    time_limit = 120.0

    def execute(self, *args: str, check: bool | int = True) -> Result:
        """Run it; what was printed is in the result."""
        return self.run("run", *self.arguments, *args, check=check, timeout=self.time_limit)

    def finished(self) -> dict[str, Any]:
        """Return the last event of each step that ended in the newest run, by name."""
        return {e.node.partition("::")[2]: e for e in self.events() if e.name == "step_finished"}

    def wait_for(self, name: str) -> Path:
        """Return the path of a file once a step has made it."""
        path, deadline = self.path / name, time.monotonic() + self.time_limit
        while not path.exists():
            assert time.monotonic() < deadline, f"no step has made {name!r}"
            time.sleep(0.02)
        return path


def is_alive(pid: int) -> bool:
    """Return whether a process still runs; one that nobody has reaped does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    if not os.path.isdir("/proc/self"):
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def check_gone(pids: list[int], seconds: float) -> None:
    """Fail unless these processes end within so many seconds."""
    deadline = time.monotonic() + seconds
    while alive := [pid for pid in pids if is_alive(pid)]:
        assert time.monotonic() < deadline, f"processes are left: {alive}"
        time.sleep(0.05)


class OrchestratedTests(ConformanceSuite):
    """Tests that run projects on the orchestrator that the fixture `orchestrator` describes."""

    kind = "orchestrator"

    arguments: ClassVar[tuple[str, ...]] = ()
    """Added to every ``zenconv run``."""

    time_limit: ClassVar[float] = 120.0
    """Seconds after which a run counts as hanging."""

    ending_seconds: ClassVar[float] = 30.0
    """Seconds in which what a run has started ends, once the run is over."""

    many_steps: ClassVar[int] = 1000

    project_class: ClassVar[type[OrchestratedProject]] = OrchestratedProject

    @pytest.fixture
    def orchestrator(self) -> Mapping[str, Any]:
        """Return the stack's table for the orchestrator: its ``id``, and options."""
        raise NotImplementedError("override the fixture `orchestrator`")

    @pytest.fixture
    def make(self, orchestrator: Mapping[str, Any], tmp_path: Path) -> MakeProject:
        """Return what makes a project from the text of its step file."""

        def make(steps: str) -> OrchestratedProject:
            return self.make_project(tmp_path / "project", orchestrator, steps)

        return make

    def make_project(self, folder: Path, orchestrator: Mapping[str, Any], steps: str) -> OrchestratedProject:
        """Return a project in `folder` with these steps; override to give it more."""
        options = ", ".join(f"{name} = {json.dumps(value)}" for name, value in orchestrator.items())
        settings = f"[stacks.local]\norchestrator = {{{options}}}\n"
        project = self.project_class.make(folder, {"steps_a.py": steps, "zenconv.toml": settings})
        project.arguments, project.time_limit = self.arguments, self.time_limit
        return project

    def find_capabilities(self, make: MakeProject, orchestrator: Mapping[str, Any]) -> list[str]:
        """Return what the plugin that offers the orchestrator says it can do."""
        pairs = zip(self.arguments, self.arguments[1:], strict=False)
        loading = [word for flag, name in pairs if flag in ("-p", "--plugin") for word in (flag, name)]
        plugins = make("").json("plugins", *loading)["plugins"]
        found = [c for p in plugins for c in p["components"] if c["id"] == orchestrator["id"]]
        assert found, f"no plugin offers the orchestrator {orchestrator['id']!r}"
        names: list[str] = found[0]["capabilities"]
        return names
