"""A recorded project for the tests of reading."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.queries.recorded import RecordedProject


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RecordedProject:
    monkeypatch.setenv("ZENCONV_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ZENCONV_DISABLE_PLUGIN_AUTOLOAD", "1")
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)
    return RecordedProject.make(root)
