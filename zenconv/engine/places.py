"""Where a project's files lie, and the names that they count under."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

_NOT_DATA = ("__pycache__", "site-packages", ".egg-info", ".dist-info")
_LONGEST_NAME = 1024
_NO_FILE = re.compile("<.*>")
"""Where code is that is in no file, which Python looks for all the same to show a line of it."""


class Places:
    """Places below and outside of the project's root, which may be spelled through links."""

    def __init__(self, root: Path) -> None:
        self.root = os.path.realpath(root) + os.sep
        self.spelling = os.path.abspath(root) + os.sep

    def absolute(self, path: Any, folder: str) -> str:
        """Return `path`, seen from `folder`, in full, below `root` where it is; nothing for a descriptor."""
        try:
            text = os.fsdecode(path)
        except TypeError:
            return ""
        if len(text) > _LONGEST_NAME or "\0" in text or "\n" in text or _NO_FILE.fullmatch(text):
            return ""
        full = os.path.normpath(os.path.join(folder, text))
        if self.spelling != self.root and (full + os.sep).startswith(self.spelling):
            return self.root + full[len(self.spelling) :]
        return full

    def name_below(self, full: str) -> str | None:
        """Return the name that an absolute path counts under, if it is visible and below the root."""
        if full + os.sep == self.root:
            return ""
        if not full.startswith(self.root):
            return None
        name = full[len(self.root) :].replace(os.sep, "/")
        parts = name.split("/")
        if any(part.startswith(".") or part.endswith(_NOT_DATA) for part in parts):
            return None
        return name
