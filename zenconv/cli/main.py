"""The program ``zenconv``: a table of commands, and what becomes of every exception.

``--help`` prints the table below and imports nothing else, so it costs little more than click.
A command ``name`` lives in ``zenconv/cli/name.py`` and exports a click command called `command`.
"""

from __future__ import annotations

import errno
import gc
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import click

from zenconv import __version__

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("zenconv.cli.run", "Run pipelines: whatever changed, and nothing else."),
    "explain": (
        "zenconv.cli.explain",
        "Say why a step runs or is reused, down to the changed line.",
    ),
    "steps": (
        "zenconv.cli.steps",
        "List the steps, and where each parameter comes from.",
    ),
    "graph": ("zenconv.cli.graph", "Draw which step waits for which."),
    "runs": ("zenconv.cli.runs", "List recorded runs."),
    "show": ("zenconv.cli.show", "Show one run: what it did, and why a step failed."),
    "logs": ("zenconv.cli.logs", "Print what a step printed."),
    "shell": ("zenconv.cli.shell", "Open a Python with the inputs that a step had in a run."),
    "get": ("zenconv.cli.get", "Print or save the stored output of a step."),
    "check": (
        "zenconv.cli.check",
        "Check before running that project, stack and store are sound.",
    ),
    "cache": ("zenconv.cli.cache", "List stored results; copy them to or from another store."),
    "clean": ("zenconv.cli.clean", "Remove old runs, and stored results that nothing needs."),
    "stack": (
        "zenconv.cli.stack",
        "List stacks and their components; make signing keys.",
    ),
    "plugins": ("zenconv.cli.plugins", "List plugins and what each provides."),
    "plugin": ("zenconv.cli.plugin", "Begin a plugin: a package that works, to be edited."),
    "config": (
        "zenconv.cli.config",
        "Show the settings in effect, and where each is written.",
    ),
    "init": ("zenconv.cli.init", "Begin a project, or draft a step file from a notebook."),
    "completion": (
        "zenconv.cli.completion",
        "Let a shell complete commands, steps, runs and parameters.",
    ),
}

COMMON_OPTIONS = (
    "--stack",
    "-c",
    "--config",
    "-o",
    "--setting",
    "-C",
    "--root",
    "--set",
    "-p",
    "--plugin",
)
"""Options of every command that also may stand before its name; each takes a value."""

_READER_GONE = 141
"""Exit code when whoever reads stdout has gone: 128 + SIGPIPE, as a shell reports it."""

_COMPLETE = "_ZENCONV_COMPLETE"
"""Set by a shell that only wants to complete a line (`zenconv.cli.completing`)."""

_PACKAGE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "")
"""Where the code of zenconv lies."""

ADDED_OPTIONS = "ZENCONV_ADDOPTS"
"""The variable whose words stand before those of every ``zenconv run``."""

ARGUMENTS = "zenconv.arguments"
"""Where the words of ``zenconv run`` are kept, in the metadata of click's context."""

_PLUGIN_COMMAND = "zenconv.plugin_command"
"""Where the context holds the command of a plugin that was found for the name typed."""

_OWN_OPTIONS = ("-h", "--help", "--version")


class CommandGroup(click.Group):
    """The commands of `COMMANDS`, imported when called; without a name, ``run``."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        if not context.resilient_parsing:
            args = place_command(args)
            if args[0] == "run":
                added = _read_added_options()
                args = ["run", *added, *args[1:]]
                context.meta[ARGUMENTS] = tuple(args)
        return super().parse_args(context, args)

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return context.meta.get(_PLUGIN_COMMAND)
        import importlib

        command: click.Command = importlib.import_module(COMMANDS[name][0]).command
        command.name = name
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])
        from zenconv.cli.plugin_commands import list_known_commands

        rows = list_known_commands()
        if rows:
            with formatter.section("Commands of plugins"):
                formatter.write_dl(rows)

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not context.resilient_parsing:
            from zenconv.cli.plugin_commands import find_command

            context.meta[_PLUGIN_COMMAND] = command = find_command(args[0], args[1:])
            if command is None:
                raise _unknown_command(args[0])
        return super().resolve_command(context, args)

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except BrokenPipeError:  # here, as click would turn it into exit code 1: "a step failed"
            _drop_output()
            raise click.exceptions.Exit(_READER_GONE) from None

    def shell_complete(self, context: click.Context, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        return [
            CompletionItem(name, help=line)
            for name, (_, line) in COMMANDS.items()
            if name.startswith(incomplete)
        ]


def place_command(args: Sequence[str]) -> list[str]:
    """Return `args` with the command first: ``-C dir runs`` becomes ``runs -C dir``, none is ``run``.

    An option that belongs to no command in particular, such as ``-x``, belongs to ``run``.
    """
    rest = list(args)
    leading: list[str] = []
    while rest and rest[0].startswith("-"):
        if rest[0] in _OWN_OPTIONS:
            return [rest[0]] if not leading else ["run", *leading, *rest]
        if option_name(rest[0]) not in COMMON_OPTIONS:
            return ["run", *leading, *rest]
        takes_next = rest[0] in COMMON_OPTIONS
        leading += [_spell_out(rest[0]), *rest[1 : 1 + takes_next]]
        rest = rest[1 + takes_next :]
    if not rest:
        return ["run", *leading]
    return [rest[0], *leading, *rest[1:]] if leading else rest


_LONG_FLAGS = {"-c": "--config", "-o": "--setting"}


def _spell_out(argument: str) -> str:
    """Return ``-c FILE`` as ``--config FILE``: behind the name of a command the letter may mean another."""
    name, rest = argument[:2], argument[2:]
    if name not in _LONG_FLAGS:
        return argument
    return f"{_LONG_FLAGS[name]}={rest}" if rest else _LONG_FLAGS[name]


def option_name(argument: str) -> str:
    """Return the name of an option without a value that is joined to it."""
    return argument.partition("=")[0] if argument.startswith("--") else argument[:2]


def _read_added_options() -> list[str]:
    """Return the words that ``ZENCONV_ADDOPTS`` adds to a run. `UsageError` if a quote is not closed."""
    text = os.environ.get(ADDED_OPTIONS, "")
    if not text.strip():
        return []
    import shlex

    try:
        return shlex.split(text)
    except ValueError as error:
        from zenconv.errors import UsageError

        raise UsageError(f"{ADDED_OPTIONS}={text!r}: {error}") from None


def _unknown_command(name: str) -> Exception:
    from zenconv.errors import UsageError, did_you_mean

    similar = did_you_mean(name, COMMANDS)
    if not similar.startswith("did you mean"):
        similar = "to run a step, a pipeline or a file of that name: zenconv run " + name
    return UsageError(f"{name!r} is not a command", hint=similar)


@click.group(
    cls=CommandGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=False,
)
@click.version_option(__version__, "--version", prog_name="zenconv", message="%(prog)s %(version)s")
def program() -> None:
    """Pytest for machine-learning pipelines: plain functions in steps_*.py, wired by name.

    Without a command, every pipeline is run.
    """


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit; never returns."""
    if _COMPLETE in os.environ:
        from zenconv.cli.completing import answer_shell

        sys.exit(answer_shell(program, os.environ[_COMPLETE]))
    _make_streams_safe()
    warnings.showwarning = _show_warning
    code = flush(run_command(sys.argv[1:] if args is None else args))
    gc.freeze()  # Python's end looks for cycles among all objects, several times: a tenth of a short run
    sys.exit(code)


