"""zenconv: pytest for machine-learning pipelines.

Plain functions in ``steps_*.py`` are steps; a parameter's name asks for the step of that name.
Everything public is here and imported on first use, so ``import zenconv`` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zenconv.authoring import (
        Collect,
        Each,
        From,
        Output,
        Over,
        fixture,
        helper,
        mark,
        param,
        parametrize,
        step,
        when,
    )
    from zenconv.hooks.markers import hookimpl
    from zenconv.notebook import Project
    from zenconv.queries import load, runs

__version__ = "0.1.0"

_ORIGINS = {
    "step": "zenconv.authoring",
    "helper": "zenconv.authoring",
    "fixture": "zenconv.authoring",
    "From": "zenconv.authoring",
    "Output": "zenconv.authoring",
    "mark": "zenconv.authoring",
    "Collect": "zenconv.authoring",
    "Each": "zenconv.authoring",
    "Over": "zenconv.authoring",
    "param": "zenconv.authoring",
    "when": "zenconv.authoring",
    "parametrize": "zenconv.authoring",
    "hookimpl": "zenconv.hooks.markers",
    "load": "zenconv.queries",
    "runs": "zenconv.queries",
    "Project": "zenconv.notebook",
}

__all__ = [
    "Collect",
    "Each",
    "From",
    "Output",
    "Over",
    "Project",
    "__version__",
    "fixture",
    "helper",
    "hookimpl",
    "load",
    "mark",
    "param",
    "parametrize",
    "runs",
    "step",
    "when",
]


def __getattr__(name: str) -> Any:
    origin = _ORIGINS.get(name)
    if origin is None:
        raise AttributeError(f"module 'zenconv' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(origin), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
