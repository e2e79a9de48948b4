"""`zenconv check` says beforehand what would stop a run."""

from __future__ import annotations

import attrs

from zenconv.records.log import EventLog


def test_components_that_no_run_asks_for_are_made_and_have_the_verbs_of_their_kind(project) -> None:
    plugin = """
    from zenconv.hooks import ComponentSpec

    def zenconv_components():
        names = {"half": "mine:Half", "whole": "mine:Whole"}
        return [ComponentSpec("tuner", id, target) for id, target in names.items()]

    class Half:
        @classmethod
        def from_options(cls, options, *, root, state):
            return cls()

        def open(self, study): ...
        def close(self): ...

    class Whole(Half):
        def ask(self, study): ...
        def tell(self, study, number, value): ...
        def trials(self, study): ...
    """
    it = project({"steps_a.py": "def one(): return 1\n", "lib/mine.py": plugin})
    it.write({"zenconv.toml": "[stacks.local]\ntuner = 'half'\n"})
    env = {"PYTHONPATH": str(it.path / "lib")}
    shown = it.run("check", "-p", "mine", env=env, check=4).stdout
    assert "zenconv.toml:2: the tuner 'half' is no Tuner: it lacks ask, tell, trials" in shown
    assert "hint: its verbs are those of zenconv.interfaces.tuning.Tuner" in shown
    it.edit("zenconv.toml", "half", "whole")
    assert "ok       tuner: Whole" in it.run("check", "-p", "mine", env=env).stdout


def test_what_plugins_provide_by_their_options_is_there_when_a_project_is_checked(project) -> None:
    plugin = """
    from zenconv.hooks import OptionSpec, ParameterValue

    def zenconv_options():
        return [OptionSpec("--size", "How many.", kind="integer")]

    def zenconv_configure(options):
        return Sizes(options["size"]) if options["size"] else None

    class Sizes:
        def __init__(self, size):
            self.size = size

        def zenconv_resolve_parameter(self, name):
            return ParameterValue(self.size, "mine") if name == "size" else None
    """
    it = project({"steps_a.py": "def one(size: int): return size\n", "lib/mine.py": plugin})
    it.write({"zenconv.toml": "[options]\nsize = 3\n"})
    env = {"PYTHONPATH": str(it.path / "lib")}
    assert "1 step in 1 pipeline" in it.run("check", "-p", "mine", env=env).stdout
    it.write({"zenconv.toml": "[options]\nsize = 'big'\n"})
    shown = it.run("check", "-p", "mine", env=env, check=4).stdout
    assert "zenconv.toml:2: options.size: expected an integer, got 'big'" in shown


def test_a_sound_project_passes(project) -> None:
    it = project({"steps_a.py": "def a() -> int:\n    return 1\n"})
    data = it.json("check")
    assert data["ok"]
    assert {"settings", "plugins", "artifact store", "action cache", "trust", "records", "project"} <= {
        finding["subject"] for finding in data["findings"]
    }
    assert "1 steps" not in it.run("check").stdout


def test_a_misspelt_hook_of_the_project_is_found(project) -> None:
    it = project(
        {
            "steps_a.py": "def a() -> int:\n    return 1\n",
            "zenconf.py": "def zenconv_step_finnish(event):\n    pass\n",
        }
    )
    assert it.run("check", check=False).returncode == it.run("run", check=False).returncode != 0


def test_a_secret_that_is_not_set_is_found_with_its_place(project) -> None:
    it = project(
        {
            "steps_a.py": "def a(token: str) -> int:\n    return 1\n",
            "zenconv.toml": 'params = {token = "${env:NO_SUCH_TOKEN}"}\n',
        }
    )
    text = it.run("check", check=4).text
    assert "zenconv.toml:1" in text
    assert "NO_SUCH_TOKEN" in text
    it.run("check", env={"NO_SUCH_TOKEN": "x"})


def test_a_damaged_signing_key_is_found(project) -> None:
    it = project({"steps_a.py": "def a() -> int:\n    return 1\n"})
    it.home.mkdir()
    (it.home / "machine.key").write_text("short")
    assert "signing key" in it.run("check", check=1).text


def test_a_damaged_index_is_made_again(project) -> None:
    it = project({"steps_a.py": "def a() -> int:\n    return 1\n"})
    it.run("run")
    it.run("runs")
    (it.path / ".zenconv" / "index.sqlite").write_bytes(b"garbage")
    it.run("check", "--fix")
    assert len(it.json("runs")["runs"]) == 1