def flush(code: int) -> int:
    """Write what is still buffered; return `code`, or that of the failure to do so."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        _drop_output()
        return code or _READER_GONE
    except OSError as error:
        _drop_output()
        click.echo(f"error: cannot write to stdout: {error.strerror}", err=True)
        return code or 1
    return code


def run_command(args: Sequence[str]) -> int:
    """Run one command; show what went wrong; return the exit code."""
    try:
        result = program.main(list(args), prog_name="zenconv", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
    except BaseException as error:  # noqa: BLE001 - here every exception gets its exit code
        return report(error)


def report(error: BaseException) -> int:
    """Show what went wrong; return the exit code."""
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.Abort | KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 130
    if os.environ.get("ZENCONV_DEBUG"):
        _print_traceback(error)
    message, code = _explain(error)
    try:
        click.echo(message, err=True)
    except OSError:
        _drop_output()
    return code


def _explain(error: BaseException) -> tuple[str, int]:
    """Return the lines to show for `error`, and the exit code."""
    from zenconv.cli.output import escape, style_error

    if isinstance(error, click.ClickException):
        return (
            f"{style_error('error:')} {escape(_click_message(error), keep_lines=True)}",
            4,
        )
    errors = sys.modules.get("zenconv.errors")  # not loaded means: it cannot be one of those
    if errors is not None and isinstance(error, errors.ZenconvError):
        return (
            f"{style_error('error:')} {escape(str(error), keep_lines=True)}",
            error.exit_code,
        )
    if isinstance(error, OSError) and error.strerror:
        return f"{style_error('error:')} {escape(_os_message(error), keep_lines=True)}", 1
    return (
        f"{style_error('internal error:')} {escape(_internal(error), keep_lines=True)}",
        3,
    )


def _os_message(error: OSError) -> str:
    if error.filename is not None:
        return f"{error.strerror}: {_file_name(error)}"
    if error.errno == errno.ENOSPC:
        return f"cannot write what is to be shown: {error.strerror}"
    try:
        os.getcwd()
    except OSError:
        return f"the current folder is not there any more: {error.strerror}\n    hint: cd to another one"
    return str(error.strerror)


def _file_name(error: OSError) -> str:
    name = error.filename
    return os.fsdecode(name) if isinstance(name, str | bytes | os.PathLike) else str(name)


def _click_message(error: click.ClickException) -> str:
    message = error.format_message()
    context = getattr(error, "ctx", None)
    if context is None:
        return message
    added = os.environ.get(ADDED_OPTIONS, "") if context.info_name == "run" else ""
    exists = f"\n    {ADDED_OPTIONS} adds: {added}" if added else ""
    return f"{message}{exists}\n    hint: {context.command_path} --help"


def _internal(error: BaseException) -> str:
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = f" ({os.path.basename(frame.tb_frame.f_code.co_filename)}:{frame.tb_lineno})" if frame else ""
    return (
        f"{type(error).__name__}: {error}{where}\n"
        f"    this is a defect of zenconv {__version__}; ZENCONV_DEBUG=1 shows the traceback"
    )


def _print_traceback(error: BaseException) -> None:
    import traceback

    traceback.print_exception(error)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: Any = None,
    line: str | None = None,
) -> None:
    """Show what zenconv itself warns of as one line, and the user's warnings as Python does."""
    from zenconv.cli.output import escape, style

    text = str(message)
    if not filename.startswith(_PACKAGE):
        text = f"{filename}:{lineno}: {category.__name__}: {text}"
    click.echo(f"{style('warning:', 'yellow', stream=sys.stderr)} {escape(text, keep_lines=True)}", err=True)


def _make_streams_safe() -> None:
    """Let a name that the terminal's encoding lacks print escaped, rather than end the program."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _drop_output() -> None:
    """Point stdout at nothing, so that the interpreter's own flush at exit stays silent."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
