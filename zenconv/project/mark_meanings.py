"""What the marks that zenconv knows mean: one function each, whose signature is that of the mark.

A function gets whatever somebody wrote, returns what changes in the `Markings` of a step, and raises
`ValueError` for arguments that make no sense. Its first line is what ``zenconv run --markers`` shows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from zenconv.authoring import parse_duration
from zenconv.errors import UsageError, did_you_mean
from zenconv.records.marks import (
    GRACE_SECONDS,
    UNCONDITIONAL,
    Requirements,
    Resources,
    Retry,
    Skip,
    TimeLimit,
)

Changes = Mapping[str, Any]

KINDS = (
    "loader",
    "splitter",
    "transformer",
    "builder",
    "trainer",
    "selector",
    "evaluator",
    "predictor",
    "deployer",
)
_CRASH = "crash"
_MEMORY = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kKMGT]?)(i?)B?\s*")
_POWERS = {"": 0, "k": 1, "K": 1, "M": 2, "G": 3, "T": 4}
_VERSION = re.compile(r"\d+\.\d+(\.\d+)?")


def nocache() -> Changes:
    """Run once in every run; dependents are decided by the content that comes out."""
    return {"cache": False}


def refresh(every: Any) -> Changes:
    """A stored result older than `every` ("1d", seconds) counts as missing."""
    return {"refresh": _seconds("every", every)}


def skip(reason: Any = UNCONDITIONAL) -> Changes:
    """Do not run the step, nor what waits for it."""
    return {"skip": Skip(_text("reason", reason))}


def skipif(condition: Any, *, reason: Any) -> Changes:
    """Do not run the step if `condition` holds when the file is imported."""
    if isinstance(condition, str):
        raise ValueError(
            f"the condition is the text {condition!r}, and texts are not evaluated; write the expression"
        )
    try:
        holds = bool(condition)
    except Exception as error:  # noqa: BLE001 - an array, say, or any other object of the user's
        raise ValueError(f"the condition is neither true nor false: {error}") from None
    return {"skip": Skip(_text("reason", reason))} if holds else {}


def timeout(limit: Any, *, grace: Any = GRACE_SECONDS) -> Changes:
    """Stop the step after `limit` ("10m", seconds); `grace` is left for teardowns. None: no limit."""
    seconds = _seconds("limit", limit) if limit is not None else 0.0
    return {"timeout": TimeLimit(seconds, _seconds("grace", grace))}


def retry(times: Any = 1, *, on: Any = Exception, backoff: Any = 0, jitter: Any = 0) -> Changes:
    """Run the step again after a failure, `times` times at most, pausing `backoff` before each."""
    if not isinstance(times, int) or isinstance(times, bool) or times < 0:
        raise ValueError(f"times is a number of further attempts, not {times!r}")
    if not isinstance(jitter, int | float) or isinstance(jitter, bool) or not 0 <= jitter <= 10:
        raise ValueError(f"jitter is the share by which pauses may be longer, 0 to 10, not {jitter!r}")
    kinds = list(on) if isinstance(on, tuple | list | set | frozenset) else [on]
    errors = tuple(kind for kind in kinds if kind != _CRASH)
    for kind in errors:
        _check_exception(kind)
    is_doubling = backoff == "exponential"
    pause = 1.0 if is_doubling else _seconds("backoff", backoff)
    policy = Retry(times, errors, _CRASH in kinds, pause, is_doubling, float(jitter))
    return {"retry": policy}


def resources(*, cpu: Any = 0, memory: Any = 0, gpu: Any = 0) -> Changes:
    """What the step takes of its machine: cores, memory ("8GB"), GPUs; refused where it has less."""
    if not isinstance(cpu, int | float) or isinstance(cpu, bool) or cpu < 0:
        raise ValueError(f"cpu is a number of cores, not {cpu!r}")
    if not isinstance(gpu, int) or isinstance(gpu, bool) or gpu < 0:
        raise ValueError(f"gpu is a number of GPUs, not {gpu!r}")
    asked = Resources(cpu, parse_memory(memory), gpu)
    if not (cpu or asked.memory or gpu):
        raise ValueError("say what the step takes: resources(cpu=2), resources(memory='8GB')")
    return {"resources": asked}


def gpu() -> Changes:
    """The step uses a GPU where there is one; no other such step has it at the same time."""
    return {"resources": Resources(wants_gpu=True)}


def python(requirements: Any = (), *, version: Any = "", isolated: Any = False) -> Changes:
    """Run the step in an environment of its own, with these requirements installed."""
    if not isinstance(version, str) or (version and not _VERSION.fullmatch(version)):
        raise ValueError(f"version is text such as '3.12', not {version!r}")
    if not isinstance(isolated, bool):
        raise ValueError(f"isolated is True or False, not {isolated!r}")
    if isinstance(requirements, str) and requirements.endswith(".txt"):
        asked = Requirements((), requirements, version, isolated)
        return {"requirements": asked}
    given = [requirements] if isinstance(requirements, str) else requirements
    is_list = isinstance(given, list | tuple)
    if not is_list or not all(isinstance(text, str) and text.strip() for text in given):
        raise ValueError(
            f"requirements are a list such as ['scikit-learn==1.4'] or the name of a .txt file, not {given!r}"
        )
    if not given and not version:
        raise ValueError("say what the environment needs: requirements=[...] or version=...")
    if any(text.startswith("-") and not text.startswith(("-e ", "--editable ")) for text in given):
        raise ValueError(
            "requirements are packages; options of pip stand in a .txt file, or in PIP_... variables"
        )
    return {"requirements": Requirements(tuple(text.strip() for text in given), "", version, isolated)}


def usefixtures(*names: Any) -> Changes:
    """Set these fixtures up for the step, without a parameter for their values."""
    if not names:
        raise ValueError("name at least one fixture")
    return {"fixtures": tuple(_text("a fixture's name", name) for name in names)}


def kind(name: Any) -> Changes:
    """What the step is, where its types do not tell: trainer, evaluator, loader, ..."""
    if name not in KINDS:
        raise ValueError(f"unknown kind {name!r}: {did_you_mean(str(name), KINDS, limit=len(KINDS))}")
    return {"kind": name}


MEANINGS: Mapping[str, Callable[..., Changes]] = {
    meaning.__name__: meaning
    for meaning in (nocache, refresh, skip, skipif, timeout, retry, resources, gpu, python, usefixtures, kind)
}
REPEATABLE = frozenset({"skip", "skipif", "usefixtures"})
"""Marks of which one step may have several."""
OF_THE_WHOLE = frozenset({"nocache", "refresh", "usefixtures"})
"""Marks that all branches of a step have or none: they decide what it is, not how one is run."""


def parse_memory(text: Any) -> int:
    """Return bytes from ``"8GB"``, ``"512MiB"`` or a number of bytes. `ValueError` for anything else."""
    if isinstance(text, int) and not isinstance(text, bool) and text >= 0:
        return text
    match = _MEMORY.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"memory is text such as '8GB' or a number of bytes, not {text!r}")
    return int(float(match[1]) * (1024 if match[3] else 1000) ** _POWERS[match[2]])


def _seconds(name: str, value: Any) -> float:
    try:
        return parse_duration(value)
    except UsageError as error:
        raise ValueError(f"{name}: {error.what}; {error.hint}, or a number of seconds") from None


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} is text, not {value!r}")
    return value


def _check_exception(kind: Any) -> None:
    if not (isinstance(kind, type) and issubclass(kind, BaseException)):
        shown = kind.__qualname__ if isinstance(kind, type) else repr(kind)
        raise ValueError(f"on is an exception class, several, or 'crash', not {shown}")
    if issubclass(kind, KeyboardInterrupt):
        raise ValueError("a step that was interrupted is not executed again")
