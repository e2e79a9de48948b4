"""``zenconv check``: will it run? Project, stack, versions, store, plugins, slow imports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from zenconv.cli.options import CommonOptions, common_options, json_option
from zenconv.cli.output import escape, plural, print_json, print_line, style

if TYPE_CHECKING:
    from zenconv.upkeep.findings import Finding

_COLOURS = {"ok": "green", "fixed": "cyan", "warning": "yellow", "error": "red"}


@click.command()
@click.option("--deep", is_flag=True, help="Read every stored file and log, instead of a sample.")
@click.option("--fix", is_flag=True, help="Mend what can be: make the index again from the logs, ...")
@json_option
@common_options
def command(common: CommonOptions, deep: bool, fix: bool, as_json: bool) -> int:
    """Check whether it will run: project, stack, store, versions, plugins, imports.

    The store is written to and read back; the project is imported, nothing of it is run. All
    problems are told together; the exit code is that of the first error.
    """
    from zenconv.upkeep.checking import CheckOptions, check_everything

    options = CheckOptions(common.plugin_requests, deep=deep, fix=fix)
    findings = check_everything(common.load_settings, options)
    if as_json:
        _print_json(findings)
    else:
        _print(findings)
    return next((finding.exit_code for finding in findings if finding.level == "error"), 0)


def _print(findings: Sequence[Finding]) -> None:
    section = ""
    for finding in findings:
        if finding.section != section:
            section = finding.section
            print_line(style(escape(section), "bold"))
        first, *rest = finding.text.split("\n")
        mark = style(finding.level.ljust(7), _COLOURS[finding.level])
        print_line(f"  {mark}  {escape(finding.subject)}: {escape(first)}")
        for line in rest:
            print_line(" " * 11 + escape(line))
    counts = Counter(finding.level for finding in findings)
    parts = [plural(counts["error"], "error"), plural(counts["warning"], "warning")]
    parts += [f"{counts['fixed']} fixed"] * bool(counts["fixed"])
    print_line(", ".join(parts))


def _print_json(findings: Sequence[Finding]) -> None:
    counts = Counter(finding.level for finding in findings)
    rows = [
        {
            "section": finding.section,
            "subject": finding.subject,
            "level": finding.level,
            "ok": finding.level != "error",
            "text": finding.text,
            "exit_code": finding.exit_code,
        }
        for finding in findings
    ]
    print_json(
        {
            "findings": rows,
            "ok": not counts["error"],
            "errors": counts["error"],
            "warnings": counts["warning"],
            "fixed": counts["fixed"],
        }
    )
