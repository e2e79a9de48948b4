"""``zenconv plugin new``: write a package to begin a plugin with."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import click

from zenconv.cli.options import CommonOptions, common_options, json_option
from zenconv.cli.output import escape, print_json, print_line, style


@click.command()
@click.argument("plugin_words", nargs=-1, metavar="new NAME")
@click.option("--kind", metavar="KIND", help="What it is to be; see above.")
@json_option
@common_options
def command(common: CommonOptions, plugin_words: tuple[str, ...], kind: str | None, as_json: bool) -> None:
    """Begin a plugin: a package that can be installed, does something, and passes its tests.

    \b
    zenconv plugin new mlops --kind KIND    write the folder zenconv-mlops

    \b
    KIND            is a package that
    hooks           watches runs, and adds a line to a file for each
    materializer    stores the values of one type, safely
    orchestrator    decides where steps run, here in worker processes
    artifact_store  keeps the bytes of results, here as files in a folder
    action_cache    knows which key led to which results, here in small files
    metadata_store  answers questions about recorded runs, from their logs
    model_registry  keeps models under names, with versions and aliases
    tuner           chooses the parameters to try next, here at random
    deployer        has models answer, here as releases in a folder

    `zenconv plugins` lists what is installed.
    """  # noqa: D301 - click takes the backspace for "leave these lines as they are"
    from zenconv.errors import UsageError, did_you_mean
    from zenconv.starting.plugin_packages import KINDS, find_kind, read_name

    if not plugin_words or plugin_words[0] != "new" or len(plugin_words) > 2:
        what = f"unexpected argument {plugin_words[-1]!r}" if plugin_words else "what about plugins?"
        hint = "begin one: zenconv plugin new NAME --kind KIND; list them: zenconv plugins"
        raise UsageError(what, hint=hint)
    if len(plugin_words) == 1:
        raise UsageError("a plugin needs a name", hint="zenconv plugin new my-plugin --kind hooks")
    if kind is None:
        kinds = did_you_mean("", [known.name for known in KINDS])
        raise UsageError(f"what kind of plugin is {plugin_words[1]!r} to be?", hint=f"--kind KIND; {kinds}")
    chosen = find_kind(kind)
    name = read_name(plugin_words[1], _list_taken(chosen.name))
    _write(common.root, name, chosen.files(name), as_json=as_json)


def _list_taken(kind: str) -> set[str]:
    """Return the names that are plugins' already, and the ids of what is built in."""
    from zenconv.hooks.installed import list_installed
    from zenconv.hooks.manager import load_plugins

    taken = {plugin.name for plugin in list_installed()}
    for row in load_plugins(autoload=False).rows():
        taken |= {row.name, *(id for _, id in row.components), *row.materializers}
    return taken | _list_flags() if kind == "hooks" else taken


def _list_flags() -> set[str]:
    """Return the flags of ``zenconv run``: the name of a plugin with hooks becomes one of them."""
    from zenconv.cli.run import command as run

    flags = {flag for parameter in run.params for flag in (*parameter.opts, *parameter.secondary_opts)}
    return {flag.removeprefix("--") for flag in flags}


def _write(root: Path, name: str, files: dict[str, bytes], *, as_json: bool) -> None:
    from zenconv.errors import UsageError
    from zenconv.starting.templates import write_files

    folder = root / f"zenconv-{name}"
    if not _is_free(folder):
        hint = f"choose another name, or another place: zenconv plugin new {name} -C DIR"
        raise UsageError(f"{os.path.relpath(folder)!r} is there already; nothing is written", hint=hint)
    write_files(folder, files)
    place = shlex.quote(os.path.relpath(folder))
    following = [f"cd {place}", "pip install -e '.[test]'", "pytest"]
    if as_json:
        print_json({"folder": os.fspath(folder.resolve()), "written": list(files), "next": following})
        return
    for file in files:
        print_line(f"wrote  {escape(os.path.relpath(folder / file))}")
    print_line(f"next:  {style(escape(' && '.join(following)), 'bold')}")


def _is_free(folder: Path) -> bool:
    """Return whether nothing is there, or only folders that an interrupted call may have left."""
    if not os.path.lexists(folder):
        return True
    return folder.is_dir() and not folder.is_symlink() and all(path.is_dir() for path in folder.rglob("*"))
