"""`zenconv cache`, `cache push` and `cache pull`: one machine computes, another one reuses."""

from __future__ import annotations

import signal
import time

import pytest

STEPS = """
    import numpy as np

    class Net:
        def __init__(self, weight: float):
            self.weight = weight

    def raw(size: int = 1000) -> np.ndarray:
        return np.arange(size * 10.0)

    def total(raw: np.ndarray) -> float:
        return float(raw.sum())

    def net(raw: np.ndarray) -> Net:
        return Net(float(raw[-1]))
"""
KEY = {"ZENCONV_SIGNING_KEY": "a key that both have"}


@pytest.fixture
def laptop(project):
    it = project({"steps_a.py": STEPS, "steps_b.py": "def one() -> str:\n    return 'x' * 5000\n"})
    it.run("run")
    return it


@pytest.fixture
def server(project, laptop, tmp_path):
    """The same project on another machine, of another user."""
    it = project({name: laptop.read(name) for name in ("steps_a.py", "steps_b.py")})
    it.home = tmp_path / "another home"
    return it


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_was_pushed_and_pulled_is_reused_but_no_foreign_pickle(laptop, server, tmp_path, kind) -> None:
    place = f"file://{tmp_path}/shared" if kind == "file" else "../shared"
    assert laptop.json("cache", "push", place)["results"] == 4
    data = server.json("cache", "pull", place)
    assert (data["results"], data["untrusted"]) == (4, 1)
    server.run("run")
    assert server.reused() == ["a::raw", "a::total", "b::one"]
    assert "not trusted here" in server.reasons()["a::net"]
    assert server.value("total") == laptop.value("total")


def test_a_second_push_copies_nothing_and_says_so(laptop, tmp_path) -> None:
    laptop.run("cache", "push", f"file://{tmp_path}/shared")
    assert "0 results" in (text := laptop.run("cache", "push", f"file://{tmp_path}/shared").stdout)
    assert "4 were there already" in text


def test_targets_bring_what_they_need_and_nothing_else(laptop, server, tmp_path) -> None:
    laptop.run("cache", "push", f"file://{tmp_path}/shared")
    assert server.json("cache", "pull", f"file://{tmp_path}/shared", "total")["results"] == 2
    server.run("run")
    assert server.reused() == ["a::raw", "a::total"]
    assert "no step" in server.run("cache", "pull", f"file://{tmp_path}/shared", "totl", check=4).text


def test_with_the_key_of_the_stack_pickles_are_trusted_too(laptop, server) -> None:
    settings = """
        [stacks.team]
        artifact_store = "file://{}/shared"
        trust = {{mode = "signed", key = "${{env:ZENCONV_SIGNING_KEY}}"}}
    """
    for it in (laptop, server):
        it.write({"zenconv.toml": settings.format(laptop.path.parent)})
    assert "ZENCONV_SIGNING_KEY" in laptop.run("cache", "push", "team", check=4).text
    laptop.run("cache", "push", "team", env=KEY)
    assert server.json("cache", "pull")["untrusted"] == 1  # the only stack with another store
    data = server.json("cache", "pull", "team", env=KEY)
    assert (data["results"], data["signed"]) == (0, 1)
    server.run("run")
    assert server.executed() == []


def test_what_was_altered_on_the_way_is_not_taken(laptop, server, tmp_path) -> None:
    laptop.run("cache", "push", f"file://{tmp_path}/shared")
    (blob,) = [p for p in (tmp_path / "shared" / "objects").glob("*/*") if p.stat().st_size < 10_000]
    data = blob.read_bytes()
    blob.write_bytes(data[:-1] + b"!")
    result = server.run("cache", "pull", f"file://{tmp_path}/shared", check=1)
    assert "not copied" in result.stderr
    server.run("run")
    assert server.reused() == ["a::raw", "a::total"]
    assert server.value("one") == "x" * 5000


def test_a_push_that_was_killed_is_taken_up_again(project, tmp_path) -> None:
    code = "def s{0}() -> bytes:\n    return b'{0}' * 200_000\n"
    it = project({"steps_a.py": "\n".join(code.format(n) for n in range(60))})
    it.run("run")
    for delay in (0.2, 0.3):
        pushing = it.start("cache", "push", f"file://{tmp_path}/shared")
        time.sleep(delay)
        pushing.send_signal(signal.SIGKILL)
        pushing.communicate()
    it.run("cache", "push", f"file://{tmp_path}/shared")
    other = project({"steps_a.py": it.read("steps_a.py")})
    assert other.json("cache", "pull", f"file://{tmp_path}/shared")["results"] == 60
    other.run("run")
    assert other.executed() == []


def test_what_is_stored_is_listed_by_step(laptop) -> None:
    shown = laptop.run("cache").stdout
    assert shown.splitlines()[1].startswith("steps_a.py::raw")
    assert "4 results, 2 stored files" in shown
    rows = laptop.json("cache")["results"]
    assert {row["node"] for row in rows} == {
        "steps_a.py::raw", "steps_a.py::total", "steps_a.py::net", "steps_b.py::one"
    }  # fmt: skip


def test_mistakes_say_what_there_is(laptop, project) -> None:
    assert "did you mean 'push'" in laptop.run("cache", "psh", check=4).text
    assert "there is no stack 'prod'" in laptop.run("cache", "push", "prod", check=4).text
    assert "no stack has another store" in laptop.run("cache", "pull", check=4).text
    assert "same store" in laptop.run("cache", "pull", "local", check=4).text
    for place in ("./shred", f"file://{laptop.path}/shred"):
        assert f"there is no store in {laptop.path}/shred" in laptop.run("cache", "pull", place, check=4).text
    assert "cannot" in laptop.run("cache", "push", "file:///dev/null/x", check=1).text
    empty = project({"steps_a.py": "def a(): return 1\n"})
    assert "no results are stored" in empty.run("cache").stderr
    assert "nothing is stored there" in laptop.run("cache", "pull", str(empty.path)).stderr


def test_beside_a_clean_what_is_pulled_is_whole_or_not_there(project, tmp_path) -> None:
    code = "def s{0}() -> bytes:\n    return b'{0}' * 100_000\n"
    it = project({"steps_a.py": "\n".join(code.format(n) for n in range(40))})
    it.run("run")
    it.run("cache", "push", f"file://{tmp_path}/shared")
    other = project({"steps_a.py": it.read("steps_a.py")})
    for _ in range(2):
        pulling = other.start("cache", "pull", f"file://{tmp_path}/shared")
        while pulling.poll() is None:
            other.run("clean", "--older-than", "0s", "--yes")
        out, err = pulling.communicate()
        assert pulling.returncode == 0, out + err
        assert other.json("check", "--deep")["warnings"] == 0
    other.run("clean", "--older-than", "0s", "--yes")
    assert other.json("cache")["results"] == []
    other.run("cache", "pull", f"file://{tmp_path}/shared")
    other.run("run")
    assert other.executed() == []
