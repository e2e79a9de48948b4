"""A URL that a step takes counts by the version of what it refers to."""

from __future__ import annotations

from zenconv.hooks import hookimpl


@hookimpl
def zenconv_input_version(value: str) -> str | None:
    """Ask whoever keeps it: by HTTP, or through fsspec."""
    scheme = value.partition("://")[0].lower()
    if scheme in ("http", "https"):
        from zenconv_urls.web import ask_server

        return ask_server(value)
    from zenconv_urls.stores import ask_store

    return ask_store(scheme, value)
