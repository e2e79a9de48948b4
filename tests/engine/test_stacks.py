"""What Python writes down as it crashes is read, and cut out of what was printed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from zenconv.engine.capture import Spool
from zenconv.engine.failures import ProjectFiles
from zenconv.engine.stacks import take_crash

PRINTED = b"first\nFatal Python error: Segmentation fault\n\n"
AFTER = b"\nExtension modules: numpy._core._multiarray_umath, a.b (total: 2)\n"
C_STACK = (
    b'\nCurrent thread\'s C stack trace (most recent call first):\n  Binary file "x.so", at a+0x1 [0x7f]\n'
)


def spool_of(tmp_path, text: bytes) -> Spool:
    spool = Spool(tmp_path)
    spool.append(text)
    return spool


def take(tmp_path, text: bytes) -> tuple[list[tuple[str, int, str]], bytes]:
    spool = spool_of(tmp_path, text)
    frames = take_crash(spool, ProjectFiles(tmp_path))
    return [(f["function"], f["line"], f["text"]) for f in frames], b"".join(spool.blocks())


@pytest.mark.parametrize("all_threads", [False, True])
def test_a_real_crash_is_read_and_cut_out_of_what_was_printed(tmp_path, all_threads: bool) -> None:
    script = tmp_path / "steps_a.py"
    lines = [
        "import ctypes, faulthandler",
        f"faulthandler.enable(all_threads={all_threads})",
        "def step():",
        "    ctypes.string_at(0)",
        "step()",
    ]
    script.write_text("\n".join(lines))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, check=False)
    frames, text = take(tmp_path, b"first\n" + done.stderr)
    assert frames == [("<module>", 5, "step()"), ("step", 4, "ctypes.string_at(0)")]
    assert text == b"first\nFatal Python error: Segmentation fault\n"


@pytest.mark.parametrize(
    "head",
    [b"Stack (most recent call first):\n", b"Current thread 0x00007f12 [python] (most recent call first):\n"],
)
@pytest.mark.parametrize("after", [b"", AFTER, C_STACK + AFTER])
def test_what_newer_and_older_pythons_write_is_cut(tmp_path, head: bytes, after: bytes) -> None:
    (tmp_path / "steps_a.py").write_text("one\ntwo\n")
    stack = f'  File "/lib/x.py", line 9 in called\n  File "{tmp_path}/steps_a.py", line 2 in step\n'.encode()
    frames, text = take(tmp_path, PRINTED + head + stack + after)
    assert frames == [("step", 2, "two")]
    assert text == b"first\nFatal Python error: Segmentation fault\n"


def test_without_a_crash_the_text_stays_as_it_is(tmp_path) -> None:
    assert take(tmp_path, b"Stack (most recent call first):\n  mine\n") == (
        [],
        b"Stack (most recent call first):\n  mine\n",
    )


def test_of_two_crashes_the_last_one_counts(tmp_path) -> None:
    (tmp_path / "steps_a.py").write_text("one\ntwo\n")
    child = (
        b'Fatal Python error: Aborted\n\nStack (most recent call first):\n  File "/lib/x.py", line 1 in y\n'
    )
    own = f'Stack (most recent call first):\n  File "{tmp_path}/steps_a.py", line 1 in step\n'.encode()
    frames, text = take(tmp_path, child + PRINTED + own)
    assert frames == [("step", 1, "one")]
    assert text.startswith(child)
