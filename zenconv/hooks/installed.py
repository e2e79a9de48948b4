"""Which plugins are installed, without scanning the installed packages at every start.

The entry points of the group ``zenconv`` are kept in the user's own cache folder, under the
folders on the import path and their modification times: an installation changes those. They are
never kept in, nor read from, the project: what is cloned must not be able to name code to import.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import attrs

from zenconv.frozen import Frozen

GROUP = "zenconv"

_FORMAT = 1
_SETTLED_AFTER = 10.0
"""Seconds: a folder changed more recently may still be in the middle of an installation."""


@attrs.frozen(eq=False, repr=False)
class InstalledPlugin(Frozen):
    """An entry point of the group ``zenconv``: `name`, and the `module` that holds the hooks."""

    name: str
    module: str
    distribution: str
    version: str


def user_cache_directory() -> Path:
    """Return the folder of this user for what can be computed again."""
    home = os.environ.get("ZENCONV_HOME")
    if home:
        return Path(home) / "cache"
    import platformdirs

    return Path(platformdirs.user_cache_dir("zenconv", appauthor=False))


def list_installed(search_path: Iterable[str] | None = None) -> list[InstalledPlugin]:
    """Return the installed plugins, ordered by name; from the cache where nothing has changed."""
    folders = _trusted_folders(sys.path if search_path is None else search_path)
    stamps = [_stamp(folder) for folder in folders]
    cache = user_cache_directory() / f"plugins-{_digest(folders)}.json"
    cached = _read_cache(cache, stamps)
    if cached is not None:
        return cached
    found = _scan(folders)
    newest = max((stamp for stamp in stamps), default=0)
    if time.time() - newest / 1e9 > _SETTLED_AFTER:
        _write_cache(cache, stamps, found)
    return found


def _trusted_folders(search_path: Iterable[str]) -> list[str]:
    """Leave out the current folder: with ``python -m zenconv`` it is on the path, uninvited."""
    here = os.path.realpath(os.getcwd())
    return [p for p in search_path if os.path.isabs(p) and os.path.realpath(p) != here]


def _stamp(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns
    except OSError:
        return 0


def _digest(folders: Sequence[str]) -> str:
    from zenconv import __version__
    from zenconv.hashing import digest_texts

    return digest_texts("zenconv.plugins", [__version__, sys.version, *folders])[3:35]


def _read_cache(path: Path, stamps: list[int]) -> list[InstalledPlugin] | None:
    try:
        data: Any = json.loads(path.read_bytes())
        if data["format"] != _FORMAT or data["stamps"] != stamps:
            return None
        return [InstalledPlugin(*map(str, row)) for row in data["plugins"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_cache(path: Path, stamps: list[int], plugins: Iterable[InstalledPlugin]) -> None:
    rows = [attrs.astuple(plugin) for plugin in plugins]
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft.write_text(json.dumps({"format": _FORMAT, "stamps": stamps, "plugins": rows}))
        os.replace(draft, path)
    except OSError:
        return  # a home that cannot be written costs a scan per start, nothing else


def _scan(folders: Sequence[str]) -> list[InstalledPlugin]:
    import importlib_metadata

    found: dict[str, InstalledPlugin] = {}
    seen: set[str] = set()
    for distribution in importlib_metadata.distributions(path=list(folders)):
        name = distribution.metadata["Name"] if _has_entry_points(distribution) else None
        if not name or name.lower() in seen:
            continue
        seen.add(name.lower())
        for point in distribution.entry_points.select(group=GROUP):
            plugin = InstalledPlugin(point.name, point.value, name, distribution.version)
            found.setdefault(f"{point.name}\0{name}", plugin)
    return [found[key] for key in sorted(found)]


def _has_entry_points(distribution: Any) -> bool:
    text = distribution.read_text("entry_points.txt")
    return bool(text) and f"[{GROUP}]" in text.replace(" ", "")
