"""Reading what was recorded, from a script or a notebook: no server, no import of the project.

::

    runs = zenconv.runs()
    runs["latest"]["metrics"].load()
    zenconv.load("training::churn")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zenconv.queries.views import Run, Runs, StepRun, load, runs

__all__ = ["Run", "Runs", "StepRun", "load", "runs"]


def __getattr__(name: str) -> Any:
    # Commands read through `History` and need no views.
    if name not in __all__:
        raise AttributeError(f"module 'zenconv.queries' has no attribute {name!r}")
    from zenconv.queries import views

    return getattr(views, name)
