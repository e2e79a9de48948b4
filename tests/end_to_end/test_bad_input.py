"""Mistakes of every kind: an exit code, the place, a hint, and nothing of zenconv's inside."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

FINE = "def fine() -> int:\n    return 1\n"

PROJECTS: dict[str, tuple[dict[str, str | bytes], int, tuple[str, ...]]] = {
    "syntax error": ({"steps_a.py": "x = 1\ndef a(:\n"}, 2, ("steps_a.py:2:", "SyntaxError")),
    "syntax error in a helper": (
        {"steps_a.py": "import helper\ndef a(): return 1\n", "helper.py": "x = (1,\n"},
        2,
        ("helper.py:1:", "imported by steps_a.py:1"),
    ),
    "name that a module lacks": (
        {"steps_a.py": "from helper import reed\ndef a(): return 1\n", "helper.py": "read = 1\n"},
        2,
        ("steps_a.py:1:", "did you mean 'read'?"),
    ),
    "module that is not there": (
        {"steps_a.py": "import pandsa\ndef a(): return 1\n"},
        2,
        ("steps_a.py:1:", "'pandsa'", "hint:"),
    ),
    "circular import": (
        {
            "steps_a.py": "import one\n",
            "one.py": "from two import y\nx = 1\n",
            "two.py": "from one import x\n",
        },
        2,
        ("two.py:1: circular import", "one.py:1 -> two.py:1", "hint:"),
    ),
    "name that nothing provides": (
        {"steps_a.py": "def raw(): return 1\n\ndef a(rwa): return 1\n"},
        2,
        ("steps_a.py:3:", "'rwa'", "did you mean 'raw'?", "hint:"),
    ),
    "cycle": (
        {"steps_a.py": "def a(c): return 1\ndef b(a): return 1\ndef c(b): return 1\n"},
        2,
        ("steps_a.py:1:", "a cycle", "steps_a.py:3", "hint:"),
    ),
    "two definitions": (
        {"steps_a.py": "def a(): return 1\n\ndef a(): return 2\n"},
        2,
        ("steps_a.py:3: 'a' is defined twice", "steps_a.py:1", "hint:"),
    ),
    "ambiguous name": (
        {
            "steps_a.py": "def a(shared): return 1\n",
            "steps_b.py": "def shared(): return 1\n",
            "steps_c.py": "def shared(): return 1\n",
        },
        2,
        ("steps_a.py:1:", "steps_b.py:1", "steps_c.py:1", "hint:"),
    ),
    "not UTF-8": (
        {"steps_a.py": b"def a():\n    return '\xe9\xff'\n"},
        2,
        ("steps_a.py:2:", "UTF-8", "hint:"),
    ),
    "helper that is not UTF-8": (
        {"steps_a.py": "import helper\ndef a(): return 1\n", "helper.py": b"x = '\xe9\xff'\n"},
        2,
        ("helper.py:1:", "UTF-8", "imported by steps_a.py:1", "hint:"),
    ),
    "null bytes": ({"steps_a.py": b"def a(): return 1\n\0"}, 2, ("steps_a.py:2:", "null bytes")),
    "exit while imported": ({"steps_a.py": "import sys\nsys.exit(0)\n"}, 2, ("steps_a.py:2:", "hint:")),
    "bare SystemExit": ({"steps_a.py": "raise SystemExit\n"}, 2, ("steps_a.py:1:", "hint:")),
    "KeyboardInterrupt while imported": ({"steps_a.py": "raise KeyboardInterrupt\n"}, 2, ("steps_a.py:1:",)),
    "endless recursion while imported": (
        {"steps_a.py": "def _f(): return _f()\n_f()\n"},
        2,
        ("steps_a.py:1: RecursionError",),
    ),
    "exception that cannot be shown": (
        {"steps_a.py": "class E(Exception):\n    def __str__(self): raise ValueError\nraise E\n"},
        2,
        ("steps_a.py:3:", "E"),
    ),
    "failing zenconf.py": (
        {"steps_a.py": FINE, "zenconf.py": "x = 1\nraise OSError('no')\n"},
        2,
        ("zenconf.py:2:",),
    ),
    "misspelt hook": (
        {"steps_a.py": FINE, "zenconf.py": "def zenconv_componentz(): pass\n"},
        4,
        ("zenconf.py:1:", "did you mean 'zenconv_components'"),
    ),
    "value of another type": (
        {"steps_a.py": "def a(n: int = 1): return n\n", "zenconv.toml": '[params]\n\nn = "many"\n'},
        4,
        ("zenconv.toml:3:", "expected int", "steps_a.py:1"),
    ),
    "unknown settings": (
        {"steps_a.py": FINE, "zenconv.toml": 'paramz = 1\n[stacks.local]\nartifact_stor = "x"\n'},
        4,
        ("zenconv.toml:1:", "did you mean 'params'?", "zenconv.toml:3:", "did you mean 'artifact_store'?"),
    ),
    "settings of another shape": (
        {"steps_a.py": FINE, "zenconv.toml": "params = 3\nstacks = []\n"},
        4,
        ("zenconv.toml:1:", "zenconv.toml:2:"),
    ),
    "settings that are no TOML": (
        {"steps_a.py": FINE, "zenconv.toml": "a = 1\nb = {\n"},
        4,
        ("zenconv.toml:2:",),
    ),
    "settings that are not UTF-8": (
        {"steps_a.py": FINE, "zenconv.toml": b"params = {a = '\xff'}\n"},
        4,
        ("zenconv.toml:1:", "UTF-8", "hint:"),
    ),
    "components that nothing provides and no run asks for": (
        {
            "steps_a.py": FINE,
            "zenconv.toml": '[stacks.local]\nmodel_registry = "mlflow"\ntuner = "optna"\n'
            'deployer = {id = "x"}\n',
        },
        4,
        (
            "zenconv.toml:2: the model registry 'mlflow' is not installed",
            "pip install zenconv-mlflow",
            "zenconv.toml:3: there is no tuner 'optna'",
            "no installed plugin provides a tuner",
            "zenconv.toml:4: there is no deployer 'x'",
        ),
    ),
    "unknown components": (
        {
            "steps_a.py": FINE,
            "zenconv.toml": '[stacks.local]\norchestrator = "lokal"\nartifact_store = "gopher"\n'
            'metadata_store = "oracle"\ntrackers = ["nope"]\n[stacks.local.trust]\nmode = "local"\n',
        },
        4,
        (
            "zenconv.toml:2: there is no orchestrator 'lokal'",
            "did you mean 'local'?",
            "zenconv.toml:3: there is no artifact store 'gopher'",
            "zenconv.toml:4: there is no metadata store 'oracle'",
            "zenconv.toml:5: there is no tracker 'nope'",
        ),
    ),
    "no project": ({}, 4, ("no project in", "hint:")),
}


def assert_clean(text: str) -> None:
    """Nothing of zenconv's own inside, and nothing that moves a cursor."""
    assert "internal error" not in text.lower(), text
    assert "/zenconv/" not in text, text
    assert not re.search(r"Traceback \(most recent", text), text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u2066]", text), ascii(text)


