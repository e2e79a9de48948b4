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
from zenconv.materializers.objects import PickledByReference, save_by_reference
from zenconv.materializers.pickling import ContentPickler, ReferencePickler, dump

PREVIEW = "preview.png"


_PLACE = frozenset({"number", "_restore_to_pylab"})
"""What ties a figure to the windows of one process."""


class FigurePickler(ReferencePickler):
    """Pickles a figure that comes back in no window, wherever it was shown."""

    def reducer_override(self, value: Any) -> Any:
        """Reduce a figure without its place among those of ``pyplot``."""
        if isinstance(value, matplotlib.figure.Figure):
            return _reduced(value, _PLACE)
        return super().reducer_override(value)


class FigureContentPickler(ContentPickler):
    """Leaves out of the content what is found again from the rest, and differs between processes."""

    def reducer_override(self, value: Any) -> Any:
        """Reduce transforms without those that depend on them, and drop who listens to what."""
        if isinstance(value, matplotlib.transforms.TransformNode):
            return _reduced(value, frozenset({"_parents"}))
        if isinstance(value, matplotlib.cbook.CallbackRegistry):
            return type, (type(value),)
        if isinstance(value, matplotlib.figure.Figure):
            return _reduced(value, _PLACE)
        return super().reducer_override(value)


class Figures(PickledByReference):
    """Stores a Figure; the file ``preview.png`` can be shown without unpickling anything."""

    id = "matplotlib"
    version = 1
    types = ("matplotlib.figure.Figure",)

    def save(self, value: Any, sink: Sink) -> None:
        """Write the pickle and the picture."""
        save_by_reference(value, sink, FigurePickler, FigureContentPickler)
        picture = _picture_of(value)
        if picture is not None:
            sink.write(picture, PREVIEW)

    def summarize(self, value: Any) -> Mapping[str, Any]:
        """Return the number of axes, and the title."""
        title = value.get_suptitle() or next((axes.get_title() for axes in value.axes), "")
        facts: dict[str, Any] = {"axes": len(value.axes)}
        return {**facts, "title": title} if title else facts


def _reduced(value: Any, without: frozenset[str]) -> Any:
    state = value.__getstate__()
    return copyreg.__newobj__, (type(value),), {k: held for k, held in state.items() if k not in without}  # type: ignore[attr-defined]


def _picture_of(figure: matplotlib.figure.Figure) -> bytes | None:
    # Of a copy: drawing moves things about in a figure.
    data, buffers, _ = dump(figure, FigurePickler)
    stream = io.BytesIO()
    try:
        pickle.loads(data, buffers=buffers).savefig(stream, format="png")
    except Exception:  # noqa: BLE001  a figure that cannot be drawn is still a figure
        return None
    return stream.getvalue()
