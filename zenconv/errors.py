"""Every deliberate error of zenconv.

::

    ZenconvError                  exit 3 unless said otherwise
    +-- UsageError                exit 4: the command line or a call names what does not exist
    |   +-- NotRecorded           no such run, step or output; also a KeyError
    |   +-- NothingSelected       exit 5
    |   +-- SettingsError         all problems of the configuration together
    |   +-- UnknownComponent      no such id / known, but its package is not installed
    +-- CollectionError           exit 2: all problems of the project together
    +-- PluginError               exit 4: a plugin cannot be imported or misuses a hook
    +-- ArtifactError             exit 1
    |   +-- SaveError             a value cannot be stored faithfully
    |   +-- CorruptArtifact       stored bytes are missing or differ from their digest
    |   +-- UntrustedArtifact     loading would run code this machine has no reason to trust
    +-- StoreError                exit 1: the disk, the network or the permissions say no
    +-- RecordError               exit 1: a run log or the index is damaged
    +-- ExecutionError            exit 3: the runner ended without a result
    |   +-- WorkerError           exit 2: worker processes cannot collect the project

The command line prints these without a traceback. A message has up to four parts: what,
where (``file:line``), what exists instead, and the edit or command that fixes it.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Sequence

import attrs


@attrs.frozen(repr=False)
class Problem:
    """One mistake somewhere in a project or its configuration."""

    what: str
    file: str = ""
    line: int = 0
    exists: str = ""
    hint: str = ""

    @property
    def where(self) -> str:
        """``file:line``, as far as known."""
        return f"{self.file}:{self.line}" if self.line else self.file

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.file else self.what
        tail = [f"    {text}" for text in (self.exists, self.hint and f"hint: {self.hint}") if text]
        return "\n".join([head, *tail])


def did_you_mean(name: str, known: Iterable[str], *, limit: int = 8) -> str:
    """Return ``did you mean 'x'?`` or, without a near match, what there is."""
    names = sorted(set(known))
    alike = [other for other in names if other != name and other.casefold() == name.casefold()]
    near = alike or _near(name, names)
    if near:
        return "did you mean " + " or ".join(repr(n) for n in near) + "?"
    if not names:
        return ""
    shown = ", ".join(names[:limit])
    return f"available: {shown}" + (f" and {len(names) - limit} more" if len(names) > limit else "")


def _near(name: str, names: Sequence[str]) -> list[str]:
    import difflib  # only for an error that is shown

    return difflib.get_close_matches(name, names, n=2)


def hint_to_write(error: OSError) -> str:
    """Return what helps where nothing can be written for `error`; empty where nobody knows."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "free some space there"
    is_forbidden = error.errno in (errno.EROFS, errno.EACCES, errno.EPERM)
    return "zenconv keeps its records there: make it writable" if is_forbidden else ""


@attrs.define(auto_exc=True, slots=False)
class ZenconvError(Exception):
    """The root of the tree. `hint` is the edit or command that fixes it."""

    what: str = ""
    hint: str = attrs.field(default="", kw_only=True)

    exit_code = 3

    def __str__(self) -> str:
        return f"{self.what}\n    hint: {self.hint}" if self.hint else self.what


@attrs.define(auto_exc=True, slots=False, str=False)
class _WithProblems(ZenconvError):
    problems: tuple[Problem, ...] = attrs.field(default=(), kw_only=True)

    def __str__(self) -> str:
        return "\n".join([*([self.what] if self.what else []), *(str(p) for p in self.problems)])


class UsageError(ZenconvError):
    """The command line, or a call, asks for something that is not there."""

    exit_code = 4


class NotRecorded(UsageError, KeyError):
    """No such run, step or output is recorded; a `KeyError`, as what is looked up by name raises."""


class NothingSelected(UsageError):
    """The selection matches no step."""

    exit_code = 5


class SettingsError(_WithProblems, UsageError):
    """The configuration has mistakes; all of them are in `problems`."""

    exit_code = 4


class UnknownComponent(UsageError):
    """No installed plugin provides a component of that id."""


class CollectionError(_WithProblems):
    """The project has mistakes; all of them are in `problems`."""

    exit_code = 2


class PluginError(ZenconvError):
    """A plugin cannot be imported, claims a taken id, or implements a hook that does not exist."""

    exit_code = 4


class ArtifactError(ZenconvError):
    """Something is wrong with a stored output."""

    exit_code = 1


class SaveError(ArtifactError):
    """A value cannot be stored so that what comes back equals what went in."""


@attrs.define(auto_exc=True, slots=False)
class CorruptArtifact(ArtifactError):
    """Stored bytes are missing or differ from their `digest`."""

    digest: str = attrs.field(default="", kw_only=True)


class UntrustedArtifact(ArtifactError):
    """Loading would run code, and nobody trusted here wrote these bytes."""


class StoreError(ZenconvError):
    """A store cannot be read or written: full disk, permissions, network."""

    exit_code = 1


class RecordError(ZenconvError):
    """A run log or the metadata index is damaged or of a newer version."""

    exit_code = 1


class ExecutionError(ZenconvError):
    """The runner ended in a way that no step explains."""


@attrs.define(auto_exc=True, slots=False)
class WorkerError(ExecutionError):
    """Worker processes cannot do what the runner could: collect the project. The message is complete."""

    exit_code: int = attrs.field(default=2, kw_only=True)