@pytest.mark.parametrize("kind", PROJECTS)
def test_a_mistake_is_shown_with_its_place_by_run_and_check(project, kind: str) -> None:
    files, code, expected = PROJECTS[kind]
    it = project(files)
    result = it.run("run", check=code)
    for text in expected:
        assert text in result.stderr, result
    assert_clean(result.text)
    if kind == "misspelt hook":
        return
    result = it.run("check", check=False)
    assert result.returncode != 0
    assert expected[0] in result.text
    assert_clean(result.text)


@pytest.mark.parametrize("kind", ["syntax error", "cycle", "value of another type", "unknown settings"])
def test_every_command_that_reads_the_project_refuses_a_mistake_alike(project, kind: str) -> None:
    files, code, expected = PROJECTS[kind]
    it = project(files)
    for command in (
        ["run", "--plan"],
        ["run", "--plan", "--json"],
        ["steps", "--json"],
        ["graph"],
        ["explain"],
    ):
        result = it.run(*command, check=code)
        assert expected[0] in result.stderr, result
        assert result.stdout == "" or json.loads(result.stdout)
        assert_clean(result.text)
    found = it.run("run", "--json", check=code).stdout
    assert found == "" or json.loads(found)["exit_code"] == code


def test_mistakes_of_several_files_are_shown_together(project) -> None:
    it = project(
        {
            "steps_a.py": "def a(:\n",
            "steps_b.py": "import no_such_module\n",
            "steps_c.py": "def c(nothing): return 1\n\ndef d(): return 1\ndef d(): return 1\n",
        }
    )
    text = it.run("run", check=2).stderr
    for place in ("steps_a.py:1:", "steps_b.py:1:", "steps_c.py:1:", "steps_c.py:4:"):
        assert place in text
    assert_clean(text)


