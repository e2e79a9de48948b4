"""What ``zenconv plugin new`` writes: folders beside this file, in which the plugin is called ``acme``.

As in `zenconv.starting.templates`, every file ends with ``.txt``, which is left off. The folder
``every`` is part of every package, some are part of several.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import attrs

from zenconv import __version__
from zenconv.errors import UsageError, did_you_mean
from zenconv.frozen import Frozen

_FOLDER = Path(__file__).with_name("packages")
_SUFFIX = ".txt"
_STAND_INS = re.compile(r"zenconv_acme|zenconv-acme|test_acme|Acme|acme|DESCRIPTION|VERSION")
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST_NAME = 30
_PREFIX = re.compile(r"zenconv[-_]+", re.IGNORECASE)


@attrs.frozen(eq=False, repr=False)
class PackageKind(Frozen):
    """One kind of plugin to begin with; `shared` are folders that other kinds have, too."""

    name: str
    description: str
    shared: tuple[str, ...] = ()

    def files(self, name: str) -> dict[str, bytes]:
        """Return the content of every file of the plugin `name` by its path in the package, POSIX."""
        words = _make_words(name, self.description)
        found: dict[str, bytes] = {}
        for folder in [_FOLDER / part for part in ("every", *self.shared, self.name)]:
            for file in sorted(folder.rglob(f"*{_SUFFIX}")):
                path = file.relative_to(folder).as_posix().removesuffix(_SUFFIX)
                found[_fill_in(path, words)] = _fill_in(file.read_text("utf-8"), words).encode()
        return dict(sorted(found.items()))


KINDS: tuple[PackageKind, ...] = (
    PackageKind("hooks", "watches runs, and adds a line to a file for each"),
    PackageKind("materializer", "stores the values of one type, safely"),
    PackageKind("orchestrator", "decides where steps run, here in worker processes"),
    PackageKind("artifact_store", "keeps the bytes of results, here as files in a folder"),
    PackageKind("action_cache", "knows which key led to which results, here in small files"),
    PackageKind("metadata_store", "answers questions about recorded runs, from their logs"),
    PackageKind("model_registry", "keeps models under names, with versions and aliases", ("log",)),
    PackageKind("tuner", "chooses the parameters to try next, here at random", ("log",)),
    PackageKind("deployer", "has models answer, here as releases in a folder"),
)


def find_kind(name: str) -> PackageKind:
    """Return the kind called `name`; ``artifact-store`` is ``artifact_store``. `UsageError`."""
    wanted = name.strip().lower().replace("-", "_")
    for kind in KINDS:
        if kind.name == wanted:
            return kind
    raise UsageError(
        f"there is no kind of plugin called {name!r}",
        hint=did_you_mean(wanted, [kind.name for kind in KINDS]),
    )


def read_name(typed: str, taken: Iterable[str]) -> str:
    """Return the plugin's name: ``mlops`` for ``mlops`` and ``zenconv-mlops``.

    Parameters
    ----------
    taken
        Names and ids that it may not have: those of plugins and components that are there.

    Raises
    ------
    UsageError
        It is no name for a plugin, or is taken.
    """
    name = _PREFIX.sub("", typed, count=1) if _PREFIX.match(typed) else typed
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME or name == "zenconv":
        what = f"{typed!r} is no name for a plugin: it has letters a-z, digits and single dashes"
        hint = f"such as {_mend(name) or 'my-plugin'!r}"
        raise UsageError(f"{what}, at most {_LONGEST_NAME} characters in all", hint=hint)
    if keyword.iskeyword(name):
        what = f"{typed!r} is no name for a plugin: it is a word of Python"
        raise UsageError(what, hint=f"such as 'my-{name}'")
    if name in set(taken):
        what = f"{typed!r} is taken: a plugin is called so, or something that it offers"
        raise UsageError(what, hint=f"another name, such as 'my-{name}'; zenconv plugins lists what is there")
    return name


def _mend(name: str) -> str:
    """Return the nearest name that is one, or nothing."""
    import unicodedata

    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    parts: Sequence[str] = re.findall(r"[a-z0-9]+", plain.lower())
    better = "-".join(parts)[:_LONGEST_NAME].strip("-")
    return better if _NAME.fullmatch(better) and better != "zenconv" else ""


def _make_words(name: str, description: str) -> dict[str, str]:
    identifier = name.replace("-", "_")
    return {
        "zenconv_acme": f"zenconv_{identifier}",
        "zenconv-acme": f"zenconv-{name}",
        "test_acme": f"test_{identifier}",
        "Acme": "".join(part.capitalize() for part in name.split("-")),
        "acme": name,
        "DESCRIPTION": description,
        "VERSION": ".".join(__version__.split(".")[:2]),
    }


def _fill_in(text: str, words: dict[str, str]) -> str:
    return _STAND_INS.sub(lambda found: words[found[0]], text)
