"""Run the examples of a page.

- A fenced block with a title is a file of the page's project: ``python title="steps_a.py"``.
- A ``console`` block holds commands, after ``$``, and what they print, stdout and stderr. A line
  ``...`` stands for any lines, and ``...`` in a line for anything. Durations, run ids, versions,
  the root and column widths may differ; the header of a run may be left out.
- A ``pycon`` block is a doctest, run in the project's folder.
- A command in a row of a table, such as `zenconv runs`, succeeds; what it prints is not compared.
- ``<!-- environment: fresh -->`` on a page: its commands run in a virtual environment of their own, in
  which ``pip`` and ``pytest`` are programs, too. See `tests/test_installed.py`.
- ``<!-- project: new -->`` begins an empty project, ``<!-- project: example_project -->`` a copy
  of that folder; ``<!-- not run: why -->`` leaves out the next block.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import attrs

from tests.end_to_end.conftest import REPOSITORY, make_environment
from tests.fresh_environment import FreshEnvironment

_BLOCK = re.compile(
    r'^(?P<indent> *)```(?P<language>\w*)(?: title="(?P<title>[^"]+)")?[^\n]*\n(?P<text>.*?)^(?P=indent)```$'
    r"|^\|(?P<row>[^\n]*`zenconv [^\n]*)\|$"
    r"|<!-- project: (?P<project>[\w-]+) -->"
    r"|<!-- not run: (?P<reason>[^>]*) -->",
    re.MULTILINE | re.DOTALL,
)
_RUN_LANGUAGES = ("console", "pycon")
_IN_FRESH_ENVIRONMENT = "<!-- environment: fresh -->"


@attrs.frozen
class Piece:
    """One thing to do, in the order of the page."""

    kind: str
    text: str
    line: int
    title: str = ""


def needs_fresh_environment(page: Path) -> bool:
    """Return whether the commands of a page install something."""
    return _IN_FRESH_ENVIRONMENT in page.read_text("utf-8")


def read_pieces(page: Path) -> list[Piece]:
    """Return what there is to run on a page."""
    source = page.read_text("utf-8")
    pieces: list[Piece] = []
    is_left_out = False
    for match in _BLOCK.finditer(source):
        line = source.count("\n", 0, match.start()) + 1
        if match["project"]:
            pieces.append(Piece("project", match["project"], line))
        elif match["reason"]:
            is_left_out = True
        elif is_left_out:
            is_left_out = False
        elif match["row"]:
            commands = re.findall(r"`(zenconv [^`]+)`", match["row"])
            pieces.append(Piece("row", "\n".join(commands), line))
        elif match["title"]:
            pieces.append(Piece("file", _dedent(match), line, match["title"]))
        elif match["language"] in _RUN_LANGUAGES:
            pieces.append(Piece(match["language"], _dedent(match), line))
    return pieces


def _dedent(match: re.Match[str]) -> str:
    indent = match["indent"]
    return "".join(line.removeprefix(indent) for line in match["text"].splitlines(keepends=True))


class Reader:
    """Does what a page says, in a folder of its own, and in an environment of its own if there is one."""

    def __init__(self, page: Path, folder: Path, fresh: FreshEnvironment | None = None) -> None:
        self.page = page
        self.fresh = fresh
        self.folder = folder
        self.project = folder / "project0"
        self.project.mkdir(parents=True)
        self.count = 0
        self.programs = make_programs(folder / "bin", fresh)

    def do(self, piece: Piece) -> None:
        """Do one thing. Raises `AssertionError` where the page is not true."""
        {
            "project": self.begin_project,
            "file": self.write_file,
            "console": self.run_commands,
            "row": self.run_row,
            "pycon": self.run_doctest,
        }[piece.kind](piece)

    def begin_project(self, piece: Piece) -> None:
        self.count += 1
        self.project = self.folder / f"project{self.count}"
        if piece.text == "new":
            self.project.mkdir()
        else:
            left = shutil.ignore_patterns(".zenconv", "__pycache__", "team_store")
            shutil.copytree(REPOSITORY / piece.text, self.project, ignore=left)

    def write_file(self, piece: Piece) -> None:
        path = self.project / piece.title
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(piece.text, "utf-8")

    def run_commands(self, piece: Piece) -> None:
        for command, expected in split_commands(piece.text):
            printed = self.call(["bash", "-c", command])
            problem = compare(expected, printed) if expected else ""
            assert not problem, (
                f"{self.where(piece)}: $ {command}\n{problem}\n--- it really prints\n{printed}"
            )

    def run_row(self, piece: Piece) -> None:
        for command in piece.text.splitlines():
            printed = self.call(["bash", "-c", f'{command} || echo "exit code $?"'])
            assert "exit code" not in printed, f"{self.where(piece)}: {command}\n{printed}"

    def run_doctest(self, piece: Piece) -> None:
        script = (
            "import doctest, sys\n"
            "flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE\n"
            "test = doctest.DocTestParser().get_doctest(sys.stdin.read(), {}, 'page', None, 0)\n"
            "sys.exit(bool(doctest.DocTestRunner(optionflags=flags).run(test).failed))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], input=piece.text, cwd=self.project, env=self.environment(),
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{self.where(piece)}\n{done.stdout}{done.stderr}"

    def call(self, command: list[str]) -> str:
        done = subprocess.run(
            command, cwd=self.project, env=self.environment(), stdin=subprocess.DEVNULL, timeout=120,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
        )  # fmt: skip
        return done.stdout

    def environment(self) -> dict[str, str]:
        if self.fresh is not None:
            environment = {**self.fresh.environment(), "ZENCONV_HOME": str(self.folder / "home")}
        else:
            environment = make_environment(self.folder / "home", NO_COLOR="1")
        return {**environment, "PATH": f"{self.programs}:{environment['PATH']}"}

    def where(self, piece: Piece) -> str:
        return f"{self.page.relative_to(REPOSITORY)}:{piece.line}"


def make_programs(folder: Path, fresh: FreshEnvironment | None = None) -> Path:
    """Write a ``zenconv`` and a ``python`` of this very interpreter, or of another; return their folder.

    What installs, or tests what is installed, is a program only where nothing is spoilt by it.
    """
    folder.mkdir()
    interpreter = sys.executable if fresh is None else fresh.python
    programs = {"zenconv": " -m zenconv", "python": ""}
    if fresh is not None:
        programs |= {"pip": " -m pip", "pytest": " -m pytest -p no:cacheprovider"}
    for name, arguments in programs.items():
        program = folder / name
        program.write_text(f'#!/bin/sh\nexec "{interpreter}"{arguments} "$@"\n', "ascii")
        program.chmod(0o755)
    return folder


def split_commands(text: str) -> list[tuple[str, list[str]]]:
    """Return each command with the lines it is said to print."""
    commands: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            commands.append((line[2:], []))
        else:
            commands[-1][1].append(line)
    return commands


_HEADER = "HEADER"
_VARYING = (
    (re.compile(r"^zenconv \S+ -- Python \S+, root \S+, stack (?=\S)"), f"{_HEADER} "),
    (re.compile(r"\b\d+-[0-9a-f]{6}\b"), "RUN"),
    (re.compile(r"\b(just now|\d+ \w+ ago) \(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\)"), "TIME"),
    (re.compile(r"\b\d+(\.\d+)? (us|ms|s|min)\b"), "TOOK"),
    (re.compile(r"\b\d+(\.\d+)? (B|kB|MB|GB)\b"), "SIZE"),
    (re.compile(r"\s+"), " "),
)


def normalise(line: str) -> str:
    for pattern, word in _VARYING:
        line = pattern.sub(word, line)
    return line.strip()


def compare(expected: list[str], printed: str) -> str:
    """Return how `printed` differs from what the page says, or nothing."""
    any_lines = r"(?:[^\n]*\n)*"
    wanted = [normalise(line) for line in expected if line.strip()]
    lines = [normalise(line) for line in printed.splitlines() if line.strip()]
    if not any(line.startswith(_HEADER) for line in wanted):
        lines = [line for line in lines if not line.startswith(_HEADER)]
    pattern = "".join(any_lines if line == "..." else _line_pattern(line) for line in wanted)
    if re.fullmatch(pattern, "".join(f"{line}\n" for line in lines)):
        return ""
    missing = [line for line in wanted if line not in lines and line != "..."]
    return "--- the page says, and it is not printed\n" + "\n".join(missing or wanted)


def _line_pattern(line: str) -> str:
    return r"[^\n]*".join(map(re.escape, line.split("..."))) + r"\n"
