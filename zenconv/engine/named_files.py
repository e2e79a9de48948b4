"""The files that the texts in a step's code may name: as they stand there, or a folder and a name in it.

``DATA / "x.parquet"`` and ``f"{DATA}/{name}.parquet"`` are put together only when the code runs, and
compiled code that opens them is not heard. The parts stand in the code, or are values of parameters.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from glob import has_magic
from itertools import chain

from zenconv.engine.discovery import sign_file

_PATH = re.compile(r"(?=[^\n]*[./])[^\n\0]{1,200}")
_FILE_NAME = re.compile(r"""/?([^\n\0*?]{1,150}\.\w{1,12})(?:['"`](?s:.*))?""")
_BEGINNING = re.compile(r"""(?s:.*['"`])?([^\n\0*?'"`]{0,150}/)([\w.-]{0,50})""")
_ENDING = re.compile(r"""([\w-]{0,50}\.\w[\w.]{0,12})(?:['"`](?s:.*))?""")
_PLACEHOLDER = re.compile(r"%[sd]|\{[^{}\n]{0,50}\}")
_QUOTED = re.compile(r"""(?<!\w)(['"`])([^'"`\n\0]{1,200})\1""")
_PLACE = re.compile(r"[^\n\0*?'\"`]{1,150}")
_OF_THE_SYSTEM = ("/proc/", "/sys/", "/dev/")
"""What looks like files there is the machine's state, and another at each look."""
_MOST_TEXTS = 500
_MOST_FOLDERS = 20
_MOST_NAMES = 200
_MOST_ENTRIES = 2000
_MOST_TRIED = 100
"""Looks at single names, above which folders are listed instead."""
_LONGEST_NAME = 100


def sign_named_files(
    texts: Iterable[str],
    root: str,
    absolute: Callable[[str, str], str],
    name_below: Callable[[str], str | None],
    values: Iterable[str] = (),
) -> dict[str, list[int]]:
    """Return, by the names they count under, the files that `texts` name and what each is like now.

    `values` are texts that may stand between others. Files elsewhere count by their absolute path.
    What is not there is signed by nothing; so are only texts that name a place as they stand.
    `root` ends with a separator.
    """
    signed: dict[str, list[int]] = {}
    texts = list(texts)
    for text in filter(_PATH.fullmatch, texts):
        full = absolute(os.path.expanduser(text), root)
        name = name_below(full) if full.startswith(root) else full
        if full.startswith(_OF_THE_SYSTEM):
            continue
        if name and (os.path.isfile(full) or not os.path.lexists(full)):
            signed[name] = sign_file(full)
    texts = texts[:_MOST_TEXTS]
    for full in chain(
        _put_together(texts, root, absolute), _fill_in(texts, {*texts, *values}, root, absolute)
    ):
        name = name_below(full)
        if name:
            signed.setdefault(name, sign_file(full))
    return signed


def quoted_texts(text: str) -> list[str]:
    """Return what stands in quotes in `text`, as files do in SQL, where it may be a path.

    A pattern keeps its quotes: elsewhere patterns are given to code that looks for files itself.
    """
    found = [quoted for _, quoted in _QUOTED.findall(text) if _PATH.fullmatch(quoted)]
    return [f"'{quoted}'" if has_magic(quoted) else quoted for quoted in found]


def find_patterns(texts: Iterable[str]) -> list[str]:
    """Return the patterns that stand in quotes in a text of the code."""
    return [text[1:-1] for text in texts if text.startswith("'") and has_magic(text)]


def _put_together(texts: Sequence[str], root: str, absolute: Callable[[str, str], str]) -> Iterator[str]:
    """Yield the files below `root` whose folder one of `texts` names, and whose name another one."""
    names = [found[1] for text in texts if (found := _FILE_NAME.fullmatch(text))][:_MOST_NAMES]
    if not names:
        return
    places = dict.fromkeys(
        full for text in texts if text and "\n" not in text and os.path.isdir(full := absolute(text, root))
    )
    below = [place for place in places if place.startswith(root)][:_MOST_FOLDERS]
    inner = [os.path.join(place, text) for place in below for text in texts if _is_plain(text)]
    folders = dict.fromkeys([*below, *filter(os.path.isdir, inner[:_MOST_TEXTS])])
    for folder in list(folders)[:_MOST_FOLDERS]:
        for name in names:
            full = os.path.join(folder, name)
            if os.path.isfile(full):
                yield full


def _fill_in(
    texts: Sequence[str], values: set[str], root: str, absolute: Callable[[str, str], str]
) -> Iterator[str]:
    """Yield the files below `root` that are named by a beginning and an ending, and a value in between."""
    pieces = list(dict.fromkeys(piece for text in texts for piece in _PLACEHOLDER.split(text) if piece))
    endings = [found[1] for piece in pieces if (found := _ENDING.fullmatch(piece))][:_MOST_FOLDERS]
    if not endings:
        return
    begun = [found.groups() for piece in pieces if (found := _BEGINNING.fullmatch(piece))]
    begun += [(piece, "") for piece in pieces if piece in values and _PLACE.fullmatch(piece)]
    folders = dict.fromkeys((absolute(place, root), name) for place, name in begun)
    known = [value for value in values if len(value) <= _LONGEST_NAME]
    fillings = list(itertools.islice(itertools.product(known, endings), _MOST_TRIED + 1))
    usable = ((f, name) for f, name in folders if f.startswith(root) and os.path.isdir(f))
    for folder, name in itertools.islice(usable, _MOST_FOLDERS):
        if len(fillings) <= _MOST_TRIED:
            tried = {f"{name}{value}{ending}" for value, ending in fillings}
            yield from filter(os.path.isfile, (os.path.join(folder, one) for one in tried))
            continue
        for entry in _entries_of(folder):
            for ending in endings:
                fits = entry.startswith(name) and entry.endswith(ending)
                if fits and entry[len(name) : -len(ending)] in values:
                    yield os.path.join(folder, entry)


def _entries_of(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            found = [entry.name for entry in itertools.islice(entries, _MOST_ENTRIES + 1)]
    except OSError:
        return []
    return found if len(found) <= _MOST_ENTRIES else []


def _is_plain(text: str) -> bool:
    return 0 < len(text) <= 100 and text[0] not in "./\\" and "\n" not in text and "\0" not in text
