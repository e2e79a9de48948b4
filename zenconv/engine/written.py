"""Places to write, ``path: Output[Path]``: what a step leaves there is stored, and put back on reuse."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from zenconv.engine.outputs import OutputsError
from zenconv.interfaces.storing import ArtifactStore
from zenconv.materializers import Materializers
from zenconv.records.artifact import Artifact
from zenconv.records.step import Binding, Node

PREFIX = "@"
"""Marks, among the outputs of a step, the name of a parameter that is a place to write."""


def places(node: Node) -> list[Binding]:
    """Return the parameters of `node` that are places to write."""
    return [binding for binding in node.bindings if binding.is_output]


def returned_outputs(outputs: Mapping[str, Artifact]) -> dict[str, Artifact]:
    """Return the outputs that the step returned, without what it wrote."""
    return {name: artifact for name, artifact in outputs.items() if not name.startswith(PREFIX)}


def written_outputs(written: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was written, given by parameter, by the name of its output."""
    return {PREFIX + parameter: path for parameter, path in written.items()}


def make_place(binding: Binding, root: Path, spare: Path) -> Path:
    """Return the path a step may write to; its folder is there. Without a configured one, in `spare`."""
    path = spare / binding.parameter if binding.value is None else root / binding.value
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def write_elsewhere(node: Node, folder: Path) -> Node:
    """Return `node` with its places to write in `folder`, under the same names."""
    bindings = [
        attrs.evolve(b, value=os.path.join(folder, b.parameter, os.path.basename(b.value)))
        if b.is_output and b.value is not None
        else b
        for b in node.bindings
    ]
    return attrs.evolve(node, bindings=tuple(bindings))


def save_written(
    node: Node, arguments: Mapping[str, Any], materializers: Materializers, store: ArtifactStore
) -> Iterator[tuple[str, Artifact]]:
    """Store what the step wrote, by output name. `OutputsError` where it wrote nothing."""
    for binding in places(node):
        path = arguments[binding.parameter]
        if not os.path.exists(path):
            raise OutputsError(
                f"wrote nothing to its output {binding.parameter!r} ({path})",
                hint="write a file or folder there, or take `Output` off the parameter",
            )
        where = f"{node.id} output {binding.parameter!r}"
        yield PREFIX + binding.parameter, materializers.save(path, store, where=where)


def is_written(node: Node, outputs: Mapping[str, Artifact], root: Path, materializers: Materializers) -> bool:
    """Return whether what a reused step had written is all there, so that nothing has to be put back."""
    for binding in places(node):
        if binding.value is not None:
            path = root / binding.value
            artifact = outputs[PREFIX + binding.parameter]
            if not os.path.exists(path) or materializers.content_of(path) != artifact.content:
                return False
    return True


def restore_written(
    node: Node,
    outputs: Mapping[str, Artifact],
    root: Path,
    scratch: Path,
    materializers: Materializers,
    store: ArtifactStore,
) -> None:
    """Put back what a reused step had written, where it is missing or differs."""
    for binding in places(node):
        if binding.value is None:
            continue
        path = make_place(binding, root, scratch)
        artifact = outputs[PREFIX + binding.parameter]
        if os.path.exists(path):
            if materializers.content_of(path) == artifact.content:
                continue
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        copy = materializers.load(artifact, store, allowed=False, private=scratch)
        shutil.move(copy, path)
