"""Data never becomes code: what is planted in a store, copied from others or typed is only looked at."""

from __future__ import annotations

import os
import pickle
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from zenconv import hashing
from zenconv.components.sqlite_cache import SqliteActionCache
from zenconv.records.artifact import ActionKey, Artifact, StoredFile

REPOSITORY = Path(__file__).resolve().parents[2]

WATCH = """
import os, sys
_log = os.open(os.environ["WATCH_LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
_root = os.environ["WATCH_ROOT"]

def _watch(event, arguments):
    if event == "pickle.find_class":
        os.write(_log, f"find_class {arguments[0]}.{arguments[1]}\\n".encode())
    elif event == "exec" and getattr(arguments[0], "co_filename", "").startswith(_root):
        os.write(_log, f"exec {arguments[0].co_filename}\\n".encode())
    elif event in ("os.system", "subprocess.Popen"):
        os.write(_log, f"{event}\\n".encode())

sys.addaudithook(_watch)
"""


class Watched:
    """Runs the program on a project and tells which code of it was executed or unpickled."""

    def __init__(self, it: Any, place: Path) -> None:
        self.it = it
        place.mkdir()
        (place / "sitecustomize.py").write_text(WATCH)
        self._log = place / "log"
        self._env = {
            "PYTHONPATH": os.pathsep.join([str(place), str(REPOSITORY), os.environ.get("PYTHONPATH", "")]),
            "WATCH_LOG": str(self._log),
            "WATCH_ROOT": str(it.path),
        }

    def run(self, *args: str, check: bool | int = True) -> Any:
        """Run a command; `events` then says what happened."""
        self._log.write_text("")
        return self.it.run(*args, env=self._env, check=check)

    @property
    def events(self) -> list[str]:
        """What the last command did."""
        return self._log.read_text().splitlines()


@pytest.fixture
def watched(tmp_path: Path) -> Callable[[Any], Watched]:
    return lambda it: Watched(it, tmp_path / "watch")


OBJECTS = {
    "steps_a.py": """
    import helper
    class Net:
        def __init__(self, n): self.n = n
    def raw(): return list(range(10))
    def model(raw): return lambda x: x + len(raw)
    def net(raw): return Net(3)
    def total(raw, model, net):
        print("adding up")
        return model(sum(raw)) + net.n + helper.one()
    def bad(net): raise ValueError(net.n)
    """,
    "helper.py": "def one(): return 1\n",
}

READING = [
    ["runs"],
    ["runs", "--json"],
    ["show"],
    ["show", "--json"],
    ["show", "model"],
    ["show", "net", "--json"],
    ["show", "bad"],
    ["logs", "total"],
    ["logs", "--all"],
    ["get", "total"],
    ["get", "raw", "-o", "raw.csv"],
    ["get", "model"],
    ["get", "net"],
    ["get", "net", "-o", "net.bin"],
    ["config", "--show-origin"],
    ["stack"],
    ["plugins"],
]


def test_reading_records_runs_no_code_of_the_project_and_unpickles_nothing(project, watched) -> None:
    it = project(OBJECTS)
    it.run("run", check=1)
    watch = watched(it)
    for command in READING:
        watch.run(*command)
        assert watch.events == [], command
    watch.run("run", "--plan")
    assert [event for event in watch.events if event.startswith("find_class")] == []
    it.edit("helper.py", "return 1", "return 2")
    watch.run("run", check=1)
    assert any(event.endswith("steps_a.py") for event in watch.events), "the watch sees nothing"


