"""Figures come back whole; looking at one needs no pickle; two processes agree on their content."""

from __future__ import annotations

import datetime
import io
from typing import Any

import numpy as np
import pandas as pd
import pytest

from zenconv.errors import UntrustedArtifact

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def pyplot() -> Any:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as pyplot

    yield pyplot
    pyplot.close("all")


def drawn(figure: Any) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()


def curve(pyplot: Any, last: float = 3) -> Any:
    figure, axes = pyplot.subplots(1, 2)
    axes[0].plot([1, 2, last], label="one")
    axes[0].legend()
    axes[1].imshow(np.eye(3))
    axes[1].set_title("picture")
    return figure


def test_a_figure_of_pyplot_comes_back_in_no_window(shelf: Any, pyplot: Any) -> None:
    figure = curve(pyplot)
    artifact = shelf.save(figure)
    again = shelf.load(artifact)
    assert pyplot.get_fignums() == [1]
    assert drawn(again) == drawn(figure)
    again.axes[0].plot([3, 1])
    assert artifact.summary == {"axes": 2, "title": "picture"}


def test_its_picture_can_be_read_without_trust(shelf: Any, pyplot: Any) -> None:
    artifact = shelf.save(curve(pyplot))
    with pytest.raises(UntrustedArtifact):
        shelf.load(artifact, allowed=False)
    (preview,) = [file for file in artifact.files if file.name == "preview.png"]
    with shelf.store.open(preview.digest) as stream:
        assert stream.read(4) == b"\x89PNG"


def test_equal_figures_have_one_content_and_saving_changes_none(shelf: Any, pyplot: Any) -> None:
    figure = curve(pyplot)
    content = shelf.save(figure).content
    assert shelf.save(figure).content == content
    assert shelf.save(curve(pyplot)).content == content
    assert shelf.save(curve(pyplot, last=4)).content != content


def test_figures_inside_other_values_have_one_content_too(shelf: Any, pyplot: Any) -> None:
    first, second = (shelf.save({"roc": curve(pyplot), "auc": 0.9}) for _ in range(2))
    assert first.content == second.content
    assert drawn(shelf.load(first)["roc"]) == drawn(curve(pyplot))
    assert len(pyplot.get_fignums()) == 3


def test_a_figure_with_code_in_it_comes_back(shelf: Any, pyplot: Any) -> None:
    figure = curve(pyplot)
    figure.axes[0].xaxis.set_major_formatter(lambda value, position: f"{value:.0f} km")
    assert drawn(shelf.round_trip(figure)) == drawn(figure)


def plotly_figures() -> dict[str, Any]:
    def express(kind: str, **options: Any) -> Any:
        express = pytest.importorskip("plotly.express")
        frame = pd.DataFrame(
            {
                "a": [1, 2, 3],
                "b": [3.0, 2.0, 1.0],
                "c": ["x", "y", "z"],
                "d": pd.date_range("2020-01-01", periods=3),
            }
        )
        return getattr(express, kind)(frame, **options)

    def plain(*traces: Any, **options: Any) -> Any:
        return pytest.importorskip("plotly.graph_objects").Figure(*traces, **options)

    def without_template() -> Any:
        figure = plain(data=[{"type": "bar", "y": [1, 2]}])
        figure.layout.template = None
        return figure

    return {
        "scatter": lambda: express("scatter", x="a", y="b", color="c", title="points"),
        "line of dates": lambda: express("line", x="d", y="b"),
        "animation": lambda: express("bar", x="c", y="b", animation_frame="a"),
        "facets": lambda: express("scatter", x="a", y="b", facet_col="c"),
        "empty": plain,
        "heat map": lambda: plain(data=[{"type": "heatmap", "z": np.eye(3)}]),
        "lists": lambda: plain(data=[{"type": "scatter", "x": [datetime.date(2020, 1, 1)], "y": (1,)}]),
        "no template": without_template,
    }


@pytest.mark.parametrize("name", plotly_figures())
def test_a_plotly_figure_comes_back_equal_without_a_pickle(shelf: Any, name: str) -> None:
    pytest.importorskip("plotly")
    figure = plotly_figures()[name]()
    again = shelf.safe_round_trip(figure)
    assert again == figure
    assert again.to_json() == figure.to_json()
    assert shelf.save(again).content == shelf.save(plotly_figures()[name]()).content
    for mine, other in zip(figure.data, again.data, strict=True):
        assert {name: type(mine[name]) for name in mine} == {name: type(other[name]) for name in other}


def test_a_trace_can_be_added_to_a_loaded_subplot(shelf: Any) -> None:
    pytest.importorskip("plotly")
    from plotly.subplots import make_subplots

    figure = make_subplots(rows=2, cols=1)
    again = shelf.safe_round_trip(figure)
    for each in (figure, again):
        each.add_bar(y=[1, 2], row=2, col=1)
    assert again == figure


def test_different_plotly_figures_have_different_contents(shelf: Any) -> None:
    pytest.importorskip("plotly")
    figures = [make() for make in plotly_figures().values()]
    assert len({shelf.save(figure).content for figure in figures}) == len(figures)


def test_a_figure_widget_is_left_to_others(shelf: Any) -> None:
    go = pytest.importorskip("plotly.graph_objects")
    from zenconv.materializers.plotly import Figures

    class Widget(go.Figure):
        pass

    assert not Figures().accepts(Widget())
