"""The ``-k`` and ``-m`` expressions: ``and``, ``or``, ``not``, parentheses, and words between them."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from zenconv.authoring import Mark
from zenconv.errors import UsageError

Matcher = Callable[[Iterable[str]], bool]
"""Gets the names of a step, in lower case; says whether the expression matches."""

MarkMatcher = Callable[[Mapping[str, Sequence[Mark]]], bool]
"""Gets the marks of a step by name; says whether the expression matches."""

_TOKEN = re.compile(r"\s*(\(|\)|[^\s()]+|$)")
_DEPTH_LIMIT = 100
_ARGUMENTS = re.compile(r"\((?:[^()'\"]|'[^']*'|\"[^\"]*\")*\)")


def parse_keyword(expression: str) -> Matcher:
    """Return the test that a ``-k`` expression stands for.

    A word matches where any name of the step contains it; case does not count.

    Raises
    ------
    UsageError
        The expression is no expression; the message points at the place.
    """
    return _Parser(expression).parse()


def parse_marks(expression: str) -> MarkMatcher:
    """Return the test that a ``-m`` expression stands for.

    A word is the whole name of a mark: ``slow``, or with arguments given by name,
    ``device(serial="1")``, which match where a mark of the step was given equal ones.

    Raises
    ------
    UsageError
        The expression is no expression; the message points at the place.
    """
    return _MarkParser(expression).parse()


class _Parser:
    """Reads an expression; subclasses say what its words mean."""

    flag = "-k"
    example = '-k "churn and not (slow or test)"'

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self.token = ""
        self.position = 0
        self.end = 0
        self.advance()

    def parse(self) -> Callable[[Any], bool]:
        matcher = self.parse_or(0)
        if self.token:
            self.fail("expected 'and', 'or' or the end")
        return matcher

    def advance(self) -> None:
        match = _TOKEN.match(self.expression, self.end)
        assert match is not None
        self.token, self.position, self.end = match[1], match.start(1), match.end()

    def fail(self, expected: str) -> None:
        got = repr(self.token) if self.token else "the end"
        pointer = " " * self.position + "^"
        place = f"at column {self.position + 1}\n    {self.expression}\n    {pointer}"
        raise UsageError(
            f"{self.flag}: {expected}, got {got} {place}",
            hint=f"an expression is made like this: {self.example}",
        )

    def parse_or(self, depth: int) -> Callable[[Any], bool]:
        parts = [self.parse_and(depth)]
        while self.token.lower() == "or":
            self.advance()
            parts.append(self.parse_and(depth))
        return parts[0] if len(parts) == 1 else lambda names: any(part(names) for part in parts)

    def parse_and(self, depth: int) -> Callable[[Any], bool]:
        parts = [self.parse_not(depth)]
        while self.token.lower() == "and":
            self.advance()
            parts.append(self.parse_not(depth))
        return parts[0] if len(parts) == 1 else lambda names: all(part(names) for part in parts)

    def parse_not(self, depth: int) -> Callable[[Any], bool]:
        negated = False
        while self.token.lower() == "not":
            self.advance()
            negated = not negated
        part = self.parse_word(depth)
        return (lambda names: not part(names)) if negated else part

    def parse_word(self, depth: int) -> Callable[[Any], bool]:
        if self.token == "(" and depth < _DEPTH_LIMIT:
            self.advance()
            inner = self.parse_or(depth + 1)
            if self.token != ")":
                self.fail("expected ')'")
            self.advance()
            return inner
        if self.token in ("", "(", ")") or self.token.lower() in ("and", "or"):
            self.fail("expected a name or '('" if depth < _DEPTH_LIMIT else "too many parentheses")
        return self.make_word()

    def make_word(self) -> Callable[[Any], bool]:
        """Return what the word at the current place means, and go on to what follows it."""
        word = self.token.lower()
        self.advance()
        return lambda names: any(word in name for name in names)


class _MarkParser(_Parser):
    flag = "-m"
    example = """-m "slow and not device(serial='1')\""""

    def make_word(self) -> Callable[[Any], bool]:
        name = self.token
        if not name.isidentifier():
            self.fail("expected the name of a mark or '('")
        arguments = _ARGUMENTS.match(self.expression, self.end)
        if arguments is None:
            self.advance()
            return lambda marks: name in marks
        given = self.read_arguments(name + arguments[0])
        self.end = arguments.end()
        self.advance()
        return lambda marks: any(_has_arguments(mark, given) for mark in marks.get(name, ()))

    def read_arguments(self, text: str) -> dict[str, Any]:
        try:
            call = ast.parse(text, mode="eval").body
            if not isinstance(call, ast.Call) or call.args or any(k.arg is None for k in call.keywords):
                raise ValueError("not by name")
            return {str(k.arg): ast.literal_eval(k.value) for k in call.keywords}
        except (SyntaxError, ValueError):
            self.fail(f"expected arguments by name with plain values in {text!r}")
            raise


def _has_arguments(mark: Mark, given: Mapping[str, Any]) -> bool:
    missing = object()
    return all(
        type(found := mark.kwargs.get(name, missing)) is type(value) and found == value
        for name, value in given.items()
    )
