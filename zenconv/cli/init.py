"""``zenconv init``: begin a project from a template, or a step file from a notebook."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zenconv.cli.options import CommonOptions, common_options, json_option
from zenconv.cli.output import escape, print_json, print_line, print_note, print_table, style

if TYPE_CHECKING:
    from zenconv.starting.templates import Template


@click.command()
@click.argument("folder", default=".")
@click.option("-t", "--template", "template_name", metavar="NAME", help="What to begin with.")
@click.option("--list", "list_only", is_flag=True, help="Describe the templates; write nothing.")
@json_option
@common_options
def command(
    common: CommonOptions, folder: str, template_name: str | None, list_only: bool, as_json: bool
) -> None:
    """Begin a project in FOLDER (default: the current one) that `zenconv run` can run at once.

    No file is ever overwritten: if one of the template is there already, nothing is written.
    """
    from zenconv.starting.templates import TEMPLATES, find_template

    if list_only:
        _print_templates(TEMPLATES, as_json=as_json)
        return
    template = find_template(template_name) if template_name else TEMPLATES[0]
    _begin(common.root / folder, template, as_json=as_json)


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
        following.insert(0, f"cd {shlex.quote(os.path.relpath(folder))}")
    if as_json:
        print_json({"folder": os.fspath(folder.resolve()), "written": written, "next": following})
        return
    for name in files:
        print_line(f"{'wrote' if name in written else 'kept '}  {escape(name)}")
    if not written:
        print_note("everything was there already")
    outer = find_marked_root(Path(os.path.abspath(folder)).parent)
    if outer is not None:
        print_note(f"note: this folder lies in the project {escape(str(outer))}, which finds its steps, too")
    print_line(f"next:  {style(escape(' && '.join(following)), 'bold')}")


def _is_current(folder: Path) -> bool:
    try:
        return folder.samefile(Path.cwd())
    except OSError:
        return False