def test_only_files_that_the_selection_needs_can_stop_it(project) -> None:
    it = project({"steps_a.py": "def a(:\n", "steps_b.py": FINE})
    it.run("run", "steps_b.py")
    assert it.executed() == ["b::fine"]


# -- plugins


def install(project_on_disk, folder: str, name: str, source: str) -> dict[str, str]:
    """Install a plugin where only `PYTHONPATH` leads to; return the variables that have it loaded."""
    info = f"{folder}/{name}-1.0.dist-info"
    project_on_disk.write(
        {
            f"{folder}/{name}.py": source,
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
            f"{info}/entry_points.txt": f"[zenconv]\n{name} = {name}\n",
        }
    )
    places = [str(project_on_disk.path / folder), str(REPOSITORY), os.environ.get("PYTHONPATH", "")]
    return {"PYTHONPATH": os.pathsep.join(places), "ZENCONV_DISABLE_PLUGIN_AUTOLOAD": ""}


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("pass\nraise RuntimeError('boom')\n", "RuntimeError: boom"),
        ("pass\nimport not_there_at_all\n", "No module named 'not_there_at_all'"),
        ("pass\nimport sys; sys.exit(0)\n", "SystemExit: 0"),
        ("pass\ndef (:\n", "SyntaxError"),
    ],
)
def test_a_plugin_that_fails_to_import_is_named_with_its_place(project, source: str, cause: str) -> None:
    it = project({"steps_a.py": FINE})
    env = install(it, ".plugins", "plugged", source)
    for command in (["run"], ["runs"], ["plugins", "--json"]):
        result = it.run(*command, env=env, check=4)
        assert "plugged.py:2: the plugin 'plugged' (from plugged 1.0)" in result.stderr
        assert cause in result.stderr
        assert "hint: to run without it: -p no:plugged" in result.stderr
        assert_clean(result.text)
    it.run("run", "-p", "no:plugged", env=env)


def test_all_plugins_that_fail_are_named_together(project) -> None:
    it = project({"steps_a.py": FINE})
    install(it, ".plugins", "first", "1 / 0\n")
    env = install(it, ".plugins", "second", "1 / 0\n")
    text = it.run("run", env=env, check=4).stderr
    assert "first.py:1:" in text
    assert "second.py:1:" in text


def test_a_plugin_that_prints_does_not_spoil_json(project) -> None:
    it = project({"steps_a.py": FINE})
    env = install(it, ".plugins", "noisy", "print('noise')\n")
    assert "noisy" in [row["name"] for row in it.json("plugins", env=env)["plugins"]]
    assert it.json("run", env=env)["exit_code"] == 0


