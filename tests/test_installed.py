"""zenconv and plugins as they are installed at a user's: from wheels, in an environment of their own.

All of it is in one file, so that the environment is made once.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documentation import Reader, needs_fresh_environment, read_pieces
from tests.fresh_environment import REPOSITORY, FreshEnvironment
from tests.test_documentation import PAGES, name_of
from zenconv.starting.plugin_packages import KINDS

NAMES = {kind.name: f"mine-{number}" for number, kind in enumerate(KINDS)}
"""What the new plugin of each kind is called here."""

_QUICK = "not process and not killed and not at_once and not big"
TRIED = {
    "orchestrator": "chain or ends_its_process or Ctrl or many_steps or side_by_side or option",
    **dict.fromkeys(["model_registry", "tuner", "deployer"], _QUICK),
}
"""The part of a suite that is run here where all of it would take long: what rests on the plugin most."""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> FreshEnvironment:
    pytest.importorskip("hatchling")
    pytest.importorskip("pip")
    return FreshEnvironment(tmp_path_factory.mktemp("installed"))


@pytest.fixture(scope="module")
def packages(environment: FreshEnvironment) -> dict[str, Path]:
    """A new plugin of each kind, written by the installed program and installed."""
    for kind, name in NAMES.items():
        environment.zenconv("plugin", "new", name, "--kind", kind)
    made = {kind: environment.folder / f"zenconv-{name}" for kind, name in NAMES.items()}
    environment.install(*made.values())
    return made


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "steps_a.py").write_text("def one() -> int:\n    return 1\n", "utf-8")
    return folder


def test_the_wheel_holds_the_package_its_licence_and_nothing_else(environment: FreshEnvironment) -> None:
    names = set(zipfile.ZipFile(environment.wheel).namelist())
    own = {name for name in names if name.startswith("zenconv/")}
    assert own == set(list_sources())
    assert {"zenconv/py.typed", "zenconv/starting/templates/minimal/zenconv.toml.txt"} < own
    assert {"zenconv/starting/packages/every/pyproject.toml.txt"} < own
    described = {name.partition("/")[2] for name in names - own}
    assert described == {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}


def list_sources() -> Iterator[str]:
    for file in (REPOSITORY / "zenconv").rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            yield file.relative_to(REPOSITORY).as_posix()


def test_the_installed_program_begins_a_project_and_runs_it(
    environment: FreshEnvironment, tmp_path: Path
) -> None:
    place = environment.ask("import zenconv; print(zenconv.__file__)")
    assert Path(place).is_relative_to(environment.folder / "venv")
    assert "Usage: zenconv" in environment.zenconv("--help", cwd=tmp_path).stdout
    environment.zenconv("init", "begun", cwd=tmp_path)
    assert " ran in " in environment.zenconv("run", "-q", cwd=tmp_path / "begun").stdout
    again = environment.zenconv("run", "-q", cwd=tmp_path / "begun").stdout
    assert " reused in " in again
    assert " ran" not in again
    assert environment.zenconv("get", "metrics", cwd=tmp_path / "begun").stdout


def test_a_plugin_that_is_installed_takes_part_in_a_run(environment: FreshEnvironment, project: Path) -> None:
    assert (
        "No such option" in environment.zenconv("run", "--trace", "t.json", cwd=project, check=False).stderr
    )
    environment.install(REPOSITORY / "plugins" / "zenconv-trace")
    environment.zenconv("run", "--trace", "t.json", cwd=project)
    events = json.loads((project / "t.json").read_text("utf-8"))
    assert "steps_a.py::one" in [event["name"] for event in events]


def test_new_plugins_are_installed_and_listed_with_what_they_offer(
    environment: FreshEnvironment, packages: dict[str, Path]
) -> None:
    listed = json.loads(environment.zenconv("plugins", "--json").stdout)["plugins"]
    found = {plugin["name"]: plugin for plugin in listed}
    for kind, name in NAMES.items():
        assert found[name]["origin"] == f"zenconv-{name} 0.1.0"
        offered = {component["kind"] for component in found[name]["components"]}
        offered |= {"materializer"} if found[name]["materializers"] else set()
        assert offered == ({kind} - {"hooks"})
    assert found[NAMES["hooks"]]["options"] == [f"--{NAMES['hooks']}"]


@pytest.mark.parametrize("kind", NAMES)
def test_a_new_plugin_passes_its_suite(
    environment: FreshEnvironment, packages: dict[str, Path], kind: str
) -> None:
    chosen = ["-k", TRIED[kind]] if kind in TRIED else []
    words = ["-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen]
    shown = environment.run(*words, cwd=packages[kind]).stdout
    assert " passed" in shown
    assert "skipped" not in shown or kind == "metadata_store"  # which keeps nothing that could be damaged


def test_a_new_plugin_takes_part_in_a_run(
    environment: FreshEnvironment, packages: dict[str, Path], project: Path
) -> None:
    stack = [
        f'orchestrator = "{NAMES["orchestrator"]}"',
        f'artifact_store = {{id = "{NAMES["artifact_store"]}", path = "blobs"}}',
        f'action_cache = {{id = "{NAMES["action_cache"]}", path = "actions"}}',
        f'metadata_store = "{NAMES["metadata_store"]}"',
        'trust = {mode = "local"}',
    ]
    (project / "zenconv.toml").write_text("\n".join(["[stacks.local]", *stack]), "utf-8")
    steps = "from array import array\n\ndef one():\n    return array('d', range(1000))\n"
    (project / "steps_a.py").write_text(f"{steps}\ndef two(one):\n    return sum(one)\n", "utf-8")
    flag = f"--{NAMES['hooks']}"
    environment.zenconv("run", flag, "runs.jsonl", cwd=project)
    again = environment.zenconv("run", "-q", flag, "runs.jsonl", cwd=project).stdout
    assert "2 reused in " in again
    counts = [json.loads(line)["counts"] for line in (project / "runs.jsonl").read_text("utf-8").splitlines()]
    assert counts == [{"succeeded": 2}, {"reused": 2}]
    stored = json.loads(environment.zenconv("get", "one", "--json", cwd=project).stdout)["outputs"][""]
    assert stored["materializer"] == f"{NAMES['materializer']}/1"
    assert list((project / "blobs").rglob("*"))


IDLE = """
import os, signal, time
from pathlib import Path

