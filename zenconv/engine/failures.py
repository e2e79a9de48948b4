"""What people see of an exception in a step: the user's frames, the message, a hint."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from zenconv.errors import ZenconvError, did_you_mean
from zenconv.records.step import Step

_MESSAGE_LIMIT = 10_000
_FRAME_LIMIT = 24
_MOST_REPEATS = 3
"""So many frames of a function that calls itself are kept; the last one counts the others."""

_OWN_CODE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class ProjectFiles:
    """Knows which source files are the user's: below the root, not in an environment, not zenconv."""

    def __init__(self, root: Path, is_project_file: Callable[[str], bool] | None = None) -> None:
        self._root = str(root) + os.sep
        self._extra = is_project_file

    def __contains__(self, file: str) -> bool:
        if file.startswith(_OWN_CODE):
            return False
        if (
            file.startswith(self._root)
            and "site-packages" not in file
            and f"{os.sep}lib{os.sep}python" not in file
        ):
            return True
        return self._extra is not None and self._extra(file)

    def modules(self) -> list[str]:
        """Return the names of the modules and packages that lie at the root."""
        entries = Path(self._root).iterdir()
        return [entry.stem for entry in entries if entry.suffix == ".py" or (entry / "__init__.py").exists()]

    def shown(self, file: str) -> str:
        """Return `file` relative to the root where it lies below it."""
        return file[len(self._root) :].replace(os.sep, "/") if file.startswith(self._root) else file


def describe_failure(error: BaseException, files: ProjectFiles, *, hint: str = "") -> dict[str, Any]:
    """Return plain data about an exception: type, message, the user's frames, its causes."""
    described: dict[str, Any] = {
        "type": _type_name(error),
        "message": _message(error),
        "frames": _frames(error.__traceback__, files),
    }
    causes = _causes(error, files)
    if causes:
        described["causes"] = causes
    hint = hint or (error.hint if isinstance(error, ZenconvError) else "")
    if isinstance(error, ModuleNotFoundError):
        hint = hint or _import_hint(error.name or "", files)
    if type(error).__name__ == "BdbQuit":
        hint = hint or "breakpoint() needs a terminal to talk to: zenconv run -s"
    if hint:
        described["hint"] = hint
    return described


def _import_hint(name: str, files: ProjectFiles) -> str:
    """Return what helps a step that imports `name`, which is not there, as it runs."""
    import sys

    from zenconv.fingerprint.installing import install_command

    top = name.partition(".")[0]
    if not top or top in sys.modules or top in sys.stdlib_module_names:
        return ""
    near = did_you_mean(top, files.modules())
    return near if near.startswith("did you mean") else install_command(top)


def has_frames(error: BaseException | None, files: ProjectFiles) -> bool:
    """Return whether any of the user's code was running when `error` was raised."""
    return error is not None and bool(_frames(error.__traceback__, files))


def definition_frame(step: Step) -> dict[str, Any]:
    """Return the frame that stands for a step none of whose code was running."""
    return {"file": step.file, "line": step.line, "function": step.name, "text": f"def {step.name}(…)"}


def plain_failure(kind: str, message: str, *, hint: str = "") -> Mapping[str, Any]:
    """Return a failure that no exception caused: a crash, a missing value."""
    return {"type": kind, "message": message, "frames": [], **({"hint": hint} if hint else {})}


def text_of(described: Mapping[str, Any]) -> str:
    """Return a described failure as lines of text: the causes first, each with the user's frames."""
    lines: list[str] = []
    for error in (*reversed(described.get("causes", ())), described):
        lines += [f"{f['file']}:{f['line']} in {f['function']}\n    {f['text']}" for f in error["frames"]]
        lines.append(f"{error['type']}: {error['message']}")
    return "\n".join(lines)


def _type_name(error: BaseException) -> str:
    cls = type(error)
    if cls.__module__ in ("builtins", "__main__") or isinstance(error, ZenconvError):
        return cls.__qualname__
    return f"{cls.__module__}.{cls.__qualname__}"


def _message(error: BaseException) -> str:
    if isinstance(error, ZenconvError):
        return error.what
    try:
        lines = [str(error), *(str(note) for note in getattr(error, "__notes__", ()))]
    except Exception as failure:  # noqa: BLE001 - a user's __str__ may raise anything
        lines = [f"<its message cannot be shown: {type(failure).__name__}>"]
    if isinstance(error, BaseExceptionGroup):
        lines += [f"  {_type_name(e)}: {e}" for e in error.exceptions]
    text = "\n".join(line for line in lines if line)
    return text if len(text) <= _MESSAGE_LIMIT else text[:_MESSAGE_LIMIT] + " …"


def _frames(trace: TracebackType | None, files: ProjectFiles) -> list[dict[str, Any]]:
    import linecache

    frames: list[dict[str, Any]] = []
    while trace is not None:
        code, line = trace.tb_frame.f_code, trace.tb_lineno
        trace = trace.tb_next
        if code.co_filename in files:
            frame = {
                "file": files.shown(code.co_filename),
                "line": line,
                "function": code.co_qualname,
                "text": linecache.getline(code.co_filename, line).strip()[:500],
            }
            last = frames[-_MOST_REPEATS:]
            if len(last) == _MOST_REPEATS and all(frame.items() <= seen.items() for seen in last):
                last[-1]["repeats"] = last[-1].get("repeats", 0) + 1
            else:
                frames.append(frame)
    return frames if len(frames) <= _FRAME_LIMIT else frames[:8] + frames[-(_FRAME_LIMIT - 8) :]


def _causes(error: BaseException, files: ProjectFiles) -> list[dict[str, Any]]:
    causes: list[dict[str, Any]] = []
    seen = {id(error)}
    current: BaseException | None = error
    while current is not None and len(causes) < 5:
        cause = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
        if cause is None or id(cause) in seen:
            break
        seen.add(id(cause))
        causes.append(
            {
                "type": _type_name(cause),
                "message": _message(cause),
                "frames": _frames(cause.__traceback__, files),
            }
        )
        current = cause
    return causes