def test_a_module_that_prints_while_imported_does_not_spoil_json(project) -> None:
    it = project({"steps_a.py": "print('noise')\nimport os\nos.system('echo more noise')\n" + FINE})
    for command in (["run"], ["run", "--plan"], ["steps"], ["graph"], ["check"], ["explain"]):
        assert it.json(*command)


# -- steps that do odd things


def test_outputs_that_cannot_be_stored_name_the_member_and_the_fix(project) -> None:
    it = project(
        {
            "steps_a.py": """
            import threading
            class Holder:
                def __init__(self): self.items = (i for i in range(3))
            def lock(): return threading.Lock()
            def holder(): return {"x": [Holder()]}
            def deep():
                value = [open("made.txt", "w").close()]
                for _ in range(100_000): value = [value]
                return value
            def circle():
                open("made.txt", "w").close()
                value = []
                value.append(value)
                return value
            def fine(): return 1
            """
        }
    )
    result = it.run("run", check=1)
    failed = ["lock", "holder", "deep"]
    assert it.statuses() == {
        **{f"a::{name}": "failed" for name in failed},
        "a::circle": "succeeded",
        "a::fine": "succeeded",
    }
    assert "steps_a.py::deep: cannot store a list: it is nested too deeply" in result.stderr
    assert "steps_a.py::lock: cannot store a _thread.lock" in result.stderr
    assert "member ['x'][0].items is a generator" in result.stderr
    assert result.stderr.count("hint: ") >= 2
    assert_clean(result.text)
    assert_clean(it.run("show").text)


# -- names


ODD_NAMES = (
    "print list type len id isinstance run zenconv steps latest last all request log self naïve_größe 数据"
)


def test_a_step_may_be_called_like_anything(project) -> None:
    names = ODD_NAMES.split()
    chain = "".join(f"def {b}({a}): return 1\n" for a, b in zip(["", *names], names, strict=False))
    it = project({"steps_a.py": chain})
    it.run("run")
    assert len(it.executed()) == len(names)
    assert it.run("get", "数据").stdout == "1\n"
    for command in (
        ["run"],
        ["steps"],
        ["graph"],
        ["show"],
        ["run", "run"],
        ["explain", "list"],
        ["logs", "type"],
    ):
        assert_clean(it.run(*command).text)


def test_names_may_be_three_hundred_characters_long(project) -> None:
    name = "x" * 300
    it = project(
        {
            "steps_a.py": f"def {name}(): return 1\ndef b({name}): return 2\n",
            "d" * 200 + "/" + "e" * 200 + "/steps_" + "f" * 200 + ".py": "def c(): return 3\n",
        }
    )
    it.run("run")
    assert it.run("get", name).stdout == "1\n"
    assert it.run("get", "c").stdout == "3\n"
    it.run("run")
    assert it.executed() == []
    for command in (["steps"], ["graph"], ["show"], ["show", name], ["logs", name], ["explain", name]):
        it.run(*command)


HOSTILE_FILES = [
    "steps_a b.py",
    "steps_ünï.py",
    "steps_class.py",
    "steps_'q\".py",
    "steps_$(x).py",
    "steps_%s.py",
    "steps_{x}.py",
    "steps_-x.py",
    "a dir/steps_x.py",
    "<b>/steps_y.py",
]


def test_files_may_have_hostile_names(project) -> None:
    it = project({name: f"def s{i}(): return {i}\n" for i, name in enumerate(HOSTILE_FILES)})
    it.run("run")
    assert len(it.executed()) == len(HOSTILE_FILES)
    for command in (
        ["run"],
        ["run", "--plan"],
        ["steps"],
        ["graph"],
        ["show"],
        ["runs"],
        ["explain"],
        ["check"],
    ):
        assert_clean(it.run(*command).text)
    assert it.run("get", "s2").stdout == "2\n"
    assert it.run("run", "steps_$(x).py::s4").returncode == 0
    assert len(it.json("graph")["nodes"]) == len(HOSTILE_FILES)


