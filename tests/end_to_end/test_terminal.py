"""In a real terminal: the debugger, Ctrl-C, the status line."""

from __future__ import annotations

from tests.end_to_end.terminal import Terminal, wait_for_file

DEBUGGED = {"steps_a.py": "def a() -> int:\n    x = 41\n    breakpoint()\n    return x + 1\n"}


def test_a_breakpoint_talks_to_the_person_under_s(project) -> None:
    it = project(DEBUGGED)
    terminal = Terminal(it, "run", "-s")
    terminal.wait_for("(Pdb)")
    terminal.type("p x * 1000\n")
    terminal.wait_for("41000")
    terminal.wait_for("(Pdb)")
    terminal.type("c\n")
    assert terminal.end() == 0
    assert it.value("a") == 42


def test_a_breakpoint_talks_to_the_person_without_a_flag_and_output_stays_captured(project) -> None:
    steps = """
        import os

        def a() -> int:
            x = 41
            print("before")
            breakpoint()
            print("after")
            os.system("echo from a child")
            return x + 1

        def b(a: int) -> int:
            breakpoint()
            return a
    """
    it = project({"steps_a.py": steps})
    terminal = Terminal(it, "run")
    terminal.wait_for("(Pdb)")
    assert "before" not in terminal.seen.replace('print("before")', "")
    terminal.type("p x * 1000\n")
    terminal.wait_for("41000")
    terminal.press("\x03", until="--KeyboardInterrupt--")
    terminal.type("n\n")
    terminal.wait_for("os.system")
    terminal.type("c\n")
    terminal.wait_for("a::a")
    terminal.wait_for("(Pdb)")
    terminal.type("p a * 1000\n")
    terminal.wait_for("42000")
    terminal.type("c\n")
    assert terminal.end() == 0
    assert "from a child" not in terminal.seen
    assert it.run("logs", "a").stdout == "before\nafter\nfrom a child\n"


def test_q_at_a_breakpoint_without_a_flag_ends_the_run_and_gives_the_terminal_back(project) -> None:
    it = project(DEBUGGED)
    shell = Terminal(it, "run", shell="; echo code $?; read line; echo got $line")
    shell.wait_for("(Pdb)")
    shell.type("q\n")
    shell.wait_for("code 130")
    shell.type("this\n")
    shell.wait_for("got this")
    shell.end()


def test_ctrl_c_after_a_breakpoint_interrupts_the_run(project) -> None:
    steps = """
        import pathlib, time

        def a() -> int:
            breakpoint()
            pathlib.Path("begun").write_text("1")
            time.sleep(60)
            return 1
    """
    it = project({"steps_a.py": steps})
    terminal = Terminal(it, "run")
    terminal.wait_for("(Pdb)")
    terminal.type("c\n")
    wait_for_file(it.path / "begun")
    terminal.type("\x03")
    assert terminal.end() == 130


def test_pythonbreakpoint_is_honoured_without_a_flag(project) -> None:
    it = project(DEBUGGED)
    terminal = Terminal(it, "run", env={"PYTHONBREAKPOINT": "0"})
    assert terminal.end() == 0


def test_a_command_in_the_background_leaves_the_terminal_to_the_shell(project) -> None:
    steps = """
        import pathlib, time

        def a() -> int:
            while not pathlib.Path("go").exists():
                time.sleep(0.01)
            x = 41
            breakpoint()
            return x + 1
    """
    for number, flags in enumerate(((), ("-s",), ("--pdb",))):
        it = project({"steps_a.py": steps}, name=f"p{number}")
        shell = Terminal(it, "run", *flags, shell=" &", job_control=True)
        shell.wait_for("-- Python")
        shell.type("echo $((6 * 7000)); touch go\n")
        shell.wait_for("42000")
        shell.press("\n", until="Stopped")
        shell.type("fg\n")
        shell.press("p x * 1000\n", until="41000")
        shell.type("c\n")
        shell.wait_for("1 ran in")
        shell.type("exit\n")
        shell.end()


def test_a_breakpoint_without_a_terminal_says_what_to_do(project) -> None:
    it = project(DEBUGGED)
    assert "zenconv run -s" in it.run("run", check=1).stderr


def test_ctrl_c_in_a_terminal_ends_cleanly_with_and_without_s(project) -> None:
    steps = """
import pathlib, time

def a() -> int:
    pathlib.Path("begun").write_text("1")
    time.sleep(60)
    return 1
"""
    for number, flags in enumerate(((), ("-s",))):
        it = project({"steps_a.py": steps}, name=f"p{number}")
        terminal = Terminal(it, "run", *flags)
        wait_for_file(it.path / "begun")
        terminal.type("\x03")
        assert terminal.end() == 130
        assert it.json("runs")["runs"][0]["status"] == "interrupted"


def test_the_status_line_is_gone_at_the_end(project) -> None:
    it = project({"steps_a.py": "def a() -> int:\n    return 1\n"})
    terminal = Terminal(it, "run")
    assert terminal.end() == 0
    lines = [line.rpartition("\x1b[2K")[2] for line in terminal.seen.split("\r\n")]
    assert any(line.startswith("a::a") for line in lines)
    assert "1 ran in" in terminal.seen
