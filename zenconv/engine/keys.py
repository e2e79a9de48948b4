"""The cache key of a node: what goes in, and the named parts that explain it.

Two digests make a key. The *local* one covers code, parameters, files, fixtures and packages:
everything that is known before anything runs. The *inputs* one covers the content of what other
steps computed, and the code that this content refers to.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs

from zenconv import hashing
from zenconv.engine.files import FileDigests, names_file, replace_files
from zenconv.engine.known_code import KnowsCode
from zenconv.errors import Problem
from zenconv.fingerprint.fingerprints import CodeFingerprint
from zenconv.fingerprint.places import is_own_module
from zenconv.frozen import Frozen
from zenconv.interfaces.orchestrating import TaskInput
from zenconv.records.artifact import ActionKey
from zenconv.records.plan import KeyParts
from zenconv.records.step import (
    Binding,
    Fixture,
    FixtureNode,
    Node,
    Param,
    Pipeline,
    Step,
    branch_suffix,
)

if TYPE_CHECKING:
    from zenconv.engine.environments import Environment, Environments

KEY_FORMAT = "1"
IMPURE_BUILTINS = ("now", "run")
_TEXT_LIMIT = 200
_MOST_BRANCHES_NAMED = 100
_NOTHING: Mapping[Any, Any] = MappingProxyType({})
_BY_CODE = "by its code: "


@attrs.frozen(eq=False, repr=False)
class LocalKey(Frozen):
    """The part of a key that needs no input.

    `digest` is 64 hex digits. `impure` says why the step runs once in every run, or is ``""``.
    `files` are the input files with their digests. The parts are put together when asked for.
    """

    digest: str
    impure: str
    files: Mapping[Path, str]
    _make_parts: Callable[..., KeyParts]
    _given: tuple[Any, ...] = ()

    def parts(self) -> KeyParts:
        """Return every part by name, with the texts that show a difference."""
        return self._make_parts(*self._given)


@attrs.frozen(eq=False, repr=False)
class KnownValue(Frozen):
    """Stands for a parameter's value of which only the digest and a short text are at hand."""

    digest: str
    text: str

    def __repr__(self) -> str:
        return self.text


def add_code(parts: dict[str, str], sources: dict[str, tuple[str, str]], code: CodeFingerprint) -> None:
    """Add the parts of a code fingerprint under readable names."""
    for part in code.parts:
        name = f"{'value' if part.kind == 'value' else 'code'} {part.name}"
        parts[name] = part.digest
        sources[name] = (f"{part.file}:{part.line}" if part.line else part.file, part.text)
    for package, version in code.distributions:
        parts[f"package {package}"] = version


