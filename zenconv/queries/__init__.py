"""Reading what was recorded, from a script or a notebook: no server, no import of the project.

::

    runs = zenconv.runs()
    runs["latest"]["metrics"].load()
    zenconv.load("training::churn")
"""

from __future__ import annotations

from zenconv.queries.history import History
from zenconv.queries.views import Run, Runs, StepRun, load, runs

__all__ = ["History", "Run", "Runs", "StepRun", "load", "runs"]
