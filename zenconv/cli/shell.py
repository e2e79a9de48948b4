"""``zenconv shell``: a Python with the recorded inputs of a step."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import attrs
import click

from zenconv.cli.options import CommonOptions, common_options
from zenconv.cli.output import escape, is_terminal, print_note, print_warning, style

if TYPE_CHECKING:
    from zenconv.cli.step_session import StepSession
    from zenconv.project.planning import Planner
    from zenconv.queries.history import Found, History


@click.command()
@click.argument("words", nargs=-1, metavar="[RUN] [STEP]")
@click.option("-c", "code", metavar="CODE", help="Execute this instead of asking.")
@click.option("--plain", is_flag=True, help="Python's own console, even if IPython is installed.")
@common_options(without="-c")
def command(common: CommonOptions, words: tuple[str, ...], code: str | None, plain: bool) -> int:
    """Open a Python with the inputs that a step had in a run, to look at and to try things.

    RUN::STEP is accepted too. Without RUN, the newest run that has such a step; without STEP, the step
    that failed in it. There are: each input, parameter and fixture of the step under its name;
    `inputs`, all of them; the step's function; and `call()`, which executes it on these inputs.
    `call(C=0.5)` replaces one.

    This command imports the project, as it is now: it says what has changed since that run. Fixtures
    are set up, and torn down at the end. A stdin that is no terminal is executed as a script.
    """
    from zenconv.cli.reading import open_history
    from zenconv.cli.step_session import open_session

    history = open_history(common)
    found = _find_step(history, words)

    def load_planner(stack: str, node: str) -> Planner:
        return _load_planner(common, stack, node)

    with _endings():
        session = open_session(history, found, load_planner)
        with session:
            exit_code = _work(session, code, plain=plain)
    for failure in session.failures:
        print_warning(session.secrets.redact(f"a teardown failed: {type(failure).__name__}: {failure}"))
    return exit_code


def _find_step(history: History, words: tuple[str, ...]) -> Found:
    from zenconv.cli.reading import find_step, is_run, split_arguments
    from zenconv.errors import NotRecorded, UsageError
    from zenconv.queries.history import Found

    run, step = split_arguments(words)
    head, separator, rest = step.partition("::")
    if not run and separator and is_run(head):
        try:
            return history.find_step(history.find_run(head), rest)
        except NotRecorded:
            if not history.find_run("last").steps or not _has_step(history, step):
                raise  # a pipeline may be called like a run: steps_2024.py
    if step:
        return find_step(history, run, step)
    record = history.find_run(run or "last")
    failed = history.store.steps(record.id, statuses=["failed"])
    if len(failed) == 1:
        return Found(record, failed[0])
    names = ", ".join(row.node for row in failed[:8])
    raise UsageError(
        f"{len(failed)} steps of run {record.id} failed" + (f": {names}" if names else "") + "; name a step",
        hint=f"zenconv shell {record.number}::STEP",
    )


def _has_step(history: History, step: str) -> bool:
    from zenconv.errors import ZenconvError

    try:
        history.find_newest(step)
    except ZenconvError:
        return False
    return True


def _load_planner(common: CommonOptions, stack: str, node: str) -> Planner:
    from zenconv.project.planning import Planner, Selection

    settings = common.load_settings()
    if common.stack_name is None and stack in settings.stacks and stack != settings.stack.name:
        settings = attrs.evolve(common, stack_name=stack).load_settings()
    os.chdir(settings.root)  # as in a run, where relative paths mean the same wherever it was called
    plugins = common.load_plugins(settings)
    return Planner.open(settings, Selection((node,)), plugins, lambda _text: None)


def _work(session: StepSession, code: str | None, *, plain: bool) -> int:
    from zenconv.cli.interpreter import interact, redacted_streams, run_script

    is_talk = code is None and is_terminal(sys.stdin)
    with redacted_streams(session.secrets.redact):
        _tell(session)
        namespace = _make_namespace(session)
        if code is not None:
            return run_script(code, "<code>", namespace)
        if not is_talk:
            return run_script(sys.stdin.read(), "<stdin>", namespace)
        interact(namespace, _banner(session), plain=plain)
        return 0


def _tell(session: StepSession) -> None:
    from zenconv.cli.tracebacks import error_lines

    for text in session.notes:
        print_note(f"{style('note:', 'dim', stream=sys.stderr)} {escape(text, keep_lines=True)}")
    for gone in session.missing:
        print_warning(f"{gone.parameter + ' is missing: ' if gone.parameter else ''}{gone.why}")
        for line in error_lines(gone.error) if gone.error is not None else ():
            print_note("    " + line)


def _make_namespace(session: StepSession) -> dict[str, Any]:
    helpers = {"inputs": session.inputs, "call": session.call}
    namespace: dict[str, Any] = {"__name__": "__main__", session.node.step.name: session.node.step.function}
    namespace.update(session.inputs)
    for name, helper in helpers.items():
        free = name if name not in namespace else f"{name}_"
        if free != name:
            print_note(f"{name!r} is a parameter of the step: {free!r} is what is otherwise called {name!r}")
        namespace[free] = helper
    return namespace


def _banner(session: StepSession) -> str:
    from zenconv.cli.show_step import describe_binding

    record, node = session.record, session.node
    head = f"{node.id}  {record.status} in run {record.run}  ({node.step.where})"
    error = record.error or {}
    if error:
        head += f"\n  {error.get('type', '')}: {str(error.get('message', '')).partition(chr(10))[0]}"
    rows = {str(row.get("parameter", "")): row for row in record.bindings}
    width = max((len(name) for name in session.inputs), default=0)
    lines = []
    for name in session.inputs:
        told = describe_binding(rows[name], record.inputs.get(name)) if name in rows else ""
        lines.append(f"  {name.ljust(width)}  {told}")
    tail = f"call() executes {node.step.name} on these inputs; call(NAME=...) replaces one; Ctrl-D leaves."
    return "\n".join(escape(session.secrets.redact(line), keep_lines=True) for line in (head, *lines, tail))


@contextmanager
def _endings() -> Iterator[None]:
    """Have SIGTERM and a closed terminal end the program in good order: fixtures are torn down."""

    def end(number: int, _frame: object) -> NoReturn:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