def test_every_problem_of_every_section_is_told_at_once(project) -> None:
    it = project(
        {
            "steps_a.py": "def a(nobody: int) -> int:\n    return 1\n",
            "steps_b.py": "import no_such_module_anywhere\n",
            "pyproject.toml": """
                [project]
                dependencies = ["no-such-distribution>=2"]
                requires-python = "<3"

                [tool.zenconv.stacks.team]
                artifact_store = "nosuch://bucket"
                trackers = ["nowhere"]
            """,
        }
    )
    result = it.run("check", "--stack", "team", check=2)
    for text in (
        "steps_a.py:1", "'nobody'", "steps_b.py:1", "no_such_module_anywhere",
        "nosuch", "'nowhere'", "trust.key is missing",
        "no-such-distribution>=2 is not installed", "Python <3 is required",
    ):  # fmt: skip
        assert text in result.stdout, text
    assert "Traceback" not in result.text


def test_broken_settings_are_told_as_findings(project) -> None:
    it = project({"steps_a.py": "def a() -> int:\n    return 1\n", "zenconv.toml": "sed = 3\nseed = -1\n"})
    data = it.json("check", check=4)
    texts = [f["text"] for f in data["findings"] if f["level"] == "error"]
    assert [text.partition(": ")[0] for text in texts] == ["zenconv.toml:1", "zenconv.toml:2"]
    assert "did you mean 'seed'" in texts[0]


def test_a_library_of_another_version_than_in_the_last_run_is_told(project) -> None:
    code = """
        import attrs

        @attrs.define
        class Point:
            x: int

        def a() -> int:
            return Point(1).x
    """
    it = project({"steps_a.py": code})
    it.run("run")
    (log,) = (it.path / ".zenconv" / "runs").glob("*/events.log")
    first, *rest = it.events()
    packages = {**first.environment["packages"], "attrs": "1.0"}
    log.unlink()
    with EventLog(log) as writer:
        writer.append(attrs.evolve(first, environment={**first.environment, "packages": packages}))
        for event in rest:
            writer.append(event)
    assert "since run 1: attrs 1.0 -> " in it.run("check").stdout


def test_what_steps_need_and_the_orchestrator_lacks_is_told(project) -> None:
    steps = """
        import zenconv

        async def a() -> int:
            return 1

        @zenconv.mark.resources(gpu=1)
        def b(a) -> int:
            return a
    """
    it = project(
        {
            "steps_a.py": steps,
            "zenconv.toml": """
                [stacks.old]
                orchestrator = "plain"
                [stacks.far]
                orchestrator = "distant"
            """,
            "plain_plugin.py": """
                from zenconv.hooks.markers import ComponentSpec, hookimpl

                @hookimpl
                def zenconv_components():
                    target = "zenconv.components.in_process:InProcessOrchestrator"
                    return [
                        ComponentSpec("orchestrator", "plain", target),
                        ComponentSpec("orchestrator", "distant", target, ("remote", "async")),
                    ]
            """,
        }
    )
    path = {"PYTHONPATH": str(it.path), "ZENCONV_GPUS": "1"}
    shown = it.run("check", "-p", "plain_plugin", "--stack", "old", env=path).stdout
    assert "steps_a.py::a: the orchestrator 'plain' lacks 'async'" in shown
    shown = it.run("check", "-p", "plain_plugin", "--stack", "far", env=path, check=4).stdout
    assert "steps_a.py::b: the orchestrator 'distant' lacks 'gpu'" in shown
    assert "'distant' runs steps on other machines, which lack the store 'local'" in shown


def test_what_imports_cost_is_told_with_the_chain(project) -> None:
    it = project(
        {
            "steps_a.py": "import helper\n\ndef a() -> int:\n    return helper.one()\n",
            "helper.py": "import numpy as np\n\ndef one() -> int:\n    return int(np.ones(1)[0])\n",
        }
    )
    data = it.json("check")
    (text,) = [f["text"] for f in data["findings"] if f["section"] == "imports" and f["subject"] == "numpy"]
    assert " ms" in text
    assert "steps_a.py -> helper -> numpy" in text


def test_nothing_is_left_of_trying_to_write(project) -> None:
    it = project({"steps_a.py": "def a() -> int:\n    return 1\n"})
    it.run("check")
    store = it.path / ".zenconv" / "store"
    assert [p for p in store.rglob("*") if p.is_file() and not p.name.startswith("actions.db")] == []
