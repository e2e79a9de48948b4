"""A file with parameters: what it says, and in which line."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from zenconv.errors import StoreError, UsageError
from zenconv.hooks import ParameterValue


class ParametersFile:
    """Looks parameters up by their keys: ``pipeline.step.p``, ``pipeline.p``, ``step.p``, ``p``."""

    def __init__(self, path: Path, root: Path) -> None:
        self._name = os.path.relpath(path, root) if path.is_relative_to(root) else str(path)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise StoreError(f"cannot read the parameters in {path}: {error.strerror}") from error
        self._version = hashlib.sha256(data).hexdigest()
        try:
            self._values = dict(_flatten(yaml.compose(data, Loader=yaml.SafeLoader)))
        except yaml.YAMLError as error:
            raise UsageError(f"{self._name} is no YAML: {' '.join(str(error).split())}") from error

    def zenconv_resolve_parameter(self, name: str, owner: str, pipeline: str) -> ParameterValue | None:
        """Return what the file says, the most specific key first."""
        dotted = pipeline.replace("/", ".")
        for key in (f"{dotted}.{owner}.{name}", f"{dotted}.{name}", f"{owner}.{name}", name):
            if key in self._values:
                value, line = self._values[key]
                return ParameterValue(value, f"{self._name}:{line}")
        return None

    def zenconv_collection_version(self) -> str:
        """Return the name of the file, and a digest of what is in it."""
        return f"{self._name} {self._version}"


def _flatten(node: Any, prefix: str = "") -> Iterator[tuple[str, tuple[Any, int]]]:
    """Yield every key with its value and its line, tables by themselves and by what is in them."""
    if not isinstance(node, yaml.MappingNode):
        if node is not None and not prefix:
            raise yaml.YAMLError("expected names with values")
        return
    for key_node, value_node in node.value:
        key = f"{prefix}{key_node.value}"
        yield key, (_construct(value_node), key_node.start_mark.line + 1)
        yield from _flatten(value_node, f"{key}.")


def _construct(node: Any) -> Any:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_document(node)
    finally:
        loader.dispose()
