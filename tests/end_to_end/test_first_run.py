"""The first minute of a new user."""

from __future__ import annotations

TWO_STEPS = {
    "steps_greeting.py": """
        def name() -> str:
            return "world"


        def greeting(name: str) -> str:
            return f"hello {name}"
    """
}


def test_a_file_of_plain_functions_is_a_pipeline(project):
    it = project(TWO_STEPS)
    it.run("run")
    assert it.executed() == ["greeting::greeting", "greeting::name"]
    assert it.value("greeting") == "hello world"


def test_the_second_run_executes_nothing(project):
    it = project(TWO_STEPS)
    it.run("run")
    it.run("run")
    assert it.executed() == []
    assert it.reused() == ["greeting::greeting", "greeting::name"]


def test_zenconv_alone_runs_everything(project):
    it = project(TWO_STEPS)
    it.run()
    assert len(it.executed()) == 2


def test_an_edited_step_runs_again_and_what_uses_it(project):
    it = project(TWO_STEPS)
    it.run("run")
    it.edit("steps_greeting.py", '"world"', '"moon"')
    assert it.plan() == {"greeting::name": "run", "greeting::greeting": "maybe"}
    it.run("run")
    assert it.executed() == ["greeting::greeting", "greeting::name"]
    assert it.value("greeting") == "hello moon"