def test_a_state_folder_of_another_user_is_reused_where_that_is_safe(project, watched) -> None:
    it = project(OBJECTS)
    it.run("run", check=1)
    it.home = it.home.with_name("somebody-else")
    watch = watched(it)
    plan = {row["id"].partition("::")[2]: row for row in it.json("run", "--plan")["nodes"]}
    assert plan["raw"]["action"] == "reuse"
    assert plan["net"]["action"] == plan["model"]["action"] == "run"
    assert "not trusted here" in plan["net"]["reason"]
    for target in ("net.json", "net.txt"):
        result = watch.run("get", "net", "-o", target, check=1)
        assert "not written by you on this machine" in result.stderr
        assert watch.events == []
    result = it.python("import zenconv; zenconv.load('net')", check=False)
    assert "UntrustedArtifact" in result.stderr
    it.run("run", check=1)
    assert it.reused() == ["a::raw", "a::total"]
    assert it.executed() == ["a::bad", "a::model", "a::net"]
    assert "not trusted here" in it.reasons()["a::net"]
    it.run("run", check=1)
    assert it.executed() == ["a::bad"]


class Harmful:
    def __reduce__(self) -> Any:
        return os.system, ("touch harmed",)


HARM = pickle.dumps(Harmful())
PLANTED = {
    "steps_a.py": """
    class Net:
        def __init__(self, n): self.n = n
    def net(): return Net(3)
    def use(net): return net.n
    """
}


def stored(data: bytes, name: str = "") -> StoredFile:
    return StoredFile(name, hashing.digest_bytes(data), len(data), data)


def plain(artifact: Artifact, materializer: str, *files: StoredFile) -> Artifact:
    """Return a record that claims to be harmless."""
    return attrs.evolve(
        artifact, materializer=materializer, files=files, refers=(), runs_code=False, signatures=()
    )


FORGERIES: Mapping[str, tuple[Callable[[Artifact], Artifact], int]] = {
    "other bytes under a true signature": (lambda a: attrs.evolve(a, files=(stored(HARM),)), 0),
    "bytes that differ from their digest": (
        lambda a: attrs.evolve(a, files=(StoredFile("", a.files[0].digest, len(HARM), HARM),)),
        0,
    ),
    "a pickle that says it is none": (lambda a: plain(a, "objects/1", stored(HARM)), 1),
    "a pickle by value that says it is none": (
        lambda a: plain(a, "pickled/1", stored(HARM), stored(b"cpython-311", "python")),
        1,
    ),
    "a pickle as an array": (lambda a: plain(a, "numpy/1", stored(HARM)), 0),
    "a pickle as a table": (lambda a: plain(a, "pandas/1", stored(HARM)), 1),
    "a pickle as tensors": (lambda a: plain(a, "torch/1", stored(HARM)), 1),
    "a materializer that is a name of code": (lambda a: plain(a, "os:system/1", stored(b"id")), 0),
    "a file name that leads out": (lambda a: plain(a, "paths/1", stored(b"x", "../../../../harmed")), 0),
    "a digest that leads out": (
        lambda a: plain(a, "json/1", StoredFile("", "b3:../../../../../etc/passwd", 5)),
        0,
    ),
    "a negative size": (lambda a: plain(a, "json/1", StoredFile("", a.files[0].digest, -5)), 0),
}


def plant(it: Any, forge: Callable[[Artifact], Artifact]) -> None:
    """Replace the cache entry of the step `net`; whoever can write the file can write its checksum."""
    database = it.path / ".zenconv" / "store" / "actions.db"
    keys = {event.node: event.key for event in it.events() if event.name == "step_finished"}
    key = ActionKey.parse(keys["steps_a.py::net"])
    cache = SqliteActionCache(database)
    entry = cache.look_up([key])[key]
    connection = sqlite3.connect(database)
    connection.execute("DELETE FROM entries")
    connection.commit()
    connection.close()
    cache.publish(attrs.evolve(entry, outputs={"": forge(entry.outputs[""])}))
    cache.close()


