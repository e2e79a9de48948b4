"""The collection index: nothing is imported when nothing has to run, and it is never stale."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

FILES = {
    "steps_train.py": """
        from pathlib import Path
        from shapes import cleaning
        from scaling import scale

        def raw(csv: Path) -> list[float]:
            \"\"\"The rows.\"\"\"
            return [float(line) for line in csv.read_text().split()]

        def clean(raw: list[float], limit: float = 10.0):
            return [scale(cleaning.cut(value, limit)) for value in raw]

        def total(clean) -> float:
            return sum(clean)
        """,
    "steps_report.py": """
        def report(total) -> str:
            return f"the total is {total}"
        """,
    "zenconf.py": """
        import zenconv

        @zenconv.fixture
        def unit(scale_name: str = "m"):
            return scale_name
        """,
    "shapes/__init__.py": "",
    "shapes/cleaning.py": """
        def cut(value, limit):
            return min(value, limit)
        """,
    "scaling.py": """
        FACTOR = 2

        def scale(value):
            return value * FACTOR
        """,
    "data.csv": "1\n2\n30\n",
    "zenconv.toml": '[params]\ncsv = "data.csv"\n',
}

WATCH = """
import os, sys
seen = os.environ.get("SEEN_IMPORTS")
if seen:
    def hear(event, arguments):
        if event == "import" and arguments[0].partition(".")[0] in NAMES:
            with open(seen, "a") as stream:
                stream.write(arguments[0] + "\\n")
    NAMES = {"steps_train", "steps_report", "zenconf", "shapes", "scaling", "numpy", "steps_a", "dearly"}
    sys.addaudithook(hear)
"""


@pytest.fixture
def built(project: Any) -> Any:
    it = project(FILES)
    it.run("run")
    return it


def imports_of(it: Any, tmp_path: Path, *args: str, **options: Any) -> list[str]:
    """Return which modules ``zenconv *args`` imports when it was run in the same way just before."""
    it.run(*args, env={**watching(tmp_path), "SEEN_IMPORTS": ""}, **options)
    return imports_of_once(it, tmp_path, *args, **options)


def imports_of_once(it: Any, tmp_path: Path, *args: str, **options: Any) -> list[str]:
    """Return which modules of interest ``zenconv *args`` imports, in any of its processes."""
    seen = tmp_path / "seen.txt"
    seen.unlink(missing_ok=True)
    it.run(*args, env={**watching(tmp_path), "SEEN_IMPORTS": str(seen)}, **options)
    return seen.read_text().split() if seen.exists() else []


def watching(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a process whose imports are watched."""
    watcher = tmp_path / "watching"
    watcher.mkdir(exist_ok=True)
    (watcher / "sitecustomize.py").write_text(WATCH)
    return {"PYTHONPATH": os.pathsep.join([str(watcher), os.environ.get("PYTHONPATH", "")])}


def plan_of(it: Any, *args: str, **options: Any) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = it.json("run", "--plan", *args, **options)["nodes"]
    return nodes


def forget_index(it: Any) -> None:
    shutil.rmtree(it.path / ".zenconv" / "collection", ignore_errors=True)


def index_files(it: Any) -> list[Path]:
    folder = it.path / ".zenconv" / "collection"
    return sorted(folder.iterdir()) if folder.is_dir() else []


