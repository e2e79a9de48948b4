"""Select: what of the graph the targets, ``-k`` and ``--lf`` ask for, with everything it needs."""

from __future__ import annotations

import os
from collections.abc import Collection as Ids
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import attrs

from zenconv.engine.pruning import BranchTest
from zenconv.errors import NothingSelected, UsageError, did_you_mean
from zenconv.frozen import Frozen
from zenconv.project.aliases import list_aliases
from zenconv.project.collected import Collection
from zenconv.project.keyword import parse_keyword, parse_marks
from zenconv.project.open_branches import (
    Wanted,
    add_wanted,
    as_wanted,
    match_ids,
    match_keyword,
    match_text,
    narrow,
    tests_of,
)
from zenconv.project.unread import Unread
from zenconv.records.step import (
    Node,
    Pipeline,
    branch_suffix,
    split_branch,
)


@attrs.frozen(eq=False, repr=False)
class Narrowing(Frozen):
    """What of the targets remains: expressions of ``-k`` and ``-m``, node ids. Empty: everything."""

    keyword: str = ""
    marks: str = ""
    last_failed: Ids[str] = ()


WHOLE = Narrowing()


@attrs.frozen(eq=False, repr=False)
class Selected(Frozen):
    """A part of the graph: `pipeline` with all ancestors, the `ids` asked for, the `files` it needs.

    `tests` say, for templates of which not all branches are asked for, which are.
    """

    pipeline: Pipeline
    ids: frozenset[str]
    files: frozenset[str]
    tests: Mapping[str, BranchTest] = attrs.field(factory=dict)


def select(
    pipeline: Pipeline,
    targets: Sequence[str],
    narrowing: Narrowing,
    *,
    cwd: Path,
    collection: Collection,
) -> Selected:
    """Return the part of `pipeline` that is asked for.

    Parameters
    ----------
    targets
        Each is tried as node id, file or folder (from `cwd`, else from the root), pipeline, step
        or output, in this order. None at all: everything.

    Raises
    ------
    UsageError
        A target is unknown, or two things of one rank answer to it.
    NothingSelected
        The targets, ``-k``, ``-m`` and ``--lf`` together leave no step.
    """
    if not all(target.strip() for target in targets):
        raise UsageError("a target is empty", hint="leave it out to run everything")
    finder = _Finder(pipeline, collection, cwd)
    matches = [finder.find(target) for target in targets]
    files = {file for match in matches for file in match.files}
    if targets:
        wanted: Wanted = {}
        for match in matches:
            add_wanted(wanted, match.wanted)
    else:
        wanted = as_wanted(pipeline.nodes)
        files = {file.file for file in collection.step_files()} | {p.file for p in collection.problems}
    if not wanted and not any(file in _broken(collection) for file in files):
        raise _nothing(targets, collection)
    wanted, files = _narrow(pipeline, wanted, files, narrowing)
    part = take(pipeline, wanted)
    files |= {file for node in part for file in (node.id.partition("::")[0], node.step.file)}
    return Selected(part, frozenset(wanted), frozenset(files), tests_of(wanted))


def as_steps(pipeline: Pipeline, names: Iterable[str]) -> tuple[str, ...]:
    """Return targets that mean the steps called `names`, also where a pipeline has the same name.

    What is not the name of exactly one step, with or without branches in brackets, stays as it is.
    """
    templates: dict[str, set[str]] = {}
    for node in pipeline:
        templates.setdefault(node.step.name, set()).add(node.template)
    targets = []
    for target in names:
        name, text = split_branch(target)
        meant = templates.get(name, ())
        branches = "" if text is None else f"[{text}]"
        targets.append(next(iter(meant)) + branches if len(meant) == 1 else target)
    return tuple(targets)


def take(pipeline: Pipeline, wanted: Iterable[str]) -> Pipeline:
    """Return the part of `pipeline` that holds `wanted` and everything they wait for."""
    kept: set[str] = set()
    waiting = list(wanted)
    while waiting:
        id = waiting.pop()
        if id not in kept:
            kept.add(id)
            waiting.extend(pipeline.nodes[id].upstream)
    if len(kept) == len(pipeline.nodes):
        return pipeline
    nodes = {id: node for id, node in pipeline.nodes.items() if id in kept}
    names = {node.pipeline for node in nodes.values()}
    fixtures = {f.id for node in nodes.values() for f in pipeline.fixtures_of(node)}
    return Pipeline(
        nodes,
        {id: node for id, node in pipeline.fixtures.items() if id in fixtures},
        tuple(name for name in pipeline.names if name in names),
    )


