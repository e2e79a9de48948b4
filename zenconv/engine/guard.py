"""Ask a question of the project in a process of its own: nothing it imports can end the command.

Used by commands that collect and plan without running anything (``--plan``, ``steps``,
``explain``, ...). What the project prints while it is imported goes to stderr.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from zenconv.engine.endings import describe_end, kill_group
from zenconv.engine.runner import Channel, fork_runner
from zenconv.errors import ZenconvError
from zenconv.records.events import Answer, Event, Progress, ProjectFailed, RunnerFinished, decode

Ask = Callable[[Callable[[str], None]], Any]
"""Gets a function that tells what is being done, and returns plain JSON data."""


@attrs.define(auto_exc=True, slots=False)
class ProjectError(ZenconvError):
    """The project could not be collected or planned; the message is complete."""

    exit_code: int = attrs.field(default=2, kw_only=True)


def ask_child(ask: Ask, folder: Path) -> Any:
    """Return what `ask` returns in a forked process whose current folder is `folder`.

    Raises
    ------
    ProjectError
        With the message and exit code of the `ZenconvError` raised there, or of the crash.
    """

    def body(channel: Channel) -> bool:
        gc.disable()  # it makes many records, no garbage, and ends
        os.dup2(2, 1)
        os.chdir(folder)
        channel.send(Answer(ask(lambda text: channel.send(Progress(text)))))
        return False

    runner = fork_runner(body, lambda: None)
    data = bytearray()
    try:
        while block := os.read(runner.events, 1 << 18):
            data += block
        _, status = os.waitpid(runner.pid, 0)
    except BaseException:
        kill_group(runner.pid)
        raise
    finally:
        runner.close()
    return _answer(
        [event for line in bytes(data).splitlines(keepends=True) if (event := _decode(line))], status
    )


def _decode(line: bytes) -> Event | None:
    try:
        return decode(line)
    except (ValueError, TypeError):
        return None


def _answer(events: list[Event], status: int) -> Any:
    doing = ""
    finished = False
    answer: Any = None
    for event in events:
        if isinstance(event, ProjectFailed):
            raise ProjectError(event.message, exit_code=event.exit_code)
        if isinstance(event, Answer):
            answer = event.data
        elif isinstance(event, Progress):
            doing = event.text or doing
        elif isinstance(event, RunnerFinished):
            finished = True
    if not finished:
        raise ProjectError(f"the process ended{' while ' + doing if doing else ''}: {describe_end(status)}")
    return answer
