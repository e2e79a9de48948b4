from __future__ import annotations

import os
from pathlib import Path

import pytest

from zenconv.errors import SettingsError
from zenconv.settings.document import read_document


def mistake(path: Path, name: str = "zenconv.toml") -> str:
    with pytest.raises(SettingsError) as caught:
        read_document(path, name)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "line"),
    [("a = 1\nb = = 2\n", 2), ("a = 1\n\n[b\n", 3), ("a = [1,\n2,\n", 2), ("a = 1\na = 2\n", 2)],
)
def test_a_syntax_error_names_its_line(tmp_path: Path, text: str, line: int) -> None:
    path = tmp_path / "zenconv.toml"
    path.write_text(text)
    assert mistake(path).startswith(f"zenconv.toml:{line}: not valid TOML: ")


def test_a_file_that_is_not_utf8_names_line_and_byte(tmp_path: Path) -> None:
    path = tmp_path / "zenconv.toml"
    path.write_bytes("a = 1\nb = 'é'\n".encode("latin-1"))
    assert mistake(path) == (
        "zenconv.toml:2: not UTF-8: byte 0xe9\n    hint: save the file with the encoding UTF-8"
    )


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    path = tmp_path / "zenconv.toml"
    path.write_bytes("\ufeffa = 1\r\nb = 2\r\n".encode())
    document = read_document(path, path.name)
    assert document.table == {"a": 1, "b": 2}
    assert document.where(["b"]) == "zenconv.toml:2"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "zenconv.toml"
    path.write_text("a = 1")
    path.chmod(0)
    assert "zenconv.toml: cannot be read: Permission denied" in mistake(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "gone.toml: cannot be read: No such file" in mistake(tmp_path / "gone.toml", "gone.toml")


def test_deep_nesting_is_an_error_and_no_crash(tmp_path: Path) -> None:
    path = tmp_path / "zenconv.toml"
    path.write_text("a = " + "[" * 50_000 + "]" * 50_000)
    assert mistake(path).startswith("zenconv.toml")


def test_a_key_without_a_line_of_its_own_has_that_of_its_table(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text("[project]\nname = 'x'\n[tool.zenconv]\nseed = 1\n")
    document = read_document(path, path.name)
    assert document.table == {"seed": 1}
    assert document.where(["seed"]) == "pyproject.toml:4"
    assert document.where(["absent", "key"]) == "pyproject.toml:3"
