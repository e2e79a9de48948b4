"""What a step reads without having asked for it counts, however it is named and whoever holds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

READERS = {
    "a live value": """
        def lines():
            return (line for line in open("data.txt"))
        def one(lines):
            return list(lines)
    """,
    "an async step": """
        async def one():
            import asyncio
            return await asyncio.to_thread(_read)
        def _read():
            return open("data" + ".txt").read()
    """,
    "a global that compiled code opens": """
        import pyarrow.csv
        from pathlib import Path
        DATA = Path("data.txt")
        def one():
            return pyarrow.csv.read_csv(DATA).to_pydict()
    """,
    "a literal in a helper that compiled code opens": """
        import helper
        def one():
            return helper.load()
    """,
    "a folder and a name in it that compiled code opens": """
        import pyarrow
        from pathlib import Path
        FOLDER = Path("folder")
        def one():
            return pyarrow.memory_map(str(FOLDER / ".." / "data.txt")).read().decode()
    """,
    "a name that is put together and given to compiled code": """
        import pyarrow.csv
        def one(name: str = "data"):
            return pyarrow.csv.read_csv(f"{name}.txt").to_pydict()
    """,
    "a child process": """
        import multiprocessing
        from pathlib import Path
        FOLDER = Path("folder")
        def _read(name):
            return (FOLDER / ".." / name).read_text()
        def one():
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                return pool.map(_read, ["data.txt"])
    """,
    "a map that could be changed": """
        import numpy
        def one(name: str = "data"):
            return numpy.memmap(f"{name}.txt", dtype="u1").tolist()
    """,
    "another folder": """
        import os
        def one():
            os.chdir("folder")
            return open("../data.txt").read()
    """,
}


@pytest.mark.parametrize("kind", READERS)
def test_an_edit_of_what_is_read_counts(project: Callable[..., Any], kind: str) -> None:
    made = project(
        {
            "steps_a.py": READERS[kind],
            "helper.py": "import pyarrow.csv\ndef load():\n"
            "    return pyarrow.csv.read_csv('data.txt').to_pydict()\n",
            "data.txt": "a\n1\n",
            "folder/x": "",
        }
    )
    made.run()
    first = made.value("one")
    assert "'data.txt' without asking" in made.run("show").stdout if kind != "a live value" else True
    made.run()
    assert made.executed() == []
    made.write({"data.txt": "a\n2\n"})
    made.run()
    assert "a::one" in made.executed()
    assert made.value("one") != first
    made.write({"data.txt": "a\n1\n"})
    made.run()
    assert "a::one" in made.reused()


def test_a_file_outside_of_the_root_that_the_code_names_counts(
    project: Callable[..., Any], tmp_path: Any
) -> None:
    elsewhere = tmp_path / "elsewhere.txt"
    elsewhere.write_text("1")
    made = project({"steps_a.py": f"def one():\n    return open({str(elsewhere)!r}).read()\n"})
    made.run()
    made.run()
    assert made.executed() == []
    elsewhere.write_text("2")
    made.run()
    assert made.value("one") == "2"
    elsewhere.write_text("1")
    made.run()
    assert made.executed() == []


def test_whether_a_file_is_there_counts_where_a_step_looks_for_that(project: Callable[..., Any]) -> None:
    made = project(
        {
            "steps_a.py": """
                from pathlib import Path
                def one(name: str = "flag") -> str:
                    return "fast" if Path(f"{name}.txt").exists() else "slow"
            """
        }
    )
    assert "without asking" not in made.run().stderr
    made.run()
    assert made.executed() == []
    made.write({"flag.txt": "x"})
    assert "flag.txt is a file now, and it looks for that" in made.run().stderr
    assert made.value("one") == "fast"
    made.write({"flag.txt": "another content"})
    made.run()
    assert made.executed() == []
    (made.path / "flag.txt").unlink()
    made.run()
    assert made.value("one") == "slow"
    assert made.executed() == []


def test_what_a_function_remembers_counts_in_each_step_that_asks_it(project: Callable[..., Any]) -> None:
    made = project(
        {
            "steps_a.py": """
                import functools
                @functools.cache
                def _read() -> str:
                    return open("data.txt").read()
                class _Reader:
                    @functools.cached_property
                    def text(self) -> str:
                        return _read()
                def one() -> str:
                    return _read()
                def two() -> str:
                    return _read() + "2"
                def three() -> str:
                    return _Reader().text + "3"
            """,
            "data.txt": "old",
        }
    )
    made.run()
    made.write({"data.txt": "new"})
    made.run()
    assert [made.value(name) for name in ("one", "two", "three")] == ["new", "new2", "new3"]


def test_what_changes_while_it_is_read_is_not_kept(project: Callable[..., Any]) -> None:
    made = project(
        {
            "steps_a.py": """
                import os
                from pathlib import Path
                def one():
                    text = Path("da" + "ta.txt").read_text()
                    if text == "old":
                        os.system("printf new > data.txt")
                    return text
            """,
            "data.txt": "old",
        }
    )
    assert "data.txt changed while the step ran; its result is not kept" in made.run().stderr
    made.run()
    assert made.value("one") == "new"


CODE_READERS = {
    "runpy": "import runpy\ndef one():\n    return runpy.run_path('made' + '.py')['x']\n",
    "exec": "def one():\n    names = {}\n    exec(open('made' + '.py').read(), names)\n"
    "    return names['x']\n",
    "another program": "import subprocess, sys\ndef one():\n"
    "    return subprocess.run([sys.executable, 'made.py'], capture_output=True, text=True).stdout\n",
}


@pytest.mark.parametrize("kind", CODE_READERS)
def test_code_that_is_read_but_not_imported_counts_as_data(project: Callable[..., Any], kind: str) -> None:
    made = project({"steps_a.py": CODE_READERS[kind], "made.py": "x = 1\nprint(x)\n"})
    made.run()
    first = made.value("one")
    made.run()
    assert made.executed() == []
    made.write({"made.py": "x = 2\nprint(x)\n"})
    made.run()
    assert made.value("one") != first


def test_the_state_of_the_machine_is_no_input(project: Callable[..., Any]) -> None:
    made = project(
        {"steps_a.py": "def one():\n    return 'VmRSS' in open('/proc/self/status').read()\n"},
    )
    assert "changed while" not in made.run().stderr
    made.run()
    assert made.executed() == []


def test_code_that_is_shown_in_a_warning_does_not_count(project: Callable[..., Any]) -> None:
    made = project(
        {
            "steps_a.py": """
                import traceback, warnings
                def one():
                    warnings.warn("look")
                    try: 1 / 0
                    except ZeroDivisionError: traceback.print_exc()
                    return 1
                """
        }
    )
    assert "without asking" not in made.run().stderr
    made.append("steps_a.py", "# nothing\n")
    made.run()
    assert made.executed() == []


def test_what_imports_look_through_does_not_count(project: Callable[..., Any]) -> None:
    made = project(
        {"steps_a.py": "def one():\n    import sklearn.linear_model, late\n    return 1\n", "late.py": ""}
    )
    assert "without asking" not in made.run().stderr
    made.write({"more.txt": "x"})
    made.run()
    assert made.executed() == []


def test_where_a_step_has_gone_does_not_matter_to_the_next(project: Callable[..., Any]) -> None:
    made = project(
        {
            "steps_a.py": """
                import os, tempfile
                from collections.abc import Iterator
                def one() -> int:
                    with tempfile.TemporaryDirectory() as folder:
                        os.chdir(folder)
                    return 1
                def two(one) -> Iterator[str]:
                    os.chdir("folder")
                    yield open("inner.txt").read()
                    yield open("../data.txt").read()
                def three(two) -> list:
                    return [*two, open("data.txt").read()]
            """,
            "data.txt": "outer",
            "folder/inner.txt": "inner",
        }
    )
    made.run()
    assert made.value("three") == ["inner", "outer", "outer"]


def test_a_file_counts_whose_path_a_step_returns_and_what_it_made_does_not(
    project: Callable[..., Any],
) -> None:
    made = project(
        {
            "steps_a.py": """
                from collections.abc import Iterator
                from pathlib import Path
                import zenconv
                def listed() -> list[Path]:
                    return sorted(Path("data").glob("*.txt"))
                def one(name: str = "a") -> Path:
                    return Path("data") / f"{name}.txt"
                def nested(name: str = "a") -> dict:
                    return {"paths": (Path("data") / f"{name}.txt",)}
                def folder(name: str = "dat") -> Path:
                    return Path(f"{name}a")
                def each() -> zenconv.Each[Path]:
                    yield from Path("data").glob("*.txt")
                def stream() -> Iterator[Path]:
                    yield from Path("data").glob("*.txt")
                def text(listed) -> str:
                    return listed[0].read_text()
                def made(name: str = "made") -> Path:
                    path = Path(f"{name}.txt")
                    path.write_text("x")
                    return path
            """,
            "data/a.txt": "old",
        }
    )
    reading = [f"a::{name}" for name in ("each", "folder", "listed", "nested", "one", "stream")]
    made.run()
    made.run()
    assert made.executed() == []
    made.write({"data/a.txt": "new", "made.txt": "other"})
    made.run()
    assert made.executed() == [*reading, "a::text"]
    assert made.value("text") == "new"
    made.write({"data/a.txt": "old"})
    made.run()
    assert made.executed() == []
