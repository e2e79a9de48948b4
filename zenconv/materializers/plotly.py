"""Plotly figures as JSON, with their arrays in files of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects
from plotly._subplots import SubplotRef

from zenconv import hashing
from zenconv.interfaces.materializing import Sink, Source
from zenconv.materializers.encoding import Encoder, dumps
from zenconv.materializers.values import load_description

_PARTS = ("data", "layout", "frames")
_ARRAY, _OBJECTS = "zenconv array", "zenconv objects"
"""What stands for an array; no attribute of a figure has a name with a space."""


class Figures:
    """Stores a Figure: traces, layout and frames, arrays as the arrays they were given as."""

    id = "plotly"
    version = 1
    types = ("plotly.basedatatypes.BaseFigure",)

    def accepts(self, value: Any) -> bool:
        """Return whether it is a plain Figure; a FigureWidget is bound to a notebook."""
        return type(value) is plotly.graph_objects.Figure

    def save(self, value: Any, sink: Sink) -> None:
        """Write what the figure consists of; `Declined` for values that neither JSON nor arrays hold."""
        arrays: list[Any] = []
        node = Encoder().encode(
            {
                "data": _to_plain(value._data, arrays),
                "layout": _to_plain(value._layout, arrays),
                "frames": _to_plain([frame._props for frame in value._frame_objs], arrays),
                "grid": _grid_of(value),
                "grid_text": value._grid_str,
            }
        )
        # The order of attributes comes back, but means nothing.
        sink.set_content(hashing.digest_value("zenconv.plotly.1", node))
        sink.write(dumps(node))
        for array in arrays:
            sink.save_part(array, keep=False)

    def load(self, source: Source) -> Any:
        """Return a new, equal figure."""
        description = load_description(source)
        data, layout, frames = (_from_plain(description[part], source) for part in _PARTS)
        made = plotly.graph_objects.Figure(
            data=[dict(trace) for trace in data],  # Plotly takes "type" out of what it is given
            # Without a template Plotly would add its default one.
            layout={"template": None, **layout},
            frames=frames,
        )
        if "template" not in layout:
            made.layout.template = None
        _reorder([made._data, made._layout], [data, layout])
        made._grid_ref = _read_grid(description["grid"])
        made._grid_str = description["grid_text"]
        return made

    def summarize(self, value: Any) -> Mapping[str, Any]:
        """Return the types of the traces, and the title."""
        title = value.layout.title.text
        facts: dict[str, Any] = {"traces": [trace.type for trace in value.data[:20]]}
        return {**facts, "title": title} if title else facts


def _to_plain(node: Any, arrays: list[Any]) -> Any:
    """Return `node` with numbers for its arrays, which are counted in the order of the sorted names."""
    if isinstance(node, Mapping):
        plain = {name: _to_plain(node[name], arrays) for name in sorted(node)}
        return {name: plain[name] for name in node}
    if type(node) in (list, tuple):
        return type(node)(_to_plain(item, arrays) for item in node)
    if type(node) is not np.ndarray:
        return node
    if node.dtype == object:
        return {_OBJECTS: [list(node.shape), _to_plain(node.ravel().tolist(), arrays)]}
    arrays.append(node)
    return {_ARRAY: len(arrays) - 1}


def _from_plain(node: Any, source: Source) -> Any:
    if type(node) is dict:
        if set(node) == {_ARRAY}:
            return source.load_part(node[_ARRAY], keep=False)
        if set(node) == {_OBJECTS}:
            shape, items = node[_OBJECTS]
            return _object_array(shape, _from_plain(items, source))
        return {name: _from_plain(item, source) for name, item in node.items()}
    return type(node)(_from_plain(item, source) for item in node) if type(node) in (list, tuple) else node


def _reorder(made: Any, like: Any) -> None:
    """Put attributes back in the order in which they were stored, and empty ones that Plotly left out."""
    if type(made) is list and type(like) in (list, tuple) and len(made) == len(like):
        for item, example in zip(made, like, strict=True):
            _reorder(item, example)
    if type(made) is dict and type(like) is dict and made.keys() <= like.keys():
        for name, example in like.items():
            if name in made:
                made[name] = made.pop(name)
                _reorder(made[name], example)
            elif example == {}:
                made[name] = {}


def _object_array(shape: list[int], items: list[Any]) -> Any:
    made = np.empty(len(items), dtype=object)
    for position, item in enumerate(items):
        made[position] = item
    return made.reshape(shape)


def _grid_of(value: Any) -> Any:
    """Return where the subplots of a figure are, which `add_trace` with a row and a column needs."""
    if value._grid_ref is None:
        return None
    return [[cell and [_to_plain(tuple(ref), []) for ref in cell] for cell in row] for row in value._grid_ref]


def _read_grid(grid: Any) -> Any:
    if grid is None:
        return None
    return [[cell and tuple(SubplotRef(*ref) for ref in cell) for cell in row] for row in grid]