COMMANDS = [
    ["run"],
    ["run", "--plan"],
    ["run", "train"],
    ["run", "-k", "total"],
    ["steps"],
    ["graph"],
    ["explain"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_nothing_is_imported_when_nothing_has_to_run(built: Any, tmp_path: Path, command: list[str]) -> None:
    assert imports_of(built, tmp_path, *command) == []


def test_the_witness_of_these_tests_sees_imports(built: Any, tmp_path: Path) -> None:
    assert "scaling" in imports_of(built, tmp_path, "run", "--force", "total")


def test_a_library_is_not_imported_for_a_model_that_is_stored(project: Any, tmp_path: Path) -> None:
    it = project(
        {"steps_a.py": "import numpy as np\ndef row(): return np.arange(3)\ndef top(row): return row.max()\n"}
    )
    it.run("run")
    assert imports_of(it, tmp_path, "run") == []


EDITS: dict[str, Any] = {
    "a step": lambda it: it.edit("steps_train.py", "return sum(clean)", "return sum(clean) + 1"),
    "a helper": lambda it: it.edit("scaling.py", "FACTOR = 2", "FACTOR = 3"),
    "a module of a package": lambda it: it.edit("shapes/cleaning.py", "min(", "max("),
    "a package's __init__": lambda it: it.write(
        {"shapes/__init__.py": "from shapes import other as cleaning\n",
         "shapes/other.py": "def cut(value, limit):\n    return 0\n"}
    ),
    "a comment": lambda it: it.append("scaling.py", "# nothing\n"),
    "a step file is deleted": lambda it: (it.path / "steps_report.py").unlink(),
    "a step file is added": lambda it: it.write({"steps_more.py": "def more(total): return total\n"}),
    "a zenconf is added below": lambda it: it.write({"eu/steps_eu.py": "def eu(): return 1\n",
                                                     "eu/zenconf.py": "def vat(): return 19\n"}),
    "a zenconf changes": lambda it: it.edit("zenconf.py", "fixture\n", "fixture(autouse=True)\n"),
    "a package shadows a module": lambda it: it.write({"scaling/__init__.py": "def scale(v): return -v\n"}),
    "the data": lambda it: it.write({"data.csv": "5\n"}),
    "the data is gone": lambda it: (it.path / "data.csv").unlink(),
    "the settings": lambda it: it.write({"zenconv.toml": '[params]\ncsv = "data.csv"\nlimit = 5.0\n'}),
    "the seed": lambda it: it.write({"zenconv.toml": 'seed = 3\n[params]\ncsv = "data.csv"\n'}),
    "a mistake": lambda it: it.append("steps_train.py", "def lost(nobody): return 1\n"),
    "a syntax error": lambda it: it.append("scaling.py", "def (\n"),
    "a helper is gone": lambda it: (it.path / "scaling.py").unlink(),
    "a file of the standard library's name": lambda it: it.write({"token.py": "x = 1\n"}),
    "the old state": lambda it: None,
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS)
def test_after_any_edit_the_plan_is_that_of_a_project_without_index(built: Any, edit: str) -> None:
    assert index_files(built)
    EDITS[edit](built)
    answers = []
    for _ in range(2):
        plan = built.run("run", "--plan", "--json", check=False)
        steps = built.run("steps", "--json", check=False)
        graph = built.run("graph", check=False)
        explained = built.run("explain", "--json", check=False)
        answers.append([(r.returncode, r.stdout, r.stderr) for r in (plan, steps, graph, explained)])
        forget_index(built)
    assert answers[0] == answers[1]


def test_settings_on_the_command_line_have_an_index_of_their_own(built: Any, tmp_path: Path) -> None:
    (changed,) = (n for n in plan_of(built, "--set", "limit=3") if n["step"] == "clean")
    assert changed["action"] == "run"
    assert {n["action"] for n in plan_of(built)} == {"reuse"}
    built.run("run", "--set", "limit=3")
    assert imports_of(built, tmp_path, "run", "--set", "limit=3") == []
    assert imports_of(built, tmp_path, "run") == []


def test_a_path_on_the_command_line_is_relative_to_where_it_was_typed(built: Any) -> None:
    built.write({"sub/data.csv": "7\n"})
    built.run("run", "--set", "csv=data.csv")
    built.run("run", "--set", "csv=data.csv", cwd="sub")
    assert built.value("raw") == [7.0]


def test_an_environment_variable_in_the_key_is_read_each_time(project: Any, tmp_path: Path) -> None:
    it = project(
        {
            "steps_a.py": """
                import os, zenconv
                @zenconv.step(env=["MODE"])
                def mode(): return os.environ["MODE"]
                """
        }
    )
    it.run("run", env={"MODE": "one"})
    (node,) = plan_of(it, env={"MODE": "two"})
    assert node["action"] == "run"
    (node,) = plan_of(it, env={"MODE": "one"})
    assert node["action"] == "reuse"


def test_text_that_comes_to_name_a_file_counts_by_content(project: Any) -> None:
    it = project({"steps_a.py": "def name(where: str = 'words.txt'): return where\n"})
    it.run("run")
    assert {n["action"] for n in plan_of(it)} == {"reuse"}
    it.write({"words.txt": "a"})
    assert {n["action"] for n in plan_of(it)} == {"run"}
    it.run("run")
    it.write({"words.txt": "b"})
    assert {n["action"] for n in plan_of(it)} == {"run"}


def test_an_upgraded_package_counts(project: Any, tmp_path: Path) -> None:
    site = tmp_path / "lib" / "site-packages"

    def install(version: str) -> None:
        shutil.rmtree(site, ignore_errors=True)
        (site / f"dearly-{version}.dist-info").mkdir(parents=True)
        (site / f"dearly-{version}.dist-info" / "METADATA").write_text(f"Name: dearly\nVersion: {version}\n")
        (site / "dearly.py").write_text(f"def price(): return '{version}'\n")

    it = project({"steps_a.py": "import dearly\ndef price(): return dearly.price()\n"})
    path = {"PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])}
    install("1.0")
    it.run("run", env=path)
    assert [n["action"] for n in plan_of(it, env=path)] == ["reuse"]
    install("1.1")
    assert [n["action"] for n in plan_of(it, env=path)] == ["run"]


def test_code_on_the_import_path_outside_the_project_counts(project: Any, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "rates.py").write_text("RATE = 2\n")
    it = project({"steps_a.py": "import rates\ndef rate(): return rates.RATE\n"})
    path = {"PYTHONPATH": os.pathsep.join([str(shared), os.environ.get("PYTHONPATH", "")])}
    it.run("run", env=path)
    assert [n["action"] for n in plan_of(it, env=path)] == ["reuse"]
    (shared / "rates.py").write_text("RATE = 3\n")
    assert [n["action"] for n in plan_of(it, env=path)] == ["run"]


REASONS = {
    "opens": ("CONFIG = open('data.csv').read()", "opens 'data.csv'"),
    "environment": ("import os\nMODE = os.environ.get('MODE', '')", "environment variable 'MODE'"),
    "getenv": ("import os\nMODE = os.getenv('MODE')", "environment variable 'MODE'"),
    "clock": ("import time\nSTART = time.time()", "time.time"),
    "today": ("import datetime as dt\nTODAY = dt.date.today()", "today"),
    "from import": ("from time import perf_counter as clock\nSTART = clock()", "clock"),
    "random": ("import random\nCHOICE = random.choice([1, 2])", "random.choice"),
    "in a function": ("import time\ndef _now():\n    return time.time()\nSTART = _now()", "time.time"),
    "in a default": ("import time\ndef _f(at=time.time()):\n    return at", "time.time"),
    "listing": ("import os\nFILES = os.listdir('.')", "lists '.'"),
    "existence": ("from pathlib import Path\nHAS = Path('x').exists()", "exists"),
    "process": ("import subprocess, sys\nsubprocess.run([sys.executable, '-c', ''])", "starts"),
    "path": ("import sys\nsys.path.append('elsewhere')", "sys.path"),
    "arguments": ("import sys\nARGUMENTS = list(sys.argv)", "sys.argv"),
    "computed import": ("import importlib\nM = importlib.import_module('ma' + 'th')", "computed"),
    "device": ("from types import SimpleNamespace as N\ncuda = N(is_available=lambda: 0)\n"
               "D = 'cuda' if cuda.is_available() else 'cpu'", "is_available"),
    "compiled reader": ("class _Lib:\n    @staticmethod\n    def read_parquet(path): return path\n"
                        "T = _Lib.read_parquet('x')", "read_parquet"),
    "compiled reader of a named file": ("import pyarrow as pa\nSIZE = pa.memory_map('data.csv').size()",
                                        "is given the file 'data.csv'"),
    "compiled reader of a path": ("from pathlib import Path\nimport pyarrow as pa\nFOLDER = Path('.')\n"
                                  "SIZE = pa.OSFile(str(FOLDER / 'data.csv')).size()", "'data.csv'"),
    "folder": ("from pathlib import Path\nHAS = Path('x').is_dir()", "is_dir"),
    "package data": ("import pkgutil\nD = pkgutil.get_data('json', '__init__.py')", "get_data"),
    "language": ("import locale\nL = locale.getlocale()", "locale.getlocale"),
    "environment of the system": ("import posix\nMODE = posix.environ.get(b'MODE')", "posix.environ"),
    "time zone": ("from datetime import datetime\nEPOCH = datetime.fromtimestamp(0)", "fromtimestamp"),
    "random of a library": ("import torch\nORDER = torch.randperm(3).tolist()", "randperm"),
    "hooks": (None, "has hooks"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REASONS)
def test_a_module_that_depends_on_more_is_not_indexed_and_the_plan_says_why(project: Any, kind: str) -> None:
    code, reason = REASONS[kind]
    if "torch" in (code or ""):
        pytest.importorskip("torch")
    files = {"steps_a.py": "def one(): return 1\n", "data.csv": "1\n"}
    if code is None:
        files["zenconf.py"] = "def zenconv_run_start(event): pass\n"
    else:
        files["steps_a.py"] += code + "\n"
    it = project(files)
    it.run("run")
    assert not index_files(it)
    text = it.run("run", "--plan", "-v").stdout
    assert reason in text, text
    assert "steps_a.py:" in text or kind in ("path", "hooks")


QUIET = {
    "a clock inside a step": "import time\ndef now2(): return time.time() - time.time()",
    "a decorator that measures": (
        "import time, functools\ndef _timed(f):\n    @functools.wraps(f)\n    def inner(*a):\n"
        "        time.perf_counter()\n        return f(*a)\n    return inner\n@_timed\ndef two(): return 2"
    ),
    "paths": "from pathlib import Path\nHERE = Path(__file__).resolve().parent / 'x'",
    "paths of files": (
        "import os, logging\nfrom pathlib import Path\nDATA = Path('data.csv')\n"
        "FILE = os.path.join('.', 'data.csv')\nLOG = logging.getLogger('data.csv')\n"
        "class _C:\n    def __init__(self, file): self.file = file\nC = _C('data.csv')"
    ),
    "a seed": "import random\nrandom.seed(1)",
    "threads": "import os\nos.environ['OMP_NUM_THREADS'] = '1'",
    "libraries": "import numpy as np, re, logging\nLOG = logging.getLogger(__name__)\nX = np.array([1])",
    "reading in a step": "import pandas as pd\ndef table(csv: str = 'no'): return open(csv)",
}


@pytest.mark.parametrize("kind", QUIET)
def test_ordinary_modules_are_indexed(project: Any, kind: str) -> None:
    it = project({"steps_a.py": "def one(): return 1\n" + QUIET[kind] + "\n", "data.csv": "1\n"})
    it.run("run", "one")
    assert index_files(it), it.run("run", "--plan", "-v").stdout


def test_a_librarys_own_switches_and_its_plugins_count(project: Any) -> None:
    pytest.importorskip("pydantic")
    code = "import pydantic\nclass Row(pydantic.BaseModel):\n    size: int = 1\ndef one(): return 1\n"
    it = project({"steps_a.py": code})
    it.run("run")
    (file,) = index_files(it)
    stamp = file.stat().st_mtime_ns
    it.run("run")
    assert file.stat().st_mtime_ns == stamp
    it.run("run", "--plan", env={"PYDANTIC_DISABLE_PLUGINS": "1"})
    assert file.stat().st_mtime_ns != stamp
    stamp = file.stat().st_mtime_ns
    it.write({"more-1.0.dist-info/METADATA": "Name: more\nVersion: 1.0\n"})
    it.run("run", "--plan", env={"PYDANTIC_DISABLE_PLUGINS": "1"})
    assert file.stat().st_mtime_ns != stamp


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "other", "header", "deep"])
def test_a_damaged_index_is_as_good_as_none(built: Any, damage: str) -> None:
    expected = built.run("run", "--plan", "--json").stdout
    for file in index_files(built):
        data = file.read_bytes()
        position = data.index(b'"plan"')
        file.write_bytes(
            {
                "cut": data[: len(data) // 2],
                "flipped": data[:-40] + bytes([data[-40] ^ 1]) + data[-39:],
                "empty": b"",
                "other": b"\x00" * 100,
                "header": data[:position] + b'"plan2"' + data[position + 6 :],
                "deep": b"[" * 100000,
            }[damage]
        )
    assert built.run("run", "--plan", "--json").stdout == expected
    assert built.run("explain", "--json").returncode == 0
    built.run("run")


def test_rows_that_make_no_sense_are_as_good_as_none(built: Any) -> None:
    from zenconv import hashing

    expected = built.run("run", "--plan", "--json").stdout
    (file,) = index_files(built)
    _, header, plan, texts, parts = file.read_bytes().split(b"\n")
    for hostile in (b"[]", b"{}", plan.replace(b'"steps"', b'"stops"'), plan.replace(b"[0,", b"[0,0,")):
        facts = json.loads(header)
        facts["digests"]["plan"] = hashing.digest_bytes(hostile)
        made = json.dumps(facts).encode()
        lines = [hashing.digest_bytes(made).encode(), made, hostile, texts, parts]
        file.write_bytes(b"\n".join(lines))
        assert built.run("run", "--plan", "--json").stdout == expected
        assert built.run("run").returncode == 0


def test_a_plan_is_enough_to_index_a_project_that_never_ran(project: Any, tmp_path: Path) -> None:
    it = project(FILES)
    it.run("run", "--plan")
    assert imports_of(it, tmp_path, "run", "--plan") == []
    assert imports_of(it, tmp_path, "steps") == []


def test_two_at_once_write_a_whole_index(built: Any, tmp_path: Path) -> None:
    forget_index(built)
    threads = [threading.Thread(target=built.run, args=("run", "--plan")) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(index_files(built)) == 1
    assert imports_of(built, tmp_path, "run") == []


def test_targets_share_one_index_and_add_to_it(project: Any, tmp_path: Path) -> None:
    it = project(FILES)
    it.run("run", "raw")
    it.run("run", "total")
    it.run("run", "report")
    assert imports_of(it, tmp_path, "run", "raw") == []
    assert imports_of(it, tmp_path, "run") == []


def test_secrets_are_not_in_the_index(project: Any) -> None:
    it = project(
        {
            "steps_a.py": "def ask(token: str): return len(token)\n",
            "zenconv.toml": '[params]\ntoken = "${env:MY_TOKEN}"\n',
        }
    )
    it.run("run", env={"MY_TOKEN": "hunter2-and-more"})
    assert index_files(it)
    assert not any(b"hunter2" in file.read_bytes() for file in index_files(it))


def test_an_index_that_cannot_be_written_is_left_out(built: Any) -> None:
    forget_index(built)
    (built.path / ".zenconv" / "collection").write_text("in the way")
    built.run("run")
    assert sys.version_info


def test_what_a_step_wrote_is_put_back_only_where_the_code_says(project: Any, tmp_path: Path) -> None:
    it = project(
        {
            "scaling.py": "",
            "steps_a.py": """
                from pathlib import Path
                from zenconv import Output
                import scaling
                def chart(target: Output[Path] = Path("chart.txt")) -> None: target.write_text("x")
                """,
        }
    )
    it.run("run")
    assert imports_of(it, tmp_path, "run") == []
    (it.path / "chart.txt").unlink()
    assert "scaling" in imports_of_once(it, tmp_path, "run")
    assert it.read("chart.txt") == "x"


def test_an_unknown_target_is_explained_as_without_an_index(built: Any) -> None:
    texts = []
    for _ in range(2):
        header, _, error = built.run("run", "reprot", check=4).stderr.partition("\n")
        assert header.startswith("zenconv ")
        texts.append(error)
        texts.append(built.run("steps", "reprot", check=4).stderr)
        forget_index(built)
    assert len(set(texts)) == 1
    assert "did you mean 'report'" in texts[0]