TARGETS = [
    "../../x",
    "/etc",
    "\x1b[31mred",
    "steps_a.py::fine::x",
    "a\nb",
    "-1",
    "x" * 5000,
    "..",
    "99",
    "%s",
    "\u202e",
]


@pytest.mark.parametrize("command", ["run", "show", "logs", "get", "explain", "graph"])
def test_what_is_not_there_is_refused_with_a_hint_whatever_its_name(project, command: str) -> None:
    it = project({"steps_a.py": FINE})
    it.run("run")
    for target in TARGETS:
        result = it.run(command, "--", target, check=4)
        assert result.stdout == ""
        assert "hint:" in result.stderr or "did you mean" in result.stderr
        assert_clean(result.text)


def test_parameters_of_every_kind_work(project) -> None:
    it = project(
        {
            "steps_a.py": """
            from __future__ import annotations
            def source(): return 7
            def positional(source, /): return source
            def keyword(*, source): return source
            def more(source, *args, **kwargs): return [source, len(args), len(kwargs)]
            def odd(source, a=object(), b=[], c=lambda: 1, d=..., e=float("nan"), f=open): return source
            def unknown(source, n=3, /, *, m: NoSuchType = 3) -> AlsoNot: return source
            def numbers(source: 5) -> 7: return source
            """
        }
    )
    it.run("run")
    it.run("run")
    assert it.executed() == []
    assert it.value("more") == [7, 0, 0]
    assert_clean(it.run("steps").text)
    it.run("run", "--set", "b=[3]")
    assert it.executed() == ["a::odd"]


def test_whole_numbers_of_any_length_are_shown(project) -> None:
    it = project({"steps_a.py": "def big(): return 10 ** 6000\n"})
    it.run("run")
    assert it.run("get", "big").stdout == "1" + "0" * 6000 + "\n"
    it.run("get", "big", "-o", "big.json")
    assert len(Path(it.path, "big.json").read_text()) > 6000
    assert_clean(it.run("show", "big").text)


def test_a_project_file_that_hides_a_library_is_reported(project) -> None:
    it = project({"steps_a.py": FINE, "random.py": "x = 1\n", "zenconv.py": "y = 1\n"})
    script = "from zenconv.cli.main import main\nmain(['run'])"
    result = it.python(f"import sys; sys.path[:] = [p for p in sys.path if p]\n{script}")
    assert "random.py: this file hides" in result.stderr
    assert "zenconv.py: this file hides zenconv itself" in result.stderr


def test_output_into_a_folder_that_is_not_there_is_one_line(project) -> None:
    it = project({"steps_a.py": FINE})
    it.run("run")
    result = it.run("get", "fine", "-o", "no/such/folder.json", check=1)
    assert result.stderr.count("\n") == 1
    assert os.fspath(Path("no/such/folder.json")) in result.stderr


def test_a_name_that_is_no_text_is_refused_and_the_index_is_left_alone(project) -> None:
    it = project({"steps_a.py": FINE})
    it.run("run")
    it.run("runs")
    for call in ("load(5)", "load(None)", "runs()['latest'][5]"):
        result = it.python(f"import zenconv; zenconv.{call}", check=False)
        assert result.returncode == 1
        assert result.stderr.splitlines()[-1].startswith(("zenconv.errors.UsageError:", "TypeError:")), result
    assert it.run("runs").stderr == ""
    assert not list((it.path / ".zenconv").glob("index.sqlite.damaged*"))


def test_a_store_in_a_place_where_no_folder_can_be_made_is_one_line(project) -> None:
    table = (
        '[stacks.local]\nartifact_store = "file:///dev/null/store"\n[stacks.local.trust]\nmode = "local"\n'
    )
    it = project({"steps_a.py": FINE, "zenconv.toml": table})
    result = it.run("run", check=1)
    assert "cannot write /dev/null/store" in result.stderr
    assert_clean(result.text)
