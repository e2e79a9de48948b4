"""``zenconv shell``: fixtures are torn down, damaged and foreign bytes stay out, secrets stay secret."""

from __future__ import annotations

import signal

import pytest

from tests.end_to_end.terminal import wait_for_file


def shell(it, *words: str, script: str = "", check: int = 0, **options):
    """Execute a script in the shell of a step."""
    return it.run("shell", *words, stdin=script, check=check, **options)


# ---------------------------------------------------------------- fixtures


FIXTURES = {
    "steps_a.py": """
        import pathlib, zenconv

        def _note(text):
            with open("log.txt", "a") as stream:
                stream.write(text + "\\n")

        @zenconv.fixture(scope="run", autouse=True)
        def always():
            _note("always up")
            yield
            _note("always down")

        @zenconv.fixture
        def connection(port: int = 7):
            _note("up")
            yield port
            _note("down")

        def a(connection, tmp_path, run, seed) -> str:
            _note("called")
            (tmp_path / "x").write_text("1")
            return f"{connection} {run.number} {seed}"
    """
}


@pytest.fixture
def fixtures(project):
    it = project(FIXTURES)
    it.run("run")
    (it.path / "log.txt").unlink()
    return it


def test_fixtures_are_set_up_once_and_torn_down_at_the_end(fixtures) -> None:
    done = shell(fixtures, "a", script="print(connection, call(), call(), tmp_path.exists())")
    assert done.stdout == "7 7 1 0 7 1 0 True\n"
    assert fixtures.read("log.txt").split("\n") == [
        "always up", "up", "called", "called", "down", "always down", "",
    ]  # fmt: skip


@pytest.mark.parametrize("script", ["1 / 0", "import sys; sys.exit(7)", "raise KeyboardInterrupt"])
def test_fixtures_are_torn_down_however_the_script_ends(fixtures, script) -> None:
    expected = {"1": 1, "i": 7, "r": 130}[script[0]]
    shell(fixtures, "a", script=script, check=expected)
    assert fixtures.read("log.txt").endswith("down\nalways down\n")


def test_sigterm_tears_fixtures_down(fixtures) -> None:
    process = fixtures.start("shell", "a", "-c", "open('begun', 'w'); import time; time.sleep(60)")
    wait_for_file(fixtures.path / "begun")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143
    assert fixtures.read("log.txt").endswith("down\nalways down\n")


def test_a_fixture_that_fails_is_told_and_the_rest_is_there(project) -> None:
    steps = """
        import os, zenconv

        @zenconv.fixture
        def connection():
            return 1 if "UP" in os.environ else 1 / 0

        def a(connection, n: int = 6) -> int:
            return n
    """
    it = project({"steps_a.py": steps})
    it.run("run", env={"UP": "1"})
    done = shell(it, "a", script="print(n, 'connection' in inputs, call(connection=0))")
    assert done.stdout == "6 False 6\n"
    assert "connection is missing" in done.stderr
    assert "steps_a.py:5 in connection" in done.stderr


# ---------------------------------------------------------------- trust, damage, secrets


def test_damaged_bytes_are_never_loaded(project) -> None:
    steps = "def a() -> bytes:\n    return b'x' * 100_000\n\ndef b(a: bytes) -> int:\n    return len(a)\n"
    it = project({"steps_a.py": steps})
    it.run("run")
    [stored] = [f for f in (it.path / ".zenconv").rglob("*") if f.is_file() and f.stat().st_size >= 100_000]
    stored.chmod(0o644)
    data = bytearray(stored.read_bytes())
    data[5000] ^= 1
    stored.write_bytes(data)
    done = shell(it, "b", script="print('a' in inputs)")
    assert done.stdout == "False\n"
    assert "a is missing" in done.stderr
    assert "differ from their digest" in done.stderr


def test_a_pickle_that_nobody_trusted_wrote_is_not_loaded(project) -> None:
    steps = """
        class Model:
            pass

        def a():
            made = Model()
            made.f = lambda x: x + 1
            return made

        def b(a) -> int:
            return a.f(1)
    """
    it = project({"steps_a.py": steps})
    it.run("run")
    assert shell(it, "b", script="print(a.f(1))").stdout == "2\n"
    done = shell(it, "b", script="print('a' in inputs)", env={"ZENCONV_HOME": str(it.path / "stranger")})
    assert done.stdout == "False\n"
    assert "not written by you on this machine" in done.stderr


SECRET = {
    "steps_a.py": "def a(token: str, n: int = 1) -> int:\n    return len(token) + n\n",
    "zenconv.toml": 'params = {token = "${env:TOKEN_OF_MINE}"}\n',
}


def test_a_secret_is_there_but_never_shown(project) -> None:
    it = project(SECRET)
    env = {"TOKEN_OF_MINE": "hush-hush-42"}
    it.run("run", env=env)
    script = "print(len(token), token, call())\nprint(inputs)\nraise ValueError(token)"
    done = shell(it, "a", script=script, check=1, env=env)
    assert done.stdout.startswith("12 *** 13\n")
    assert "ValueError: ***" in done.stderr
    assert "hush-hush-42" not in done.text
    assert not [f for f in it.path.rglob("*") if f.is_file() and b"hush-hush-42" in f.read_bytes()]


def test_a_secret_that_is_not_set_is_missing(project) -> None:
    it = project(SECRET)
    it.run("run", env={"TOKEN_OF_MINE": "hush-hush-42"})
    done = shell(it, "a", script="print(n, 'token' in inputs)")
    assert done.stdout == "1 False\n"
    assert "TOKEN_OF_MINE" in done.stderr
