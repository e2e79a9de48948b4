"""Draw a graph as text, for Graphviz and for Mermaid, from plain data about its nodes.

In the text form every step that somebody still waits for holds a column; a step that waits is
joined to the columns of what it waits for::

    *      raw
    +-*    split (train, test)
    | +-*  churn
    | '-'-*  metrics
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Rows = Sequence[Mapping[str, Any]]
"""Nodes in order, each with ``node``, ``pipeline``, ``step``, ``outputs`` and ``inputs``."""

COLUMN_LIMIT = 24
"""A graph that needs more columns is listed without lines; nobody could follow them."""

UNICODE = {"node": "●", "go_on": "│", "join": "├", "end": "╰", "cross": "┼", "last": "┴", "line": "─"}
ASCII = {"node": "*", "go_on": "|", "join": "+", "end": "'", "cross": "+", "last": "'", "line": "-"}


def draw_text(rows: Rows, signs: Mapping[str, str] = UNICODE) -> Iterator[tuple[str, str, str]]:
    """Yield (lines, name, remark) for each node from top to bottom."""
    names = short_names(rows)
    drawn = list(_Columns(rows, signs).draw())
    if any(len(line) > 2 * COLUMN_LIMIT for line in drawn):
        drawn = [signs["node"]] * len(drawn)
    width = max((len(line) for line in drawn), default=0)
    for row, line in zip(rows, drawn, strict=True):
        yield line.ljust(width), _label(row, names), _remark(row, names)


def _label(row: Mapping[str, Any], names: Mapping[str, str]) -> str:
    outputs = ", ".join(row["outputs"])
    return names[row["node"]] + (f" ({outputs})" if outputs else "")


def _remark(row: Mapping[str, Any], names: Mapping[str, str]) -> str:
    given = [
        names[i["node"]] + (f".{i['output']}" if i["output"] else "")
        for i in row["inputs"]
        if i["node"] in names
    ]
    return f"<- {', '.join(dict.fromkeys(given))}" if given else ""


def short_names(rows: Rows) -> dict[str, str]:
    """Return for each node its step's name, with the pipeline in front where several share one."""
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["step"]] = counts.get(row["step"], 0) + 1
    return {
        row["node"]: row["step"]
        if counts[row["step"]] == 1
        else f"{row['pipeline']}::{row['node'].partition('::')[2]}"
        for row in rows
    }


class _Columns:
    """Hands out columns: a node keeps its own until its last consumer is drawn."""

    def __init__(self, rows: Rows, signs: Mapping[str, str]) -> None:
        self.rows = rows
        self.signs = signs
        self.columns: list[str | None] = []
        self.left: dict[str, int] = {}
        known = {row["node"] for row in rows}
        self.inputs = {
            row["node"]: [id for id in dict.fromkeys(i["node"] for i in row["inputs"]) if id in known]
            for row in rows
        }
        for inputs in self.inputs.values():
            for id in inputs:
                self.left[id] = self.left.get(id, 0) + 1

    def draw(self) -> Iterator[str]:
        place: dict[str, int] = {}
        for row in self.rows:
            node = row["node"]
            above = {place[id] for id in self.inputs[node]}
            ending = set()
            for id in self.inputs[node]:
                self.left[id] -= 1
                if not self.left[id]:
                    ending.add(place[id])
            own = self._free_column(max(above, default=-1) + 1)
            yield self._line(own, above, ending)
            for column in ending:
                self.columns[column] = None
            place[node] = own
            self.columns[own] = node if self.left.get(node) else None
            while self.columns and self.columns[-1] is None:
                self.columns.pop()

    def _free_column(self, start: int) -> int:
        for column in range(start, len(self.columns)):
            if self.columns[column] is None:
                return column
        self.columns += [None] * (max(start, len(self.columns)) + 1 - len(self.columns))
        return len(self.columns) - 1

    def _line(self, own: int, above: set[int], ending: set[int]) -> str:
        first = min(above, default=own)
        text = ""
        for column in range(max(len(self.columns), own + 1)):
            inside = first < column < own
            text += self._sign(column, own, first, above, ending, inside=inside)
            text += self.signs["line"] if first <= column < own else " "
        return text.rstrip()

    def _sign(
        self, column: int, own: int, first: int, above: set[int], ending: set[int], *, inside: bool
    ) -> str:
        signs = self.signs
        if column == own:
            return signs["node"]
        if column in above:
            if column == first:
                return signs["end"] if column in ending else signs["join"]
            return signs["last"] if column in ending else signs["cross"]
        if self.columns[column] is not None:
            return signs["go_on"]
        return signs["line"] if inside else " "


def draw_dot(rows: Rows) -> Iterator[str]:
    """Yield the lines of a Graphviz digraph, one cluster a pipeline."""
    yield "digraph zenconv {"
    yield "  rankdir=LR; node [shape=box, style=rounded];"
    for number, (pipeline, members) in enumerate(_by_pipeline(rows).items()):
        yield f"  subgraph cluster_{number} {{"
        yield f"    label={_quote(pipeline)};"
        for row in members:
            yield f"    {_quote(row['node'])} [label={_quote(row['step'])}];"
        yield "  }"
    for source, target, output in _edges(rows):
        label = f" [label={_quote(output)}]" if output else ""
        yield f"  {_quote(source)} -> {_quote(target)}{label};"
    yield "}"


def draw_mermaid(rows: Rows) -> Iterator[str]:
    """Yield the lines of a Mermaid flowchart, one subgraph a pipeline."""
    ids = {row["node"]: f"n{number}" for number, row in enumerate(rows)}
    yield "flowchart LR"
    for number, (pipeline, members) in enumerate(_by_pipeline(rows).items()):
        yield f'  subgraph p{number}["{_mermaid_text(pipeline)}"]'
        for row in members:
            yield f'    {ids[row["node"]]}["{_mermaid_text(row["step"])}"]'
        yield "  end"
    for source, target, output in _edges(rows):
        arrow = f'-- "{_mermaid_text(output)}" -->' if output else "-->"
        yield f"  {ids[source]} {arrow} {ids[target]}"


def _by_pipeline(rows: Rows) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["pipeline"], []).append(row)
    return found


def _edges(rows: Rows) -> Iterator[tuple[str, str, str]]:
    known = {row["node"] for row in rows}
    for row in rows:
        for edge in dict.fromkeys((i["node"], i["output"]) for i in row["inputs"]):
            if edge[0] in known:
                yield edge[0], row["node"], edge[1]


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'


def _mermaid_text(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace("\n", " ")