import zenconv

@zenconv.helper
def meet(mine, other):
    Path(mine).touch()
    while not Path(other).exists():
        time.sleep(0.01)
    return os.getpid()

def left():
    return meet("l", "r")

def right():
    return meet("r", "l")

def kills_the_other(left, right) -> None:
    [other] = {left, right} - {os.getpid()}
    os.kill(other, signal.SIGKILL)
    try:
        while True:
            os.kill(other, 0)
            time.sleep(0.01)
    except ProcessLookupError:
        return

def again(kills_the_other):
    return 1

def beside(kills_the_other):
    return 2
"""


def test_a_worker_of_a_new_orchestrator_that_dies_while_it_is_idle_is_replaced(
    environment: FreshEnvironment, packages: dict[str, Path], project: Path
) -> None:
    settings = f'[stacks.local]\norchestrator = "{NAMES["orchestrator"]}"\n'
    (project / "zenconv.toml").write_text(settings, "utf-8")
    (project / "steps_a.py").write_text(IDLE, "utf-8")
    assert "5 ran in " in environment.zenconv("run", "-q", cwd=project).stdout


@pytest.mark.parametrize("page", [page for page in PAGES if needs_fresh_environment(page)], ids=name_of)
def test_the_examples_of_a_page_that_installs_something_run(
    environment: FreshEnvironment, tmp_path: Path, page: Path
) -> None:
    reader = Reader(page, tmp_path, environment)
    for piece in read_pieces(page):
        reader.do(piece)
