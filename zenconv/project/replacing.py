"""``--override``: recorded results and files in place of what steps would compute.

A step that is overridden waits for nothing and has its result from the start, so what only it
needs is not executed. Of a step with several outputs each can be overridden by itself: the output
becomes a node of its own. Dependents see the content of what they get, as always.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import attrs

from zenconv import hashing
from zenconv.engine.decide import NodeResult
from zenconv.engine.outputs import split_outputs
from zenconv.errors import Problem, SettingsError, UsageError, ZenconvError
from zenconv.frozen import Frozen
from zenconv.interfaces.storing import ArtifactStore
from zenconv.materializers import Materializers
from zenconv.materializers.discarding import DiscardingStore
from zenconv.project.file_values import find_class, fits, read_value
from zenconv.project.replaced import Replaced
from zenconv.project.select import take
from zenconv.records.artifact import ActionKey, Artifact
from zenconv.records.step import Binding, Node, Output, Pipeline
from zenconv.trust import Trust

FLAG = "--override"


@attrs.frozen(eq=False, repr=False)
class Replacement(Frozen):
    """What takes the place of the result that people call `name`: a `file`, or recorded `outputs`.

    `origin` says where it comes from. Recorded outputs were stored under the cache key `key`.
    """

    name: str
    origin: str
    file: Path | None = None
    key: str = ""
    outputs: Mapping[str, Artifact] = attrs.field(factory=dict)


class _Place(NamedTuple):
    """What is overridden: a node, or one of its several outputs."""

    node: Node
    output: str | None


class Replacer:
    """Puts replacements into a selection. `match` finds the nodes of it that people call by a name.

    Recorded results are in `store`, and what files hold is stored there; with `is_plan`, nowhere.
    """

    def __init__(
        self,
        match: Callable[[Pipeline, Sequence[str]], frozenset[str]],
        store: ArtifactStore,
        trust: Trust,
        materializers: Materializers,
        materializer_of: Callable[[Node, str], tuple[str, str]],
        *,
        is_plan: bool = False,
    ) -> None:
        self._materializer_of = materializer_of
        self._keeping: ArtifactStore = DiscardingStore() if is_plan else store
        self._match = match
        self._store = store
        self._trust = trust
        self._materializers = materializers

    def replace(
        self, pipeline: Pipeline, selected: frozenset[str], replacements: Sequence[Replacement]
    ) -> Replaced:
        """Return the selection with the replacements in it. `SettingsError` with all that is wrong."""
        problems: list[Problem] = []
        results: dict[str, NodeResult] = {}
        origins: dict[str, str] = {}
        changed = pipeline
        for replacement in replacements:
            try:
                place = self._find(pipeline, replacement.name)
                node = _make_node(place, pipeline)
                if node.id in results:
                    raise UsageError(f"{node.id} is overridden twice", hint="leave one of them out")
                expected = _expected(place, pipeline)
                results[node.id] = self._store_result(replacement, place, node, expected)
                changed = _put_in(changed, place, node)
                origins[node.id] = replacement.origin
            except ZenconvError as error:
                what = f"{replacement.name}: {error.what}"
                problems.append(Problem(what, file=FLAG, hint=error.hint))
        if problems:
            raise SettingsError(problems=tuple(problems))
        return _prune(pipeline, changed, selected, results, origins)

    def _find(self, pipeline: Pipeline, name: str) -> _Place:
        node = self._find_node(pipeline, name)
        place, separator, last = name.rpartition("::")
        if node is None and "." in last and not last.endswith("]"):
            step, _, last = last.rpartition(".")
            node = self._find_node(pipeline, f"{place}{separator}{step}")
            if node is not None and all(output.name != last for output in node.step.outputs):
                names = ", ".join(output.name for output in node.step.outputs if output.name)
                raise UsageError(f"{node.id} has no output {last!r}", hint=f"its outputs: {names}")
        if node is None:
            self._match(pipeline, (name,))  # says what is unknown, and what is near
            raise UsageError(
                "nothing that is selected needs it", hint="leave the override out, or select more steps"
            )
        if node.is_open or node.step.shape == "each":
            raise UsageError("only a run knows its items", hint="override the step that takes them")
        is_output = last != node.step.name and any(output.name == last for output in node.step.outputs)
        return _Place(node, last if is_output else None)

    def _find_node(self, pipeline: Pipeline, name: str) -> Node | None:
        """Return the node that is called `name`, or has an output called so; None: there is none."""
        place, _, last = name.rpartition("::")
        near = [node for node in pipeline if not place or place in _places(node)]
        found = [node for node in near if last in (node.step.name, node.id.partition("::")[2])]
        found = found or [node for node in near if any(output.name == last for output in node.step.outputs)]
        if not found and last.endswith("]"):
            found = [pipeline.nodes[id] for id in sorted(self._match(pipeline, (name,)))]
        if len(found) > 1:
            ids = ", ".join(node.id for node in found[:5])
            raise UsageError(f"it means {len(found)} steps: {ids}", hint="write the node id of one")
        return found[0] if found else None

    def _store_result(
        self, replacement: Replacement, place: _Place, node: Node, expected: Sequence[Any]
    ) -> NodeResult:
        if replacement.file is not None:
            outputs = self._store_file(replacement.file, place, node, expected)
        else:
            outputs = self._take_recorded(replacement, node, expected)
        contents = [text for name, artifact in outputs.items() for text in (name, artifact.content)]
        local = hashing.digest_texts("override", [node.step.name])[3:]
        key = ActionKey(local, hashing.digest_texts("override.content", contents)[3:])
        signed = {name: self._trust.sign(artifact, str(key), name) for name, artifact in outputs.items()}
        return NodeResult(key, signed)

    def _store_file(
        self, file: Path, place: _Place, node: Node, expected: Sequence[Any]
    ) -> dict[str, Artifact]:
        step, outputs = node.step, {}
        if len(step.outputs) > 1:
            value = read_value(file, [step.returns] if step.returns is not None else [])
            values = split_outputs(step, value)
        else:
            values = {step.outputs[0].name: read_value(file, expected)}
        for name, value in values.items():
            chosen = self._materializer_of(place.node, place.output or name)
            outputs[name] = self._materializers.save(value, self._keeping, where=FLAG, chosen=chosen)
        return outputs

    def _take_recorded(
        self, replacement: Replacement, node: Node, expected: Sequence[Any]
    ) -> dict[str, Artifact]:
        names = [output.name for output in node.step.outputs]
        recorded = replacement.outputs
        if len(names) == 1 == len(recorded):
            recorded = {names[0]: next(iter(recorded.values()))}
        if set(names) != set(recorded):
            there = _list_names(recorded)
            raise UsageError(
                f"it has {_list_names(names)}, and {replacement.origin} has {there}",
                hint="name one output on both sides",
            )
        for name, artifact in zip(replacement.outputs, replacement.outputs.values(), strict=True):
            self._check_recorded(replacement, name, artifact)
        if len(names) == 1:
            _check_type(recorded[names[0]], expected, replacement.origin)
        return {name: attrs.evolve(recorded[name], signatures=()) for name in names}

    def _check_recorded(self, replacement: Replacement, name: str, artifact: Artifact) -> None:
        refusal = self._trust.refusal(artifact, replacement.key, name)
        if refusal is not None:
            raise UsageError(f"{replacement.origin} is not trusted here: {refusal}")
        wanted = {file.digest for file in artifact.files if file.inline is None}
        if wanted - self._store.has(wanted):
            raise UsageError(
                f"the bytes of {replacement.origin} are not in this stack's store",
                hint="name the stack of that run with --stack, or `zenconv cache pull` them",
            )


def _places(node: Node) -> tuple[str, ...]:
    """Return what may stand before ``::`` and the name of a step."""
    return node.id.partition("::")[0], node.pipeline, node.pipeline.rpartition("/")[2]


def _list_names(names: Sequence[str] | Mapping[str, Any]) -> str:
    return "the outputs " + ", ".join(map(repr, names)) if any(names) else "one value"


def _check_type(artifact: Artifact, expected: Sequence[Any], origin: str) -> None:
    kind = find_class(artifact.type)
    for annotation in expected if kind is not None else ():
        if not fits(kind, annotation):
            raise UsageError(f"{origin} is a {artifact.type}, which does not fit {annotation}")


def _expected(place: _Place, pipeline: Pipeline) -> list[Any]:
    """Return what the result has to be, as far as annotations say: the step's own first."""
    own = place.output if place.output is not None else place.node.step.outputs[0].name
    kinds = [output.type for output in place.node.step.outputs if output.name == own]
    for node in pipeline:
        types = {parameter.name: parameter.type for parameter in node.step.parameters}
        kinds += [
            types.get(binding.parameter)
            for binding in node.bindings
            if binding.source == "node" and (binding.node, binding.output) == (place.node.id, own)
        ]
    return [kind for kind in kinds if kind is not None]


