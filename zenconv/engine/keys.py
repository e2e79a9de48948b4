"""The cache key of a node: what goes in, and the named parts that explain it.

Two digests make a key. The *local* one covers code, parameters, files, fixtures and packages:
everything that is known before anything runs. The *inputs* one covers the content of what other
steps computed, and the code that this content refers to.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from zenconv import hashing
from zenconv.engine.files import FileDigests, replace_files
from zenconv.errors import Problem
from zenconv.fingerprint import CodeFingerprint, Fingerprinter, NotCanonical
from zenconv.frozen import Frozen
from zenconv.interfaces.orchestrating import TaskInput
from zenconv.records.artifact import ActionKey
from zenconv.records.plan import KeyParts
from zenconv.records.step import Binding, Fixture, FixtureNode, Node, Pipeline, Step

KEY_FORMAT = "1"
IMPURE_BUILTINS = ("now", "run")
_TEXT_LIMIT = 200


@attrs.frozen(eq=False, repr=False)
class LocalKey(Frozen):
    """The part of a key that needs no input.

    `digest` is 64 hex digits. `impure` says why the step runs once in every run, or is ``""``.
    `texts` are the named parts other than code; `codes` the fingerprints by role (``""`` for the
    step itself, else the fixture). `files` are the input files with their digests.
    """

    digest: str
    impure: str
    texts: Mapping[str, str]
    shown: Mapping[str, tuple[str, str]]
    codes: Mapping[str, CodeFingerprint]
    files: Mapping[Path, str]

    def parts(self) -> KeyParts:
        """Return every part by name, with the texts that show a difference."""
        parts = {**self.texts, "structure": self.codes[""].digest}
        sources = dict(self.shown)
        for fingerprint in self.codes.values():
            add_code(parts, sources, fingerprint)
        return KeyParts(parts, sources)


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

    `format_of` returns the materializer that an annotated type would be stored with, so that a
    newly installed format makes a step run again.
    """

    root: Path
    pipeline: Pipeline
    fingerprinter: Fingerprinter
    files: FileDigests
    seed: int = 0
    format_of: Callable[[Any], str] = lambda _type: ""
    version_of: Callable[[str], str | None] = lambda _name: None
    _local: dict[str, LocalKey] = attrs.field(factory=dict)
    _codes: dict[int, CodeFingerprint] = attrs.field(factory=dict)
    _references: dict[str, CodeFingerprint | None] = attrs.field(factory=dict)
    _packages: dict[tuple[tuple[str, str], ...], str] = attrs.field(factory=dict)

    def local(self, node: Node) -> LocalKey:
        """Return the local key of `node`; computed once."""
        known = self._local.get(node.id)
        if known is None:
            known = self._local[node.id] = self._make_local(node)
        return known

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
            parts[f"input {parameter}"] = content_of(given)
            sources[f"input {parameter}"] = (given.node, "")
            for reference in referred(given):
                code = self.reference(reference)
                if code is not None:
                    add_code(parts, sources, code)
        return KeyParts(parts, sources)

    def reference(self, reference: str) -> CodeFingerprint | None:
        """Return the fingerprint of a class or function a stored value mentions, None if it is gone."""
        if reference not in self._references:
            self._references[reference] = self.fingerprinter.of_reference(reference)
        return self._references[reference]

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
        texts: dict[str, str] = {"format": KEY_FORMAT, "step": step.name, "outputs": self._outputs_text(node)}
        shown: dict[str, tuple[str, str]] = {}
        codes: dict[str, CodeFingerprint] = {}
        files: dict[Path, str] = {}
        impure = "" if step.note.cache else "declared nocache"
        if step.note.version:
            texts["version"] = step.note.version
        for name in step.note.env:
            texts[f"environment {name}"] = self.fingerprinter.digest_of(os.environ.get(name))
        codes[""] = self._code(step, step.note.also)
        impure = self._add_bindings("", node.bindings, texts, shown, files) or impure
        for fixture in self._fixtures(node.bindings, node.autouse):
            codes[fixture.id] = self._code(fixture.fixture, ())
            if fixture.fixture.note.version:
                texts[f"fixture {fixture.fixture.name}.version"] = fixture.fixture.note.version
            prefix = f"{fixture.fixture.name}."
            impure = self._add_bindings(prefix, fixture.bindings, texts, shown, files) or impure
        keyed = [
            t
            for role in codes
            for t in (role and "fixture", codes[role].digest, self._package_digest(codes[role]))
        ]
        keyed += [t for name in sorted(texts) for t in (name, texts[name])]
        return LocalKey(hashing.digest_texts("local", keyed)[3:], impure, texts, shown, codes, files)

    def _outputs_text(self, node: Node) -> str:
        return ",".join(
            f"{o.name}:{self.format_of(o.type) if o.type is not None else ''}" for o in node.step.outputs
        )

    def _code(self, of: Step | Fixture, also: tuple[Callable[..., Any], ...]) -> CodeFingerprint:
        known = self._codes.get(id(of.function))
        if known is None:
            known = self.fingerprinter.of_function(of.function, also=also, module=of.module, name=of.name)
            self._codes[id(of.function)] = known
        return known

    def warnings(self) -> list[Problem]:
        """Return what could not be seen in the code fingerprinted so far, each once."""
        return list(dict.fromkeys(w for code in self._codes.values() for w in code.warnings))

    def _fixtures(self, bindings: Iterable[Binding], autouse: Iterable[str]) -> list[FixtureNode]:
        found: dict[str, FixtureNode] = {}
        waiting = [*(b.fixture for b in bindings if b.source == "fixture"), *autouse]
        while waiting:
            fixture = self.pipeline.fixtures[waiting.pop(0)]
            if fixture.id not in found:
                found[fixture.id] = fixture
                waiting += [b.fixture for b in fixture.bindings if b.source == "fixture"]
        return list(found.values())

    def _add_bindings(
        self,
        prefix: str,
        bindings: Iterable[Binding],
        texts: dict[str, str],
        shown: dict[str, tuple[str, str]],
        files: dict[Path, str],
    ) -> str:
        impure = ""
        for binding in bindings:
            name = prefix + binding.parameter
            if binding.source == "builtin":
                if binding.fixture in IMPURE_BUILTINS:
                    impure = f"asks for {binding.fixture!r}, which differs in every run"
                elif binding.fixture == "seed":
                    texts[f"parameter {name}"] = str(self.seed)
            elif binding.source == "value":
                self._add_value(name, binding, texts, shown, files)
        return impure

    def _add_value(
        self,
        name: str,
        binding: Binding,
        texts: dict[str, str],
        shown: dict[str, tuple[str, str]],
        files: dict[Path, str],
    ) -> None:
        if binding.is_output:
            texts[f"parameter {name}"] = "a place to write"
            return
        found: list[Path] = []
        value = replace_files(binding.value, self.root, found.append)
        texts[f"parameter {name}"] = self._value_digest(value)
        shown[f"parameter {name}"] = (binding.origin, short_text(binding.value))
        for path in found:
            files[path] = self.files.digest(path)
            texts[f"file {name} {path.name}"] = files[path]
            shown[f"file {name} {path.name}"] = (os.path.relpath(path, self.root), "")
        if type(value) is str and "://" in value:
            texts[f"version {name}"] = self.version_of(value) or ""

    def _value_digest(self, value: Any) -> str:
        try:
            return self.fingerprinter.digest_of(value)
        except NotCanonical:
            # Only a default can be such an object, and its expression is part of the step's code.
            return f"by its code: {type(value).__module__}.{type(value).__qualname__}"


def content_of(given: TaskInput) -> str:
    """Return the content digest of an input: of one output, or of all of them by name."""
    if given.live is not None:
        return f"live:{given.key}:{given.output}"
    if given.output is not None:
        return given.outputs[given.output].content
    if len(given.outputs) == 1 and "" in given.outputs:
        return given.outputs[""].content
    return hashing.digest_texts("outputs", (t for n, a in given.outputs.items() for t in (n, a.content)))


def referred(given: TaskInput) -> list[str]:
    """Return the names of code that the stored form of an input mentions, sorted."""
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
