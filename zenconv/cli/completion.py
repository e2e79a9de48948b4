"""``zenconv completion``: the script that lets a shell complete commands, steps, runs and parameters."""

from __future__ import annotations

import click

from zenconv.cli.completion_scripts import SCRIPTS
from zenconv.cli.output import print_line

_INSTALL = """On TAB your shell completes commands, options, steps, runs, stacks and parameters, once its
start-up file says so:

  bash  ~/.bashrc                    eval "$(zenconv completion bash)"
  zsh   ~/.zshrc, behind compinit    eval "$(zenconv completion zsh)"
  fish  ~/.config/fish/config.fish   zenconv completion fish | source"""


@click.command()
@click.argument("shell", required=False, type=click.Choice(list(SCRIPTS)))
def command(shell: str | None) -> None:
    """Print the script that switches completion on in SHELL; without it, where that belongs."""
    if shell is None:
        print_line(_INSTALL)
    else:
        click.echo(SCRIPTS[shell], nl=False)
