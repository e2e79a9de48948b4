"""What ``zenconv run`` shows: header, verbosity, tracebacks, durations, summary, last line."""

from __future__ import annotations

import re

import pytest

import zenconv
from tests.end_to_end.terminal import Terminal

STEPS = {
    "steps_a.py": """
        def fast() -> int:
            return 1

        def slow() -> list[int]:
            import time
            time.sleep(0.05)
            return [1, 2]

        def wrong(fast: int) -> int:
            print("about to divide")
            return fast / 0

        def worse(fast: int) -> int:
            raise ValueError("first line\\nsecond line")

        def after(wrong: int) -> int:
            return wrong

        def last() -> int:
            return 1
    """
}


@pytest.fixture
def it(project):
    return project(STEPS)


def lines_of(text: str) -> list[str]:
    return text.rstrip("\n").split("\n")


# ---------------------------------------------------------------- header


def test_the_header_has_version_python_root_and_stack(it) -> None:
    first = lines_of(it.run("run", check=1).stderr)[0]
    assert re.fullmatch(
        rf"zenconv {re.escape(zenconv.__version__)} -- Python \d+\.\d+\.\d+, root {re.escape(str(it.path))}, "
        r"stack local",
        first,
    )


def test_the_header_names_workers_and_plugins(it) -> None:
    it.write({"observer.py": "from zenconv.hooks import hookimpl\n"})
    done = it.run("run", "-n", "2", "-p", "observer", check=1, env={"PYTHONPATH": str(it.path)})
    assert "stack local, 2 workers, plugins observer" in lines_of(done.stderr)[0]


def test_q_leaves_the_header_out(it) -> None:
    assert "-- Python" not in it.run("run", "-q", check=1).stderr


def test_a_second_runner_of_the_run_says_it_no_second_time(project) -> None:
    it = project(
        {"steps_a.py": "import os\n\ndef a() -> int:\n    os._exit(0)\n\ndef b() -> int:\n    return 1\n"}
    )
    assert it.run("run", check=1).stderr.count("-- Python") == 1


# ---------------------------------------------------------------- summary and last line


def test_the_summary_has_a_line_for_each_failure_and_the_last_line_counts_and_run(it) -> None:
    lines = lines_of(it.run("run", check=1).stdout)
    assert lines[:4] == [
        "short summary",
        "FAILED steps_a.py::wrong - ZeroDivisionError: division by zero",
        "FAILED steps_a.py::worse - ValueError: first line",
        "`zenconv show` tells more about what failed",
    ]
    assert re.fullmatch(r"2 failed, 3 ran, 1 skipped in \d.* \(run 1-[0-9a-f]{6}\)", lines[4])
    assert len(lines) == 5


def test_without_a_failure_there_is_no_summary(it) -> None:
    assert len(lines_of(it.run("run", "fast", "last").stdout)) == 1


def test_a_step_that_ends_its_process_is_in_the_summary(project) -> None:
    it = project({"steps_a.py": "import os\n\ndef a() -> int:\n    os._exit(3)\n"})
    assert "FAILED steps_a.py::a - Crash: the step ended its process" in it.run("run", check=1).stdout


def test_a_terminal_cuts_the_lines_of_the_summary(project) -> None:
    it = project({"steps_a.py": "def a() -> int:\n    raise ValueError('x' * 300)\n"})
    terminal = Terminal(it, "run", "-q", env={"COLUMNS": "60"})
    terminal.end()
    [line] = [line for line in terminal.seen.split("\r\n") if "- ValueError" in line]
    assert len(re.sub(r"\x1b\[[0-9;]*[mK]", "", line)) == 60
    assert "x" * 300 in it.run("run", "-q", check=1).stdout


# ---------------------------------------------------------------- -v and -q


def test_q_shows_failures_and_the_last_line_and_qq_only_failures(it) -> None:
    done = it.run("run", "-q", check=1)
    assert re.findall(r"^(\S+) +(\w+)", done.stderr, re.MULTILINE) == [
        ("a::wrong", "FAILED"),
        ("a::worse", "FAILED"),
    ]
    assert "(run 1-" in lines_of(done.stdout)[-1]
    done = it.run("run", "-qq", check=1)
    assert "FAILED" in done.stderr
    assert lines_of(done.stdout)[-1].startswith("FAILED steps_a.py::worse")
    assert it.run("run", "-qq", "fast").text == ""


def test_v_shows_whole_ids_and_each_reused_step(project) -> None:
    steps = "".join(f"def s{n}() -> int:\n    return {n}\n\n" for n in range(20))
    it = project({"steps_a.py": steps})
    assert "steps_a.py::s3 " in it.run("run", "-v").stderr
    it.write({"steps_b.py": "def b() -> int:\n    return 1\n"})
    assert "20 steps reused" in it.run("run").stderr
    assert it.run("run", "-v").stderr.count("reused") == 21


