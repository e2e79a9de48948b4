"""Messages between processes arrive whole, in order, whatever the pieces and whatever else is written."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from zenconv.engine.frames import FrameReader, encode_frame

MESSAGES = st.lists(st.dictionaries(st.text(max_size=5), st.text() | st.integers() | st.none(), max_size=4))


@given(MESSAGES, st.lists(st.integers(1, 40)))
def test_messages_survive_any_cutting(messages: list[dict], cuts: list[int]) -> None:
    data = b"".join(map(encode_frame, messages))
    reader, found = FrameReader(), []
    for size in [*cuts, len(data) + 1]:
        found += reader.feed(data[:size])
        data = data[size:]
    assert found == messages


@given(st.binary(max_size=60))
def test_what_is_no_frame_is_dropped(noise: bytes) -> None:
    line = noise.replace(b"\n", b" ") + b"\n"
    reader = FrameReader()
    assert reader.feed(line + encode_frame({"after": 1})) == [{"after": 1}]


def test_a_flipped_bit_drops_the_message() -> None:
    data = bytearray(encode_frame({"result": 7}))
    data[-3] ^= 1
    assert FrameReader().feed(bytes(data)) == []
