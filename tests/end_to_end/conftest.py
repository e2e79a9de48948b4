"""Projects made from text, and the program run on them as a person would: in processes of its own.

::

    def test_a_step_runs(project):
        it = project({"steps_a.py": "def one(): return 1"})
        it.run("run")                      # fails the test unless the exit code is 0
        assert it.executed() == ["a::one"]
        assert it.value("one") == 1
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from zenconv.testing import projects
from zenconv.testing.projects import TIME_LIMIT, Result, short_id

__all__ = ["REPOSITORY", "TIME_LIMIT", "ProjectOnDisk", "Result", "make_environment", "short_id"]

REPOSITORY = Path(__file__).resolve().parents[2]


def make_environment(home: Path, **changes: str) -> dict[str, str]:
    """Return an environment in which nothing of this machine's own zenconv shows, nor its plugins."""
    return projects.make_environment(home, **{"ZENCONV_DISABLE_PLUGIN_AUTOLOAD": "1", **changes})


@contextmanager
def hangups(handler: signal.Handlers) -> Iterator[None]:
    """Have what is started meanwhile ignore hang-ups or not, however the tests themselves were started."""
    before = signal.signal(signal.SIGHUP, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


class ProjectOnDisk(projects.ProjectOnDisk):
    """A project in a temporary folder, without the plugins that this machine happens to have."""

    def environment(self, **changes: str) -> dict[str, str]:
        return make_environment(self.home, **changes)


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., ProjectOnDisk]:
    """Make a project from ``{file name: text}``; several in one test get folders of their own."""
    made: list[ProjectOnDisk] = []

    def make(files: Mapping[str, str | bytes] | None = None, *, name: str = "") -> ProjectOnDisk:
        folder = tmp_path / (name or ("project" if not made else f"project{len(made) + 1}"))
        folder.mkdir(parents=True, exist_ok=True)
        made.append(ProjectOnDisk(folder, tmp_path / "home"))
        made[-1].write(files or {})
        return made[-1]

    return make