def _narrow(
    pipeline: Pipeline, wanted: Wanted, files: set[str], narrowing: Narrowing
) -> tuple[Wanted, set[str]]:
    if keyword := narrowing.keyword:
        matches = parse_keyword(keyword)
        wanted = narrow(pipeline, wanted, lambda node: match_keyword(node, names_of, keyword, matches))
        if not wanted:
            raise NothingSelected(f"-k {keyword!r} matches no step", hint="zenconv steps lists them")
    if marks := narrowing.marks:
        has_marks = parse_marks(marks)
        wanted = narrow(pipeline, wanted, lambda node: (has_marks(node.marks.by_name()), None))
        if not wanted:
            raise NothingSelected(f"-m {marks!r} matches no step", hint=_mark_hint(pipeline))
    if failed := frozenset(narrowing.last_failed):
        wanted = narrow(pipeline, wanted, lambda node: match_ids(node, failed))
        if not wanted:
            raise NothingSelected(
                "none of the steps that failed last is selected", hint="leave out --lf, or the targets"
            )
    return wanted, set() if keyword or marks or failed else files


def _mark_hint(pipeline: Pipeline) -> str:
    names = {mark.name for node in pipeline for mark in node.marks.marks}
    return f"the steps have {', '.join(sorted(names))}" if names else "no step has a mark"


def names_of(node: Node) -> list[str]:
    """Return what ``-k`` compares with, in lower case: id, pipeline and outputs."""
    return [name.lower() for name in (node.id, node.pipeline, *(o.name for o in node.step.outputs if o.name))]


def _broken(collection: Collection) -> set[str]:
    return {file.file for file in collection.files.values() if file.problems}


def _nothing(targets: Sequence[str], collection: Collection) -> NothingSelected:
    if targets:
        return NothingSelected(f"{', '.join(map(repr, targets))}: there is no step in it")
    if collection.step_files():
        return NothingSelected(
            "the step files define no step", hint="write a public function into one of them"
        )
    return NothingSelected("the project has no step file", hint="create steps_first.py with a function in it")


class _Match(NamedTuple):
    wanted: Wanted
    files: tuple[str, ...] = ()


