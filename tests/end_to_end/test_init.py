"""`zenconv init` as a person would use it: the files, and then really running them."""

from __future__ import annotations

import os
from importlib.util import find_spec

import pytest

from zenconv.starting.templates import TEMPLATES

NO_NETWORK = """
import socket

def refuse(*args, **kwargs):
    raise OSError("no network here")

socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
"""


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_a_template_runs_at_once_without_a_network_and_is_reused_afterwards(project, template):
    missing = [module for module in template.needs if find_spec(module) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed")
    it = project({"lib/sitecustomize.py": NO_NETWORK})
    env = {"PYTHONPATH": os.pathsep.join([str(it.path / "lib"), *_python_path()])}
    begun = it.run("init", "mine", "--template", template.name, env=env)
    assert begun.stdout.endswith("next:  cd mine && zenconv run\n")
    before = os.times()
    done = it.run("run", cwd="mine", env=env)
    after = os.times()
    # Promised are 10 s, of a machine that does nothing else.
    assert sum(after[2:4]) - sum(before[2:4]) < 30
    assert "failed" not in done.text
    assert "warning" not in done.text
    again = it.run("run", "-q", cwd="mine", env=env)
    assert " ran" not in again.stdout
    metrics = it.json("get", "metrics", cwd="mine")["outputs"]
    assert all(isinstance(value, float) for value in next(iter(metrics.values()))["value"].values())


def _python_path() -> list[str]:
    from tests.end_to_end.conftest import REPOSITORY

    return [str(REPOSITORY)]


def test_without_a_folder_the_current_one_is_begun_with_the_first_template(project):
    it = project()
    assert it.run("init").stdout.splitlines()[-1] == "next:  zenconv run"
    assert sorted(os.listdir(it.path)) == ["data", "steps_prices.py", "zenconv.toml"]
    it.run("run")
    assert set(it.value("metrics")) == {"mean_error", "relative_error"}


def test_a_file_that_is_there_is_named_and_kept(project):
    it = project({"steps_prices.py": "MINE = 1\n", "zenconv.toml": ""})
    done = it.run("init", check=4)
    assert "these files are already in" in done.stderr
    assert "steps_prices.py, zenconv.toml" in done.stderr
    assert it.read("steps_prices.py") == "MINE = 1\n"
    assert not (it.path / "data").exists()


def test_calling_it_again_changes_nothing(project):
    it = project()
    it.run("init")
    again = it.run("init")
    assert "everything was there already" in again.stderr
    assert "wrote" not in again.stdout


def test_the_templates_are_listed_with_what_they_need(project):
    it = project()
    listed = it.run("init", "--list").stdout
    assert all(template.name in listed and template.description in listed for template in TEMPLATES)
    rows = it.json("init", "--list")["templates"]
    assert [row["name"] for row in rows] == [template.name for template in TEMPLATES]
    assert rows[0]["needs"] == []
    assert os.listdir(it.path) == []


def test_a_library_that_is_missing_is_part_of_the_next_command(project):
    it = project()
    hidden = "import importlib.util as u; old = u.find_spec\n"
    hidden += "u.find_spec = lambda name, *a: None if name == 'torch' else old(name, *a)\n"
    call = "import sys; from zenconv.cli.main import main; main(['init', 'net', '-t', 'torch'])"
    assert "next:  cd net && pip install torch && zenconv run" in it.python(hidden + call).stdout


def test_a_project_inside_another_is_announced(project):
    it = project({"zenconv.toml": ""})
    assert "lies in the project" in it.run("init", "inner").stderr


def test_the_folder_may_be_named_with_the_common_option(project):
    it = project()
    (it.path / "there").mkdir()
    assert "cd there/deep && zenconv run" in it.run("-C", "there", "init", "deep").stdout
    assert (it.path / "there/deep/steps_prices.py").exists()


def test_a_name_with_blanks_is_quoted_in_the_next_command(project):
    it = project()
    assert "cd 'my project' && zenconv run" in it.run("init", "my project").stdout
    assert "cd ./-mine && zenconv run" in it.run("init", "--", "-mine").stdout


def test_what_was_written_is_printed_as_json(project):
    it = project()
    answer = it.json("init", "mine")
    assert answer["written"] == ["data/houses.csv", "steps_prices.py", "zenconv.toml"]
    assert answer["next"] == ["cd mine", "zenconv run"]