@attrs.define(eq=False, repr=False)
class KeyMaker:
    """Computes keys for the nodes of one pipeline.

    `materializer_of` returns the materializer that the settings ask for to store an output, and
    where they do. `known` are digests, with why they are impure, of nodes whose code and values are
    as they were then; files and the environment are looked at. `environments` are those that steps
    ask for, where any does.
    """

    root: Path
    pipeline: Pipeline
    code: KnowsCode
    files: FileDigests
    seed: int = 0
    materializer_of: Callable[[Node, str], tuple[str, str]] = lambda _node, _output: ("", "")
    version_of: Callable[[str], str | None] = lambda _name: None
    added_to: Callable[[Node], Mapping[str, str]] = lambda _node: {}
    known: Mapping[str, tuple[str, str]] = attrs.field(factory=dict)
    environments: Environments | None = None
    references: dict[str, CodeFingerprint | None] = attrs.field(factory=dict)
    _local: dict[str, LocalKey] = attrs.field(factory=dict)
    _packages: dict[tuple[tuple[str, str], ...], str] = attrs.field(factory=dict)
    _plain_texts: set[str] = attrs.field(factory=set)

    def local(self, node: Node) -> LocalKey:
        """Return the local key of `node`; computed once."""
        id = node.grown or node.id  # branches that came into being in the run differ in their inputs
        local = self._local.get(id)
        if local is None and not self.is_complete(node):
            return self._make_local(node)
        if local is None:
            local = self._local[id] = self._recall(node) or self._make_local(node)
        return local

    def environment_of(self, node: Node) -> Environment | None:
        """Return the environment that `node` asks for, None if it takes that of the run."""
        requirements = node.marks.requirements
        if requirements is None or self.environments is None:
            return None
        return self.environments.find(requirements)

    def is_complete(self, node: Node) -> bool:
        """Return whether all is known that the local key of `node` is made of: its environment is made."""
        environment = self.environment_of(node)
        return environment is None or environment.packages is not None

    def python_of(self, node: Node) -> str:
        """Return the interpreter that `node` needs, ``""`` for that of the run."""
        environment = self.environment_of(node)
        return "" if environment is None else environment.python

    def is_known(self, node: Node) -> bool:
        """Return whether the local key of `node` was computed."""
        return node.id in self._local

    def _recall(self, node: Node) -> LocalKey | None:
        digest, impure = self.known.get(node.grown or node.id, ("", ""))
        if not digest or self.depends_on_surroundings(node):
            return None
        return LocalKey(digest, impure, {}, lambda: self._make_local(node).parts())

    def depends_on_surroundings(self, node: Node) -> bool:
        """Return whether files, the environment or tokens of plugins count in the key of `node` now."""
        if node.step.note.env or node.marks.requirements or self.added_to(node):
            return True
        if any(self._is_found(b) for b in node.bindings):
            return True
        fixtures = self.pipeline.fixtures_of(node, counted=True)
        asked = (b for fixture in fixtures for b in fixture.bindings)
        return any(self._is_found(b) for b in chain(asked, (param.value for param in node.params)))

    def _is_found(self, binding: Binding) -> bool:
        value = binding.value
        if binding.source != "value" or binding.is_output or value is None:
            return False
        if type(value) is not str:
            found: list[Path] = []
            if type(value) not in (int, float, bool, KnownValue):
                replace_files(value, self.root, found.append)
            return bool(found)
        if value in self._plain_texts:
            return False
        is_found = "://" in value or names_file(value, self.root)
        if not is_found:
            self._plain_texts.add(value)
        return is_found

    def key(self, node: Node, inputs: Mapping[str, TaskInput]) -> ActionKey:
        """Return the full key of `node`, given what its parameters get from other nodes."""
        texts = [KEY_FORMAT]
        for parameter in sorted(inputs):
            texts.append(parameter)
            texts.append(self._input_digest(inputs[parameter]))
        return ActionKey(self.local(node).digest, hashing.digest_texts("inputs", texts)[3:])

    def input_parts(self, inputs: Mapping[str, TaskInput]) -> KeyParts:
        """Return the named parts of the inputs."""
        parts: dict[str, str] = {}
        sources: dict[str, tuple[str, str]] = {}
        for parameter, given in inputs.items():
            for name, content, node in _named_contents(parameter, given):
                parts[f"input {name}"] = content
                sources[f"input {name}"] = (node, "")
            for reference in referred(given):
                code = self.reference(reference)
                if code is not None:
                    add_code(parts, sources, code)
        return KeyParts(parts, sources)

    def reference(self, reference: str) -> CodeFingerprint | None:
        """Return the fingerprint of a class or function a stored value mentions, None if it is gone."""
        if reference not in self.references:
            self.references[reference] = self.code.of_reference(reference)
        return self.references[reference]

    def _input_digest(self, given: TaskInput) -> str:
        references = referred(given)
        if not references:
            return content_of(given)
        texts = [content_of(given)]
        for reference in references:
            code = self.reference(reference)
            texts.append("gone" if code is None else code.digest)
            texts.append("" if code is None else self._package_digest(code))
        return hashing.digest_texts("input", texts)

    def _package_digest(self, code: CodeFingerprint) -> str:
        known = self._packages.get(code.distributions)
        if known is None:
            texts = [text for pair in code.distributions for text in pair]
            known = self._packages[code.distributions] = hashing.digest_texts("packages", texts)
        return known

    def _make_local(self, node: Node) -> LocalKey:
        step = node.step
        texts: dict[str, str] = {"format": KEY_FORMAT, "step": step.name, "outputs": _outputs_text(node)}
        shown: dict[str, tuple[str, str]] = {}
        codes: dict[str, CodeFingerprint] = {}
        files: dict[Path, str] = {}
        impure = find_impurity(self.pipeline, node)
        self._add_materializers(node, texts, shown)
        if step.note.version:
            texts["version"] = step.note.version
        environment = self.environment_of(node)
        if environment is not None:
            texts |= environment.key_texts()
        for name in step.note.env:
            texts[f"environment {name}"] = self.code.digest_of(os.environ.get(name))
        for name, text in self.added_to(node).items():
            texts[f"plugin {name}"] = text
            shown[f"plugin {name}"] = ("", text)
        codes[""] = self._code(step)
        fixtures = self.pipeline.fixtures_of(node, counted=True)
        labels = label_fixtures(fixtures)
        asking = [("", "step", (*node.bindings, *node.autouse, *node.by_name))]
        for fixture in fixtures:
            note, label = fixture.fixture.note, labels[fixture.id]
            codes[fixture.id] = self._code(fixture.fixture)
            if note.version:
                texts[f"fixture {label}.version"] = note.version
            asking.append((f"{label}.", note.scope, (*fixture.bindings, *fixture.by_name)))
        for prefix, scope, bindings in asking:
            impure = self._add_bindings(prefix, bindings, texts, shown, files, labels) or impure
            if any(b.fixture == "request" and b.output for b in bindings):
                name = f"request {prefix}".rstrip(" .")
                texts[name] = self._request_text(node, scope)
                shown[name] = ("", describe_request(node, scope))
        for param in node.params:
            impure = self._add_param(param, labels, texts, shown, files) or impure
        keyed = [
            t
            for role in codes
            for t in (role and "fixture", codes[role].digest, self._package_digest(codes[role]))
        ]
        keyed += [t for name in sorted(texts) for t in (name, texts[name])]
        digest = hashing.digest_texts("local", keyed)[3:]
        given = (step, texts, shown or _NOTHING, *codes.values())
        return LocalKey(digest, impure, files or _NOTHING, _all_parts, given)

    def _add_param(
        self,
        param: Param,
        labels: Mapping[str, str],
        texts: dict[str, str],
        shown: dict[str, tuple[str, str]],
        files: dict[Path, str],
    ) -> str:
        """Add what an axis gives to a fixture, unless the fixture is out of the key."""
        fixture = self.pipeline.fixtures[param.fixture].fixture
        if param.replaces:
            return self._add_value(f"{fixture.name} (given)", param.value, texts, shown, files)
        if param.fixture not in labels:
            return ""
        return self._add_value(f"{labels[param.fixture]}.param", param.value, texts, shown, files)

    def _request_text(self, node: Node, scope: str) -> str:
        """Return what ``request`` tells a step, or a fixture of `scope`, about who asks."""
        told = describe_request(node, scope)
        if scope != "step" or not node.marks.own:
            return told
        from zenconv.fingerprint import NotCanonical

        marks = [(mark.name, mark.args, dict(mark.kwargs)) for mark in node.marks.own]
        try:
            return f"{told} {self.code.digest_of(marks)}"
        except NotCanonical:
            return f"{told} {marks!r}"  # with an address in it, the step simply runs in every run

    def _add_materializers(
        self, node: Node, texts: dict[str, str], shown: dict[str, tuple[str, str]]
    ) -> None:
        for output in node.step.outputs:
            materializer, where = self.materializer_of(node, output.name)
            if materializer:
                name = f"materializer {output.name or node.step.name}"
                texts[name] = materializer
                shown[name] = (where, materializer)

    def _code(self, target: Step | Fixture) -> CodeFingerprint:
        # A step of zenconv's own has a version instead, which counts besides.
        return CodeFingerprint("") if is_own_module(target.module) else self.code.of(target)

    def warnings(self) -> list[Problem]:
        """Return what could not be seen in the code of the pipeline's steps, each once."""
        steps = (node.step for node in self.pipeline)
        targets: list[Step | Fixture] = [step for step in steps if not is_own_module(step.module)]
        targets += [fixture.fixture for fixture in self.pipeline.fixtures.values()]
        return list(dict.fromkeys(w for target in targets for w in self.code.warnings_of(target)))

    def _add_bindings(
        self,
        prefix: str,
        bindings: Iterable[Binding],
        texts: dict[str, str],
        shown: dict[str, tuple[str, str]],
        files: dict[Path, str],
        labels: Mapping[str, str],
    ) -> str:
        impure = ""
        for binding in bindings:
            name = prefix + binding.parameter
            if binding.source == "fixture":
                # What a parameter of another name gets is said by an annotation, which is no code.
                if labels.get(binding.fixture, binding.parameter) != binding.parameter:
                    texts[f"fixture {name}"] = labels[binding.fixture]
            elif binding.source == "builtin" and binding.fixture == "seed":
                texts[f"parameter {name}"] = str(self.seed)
            elif binding.source == "value":
                impure = self._add_value(name, binding, texts, shown, files) or impure
        return impure

    def _add_value(
        self,
        name: str,
        binding: Binding,
        texts: dict[str, str],
        shown: dict[str, tuple[str, str]],
        files: dict[Path, str],
    ) -> str:
        """Add a value to the key; return why the step cannot be reused, or ``""``."""
        if binding.is_output:
            texts[f"parameter {name}"] = "a place to write"
            return ""
        found: list[Path] = []
        value = replace_files(binding.value, self.root, found.append)
        texts[f"parameter {name}"] = self.value_digest(value)
        shown[f"parameter {name}"] = (binding.origin, short_text(binding.value))
        for path in found:
            files[path] = self.files.digest(path)
            texts[f"file {name} {path.name}"] = files[path]
            shown[f"file {name} {path.name}"] = (os.path.relpath(path, self.root), "")
        if type(value) is str and "://" in value:
            texts[f"version {name}"] = self.version_of(value) or ""
        if binding.origin.startswith(("parametrize", "params")) and texts[f"parameter {name}"].startswith(
            _BY_CODE
        ):
            return f"the value of {name!r} has no form that two runs could compare"
        return ""

    def value_digest(self, value: Any) -> str:
        """Return what stands for a parameter's value in the key."""
        from zenconv.fingerprint import NotCanonical

        if type(value) is KnownValue:
            return value.digest
        try:
            return self.code.digest_of(value)
        except NotCanonical:
            # The expression of a default is part of the step's code; that of an axis is not.
            return f"{_BY_CODE}{type(value).__module__}.{type(value).__qualname__}"


