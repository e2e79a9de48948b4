"""The ``-k`` expressions: ``and``, ``or``, ``not``, parentheses and parts of names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from zenconv.errors import UsageError

Matcher = Callable[[Iterable[str]], bool]
"""Gets the names of a step, in lower case; says whether the expression matches."""

_TOKEN = re.compile(r"\s*(\(|\)|[^\s()]+|$)")
_DEPTH_LIMIT = 100


def parse_keyword(expression: str) -> Matcher:
    """Return the test that a ``-k`` expression stands for.

    A word matches where any name of the step contains it; case does not count.

    Raises
    ------
    UsageError
        The expression is no expression; the message points at the place.
    """
    parser = _Parser(expression)
    matcher = parser.parse_or(0)
    if parser.token:
        parser.fail("expected 'and', 'or' or the end")
    return matcher


class _Parser:
    def __init__(self, expression: str) -> None:
        self.expression = expression
        self.token = ""
        self.position = 0
        self.end = 0
        self.advance()

    def advance(self) -> None:
        match = _TOKEN.match(self.expression, self.end)
        assert match is not None
        self.token, self.position, self.end = match[1], match.start(1), match.end()

    def fail(self, expected: str) -> None:
        got = repr(self.token) if self.token else "the end"
        pointer = " " * self.position + "^"
        raise UsageError(
            f"-k: {expected}, got {got} at column {self.position + 1}\n    {self.expression}\n    {pointer}",
            hint='an expression is made like this: -k "churn and not (slow or test)"',
        )

    def parse_or(self, depth: int) -> Matcher:
        parts = [self.parse_and(depth)]
        while self.token.lower() == "or":
            self.advance()
            parts.append(self.parse_and(depth))
        return parts[0] if len(parts) == 1 else lambda names: any(part(names) for part in parts)

    def parse_and(self, depth: int) -> Matcher:
        parts = [self.parse_not(depth)]
        while self.token.lower() == "and":
            self.advance()
            parts.append(self.parse_not(depth))
        return parts[0] if len(parts) == 1 else lambda names: all(part(names) for part in parts)

    def parse_not(self, depth: int) -> Matcher:
        negated = False
        while self.token.lower() == "not":
            self.advance()
            negated = not negated
        part = self.parse_word(depth)
        return (lambda names: not part(names)) if negated else part

    def parse_word(self, depth: int) -> Matcher:
        if self.token == "(" and depth < _DEPTH_LIMIT:
            self.advance()
            inner = self.parse_or(depth + 1)
            if self.token != ")":
                self.fail("expected ')'")
            self.advance()
            return inner
        if self.token in ("", "(", ")") or self.token.lower() in ("and", "or"):
            self.fail("expected a name or '('" if depth < _DEPTH_LIMIT else "too many parentheses")
        word = self.token.lower()
        self.advance()
        return lambda names: any(word in name for name in names)
