"""Answer a shell that wants to complete a line, with click's machinery: quickly, and silent on errors.

The scripts of the three shells hand over the line up to the cursor in ``_ZENCONV_LINE``; what comes
back is one candidate a line (three lines for zsh). A candidate may come from data: it never holds a
control character, and bash, which pastes it as it is, gets it quoted.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import redirect_stderr
from typing import Any

import click
from click.shell_completion import CompletionItem, ShellComplete, split_arg_string

from zenconv.cli.completion_scripts import SCRIPTS
from zenconv.cli.suggestions import OPEN, suggest_values

VARIABLE = "_ZENCONV_COMPLETE"
LINE = "_ZENCONV_LINE"
BREAKS = "_ZENCONV_BREAKS"

_PLAIN = re.compile(r"[^\w@%+=:,./-]", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def answer_shell(program: click.Group, instruction: str) -> int:
    """Print what a shell asked for by `instruction`, such as ``bash_complete``; return the exit code."""
    shell, _, action = instruction.partition("_")
    complete = _SHELLS.get(shell)
    if complete is None:
        return 1
    answer = complete(program, {}, "zenconv", VARIABLE)
    if action == "source":
        click.echo(answer.source(), nl=False)
        return 0
    try:
        with open(os.devnull, "w") as nowhere, redirect_stderr(nowhere):
            text = answer.complete()
    except BaseException:  # noqa: BLE001 - a message in the middle of a line being typed helps nobody
        return 1
    click.echo(text.encode("utf-8", "ignore"))
    return 0


class _LineComplete(ShellComplete):
    """Takes the line from the environment; `typed` is its last word as it stands there."""

    typed = ""

    def source(self) -> str:
        return SCRIPTS[self.name]

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ.get(LINE)
        if line is None:
            return self._read_click_words()
        start = find_last_word(line)
        self.typed = line[start:]
        words = split_arg_string(line[:start])
        last = split_arg_string(self.typed)
        return words[1:], last[-1] if last else ""

    def _read_click_words(self) -> tuple[list[str], str]:
        """Read what click's own scripts hand over: all words, and the number of the one at the cursor."""
        words = split_arg_string(os.environ.get("COMP_WORDS", ""))
        position = os.environ.get("COMP_CWORD", "")
        if not position.isdecimal():  # fish gives the word itself
            return [word for word in words[1:] if word != position], position
        number = int(position)
        return words[1:number], words[number] if number < len(words) else ""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[Any]]:
        args = place_words(args, incomplete)
        if args:
            command = self.cli.get_command(click.Context(self.cli), args[0])  # type: ignore[attr-defined]
            if command is None:
                return []
            suggest_values(command)
        # click takes `--stack=lo` apart; the shells want the whole word back.
        head = incomplete[: incomplete.find("=") + 1] if incomplete.startswith("--") else ""
        found = super().get_completions(args, incomplete)
        for item in found:
            is_place = item.type in ("file", "dir")
            item.value = incomplete[: incomplete.rfind("=") + 1] if is_place else head + item.value
        return [item for item in found if not _CONTROL.search(item.value)]


class BashComplete(_LineComplete):
    """Bash replaces what stands behind the last ``:`` or ``=`` of a word, and quotes nothing itself."""

    name = "bash"

    def format_completion(self, item: CompletionItem[Any]) -> str:
        if item.type in ("file", "dir"):
            return f"{item.type},"
        kind = OPEN if item.type == OPEN else "plain"
        text = quote_for_bash(item.value, self.typed, os.environ.get(BREAKS, ""))
        return f"{kind},{text}" if text is not None else ""


class ZshComplete(_LineComplete):
    """Zsh quotes what it inserts."""

    name = "zsh"

    def format_completion(self, item: CompletionItem[Any]) -> str:
        value = item.value or "_"
        return f"{item.type}\n{value}\n{_one_line(item.help) or '_'}"


class FishComplete(_LineComplete):
    """Fish quotes what it inserts."""

    name = "fish"

    def format_completion(self, item: CompletionItem[Any]) -> str:
        description = _one_line(item.help)
        return f"{item.type},{item.value}" + (f"\t{description}" if description else "")


_SHELLS: dict[str, type[_LineComplete]] = {
    complete.name: complete for complete in (BashComplete, ZshComplete, FishComplete)
}


def _one_line(text: str | None) -> str:
    return _CONTROL.sub(" ", text or "").strip()[:80]


def place_words(args: Sequence[str], incomplete: str) -> list[str]:
    """Return the complete words with the command first, as `place_command` does for whole lines.

    Nothing, or options that any command takes, may still be followed by a command's name.
    """
    from zenconv.cli.main import COMMON_OPTIONS, option_name, place_command

    position = 0
    while position < len(args) and option_name(args[position]) in COMMON_OPTIONS:
        position += 2 if args[position] in COMMON_OPTIONS else 1
    if position == len(args) and not incomplete.startswith("-"):
        return []
    return place_command(args) if args else ["run"]


def find_last_word(line: str) -> int:
    """Return where the last word of a command line begins; at the end, after a blank."""
    start, quote, is_escaped = 0, "", False
    for position, character in enumerate(line):
        if is_escaped:
            is_escaped = False
        elif character == "\\" and quote != "'":
            is_escaped = True
        elif quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in " \t\n":
            start = position + 1
    return start


def quote_for_bash(value: str, typed: str, breaks: str) -> str | None:
    """Return what bash shall put in place of what it takes for the word at the cursor.

    That word begins behind an opening quote, or behind the last of `breaks`. None where `value` does
    not go on from there, or cannot be written inside the quotes that were begun.
    """
    if typed[:1] in ("'", '"'):
        unsafe = "'" if typed[0] == "'" else '"$`\\!'
        return value if not any(character in value for character in unsafe) else None
    end = max((typed.rfind(character) for character in breaks if character in "=:@"), default=-1) + 1
    begun = "".join(split_arg_string(typed[:end]))
    if not value.startswith(begun):
        return None
    return _PLAIN.sub(r"\\\g<0>", value[len(begun) :])
