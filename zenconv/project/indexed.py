"""A project as its collection index knows it: enough to select, plan, list and draw; nothing runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zenconv.errors import Problem
from zenconv.fingerprint.fingerprints import CodeFingerprint, CodePart
from zenconv.fingerprint.places import Places
from zenconv.fingerprint.sources import ProjectSources
from zenconv.project.collected import CollectedFile, Collection, Override
from zenconv.project.collection_index import CollectionIndex
from zenconv.project.discover import module_name
from zenconv.project.index_rows import read_overrides, read_problems, read_rows
from zenconv.project.json_rows import NamedRows, Rows
from zenconv.project.select import WHOLE, Narrowing, Selected, as_steps, select
from zenconv.records.step import Fixture, Pipeline, Step

if TYPE_CHECKING:
    from zenconv.fingerprint.values import ContentOf
    from zenconv.settings.settings import Settings


class NotInIndex(LookupError):
    """The index does not know this; the project has to be collected."""


class IndexedProject:
    """Answers what `Project` answers, from an index whose witness holds.

    Nothing is raised about mistakes: a project that has any is not indexed. With `texts`, steps
    have their descriptions and annotations.
    """

    def __init__(self, settings: Settings, index: CollectionIndex, *, texts: bool = False) -> None:
        self.settings = settings
        self.index = index
        self.places = Places(settings.root)
        rows = index.section("plan")
        pipeline, known = read_rows(rows, index.section("texts") if texts else None)
        self.whole: Pipeline = pipeline
        self.known: Mapping[str, tuple[str, str]] = known
        self.plugins: list[str] = rows["plugins"]
        self.warnings: tuple[Problem, ...] = read_problems(rows["warnings"])
        files = {file: CollectedFile(file, module_name(file), name) for file, name in rows["collected"]}
        self.collection = Collection(ProjectSources(settings.root), files, (), self.warnings)

    @cached_property
    def overrides(self) -> tuple[Override, ...]:
        """Which steps and fixtures take the place of others."""
        return read_overrides(self.index.section("texts")["overrides"])

    def checked(self, targets: Sequence[str] = (), narrowing: Narrowing = WHOLE) -> Selected:
        """Return what is asked for with everything it needs."""
        return select(self.whole, targets, narrowing, cwd=self.settings.cwd, collection=self.collection)

    def match(self, pipeline: Pipeline, targets: Iterable[str]) -> frozenset[str]:
        """Return the ids of nodes of `pipeline` that `targets` name, steps first (`UsageError`: unknown)."""
        names = as_steps(self.whole, targets)
        selected = self.checked(names).ids if names else frozenset()
        return frozenset(id for id in selected if id in pipeline.nodes)

    def is_project_file(self, path: str) -> bool:
        """Return whether `path` is code of the project."""
        return self.places.is_project_file(path)


class IndexedCode:
    """The fingerprints of an index: those that were taken when it was written."""

    def __init__(self, index: CollectionIndex, root: Path, content_of: ContentOf) -> None:
        self._index = index
        self._root = root
        self._content_of = content_of
        rows = index.section("plan")
        self._code: Mapping[str, Any] = rows["code"]
        self._references: Mapping[str, Any] = rows["references"]
        self._distributions: Sequence[Any] = rows["distributions"]
        self._known: dict[str, CodeFingerprint] = {}

    def of(self, target: Step | Fixture) -> CodeFingerprint:
        """Return the recorded fingerprint. `NotInIndex`."""
        name = code_name(target)
        if name not in self._code:
            raise NotInIndex(name)
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = self._read(self._code[name], lambda: self._parts("code", name))
        return known

    def warnings_of(self, target: Step | Fixture) -> tuple[Problem, ...]:
        """Return what could not be seen in that code. `NotInIndex`."""
        row = self._code.get(code_name(target))
        if row is None:
            raise NotInIndex(code_name(target))
        return read_problems(row[2]) if row[2] else ()

    def of_reference(self, reference: str) -> CodeFingerprint | None:
        """Return what was recorded of a class that a stored value mentions. `NotInIndex`."""
        if reference not in self._references:
            raise NotInIndex(reference)
        row = self._references[reference]
        return None if row is None else self._read(row, lambda: self._parts("references", reference))

    def all(self) -> Iterator[tuple[str, str, CodeFingerprint | None]]:
        """Yield everything that is recorded: the kind of row, its name, the fingerprint."""
        for kind, rows in (("code", self._code), ("references", self._references)):
            for name, row in rows.items():
                parts = partial(self._parts, kind, name)
                yield kind, name, None if row is None else self._read(row, parts)

    def digest_of(self, value: Any) -> str:
        """Return the canonical digest of a plain value."""
        digest: str = self._fingerprinter.digest_of(value)
        return digest

    @cached_property
    def _fingerprinter(self) -> Any:
        from zenconv.fingerprint import Fingerprinter

        return Fingerprinter(ProjectSources(self._root), content_of=self._content_of)

    def _read(self, row: Sequence[Any], parts: Callable[[], tuple[CodePart, ...]]) -> CodeFingerprint:
        digest, number, warnings = row
        distributions = tuple((name, version) for name, version in self._distributions[number])
        return CodeFingerprint(digest, distributions, read_problems(warnings), parts)

    def _parts(self, kind: str, name: str) -> tuple[CodePart, ...]:
        section = self._index.section("parts")
        return tuple(CodePart(*section["parts"][number]) for number in section[kind][name])


class CodeRows:
    """Takes fingerprints down as rows, each distinct piece once."""

    def __init__(self) -> None:
        self.code = NamedRows()
        self.references = NamedRows()
        self._distributions: dict[tuple[tuple[str, str], ...], int] = {}
        self._parts: dict[tuple[Any, ...], int] = {}
        self._used = {"code": NamedRows(), "references": NamedRows()}
        self._names: dict[str, set[str]] = {"code": set(), "references": set()}

    def add(self, kind: str, name: str, code: CodeFingerprint | None) -> None:
        """Add one fingerprint, of a name the first one; `kind` is ``"code"`` or ``"references"``."""
        if name in self._names[kind]:
            return
        self._names[kind].add(name)
        rows = self.code if kind == "code" else self.references
        if code is None:
            rows.add(name, None)
            return
        number = self._distributions.setdefault(code.distributions, len(self._distributions))
        warnings = [[p.what, p.file, p.line, p.exists, p.hint] for p in code.warnings]
        rows.add(name, [code.digest, number, warnings])
        self._used[kind].add(name, [self._part_number(part) for part in code.parts])

    def add_older(self, older: IndexedCode) -> None:
        """Add what an earlier index knows, and these rows do not."""
        for kind, name, code in older.all():
            self.add(kind, name, code)

    def plan(self) -> dict[str, Any]:
        """Return what belongs to the section for planning."""
        distributions = [list(pairs) for pairs in self._distributions]
        return {"code": self.code, "references": self.references, "distributions": distributions}

    def parts(self) -> dict[str, Any]:
        """Return the section of pieces."""
        return {"parts": Rows(self._parts), **self._used}

    def _part_number(self, part: CodePart) -> int:
        key = (part.name, part.kind, part.digest, part.file, part.line, part.text)
        return self._parts.setdefault(key, len(self._parts))


def code_name(target: Step | Fixture) -> str:
    """Return under which name the code of a step or fixture is recorded."""
    return f"{target.file}::{target.name}"
