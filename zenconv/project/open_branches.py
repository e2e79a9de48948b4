"""What a selection asks of branches that come into being only while the run goes on."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import product
from typing import NamedTuple

from zenconv.engine.pruning import BranchTest
from zenconv.project.keyword import Matcher
from zenconv.records.step import Node, Pipeline, branch_id, branch_suffix, is_branch

Wanted = dict[str, BranchTest | None]
"""Node ids that are asked for; of a template all branches (None), or those that pass a test."""

Pairs = Sequence[tuple[str, str]]

_MOST_GUESSES = 10
_OPERATORS = ("and", "or", "not")


class _TextTest(NamedTuple):
    """What stands in the brackets of a target: ``s117``, ``shops=s117,C=1``."""

    text: str

    def passes(self, branch: Node) -> bool:
        return is_branch(branch_id(branch.axes), self.text)

    def may_pass(self, template: Node, known: Pairs, seen: Collection[str]) -> bool:
        axes = dict(known)
        is_whole = len(axes) >= len(template.axes) + len(template.open)
        for part in self.text.split(","):
            axis, is_pair, id = part.strip().partition("=")
            if is_pair and axis in axes:
                if axes[axis] != id:
                    return False
            elif axis not in axes.values() and not is_pair and (is_whole or axis in seen):
                return False  # an id that another branch has is not waited for on a deeper axis
        return True


class _KeywordTest(NamedTuple):
    """A ``-k`` expression."""

    expression: str
    matches: Matcher
    names_of: Callable[[Node], list[str]]

    def passes(self, branch: Node) -> bool:
        return self.matches(self.names_of(branch))

    def may_pass(self, template: Node, known: Pairs, seen: Collection[str]) -> bool:
        names = [*self.names_of(template), branch_suffix(known).lower()]
        settled = [id.lower() for id in seen]
        if len(known) >= len(template.axes) + len(template.open):
            return self.matches(names)
        return True in self.possible_answers(names, settled)

    def possible_answers(self, names: list[str], settled: Sequence[str] = ()) -> set[bool]:
        """Return what the expression may come to for a branch of which only some names are known.

        A word that stands in one of the `settled` ids has found what it means.
        """
        words = {word for word in re.findall(r"[^\s()]+", self.expression.lower()) if word not in _OPERATORS}
        unknown = sorted(w for w in words if not any(w in known for known in (*names, *settled)))
        if len(unknown) > _MOST_GUESSES:
            return {True, False}
        answers = set()
        for chosen in product((False, True), repeat=len(unknown)):
            guess = _Guess()
            guess.true_words = frozenset(w for w, is_true in zip(unknown, chosen, strict=True) if is_true)
            answers.add(self.matches([*names, guess]))
        return answers


class _Guess(str):
    """A name of which only guesses are known: it holds the words in `true_words`."""

    __slots__ = ("true_words",)
    true_words: frozenset[str]

    def __contains__(self, word: object) -> bool:
        return word in self.true_words


class _IdsTest(NamedTuple):
    """Some node ids: those that failed last."""

    ids: frozenset[str]

    def passes(self, branch: Node) -> bool:
        return branch.id in self.ids

    def may_pass(self, template: Node, known: Pairs, seen: Collection[str]) -> bool:
        start = f"{template.template}["
        pairs = {f"{axis}={id}" for axis, id in known}
        return any(id.startswith(start) and pairs <= {*id[len(start) : -1].split(",")} for id in self.ids)


class _AllOf(NamedTuple):
    tests: tuple[BranchTest, ...]

    def passes(self, branch: Node) -> bool:
        return all(test.passes(branch) for test in self.tests)

    def may_pass(self, template: Node, known: Pairs, seen: Collection[str]) -> bool:
        return all(test.may_pass(template, known, seen) for test in self.tests)


class _AnyOf(NamedTuple):
    tests: tuple[BranchTest, ...]

    def passes(self, branch: Node) -> bool:
        return any(test.passes(branch) for test in self.tests)

    def may_pass(self, template: Node, known: Pairs, seen: Collection[str]) -> bool:
        return any(test.may_pass(template, known, seen) for test in self.tests)


Answer = tuple[bool, BranchTest | None]
"""Whether a node is asked for, and the test where only some of its branches are."""


def match_text(node: Node, text: str | None) -> Answer:
    """Return whether `node` is meant by what stands in the brackets of a target, None for no brackets."""
    if text is None or (node.axes and is_branch(branch_id(node.axes), text)):
        return True, None
    test = _TextTest(text)
    if not node.open or not test.may_pass(node, node.axes, ()) or _names_no_axis(node, text):
        return False, None
    return True, test


def _names_no_axis(node: Node, text: str) -> bool:
    axes = {name for name, _ in node.axes} | {axis.name for axis in node.open}
    axis, is_pair, _ = text.partition("=")
    return bool(is_pair) and axis not in axes


def match_keyword(
    node: Node, names_of: Callable[[Node], list[str]], expression: str, matches: Matcher
) -> Answer:
    """Return whether a ``-k`` expression may match `node`."""
    if not node.open:
        return matches(names_of(node)), None
    test = _KeywordTest(expression, matches, names_of)
    answers = test.possible_answers(names_of(node))
    return True in answers, None if answers == {True} else test


def match_ids(node: Node, ids: frozenset[str]) -> Answer:
    """Return whether `node` is among `ids`, or may have branches that are."""
    if node.id in ids:
        return True, None
    test = _IdsTest(ids)
    is_possible = bool(node.open) and test.may_pass(node, node.axes, ())
    return is_possible, test if is_possible else None


def add_wanted(wanted: Wanted, more: Mapping[str, BranchTest | None]) -> None:
    """Ask for `more` as well."""
    for id, test in more.items():
        known = wanted.get(id, test)
        wanted[id] = None if known is None or test is None else _AnyOf((known, test))


def narrow(pipeline: Pipeline, wanted: Wanted, decide: Callable[[Node], Answer]) -> Wanted:
    """Return what of `wanted` passes `decide`."""
    kept: Wanted = {}
    for id, test in wanted.items():
        is_kept, more = decide(pipeline.nodes[id])
        if is_kept:
            kept[id] = more if test is None else test if more is None else _AllOf((test, more))
    return kept


def tests_of(wanted: Wanted) -> dict[str, BranchTest]:
    """Return the tests of templates of which only a part is asked for."""
    return {id: test for id, test in wanted.items() if test is not None}


def as_wanted(ids: Iterable[str]) -> Wanted:
    """Return ids as asked for in full."""
    return dict.fromkeys(ids)
