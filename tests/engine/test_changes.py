"""What changed below a root and elsewhere, told by the system or found by looking."""

import os
import select
import sys
import time

import pytest

from zenconv.engine import changes as changes_module
from zenconv.engine.changes import ANYTHING, NotifiedChanges, PolledChanges, Watched, open_changes
from zenconv.settings.root import NORECURSE

KINDS = [PolledChanges, *([NotifiedChanges] if sys.platform == "linux" else [])]


@pytest.fixture(params=KINDS)
def watch(request, tmp_path):
    opened = []

    def make(root=tmp_path, **options):
        opened.append(request.param(Watched(root, NORECURSE, **options)))
        return opened[-1]

    yield make
    for changes in opened:
        changes.close()


def names(changes, root, *expected):
    """Return what changed, once the names expected are among it."""
    found: set[str] = set()
    deadline = time.monotonic() + 60
    while not {*expected} <= found and time.monotonic() < deadline:
        if changes.fileno() >= 0:
            select.select([changes.fileno()], [], [], 0.1)
        else:
            time.sleep(0.01)
        found |= {os.path.relpath(path, root) for path in changes.take()}
    return found


def test_nothing_has_changed_at_first(watch, tmp_path):
    (tmp_path / "old.py").write_text("1")
    time.sleep(0.15)  # what was written just now is told of twice
    assert watch().take() == set()


def test_files_written_made_renamed_and_deleted_are_told_of(watch, tmp_path):
    for name in ("a.py", "b.py", "c.py"):
        (tmp_path / name).write_text("1")
    changes = watch()
    (tmp_path / "a.py").write_text("22")
    (tmp_path / "b.py").rename(tmp_path / "d.py")
    (tmp_path / "c.py").unlink()
    (tmp_path / "e.csv").write_text("x")
    expected = {"a.py", "b.py", "c.py", "d.py", "e.csv"}
    assert expected <= names(changes, tmp_path, *expected)


def test_files_in_folders_that_appear_later_are_told_of(watch, tmp_path):
    changes = watch()
    (tmp_path / "eu" / "north").mkdir(parents=True)
    (tmp_path / "eu" / "north" / "steps_a.py").write_text("1")
    assert "eu/north/steps_a.py" in names(changes, tmp_path, "eu/north/steps_a.py")
    (tmp_path / "eu" / "north" / "steps_a.py").write_text("22")
    assert "eu/north/steps_a.py" in names(changes, tmp_path, "eu/north/steps_a.py")


def test_a_folder_moved_into_the_root_counts_with_all_its_files(watch, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "moved").mkdir()
    (tmp_path / "moved" / "steps_a.py").write_text("1")
    changes = watch(root)
    (tmp_path / "moved").rename(root / "moved")
    assert "moved/steps_a.py" in names(changes, root, "moved/steps_a.py")


def test_folders_that_hold_no_project_files_are_not_watched(watch, tmp_path):
    for folder in (".git", "venv", "mine", "__pycache__", "state"):
        (tmp_path / folder).mkdir()
    (tmp_path / "mine" / "pyvenv.cfg").touch()
    changes = watch(aside=frozenset([str(tmp_path / "state")]))
    for folder in (".git", "venv", "mine", "__pycache__", "state"):
        (tmp_path / folder / "file.py").write_text("1")
    for name in ("steps_a.py~", ".steps_a.py.swp", "#steps_a.py#", ".#steps_a.py", "4913"):
        (tmp_path / name).write_text("1")
    (tmp_path / "seen.py").write_text("1")
    assert names(changes, tmp_path, "seen.py") == {"seen.py"}


def test_single_files_and_names_in_folders_elsewhere_are_watched_when_asked(watch, tmp_path):
    root, other = tmp_path / "root", tmp_path / "other"
    for folder in (root, other / "files", other / "packages", other / "code"):
        folder.mkdir(parents=True)
    changes = watch(root)
    wanted = other / "files" / "data.csv"
    changes.watch([str(wanted)], [str(other / "packages")], [str(other / "code")])
    (other / "files" / "beside.csv").write_text("1")
    wanted.write_text("1")
    (other / "packages" / "shelf-1.1.dist-info").mkdir()
    (other / "code" / "module.py").write_text("1")
    (other / "code" / "notes.txt").write_text("1")
    expected = {"../other/files/data.csv", "../other/packages/shelf-1.1.dist-info", "../other/code/module.py"}
    found = names(changes, root, *expected)
    assert found == expected


def test_a_write_within_one_tick_of_the_clock_is_found_by_looking_again(tmp_path):
    file = tmp_path / "a.py"
    changes = PolledChanges(Watched(tmp_path, NORECURSE))
    file.write_text("1")
    assert changes.take() == {str(file)}
    # A second write that leaves the same times and size could not be told from none.
    assert changes.take() == {str(file)}


def test_a_queue_that_overflowed_means_that_anything_may_have_changed(tmp_path, monkeypatch):
    if sys.platform != "linux":
        pytest.skip("inotify is Linux's")
    changes = NotifiedChanges(Watched(tmp_path, NORECURSE))
    event = changes_module._EVENT.pack(-1, changes_module._OVERFLOW, 0, 0)
    data = [event, b""]
    monkeypatch.setattr(changes, "_read", lambda: data.pop(0))
    assert changes.take() == {ANYTHING}
    changes.close()


def test_looking_takes_over_where_the_system_has_no_watches_left(tmp_path, monkeypatch):
    def refuse(self, watched):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(NotifiedChanges, "__init__", refuse)
    assert isinstance(open_changes(Watched(tmp_path, NORECURSE)), PolledChanges)


def test_looking_takes_a_hundredth_of_a_processor(tmp_path):
    changes = PolledChanges(Watched(tmp_path, NORECURSE))
    changes._took = 0.02
    assert changes.interval == pytest.approx(2.0)
    changes._took = 0.0
    assert changes.interval == pytest.approx(0.1)
