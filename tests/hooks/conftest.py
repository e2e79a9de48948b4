"""Plugins that are really installed: a module and its dist-info in a folder on the import path."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Install = Callable[..., Path]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the user's caches a folder of their own."""
    monkeypatch.setenv("ZENCONV_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ZENCONV_DISABLE_PLUGIN_AUTOLOAD", raising=False)
    return tmp_path / "home"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Offer a folder on the import path; what was imported from it is forgotten afterwards."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        if str(folder) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def install(site: Path) -> Install:
    """Install a distribution with one plugin; its folder looks settled, as hours later."""

    def install(
        name: str, source: str, *, distribution: str = "", version: str = "1.0", module: str = ""
    ) -> Path:
        module = module or f"zenconv_{name}"
        distribution = distribution or f"zenconv-{name}"
        (site / f"{module}.py").write_text(source)
        info = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[zenconv]\n{name} = {module}\n")
        long_ago = info.stat().st_mtime - 1000 + len(os.listdir(site))
        os.utime(site, (long_ago, long_ago))
        importlib.invalidate_caches()
        return info

    return install
