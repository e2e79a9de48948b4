"""Notebooks made from cells, for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def code(*lines: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "source": "\n".join(lines),
        "metadata": {},
        "outputs": [],
        "execution_count": 1,
    }


def markdown(*lines: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "source": "\n".join(lines), "metadata": {}}


def notebook(*cells: Any, **more: Any) -> str:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells), **more})


def write_notebook(folder: Path, *cells: Any, name: str = "analysis.ipynb", **more: Any) -> Path:
    path = folder / name
    path.write_text(notebook(*cells, **more), "utf-8", errors="surrogatepass")
    return path


def take_over(text: str) -> str:
    """Return a draft with the first comment sign of every line removed, as an editor does."""
    lines = [line.removeprefix("# ") if line.startswith("# ") else line for line in text.split("\n")]
    return "\n".join("" if line == "#" else line for line in lines)