@pytest.mark.parametrize("kind", FORGERIES)
def test_a_forged_cache_entry_is_never_unpickled_nor_leads_out_of_the_store(
    project, watched, kind: str
) -> None:
    it = project(PLANTED)
    it.run("run")
    forge, code = FORGERIES[kind]
    plant(it, forge)
    watch = watched(it)
    plan = watch.run("run", "--plan")
    assert "internal error" not in plan.text
    result = watch.run("run", check=False)
    assert result.returncode in (0, code), result
    assert "internal error" not in result.text
    assert not any("system" in event or "posix" in event for event in watch.events)
    assert not list(it.path.parent.rglob("harmed"))
    if result.returncode == 0:
        assert it.value("use") == 3
    else:
        assert "loading it would run code" in result.stderr or "cannot be loaded" in result.stderr


def test_a_pickle_put_in_the_place_of_a_blob_is_never_read(project, watched) -> None:
    it = project({"steps_a.py": "def big(): return [{1, 2}] * 3000\ndef use(big): return len(big)\n"})
    it.run("run")
    blobs = [path for path in (it.path / ".zenconv/store/objects").rglob("*") if path.is_file()]
    assert blobs
    for blob in blobs:
        blob.unlink()
        blob.write_bytes(HARM)
    it.edit("steps_a.py", "return len(big)", "return len(big) + 1")
    watch = watched(it)
    result = watch.run("run")
    assert "damaged; computing it again" in result.stderr
    assert not any("system" in event or "find_class" in event for event in watch.events)
    assert it.value("use") == 3001


def test_links_inside_the_store_are_refused(project) -> None:
    it = project({"steps_a.py": "def big(): return 'x' * 5000\ndef use(big): return len(big)\n"})
    it.run("run")
    (blob,) = [path for path in (it.path / ".zenconv/store/objects").rglob("*") if path.is_file()]
    outside = it.path.parent / "outside"
    shutil.move(blob, outside)
    blob.symlink_to(outside)
    assert "is a link, which is refused" in it.run("get", "big", check=1).stderr
    it.run("run", "big")
    assert it.executed() == ["a::big"]
    assert not blob.is_symlink()
    assert it.value("big") == "x" * 5000


def test_only_ids_of_plugins_select_components(project, watched) -> None:
    for id in ("os:system", "zenconv.components.local_store:LocalStore", "../../x"):
        it = project({"steps_a.py": "def a(): return 1\n"}, name=hashing.digest_bytes(id.encode())[3:9])
        it.write({"zenconv.toml": f'[stacks.local]\norchestrator = "{id}"\n'})
        result = it.run("run", check=4)
        assert "zenconv.toml:2: there is no orchestrator" in result.stderr


SECRET_STEPS = """
import os, warnings

def use(token: str, secrets):
    print("tokens:", token, secrets["OTHER_TOKEN"])
    os.system("echo from a process of its own: " + token)
    warnings.warn("warned of " + token)
    return len(token)

def leak(secrets, use):
    held = secrets["OTHER_TOKEN"]
    raise ValueError("cannot log in with " + held)

def crash(secrets, use):
    print("before the end:", secrets["OTHER_TOKEN"], flush=True)
    os._exit(3)
"""


def test_a_secret_is_nowhere_on_disk_and_in_no_output(project) -> None:
    it = project({"steps_a.py": SECRET_STEPS, "zenconv.toml": '[params]\ntoken = "${env:FIRST_TOKEN}"\n'})
    env = {"FIRST_TOKEN": "hunter2-first", "OTHER_TOKEN": "hunter2-other"}
    commands = [
        ["run"],
        ["show"],
        ["show", "--json"],
        ["show", "leak"],
        ["logs", "--all"],
        ["config", "--show-origin"],
        ["config", "--json"],
        ["explain", "use"],
        ["run", "--plan", "--json"],
        ["steps"],
        ["check"],
    ]
    for command in commands:
        result = it.run(*command, env=env, check=False)
        assert result.returncode in (0, 1), result
        assert "hunter2" not in result.text, result
    assert it.statuses("1-" + it.json("runs")["runs"][-1]["id"].partition("-")[2])["a::leak"] == "failed"
    holders = [
        path
        for path in (*it.path.rglob("*"), *it.home.rglob("*"))
        if path.is_file() and b"hunter2" in path.read_bytes()
    ]
    assert holders == []
