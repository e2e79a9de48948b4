"""W6 for code: after an edit exactly the steps that reach it run, with the right answer and a readable reason.

One project holds one small pipeline for each way in which people reach code: ``x -> out -> after``.
All edits of a round are made at once, so a pipeline that runs too much or too little stands out by name.
"""

# ruff: noqa: E501  (projects written on one line)from __future__ import annotations

import json

from tests.end_to_end.more_ways_to_reach_code import WAYS
from tests.end_to_end.ways_to_reach_code import HEAD, TAIL


def step_file(name: str) -> str:
    return f"steps_{name}.py"


def named(name: str, text: str) -> str:
    """Give the step a name of its own: pipelines with equal code share their results."""
    return text.replace("def out(", f"def out_{name}(")


def initial_files() -> dict[str, str]:
    files = {}
    for name, w in WAYS.items():
        files[step_file(name)] = HEAD + named(name, w.step) + TAIL.format(name)
        files.update(w.files)
    return files


def read_values(it, names, step="out"):
    """Return what the plain functions answer, called without the program."""
    code = f"""
        import importlib, json, sys, os
        sys.path.insert(0, os.getcwd())
        found = {{}}
        for name in {sorted(names)!r}:
            module = importlib.import_module("steps_" + name)
            found[name] = getattr(module, "out_" + name)(module.x())
        print(json.dumps(found))
    """
    return json.loads(it.python(code).stdout)


def stored_values(it, names):
    code = f"""
        import json, zenconv
        print(json.dumps({{name: zenconv.load(name + "::out_" + name, run="last") for name in {sorted(names)!r}}}))
    """
    return json.loads(it.python(code).stdout)


def check_plan(it, planned):
    """The plan made before a run agrees with what then happened."""
    statuses = it.statuses()
    for node, action in planned.items():
        expected = {"reuse": {"reused"}, "run": {"succeeded"}, "maybe": {"reused", "succeeded"}}[action]
        assert statuses[node] in expected, (node, action, statuses[node])


def run_round(it, expected):
    planned = it.plan()
    it.run("run")
    wrong = set(it.executed()) ^ set(expected)
    assert not wrong, {
        "should not have run": sorted(set(it.executed()) - set(expected)),
        "should have run": sorted(set(expected) - set(it.executed())),
        "reasons": {n: it.reasons().get(n) for n in wrong},
    }
    check_plan(it, planned)


def test_every_way_to_reach_code(project) -> None:
    files = initial_files()
    it = project(files)
    it.run("run")
    assert stored_values(it, WAYS) == read_values(it, WAYS)
    run_round(it, [])
    before = read_values(it, WAYS)

    for name, w in WAYS.items():
        it.edit(w.file or step_file(name), *(named(name, text) for text in w.edit))
    run_round(it, [f"{name}::{step}_{name}" for name in WAYS for step in ("out", "after")])
    after = read_values(it, WAYS)
    assert stored_values(it, WAYS) == after
    assert {name for name in WAYS if before[name] == after[name]} == set()
    reasons = it.reasons()
    for name, w in WAYS.items():
        reason = reasons[f"{name}::out_{name}"]
        assert w.reason in reason, (name, reason)

    it.write(files)
    run_round(it, [])
    assert stored_values(it, WAYS) == before

    same = {name: w.same for name, w in WAYS.items() if w.same}
    for name, (file, old, new) in same.items():
        it.edit(file or step_file(name), named(name, old), named(name, new))
    run_round(it, [f"{name}::out_{name}" for name in same])

    it.write(files)
    for name, w in WAYS.items():
        if w.idle:
            file, old, new = w.idle
            it.edit(file or step_file(name), named(name, old), named(name, new))
    run_round(it, [])


SETTINGS = {
    "settings_made.py": "import decimal\n\ndecimal.getcontext().prec = 5\n",
    "steps_a.py": """
        import decimal
        import json
        import settings_made

        def _dumps(v):
            return str(v) + "1"

        json.dumps_of_a_test = _dumps

        def seventh():
            return str(decimal.Decimal(3) / 7)

        def dumped(seventh):
            return json.dumps_of_a_test(seventh)
    """,
    "steps_b.py": "def apart():\n    return 1\n",
}


def test_settings_made_on_import_count_for_the_whole_module(project) -> None:
    it = project(SETTINGS)
    it.run("run")
    it.edit("settings_made.py", "prec = 5", "prec = 7")
    run_round(it, ["a::seventh", "a::dumped"])
    assert it.value("seventh") == "0.4285714"
    assert "settings_made.py:3" in it.reasons()["a::seventh"]
    it.edit("steps_a.py", '+ "1"', '+ "2"')
    run_round(it, ["a::seventh", "a::dumped"])
    assert it.value("dumped") == "0.42857142"
    it.write(SETTINGS)
    run_round(it, [])
