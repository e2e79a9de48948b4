"""Secret values appear in no record."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenconv.engine.secrets import MASK, Secrets
from zenconv.errors import UsageError


def test_a_secret_is_looked_up_and_struck_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "hunter22")
    announced: list[str] = []
    secrets = Secrets(announced.append)
    assert secrets["TOKEN"] == "hunter22"
    assert secrets.redact({"message": "bad hunter22!", "n": [1, "hunter22"]}) == {
        "message": f"bad {MASK}!",
        "n": [1, MASK],
    }
    assert announced == ["TOKEN"]
    assert "hunter22" not in repr(secrets)


def test_references_inside_values_are_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "hunter22")
    assert Secrets().resolve({"url": ["https://u:${env:TOKEN}@h"]}) == {"url": ["https://u:hunter22@h"]}


def test_a_missing_secret_names_the_variable() -> None:
    with pytest.raises(UsageError, match="NO_SUCH_TOKEN"):
        Secrets()["NO_SUCH_TOKEN"]
    assert Secrets().get("NO_SUCH_TOKEN", "x") == "x"


@given(
    st.lists(st.sampled_from([b"secret-value", b"sec", b"ret-value", b"x", b"\n"]), max_size=8),
    st.integers(1, 9),
)
def test_a_secret_is_found_across_block_borders(pieces: list[bytes], size: int) -> None:
    secrets = Secrets()
    secrets.hide("secret-value")
    data = b"".join(pieces)
    blocks = [data[i : i + size] for i in range(0, len(data), size)]
    joined = b"".join(secrets.redacted_blocks(blocks))
    assert joined == data.replace(b"secret-value", MASK.encode())