def _outputs_text(node: Node) -> str:
    each = "each " if node.step.shape == "each" else ""
    return each + ",".join(f"{output.name}:" for output in node.step.outputs)


def find_impurity(pipeline: Pipeline, node: Node) -> str:
    """Return why `node` runs once in every run, ``""`` if it does not."""
    if not node.step.note.cache:
        return "declared nocache"
    asked = chain(node.bindings, node.autouse, node.by_name)
    inside = (chain(f.bindings, f.by_name) for f in pipeline.fixtures_of(node, counted=True))
    for binding in chain(asked, *inside):
        if binding.source == "builtin" and binding.fixture in IMPURE_BUILTINS:
            return f"asks for {binding.fixture!r}, which differs in every run"
    return ""


def label_fixtures(fixtures: Iterable[FixtureNode]) -> dict[str, str]:
    """Return, by id, what to call each fixture in a key: its name, numbered where another has it too."""
    counts: dict[str, int] = {}
    labels = {}
    for node in fixtures:
        name = node.fixture.name
        counts[name] = counts.get(name, 0) + 1
        labels[node.id] = name if counts[name] == 1 else f"{name}#{counts[name]}"
    return labels


def describe_request(node: Node, scope: str) -> str:
    """Return in a short text what ``request`` tells a step, or a fixture of `scope`."""
    if scope == "run":
        return ""
    if scope == "pipeline":
        return node.pipeline
    name = f"{node.pipeline}::{node.step.name}{branch_suffix(node.axes) if node.axes else ''}"
    return " ".join([name, *(f"@{mark}" for mark in node.marks.own)])