class _Finder:
    """Finds what one target means."""

    def __init__(self, pipeline: Pipeline, collection: Collection, cwd: Path) -> None:
        self.pipeline = pipeline
        self.collection = collection
        self.root = str(collection.sources.root)
        self.cwd = os.path.abspath(cwd)
        self.aliases = list_aliases(collection)
        self.broken = [f for f in collection.files.values() if f.problems and not f.steps]

    def find(self, target: str) -> _Match:
        for rank in (self._as_id, self._as_path, self._as_pipeline, self._as_step):
            found = rank(target)
            if found is not None:
                return found
        unread = Unread(self.collection)
        name = target.rpartition("::")[2]
        files = tuple(f.file for f in self.broken if name.isidentifier() and unread.may_define(f, name))
        if files:
            return _Match({}, files)
        raise self._unknown(target)

    def _as_id(self, target: str) -> _Match | None:
        place, separator, name = target.rpartition("::")
        if not separator:
            return None
        candidates = [f"{path}::{name}" for path in self._below_root(place)]
        candidates += [f"{file}::{name}" for file in self._files_of_pipeline(place)]
        for id in candidates:
            found = self._branches(id)
            if found:
                return _Match(found, (id.partition("::")[0],))
        files = [c.rpartition("::")[0] for c in candidates]
        return self._output_in(name, [f for f in files if f in self.collection.files])

    def _branches(self, id: str) -> Wanted:
        """Return the node called `id`, or all branches of that step, or those that brackets name."""
        if id in self.pipeline.nodes:
            return {id: None}
        template, text = split_branch(id)
        return _choose([n for n in self.pipeline if n.template == template and (n.axes or n.open)], text)

    def _output_in(self, name: str, files: Sequence[str]) -> _Match | None:
        output, text = split_branch(name)
        for file in files:
            nodes = [
                node
                for node in self.pipeline
                if node.id.partition("::")[0] == file and any(o.name == output for o in node.step.outputs)
            ]
            wanted = _choose(nodes, text)
            if wanted:
                return _Match(wanted, (file,))
            if self.collection.files[file] in self.broken:
                return _Match({}, (file,))
        return None

    def _below_root(self, place: str) -> list[str]:
        """Return the paths below the root that `place` may mean: seen from the current folder first."""
        found = []
        for base in dict.fromkeys((self.cwd, self.root)):
            path = os.path.normpath(os.path.join(base, place))
            for start in dict.fromkeys((self.root, os.path.realpath(self.root))):
                relative = os.path.relpath(path, start).replace(os.sep, "/")
                if not relative.startswith("../") and relative != "..":
                    found.append(relative)
        return list(dict.fromkeys(found))

    def _as_path(self, target: str) -> _Match | None:
        for path in self._below_root(target):
            if path in self.collection.files:
                return _Match(self._nodes_in(path), (path,))
            full = os.path.join(self.root, path)
            if os.path.isdir(full):
                prefix = "" if path == "." else path + "/"
                files = tuple(f.file for f in self.collection.step_files() if f.file.startswith(prefix))
                if files:
                    return _Match(self._nodes_in(*files), files)
            elif os.path.isfile(full):
                raise UsageError(
                    f"{target!r} is no step file", hint=did_you_mean(target, self.collection.files)
                )
        return None

    def _nodes_in(self, *files: str) -> Wanted:
        """Return the nodes of the steps written in `files`; templates in every pipeline."""
        return as_wanted(node.id for node in self.pipeline if node.step.file in files)

    def _as_pipeline(self, target: str) -> _Match | None:
        files = self._files_of_pipeline(target)
        if len(files) > 1:
            raise _ambiguous(target, "pipelines", [self.collection.files[f].pipeline for f in files])
        return _Match(self._nodes_in(files[0]), tuple(files)) if files else None

    def _files_of_pipeline(self, name: str) -> list[str]:
        """Return the files of the pipeline called `name`: by its whole name, else by its last part."""
        files = self.collection.step_files()
        exact = [f.file for f in files if f.pipeline == name]
        return exact or [
            f.file for f in files if name in self.aliases[f.pipeline] or f.pipeline.rpartition("/")[2] == name
        ]

    def _as_step(self, target: str) -> _Match | None:
        name, text = split_branch(target)
        for nodes in (
            [n for n in self.pipeline if n.step.name == name],
            [n for n in self.pipeline if any(o.name == name for o in n.step.outputs)],
        ):
            templates = list(dict.fromkeys(node.template for node in nodes))
            if len(templates) > 1:
                raise _ambiguous(target, "steps", templates)
            chosen = _choose(nodes, text)
            if chosen:
                return _Match(chosen, (next(iter(chosen)).partition("::")[0],))
            if nodes:
                raise _no_branch(target, nodes)
        return None

    def _unknown(self, target: str) -> UsageError:
        known = {node.step.name for node in self.pipeline} | {
            a for names in self.aliases.values() for a in names
        }
        known |= {o.name for node in self.pipeline for o in node.step.outputs if o.name}
        if "::" in target or "/" in target or target.endswith(".py"):
            known |= set(self.pipeline.nodes) | {f.file for f in self.collection.step_files()}
        hint = did_you_mean(target, known)
        if self.broken:
            hint += f" (not read for its errors: {', '.join(f.file for f in self.broken)})"
        return UsageError(f"{target!r} is no step, pipeline, file or folder of this project", hint=hint)


def _choose(nodes: Iterable[Node], text: str | None) -> Wanted:
    """Return those of `nodes` that are meant by what stands in the brackets of a target."""
    chosen: Wanted = {}
    for node in nodes:
        is_meant, test = match_text(node, text)
        if is_meant:
            chosen[node.id] = test
    return chosen


def _no_branch(target: str, nodes: Sequence[Node]) -> UsageError:
    known = [f"{node.step.name}{branch_suffix(node.axes)}" for node in nodes if node.axes]
    if not known:
        return UsageError(f"{target!r}: {nodes[0].step.name!r} has no branches", hint=nodes[0].step.name)
    return UsageError(f"{target!r} is no branch of {nodes[0].step.name!r}", hint=did_you_mean(target, known))


def _ambiguous(target: str, what: str, ids: Sequence[str]) -> UsageError:
    shown = ", ".join(ids[:8]) + (f" and {len(ids) - 8} more" if len(ids) > 8 else "")
    return UsageError(f"{target!r} may mean {len(ids)} {what}: {shown}", hint=f"say which: {ids[0]}")
