"""What a process wrote down about where it is, cut out of what the step printed."""

from __future__ import annotations

import subprocess
import sys
import textwrap

from zenconv.engine.capture import Spool
from zenconv.engine.failures import ProjectFiles
from zenconv.engine.stacks import take_stack
from zenconv.engine.time_limits import describe_timeout
from zenconv.records.marks import TimeLimit


def spool_of(tmp_path, text: bytes) -> Spool:
    spool = Spool(tmp_path)
    spool.append(text)
    return spool


def test_a_real_stack_is_read_and_cut_out_of_what_was_printed(tmp_path) -> None:
    script = tmp_path / "wört.py"
    text = """
    import faulthandler, sys, threading

    def outer():
        inner()

    def inner():
        faulthandler.dump_traceback(all_threads=True)
        print("after", file=sys.stderr)

    threading.Thread(target=threading.Event().wait, daemon=True).start()
    outer()
    """
    script.write_text(textwrap.dedent(text).lstrip(), "utf-8")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, check=True)
    spool = spool_of(tmp_path, b"before\n" + done.stderr)
    frames = take_stack(spool, 3, ProjectFiles(tmp_path))
    assert [(frame["function"], frame["line"], frame["text"]) for frame in frames] == [
        ("<module>", 11, "outer()"),
        ("outer", 4, "inner()"),
        ("inner", 7, "faulthandler.dump_traceback(all_threads=True)"),
    ]
    assert {frame["file"] for frame in frames} == {"wört.py"}
    assert b"".join(spool.blocks()) == b"before\nafter\n"


def test_without_a_stack_the_text_stays_as_it_is(tmp_path) -> None:
    spool = spool_of(tmp_path, b"just text\n")
    assert take_stack(spool, 0, ProjectFiles(tmp_path)) == []
    assert b"".join(spool.blocks()) == b"just text\n"


def test_text_that_was_forgotten_meanwhile_does_no_harm(tmp_path) -> None:
    spool = spool_of(tmp_path, b"a")
    assert take_stack(spool, 1000, ProjectFiles(tmp_path)) == []
    assert b"".join(spool.blocks()) == b"a"


def test_the_error_says_how_long_the_limit_was_and_where_it_is_set() -> None:
    limit = TimeLimit(90, 2.5, "steps_a.py:3")
    assert describe_timeout(limit, [])["message"] == "timed out after 90 s"
    assert describe_timeout(limit, [])["hint"] == "the limit is set at steps_a.py:3"
    killed = describe_timeout(limit, [], is_killed=True)["message"]
    assert killed == "timed out after 90 s; it did not end within 2.5 s of being asked to, and was killed"


def test_a_limit_travels_as_plain_data() -> None:
    limit = TimeLimit(90, 2.5, "steps_a.py:3")
    assert TimeLimit.from_json(limit.to_json()) == limit
    assert TimeLimit.from_json(()) is None
