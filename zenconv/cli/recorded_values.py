"""Which value a parameter had in a run: the record keeps a short text of it, not the value."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from zenconv.engine.keys import short_text
from zenconv.errors import ZenconvError
from zenconv.records.step import Binding, Parameter
from zenconv.settings.convert import convert
from zenconv.settings.text import Text

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def recover_value(
    recorded: str, binding: Binding, parameter: Parameter | None, settings: Iterable[str], root: Path
) -> tuple[Any, bool]:
    """Return the value whose text was recorded, and whether it could be found.

    What is set now is tried first, then what ``--set`` said (`settings`) in that run, then the
    text itself, read as a literal or a path. If none of them looks like the text: what is set now.
    """
    wanted = _ADDRESS.sub("", recorded)
    for value in _candidates(recorded, binding, parameter, settings, root):
        if _ADDRESS.sub("", short_text(value)) == wanted:
            return value, True
    return binding.value, False


def _candidates(
    recorded: str, binding: Binding, parameter: Parameter | None, settings: Iterable[str], root: Path
) -> Iterator[Any]:
    yield binding.value
    kind = parameter.type if parameter is not None else None
    for setting in settings:
        name, _, text = setting.partition("=")
        if name.strip().rpartition(".")[2] == binding.parameter:
            try:
                yield convert(Text(text), Any if kind is None else kind, base=root)
            except ZenconvError:
                pass
    if isinstance(binding.value, os.PathLike):
        yield Path(recorded)
    try:
        yield ast.literal_eval(recorded)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        pass
