"""Where a process was, read from what it wrote down itself: when it was asked, or as it crashed."""

from __future__ import annotations

import re
from typing import Any

from zenconv.engine.capture import Spool
from zenconv.engine.failures import ProjectFiles

_FRAME = re.compile(rb'  File "(.*)", line (\d+) in (.*)')
_DUMP_LINE = re.compile(rb'(?:Current thread|Thread) 0x[0-9a-f]+.*\n|  File ".*\n|  \.\.\.\n|  <.*>\n|\n')
_CRASH = re.compile(
    rb"Fatal Python error: .*\n\n?(?P<stack>"
    rb"(?:(?:Current thread|Thread) 0x[0-9a-f]+.*|Stack \(most recent call first\):)\n"
    rb"(?:  .*\n)*)"
    rb"(?:\n?Current thread's C stack .*\n(?:  .*\n)*)?"
    rb"(?:\n?Extension modules: .*\n)?"
)
_MOST_CRASH_BYTES = 1 << 18
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))")


def take_crash(spool: Spool, files: ProjectFiles) -> list[dict[str, Any]]:
    """Cut the stack that Python wrote down as it crashed out of what a process printed last.

    Returns the user's frames, outermost first; none where nothing was written down. What Python
    says of the kind of crash stays in the text.
    """
    offset = max(0, spool.size() - _MOST_CRASH_BYTES)
    tail = spool.cut(offset)
    found = list(_CRASH.finditer(tail))
    if not found:
        spool.append(tail)
        return []
    spool.append(tail[: found[-1].start("stack")].rstrip(b"\n") + b"\n" + tail[found[-1].end() :])
    return _read_frames(found[-1]["stack"], files)


def take_stack(spool: Spool, offset: int, files: ProjectFiles) -> list[dict[str, Any]]:
    """Cut the stacks that a process wrote down out of what it printed from `offset` on.

    Returns the user's frames, outermost first: of the main thread, or of another if it has none.
    """
    tail = spool.cut(min(offset, spool.size()))
    start = re.search(rb"(?:Current thread|Thread) 0x", tail)
    if start is None:
        spool.append(tail)
        return []
    end = start.start()
    while (line := _DUMP_LINE.match(tail, end)) is not None:
        end = line.end()
    spool.append(tail[: start.start()] + tail[end:])
    threads = re.split(rb"(?:Current thread|Thread) 0x", tail[start.start() : end])
    stacks = [_read_frames(thread, files) for thread in reversed(threads)]  # the main one stands last
    return next((stack for stack in stacks if stack), [])


def _read_frames(thread: bytes, files: ProjectFiles) -> list[dict[str, Any]]:
    import linecache

    frames = []
    for name, number, function in reversed(_FRAME.findall(thread)):
        file, line = _unescape(name), int(number)
        if file in files:
            text = linecache.getline(file, line).strip()[:500]
            frames.append(
                {"file": files.shown(file), "line": line, "function": _unescape(function), "text": text}
            )
    return frames


def _unescape(text: bytes) -> str:
    plain = text.decode("ascii", "backslashreplace")
    return _ESCAPE.sub(lambda match: chr(int(match[1] or match[2] or match[3], 16)), plain)
