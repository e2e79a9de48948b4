"""Reuse or run: one function decides, for the plan beforehand and for the run as inputs appear."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import attrs

from zenconv.engine.discovery import describe_changed, digest_discovered, variant_of
from zenconv.engine.fan_out import FanOut
from zenconv.engine.keys import KeyMaker
from zenconv.engine.skipping import skip_decisions
from zenconv.engine.written import PREFIX, places, returned_outputs
from zenconv.frozen import Frozen
from zenconv.interfaces.orchestrating import Task, TaskInput, is_async
from zenconv.interfaces.storing import ActionCache, ArtifactStore
from zenconv.records.artifact import ActionEntry, ActionKey, Artifact
from zenconv.records.plan import Decision, KeyParts, Plan
from zenconv.records.step import Binding, Node, Pipeline
from zenconv.trust import Trust

if TYPE_CHECKING:
    from zenconv.engine.portion import Portion

NO_EARLIER_RESULT = "no earlier result"
NOTHING_CHANGED = "nothing changed"
TO_BE_VERIFIED = "nothing changed; executed again to compare"
NO_LONGER_STORED = "nothing changed, but its result is not in this stack's store"

UNMADE = "its environment has to be made first"

History = Callable[[Sequence[str]], Mapping[str, KeyParts]]
"""Returns, for node ids, the key parts of their newest recorded execution."""


@attrs.frozen(eq=False, repr=False)
class NodeResult(Frozen):
    """What is known of a node that is done: its key and outputs, or that its value is live."""

    key: ActionKey
    outputs: Mapping[str, Artifact]
    live: bool = False

    @classmethod
    def of(cls, entry: ActionEntry) -> NodeResult:
        """Return what a cache entry says.

        All that counts of a live value in the keys of its consumers is its own, so that holds the
        discovered files as well.
        """
        key = variant_of(entry.key, entry.discovered) if entry.live and entry.discovered else entry.key
        return cls(key, entry.outputs, entry.live)


class ItemGone(LookupError):
    """A step that returns `Each` was executed again and did not return an item that it had returned."""

    def __init__(self, node: str, item: str) -> None:
        super().__init__(f"{node} did not return its item {item!r} again")


@attrs.define(eq=False, repr=False)
class Decider:
    """Decides for the nodes of one pipeline, against one cache, store and set of trust rules."""

    pipeline: Pipeline
    keys: KeyMaker
    cache: ActionCache
    store: ArtifactStore
    trust: Trust
    formats: frozenset[str]
    history: History = lambda _nodes: {}
    portion: Portion | None = None
    fan_out: FanOut | None = None
    _past: dict[str, KeyParts] = attrs.field(factory=dict)

    def inputs(self, node: Node, results: Mapping[str, NodeResult]) -> dict[str, TaskInput]:
        """Return what the parameters of `node` get from nodes that are done."""
        found = {}
        for binding in node.bindings:
            if binding.source == "node":
                found[binding.parameter] = self._input(binding.node, binding.output, results)
            elif binding.source == "collect":
                found[binding.parameter] = self._branches(binding, results)
        return found

    def is_decidable(self, node: Node, results: Mapping[str, NodeResult], skipped: Collection[str]) -> bool:
        """Return whether all is known that decides about `node`: its inputs, and its environment.

        Of what it waits for, those `skipped` are branches without which it can do.
        """
        is_known = all(above in results or above in skipped for above in node.upstream)
        return is_known and self.keys.is_complete(node)

    def decide(self, nodes: Sequence[Node], results: Mapping[str, NodeResult]) -> list[Decision]:
        """Decide for nodes whose inputs are all known. The reason of a run is not yet filled in."""
        keys = [self.keys.key(node, self.inputs(node, results)) for node in nodes]
        wanted = [key for node, key in zip(nodes, keys, strict=True) if not self.keys.local(node).impure]
        entries = self.cache.look_up(wanted) if wanted else {}
        changed = self._follow_discovered(entries)
        present = self._present(entries.values())
        decisions = []
        for node, key in zip(nodes, keys, strict=True):
            impure = self.keys.local(node).impure
            entry = None if impure else entries.get(key)
            reason = impure or changed.get(key, "")
            if entry is not None and not reason:
                reason = self._refusal(node, entry, present)
            if entry is not None and not reason:
                reused = Decision(node.id, "reuse", NOTHING_CHANGED, key, entry, key.local)
                is_chosen = self.portion is not None and self.portion.includes(node.id)
                decisions.append(_verified(reused) if is_chosen and not entry.live else reused)
            else:
                decisions.append(Decision(node.id, "run", reason, key, None, key.local))
        return decisions

    def _follow_discovered(self, entries: dict[ActionKey, ActionEntry]) -> dict[ActionKey, str]:
        """Replace entries whose discovered files have changed by those that fit; say why none does."""
        variants: dict[ActionKey, ActionKey] = {}
        changed: dict[ActionKey, str] = {}
        for key, entry in entries.items():
            if entry.discovered:
                now = digest_discovered(entry.discovered, self.keys.root, self.keys.files)
                names = [name for name, digest in now.items() if digest != entry.discovered[name]]
                if names:
                    variants[key] = variant_of(key, now)
                    changed[key] = describe_changed(names, now)
        found = self.cache.look_up(list(variants.values())) if variants else {}
        for key, variant in variants.items():
            fitting = found.get(variant)
            if fitting is None:
                del entries[key]
            else:
                entries[key] = attrs.evolve(fitting, key=key)
                del changed[key]
        return changed

    def remember(self, nodes: Iterable[str]) -> None:
        """Fetch the recorded key parts of `nodes`, to give reasons with."""
        missing = [node for node in nodes if node not in self._past]
        if missing:
            self._past.update(self.history(missing))

    def past(self, node: str) -> KeyParts | None:
        """Return the key parts of the newest recorded execution of a node, once remembered."""
        return self._past.get(node)

    def reason(self, node: Node, inputs: Mapping[str, TaskInput] | None = None) -> str:
        """Return why `node` is not reused; without `inputs`, as far as code and parameters tell."""
        past = self._past.get(node.id)
        if past is None:
            return NO_EARLIER_RESULT
        from zenconv.engine.explain import without_inputs

        after = self.parts(node, inputs or {})
        return tell_change(past if inputs is not None else without_inputs(past, after), after)

    def reason_of(self, node: str, parts: KeyParts) -> str:
        """Return why a node whose key is made of `parts` is not reused."""
        past = self._past.get(node)
        return NO_EARLIER_RESULT if past is None else tell_change(past, parts)

    def parts(self, node: Node, inputs: Mapping[str, TaskInput]) -> KeyParts:
        """Return all named parts of the key of `node`."""
        local = self.keys.local(node).parts()
        given = self.keys.input_parts(inputs)
        return KeyParts({**given.parts, **local.parts}, {**given.sources, **local.sources})

    def _branches(self, binding: Binding, results: Mapping[str, NodeResult]) -> TaskInput:
        """Return the branches that are done; the others have failed, and that is tolerated."""
        given = {
            branch.id: self._input(branch.node, branch.output, results)
            for branch in binding.branches
            if branch.node in results
        }
        failed = tuple(branch.id for branch in binding.branches if branch.id not in given)
        return TaskInput("", "", {}, branches=given, failed=failed)

    def _input(self, node: str, output: str | None, results: Mapping[str, NodeResult]) -> TaskInput:
        result = results[node]
        producer = self.pipeline.nodes[node]
        if output is None and producer.step.shape == "value":
            output = producer.step.outputs[0].name
        live = None
        if result.live:
            inputs = self.inputs(producer, results)
            is_waiting = is_async(producer.step.is_async, inputs)
            live = Task(node, str(result.key), inputs, is_async=is_waiting, template=producer.grown)
        if output is not None and producer.step.shape == "each":
            if output not in result.outputs:
                raise ItemGone(node, output)
            outputs = {output: result.outputs[output]}  # of thousands of items a task has to know one
        else:
            outputs = returned_outputs(result.outputs)
        return TaskInput(node, str(result.key), outputs, output, live, template=producer.grown)

    def _present(self, entries: Iterable[ActionEntry]) -> set[str]:
        # What was printed is asked for too, although nothing depends on it: the store keeps what is found.
        digests = {
            file.digest
            for entry in entries
            for artifact in (*entry.outputs.values(), entry.output)
            if artifact is not None
            for file in artifact.files
            if file.inline is None
        }
        return self.store.has(digests) if digests else set()

    def _refusal(self, node: Node, entry: ActionEntry, present: set[str]) -> str:
        names = {PREFIX + b.parameter for b in places(node)}
        given = entry.outputs if node.step.shape == "each" else {o.name: o for o in node.step.outputs}
        if not entry.live and set(entry.outputs) != names | set(given):
            return "its stored outputs have other names"
        refresh = node.step.note.refresh
        if refresh is not None and _age_seconds(entry) > refresh:
            return f"stored {_age_text(entry)} ago, to be refreshed every {refresh:g} s"
        for name, artifact in entry.outputs.items():
            reason = self._artifact_refusal(artifact, str(entry.key), name, present)
            if reason:
                return reason
        return ""

    def _artifact_refusal(self, artifact: Artifact, key: str, name: str, present: set[str]) -> str:
        if any(file.inline is None and file.digest not in present for file in artifact.files):
            return "its stored bytes are gone"
        if artifact.materializer.partition("/")[0] not in self.formats:
            return f"stored as {artifact.materializer}, which no installed plugin reads"
        refusal = self.trust.refusal(artifact, key, name)
        if refusal:
            return f"its stored result is not trusted here: {refusal}"
        for reference in artifact.refers:
            if reference.startswith("python-bytecode:"):
                if self.keys.reference(reference) is None:
                    return f"it was compiled by another Python ({reference.partition(':')[2]})"
            elif self.keys.reference(reference) is None:
                return f"its stored result needs {reference.replace(':', '.')}, which is gone"
        return ""


def tell_change(past: KeyParts, now: KeyParts) -> str:
    """Return in one line what differs between the parts of two keys."""
    from zenconv.engine.explain import compare_parts, reason_for

    return reason_for(compare_parts(past, now)) or NO_LONGER_STORED


def _verified(reused: Decision, *, verify: bool = True) -> Decision:
    return attrs.evolve(reused, verify=verify, reason=TO_BE_VERIFIED if verify else NOTHING_CHANGED)


def make_plan(
    pipeline: Pipeline,
    decider: Decider,
    *,
    done: Mapping[str, NodeResult] | None = None,
    force: Iterable[str] = (),
    asked: Collection[str] | None = None,
) -> Plan:
    """Return the plan for `pipeline`.

    `done` are nodes that already ended in this run; `force` are nodes to run in any case; `asked`
    are those asked for for their own sake (None: all).
    Nodes that wait for something that runs are *maybe*, or *run* where no execution with the
    same code and parameters is known.
    """
    results: dict[str, NodeResult] = dict(done or {})
    forced = set(force)
    decisions = skip_decisions(pipeline, asked)
    left = _decide_known(pipeline, decider, forced, decisions, results)
    if decider.portion is not None:
        _choose_portion(decider.portion, decisions)
    _decide_open(left, decider, forced, decisions)
    _fill_reasons(pipeline, decider, decisions, results)
    return Plan(pipeline, {node.id: decisions[node.id] for node in pipeline})


def _decide_known(
    pipeline: Pipeline,
    decider: Decider,
    forced: set[str],
    decisions: dict[str, Decision],
    results: dict[str, NodeResult],
) -> list[Node]:
    """Decide for all nodes whose inputs are known, and return the others.

    The items of what is reused are known, too: their branches come into being here.
    """
    nodes: list[Node] = [node for node in pipeline if node.id not in decisions]
    while True:
        before = len(results)
        left: list[Node] = []
        skipped = _skipped(decisions)
        for wave in _waves(nodes):
            left += _decide_wave(wave, decider, forced, decisions, results, skipped)
        has_grown = grow_known(pipeline, decider, results, skipped)
        if has_grown:
            _skip_grown(pipeline, decisions)
        nodes = [node for node in pipeline if node.id not in decisions]
        if not has_grown and (decider.fan_out is None or len(results) == before):
            return left if decider.fan_out is None else nodes


def grow_known(
    pipeline: Pipeline,
    decider: Decider,
    results: Mapping[str, NodeResult],
    skipped: Collection[str] = (),
) -> bool:
    """Make the branches of all items that are known now; return whether there were any new ones.

    Those `skipped` will return none, and one node takes the place of the branches.
    """
    fan_out = decider.fan_out
    if fan_out is None:
        return False
    known = [
        node.id
        for node in pipeline
        if node.step.shape == "each"
        and not (node.is_open or fan_out.is_taken(node.id))
        and (node.id in results or node.id in skipped)
    ]
    for id in known:
        items = list(returned_outputs(results[id].outputs)) if id in results else None
        fan_out.take(id, items)
    if known:
        fan_out.put_in_order()
    return bool(known)


def _skipped(decisions: Mapping[str, Decision]) -> set[str]:
    return {id for id, decision in decisions.items() if decision.action == "skip"}


def _skip_grown(pipeline: Pipeline, decisions: dict[str, Decision]) -> None:
    """Decide for the branches that came into being which of them are not to run."""
    for id, decision in skip_decisions(pipeline).items():
        decisions.setdefault(id, decision)


def _choose_portion(portion: Portion, decisions: dict[str, Decision]) -> None:
    """Have as many of the reused nodes verified as the portion says; live values cannot be."""
    reused = [id for id, d in decisions.items() if d.entry is not None and not d.entry.live]
    chosen = portion.choose(reused)
    for id in reused:
        decisions[id] = _verified(decisions[id], verify=id in chosen)


def plan_reuse(
    pipeline: Pipeline,
    decider: Decider,
    *,
    done: Mapping[str, NodeResult] | None = None,
    asked: Collection[str] | None = None,
) -> Plan | None:
    """Return the plan for `pipeline` if all of it can be reused; None as soon as something cannot."""
    results: dict[str, NodeResult] = dict(done or {})
    decisions = skip_decisions(pipeline, asked)
    nodes: list[Node] = [node for node in pipeline if node.id not in decisions]
    while nodes:
        skipped = _skipped(decisions)
        for wave in _waves(nodes):
            _decide_wave(wave, decider, set(), decisions, results, skipped)
            if any(node.id in decisions and node.id not in results for node in wave):
                return None
        if grow_known(pipeline, decider, results, skipped):
            _skip_grown(pipeline, decisions)
        left = [node for node in pipeline if node.id not in decisions]
        if len(left) == len(nodes):
            return None
        nodes = left
    return Plan(pipeline, {node.id: decisions[node.id] for node in pipeline})


def _decide_wave(
    wave: Sequence[Node],
    decider: Decider,
    forced: set[str],
    decisions: dict[str, Decision],
    results: dict[str, NodeResult],
    skipped: Collection[str],
) -> list[Node]:
    """Decide for those of `wave` whose inputs are known; return the others."""
    known, left = [], []
    for node in wave:
        if node.id in results:
            result = results[node.id]
            decisions[node.id] = Decision(
                node.id, "reuse", "done in this run", result.key, None, result.key.local
            )
        elif not node.is_open and decider.is_decidable(node, results, skipped):
            known.append(node)
        else:
            left.append(node)
    for node, decision in zip(known, decider.decide(known, results), strict=True):
        if node.id in forced or node.grown in forced:
            decision = attrs.evolve(decision, action="run", reason="forced", entry=None)
        decisions[node.id] = decision
        if decision.entry is not None:
            results[node.id] = NodeResult.of(decision.entry)
    return left


def _decide_open(
    nodes: Sequence[Node], decider: Decider, forced: set[str], decisions: dict[str, Decision]
) -> None:
    locals_ = {node.id: decider.keys.local(node) for node in nodes}
    known = decider.cache.knows_local({local.digest for local in locals_.values()}) if nodes else set()
    for node in nodes:
        local = locals_[node.id]
        if node.open:
            reason = "forced" if node.id in forced else ""
            decisions[node.id] = Decision(node.id, "expand", reason, local=local.digest)
        elif node.id in forced or node.grown in forced:
            decisions[node.id] = Decision(node.id, "run", "forced", local=local.digest)
        elif local.impure:
            decisions[node.id] = Decision(node.id, "run", local.impure, local=local.digest)
        elif not decider.keys.is_complete(node):
            decisions[node.id] = Decision(node.id, "maybe", UNMADE)
        elif local.digest in known:
            decisions[node.id] = Decision(node.id, "maybe", "", local=local.digest)
        else:
            decisions[node.id] = Decision(node.id, "run", "", local=local.digest)


def _fill_reasons(
    pipeline: Pipeline, decider: Decider, decisions: dict[str, Decision], results: Mapping[str, NodeResult]
) -> None:
    decider.remember(id for id, d in decisions.items() if d.action not in ("reuse", "skip"))
    roots: dict[str, str] = {}
    for node in pipeline:
        decision = decisions[node.id]
        if decision.action in ("reuse", "skip"):
            continue
        reason = decision.reason
        above = next((a for a in node.upstream if a in roots), "")
        if not reason and decision.key is not None:
            reason = decider.reason(node, decider.inputs(node, results))
        elif not reason and decision.action == "run":
            reason = decider.reason(node)
        if (not reason or reason == NO_LONGER_STORED) and above:
            # What this one waits for may wait itself: people want to know where it began.
            roots[node.id] = roots[above]
            root = pipeline.nodes[roots[above]]
            reason = f"waits for {root.short_id} ({decisions[root.id].reason})"
        else:
            reason = reason or "waits for what is not known yet"
            roots[node.id] = node.id
        decisions[node.id] = attrs.evolve(decision, reason=reason)


def _waves(nodes: Iterable[Node]) -> Iterable[list[Node]]:
    """Yield nodes so that each comes after what it waits for, as far as that is among them."""
    level: dict[str, int] = {}
    waves: list[list[Node]] = []
    for node in nodes:
        depth = 1 + max((level.get(above, -1) for above in node.upstream), default=-1)
        level[node.id] = depth
        if depth == len(waves):
            waves.append([])
        waves[depth].append(node)
    return waves


def _age_seconds(entry: ActionEntry) -> float:
    try:
        made = datetime.fromisoformat(entry.created)
    except ValueError:
        return float("inf")
    return (datetime.now(UTC) - made).total_seconds()


def _age_text(entry: ActionEntry) -> str:
    seconds = _age_seconds(entry)
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
