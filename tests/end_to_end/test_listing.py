"""``zenconv run --collect-only`` and ``--fixtures``: what there is, without running anything."""

from __future__ import annotations

import pytest

FILES = {
    "steps_a.py": '''
        import zenconv

        @zenconv.fixture(scope="run", autouse=True)
        def connection(port: int = 7):
            """Open the database.

            It is closed at the end.
            """
            yield port

        @zenconv.fixture
        def _hidden():
            return 1

        def raw() -> int:
            return 1

        def left(raw: int, _hidden) -> int:
            return raw
    ''',
    "eu/steps_b.py": """
        import zenconv

        @zenconv.fixture(name="board")
        def make_board():
            return 1

        @zenconv.parametrize("C", [1, 2])
        def part(C: int, board, device) -> int:
            return C
    """,
    "eu/zenconf.py": '''
        import zenconv

        @zenconv.fixture(scope="pipeline")
        def device():
            """The device of the folder."""
            return 1
    ''',
}


@pytest.fixture
def it(project):
    return project(FILES)


# ---------------------------------------------------------------- --collect-only


def test_collect_only_lists_steps_by_file_and_runs_nothing(it) -> None:
    done = it.run("run", "--collect-only")
    assert done.stdout.split("\n") == [
        "steps_a.py", "  raw", "  left",
        "eu/steps_b.py", "  part[C=1]", "  part[C=2]",
        "4 steps collected", "",
    ]  # fmt: skip
    assert it.json("runs")["runs"] == []


def test_what_is_selected_is_told_from_what_it_needs(it) -> None:
    assert it.run("run", "--co", "left").stdout.split("\n") == [
        "steps_a.py", "  raw (needed)", "  left", "1 step collected, and 1 that they need", "",
    ]  # fmt: skip
    assert "  left -- steps_a.py:18\n" in it.run("run", "--co", "left", "-v").stdout


def test_q_lists_ids_and_qq_counts(it) -> None:
    done = it.run("--co", "-q", "-k", "part")
    assert done.stdout.split("\n") == [
        "eu/steps_b.py::part[C=1]", "eu/steps_b.py::part[C=2]", "", "2 steps collected", "",
    ]  # fmt: skip
    assert it.run("--co", "-qq").stdout == "steps_a.py: 2\neu/steps_b.py: 2\n"


def test_each_listed_id_is_a_target(it) -> None:
    ids = it.run("--co", "-q").stdout.split("\n\n")[0].split("\n")
    assert len(ids) == 4
    it.run("run", *ids)


def test_collect_only_as_json(it) -> None:
    rows = it.json("run", "--co", "left")["steps"]
    assert [(row["node"], row["is_selected"]) for row in rows] == [
        ("steps_a.py::raw", False), ("steps_a.py::left", True),
    ]  # fmt: skip


def test_collect_only_selects_as_a_run_does(it) -> None:
    assert "2 steps collected" in it.run("--co", "--from", "raw").stdout
    assert "1 step collected" in it.run("--co", "--only", "raw").stdout
    it.run("--co", "-k", "nothing", check=5)
    it.append("steps_a.py", "\ndef broken(nowhere):\n    return 1\n")
    assert "'nowhere'" in it.run("--co", check=2).stderr


# ---------------------------------------------------------------- --fixtures


def test_fixtures_lists_each_with_scope_place_and_first_paragraph(it) -> None:
    text = it.run("run", "--fixtures").stdout
    assert (
        "fixtures of steps_a.py\nconnection [run scope, autouse] -- steps_a.py:4\n    Open the database.\n"
        in text
    )
    assert "device [pipeline scope] -- eu/zenconf.py:4\n    The device of the folder.\n" in text
    assert "board -- eu/steps_b.py:4\n    no docstring\n" in text
    assert "It is closed at the end." not in text
    assert "_hidden" not in text
    assert "built in\n" in text
    assert "tmp_path\n    an empty folder" in text
    assert it.json("runs")["runs"] == []


def test_fixtures_v_shows_whole_docstrings_parameters_and_hidden_ones(it) -> None:
    text = it.run("run", "--fixtures", "-v").stdout
    assert "connection(port) [run scope, autouse]" in text
    assert "    It is closed at the end.\n" in text
    assert "_hidden -- steps_a.py:" in text


def test_fixtures_of_a_target_are_those_its_steps_see(it) -> None:
    text = it.run("run", "--fixtures", "eu/b").stdout
    assert "board" in text
    assert "device" in text
    assert "connection" not in text


def test_fixtures_as_json(it) -> None:
    rows = it.json("run", "--fixtures")["fixtures"]
    assert [row["file"] for row in rows if row["name"] == "device"] == [
        "eu/zenconf.py",
        "",
    ]
    assert [row["scope"] for row in rows if row["name"] == "tmp_path"] == ["step"]


def test_fixtures_of_a_project_with_mistakes_says_which(it) -> None:
    it.append("steps_a.py", "\ndef broken(\n")
    assert "steps_a.py:" in it.run("--fixtures", check=2).stderr
