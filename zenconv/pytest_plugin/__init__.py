"""A plugin of pytest's for the tests of a project: the fixture `zenconv_project`.

::

    def test_churn_learns(zenconv_project):
        model = zenconv_project.run_step("training::churn", train=tiny)
        assert model.score(*tiny) > 0.9

    def test_metrics(zenconv_project):
        zenconv_project.override("raw", tiny)
        run = zenconv_project.run("training::metrics", params={"C": 0.1})
        assert run["metrics"].load()["auc"] > 0.9

pytest loads this module in every project that has zenconv installed, so it imports nothing more.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from zenconv.pytest_plugin.project import ProjectUnderTest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the setting ``zenconv_root``."""
    parser.addini("zenconv_root", "the zenconv project under test, relative to this file", default="")


@pytest.fixture
def zenconv_root(request: pytest.FixtureRequest) -> Path:
    """Return the folder of the project under test.

    The setting ``zenconv_root`` of pytest's configuration, else the nearest project upwards from the
    test. Override this fixture to say otherwise.
    """
    configured = request.config.getini("zenconv_root")
    if configured:
        base = request.config.inipath.parent if request.config.inipath else request.config.rootpath
        return base / str(configured)
    return request.path.parent


@pytest.fixture
def zenconv_project(
    zenconv_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ProjectUnderTest]:
    """Return the project, with a stack of its own for this test: nothing stored, nothing recorded.

    State, store, keys and caches lie in a temporary folder; the stack of the settings is not used.
    """
    from zenconv.pytest_plugin.project import ProjectUnderTest

    private = tmp_path / "zenconv"
    monkeypatch.setenv("ZENCONV_HOME", str(private / "home"))
    project = ProjectUnderTest(zenconv_root, private)
    yield project
    project.close()
