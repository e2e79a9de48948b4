"""Running and reading from Python: scripts and notebooks, without a server."""

from __future__ import annotations

FILES = {
    "steps_a.py": """
def raw(n: int = 3) -> list[int]:
    return list(range(n))

def total(raw) -> int:
    return sum(raw)
""",
    "steps_bad.py": """
def broken(total) -> int:
    raise ValueError("no luck")
""",
}


def test_a_run_from_python_returns_its_record(project) -> None:
    it = project(FILES)
    result = it.python(
        """
        import zenconv
        project = zenconv.Project(".")
        run = project.run("a", quiet=True)
        print(run["total"].load(), run.status)
        print(project.run("a", params={"n": 5}, quiet=True)["total"].load())
        print(project.load("a::total"), zenconv.load("total"), len(zenconv.runs()))
        """
    )
    assert result.stdout.split("\n")[:3] == ["3 succeeded", "10", "10 10 2"]


def test_an_edit_on_disk_is_seen_whatever_the_kernel_has_imported(project) -> None:
    it = project(
        {
            **FILES,
            "helper.py": "def f():\n    return 1\n",
            "steps_c.py": "import helper\ndef c() -> int:\n    return helper.f()\n",
        }
    )
    result = it.python(
        """
        import sys, pathlib, zenconv
        sys.path.insert(0, ".")
        import helper
        project = zenconv.Project()
        print(project.run("c", quiet=True)["c"].load())
        pathlib.Path("helper.py").write_text("def f():\\n    return 2\\n")
        print(project.run("c", quiet=True)["c"].load())
        """
    )
    assert result.stdout.split() == ["1", "2"]


def test_a_failed_run_raises_with_what_went_wrong(project) -> None:
    it = project(FILES)
    result = it.python(
        """
        import zenconv
        from zenconv.notebook import RunFailed
        try:
            zenconv.Project().run(quiet=True)
        except RunFailed as error:
            print(error.exit_code, "no luck" in str(error), error.run["total"].load())
        run = zenconv.Project().run(quiet=True, check=False)
        print(run.status)
        """
    )
    assert result.stdout.split("\n")[:2] == ["1 True 3", "failed"]


def test_a_mistake_in_the_project_raises_with_its_place(project) -> None:
    it = project({"steps_a.py": "def a(rwa):\n    return 1\n\ndef raw():\n    return 1\n"})
    result = it.python(
        """
        import zenconv
        from zenconv.notebook import RunFailed
        try:
            zenconv.Project().run(quiet=True)
        except RunFailed as error:
            print(error.exit_code, "steps_a.py:1" in str(error), "did you mean 'raw'" in str(error))
        """
    )
    assert result.stdout.strip() == "2 True True"


def test_a_run_that_was_mistyped_raises_with_what_is_meant_and_leaves_no_record(project) -> None:
    it = project(FILES)
    it.run("run", "total")
    result = it.python(
        """
        import zenconv
        from zenconv.notebook import RunFailed
        mistakes = [(["totl"], {}), (["total"], {"keyword": "nope"}), ([], {"params": {"nothing": 1}})]
        for check in (True, False):
            for targets, options in mistakes:
                try:
                    zenconv.Project().run(*targets, quiet=True, check=check, **options)
                except RunFailed as error:
                    print(error.exit_code, error.run, str(error).splitlines()[0])
        print(len(zenconv.runs()))
        """
    )
    told = [
        "4 None 'totl' is no step, pipeline, file or folder of this project",
        "5 None -k 'nope' matches no step",
        "4 None --set nothing: no step has a parameter 'nothing'",
    ]
    assert result.stdout.splitlines() == [*told, *told, "1"]
    assert it.json("run", "totl", check=4)["run"] is None


def test_the_plan_is_data(project) -> None:
    it = project(FILES)
    result = it.python(
        """
        import zenconv
        print([(n["id"], n["action"]) for n in zenconv.Project().plan("total")])
        """
    )
    assert result.stdout.strip() == "[('steps_a.py::raw', 'run'), ('steps_a.py::total', 'run')]"


def test_a_crash_of_a_step_leaves_the_caller_alive(project) -> None:
    it = project({"steps_a.py": "import os\ndef a() -> int:\n    os._exit(0)\n"})
    result = it.python(
        """
        import zenconv
        print(zenconv.Project().run(quiet=True, check=False).status)
        """
    )
    assert result.stdout.strip() == "failed"
