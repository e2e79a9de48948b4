"""What a cached step does beyond its result is noticed and named; what libraries do for themselves is not."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from typing import Any

import pytest

from tests.end_to_end.conftest import ProjectOnDisk
from zenconv.records.events import StepFinished

IMPORTS = """
    import logging, os, shutil, socket, sqlite3, subprocess, tempfile
    from collections.abc import Iterator
    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
    from pathlib import Path
    import zenconv
    from zenconv import Output
    import asking

    def _serve():
        server = socket.socket()
        server.bind(("127.0.0.1", 0))
        server.listen()
        return server

    def _call():
        with _serve() as server, socket.create_connection(server.getsockname()):
            return 1
"""
ASKING = "import os\ndef region():\n    return os.getenv('REGION', 'eu')\n"
FIXTURES = """
    import os, socket, pytest, zenconv

    class Database:
        def ask(self, address):
            with socket.create_connection(address):
                return os.environ.get("INSIDE")

    @zenconv.fixture
    def database():
        yield Database()

    @zenconv.fixture
    def place(tmp_path):
        return tmp_path / "of_a_fixture"
"""
TOLD = {
    "a variable": (
        "def one(): return os.environ.get('REGION')",
        """'one' reads the environment variable 'REGION', which does not count for reuse: """
        """declare it, `@zenconv.step(env=["REGION"])`""",
    ),
    "a variable, by getenv in a helper": (
        "def one(): return asking.region()",
        """asking.py:3: 'one' reads the environment variable 'REGION'""",
    ),
    "several variables, each once": (
        "def one(): return 'B' in os.environ, os.environ.get('A'), os.path.expandvars('$C/$A')",
        """reads the environment variables 'B', 'A', 'C', which do not count for reuse: """
        """declare them, `@zenconv.step(env=["B", "A", "C"])`""",
    ),
    "a variable that is a secret": (
        "def one(): return len(os.environ.get('API_TOKEN', ''))",
        """take secrets from the fixture `secrets`, `secrets["API_TOKEN"]`""",
    ),
    "all variables": ("def one(): return len(dict(os.environ)) > 0", "'one' reads the whole environment"),
    "a file": (
        "def one(): Path('made.txt').write_text('x')",
        "'one' writes 'made.txt', which a reused result does not write again: take `path: Output[Path]`",
    ),
    "a file, in a folder that a text names": (
        "def one(target: str = 'made'): os.makedirs(target); open(target + '/x', 'w').write('x')",
        "'one' writes 'made/x', which a reused result does not write again: "
        "declare it as a place to write, `target: Output[Path]`",
    ),
    "a file, at a parameter": (
        "def one(target: Path = Path('made')): target.mkdir(); (target / 'x').write_text('x')",
        "'one' writes 'made/x', which a reused result does not write again: "
        "declare it as a place to write, `target: Output[Path]`",
    ),
    "many files": (
        "def one():\n    for i in range(9): Path(f'made{i}').write_text('x')",
        "'one' writes 'made0', 'made1', 'made2' and 6 more",
    ),
    "a file that takes another's place": (
        "def one(): Path('draft').write_text('x'); os.replace('draft', 'made')",
        "'one' writes 'made', which",
    ),
    "a file by a library": (
        "def one(): import pandas; pandas.DataFrame({'a': [1]}).to_csv('made.csv')",
        "'one' writes 'made.csv'",
    ),
    "a file that only C code opens": (
        "def one():\n    import pyarrow, pyarrow.parquet\n"
        "    pyarrow.parquet.write_table(pyarrow.table({'a': [1]}), 'made.parquet')",
        "'one' writes 'made.parquet'",
    ),
    "a log": ("def one(): logging.FileHandler('made.log').close()", "'one' writes 'made.log'"),
    "a database": (
        "def one(): sqlite3.connect('made.db').execute('create table a(b)'); return 1",
        "'one' writes 'made.db'",
    ),
    "a generator's file": ("def one():\n    Path('made').write_text('x'); yield 1", "'one' writes 'made'"),
    "a file that is deleted": (
        "def one(): os.remove('doomed.txt')",
        "'one' deletes 'doomed.txt', which a reused result does not delete again",
    ),
    "a connection": (
        "def one(): return _call()",
        "whose answers do not count for reuse: connect in a fixture and say how long a result holds, "
        """`@zenconv.mark.refresh("1d")`, or mark it `@zenconv.mark.nocache`""",
    ),
    "a connection of a thread": (
        "def one():\n    with ThreadPoolExecutor(1) as pool: return pool.submit(_call).result()",
        "'one' connects to '127.0.0.1:",
    ),
    "a connection of an async step": (
        "async def one():\n    import asyncio\n    with _serve() as server:\n"
        "        _, writer = await asyncio.open_connection(*server.getsockname()); writer.close()",
        "'one' connects to '127.0.0.1:",
    ),
    "a process": (
        "def one(): return subprocess.run(['echo', 'x'], capture_output=True).returncode",
        "'one' starts 'echo', and what that reads and writes is not seen",
    ),
}
QUIET = {
    "a declared variable": "@zenconv.step(env=['REGION'])\ndef one(): return asking.region()",
    "a variable that the step sets": "def one(): os.environ['A'] = '1'; return os.environ['A']",
    "a default for a library": "def one(): os.environ.setdefault('OMP_NUM_THREADS', '1')",
    "the home folder": "def one(): return bool(Path.home()) and bool(os.path.expanduser('~'))",
    "the environment of a process": (
        "@zenconv.mark.nocache\ndef one(): return subprocess.run(['true'], env=dict(os.environ)).returncode"
    ),
    "a declared place": "def one(path: Output[Path]): path.write_text('x')",
    "a returned path": "def one() -> Path:\n    Path('made').write_text('x'); return Path('made')",
    "a returned folder": (
        "def one() -> Path:\n    Path('made/in').mkdir(parents=True)\n"
        "    Path('made/in/x').write_text('x'); return Path('made')"
    ),
    "paths that come one by one": (
        "def one() -> Iterator[Path]:\n    for i in range(2):\n"
        "        path = Path(f'made{i}'); path.write_text('x'); yield path"
    ),
    "paths that are items": (
        "def one() -> zenconv.Each[Path]:\n    for i in range(2):\n"
        "        path = Path(f'made_item{i}'); path.write_text('x'); yield path"
    ),
    "a temporary folder": "def one(tmp_path): (tmp_path / 'x').write_text('x')",
    "temporary files": (
        "def one():\n    folder = tempfile.mkdtemp(); Path(folder, 'x').write_text('x')\n"
        "    shutil.rmtree(folder)\n"
        "    with tempfile.NamedTemporaryFile() as file: file.write(b'x')\n"
        "    with tempfile.TemporaryFile() as file: file.write(b'x')\n"
        "    with tempfile.TemporaryDirectory() as folder: Path(folder, 'x').write_text('x')"
    ),
    "a file that is gone again": (
        "def one():\n    os.makedirs('made/in'); Path('made/in/x').write_text('x'); shutil.rmtree('made')"
    ),
    "a place of a fixture": "def one(place): place.write_text('x')",
    "what a fixture does": "def one(database):\n    with _serve() as s: return database.ask(s.getsockname())",
    "a step that runs every time": (
        "@zenconv.mark.nocache\ndef one(): Path('made').write_text(asking.region())"
    ),
    "a step that asks for the time": "def one(now): Path('made').write_text(asking.region())",
    "a result that holds for a while": "@zenconv.mark.refresh('1d')\ndef one(): return _call() + 1",
    "the name of this machine": "def one(): import platform; return bool(platform.platform())",
    "the null device": "def one(): open(os.devnull, 'w').write('x')",
    "a pool of processes": (
        "def one():\n    with ProcessPoolExecutor(1) as pool: return pool.submit(abs, -1).result()"
    ),
    "parallel work of a library": (
        "def one():\n    import joblib, numpy\n    data = numpy.zeros(2_000_000)\n"
        "    return joblib.Parallel(2)(joblib.delayed(len)(data) for _ in range(2))"
    ),
    "a socket of a library that is a file": (
        'LIBRARY = """\nimport os, socket, tempfile\n'
        "place = os.path.join(tempfile.mkdtemp(), 's')\n"
        "with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:\n"
        '    server.bind(place); server.listen(); client.connect(place)\n"""\n'
        "def one():\n    exec(compile(LIBRARY, '/anywhere/site-packages/library.py', 'exec'), {})"
    ),
    "the imports of libraries": "def one():\n    import sklearn.linear_model, pandas, requests\n    return 1",
}