def _make_node(place: _Place, pipeline: Pipeline) -> Node:
    """Return the node that has the replaced result: the step's, or a new one for one of its outputs."""
    node = place.node
    if place.output is None:
        return attrs.evolve(node, bindings=(), autouse=())
    step = attrs.evolve(
        node.step, name=place.output, parameters=(), outputs=(Output(""),), shape="value", returns=None
    )
    id = (
        f"{node.id.partition('::')[0]}::{node.id.partition('::')[2].replace(node.step.name, place.output, 1)}"
    )
    if id in pipeline.nodes:
        id += "@override"
    return attrs.evolve(node, id=id, step=step, bindings=(), autouse=())


def _put_in(pipeline: Pipeline, place: _Place, made: Node) -> Pipeline:
    if place.output is None:
        return attrs.evolve(pipeline, nodes={**pipeline.nodes, made.id: made})
    nodes = {made.id: made}
    for id, node in pipeline.nodes.items():
        nodes[id] = attrs.evolve(
            node, bindings=tuple([_rebind(node, binding, place, made.id) for binding in node.bindings])
        )
    return attrs.evolve(pipeline, nodes=nodes)


def _rebind(node: Node, binding: Binding, place: _Place, made: str) -> Binding:
    if binding.source == "node" and binding.node == place.node.id:
        if binding.output is None:
            raise UsageError(
                f"{node.id} asks for all outputs of {place.node.step.name} as one",
                hint=f"override {place.node.step.name} itself, with something that has them all",
            )
        return attrs.evolve(binding, node=made, output="") if binding.output == place.output else binding
    if binding.source == "collect":
        branches = tuple(
            [
                attrs.evolve(branch, node=made, output="")
                if (branch.node, branch.output) == (place.node.id, place.output)
                else branch
                for branch in binding.branches
            ]
        )
        return attrs.evolve(binding, branches=branches)
    return binding


def _prune(
    before: Pipeline,
    changed: Pipeline,
    selected: frozenset[str],
    results: Mapping[str, NodeResult],
    origins: Mapping[str, str],
) -> Replaced:
    """Leave out what only overridden steps needed: wanted are the ends of what was selected."""
    inner = {above for id in selected for above in before.nodes[id].upstream}
    part = take(changed, [id for id in changed.nodes if id in selected - inner or id in results])
    kept = frozenset(id for id in part.nodes if id in selected or id in results)
    return Replaced(part, kept, results, origins)
