"""A collected graph as flat JSON rows, and back: what steps are, never what they do.

Functions, types and notes that only matter when a step runs are not in it. A value that JSON
cannot hold stays behind as its digest and a short text.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path, PosixPath, PurePath
from typing import Any

import attrs

from zenconv.authoring import FixtureNote, Mark, ShownArgument, StepNote, show_argument
from zenconv.engine.keys import KnownValue, short_text
from zenconv.errors import Problem
from zenconv.project.collected import Override
from zenconv.project.json_rows import Rows
from zenconv.records.marks import NO_MARKS, Markings
from zenconv.records.step import (
    Binding,
    Branch,
    Fixture,
    FixtureNode,
    Node,
    OpenAxis,
    Output,
    Param,
    Parameter,
    Pipeline,
    Step,
)

Row = list[Any]

_PLAIN_NOTE = StepNote()
_PLAIN_OUTPUTS: tuple[Output, ...] = (Output(""),)
_LARGEST_INT = 2**63


class NotIndexable(Exception):
    """A value that cannot be put into the index, though more than its digest is needed of it."""


class RowWriter:
    """Turns a pipeline into rows.

    `known` gives the digest of a node's local key, if it may be used again, and why it is impure.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        known: Callable[[Node], tuple[str | None, str]],
        digest_of: Callable[[Any], str],
    ) -> None:
        self.pipeline = pipeline
        self._known = known
        self._digest_of = digest_of
        self._numbers = {id: number for number, id in enumerate(pipeline.nodes)}
        self._files: dict[tuple[str, str], int] = {}
        self._steps: dict[tuple[str, str], int] = {}
        self._fixtures: dict[tuple[str, str], int] = {}
        self._step_rows, self._step_texts = Rows(), Rows()
        self._fixture_rows, self._fixture_texts = Rows(), Rows()

    def rows(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what planning needs, and the texts that only listing shows."""
        nodes = Rows(
            [
                node.id,
                self._step_number(node.step),
                node.pipeline,
                [self._binding(b) for b in node.bindings],
                [self._binding(b) for b in node.autouse],
                [self._binding(b) for b in node.by_name],
                *self._known(node),
                *self._axes(node),
            ]
            for node in self.pipeline
        )
        fixtures = Rows(
            [
                id,
                self._fixture_number(f.fixture),
                f.pipeline,
                [self._binding(b) for b in f.bindings],
                [self._binding(b) for b in f.by_name],
            ]
            for id, f in self.pipeline.fixtures.items()
        )
        plan = {
            "nodes": nodes,
            "fixtures": fixtures,
            "steps": self._step_rows,
            "fixture_functions": self._fixture_rows,
            "files": [list(key) for key in self._files],
            "names": list(self.pipeline.names),
        }
        return plan, {"steps": self._step_texts, "fixtures": self._fixture_texts}

    def _axes(self, node: Node) -> list[Any]:
        if not node.axes and not node.open:
            return []
        numbers = [[axis.name, self._numbers[axis.source]] for axis in node.open]
        params = [[p.fixture, p.item, self._binding(p.value), p.replaces] for p in node.params]
        marks = None if node.marked is None else [_write_mark(mark) for mark in node.marked.marks]
        return [[list(pair) for pair in node.axes], numbers, params, marks]

    def _file_number(self, of: Step | Fixture) -> int:
        return self._files.setdefault((of.file, of.module), len(self._files))

    def _step_number(self, step: Step) -> int:
        key = (step.file, step.name)
        number = self._steps.get(key)
        if number is None:
            number = self._steps[key] = len(self._steps)
            outputs = [output.name for output in step.outputs]
            note = step.note
            row = [step.name, self._file_number(step), step.line, outputs, step.shape]
            flags = [step.is_template, step.is_async, step.is_generator]
            if note != _PLAIN_NOTE or any(flags):
                marks = [_write_mark(mark) for mark in step.marks.marks]
                row += [flags, [note.version, list(note.env), note.cache, note.refresh, marks]]
            self._step_rows.append(row)
            texts = [[p.name, p.annotation] for p in step.parameters]
            self._step_texts.append([step.doc, texts, [output.annotation for output in step.outputs]])
        return number

    def _fixture_number(self, fixture: Fixture) -> int:
        key = (fixture.file, fixture.name)
        number = self._fixtures.get(key)
        if number is None:
            number = self._fixtures[key] = len(self._fixtures)
            note = fixture.note
            row = [fixture.name, self._file_number(fixture), fixture.line, note.scope, note.autouse]
            self._fixture_rows.append([*row, note.version, note.key, fixture.is_generator])
            self._fixture_texts.append([[p.name, p.annotation] for p in fixture.parameters])
        return number

    def _binding(self, binding: Binding) -> Row:
        if binding.source == "item":
            return [5, binding.parameter, self._numbers[binding.node]]
        if binding.source == "node":
            number = self._numbers[binding.node]
            if binding.output == "":
                return [0, binding.parameter, number]
            return [0, binding.parameter, number, binding.output]
        if binding.source == "value":
            value = self._value(binding.parameter, binding.value)
            return [1, binding.parameter, value, binding.origin, binding.secret, binding.is_output]
        if binding.source == "collect":
            branches = [[b.id, self._numbers[b.node], b.output] for b in binding.branches]
            return [4, binding.parameter, branches, binding.tolerate, list(binding.over)]
        kind = 2 if binding.source == "fixture" else 3
        return [kind, binding.parameter, binding.fixture, *([binding.output] if binding.output else ())]

    def _value(self, parameter: str, value: Any) -> Any:
        try:
            return encode_value(value)
        except NotIndexable:
            if _may_hold_files(value):
                raise NotIndexable(f"the value of {parameter!r} is of a kind the index cannot hold") from None
            return ["known", self._digest_of(value), short_text(value)]


def encode_value(value: Any) -> Any:
    """Return `value` as JSON data, lists tagged by their kind. `NotIndexable` for any other kind."""
    kind = type(value)
    if value is None or kind in (bool, str, float):
        return value
    if kind is int and abs(value) < _LARGEST_INT:
        return value
    if kind in (list, tuple):
        return [kind.__name__, *map(encode_value, value)]
    if kind is dict:
        pairs = [part for key, item in value.items() for part in (encode_value(key), encode_value(item))]
        return ["dict", *pairs]
    if kind is PosixPath and os.name == "posix":
        return ["path", str(value)]
    raise NotIndexable


def decode_value(data: Any) -> Any:
    """Return the value that `encode_value` was given. `ValueError` for anything else."""
    if not isinstance(data, list):
        if isinstance(data, dict):
            raise ValueError("a value is no table")
        return data
    kind, *items = data
    if kind == "path":
        return Path(*items)
    if kind == "known":
        return KnownValue(*items)
    decoded = [decode_value(item) for item in items]
    if kind == "list":
        return decoded
    if kind == "tuple":
        return tuple(decoded)
    if kind == "dict":
        return dict(zip(decoded[::2], decoded[1::2], strict=True))
    raise ValueError(f"unknown kind of value: {kind!r}")


def _may_hold_files(value: Any) -> bool:
    if isinstance(value, PurePath | str):
        return isinstance(value, PurePath)
    if type(value) in (list, tuple):
        return any(type(item) is str or _may_hold_files(item) for item in value)
    if type(value) is dict:
        return any(type(item) is str or _may_hold_files(item) for item in value.values())
    return False


def read_rows(
    plan: Mapping[str, Any], texts: Mapping[str, Any] | None = None
) -> tuple[Pipeline, dict[str, tuple[str, str]]]:
    """Return the pipeline, and by node the digest and impurity of its local key, where recorded.

    Without `texts`, steps have no descriptions, parameters and annotations. Rows that are not as
    `RowWriter` makes them raise any of ValueError, TypeError, LookupError or AttributeError.
    """
    files = plan["files"]
    step_texts = texts["steps"] if texts is not None else [None] * len(plan["steps"])
    fixture_texts = texts["fixtures"] if texts is not None else [None] * len(plan["fixture_functions"])
    steps = [_read_step(row, files, text) for row, text in zip(plan["steps"], step_texts, strict=True)]
    functions = [
        _read_fixture(row, files, text)
        for row, text in zip(plan["fixture_functions"], fixture_texts, strict=True)
    ]
    ids = [row[0] for row in plan["nodes"]]
    nodes: dict[str, Node] = {}
    known: dict[str, tuple[str, str]] = {}
    for id, step, pipeline, bindings, autouse, by_name, digest, impure, *axes in plan["nodes"]:
        bound = tuple([_read_binding(row, ids) for row in bindings])
        unasked = tuple([_read_binding(row, ids) for row in autouse])
        named = tuple([_read_binding(row, ids) for row in by_name])
        node = nodes[id] = Node(id, steps[step], pipeline, bound, unasked, named)
        if axes:
            nodes[id] = _read_axes(node, axes, ids)
        if digest is not None:
            known[id] = (digest, impure)
    fixtures = {
        id: FixtureNode(
            id,
            functions[number],
            pipeline,
            tuple(_read_binding(row, ids) for row in bindings),
            tuple(_read_binding(row, ids) for row in by_name),
        )
        for id, number, pipeline, bindings, by_name in plan["fixtures"]
    }
    return Pipeline(nodes, fixtures, tuple(plan["names"])), known


def _read_axes(node: Node, row: Row, ids: Sequence[str]) -> Node:
    static, opened, params, marks = row
    return attrs.evolve(
        node,
        axes=tuple([(axis, item) for axis, item in static]),
        open=tuple([OpenAxis(name, ids[source]) for name, source in opened]),
        params=tuple(
            Param(fixture, item, _read_binding(value, ids), replaces)
            for fixture, item, value, replaces in params
        ),
        marked=None if marks is None else _read_marks(marks),
    )


def _read_step(row: Row, files: Sequence[Row], text: Row | None) -> Step:
    name, file, line, outputs, shape, *rest = row
    path, module = files[file]
    doc, parameters, annotations = text or ("", (), ())
    flags, note = rest or ((False, False, False), None)
    if outputs == [""] and not text:
        made = _PLAIN_OUTPUTS
    else:
        written = annotations or [""] * len(outputs)
        made = tuple(Output(name, kind) for name, kind in zip(outputs, written, strict=True))
    marked, marks = _PLAIN_NOTE, NO_MARKS
    if note is not None:
        version, env, cache, refresh, written = note
        marked = StepNote(version=version, env=tuple(env), cache=cache, refresh=refresh)
        marks = _read_marks(written) if written else NO_MARKS
    is_template, is_async, is_generator = flags
    return Step(
        name,
        module,
        path,
        line,
        tuple([Parameter(*parameter) for parameter in parameters]),
        made,
        shape,
        marked,
        is_template,
        is_async,
        is_generator,
        doc,
        marks=marks,
    )


def _write_mark(mark: Mark) -> Row:
    """Return a mark with its arguments where they are plain, else as people see them."""
    kwargs = {name: _plain_argument(value) for name, value in mark.kwargs.items()}
    return [mark.name, [_plain_argument(value) for value in mark.args], kwargs, mark.file, mark.line]


def _plain_argument(value: Any) -> Any:
    if type(value) in (list, tuple) and all(type(item) is str for item in value):
        return list(value)
    return value if type(value) in (str, int, float, bool, type(None)) else {"shown": show_argument(value)}


def _read_marks(rows: Sequence[Row]) -> Markings:
    """Return marks, and of what they ask for all that matters although nothing is executed."""
    marks = tuple(_read_mark(row) for row in rows)
    found: dict[str, Any] = {}
    for mark in marks:
        if mark.name in ("skip", "python"):
            from zenconv.project.mark_meanings import MEANINGS

            for name, value in MEANINGS[mark.name](*mark.args, **mark.kwargs).items():
                found.setdefault(name, attrs.evolve(value, where=f"{mark.file}:{mark.line}"))
    return Markings(marks, **found)


def _read_mark(row: Row) -> Mark:
    name, args, kwargs, file, line = row
    given = {name: _read_argument(value) for name, value in kwargs.items()}
    return Mark(name, tuple(_read_argument(value) for value in args), given, file, line)


def _read_argument(value: Any) -> Any:
    return ShownArgument(value["shown"]) if isinstance(value, dict) else value


def _read_fixture(row: Row, files: Sequence[Row], text: Row | None) -> Fixture:
    name, file, line, scope, autouse, version, key, is_generator = row
    path, module = files[file]
    note = FixtureNote(scope, "", autouse, version, key)
    return Fixture(name, module, path, line, tuple(Parameter(*p) for p in text or ()), note, is_generator)


def _read_binding(row: Row, ids: Sequence[str]) -> Binding:
    kind, parameter, target = row[0], row[1], row[2]
    if kind == 0:
        return Binding(parameter, "node", ids[target], row[3] if len(row) > 3 else "")
    if kind == 1:
        value = target if type(target) is not list else decode_value(target)
        return Binding(parameter, "value", "", None, value, row[3], "", row[4], row[5])
    if kind == 4:
        branches = tuple([Branch(id, ids[number], output) for id, number, output in target])
        return Binding(parameter, "collect", branches=branches, tolerate=row[3], over=tuple(row[4]))
    if kind == 5:
        return Binding(parameter, "item", ids[target])
    output = row[3] if len(row) > 3 else None
    return Binding(parameter, "fixture" if kind == 2 else "builtin", output=output, fixture=target)


def write_problems(problems: Iterable[Problem]) -> list[Row]:
    """Return problems as rows."""
    return [[p.what, p.file, p.line, p.exists, p.hint] for p in problems]


def read_problems(rows: Iterable[Row]) -> tuple[Problem, ...]:
    """Return the problems of `rows`."""
    return tuple(Problem(*row) for row in rows)


def write_overrides(overrides: Iterable[Override]) -> list[Row]:
    """Return overrides as rows."""
    return [[o.name, o.kind, o.where, o.overridden, o.wraps, list(o.pipelines)] for o in overrides]


def read_overrides(rows: Iterable[Row]) -> tuple[Override, ...]:
    """Return the overrides of `rows`."""
    return tuple(
        Override(name, kind, where, overridden, wraps, tuple(pipelines))
        for name, kind, where, overridden, wraps, pipelines in rows
    )
