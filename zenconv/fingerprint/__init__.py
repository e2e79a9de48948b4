"""Code fingerprints: what a step's code is, whatever file it stands in and however it is written.

`ProjectSources` keeps the bytes that were imported, `Fingerprinter` turns a function into a
digest of all project code and data it reaches, `digest_of` does the same for plain values, and
`Distributions` knows the installed packages. Parts are imported when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zenconv.fingerprint.distributions import Distributions
    from zenconv.fingerprint.fingerprinter import Fingerprinter
    from zenconv.fingerprint.fingerprints import CodeFingerprint, CodePart
    from zenconv.fingerprint.sources import ModuleSource, ProjectSources
    from zenconv.fingerprint.values import NotCanonical, digest_of

__all__ = [
    "CodeFingerprint",
    "CodePart",
    "Distributions",
    "Fingerprinter",
    "ModuleSource",
    "NotCanonical",
    "ProjectSources",
    "digest_of",
]

_HOMES = {
    "CodeFingerprint": "fingerprints",
    "CodePart": "fingerprints",
    "Distributions": "distributions",
    "Fingerprinter": "fingerprinter",
    "ModuleSource": "sources",
    "NotCanonical": "values",
    "ProjectSources": "sources",
    "digest_of": "values",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return value
