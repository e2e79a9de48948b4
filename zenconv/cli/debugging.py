"""What ``run --pdb`` asks for: somebody to talk to, one process, and a stack that can do it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zenconv.cli.output import escape, print_note, style

if TYPE_CHECKING:
    from zenconv.cli.options import CommonOptions
    from zenconv.engine.debugging import DebuggerRequest
    from zenconv.settings.settings import Settings


def request_debugger(*, on_failure: bool, class_name: str) -> DebuggerRequest:
    """Return what a run with ``-s`` or ``--pdb`` needs to know of its debugger.

    Raises
    ------
    UsageError
        ``--pdb``, and nobody could answer it.
    """
    from zenconv.engine.debugging import DebuggerRequest
    from zenconv.engine.terminal import has_answers
    from zenconv.errors import UsageError

    if on_failure and not has_answers():
        raise UsageError(
            "--pdb needs a terminal: stdin is none, and no script is piped in",
            hint="call it in a terminal, or pipe commands in: printf 'w\\nq\\n' | zenconv run --pdb",
        )
    request = DebuggerRequest(_show_failure, on_failure, class_name)
    request.find_class()
    return request


def without_workers(common: CommonOptions, settings: Settings, workers: int | None) -> Settings:
    """Return `settings` whose steps run in the process that has the terminal.

    Raises
    ------
    UsageError
        The stack's orchestrator cannot debug.
    """
    from zenconv.errors import UsageError
    from zenconv.stack.workers import IN_PROCESS, PROCESSES, with_workers

    if workers:
        print_note(f"--pdb: steps run one by one, in one process; -n {workers} is left aside")
    asked = settings.stack.components.get("orchestrator")
    if asked is None or asked.id in (*IN_PROCESS, PROCESSES):
        return with_workers(settings, 0)
    if "pdb" in common.load_plugins(settings).capabilities("orchestrator", asked.id):
        return settings
    raise UsageError(
        f"--pdb: the stack {settings.stack.name!r} runs steps by {asked.id!r}, which cannot debug them",
        hint="choose a stack that runs them here, with --stack, or see what they had: zenconv shell STEP",
    )


def _show_failure(node: str, error: Mapping[str, Any]) -> None:
    """Show, in the process that executes steps, what failed, before the debugger talks."""
    from zenconv.cli.tracebacks import error_lines

    stream = sys.stdout
    head = f"{escape(node)} {style('FAILED', 'red', 'bold', stream=stream)}"
    lines = [head, *("    " + line for line in error_lines(error))]
    lines.append(style("in the debugger: c goes on with the run, q ends it, h helps", "dim", stream=stream))
    stream.write("\n".join(lines) + "\n")
    stream.flush()
