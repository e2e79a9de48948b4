"""Python values to files and back: safe formats first, pickles visibly and under the trust rules."""

from __future__ import annotations

from zenconv.hooks.markers import MaterializerSpec
from zenconv.materializers.describing import is_immutable_scalar, type_name
from zenconv.materializers.registry import BUILT_IN, Materializers
from zenconv.materializers.saving import Declined

__all__ = ["BUILT_IN", "Declined", "MaterializerSpec", "Materializers", "is_immutable_scalar", "type_name"]
