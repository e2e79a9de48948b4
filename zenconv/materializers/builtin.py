"""The built-in materializers, offered exactly as those of an installed plugin are."""

from __future__ import annotations

from zenconv.hooks.markers import MaterializerSpec, hookimpl


@hookimpl
def zenconv_materializers() -> list[MaterializerSpec]:
    """Offer what this package writes: JSON values, arrays, frames, estimators, tensors, files."""
    from zenconv.materializers.registry import BUILT_IN

    return list(BUILT_IN)
