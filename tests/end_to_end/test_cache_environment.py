"""W6 for everything around the code: parameters, files, fixtures, packages, places and Pythons."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.conftest import make_environment

PARAMETERS = {
    "pyproject.toml": """
        [tool.zenconv]
        params = {rate = 0.5, depth = 3, "b.limit" = 7}

        [tool.zenconv.stacks.big]
        params = {depth = 30}
    """,
    "steps_a.py": """
        def with_rate(rate: float) -> float:
            return rate * 2

        def with_depth(depth: int, width: int = 2) -> int:
            return depth * width

        def with_flag(flag: bool = False, names: list[str] = ["x"]) -> str:
            return f"{flag}{names}"

        def total(with_rate, with_depth) -> float:
            return with_rate + with_depth
    """,
    "steps_b.py": """
        def limited(limit: int) -> int:
            return limit
    """,
}


def run(it, *args: str, **options) -> list[str]:
    """Run and return what was executed; the plan made before must agree with it."""
    planned = it.json("run", "--plan", *args, **options)["nodes"]
    it.run("run", *args, **options)
    statuses = it.statuses()
    allowed = {"reuse": {"reused"}, "run": {"succeeded"}, "maybe": {"reused", "succeeded"}}
    for node in planned:
        file, _, step = node["id"].partition("::")
        name = f"{Path(file).parent / Path(file).stem.removeprefix('steps_')}::{step}"
        assert statuses[name] in allowed[node["action"]], (name, node["action"], statuses[name])
    return it.executed()


def test_parameters_from_every_place(project) -> None:
    it = project(PARAMETERS)
    run(it)
    assert run(it, "--set", "rate=0.25") == ["a::total", "a::with_rate"]
    assert it.reasons()["a::with_rate"] == "rate: 0.5 -> 0.25"
    assert run(it) == []
    it.edit("pyproject.toml", "rate = 0.5", "rate = 0.25")
    assert run(it) == []
    it.edit("pyproject.toml", "rate = 0.25", "rate = 5e-1 ")
    assert run(it) == []
    assert run(it, "--set", "depth=4", "--set", "width=1") == ["a::total", "a::with_depth"]
    assert run(it, "--set", "depth=4", "--set", "width=1") == []
    assert run(it, "--set", "depth=2", "--set", "width=2") == ["a::with_depth"]  # 4 again: an early cut-off
    assert run(it, "--stack", "big") == ["a::total", "a::with_depth"]
    assert it.value("with_depth", run="last") == 60
    assert run(it, "--set", "b.limit=8") == ["b::limited"]
    assert run(it, "--set", "limit=8", "b") == []
    assert run(it, "--set", "flag=true") == ["a::with_flag"]
    assert run(it, "--set", "names=[x]") == []
    assert run(it, "--set", "names=[x, y]") == ["a::with_flag"]


FILES = {
    "pyproject.toml": '[tool.zenconv]\nparams = {table = "data/in.csv", folder = "data/parts"}\n',
    "data/in.csv": "a,b\n1,2\n",
    "data/parts/one.txt": "one",
    "data/parts/deep/two.txt": "two",
    "steps_a.py": """
        from pathlib import Path

        def rows(table: Path) -> int:
            return len(table.read_text().splitlines())

        def as_text(table: str) -> str:
            return open(table).read()

        def names(folder: Path) -> list[str]:
            return sorted(p.read_text() for p in folder.rglob("*.txt"))

        def after(rows) -> int:
            return rows * 2
    """,
}


def test_input_files_and_folders(project) -> None:
    it = project(FILES)
    run(it)
    os.utime(it.path / "data/in.csv", (5, 5))
    assert run(it) == []
    it.write({"data/in.csv": "a,b\n3,4\n"})
    assert run(it) == ["a::as_text", "a::rows"]
    assert "data/in.csv" in it.reasons()["a::rows"] or "in.csv" in it.reasons()["a::rows"]
    stat = (it.path / "data/in.csv").stat()
    it.write({"data/in.csv": "a,b\n5,6\n"})  # same size, same time
    os.utime(it.path / "data/in.csv", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert run(it) == ["a::as_text", "a::rows"]
    it.write({"data/parts/deep/three.txt": "three"})
    assert run(it) == ["a::names"]
    (it.path / "data/parts/deep/three.txt").rename(it.path / "data/parts/deep/four.txt")
    assert run(it) == ["a::names"]
    it.write({"data/parts/one.txt": "eins"})
    assert run(it) == ["a::names"]
    (it.path / "data/parts/deep/four.txt").unlink()
    it.write({"data/parts/one.txt": "one", "data/in.csv": "a,b\n1,2\n"})
    assert run(it) == []
    shutil.copy(it.path / "data/in.csv", it.path / "data/same.csv")
    assert run(it, "--set", "table=data/same.csv") in ([], ["a::as_text", "a::rows"])


FIXTURES = {
    "zenconf.py": """
        import zenconv
        from clients import Client

        @zenconv.fixture(scope="run")
        def client(url: str = "db://one"):
            yield Client(url)

        @zenconv.fixture
        def scaled(client, factor: int = 2):
            return client.value() * factor

        def summary(raw) -> str:
            return f"{len(raw)}"
    """,
    "clients.py": """
        class Client:
            def __init__(self, url):
                self.url = url

            def value(self):
                return 5
    """,
    "steps_a.py": """
        def raw(scaled) -> list[int]:
            return [scaled]

        def plain() -> int:
            return 1

        def report(summary, plain) -> str:
            return summary
    """,
    "steps_b.py": """
        def raw() -> list[int]:
            return [1, 2]

        def report(summary) -> str:
            return summary
    """,
}


def test_fixtures_and_templates(project) -> None:
    it = project(FIXTURES)
    run(it)
    it.edit("clients.py", "return 5", "return 6")
    assert run(it) == ["a::raw", "a::summary"]
    assert it.reasons()["a::raw"].startswith("clients.Client changed, clients.py:")
    assert run(it, "--set", "factor=3") == ["a::raw", "a::summary"]
    it.edit("zenconf.py", "factor: int = 2", "factor: int = 3")
    assert run(it) == ["a::raw"]  # the default is written in the code; its result is known
    it.edit("zenconf.py", "factor: int = 3", "factor: int = 2")
    it.edit("zenconf.py", "yield Client(url)", "yield Client(url)  # opened")
    assert run(it) == []
    it.edit("zenconf.py", 'f"{len(raw)}"', 'f"{len(raw)}!"')
    assert run(it) == ["a::report", "a::summary", "b::report", "b::summary"]
    it.edit("zenconf.py", "db://one", "db://two")
    assert run(it) == ["a::raw"]


OPTIONS = {
    "extra.py": "def hidden():\n    return 1\n\ndef other():\n    return 1\n",
    "steps_a.py": """
        from typing import Annotated
        import os
        import zenconv
        from extra import hidden

        def plain(x: int = 1) -> int:
            return x

        @zenconv.step(version="1", also=[hidden], env=["COUNTRY_OF_A_TEST"])
        def declared() -> str:
            return os.environ.get("COUNTRY_OF_A_TEST", "none")

        def pair(plain) -> tuple[Annotated[int, "low"], Annotated[int, "high"]]:
            return plain, 10

        def use_low(low) -> int:
            return low

        def use_high(high) -> int:
            return high

        def use_both(pair) -> int:
            return sum(pair)
    """,
}


def test_options_and_outputs(project) -> None:
    it = project(OPTIONS)
    run(it)
    it.edit("steps_a.py", "def plain", "@zenconv.mark.refresh('1d')\ndef plain")
    assert run(it) == []
    assert run(it, "--set", "x=2") == ["a::pair", "a::plain", "a::use_both", "a::use_low"]
    it.edit("steps_a.py", "return plain, 10", "return plain, 11")
    assert run(it) == ["a::pair", "a::use_both", "a::use_high"]
    it.edit("steps_a.py", 'version="1"', 'version="2"')
    assert run(it) == ["a::declared"]
    assert "version" in it.reasons()["a::declared"]
    it.edit("extra.py", "def hidden():\n    return 1", "def hidden():\n    return 2")
    assert run(it) == ["a::declared"]
    assert it.reasons()["a::declared"] == "extra.hidden changed, extra.py:1"
    assert run(it, env={"COUNTRY_OF_A_TEST": "FR"}) == ["a::declared"]
    assert "COUNTRY_OF_A_TEST" in it.reasons()["a::declared"]
    assert run(it, env={"COUNTRY_OF_A_TEST": "FR"}) == []
    assert run(it) == []
    it.edit("extra.py", "def other", "def another")
    it.edit("steps_a.py", "def use_high(high) -> int:", "def use_high(high) -> 'int':")
    assert run(it) in ([], ["a::use_high"])


def make_package(
    folder: Path, version: str, *, requires: str = "", name: str = "thinlib", code: str = "K = 1\n"
) -> None:
    """Install a package by hand, with or without new code."""
    for old in folder.glob(f"{name}-*.dist-info"):
        shutil.rmtree(old)
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (folder / name).mkdir(exist_ok=True)
    (folder / name / "__init__.py").write_text(code)
    needed = f"Requires-Dist: {requires}\n" if requires else ""
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needed}")
    (info / "RECORD").write_text(f"{name}/__init__.py,,\n{name}-{version}.dist-info/METADATA,,\n")
    (info / "top_level.txt").write_text(f"{name}\n")
    (info / "INSTALLER").write_text("pip\n")


PACKAGES = {
    "wrapping.py": "import thinlib\n\ndef value():\n    return thinlib.K\n\ndef other():\n    return 2\n",
    "steps_a.py": """
        import wrapping

        def direct() -> int:
            import thinlib
            return thinlib.K

        def through() -> int:
            return wrapping.value()

        def without() -> int:
            return wrapping.other()

        def after(through) -> int:
            return through
    """,
}


def test_package_versions_count_for_the_steps_that_reach_them(project, tmp_path: Path) -> None:
    site = tmp_path / "lib" / "site-packages"
    make_package(site, "1.0", requires="deeplib>=1")
    make_package(site, "3.0", name="deeplib")
    path = os.pathsep.join([str(site), make_environment(tmp_path).get("PYTHONPATH", "")])
    environment = {"PYTHONPATH": path}
    it = project(PACKAGES)
    run(it, env=environment)
    assert run(it, env=environment) == []
    make_package(site, "1.1", requires="deeplib>=1")
    assert run(it, env=environment) == ["a::direct", "a::through"]
    assert it.reasons()["a::through"] == "thinlib 1.0 -> 1.1"
    make_package(site, "3.1", name="deeplib")
    assert run(it, env=environment) == ["a::direct", "a::through"]
    assert it.reasons()["a::direct"] == "deeplib 3.0 -> 3.1"
    make_package(site, "1.0", requires="deeplib>=1")
    make_package(site, "3.0", name="deeplib")
    assert run(it, env=environment) == []
    make_package(site, "2.0", requires="deeplib>=1", code="K = 10\n")
    assert run(it, env=environment) == ["a::after", "a::direct", "a::through"]


MOVED = {
    "lib/__init__.py": "",
    "lib/cleaning.py": """
        from pathlib import Path
        HERE = Path(__file__).parent / "words.txt"

        class Cleaner:
            def clean(self, v):
                return v.strip()

        def clean(v):
            return Cleaner().clean(v)
    """,
    "lib/words.txt": "a",
    "data/in.txt": " hello ",
    "pyproject.toml": '[tool.zenconv]\nparams = {source = "data/in.txt"}\n',
    "steps_a.py": """
        from pathlib import Path
        from lib.cleaning import clean, HERE, Cleaner

        def raw(source: Path) -> str:
            return source.read_text() + HERE.name

        def cleaner():
            return Cleaner()

        def clean_text(raw, cleaner) -> str:
            return cleaner.clean(clean(raw))

        def place(source: Path) -> Path:
            return source
    """,
}


def test_a_moved_project_and_moved_files(project, tmp_path: Path) -> None:
    it = project(MOVED)
    run(it)
    shutil.copytree(it.path, tmp_path / "elsewhere" / "copy", symlinks=True)
    copy = project({}, name="elsewhere/copy")
    assert run(copy) == []
    assert copy.value("clean_text") == "hello words.txt"
    copy.edit("lib/cleaning.py", "return v.strip()", "return v.strip().upper()")
    assert run(copy) == ["a::clean_text", "a::cleaner"]
    it.path.rename(tmp_path / "renamed")
    it.path = tmp_path / "renamed"
    assert run(it) == []
    # a helper module is renamed, another step file takes the steps over, a new file comes first
    (it.path / "lib/cleaning.py").rename(it.path / "lib/washing.py")
    it.edit("steps_a.py", "lib.cleaning", "lib.washing")
    assert run(it) == ["a::clean_text", "a::cleaner"]  # the stored form of one names the old module
    (it.path / "steps_a.py").rename(it.path / "steps_first.py")
    assert run(it) == []
    it.write({"lib/unused.py": "X = 1\n", "steps_zero.py": "def zero() -> int:\n    return 0\n"})
    assert run(it) == ["zero::zero"]
    (it.path / "sub").mkdir()
    shutil.copytree(it.path / "lib", it.path / "sub" / "lib2")
    assert run(it) == []


def other_pythons() -> list[str]:
    """Return interpreters of other versions that have what zenconv needs."""
    listed = os.environ.get("ZENCONV_TEST_PYTHONS", "").split(os.pathsep)
    found = [*filter(None, listed), *map(str, Path.home().glob(".pyenv/versions/3.1[2-9]*/bin/python"))]
    check = "import attrs, blake3, click, cloudpickle, fsspec, importlib_metadata, platformdirs, pluggy"
    return [
        p for p in found if subprocess.run([p, "-c", check], capture_output=True, check=False).returncode == 0
    ]


def test_other_pythons_reuse_everything_but_bytecode(project) -> None:
    pythons = other_pythons()
    if not pythons:
        pytest.skip("no other Python with zenconv's requirements; set ZENCONV_TEST_PYTHONS")
    folder = Path(__file__).parent / "across_pythons"
    it = project({path.name.removesuffix(".txt"): path.read_text() for path in folder.glob("*.txt")})
    it.run("run")
    values = it.value("used"), it.value("u2"), it.value("both"), it.value("use_lam")
    bytecode = {"plain::lam", "plain::use_lam", "more::local_class", "more::use_local_class"}
    for python in pythons:
        for expected in (bytecode, set()):
            environment = {**make_environment(it.home), "PYTHONPATH": str(Path(__file__).parents[2])}
            command = [python, "-m", "zenconv", "run"]
            done = subprocess.run(
                command, cwd=it.path, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
            assert set(it.executed()) == expected, (python, it.reasons())
    it.run("run")
    assert set(it.executed()) == {"plain::lam", "more::local_class"}
    assert (it.value("used"), it.value("u2"), it.value("both"), it.value("use_lam")) == values
