"""``checkpoint``: a folder kept until the step succeeds, offered to the same key only."""

from __future__ import annotations

import signal

from tests.end_to_end.test_crashes import wait_for

TRAINING = """
import os
import time

def model(checkpoint, epochs: int = 4) -> list:
    done = checkpoint / "epochs"
    lines = done.read_text().split() if done.exists() else []
    began = len(lines)
    for epoch in range(began, epochs):
        if os.path.exists("crash") and epoch == 2:
            os._exit(1)
        if os.path.exists("fail") and epoch == 2:
            raise RuntimeError("diverged")
        if os.path.exists("hang") and epoch == 2:
            with open("hanging", "w") as stream:
                stream.write("yes")
            time.sleep(60)
        lines.append(str(epoch))
        done.write_text(" ".join(lines))
    return [began, lines]
"""


def folders(it) -> list[str]:
    return [p.name for p in (it.path / ".zenconv" / "checkpoints").glob("*/*") if p.is_dir()]


def test_a_step_that_crashed_goes_on_where_it_was_and_its_checkpoint_goes_with_success(project) -> None:
    it = project({"steps_a.py": TRAINING, "crash": ""})
    it.run("run", check=1)
    assert len(folders(it)) == 1
    (it.path / "crash").unlink()
    it.run("run")
    assert it.value("model") == [2, ["0", "1", "2", "3"]]
    assert folders(it) == []
    it.run("run")
    assert it.reused() == ["a::model"]


def test_a_step_that_failed_or_was_killed_in_a_worker_goes_on_too(project) -> None:
    it = project({"steps_a.py": TRAINING, "fail": ""})
    it.run("run", "-n", "2", check=1)
    (it.path / "fail").rename(it.path / "hang")
    process = it.start("run", "-n", "2")
    wait_for(it.path / "hanging")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (it.path / "hang").unlink()
    it.run("run", "-n", "2")
    assert it.value("model") == [2, ["0", "1", "2", "3"]]


def test_another_key_begins_from_nothing(project) -> None:
    it = project({"steps_a.py": TRAINING, "fail": ""})
    it.run("run", check=1)
    (it.path / "fail").unlink()
    it.run("run", "--set", "epochs=3")
    assert it.value("model") == [0, ["0", "1", "2"]]


def test_a_step_that_runs_in_every_run_does_not_go_on_in_another_run(project) -> None:
    text = "import zenconv\n" + TRAINING.replace("def model", "@zenconv.mark.nocache\ndef model")
    it = project({"steps_a.py": text, "fail": ""})
    it.run("run", check=1)
    (it.path / "fail").unlink()
    it.run("run")
    assert it.value("model")[0] == 0


def test_what_a_checkpoint_holds_is_no_input(project) -> None:
    it = project({"steps_a.py": TRAINING, "fail": ""})
    it.run("run", check=1)
    (it.path / "fail").unlink()
    it.run("run")
    assert "reads" not in it.last.stderr
    assert it.plan() == {"a::model": "reuse"}