def pipeline_of(kind: str) -> str:
    return re.sub(r"\W+", "_", kind)


@pytest.fixture(scope="module", params=["0", "2"], ids=["in the runner", "in workers"])
def finished(request: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, StepFinished]:
    """Run all kinds at once; the step of each is in a file of its own."""
    folder = tmp_path_factory.mktemp("effects")
    (folder / "project").mkdir()
    made = ProjectOnDisk(folder / "project", folder / "home")
    made.write({"asking.py": ASKING, "zenconf.py": FIXTURES})
    for kind, steps in [*((kind, steps) for kind, (steps, _) in TOLD.items()), *QUIET.items()]:
        steps = steps.replace("made", f"made_by_{pipeline_of(kind)}")
        made.write({f"steps_{pipeline_of(kind)}.py": IMPORTS + textwrap.indent(steps, "    ")})
    made.write({"doomed.txt": "x"})
    made.run("-n", request.param)
    assert "without asking" not in made.last.stderr
    return {event.node: event for event in made.events() if event.name == "step_finished"}


@pytest.mark.parametrize("kind", TOLD)
def test_it_is_told_with_its_line_and_the_edit(finished: dict[str, StepFinished], kind: str) -> None:
    name = pipeline_of(kind)
    [told] = finished[f"steps_{name}.py::one"].warnings
    assert TOLD[kind][1] in told.replace(f"made_by_{name}", "made")
    place, line = told.split(":")[:2]
    assert place in (f"steps_{name}.py", "asking.py")
    assert int(line) == 3 if place == "asking.py" else int(line) > 10


