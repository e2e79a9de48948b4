"""After an edit exactly the right steps run, the answer is right, and taking it back reuses all."""

from __future__ import annotations

import pytest

from tests.benchmarks.reruns import EDITS, Edit, answer, apply_edit, make_chain
from tests.end_to_end.conftest import ProjectOnDisk

LENGTH = 9


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """A chain that has run; each test leaves it as it found it."""
    folder = tmp_path_factory.mktemp("chain")
    (folder / "project").mkdir()
    it = ProjectOnDisk(folder / "project", folder / "home")
    it.write(make_chain(LENGTH))
    it.run("run")
    return it


@pytest.fixture
def edited(chain, edit):
    """Apply `edit`, and take it back afterwards."""
    before = chain.read(edit.file)
    chain.write({edit.file: apply_edit({edit.file: before}, edit)[edit.file]})
    yield chain
    (chain.path / edit.file).write_text(before, "utf-8")


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_exactly_the_right_steps_run(edit: Edit, edited):
    edited.run("run")
    assert len(edited.executed()) == edit.expected(LENGTH), edited.reasons()
    last = f"s{LENGTH - 1}"
    assert edited.value(last) == answer(apply_edit(make_chain(LENGTH), edit), LENGTH)


def test_taking_all_edits_back_reuses_everything(chain):
    chain.run("run")
    assert chain.executed() == []


def test_no_two_edits_lead_to_the_same_value():
    files = make_chain(LENGTH)
    edits = [edit for edit in EDITS if edit.changes_value and edit.runs_middle]
    values = [answer(apply_edit(files, edit), LENGTH) for edit in edits]
    assert len(set(values)) == len(values)
    assert answer(files, LENGTH) not in values
