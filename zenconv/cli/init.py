"""``zenconv init``: begin a project from a template, or a step file from a notebook."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zenconv.cli.options import CommonOptions, common_options, json_option
from zenconv.cli.output import escape, plural, print_json, print_line, print_note, print_table, style

if TYPE_CHECKING:
    from zenconv.starting.templates import Template


@click.command()
@click.argument("folder", default=".")
@click.option("-t", "--template", "template_name", metavar="NAME", help="What to begin with.")
@click.option("--from", "notebook", metavar="NOTEBOOK", help="Draft a step file from a Jupyter notebook.")
@click.option("--list", "list_only", is_flag=True, help="Describe the templates; write nothing.")
@json_option
@common_options
def command(
    common: CommonOptions,
    folder: str,
    template_name: str | None,
    notebook: str | None,
    list_only: bool,
    as_json: bool,
) -> None:
    """Begin a project in FOLDER (default: the current one) that `zenconv run` can run at once.

    With --from, write a step file instead in which each cell of a notebook is a commented draft of
    a step; nothing of the notebook is run. No file is ever overwritten: if one that would be written
    is there already, with another content, nothing is written.
    """
    from zenconv.starting.templates import TEMPLATES, find_template

    if list_only:
        _print_templates(TEMPLATES, as_json=as_json)
        return
    target = common.root / folder
    if notebook is not None:
        if template_name is not None:
            raise click.UsageError("--from drafts a step file from a notebook; it takes no --template")
        _draft(target, notebook, as_json=as_json)
    else:
        template = find_template(template_name) if template_name else TEMPLATES[0]
        _begin(target, template, as_json=as_json)


def _print_templates(templates: tuple[Template, ...], *, as_json: bool) -> None:
    if as_json:
        rows = [
            {
                "name": template.name,
                "description": template.description,
                "needs": list(template.needs.values()),
                "missing": template.missing(),
                "files": list(template.files()),
            }
            for template in templates
        ]
        print_json({"templates": rows})
        return
    print_table(
        [(template.name, template.description, _show_needs(template)) for template in templates],
        ["template", "is", "needs"],
    )


def _show_needs(template: Template) -> str:
    missing = template.missing()
    names = [f"{name} (not installed)" if name in missing else name for name in template.needs.values()]
    return ", ".join(names) or "nothing else"


def _begin(folder: Path, template: Template, *, as_json: bool) -> None:
    from zenconv.settings.root import find_marked_root
    from zenconv.starting.templates import write_files

    files = template.files()
    written = write_files(folder, files)
    missing = template.missing()
    following = [f"pip install {shlex.join(missing)}"] if missing else []
    following.append("zenconv run")
    if not _is_current(folder):
        name = os.path.relpath(folder)
        following.insert(0, f"cd {shlex.quote(f'./{name}' if name.startswith('-') else name)}")
    if as_json:
        print_json({"folder": os.fspath(folder.resolve()), "written": written, "next": following})
        return
    _print_files(files, written)
    outer = find_marked_root(Path(os.path.abspath(folder)).parent)
    if outer is not None:
        print_note(f"note: this folder lies in the project {escape(str(outer))}, which finds its steps, too")
    _print_next(" && ".join(following))


def _draft(folder: Path, notebook: str, *, as_json: bool) -> None:
    from zenconv.starting.from_notebook import draft_file
    from zenconv.starting.templates import write_files

    drafted = draft_file(Path(notebook))
    written = write_files(folder, {drafted.name: drafted.data})
    path = os.path.relpath(folder / drafted.name)
    if as_json:
        print_json(
            {
                "folder": os.fspath(folder.resolve()),
                "written": written,
                "next": [f"edit {path}", "zenconv run"],
                "cells": drafted.counts,
            }
        )
        return
    _print_files([drafted.name], written)
    sys.stdout.flush()  # in the order in which it is read, wherever the two streams go
    steps = plural(drafted.counts.get("steps", 0), "cell")
    print_note(
        f"{steps} drafted as steps, {drafted.counts.get('others', 0)} without; nothing of it is active"
    )
    _print_next(f"take over what you want in {escape(shlex.quote(path))}, then: zenconv run")


def _print_files(names: Iterable[str], written: Sequence[str]) -> None:
    for name in names:
        print_line(f"{'wrote' if name in written else 'kept '}  {escape(name)}")
    if not written:
        print_note("everything was there already")


def _print_next(text: str) -> None:
    print_line(f"next:  {style(escape(text), 'bold')}")


def _is_current(folder: Path) -> bool:
    try:
        return folder.samefile(Path.cwd())
    except OSError:
        return False
