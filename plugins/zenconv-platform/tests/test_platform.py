"""Keys that hold what computes."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from zenconv.testing import ProjectOnDisk

NAMED = 'plugins = ["platform"]\n'

OTHER_MACHINE = "import platform\nplatform.machine = lambda: 'riscv64'\n"


def make(tmp_path: Path, settings: str = NAMED) -> ProjectOnDisk:
    files = {"steps_a.py": "def one(): return 1\n", "zenconv.toml": settings}
    return ProjectOnDisk.make(tmp_path / "project", files)


def as_another_machine(project: ProjectOnDisk) -> dict[str, str]:
    """Return an environment whose Python takes itself to be on a machine of another kind."""
    folder = project.path.with_name("elsewhere")
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(OTHER_MACHINE)
    return {"PYTHONPATH": f"{folder}:{project.environment()['PYTHONPATH']}"}


def test_another_machine_computes_for_itself_and_explain_says_why(tmp_path: Path) -> None:
    project = make(tmp_path)
    project.run("run")
    project.run("run")
    assert project.executed() == []
    elsewhere = as_another_machine(project)
    explained = project.run("explain", "one", env=elsewhere).stdout
    assert "plugin platform machine" in explained
    assert "riscv64" in explained
    project.run("run", env=elsewhere)
    assert project.executed() == ["a::one"]
    project.run("run")
    assert project.executed() == []


def test_what_was_not_chosen_does_not_count(tmp_path: Path) -> None:
    project = make(tmp_path, f'{NAMED}[options]\nkey-platform = ["system"]\n')
    project.run("run")
    project.run("run", env=as_another_machine(project))
    assert project.executed() == []


def test_a_project_that_does_not_name_the_plugin_is_told_and_keeps_its_keys(tmp_path: Path) -> None:
    project = make(tmp_path, "")
    project.run("run")
    assert "not asked for zenconv_key_parts: the settings do not name it" in project.run("plugins").stdout
    project.run("run", "-p", "no:platform")
    assert project.executed() == []


def test_the_facts_are_those_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from zenconv_platform import facts

    assert facts.Platform(["machine"]).zenconv_key_parts() == {"machine": platform.machine()}
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Some Processor @ 3 GHz\n")
    (tmp_path / "gpus/0").mkdir(parents=True)
    (tmp_path / "gpus/0/information").write_text("Model: \t\t NVIDIA H100\nIRQ: 1\n")
    monkeypatch.setattr(facts, "_PROCESSORS", tmp_path / "cpuinfo")
    monkeypatch.setattr(facts, "_GRAPHICS", tmp_path / "gpus")
    assert facts.find_processor() == "Some Processor @ 3 GHz"
    assert facts.find_graphics() == "NVIDIA H100"
    monkeypatch.setattr(facts, "_GRAPHICS", tmp_path / "nothing")
    assert facts.find_graphics() == ""