def _all_parts(
    step: Step,
    texts: Mapping[str, str],
    shown: Mapping[str, tuple[str, str]],
    *codes: CodeFingerprint,
) -> KeyParts:
    parts = {**texts, "structure": codes[0].digest}
    sources = {"outputs": ("", ", ".join(output.name for output in step.outputs)), **shown}
    for fingerprint in codes:
        add_code(parts, sources, fingerprint)
    return KeyParts(parts, sources)


def _named_contents(parameter: str, given: TaskInput) -> Iterator[tuple[str, str, str]]:
    """Yield name, content and node of an input; of few branches that are collected each one's."""
    if given.branches is None or len(given.branches) > _MOST_BRANCHES_NAMED:
        yield parameter, content_of(given), given.node
        return
    for id, branch in given.branches.items():
        yield f"{parameter}[{id}]", content_of(branch), branch.node
    if given.failed:
        yield f"{parameter}.failed", ", ".join(given.failed), ""


def content_of(given: TaskInput) -> str:
    """Return the content digest of an input: of one output, or of all outputs or branches by name."""
    if given.branches is not None:
        texts = [t for id, branch in given.branches.items() for t in (id, content_of(branch))]
        return hashing.digest_texts("collect", [*texts, "failed", *given.failed])
    if given.live is not None:
        return f"live:{given.key}:{given.output}"
    if given.output is not None:
        return given.outputs[given.output].content
    if len(given.outputs) == 1 and "" in given.outputs:
        return given.outputs[""].content
    return hashing.digest_texts("outputs", (t for n, a in given.outputs.items() for t in (n, a.content)))


def referred(given: TaskInput) -> list[str]:
    """Return the names of code that the stored form of an input mentions, sorted."""
    if given.branches is not None:
        return sorted({reference for branch in given.branches.values() for reference in referred(branch)})
    if given.live is not None:
        return []
    wanted = given.outputs.values() if given.output is None else [given.outputs[given.output]]
    return sorted({reference for artifact in wanted for reference in artifact.refers})


def short_text(value: Any) -> str:
    """Return a short one-line text of a parameter's value; never raises."""
    try:
        text = str(value) if isinstance(value, os.PathLike) else repr(value)
    except Exception:  # noqa: BLE001 - a user's __repr__ may raise anything
        text = f"<{type(value).__qualname__}>"
    text = " ".join(text.split())
    return text if len(text) <= _TEXT_LIMIT else text[: _TEXT_LIMIT - 1] + "…"
