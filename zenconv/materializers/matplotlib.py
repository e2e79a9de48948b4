"""Matplotlib figures: a pickle, which brings them back whole, and a picture for those who only look."""

from __future__ import annotations

import copyreg
import io
import pickle
from collections.abc import Mapping
from typing import Any

import matplotlib.cbook
import matplotlib.figure
import matplotlib.transforms

from zenconv.interfaces.materializing import Sink
from zenconv.materializers.objects import PickledByReference
from zenconv.materializers.pickling import dump

PREVIEW = "preview.png"


_PLACE = frozenset({"number", "_number", "_restore_to_pylab"})
"""What ties a figure to the windows of one process."""


class Figures(PickledByReference):
    """Stores a Figure; the file ``preview.png`` can be shown without unpickling anything."""

    id = "matplotlib"
    version = 1
    types = ("matplotlib.figure.Figure",)

    def save(self, value: Any, sink: Sink) -> None:
        """Write the pickle and the picture."""
        super().save(value, sink)
        picture = _picture_of(value)
        if picture is not None:
            sink.write(picture, PREVIEW)

    def summarize(self, value: Any) -> Mapping[str, Any]:
        """Return the number of axes, and the title."""
        title = value.get_suptitle() or next(filter(None, (axes.get_title() for axes in value.axes)), "")
        facts: dict[str, Any] = {"axes": len(value.axes)}
        return {**facts, "title": title} if title else facts


def reduce_figure(figure: matplotlib.figure.Figure, _storages: dict[int, Any]) -> Any:
    """Return how to pickle a figure that comes back in no window, wherever it was shown."""
    return _reduced(figure, _PLACE)


def reduce_for_content(value: Any) -> Any:
    """Return how to hash an object of Matplotlib, without what is found again from the rest of a figure."""
    if isinstance(value, matplotlib.transforms.TransformNode):
        return _reduced(value, frozenset({"_parents"}))  # known by their addresses
    if isinstance(value, matplotlib.cbook.CallbackRegistry):
        return type, (type(value),)
    return NotImplemented


def _reduced(value: Any, without: frozenset[str]) -> Any:
    state = {name: held for name, held in value.__getstate__().items() if name not in without}
    return copyreg.__newobj__, (type(value),), state  # type: ignore[attr-defined]


def _picture_of(figure: matplotlib.figure.Figure) -> bytes | None:
    # Of a copy: drawing moves things about in a figure.
    data, buffers, _ = dump(figure)
    stream = io.BytesIO()
    try:
        pickle.loads(data, buffers=buffers).savefig(stream, format="png")
    except Exception:  # noqa: BLE001  a figure that cannot be drawn is still a figure
        return None
    return stream.getvalue()
