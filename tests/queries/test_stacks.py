"""A result lies in the store of the stack on which its run ran, and is read from there."""

from __future__ import annotations

import pytest

import zenconv
from tests.queries.recorded import RecordedProject
from zenconv.components.local_store import LocalStore
from zenconv.errors import UsageError

TEAM = '[stacks.team]\nartifact_store = {id = "local", path = "team_store"}\n'
BIG = "x" * 5000
"""Too long to travel inside a record."""


@pytest.fixture
def team(project: RecordedProject) -> RecordedProject:
    """The same project, writing to the store of the stack "team"."""
    (project.root / "zenconv.toml").write_text(TEAM)
    return RecordedProject(project.root, project.state, LocalStore(project.root / "team_store"))


def test_a_result_is_read_from_the_store_of_the_stack_it_was_made_on(
    project: RecordedProject, team: RecordedProject
) -> None:
    project.record({"raw": BIG + "local"}, printed=b"here\n" * 1000)
    team.record({"raw": BIG + "team"}, printed=b"there\n" * 1000, stack="team")
    runs = zenconv.runs()
    assert runs["latest"]["raw"].load() == BIG + "team"
    assert runs[1]["raw"].load() == BIG + "local"
    assert runs["latest"]["raw"].log() == "there\n" * 1000
    assert zenconv.load("raw") == BIG + "team"


def test_runs_can_be_those_of_one_stack(project: RecordedProject, team: RecordedProject) -> None:
    here = project.record({"raw": "local"})
    there = team.record({"raw": "team"}, stack="team")
    assert [run.id for run in zenconv.runs(stack="team")] == [there.id]
    runs = zenconv.runs(stack="local")
    assert (len(runs), runs["latest"].id, [run.id for run in runs[:9]]) == (1, here.id, [here.id])
    assert zenconv.load("raw", stack="local") == "local"
    assert zenconv.load("raw", stack="team") == "team"


def test_a_stack_without_runs_is_said_by_name(project: RecordedProject, team: RecordedProject) -> None:
    project.record({"raw": 1})
    with pytest.raises(KeyError, match="no run on the stack 'team' is recorded") as caught:
        zenconv.runs(stack="team")["latest"]
    assert caught.value.hint == "zenconv run --stack team"  # type: ignore[attr-defined]


def test_a_stack_that_is_not_in_the_settings_any_more_is_one_line(team: RecordedProject) -> None:
    folder = team.record({"raw": BIG}, stack="team")
    (team.root / "zenconv.toml").write_text(TEAM.replace("team]", "renamed]"))
    run = zenconv.runs()["latest"]
    with pytest.raises(UsageError) as caught:
        run["raw"].load()
    assert str(caught.value) == (
        f"run {folder.id} ran on the stack 'team', which the settings do not have;"
        " they have: local, renamed\n"
        "    hint: --stack NAME, or stack=NAME in Python, says which stack has its results now"
    )
    assert zenconv.runs(stack="renamed")[folder.id]["raw"].load() == BIG
