"""Stacks: a named set of components, put together from the settings and the plugins."""

from __future__ import annotations

from zenconv.stack.assemble import Stack, assemble

__all__ = ["Stack", "assemble"]
