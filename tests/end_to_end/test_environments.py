"""``python(requirements=...)``: steps in environments of their own, made without a network."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest

from tests.end_to_end.test_processes import family, wait_until_alone
from tests.packages import make_source, make_wheel

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers of other environments need pidfds")

OFFLINE = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""}
BOTH = pytest.mark.parametrize("workers", ["0", "2"])
STEPS = """
import sys
import zenconv

def raw() -> list[int]:
    return [1, 2]

@zenconv.fixture
def connection():
    yield "open"
    print("closed")

@zenconv.mark.python(requirements=["./libs/gadget-2.0-py3-none-any.whl"])
def told(raw, connection):
    import gadget
    print("hello from", "own" if sys.prefix != sys.base_prefix and "environments" in sys.prefix else "parent")
    return [gadget.VALUE, *raw]

def after(told) -> int:
    assert "gadget" not in sys.modules
    return len(told)
"""


def wheel(version: str = "2.0", value: str = "two") -> dict[str, bytes]:
    name, data = make_wheel("gadget", version, f"VALUE = {value!r}\n")
    return {f"libs/{name}": data}


WAITING = """open("here", "w").close()
    import time; time.sleep(300)
    return [gadget"""


def await_file(path: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert path.exists()


def environments(it) -> list[str]:
    return sorted(p.name for p in (it.path / ".zenconv" / "environments").iterdir() if p.is_dir())


@BOTH
def test_a_step_runs_in_its_own_environment_and_its_values_cross(project, workers) -> None:
    it = project({"steps_a.py": STEPS, **wheel()})
    assert it.plan() == {"a::raw": "run", "a::told": "maybe", "a::after": "run"}
    result = it.run("run", "-n", workers, env=OFFLINE)
    assert "note: an environment is made for a::told: ./libs/gadget-2.0-py3-none-any.whl" in result.stderr
    assert it.value("told") == ["two", 1, 2]
    assert it.value("after") == 3
    assert it.run("logs", "told").stdout == "hello from own\nclosed\n"
    assert it.plan() == {"a::raw": "reuse", "a::told": "reuse", "a::after": "reuse"}
    assert "while it is imported" not in it.run("run", "--plan", "-v").stdout
    it.run("run", "-n", workers, env=OFFLINE)
    assert it.executed() == []
    shown = it.run("run", "-s", "-n", workers, "--force", "told", env=OFFLINE)
    assert shown.text.count("hello from own") == 1
    assert it.run("logs", "told").stdout == "hello from own\nclosed\n"
    assert len(environments(it)) == 1
    wait_until_alone(it.path)
    it.run("clean", "--older-than", "1h", "--yes")
    assert len(environments(it)) == 1
    it.run("clean", "--older-than", "0s", "--yes")
    assert environments(it) == []


def test_what_is_installed_counts_and_is_named(project) -> None:
    it = project({"steps_a.py": STEPS, **wheel()})
    it.run("run", "-q", env=OFFLINE)
    it.write(wheel(value="other"))
    it.run("run", "-q", env=OFFLINE)
    assert it.reasons()["a::told"] == "requirements changed"
    assert it.value("told")[0] == "other"
    it.write(wheel("3.0", "three"))
    it.edit("steps_a.py", "gadget-2.0", "gadget-3.0")
    it.run("run", "-q", env=OFFLINE)
    assert it.value("told")[0] == "three"
    assert "gadget" in it.run("explain", "told").stdout
    it.edit("steps_a.py", "gadget-3.0", "gadget-2.0")
    it.run("run", "-q", env=OFFLINE)
    assert it.executed() == []


def test_a_source_folder_is_built_and_counts_by_its_content(project) -> None:
    source = {
        f"libs/gadget/{name}": text for name, text in make_source("gadget", "1.0", "VALUE = 1\n").items()
    }
    text = STEPS.replace("./libs/gadget-2.0-py3-none-any.whl", "./libs/gadget")
    it = project({"steps_a.py": text, **source})
    it.run("run", "-q", env=OFFLINE)
    assert it.value("told") == [1, 1, 2]
    it.run("run", "-q", env=OFFLINE)
    assert it.executed() == []
    it.write({"libs/gadget/gadget.py": "VALUE = 5\n"})
    it.run("run", "-q", env=OFFLINE)
    assert it.value("told") == [5, 1, 2]


def test_requirements_may_stand_in_a_file(project) -> None:
    text = STEPS.replace('["./libs/gadget-2.0-py3-none-any.whl"]', '"needs.txt"')
    needs = "# what told needs\n-r more.txt\n"
    more = "--no-index\n./libs/gadget-2.0-py3-none-any.whl  # two\n"
    it = project({"steps_a.py": text, "needs.txt": needs, "more.txt": more, **wheel()})
    it.run("run", "-q", env=OFFLINE)
    assert it.value("told")[0] == "two"
    it.write({"needs.txt": "# another remark\n-r more.txt\n"})
    it.run("run", "-q", env=OFFLINE)
    assert it.executed() == []
    it.write(wheel("3.0", "three"))
    it.write({"more.txt": "./libs/gadget-3.0-py3-none-any.whl\n"})
    it.run("run", "-q", env=OFFLINE)
    assert it.value("told")[0] == "three"


def test_an_environment_that_cannot_be_made_fails_its_step_with_pips_words(project) -> None:
    text = """
    import zenconv

    @zenconv.mark.python(requirements=["no-such-thing-at-all==3"])
    def absent(): return 1

    @zenconv.mark.python(version="3.99")
    def future(): return 1

    @zenconv.mark.python(requirements="missing.txt")
    def without(): return 1

    def waiting(absent): ...

    def beside(): return 2
    """
    it = project({"steps_a.py": text})
    result = it.run("run", env=OFFLINE, check=1)
    assert it.statuses() == {
        "a::absent": "failed",
        "a::future": "failed",
        "a::without": "failed",
        "a::waiting": "skipped",
        "a::beside": "succeeded",
    }
    assert (
        "its environment cannot be made: `pip install no-such-thing-at-all==3` ended with 1" in result.stderr
    )
    assert "No matching distribution found for no-such-thing-at-all==3" in result.stderr
    assert "hint: asked for at steps_a.py:3" in result.stderr
    assert "there is no Python 3.99 on this machine (python3.99)" in result.stderr
    assert "missing.txt" in it.json("show", "without")["step"]["error"]["message"]


def test_an_environment_that_a_run_uses_is_not_cleaned(project) -> None:
    steps = """
        import time
        import zenconv

        @zenconv.mark.python(requirements=["./libs/gadget-2.0-py3-none-any.whl"])
        def slow() -> int:
            import pathlib
            pathlib.Path("working").touch()
            while not pathlib.Path("cleaned").exists():
                time.sleep(0.01)
            import gadget
            return len(gadget.VALUE)
    """
    it = project({"steps_a.py": steps, **wheel()})
    running = it.start("run", env=OFFLINE)
    await_file(it.path / "working")
    it.run("clean", "--older-than", "0s", "--yes")
    (it.path / "cleaned").touch()
    out, err = running.communicate(timeout=60)
    assert running.returncode == 0, out + err
    assert len(environments(it)) == 1


def test_a_half_made_environment_is_never_used(project) -> None:
    it = project({"steps_a.py": STEPS, **wheel()})
    it.run("run", "-q", env=OFFLINE)
    (name,) = environments(it)
    folder = it.path / ".zenconv" / "environments" / name
    (folder / "made.json").unlink()
    (package,) = folder.glob("lib/*/site-packages/gadget.py")
    package.write_text("VALUE = 'half'\n")
    assert it.plan()["a::told"] == "maybe"
    it.run("run", "-q", "--force", "told", env=OFFLINE)
    assert it.value("told")[0] == "two"


def test_two_runs_at_once_make_an_environment_once(project) -> None:
    it = project({"steps_a.py": STEPS, **wheel()})
    runs = [it.start("run", "-q", env=OFFLINE) for _ in range(2)]
    for run in runs:
        _, errors = run.communicate(timeout=120)
        assert run.returncode == 0, errors
    (name,) = environments(it)
    log = (it.path / ".zenconv" / "environments" / name / "pip.log").read_text()
    assert log.count("Successfully installed gadget-2.0") == 1


def test_with_the_parents_packages_out_of_sight_everything_has_to_be_asked_for(project) -> None:
    text = """
    import zenconv

    @zenconv.mark.python(requirements=["./libs/gadget-2.0-py3-none-any.whl"], isolated=True)
    def alone():
        import gadget
        try:
            import pytest
        except ImportError as error:
            return [gadget.VALUE, error.name]

    @zenconv.mark.python(requirements=["./libs/gadget-2.0-py3-none-any.whl"])
    def beside():
        import gadget, pytest
        return [gadget.VALUE, pytest.__name__]
    """
    other = """
    import pytest
    import zenconv

    @zenconv.mark.python(requirements=["./libs/gadget-2.0-py3-none-any.whl"], isolated=True)
    def needs_more(): return 1
    """
    it = project({"steps_a.py": text, "steps_b.py": other, **wheel()})
    result = it.run("run", env=OFFLINE, check=1)
    assert it.value("alone", run="last") == ["two", "pytest"]
    assert it.value("beside", run="last") == ["two", "pytest"]
    assert "the project cannot be collected in its environment" in result.stderr
    assert "steps_b.py:1: ModuleNotFoundError: No module named 'pytest'" in result.stderr


@BOTH
def test_a_step_elsewhere_fails_crashes_times_out_and_is_retried_like_any_other(project, workers) -> None:
    text = """
    import os, pathlib, time
    import zenconv

    zenconvmark = zenconv.mark.python(requirements=["./libs/gadget-2.0-py3-none-any.whl"])

    def fails(): raise ValueError("no")

    def crashes(): os._exit(3)

    @zenconv.mark.timeout(0.5, grace=0.3)
    def late():
        while True:
            try:
                time.sleep(300)
            except BaseException:
                pass

    @zenconv.mark.retry(1, on=OSError)
    def flaky():
        if not pathlib.Path("tried").exists():
            pathlib.Path("tried").touch()
            raise OSError("first")
        return 1
    """
    it = project({"steps_a.py": text, **wheel()})
    it.run("run", "-n", workers, env=OFFLINE, check=1)
    errors = {step["step"]: step["error"] for step in it.json("show")["steps"] if step["error"]}
    assert {name: error["type"] for name, error in errors.items()} == {
        "fails": "ValueError",
        "crashes": "Crash",
        "late": "TimeoutError",
    }
    assert errors["late"]["frames"][0]["function"] == "late"
    assert it.value("flaky", run="last") == 1
    wait_until_alone(it.path)


def test_an_interrupt_ends_workers_elsewhere_with_their_fixtures(project) -> None:
    it = project({"steps_a.py": STEPS.replace("return [gadget", WAITING), **wheel()})
    process = it.start("run", env=OFFLINE)
    await_file(it.path / "here")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert it.statuses()["a::told"] == "interrupted"
    wait_until_alone(it.path)


BACKEND = """
import time
open({started!r}, "w").close()
time.sleep(300)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_ends_while_an_environment_is_made_leaves_nothing_at_work(project, number) -> None:
    made = make_source("gadget", "1.0", "VALUE = 1\n")
    it = project({"steps_a.py": STEPS.replace("./libs/gadget-2.0-py3-none-any.whl", "./libs/gadget")})
    it.write({f"libs/gadget/{name}": content for name, content in made.items()})
    it.write({"libs/gadget/backend.py": BACKEND.format(started=str(it.path / "started"))})
    process = it.start("run", env=OFFLINE)
    await_file(it.path / "started")
    process.send_signal(number)
    process.communicate(timeout=60)
    wait_until_alone(it.path)
    it.write({"libs/gadget/backend.py": made["backend.py"]})
    it.run("run", "-q", env=OFFLINE)
    assert it.value("told") == [1, 1, 2]


def test_a_killed_run_leaves_no_worker_behind(project) -> None:
    it = project({"steps_a.py": STEPS.replace("return [gadget", WAITING), **wheel()})
    process = it.start("run", env=OFFLINE)
    await_file(it.path / "here")
    assert len(family(it.path)) >= 3
    process.kill()
    process.communicate(timeout=60)
    wait_until_alone(it.path)
