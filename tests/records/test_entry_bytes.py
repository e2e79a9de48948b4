"""What stands in an entry names nothing outside of the project but single files."""

from __future__ import annotations

import attrs
import pytest

from zenconv.records.entry_bytes import checksum, decode_entry, encode_entry, key_bytes
from zenconv.testing.stores import make_entry, make_key

KEY = make_key("a")


def decode(discovered: dict[str, str]):
    raw, payload = key_bytes(KEY), encode_entry(attrs.evolve(make_entry(KEY), discovered=discovered))
    return decode_entry(KEY, raw, payload, checksum(raw, payload))


def test_files_below_the_root_are_read_back():
    assert decode({"data/a.csv": "b3:1", "folder/": "2", "a..b": "3"}).discovered == {
        "data/a.csv": "b3:1",
        "folder/": "2",
        "a..b": "3",
    }


def test_a_single_file_elsewhere_is_read_back():
    assert decode({"/data/a.csv": "b3:1"}).discovered == {"/data/a.csv": "b3:1"}


@pytest.mark.parametrize(
    "name", ["/data/", "/data/**", "../secret", "data/../../secret", "..\\secret", "..", "/data/../secret"]
)
def test_an_entry_that_would_have_folders_outside_looked_at_is_a_miss(name: str):
    assert decode({name: "b3:1"}) is None
