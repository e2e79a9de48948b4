"""``breakpoint()`` under ``zenconv run --pdb``."""

from __future__ import annotations


def debug(it, script: str, *args: str, check: int = 1, **options):
    """Run with ``--pdb`` and a script for the debugger."""
    return it.run("run", "--pdb", *args, stdin=script, check=check, **options)


STOPPING = {"steps_a.py": "def a() -> int:\n    x = 6\n    breakpoint()\n    y = 7\n    return x * y\n"}


def test_a_breakpoint_works_under_pdb(project) -> None:
    it = project(STOPPING)
    done = debug(it, "p x * 7000\nn\np y * 6000\nc\n", check=0)
    assert done.stdout.count("42000") == 2
    assert it.value("a") == 42


def test_stepping_past_the_end_of_a_step_does_not_stop_in_zenconv(project) -> None:
    it = project(STOPPING)
    done = debug(it, "n\nn\nn\nn\nn\n", check=0)
    assert "zenconv/" not in done.stdout


def test_q_at_a_breakpoint_interrupts_the_step_whatever_it_catches(project) -> None:
    steps = """
        def a() -> int:
            try:
                breakpoint()
                x = 1
            except Exception:
                x = 2
            return x

        def b() -> int:
            return 1
    """
    it = project({"steps_a.py": steps})
    debug(it, "q\n", check=130)
    assert it.statuses() == {"a::a": "interrupted"}


def test_pdb_set_trace_is_a_breakpoint_too(project) -> None:
    it = project(
        {"steps_a.py": "import pdb\n\ndef a() -> int:\n    x = 6\n    pdb.set_trace()\n    return x\n"}
    )
    assert "42000" in debug(it, "p x * 7000\nc\n", check=0).stdout


def test_pythonbreakpoint_is_honoured(project) -> None:
    own = "def stop():\n    print('stopped by my own')\n"
    it = project({**STOPPING, "mine.py": own})
    assert "(Pdb)" not in debug(it, "", check=0, env={"PYTHONBREAKPOINT": "0"}).stdout
    done = debug(it, "", "--force", "a", check=0, env={"PYTHONBREAKPOINT": "mine.stop"})
    assert "stopped by my own" in done.stdout
    assert "(Pdb)" not in done.stdout


def test_a_breakpoint_while_a_module_is_imported_works(project) -> None:
    it = project({"steps_a.py": "x = 6\nbreakpoint()\ny = 1\n\ndef a() -> int:\n    return x\n"})
    assert "42000" in debug(it, "p x * 7000\nc\n", check=0).stdout
