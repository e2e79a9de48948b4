"""Writing and reading event logs."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zenconv.errors import StoreError
from zenconv.records import log as log_module
from zenconv.records.events import Event, Notice, encode
from zenconv.records.log import EventLog, read_events


def _write(path: Path, texts: list[str]) -> list[int]:
    ends = []
    with EventLog(path) as log:
        for text in texts:
            log.append(Notice(text))
            ends.append(path.stat().st_size)
    return ends


def _texts(path: Path, offset: int = 0) -> list[str]:
    return [event.text for event, _ in read_events(path, offset) if isinstance(event, Notice)]


def test_what_was_appended_is_read_in_order(tmp_path: Path) -> None:
    path = tmp_path / "events.log"
    _write(path, ["a", "b\nc", "\ud800 \x00 ü"])
    assert _texts(path) == ["a", "b\nc", "\ud800 \x00 ü"]


def test_reading_goes_on_from_any_offset_it_gave(tmp_path: Path) -> None:
    path = tmp_path / "events.log"
    ends = _write(path, ["a", "b", "c"])
    assert [offset for _, offset in read_events(path)] == ends
    assert _texts(path, ends[0]) == ["b", "c"]
    assert _texts(path, ends[-1]) == []


def test_a_missing_log_has_no_events(tmp_path: Path) -> None:
    assert list(read_events(tmp_path / "nothing")) == []


def test_a_log_that_cannot_be_read_is_a_store_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot read the log"):
        list(read_events(tmp_path))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=6), st.integers(min_value=0))
def test_cut_anywhere_a_log_gives_exactly_its_whole_lines(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], cut: int
) -> None:
    path = tmp_path_factory.mktemp("log") / "events.log"
    ends = _write(path, texts)
    cut %= ends[-1] + 1
    os.truncate(path, cut)
    assert _texts(path) == texts[: sum(end <= cut for end in ends)]


def test_a_torn_line_is_found_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "events.log"
    (first,) = _write(path, ["a"])
    line = encode(Notice("b"))
    with path.open("ab") as stream:
        stream.write(line[:-4])
    assert _texts(path) == ["a"]
    with path.open("ab") as stream:
        stream.write(line[-4:])
    assert _texts(path, first) == ["b"]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2), st.integers(min_value=0), st.integers(0, 7))
def test_a_flipped_bit_costs_its_line_and_is_reported(
    tmp_path_factory: pytest.TempPathFactory, which: int, place: int, bit: int
) -> None:
    path = tmp_path_factory.mktemp("log") / "events.log"
    ends = _write(path, ["first", "second", "third", "last"])
    start = [0, *ends][which]
    data = bytearray(path.read_bytes())
    data[start + place % (ends[which] - start - 1)] ^= 1 << bit
    path.write_bytes(data)
    damaged: list[int] = []
    texts = [e.text for e, _ in read_events(path, on_damage=damaged.append) if isinstance(e, Notice)]
    written = ["first", "second", "third", "last"]
    if texts != written:  # the case of a digit of the checksum says the same
        assert texts == [text for n, text in enumerate(written) if n != which]
        assert damaged
        assert damaged[0] == start


def test_a_line_without_end_is_damage_not_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "LINE_LIMIT", 1000)
    path = tmp_path / "events.log"
    path.write_bytes(b"x" * 5500 + b"\n" + encode(Notice("after")))
    damaged: list[int] = []
    assert [e for e, _ in read_events(path, on_damage=damaged.append)] == [Notice("after")]
    assert damaged


def test_events_of_a_newer_version_are_passed_over(tmp_path: Path) -> None:
    class Later(Event):
        name = "later"

    line = encode(Notice("x")).replace(b'"notice"', b'"later"')
    import zlib

    text = line[9:-1]
    path = tmp_path / "events.log"
    path.write_bytes(b"%08x %s\n" % (zlib.crc32(text), text) + encode(Notice("known")))
    damaged: list[int] = []
    assert [e for e, _ in read_events(path, on_damage=damaged.append)] == [Notice("known")]
    assert not damaged


_FILLER = """
import resource, signal, sys
from pathlib import Path
from zenconv.errors import StoreError
from zenconv.records.events import Notice
from zenconv.records.log import EventLog
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
log = EventLog(Path(sys.argv[1]))
log.append(Notice("kept"))
try:
    log.append(Notice("x" * 2000))
except StoreError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.append(Notice("after"))
log.sync()
"""


def test_an_event_that_does_not_fit_on_the_disk_leaves_no_half_line(tmp_path: Path) -> None:
    path = tmp_path / "events.log"
    done = subprocess.run([sys.executable, "-c", _FILLER, path], capture_output=True, text=True, check=True)
    assert f"cannot write the log of the run, {path}" in done.stdout
    assert _texts(path) == ["kept", "after"]


_WRITER = """
import sys
from pathlib import Path
from zenconv.records.events import Notice
from zenconv.records.log import EventLog
log = EventLog(Path(sys.argv[1]))
n = 0
while True:
    log.append(Notice(str(n) + "x" * 500))
    n += 1
    if n == 200: print("many", flush=True)
"""


def test_a_killed_writer_loses_at_most_the_event_being_written(tmp_path: Path) -> None:
    path = tmp_path / "events.log"
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, path], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    assert writer.stdout.readline() == b"many\n"
    time.sleep(0.02)
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    numbers = [int(text.rstrip("x")) for text in _texts(path)]
    assert len(numbers) >= 200
    assert numbers == list(range(len(numbers)))


def test_reading_takes_constant_memory(tmp_path: Path) -> None:
    path = tmp_path / "events.log"
    block = b"".join(encode(Notice("x" * 1000)) for _ in range(1000))
    with path.open("wb") as stream:
        for _ in range(60):
            stream.write(block)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert sum(1 for _ in read_events(path)) == 60_000
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 8_000


def test_a_log_in_a_missing_folder_is_a_store_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot write the log of the run"):
        EventLog(tmp_path / "nowhere" / "events.log")
