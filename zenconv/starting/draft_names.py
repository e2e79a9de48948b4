"""Names for what is drafted: identifiers that nothing else has, and that hide nothing."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Iterable

_LONGEST = 40
_BUILTINS = frozenset(dir(builtins))


class NameChooser:
    """Gives out names, each once."""

    def __init__(self) -> None:
        self._taken = {"zenconv", *_BUILTINS, *keyword.kwlist}
        self._numbers: dict[str, int] = {}

    def reserve(self, names: Iterable[str]) -> None:
        """Keep names that mean something else already."""
        self._taken.update(names)

    def choose(self, wanted: str) -> str:
        """Return `wanted`, or what comes next to it: ``df``, ``df_2``, ``df_3``."""
        name = wanted.lstrip("_") or "value"
        if name.startswith("check_"):  # would be a check, not a step
            name = f"value_of_{name}"
        if name in _BUILTINS:
            name = f"{name}_value"
        chosen, number = name, self._numbers.get(name, 1)
        while chosen in self._taken:
            number += 1
            chosen = f"{name}_{number}"
        self._numbers[name] = number
        self._taken.add(chosen)
        return chosen


def read_heading(text: str) -> str:
    """Return the last Markdown heading of a text as a name for a step, or ``""``."""
    found = re.findall(r"^#{1,6}[ \t]+(.+)$", text, re.MULTILINE)
    return to_name(found[-1]) if found else ""


def to_name(text: str) -> str:
    """Return `text` as a lower-case ASCII identifier that does not begin with a digit, or ``""``."""
    words = to_words(text)
    name = "_".join(words).lstrip("0123456789_")
    return "" if keyword.iskeyword(name) else name


def to_words(text: str) -> list[str]:
    """Return the words of `text` in lower-case ASCII, accents left out, as many as make a good name."""
    plain = unicodedata.normalize("NFKD", text[:500]).encode("ascii", "ignore").decode("ascii").lower()
    words: list[str] = []
    for word in re.findall(r"[a-z0-9]+", plain):
        if words and len("_".join([*words, word])) > _LONGEST:
            break
        words.append(word[:_LONGEST])
    return words


def step_file_name(stem: str) -> str:
    """Return the name of the step file for a notebook called `stem`."""
    return f"steps_{'_'.join(to_words(stem)) or 'notebook'}.py"