@pytest.mark.parametrize("kind", QUIET)
def test_it_is_not_told(finished: dict[str, StepFinished], kind: str) -> None:
    event = finished[f"steps_{pipeline_of(kind)}.py::one"]
    assert (event.status, list(event.warnings)) == ("succeeded", [])


def test_it_is_shown_in_the_run_and_afterwards(project: Callable[..., Any]) -> None:
    made = project({"steps_a.py": "import os\ndef one():\n    return os.environ.get('REGION', 'eu')\n"})
    told = "steps_a.py:3: 'one' reads the environment variable 'REGION'"
    assert f"warning: {told}" in made.run().stderr
    assert f"warning: {told}" in made.run("show").stdout
    assert f"warning: {told}" in made.run("show", "one").stdout
    assert made.json("show", "one")["step"]["warnings"][0].startswith(told)
    assert told not in made.run().stderr, "a reused step does nothing"


def test_async_steps_beside_each_other_are_told_apart(project: Callable[..., Any]) -> None:
    step = """
        async def {name}() -> str:
            for _ in range(20):
                await asyncio.sleep(0)
                text = open("{name}" + ".txt").read()
                open("{name}" + ".out", "w").close()
                os.environ.get("{name}")
            await asyncio.to_thread(open, "{name}" + ".thread", "w")
            return text
    """
    names = ["ONE", "TWO", "THREE"]
    steps = "".join(textwrap.dedent(step).format(name=name) for name in names)
    files = {f"{name}.txt": name for name in names}
    made = project({"steps_a.py": "import asyncio, os\n" + steps, **files})
    made.run()
    for name in names:
        [event] = [e for e in made.events() if e.name == "step_finished" and e.node.endswith(f"::{name}")]
        text = " ".join(event.warnings)
        assert f"'{name}' writes '{name}.out'" in text
        assert f"variable '{name}'" in text
        assert not any(other in text for other in names if other != name)
    made.write({"TWO.txt": "new"})
    made.run()
    assert made.executed() == ["a::TWO"]
