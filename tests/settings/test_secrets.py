from __future__ import annotations

import pytest

from zenconv.settings.secrets import name_references, resolve_references
from zenconv.settings.text import Text


def test_references_are_found_in_nested_values() -> None:
    value = {"a": ["${env:A}", {"b": "x-${env:B}-${env:A}"}], "c": 3, "d": "${HOME} $A"}
    assert name_references(value) == "A,B"


def test_references_are_replaced_wherever_they_stand() -> None:
    value = {"url": "pg://${env:USER}:${env:PW}@h", "n": [1, "${env:N}"], "plain": "x"}
    resolved = resolve_references(value, {"USER": "u", "PW": r"p\1", "N": "3"})
    assert resolved == {"url": r"pg://u:p\1@h", "n": [1, "3"], "plain": "x"}
    assert isinstance(resolved["n"][1], Text)


def test_what_a_variable_holds_is_not_resolved_again() -> None:
    assert resolve_references("${env:A}", {"A": "${env:B}", "B": "x"}) == "${env:B}"


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(KeyError, match="GONE"):
        resolve_references(["${env:GONE}"], {})
