"""What a shell is offered, asked as its script asks: without importing the project, silent on errors."""

from __future__ import annotations

import subprocess

import click
import pytest

from tests.test_modules import HEAVY_DATA
from zenconv.cli import completing, suggestions
from zenconv.cli.main import COMMANDS, program

FILES = {
    "zenconv.toml": """
        markers = ["slow: takes minutes"]
        [params]
        csv = "data.csv"
        [params.training]
        C = 0.5
        [stacks.production]
        artifact_store = "store"
        """,
    "data.csv": "1\n2\n",
    "steps_training.py": """
        from pathlib import Path
        from typing import Annotated

        def raw(csv: Path) -> list[int]:
            "Read the numbers."
            return [int(line) for line in csv.read_text().split()]

        Parts = tuple[Annotated[list, "train"], Annotated[list, "test"]]

        def split(raw: list[int], share: float = 0.5) -> Parts:
            return raw[:1], raw[1:]

        def model(train: list, C: float, quick: bool = False) -> float:
            return sum(train) * C
        """,
    "eu/steps_scoring.py": "def raw() -> int: return 1\ndef scores(raw, model): return raw * model\n",
}
BREAKS = " \t\n\"'@><=;|&(:"


@pytest.fixture
def offer(monkeypatch, capfd):
    """Return what a shell gets for a line typed in a project, each without its kind."""

    def ask(it, line: str, shell: str = "bash") -> list[str]:
        monkeypatch.chdir(it.path)
        for name, value in (("LINE", line), ("BREAKS", BREAKS), ("COMPLETE", f"{shell}_complete")):
            monkeypatch.setenv(f"_ZENCONV_{name}", value)
        capfd.readouterr()
        completing.answer_shell(program, f"{shell}_complete")
        printed = capfd.readouterr()
        assert printed.err == ""
        lines = [text for text in printed.out.split("\n") if text]
        if shell == "zsh":
            return lines[1::3]
        return [text.partition(",")[2].partition("\t")[0] for text in lines]

    return ask


@pytest.fixture
def trained(project):
    it = project(FILES)
    it.run("run")
    return it


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("zenconv r", ["run", "runs"]),
        ("zenconv -C . expl", ["explain"]),
        ("zenconv run --du", ["--durations", "--durations-min"]),
        ("zenconv --dur", ["--durations", "--durations-min"]),
        ("zenconv run mo", ["model"]),
        ("zenconv -x mo", ["model"]),
        ("zenconv run e", ["eu/scoring", "eu/scoring::raw", "eu/steps_scoring.py", "eu/steps_scoring.py::"]),
        ("zenconv run training::r", ["raw"]),
        ("zenconv run steps_training.py::s", ["split"]),
        ("zenconv run eu/scoring::", ["raw", "scores"]),
        ("zenconv get split.t", ["split.train", "split.test"]),
        ("zenconv get training::split.te", ["split.test"]),
        ("zenconv run --force sc", ["scores"]),
        ("zenconv run -k 'raw or sc", ["raw or scores", "raw or scoring"]),
        ("zenconv run -m sl", ["slow"]),
        ("zenconv run --set q", ["quick="]),
        ("zenconv run --set quick=", ["true", "false"] ),
        ("zenconv run --set share=", ["0.5"]),
        ("zenconv run --set model.C", ["model.C="]),
        ("zenconv run --set training.C", ["training.C="]),
        ("zenconv run --set=sh", ["share="]),
        ("zenconv run --set csv=da", [""]),
        ("zenconv --stack p", ["production"]),
        ("zenconv runs --stack=p", ["production"]),
        ("zenconv stack t", ["trust"]),
        ("zenconv cache p", ["push", "pull"]),
        ("zenconv cache push p", ["production", ""]),
        ("zenconv cache pull production mod", ["model"]),
        ("zenconv stack trust p", ["production"]),
        ("zenconv runs t", ["training"]),
        ("zenconv show la", ["latest", "last"]),
        ("zenconv shell last::mo", ["model"]),
        ("zenconv shell latest::training::ra", ["raw"]),
        ("zenconv shell nothing::mo", []),
        ("zenconv show latest mo", ["model"]),
        ("zenconv get --run la", ["latest", "last"]),
        ("zenconv init -t s", ["sklearn"]),
        ("zenconv plugin n", ["new"]),
        ("zenconv plugin new x --kind or", ["orchestrator"]),
        ("zenconv completion z", ["zsh"]),
        ("zenconv run -n a", ["auto"]),
        ("zenconv run -p no", ["no:"]),
        ("zenconv nothing m", []),
        ("zenconv run model 'unfinished", []),
    ],
)  # fmt: skip
def test_what_is_offered(trained_once, line, offered, offer):
    assert offer(trained_once, line) == offered


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory):
    from tests.end_to_end.conftest import ProjectOnDisk

    folder = tmp_path_factory.mktemp("trained")
    it = ProjectOnDisk(folder / "project", folder / "home")
    it.path.mkdir()
    it.write(FILES)
    it.run("run")
    return it


