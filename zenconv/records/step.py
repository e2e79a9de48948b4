"""What a project asks for: steps, fixtures, and the graph that their parameters form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Literal, NamedTuple

import attrs

from zenconv.assertions import CHECK_PREFIX
from zenconv.authoring import FixtureNote, Over, StepNote
from zenconv.frozen import Frozen
from zenconv.records.marks import NO_MARKS, Markings

Shape = Literal["value", "tuple", "mapping", "object", "each"]
"""How the outputs sit in what the function returns: itself, items, keys, attributes, or one an item."""

Source = Literal["node", "value", "fixture", "builtin", "axis", "item", "collect"]


@attrs.frozen(eq=False, repr=False)
class Parameter(Frozen):
    """One parameter of a step or fixture, as written.

    `annotation` is its text and `type` the resolved object (None where there is none, or where
    it cannot be resolved). `asks_for` is the name to resolve: its own, or that of its `From`.
    `collects`: it is a `Collect` of branches, over the axes that `over` names.
    """

    name: str
    annotation: str = ""
    type: Any = attrs.field(default=None, eq=False, repr=False)
    has_default: bool = False
    default: Any = attrs.field(default=None, eq=False, repr=False)
    asks_for: str = ""
    explicit: bool = False
    is_output: bool = False
    positional_only: bool = False
    collects: bool = False
    over: Over | None = attrs.field(default=None, eq=False, repr=False)


@attrs.frozen(eq=False, repr=False)
class Output(Frozen):
    """One named output of a step; `name` is ``""`` for the only output."""

    name: str
    annotation: str = ""
    type: Any = attrs.field(default=None, eq=False, repr=False)


@attrs.frozen(eq=False, repr=False)
class Step(Frozen):
    """A plain function that computes one named value, or several named outputs.

    A *check* is one that computes nothing and asserts: nobody asks for it. `module` is the stable import
    name, `file` the path below the root (POSIX). A *template* is written in ``zenconf.py`` or shipped
    by a plugin, and lives in each pipeline that reaches it.
    `returns` is the resolved return annotation, or None.
    """

    name: str
    module: str
    file: str
    line: int
    parameters: tuple[Parameter, ...] = ()
    outputs: tuple[Output, ...] = (Output(""),)
    shape: Shape = "value"
    note: StepNote = attrs.field(factory=StepNote)
    is_template: bool = False
    is_async: bool = False
    is_generator: bool = False
    doc: str = ""
    returns: Any = attrs.field(default=None, eq=False, repr=False)
    function: Callable[..., Any] = attrs.field(default=None, eq=False, repr=False)
    marks: Markings = attrs.field(default=NO_MARKS, eq=False)

    @property
    def where(self) -> str:
        """``file:line``."""
        return f"{self.file}:{self.line}"

    @property
    def is_check(self) -> bool:
        """Whether it asserts on what other steps computed."""
        return self.name.startswith(CHECK_PREFIX)


@attrs.frozen(eq=False, repr=False)
class Fixture(Frozen):
    """A live resource made for steps: scoped, torn down after its ``yield``, never stored."""

    name: str
    module: str
    file: str
    line: int
    parameters: tuple[Parameter, ...] = ()
    note: FixtureNote = attrs.field(factory=FixtureNote)
    is_generator: bool = False
    is_async: bool = False
    function: Callable[..., Any] = attrs.field(default=None, eq=False, repr=False)

    @property
    def where(self) -> str:
        """``file:line``."""
        return f"{self.file}:{self.line}"


@attrs.frozen(eq=False, repr=False)
class Branch(Frozen):
    """One of the branches that a parameter collects: its id, and the node and output it is."""

    id: str
    node: str
    output: str | None = None


@attrs.frozen(eq=False, repr=False)
class Binding(Frozen):
    """What one parameter of a node or fixture gets, and where that comes from.

    ``source == "node"``: `node` is a node id, `output` one of its outputs, or None for the whole
    returned value. ``"value"``: `value`, already converted; `origin` says where it is written
    (``"pyproject.toml:4"``, ``"--set"``, ``"default"``); `secret` names the environment variable
    whose value takes its place when the step runs; `is_output` makes it a place to write.
    ``"fixture"``: `fixture` is the id of a `FixtureNode`. ``"builtin"``: `fixture` is the name of
    a built-in fixture. ``"collect"``: `branches`, of which `tolerate` may fail; each stands for all its
    branches on the run-time axes in `over`. ``"item"``: one of the items of `node`, which returns
    `Each`. ``"axis"``, in a graph that is not expanded yet: the axis called `output`.
    Of what no parameter receives, `parameter` is the name it was asked for by.
    """

    parameter: str
    source: Source
    node: str = ""
    output: str | None = None
    value: Any = attrs.field(default=None, eq=False)
    origin: str = ""
    fixture: str = ""
    secret: str = ""
    is_output: bool = False
    branches: tuple[Branch, ...] = ()
    tolerate: str | int = 0
    over: tuple[str, ...] = ()

    def above(self) -> Iterator[str]:
        """Yield the ids of the nodes it waits for."""
        if self.source in ("node", "item"):
            yield self.node
        elif self.source == "collect":
            for branch in self.branches:
                yield branch.node


@attrs.frozen(eq=False, repr=False)
class FixtureNode(Frozen):
    """A fixture as one pipeline sees it, with its own parameters bound. `id` is ``file::name``.

    `by_name` holds what its code may ask for while it runs (``request.getfixturevalue``).
    """

    id: str
    fixture: Fixture
    pipeline: str
    bindings: tuple[Binding, ...] = ()
    by_name: tuple[Binding, ...] = ()


@attrs.frozen(eq=False, repr=False)
class Param(Frozen):
    """What an axis gives to a fixture in one branch: the item `item` of its axis, and the value of that.

    `fixture` is the id of a `FixtureNode`; `value` binds ``param``. `replaces`: the value takes the
    fixture's place, which is not set up.
    """

    fixture: str
    item: str
    value: Binding
    replaces: bool = False


class OpenAxis(NamedTuple):
    """An axis whose items are known when the run gets there: those that the node `source` returns."""

    name: str
    source: str


@attrs.frozen(eq=False, repr=False)
class Node(Frozen):
    """A step placed in a pipeline, all parameters bound.

    `id` is ``<pipeline file>::<step>``, followed by ``[axis=id,...]`` if it is a branch: `axes` are
    those pairs, and `template` is the id without them.

    A node with `open` axes is a template of branches that come into being when the run knows the
    items; `grown` is the id of the template that a node came from in this way.

    `autouse` holds fixtures that are set up though no parameter asks for them, `by_name` those that
    its code may ask for while it runs, `params` what axes give to fixtures. `marked` are the marks of a
    branch whose item has some of its own. `upstream` holds the ids of the nodes this one waits for, without
    repetition, in parameter order.
    """

    id: str
    step: Step
    pipeline: str
    bindings: tuple[Binding, ...] = ()
    autouse: tuple[Binding, ...] = ()
    by_name: tuple[Binding, ...] = ()
    axes: tuple[tuple[str, str], ...] = ()
    open: tuple[OpenAxis, ...] = ()
    grown: str = ""
    params: tuple[Param, ...] = ()
    marked: Markings | None = None
    upstream: tuple[str, ...] = attrs.field(init=False, eq=False, repr=False)

    @upstream.default
    def _upstream(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([id for b in self.bindings for id in b.above()]))

    @property
    def is_open(self) -> bool:
        """Whether something of it is known only when the run gets there."""
        return bool(self.open) or any(b.over or b.source == "item" for b in self.bindings)

    @property
    def template(self) -> str:
        """The id that all branches of the step have in common."""
        return self.id[: -len(branch_suffix(self.axes))] if self.axes else self.id

    @property
    def marks(self) -> Markings:
        """What the marks of its step, and those of its branch, ask for."""
        return self.step.marks if self.marked is None else self.marked

    @property
    def short_id(self) -> str:
        """``pipeline::step``: shorter than the id, and accepted wherever the id is."""
        return f"{self.pipeline}::{self.id.rpartition('::')[2]}"

    def param_of(self, fixture: str) -> Param | None:
        """Return what an axis gives to the fixture of that id."""
        return next((param for param in self.params if param.fixture == fixture), None)


def branch_id(axes: Iterable[tuple[str, str]]) -> str:
    """Return ``axis=id,...``: how one branch is told from the others."""
    return ",".join([f"{axis}={id}" for axis, id in axes])


def branch_suffix(axes: Iterable[tuple[str, str]]) -> str:
    """Return what the id of a branch has behind that of the step."""
    return f"[{branch_id(axes)}]"


def split_branch(name: str) -> tuple[str, str | None]:
    """Return the name of a step, and what stands in the brackets behind it; None without any."""
    step, bracket, rest = name.partition("[")
    return (step, rest[:-1]) if bracket and rest.endswith("]") else (name, None)


def is_branch(text: str, wanted: str) -> bool:
    """Return whether people mean the branch `text` (``C=0.1,fold=2``) by `wanted`.

    All of it, some of its pairs (``fold=2``), or ids without their axes (``0.1``, ``0.1,2``).
    """
    if text == wanted:
        return True
    pairs = text.split(",")
    known = {*pairs, *(pair.partition("=")[2] for pair in pairs)}
    return all(part.strip() in known for part in wanted.split(","))


@attrs.frozen(eq=False, repr=False)
class Pipeline(Frozen):
    """A graph of nodes, in an order in which every node follows what it waits for.

    While a run goes on, the branches of run-time axes are added at the end of `nodes`.

    `names` lists the pipelines (step modules) it was built from or selected out of. Everything
    reachable upwards from a node is in it. Ties are in file and definition order, so the order
    is the same in every process.
    """

    nodes: dict[str, Node]
    fixtures: Mapping[str, FixtureNode] = attrs.field(factory=dict)
    names: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes.values())

    def __len__(self) -> int:
        return len(self.nodes)

    def fixtures_of(self, node: Node, *, counted: bool = False) -> list[FixtureNode]:
        """Return every fixture that `node` has set up or may ask for, the nearest to it first.

        With `counted`, only those that are part of its key.
        """
        if not self.fixtures:
            return []
        found: dict[str, FixtureNode] = {}
        replaced = {param.fixture for param in node.params if param.replaces}
        waiting = [b.fixture for b in chain(node.bindings, node.autouse, node.by_name)]
        for id in waiting:
            fixture = self.fixtures.get(id)
            if fixture is None or id in found or id in replaced:
                continue
            if fixture.fixture.note.key or not counted:
                found[id] = fixture
                waiting += [b.fixture for b in chain(fixture.bindings, fixture.by_name)]
        return list(found.values())

    def downstream(self) -> dict[str, list[str]]:
        """Return for every node the ids of those that wait for it, in order."""
        waiting: dict[str, list[str]] = {id: [] for id in self.nodes}
        for node in self:
            for above in node.upstream:
                waiting[above].append(node.id)
        return waiting
