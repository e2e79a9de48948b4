"""The packages that ``zenconv plugin new`` writes, as files."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.test_plugin_packages import OFFERED, imports
from zenconv import __version__
from zenconv.errors import UsageError
from zenconv.starting.plugin_packages import KINDS, find_kind, read_name
from zenconv.starting.templates import write_files

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "zenconv" / "starting" / "packages"
LONGEST = "a-long-name-of-thirty-letters1"
KIND_NAMES = [kind.name for kind in KINDS]


def write(folder: Path, kind: str, name: str) -> Path:
    write_files(folder / f"zenconv-{name}", find_kind(kind).files(name))
    return folder / f"zenconv-{name}"


def names_by_kind(*extra: str) -> dict[str, list[str]]:
    return {kind: [f"it-{number}", *extra] for number, kind in enumerate(KIND_NAMES)}


def test_every_folder_of_packages_is_offered_under_its_name() -> None:
    folders = {folder.name for folder in FOLDER.iterdir() if folder.is_dir()}
    assert folders == {"every", *KIND_NAMES, *(name for kind in KINDS for name in kind.shared)}


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_a_package_has_all_that_a_package_needs(kind: str, tmp_path: Path) -> None:
    package = write(tmp_path, kind, "two-words")
    project = tomllib.loads((package / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["name"] == "zenconv-two-words"
    assert project["description"] == f"A plugin of zenconv that {find_kind(kind).description}."
    assert project["dependencies"] == ["zenconv>=" + ".".join(__version__.split(".")[:2])]
    assert project["entry-points"]["zenconv"] == {"two-words": "zenconv_two_words"}
    for file in ("README.md", "zenconv_two_words/__init__.py", "zenconv_two_words/py.typed"):
        assert (package / file).is_file()
    assert (package / "tests" / "test_two_words.py").is_file()


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_nothing_of_the_stand_ins_is_left(kind: str) -> None:
    for file, data in find_kind(kind).files("mine").items():
        assert not re.search(r"(?i:acme)|DESCRIPTION|VERSION", f"{file}\n{data.decode()}")


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_a_package_imports_from_zenconv_only_what_plugins_are_offered(kind: str, tmp_path: Path) -> None:
    names = {name for file in write(tmp_path, kind, "mine").rglob("*.py") for name in imports(file)}
    own = {".".join(name.split(".")[:2]) for name in names if name.partition(".")[0] == "zenconv"}
    assert own <= {*OFFERED}


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_a_package_is_short(kind: str) -> None:
    """A starting point is read before it is edited."""
    files = {path: data.decode() for path, data in find_kind(kind).files("mine").items()}
    code = [text for path, text in files.items() if path.startswith("zenconv_mine/")]
    assert sum(len(text.splitlines()) for text in code) < 350
    if kind == "orchestrator":
        body = files["zenconv_mine/orchestrator.py"].partition("class MineOrchestrator")[2]
        assert len([line for line in body.splitlines() if line.strip()]) <= 60


def test_the_code_of_packages_keeps_to_the_style_of_this_repository_whatever_the_name(tmp_path: Path) -> None:
    ruff = pytest.importorskip("ruff")
    for number, kind in enumerate(KIND_NAMES):
        for name in ("x", LONGEST):
            write(tmp_path / str(number), kind, name)
    tools = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["tool"]
    spared = tools["ruff"]["lint"]["per-file-ignores"]["plugins/**/tests/**"]
    settings = [
        str(REPOSITORY / "pyproject.toml"),
        'lint.isort.known-third-party = ["zenconv"]',
        'lint.isort.known-first-party = ["zenconv_*"]',
        f'lint.extend-per-file-ignores = {{"**/tests/**" = {json.dumps(spared)}}}',
    ]
    style = [word for setting in settings for word in ("--config", setting)]
    for command in (["check", *style], ["format", "--diff", *style[:2]]):
        words = [ruff.find_ruff_bin(), *command, "--no-cache", "-q", "."]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_types_of_packages_hold_strictly(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    packages = [write(tmp_path, kind, f"it-{number}") for number, kind in enumerate(KIND_NAMES)]
    config = ["--config-file", str(REPOSITORY / "pyproject.toml")]
    cache = ["--cache-dir", str(REPOSITORY / ".mypy_cache")]  # of zenconv itself
    files = [str(path) for package in packages for path in package.glob("*/*.py")]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *config, *cache, *files],
        cwd=REPOSITORY,
        env={**os.environ, "MYPYPATH": os.pathsep.join(map(str, packages))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("typed", "name"), [("mlops", "mlops"), ("zenconv-mlops", "mlops"), ("my-2nd-store", "my-2nd-store")]
)
def test_a_name_may_have_the_prefix_of_the_package(typed: str, name: str) -> None:
    assert read_name(typed, ()) == name


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("MLOps", "mlops"),
        ("ml_ops", "ml-ops"),
        ("../x", "x"),
        ("Über mich", "uber-mich"),
        ("2nd", "my-plugin"),
        ("zenconv-", "my-plugin"),
        ("zenconv", "my-plugin"),
        ("", "my-plugin"),
        ("a--b", "a-b"),
        ("-x", "x"),
        ("x" * 31, "x" * 30),
        ("a\nb", "a-b"),
    ],
)
def test_what_is_no_name_is_refused_with_one_that_is(typed: str, hint: str) -> None:
    with pytest.raises(UsageError, match="is no name for a plugin") as caught:
        read_name(typed, ())
    assert repr(hint) in caught.value.hint
    assert read_name(hint, ()) == hint


def test_a_word_of_python_and_a_name_that_is_taken_are_refused() -> None:
    with pytest.raises(UsageError, match="'class' is no name for a plugin: it is a word of Python"):
        read_name("class", ())
    with pytest.raises(UsageError, match="'zenconv-sqlite' is taken"):
        read_name("zenconv-sqlite", ["sqlite"])


def test_a_kind_may_be_typed_with_a_dash_and_a_misspelt_one_gets_a_suggestion() -> None:
    assert find_kind("artifact-store") is find_kind("artifact_store")
    with pytest.raises(UsageError, match="no kind of plugin called 'orchestator'") as caught:
        find_kind("orchestator")
    assert "did you mean 'orchestrator'?" in caught.value.hint
