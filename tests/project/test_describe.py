from __future__ import annotations

import json

from zenconv.project.describe import describe_graph, describe_steps

TEXT = """
import zenconv
from pathlib import Path

class Odd:
    def __repr__(self): raise ValueError

@zenconv.fixture
def db(url="x"): ...

@zenconv.fixture(autouse=True)
def timer(): ...

def raw(csv: Path, token: str, odd=Odd(), long="y" * 500): ...
def use(raw, db, now): ...
"""
TOML = 'params = {csv = "data.csv", token = "${env:TOKEN}"}\n'


def steps_of(project, **environ):
    opened = project({"steps_a.py": TEXT, "zenconv.toml": TOML}, **environ)
    return {s["step"]: s for s in describe_steps(opened.checked(), opened.settings.root)}


def test_steps_are_plain_data_with_paths_below_the_root(project) -> None:
    found = steps_of(project)
    assert json.loads(json.dumps(found)) == found
    csv, _, odd, long = found["raw"]["parameters"]
    assert (csv["value"], csv["origin"]) == ("data.csv", "zenconv.toml:1")
    assert odd["value"] == "<Odd>"
    assert len(long["value"]) == 120


def test_secrets_are_shown_by_reference(project) -> None:
    text = json.dumps(steps_of(project, TOKEN="hidden"))
    assert "${env:TOKEN}" in text
    assert "hidden" not in text


def test_every_fixture_that_is_set_up_is_listed(project) -> None:
    use = steps_of(project)["use"]
    assert [f["name"] for f in use["fixtures"]] == ["db", "timer"]
    assert [p["origin"] for p in use["parameters"]] == [
        "steps_a.py::raw",
        "fixture steps_a.py::db",
        "built-in fixture",
    ]


def test_the_graph_lists_inputs_by_node(project) -> None:
    opened = project({"steps_a.py": TEXT, "zenconv.toml": TOML})
    use = describe_graph(opened.checked().pipeline)[1]
    assert use["inputs"] == [{"parameter": "raw", "node": "steps_a.py::raw", "output": ""}]
