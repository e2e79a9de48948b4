"""Write the collection index of a project that was imported, if it can be trusted to stay true."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zenconv.fingerprint.places import is_own_module
from zenconv.project.collection_index import DAMAGES, CollectionIndex, write_index
from zenconv.project.index_rows import NotIndexable, RowWriter, read_rows, write_overrides, write_problems
from zenconv.project.indexed import CodeRows, IndexedCode, code_name
from zenconv.project.witnesses import take_witness

if TYPE_CHECKING:
    from zenconv.engine.keys import KeyMaker
    from zenconv.project.project import Project
    from zenconv.records.step import Node


def save_index(project: Project, keys: KeyMaker | None = None, plugins: Sequence[str] = ()) -> None:
    """Write the index of `project`, with the fingerprints that `keys` has taken.

    `plugins` took part in
    that. What an earlier index knows of steps that `keys` does not have is kept. Nothing is written
    where there is a reason against it (`Project.find_reasons`), or where it would say nothing new.
    """
    if project.find_reasons():
        return
    writer = _Writer(project, keys, list(plugins))
    if project.index is not None and not writer.has_news():
        return
    try:
        write_index(project.settings, project.before, writer.make)
    except NotIndexable as error:
        project.find_reasons().append(str(error))


class _Writer:
    def __init__(self, project: Project, keys: KeyMaker | None, plugins: list[str]) -> None:
        self.project = project
        self.keys = keys
        self.plugins = plugins
        self.old: dict[str, Any] = {"code": {}, "references": {}, "nodes": []}
        self.old_known: dict[str, tuple[str, str]] = {}
        self.old_code: IndexedCode | None = None
        if project.index is not None:
            self._read_old(project.index)

    def _read_old(self, index: CollectionIndex) -> None:
        try:
            self.old = index.section("plan")
            _, self.old_known = read_rows(self.old)
            self.old_code = IndexedCode(index, self.project.settings.root, lambda _value: None)
        except DAMAGES:
            self.old = {"code": {}, "references": {}, "nodes": []}

    def has_news(self) -> bool:
        """Return whether `keys` knows something that the earlier index does not."""
        if self.keys is None:
            return False
        if not self.keys.references.keys() <= self.old["references"].keys():
            return True
        nodes = [
            node for node in self.keys.pipeline if not node.grown and not is_own_module(node.step.module)
        ]
        if any(node.id not in self.old_known for node in nodes):
            return True
        settled = (node for node in nodes if not self.old_known[node.id][0])
        return any(not self.keys.depends_on_surroundings(node) for node in settled)

    def make(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the witness and the sections of the index."""
        project = self.project
        rows = RowWriter(project.graph.pipeline, self._known, self._digest_of)
        plan, texts = rows.rows()
        texts["overrides"] = write_overrides(project.overrides)
        code = self._code()
        plan |= code.plan()
        plan["plugins"] = self.plugins
        plan["warnings"] = write_problems(project.warnings)
        plan["collected"] = [[f.file, f.pipeline] for f in project.collection.files.values()]
        older = project.index.witness if project.index is not None else None
        watcher = project.watcher
        witness = take_witness(project.before, project.sources.sought, older, watcher.switches)
        return witness, {"plan": plan, "texts": texts, "parts": code.parts()}

    def _known(self, node: Node) -> tuple[str | None, str]:
        if self.keys is None or not self._is_planned(node):
            return self.old_known.get(node.id, (None, ""))
        local = self.keys.local(node)
        return ("" if self.keys.depends_on_surroundings(node) else local.digest), local.impure

    def _is_planned(self, node: Node) -> bool:
        """Return whether the plan had this node, or branches that came into being in its place."""
        assert self.keys is not None
        return node.id in self.keys.pipeline.nodes or self.keys.is_known(node)

    def _digest_of(self, value: Any) -> str:
        if self.keys is None:
            raise NotIndexable("a default value can be taken down only with its digest")
        return self.keys.value_digest(value)

    def _code(self) -> CodeRows:
        rows = CodeRows()
        if self.keys is not None:
            for node in self.keys.pipeline:
                if not is_own_module(node.step.module):
                    rows.add("code", code_name(node.step), self.keys.code.of(node.step))
            for fixture in self.keys.pipeline.fixtures.values():
                rows.add("code", code_name(fixture.fixture), self.keys.code.of(fixture.fixture))
            for reference, code in self.keys.references.items():
                rows.add("references", reference, code)
        if self.old_code is not None:
            rows.add_older(self.old_code)
        return rows
