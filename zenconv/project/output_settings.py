"""Check the table ``outputs`` against the steps and materializers there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from zenconv.engine.output_choices import means_node
from zenconv.engine.written import places
from zenconv.errors import Problem, SettingsError, did_you_mean
from zenconv.records.step import Node, Pipeline
from zenconv.settings.settings import BRANCH, OutputSettings, Settings


def check_outputs(
    settings: Settings, pipeline: Pipeline, materializers: Sequence[str], *, is_whole: bool
) -> None:
    """Raise `SettingsError` with every mistake of the table ``outputs``.

    Parameters
    ----------
    pipeline
        All steps of the project.
    materializers
        The ids there are.
    is_whole
        Whether no step can be missing because of a mistake elsewhere.
    """
    problems = [
        problem
        for output in settings.outputs
        for problem in _find_problems(output, pipeline, materializers, is_whole=is_whole)
    ]
    if problems:
        raise SettingsError(problems=tuple(problems))


def _find_problems(
    output: OutputSettings, pipeline: Pipeline, materializers: Sequence[str], *, is_whole: bool
) -> Iterator[Problem]:
    if output.materializer and output.materializer not in materializers:
        exists = did_you_mean(output.materializer, materializers)
        hint = "only ids of installed plugins; `zenconv plugins` lists them"
        yield _problem(output, f"there is no materializer {output.materializer!r}", exists, hint)
    nodes = [node for node in pipeline if means_node(output, node)]
    if not nodes:
        if is_whole:
            yield _problem(
                output, "there is no such step", did_you_mean(output.name, _names(output, pipeline))
            )
        return
    without = [node for node in nodes if not _has_output(output, node)]
    if without:
        names = [name for node in without for name in _output_names(node)]
        what = f"{without[0].id} has no output {output.output!r}"
        yield _problem(output, what, did_you_mean(output.output or "", names))
    elif output.export:
        yield from _find_doubts(output, nodes)


def _find_doubts(output: OutputSettings, nodes: Sequence[Node]) -> Iterator[Problem]:
    """Yield why it is not clear what is to be written to the file."""
    if any(node.step.shape == "each" for node in nodes):
        yield _problem(output, f"{nodes[0].id} returns items", hint="write the steps that take them to files")
        return
    several = [node for node in nodes if output.output is None and len(_output_names(node)) > 1]
    if several:
        names = ", ".join(f'"{output.name}.{name}"' for name in _output_names(several[0]))
        yield _problem(output, f"{several[0].id} has several outputs", hint=f"name one: {names}")
    templates = list(dict.fromkeys(node.template for node in nodes))
    if len(templates) > 1:
        what = f"several steps would be written to {output.export!r}: {', '.join(templates)}"
        yield _problem(
            output, what, hint=f'write the pipeline in front: "{nodes[0].pipeline}::{output.name}"'
        )
    elif BRANCH not in output.export and len(nodes) > 1:
        what = f"{len(nodes)} branches would be written to {output.export!r}"
        yield _problem(output, what, hint=f"put {BRANCH} into the path")


def _has_output(output: OutputSettings, node: Node) -> bool:
    return output.output is None or output.output in _output_names(node)


def _output_names(node: Node) -> list[str]:
    returned = [output.name for output in node.step.outputs if output.name]
    return [*returned, *(binding.parameter for binding in places(node))]


def _names(output: OutputSettings, pipeline: Pipeline) -> list[str]:
    place = [f"{node.pipeline}::" if output.place else "" for node in pipeline]
    return [prefix + node.step.name for prefix, node in zip(place, pipeline, strict=True)]


def _problem(output: OutputSettings, what: str, exists: str = "", hint: str = "") -> Problem:
    file, _, line = output.where.rpartition(":")
    return Problem(
        f"outputs.{output.name!r}: {what}",
        file if line.isdigit() else output.where,
        int(line) if line.isdigit() else 0,
        exists,
        hint,
    )
