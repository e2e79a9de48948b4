"""``zenconv check``: check before running that project, stack and store are sound."""

from __future__ import annotations

import click

from zenconv.cli.options import CommonOptions, common_options, json_option
from zenconv.cli.output import escape, print_json, print_line, style


@click.command()
@click.option("--fix", is_flag=True, help="Rebuild the index of runs from their logs.")
@json_option
@common_options
def command(common: CommonOptions, fix: bool, as_json: bool) -> int:
    """Check before running that project, stack and store are sound.

    The store is written to and read back; the project is imported, nothing of it is run.
    """
    from zenconv.project.checking import check_project

    settings = common.load_settings()
    findings = check_project(settings, lambda: common.load_plugins(settings), fix=fix)
    if as_json:
        rows = [{"subject": f.subject, "ok": f.is_sound, "text": f.text} for f in findings]
        print_json({"findings": rows, "ok": all(f.is_sound for f in findings)})
    else:
        for finding in findings:
            mark = style("ok    ", "green") if finding.is_sound else style("FAILED", "red", "bold")
            first, *rest = finding.text.split("\n")
            print_line(f"{mark}  {finding.subject.ljust(14)}  {escape(first)}")
            for line in rest:
                print_line(" " * 8 + escape(line))
    return next((f.exit_code for f in findings if not f.is_sound), 0)