def test_run_ids_are_offered_the_newest_first(trained, offer):
    trained.run("run")
    runs = [run["id"] for run in trained.json("runs")["runs"]]
    assert offer(trained, "zenconv show ")[-2:] == runs
    assert offer(trained, "zenconv logs 1") == runs[1:]
    assert offer(trained, "zenconv graph 2") == runs[:1]


def test_zsh_and_fish_get_whole_words_with_a_description(trained, offer):
    assert offer(trained, "zenconv run training::r", "zsh") == ["training::raw"]
    assert offer(trained, "zenconv runs --stack=p", "zsh") == ["--stack=production"]
    env = {"_ZENCONV_COMPLETE": "fish_complete", "_ZENCONV_LINE": "zenconv run training::r"}
    assert trained.run(env=env).stdout == "plain,training::raw\tRead the numbers.\n"


def test_a_step_written_a_moment_ago_is_offered_and_one_that_is_gone_is_not(trained, offer):
    trained.append(
        "steps_training.py",
        "\n@helper\ndef newer(model): ...\ndef newest(model, depth): ...\ndef _no(): ...\n",
    )
    assert offer(trained, "zenconv run new") == ["newest"]
    assert offer(trained, "zenconv run --set de") == ["depth="]
    trained.edit("steps_training.py", "def split(", "def cut(")
    assert offer(trained, "zenconv run sp") == []
    (trained.path / "eu/steps_scoring.py").unlink()
    assert offer(trained, "zenconv run sco") == []


def test_a_project_that_never_ran_is_completed_from_its_syntax(project, offer):
    it = project(
        {"steps_a.py": "def one(): ...\n", "zenconf.py": "def shared(one): ...\n", "steps_b.py": "def ("}
    )
    assert offer(it, "zenconv run ") == ["a", "b", "one", "a::shared", "b::shared"]
    assert not (it.path / ".zenconv").exists()


def test_branches_of_a_fan_out_are_offered_and_quoted_for_bash(project, offer):
    it = project({"steps_a.py": "import zenconv\n@zenconv.parametrize('C', [1, 2])\ndef m(C): return C\n"})
    it.run("run")
    assert offer(it, "zenconv run m") == [r"m\[C=1\]", r"m\[C=2\]"]
    assert offer(it, r"zenconv run m\[C=") == [r"1\]", r"2\]"]
    assert offer(it, "zenconv run 'm[C=", "zsh") == ["m[C=1]", "m[C=2]"]


