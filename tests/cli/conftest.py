"""The command line, run as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import zenconv

Zenconv = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def zenconv_process(tmp_path: Path) -> Zenconv:
    """Run ``python -m zenconv ARGS`` in `tmp_path`, with nothing of this user's environment."""

    def run(
        *args: str, environ: Mapping[str, str] | None = None, code: str = "", timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        clean = {
            k: v for k, v in os.environ.items() if not k.startswith(("ZENCONV_", "NO_COLOR", "FORCE_COLOR"))
        }
        environment = {
            **clean,
            "PYTHONPATH": str(Path(zenconv.__file__).parents[1]),
            "ZENCONV_HOME": str(tmp_path / "home"),
            "ZENCONV_DISABLE_PLUGIN_AUTOLOAD": "1",  # whatever this machine has
            **(environ or {}),
        }
        command = [sys.executable, *(["-c", code] if code else ["-m", "zenconv"]), *args]
        return subprocess.run(
            command,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run
