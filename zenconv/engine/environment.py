"""The circumstances of a run, recorded with it: Python, platform, packages, git, seed."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zenconv import __version__


class GitQuery:
    """Asks git for revision, branch and changes while other things are done.

    Outside a repository, or without git, the answer is empty.
    """

    def __init__(self, root: Path) -> None:
        self._process: Any = None
        if not any((folder / ".git").exists() for folder in (root, *root.parents)):
            return
        import subprocess

        command = ["git", "-C", str(root), "status", "--porcelain=v2", "--branch", "--untracked-files=no"]
        environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
        except OSError:
            self._process = None

    def answer(self) -> dict[str, Any]:
        """Return ``revision`` (empty before the first commit), ``branch`` and ``dirty``."""
        if self._process is None:
            return {}
        output, _ = self._process.communicate()
        if self._process.returncode != 0:
            return {}
        return _parse_status(output.decode("utf-8", "replace"))


def _parse_status(text: str) -> dict[str, Any]:
    answer: dict[str, Any] = {"revision": "", "branch": "", "dirty": False}
    for line in text.splitlines():
        if line.startswith("# branch.oid "):
            revision = line.removeprefix("# branch.oid ")
            answer["revision"] = "" if revision == "(initial)" else revision
        elif line.startswith("# branch.head "):
            answer["branch"] = line.removeprefix("# branch.head ")
        elif line and not line.startswith("#"):
            answer["dirty"] = True
    return answer


def describe_environment(packages: Mapping[str, str], git: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Return what `zenconv.records.events.RunStarted` records as ``environment``."""
    machine = os.uname()  # what `platform` and `socket` would say, without importing them
    return {
        "zenconv": __version__,
        "python": sys.version.split()[0],
        "executable": sys.executable,
        "platform": f"{machine.sysname} {machine.release} {machine.machine}",
        "host": machine.nodename,
        "packages": dict(packages),
        "git": dict(git),
        "seed": seed,
    }