def test_vv_shows_what_each_step_made(it) -> None:
    assert "-> list  len 2" in it.run("run", "-vv", "slow").stderr


def test_v_and_q_add_up(it) -> None:
    assert "-- Python" in it.run("run", "-v", "-q", "fast").stderr
    assert "steps_a.py::fast" not in it.run("run", "-v", "-q", "fast").stderr


# ---------------------------------------------------------------- --tb


def test_tb_says_how_failures_are_shown(it) -> None:
    assert "steps_a.py:11 in wrong\n        return fast / 0" in it.run("run", "wrong", check=1).stderr
    done = it.run("run", "--tb=line", "wrong", check=1)
    assert "    steps_a.py:11: ZeroDivisionError: division by zero\n" in done.stderr
    assert "in wrong" not in done.stderr
    done = it.run("run", "--tb=no", "wrong", check=1)
    assert "division by zero" not in done.stderr
    assert "division by zero" in done.stdout
    done = it.run("run", "--tb", "native", "wrong", check=1)
    assert f'File "{it.path}/steps_a.py", line 11, in wrong' in done.stderr


def test_tb_long_has_the_source_and_the_inputs(it) -> None:
    done = it.run("run", "--tb=long", "wrong", check=1)
    for text in (
        "<- steps_a.py::fast\n",
        "        def wrong(fast: int) -> int:\n            print(",
        "    >       return fast / 0\n    E   ZeroDivisionError: division by zero",
    ):
        assert text in done.stderr


@pytest.mark.parametrize(
    ("flags", "is_shown"), [((), True), (("--tb=long",), True), (("--tb=line",), False), (("-s",), False)]
)
def test_what_a_failed_step_printed_is_shown_once(it, flags: tuple[str, ...], is_shown: bool) -> None:
    done = it.run("run", "wrong", *flags, check=1)
    assert ("    --- captured output\n    about to divide\n" in done.stderr) == is_shown
    lines = [line.strip() for line in done.text.splitlines()]
    assert lines.count("about to divide") == (1 if is_shown or "-s" in flags else 0)


def test_of_a_failed_step_that_printed_much_the_command_is_shown(project) -> None:
    it = project({"steps_a.py": "def wrong():\n    print('x' * 2000)\n    1 / 0\n"})
    assert "    it printed 2.0 kB: zenconv logs steps_a.py::wrong\n" in it.run("run", check=1).stderr


def test_another_style_is_a_usage_error(it) -> None:
    assert "'short'" in it.run("run", "--tb=wide", check=4).stderr


# ---------------------------------------------------------------- --durations


def test_durations_lists_the_slowest_executed_steps(it) -> None:
    lines = lines_of(it.run("run", "--durations", "1", check=1).stdout)
    assert lines[0] == "slowest 1 step"
    assert lines[1].split()[2:] == ["a::slow"]
    assert lines[2] == "short summary"


def test_durations_0_lists_all_and_hides_the_fast_ones_unless_vv(it) -> None:
    it.run("run", "fast", "slow", "last")
    it.write({"steps_a.py": STEPS["steps_a.py"].replace("return 1", "return 2").replace("[1, 2]", "[1, 3]")})
    done = it.run("run", "fast", "slow", "last", "--durations=0", "--durations-min", "0.04")
    assert re.search(r"^slowest steps\n +\S+ m?s  a::slow\n\(2 steps under 40 ms hidden; -vv", done.stdout)
    done = it.run("run", "fast", "slow", "last", "--force", "fast", "--durations=0", "-vv")
    assert "a::fast" in done.stdout
    assert "a::slow" not in done.stdout


# ---------------------------------------------------------------- --maxfail, -x


@pytest.mark.parametrize(
    ("flags", "failed", "skipped"),
    [
        (("-x",), 1, 4),
        (("--exitfirst",), 1, 4),
        (("--maxfail=1",), 1, 4),
        (("--maxfail", "2"), 2, 2),
        (("--maxfail=3",), 3, 0),
        (("--maxfail=0",), 3, 0),
        ((), 3, 0),
    ],
)
def test_maxfail_stops_after_so_many_failures(project, flags, failed, skipped) -> None:
    steps = "".join(f"def s{n}() -> int:\n    return {n} / ({n} % 2)\n\n" for n in range(5))
    it = project({"steps_a.py": steps})
    it.run("run", *flags, check=1)
    statuses = list(it.statuses().values())
    assert (statuses.count("failed"), statuses.count("skipped")) == (failed, skipped)


def test_maxfail_counts_with_workers_too(project) -> None:
    steps = "".join(f"def s{n}() -> int:\n    return {n} / 0\n\n" for n in range(12))
    it = project({"steps_a.py": steps})
    it.run("run", "-n", "2", "--maxfail=3", check=1)
    statuses = list(it.statuses().values())
    assert 3 <= statuses.count("failed") <= 4
    assert statuses.count("skipped") == 12 - statuses.count("failed")
    assert it.reasons()["a::s11"].startswith("stopped after ")
