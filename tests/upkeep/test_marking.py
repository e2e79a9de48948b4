"""What runs mention, kept up to date."""

from __future__ import annotations

from pathlib import Path

from zenconv import hashing
from zenconv.testing.logs import cache_key, finished, new_state, succeeded_run, write_run
from zenconv.upkeep.marking import RunMarks

DIGEST = hashing.digest_bytes(b"big")


def test_what_is_written_later_is_found_by_reading_on(tmp_path: Path):
    state = new_state(tmp_path)
    gone, kept = succeeded_run(state, ["gone"]), succeeded_run(state, ["kept"])
    marks = RunMarks(state, [gone.id])
    assert cache_key("gone") not in marks.refresh().keys
    half, rest = DIGEST[:30], DIGEST[30:]
    with open(kept.log, "a") as stream:
        stream.write(f'{{"{half}')
    assert DIGEST not in marks.refresh().digests
    with open(kept.log, "a") as stream:
        stream.write(f'{rest}"}}\n')
    write_run(state, [finished("new")])
    assert DIGEST in marks.refresh().digests
    assert {cache_key("kept"), cache_key("new")} <= marks.mentioned.keys
    assert cache_key("gone") not in marks.mentioned.keys