def test_nothing_of_the_project_is_imported_and_no_data_library(trained):
    trained.append("steps_training.py", "\nimport numpy\nopen('IMPORTED', 'w')\n")
    code = """
        import sys
        from zenconv.cli.main import main
        try:
            main()
        finally:
            print("LOADED", *sys.modules)
    """
    for line in ("zenconv run ", "zenconv run --set ", "zenconv show ", "zenconv --stack ", "zenconv "):
        env = {"_ZENCONV_COMPLETE": "bash_complete", "_ZENCONV_LINE": line}
        loaded = set(trained.python(code, env=env, check=False).stdout.rpartition("LOADED ")[2].split())
        assert "click" in loaded
        assert loaded & (HEAVY_DATA | {"steps_training", "sqlite3", "asyncio", "pluggy"}) == set()
    assert not (trained.path / "IMPORTED").exists()


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"zenconv.toml": "broken = [", "steps_a.py": "def one(): ..."},
        {"steps_a.py": b"\xff\x00"},
        {"steps_a.py": "def one(): ...", ".zenconv/collection/x.json": b"\x00\nnot\nan\nindex"},
        {"steps_a.py": "def one(): ...", ".zenconv/collection/x.json": 'a\nb\n{"nodes": 3}\n{"steps": []}'},
        {"steps_a.py": "def one(): ...", ".zenconv/collection": "a file"},
        {"steps_a.py": "def one(): ...", ".zenconv/runs": "a file"},
    ],
    ids=["no project", "broken settings", "no text", "no index", "wrong index", "no folder", "no runs"],
)  # fmt: skip
def test_mistakes_are_silent(project, files, offer):
    it = project(files)
    for line in (
        "zenconv run ",
        "zenconv run --set x=",
        "zenconv show ",
        "zenconv show 1 ",
        "zenconv --stack ",
    ):
        offer(it, line)
    expected = ["a", "one"] if b"one" in str(files).encode() else []
    assert offer(it, "zenconv run ")[:2] == expected


@pytest.mark.parametrize(
    "name", ["$(touch PWNED)", "`touch PWNED`", "a;touch PWNED", "a\nb", "a'b", 'a"b', "a\\b", "a b"]
)
def test_a_hostile_name_cannot_leave_its_word_in_bash(project, name, offer):
    it = project({f"{name}/steps_a.py": "def one(): ...\n"})
    for line, quote in (("zenconv run ", ""), ("zenconv run '", "'"), ('zenconv run "', '"')):
        for word in offer(it, line):
            script = f"printf '%s|' {quote}{word}{quote}"
            done = subprocess.run(["bash", "-c", script], cwd=it.path, capture_output=True, check=False)
            assert done.stdout.count(b"|") == 1
            assert b"\n" not in done.stdout
    assert not (it.path / "PWNED").exists()


def test_completion_is_quick(trained):
    env = {"_ZENCONV_COMPLETE": "bash_complete", "_ZENCONV_LINE": "zenconv run mo"}
    code = """
        import sys, time
        from zenconv.cli.main import main
        try:
            main()
        finally:
            sys.stderr.write(str(time.process_time()))
    """
    used = [float(trained.python(code, env=env, check=False).stderr) for _ in range(3)]
    assert min(used) < 0.4  # seconds of CPU; 0.1 on a machine that does nothing else


# What the help calls a value that only a person knows: a number, a time, a name for something new.
FREE = {"N", "TIME", "SECONDS", "SIZE", "[AMOUNT]", "AGE", "MODULE:CLASS", "PERCENT", "TEXT", "CODE"}


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_parameter_that_takes_a_value_offers_some_or_is_free(name):
    command = program.get_command(click.Context(program), name)
    assert command is not None
    silent = [
        parameter.name
        for parameter in command.params
        if not (isinstance(parameter, click.Option) and (parameter.is_flag or parameter.count))
        and not isinstance(parameter.type, click.Choice | click.Path | suggestions.Suggested)
        and suggestions.find_suggestion(parameter) is None
        and not isinstance(parameter.type, click.types.IntParamType | click.types.FloatParamType)
        and parameter.metavar not in FREE
    ]
    assert silent == []


@pytest.mark.parametrize(
    ("line", "start"),
    [
        ("zenconv ru", 8),
        ("zenconv ", 8),
        ("a 'b c", 2),
        ("a b\\ c", 2),
        ('a "b\\" c', 2),
        ("a 'b' c", 6),
        ("", 0),
    ],
)
def test_the_last_word_of_a_line_is_found(line, start):
    assert completing.find_last_word(line) == start


def test_the_scripts_are_printed_and_where_they_belong(project):
    it = project({"steps_a.py": "def one(): ...\n"})
    for shell in ("bash", "zsh", "fish"):
        script = it.run("completion", shell).stdout
        assert f"_ZENCONV_COMPLETE={shell}_complete" in script
        assert it.run(env={"_ZENCONV_COMPLETE": f"{shell}_source"}).stdout == script
        assert f"zenconv completion {shell}" in it.run("completion").stdout
    assert "is not one of" in it.run("completion", "tcsh", check=4).stderr
