"""What a store that fsspec knows says of the version of an object, or of all objects below a folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_FACTS = ("ETag", "etag", "md5Hash", "md5", "content_md5", "VersionId", "LastModified", "mtime", "size")
"""What differs when the content does; nothing that differs because somebody reads it."""


def ask_store(scheme: str, url: str) -> str | None:
    """Return a token for what `url` refers to; None where fsspec does not know the scheme.

    Raises
    ------
    OSError
        There is no such object, or the store cannot be reached.
    """
    import fsspec

    if scheme not in fsspec.available_protocols():
        return None  # a database, perhaps
    filesystem, path = fsspec.core.url_to_fs(url)
    found = filesystem.info(path)
    if found.get("type") != "directory":
        return _describe(found)
    below: Mapping[str, Any] = filesystem.find(path, detail=True)
    return " ".join(f"{name} {_describe(facts)}" for name, facts in sorted(below.items()))


def _describe(facts: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={facts[name]}" for name in _FACTS if facts.get(name) is not None)
