from __future__ import annotations

import json
import os

import pytest

from tests.starting.notebooks import code, markdown, write_notebook
from zenconv.errors import UsageError
from zenconv.starting import notebook_file
from zenconv.starting.notebook_file import Cell, read_notebook


def test_the_cells_of_format_4_are_read_whether_their_text_is_a_list_or_not(tmp_path):
    listed = {"cell_type": "code", "source": ["a = 1\n", "b = 2"], "outputs": [{"data": "x" * 1000}]}
    path = write_notebook(tmp_path, markdown("# Title"), listed, code("c = 3"))
    assert read_notebook(path).cells == (
        Cell("text", "# Title"),
        Cell("code", "a = 1\nb = 2"),
        Cell("code", "c = 3"),
    )


def test_the_sheets_of_format_3_are_read(tmp_path):
    cells = [
        {"cell_type": "heading", "level": 2, "source": ["Title"]},
        {"cell_type": "code", "language": "python", "input": ["a = 1"], "outputs": []},
    ]
    path = tmp_path / "old.ipynb"
    path.write_text(json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}], "metadata": {"name": ""}}))
    assert read_notebook(path).cells == (Cell("text", "## Title"), Cell("code", "a = 1", "python"))


@pytest.mark.parametrize(
    "metadata",
    [
        {"kernelspec": {"language": "R"}},
        {"language_info": {"name": "R"}, "kernelspec": {"language": "python"}},
    ],
)
def test_the_language_of_the_kernel_is_known(tmp_path, metadata):
    assert read_notebook(write_notebook(tmp_path, metadata=metadata)).language == "r"


@pytest.mark.parametrize(
    "metadata", [None, [], 3, {"kernelspec": 7, "language_info": []}, {"kernelspec": {"language": 1}}]
)
def test_metadata_of_the_wrong_type_says_nothing(tmp_path, metadata):
    assert read_notebook(write_notebook(tmp_path, code("a"), metadata=metadata)).language == ""


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not valid JSON: line 1"),
        (b"print('hello')", "not valid JSON"),
        (b"\xff\xfe{\x00}\x00", "not UTF-8: byte 0xff at 0"),
        (b'{"cells": [\xe9]}', "not UTF-8: byte 0xe9"),
        (b"[]", "its JSON is a list"),
        (b"null", "its JSON is missing"),
        (b"{}", "no list of cells"),
        (b'{"cells": {"0": {}}}', "no list of cells"),
        (b'{"worksheets": [3]}', "worksheets has no list of cells"),
        (b'{"worksheets": [{"cells": 3}]}', "worksheets has no list of cells"),
        (b"[" * 200_000, "cannot be read"),
        (b'{"cells": [' + b"9" * 5000 + b"]}", "cannot be read"),
    ],
)
def test_what_is_no_notebook_is_refused_with_the_reason(tmp_path, data, why):
    path = tmp_path / "a.ipynb"
    path.write_bytes(data)
    with pytest.raises(UsageError, match=why) as caught:
        read_notebook(path)
    assert repr(str(path)) in caught.value.what


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        (3, "is a number"),
        (None, "is missing"),
        ([], "is a list"),
        ({}, "text of this cell is missing"),
        ({"cell_type": "code"}, "text of this cell is missing"),
        ({"cell_type": "code", "source": {"a": 1}}, "is an object"),
        ({"cell_type": "code", "source": ["a", 3]}, "is a list"),
        ({"cell_type": "markdown", "source": True}, "is true or false"),
    ],
)
def test_a_cell_that_is_none_keeps_its_place_with_the_reason(tmp_path, cell, why):
    first, second = read_notebook(write_notebook(tmp_path, cell, code("a = 1"))).cells
    assert first.kind == "unreadable"
    assert why in first.text
    assert second.text == "a = 1"


def test_characters_that_break_or_hide_lines_are_spelt_out(tmp_path):
    [cell] = read_notebook(
        write_notebook(tmp_path, code("a\r\nb\rc\x0cd\x0be\u2028f\x85g\x00h\u202ei\ud800\tj"))
    ).cells
    assert cell.text == r"a" "\nb\n" r"c\x0cd\x0be\u2028f\x85g\x00h\u202ei\ud800" "\tj"


def test_a_byte_order_mark_is_no_part_of_a_notebook(tmp_path):
    path = tmp_path / "a.ipynb"
    path.write_bytes(b'\xef\xbb\xbf{"cells": []}')
    assert read_notebook(path).cells == ()


def test_a_file_that_is_not_there_and_a_pipe_are_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name in ("nothing.ipynb", "pipe", "."):
        with pytest.raises(UsageError, match="there is no file"):
            read_notebook(tmp_path / name)


def test_a_notebook_of_absurd_size_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(notebook_file, "LARGEST", 10)
    with pytest.raises(UsageError, match="has more than") as caught:
        read_notebook(write_notebook(tmp_path, code("a")))
    assert "clear its outputs" in caught.value.hint
