"""What holds for every module: it imports alone, and starting the program stays cheap."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = REPOSITORY / "zenconv"

HEAVY = {
    "asyncio", "concurrent.futures", "dataclasses", "email", "http", "importlib.metadata", "logging",
    "multiprocessing", "socket", "sqlite3", "ssl", "typing_extensions", "unittest", "urllib.request",
    "attr", "attrs", "blake3", "cattrs", "cloudpickle", "fsspec", "importlib_metadata", "numpy", "pandas",
    "platformdirs", "pluggy", "pyarrow", "rich", "sklearn", "torch", "yaml",
}  # fmt: skip
HEAVY_DATA = {
    "numpy",
    "pandas",
    "pyarrow",
    "sklearn",
    "torch",
    "scipy",
    "fsspec",
    "cloudpickle",
    "rich",
    "pytest",
}

IMPORT_EACH = """
import importlib, json, os, sys, traceback
for name in json.loads(sys.argv[1]):
    child = os.fork()
    if not child:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            # A materializer imports its library, which need not be installed.
            foreign = not error.name.startswith("zenconv") and name.startswith("zenconv.materializers.")
            if not foreign:
                traceback.print_exc()
            os._exit(0 if foreign else 1)
        except BaseException:
            print(f"--- {name}", file=sys.stderr)
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        print(name)
"""


def module_names() -> list[str]:
    files = sorted(PACKAGE.rglob("*.py"))
    names = [".".join(f.relative_to(REPOSITORY).with_suffix("").parts) for f in files]
    return [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ZENCONV_", "COV_"))}
    return {**kept, "PYTHONPATH": str(REPOSITORY), "ZENCONV_DISABLE_PLUGIN_AUTOLOAD": "1"}


def python(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *args],
        capture_output=True,
        text=True,
        env=environment(),
        cwd=REPOSITORY,
        check=False,
    )


def loaded_after(code: str) -> set[str]:
    """Return the modules that a fresh interpreter has loaded after `code`."""
    script = f"import sys\ntry:\n    {code}\nexcept SystemExit:\n    pass\nprint('|'.join(sys.modules))"
    done = python("-c", script)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split("|")) - loaded_by_python()


def loaded_by_python() -> set[str]:
    return set(python("-c", "import sys; print('|'.join(sys.modules))").stdout.strip().split("|"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_every_module_imports_alone_without_a_warning():
    names = module_names()
    assert len(names) > 50
    done = python("-W", "error", "-c", IMPORT_EACH, json.dumps(names))
    assert done.stdout.split() == [], done.stderr


def test_importing_zenconv_loads_nothing_of_weight():
    assert loaded_after("import zenconv") & HEAVY == set()


@pytest.mark.parametrize("option", ["--help", "--version", "-h"])
def test_help_and_version_load_nothing_of_weight(option):
    loaded = loaded_after(f"from zenconv.cli.main import main; main([{option!r}])")
    assert "click" in loaded
    assert loaded & HEAVY == set()


@pytest.mark.parametrize("command", ["run", "steps", "runs", "show", "get"])
def test_a_commands_help_loads_no_data_library(command):
    loaded = loaded_after(f"from zenconv.cli.main import main; main([{command!r}, '--help'])")
    assert loaded & HEAVY_DATA == set()


def test_every_public_name_is_listed_and_can_be_had():
    code = "import zenconv; print(sorted(n for n in zenconv.__all__ if getattr(zenconv, n) is None))"
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


SELDOM_NEEDED = {
    "asyncio", "decimal", "email", "filecmp", "fractions", "fsspec", "http", "importlib.metadata",
    "logging", "multiprocessing", "numpy", "pandas", "pdb", "socket", "ssl", "subprocess", "textwrap",
    "traceback", "unittest", "urllib.request", "cloudpickle", "rich", "yaml",
}  # fmt: skip
"""What a run of plain steps has no use for. Each of these costs milliseconds of every start."""


@pytest.mark.parametrize("times", [1, 2], ids=["executing", "reusing"])
def test_a_small_run_imports_nothing_that_it_has_no_use_for(tmp_path, times):
    (tmp_path / "steps_a.py").write_text("def one(): return 1\ndef two(one): return one + 1\n")
    command = [sys.executable, "-X", "importtime", "-m", "zenconv", "run", "-q"]
    env = {**environment(), "ZENCONV_HOME": str(tmp_path / "home")}
    for _ in range(times):
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    imported = {line.rpartition("|")[2].strip() for line in lines}
    assert "zenconv.engine.execution" in imported
    assert imported & SELDOM_NEEDED == set()
