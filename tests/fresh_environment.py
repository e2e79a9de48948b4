"""A virtual environment in which zenconv is installed from its wheel, as at a user's; no network is needed.

What zenconv depends on is linked from the environment of the tests, so that making one costs seconds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
OWN = ("zenconv", "_zenconv", "_editable_impl_zenconv", "__editable__")
"""What the names begin with of all that an installation of zenconv, or of a plugin, leaves behind."""

OFFLINE = {
    "PIP_NO_INDEX": "1",
    "PIP_NO_DEPS": "1",
    "PIP_NO_BUILD_ISOLATION": "0",  # pip takes this for "do not isolate"
    "PIP_NO_COMPILE": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_QUIET": "1",
}


class FreshEnvironment:
    """Made below `folder`: `wheel` is what was built and installed, `python` its interpreter."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / "venv" / "bin" / "python"
        self.wheel = build_wheel(folder / "dist")
        venv.create(folder / "venv", symlinks=True)
        self._link_libraries(folder / "libraries")
        self.install(self.wheel)

    def _link_libraries(self, libraries: Path) -> None:
        libraries.mkdir()
        for file in list_libraries():
            (libraries / file.name).symlink_to(file)
        place = self.ask("import sysconfig; print(sysconfig.get_path('purelib'))")
        (Path(place) / "libraries.pth").write_text(f"{libraries}\n", "utf-8")

    def install(self, *what: Path) -> None:
        """Install wheels and folders with packages."""
        self.run("-m", "pip", "install", *map(str, what))

    def ask(self, code: str) -> str:
        """Return what Python code prints."""
        return self.run("-c", code).stdout.strip()

    def zenconv(
        self, *args: str, cwd: Path | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run the installed program."""
        return self._call([str(self.python.with_name("zenconv")), *args], cwd, check)

    def run(
        self, *args: str, cwd: Path | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run the interpreter."""
        return self._call([str(self.python), *args], cwd, check)

    def environment(self) -> dict[str, str]:
        """Return the variables of a terminal in which the environment is active."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("ZENCONV_", "COV_"))
        }
        for name in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "CI", "FORCE_COLOR"):
            kept.pop(name, None)
        path = f"{self.python.parent}{os.pathsep}{kept['PATH']}"
        own = {"VIRTUAL_ENV": str(self.folder / "venv"), "ZENCONV_HOME": str(self.folder / "home")}
        return {**kept, **OFFLINE, **own, "PATH": path, "COLUMNS": "120", "NO_COLOR": "1"}

    def _call(self, command: list[str], cwd: Path | None, check: bool) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command,
            cwd=cwd or self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0 or not check, f"{command}\n{done.stdout}{done.stderr}"
        return done


def build_wheel(folder: Path) -> Path:
    """Build the wheel of this repository."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, timeout=120)
    [wheel] = folder.glob("*.whl")
    return wheel


def list_libraries() -> Iterator[Path]:
    """Yield what is installed in the environment of the tests, without zenconv and its plugins."""
    for place in sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}):
        for file in Path(place).iterdir():
            if not file.name.startswith(OWN) and file.suffix != ".pth" and file.name != "__pycache__":
                yield file
