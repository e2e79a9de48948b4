"""What a web server says of the version of a page, without sending the page."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping

TIME_LIMIT = 30.0
"""Seconds to wait for an answer."""


def ask_server(url: str) -> str | None:
    """Return the entity tag of a URL, else when it was changed and its size; None where none is told.

    Raises
    ------
    OSError
        The server cannot be reached, or answers with an error.
    """
    try:
        headers = _ask(url, "HEAD")
    except urllib.error.HTTPError as error:
        if error.code not in (400, 403, 405, 501):
            raise
        headers = _ask(url, "GET")  # some servers, and signed addresses, allow nothing else
    tag = headers.get("ETag")
    if tag:
        return tag
    changed = headers.get("Last-Modified")
    return f"{changed} {headers.get('Content-Length', '')}" if changed else None


def _ask(url: str, method: str) -> Mapping[str, str]:
    request = urllib.request.Request(url, method=method)
    with urllib.request.urlopen(request, timeout=TIME_LIMIT) as answer:
        return dict(answer.headers.items())
