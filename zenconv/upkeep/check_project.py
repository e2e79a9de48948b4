"""Whether the project can be collected and planned, and what it reaches; asked in a process of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from zenconv.engine.guard import ask_child
from zenconv.engine.reserving import find_infeasible
from zenconv.errors import Problem, SettingsError, ZenconvError
from zenconv.frozen import Frozen
from zenconv.hooks.manager import Plugins
from zenconv.project.planning import Planner, Selection
from zenconv.project.resource_check import is_remote
from zenconv.records.step import Node, Pipeline
from zenconv.settings import Settings
from zenconv.settings.machine import Machine
from zenconv.upkeep.findings import Finding, Section, count

SECTION = Section("project")


@attrs.frozen(eq=False, repr=False)
class CheckedProject(Frozen):
    """The findings; the `packages` its steps reach, by version; and what they need of an orchestrator."""

    findings: list[Finding]
    packages: Mapping[str, str] = attrs.field(factory=dict)
    needs: Mapping[str, list[str]] = attrs.field(factory=dict)
    is_sound: bool = False


def check_project(settings: Settings, plugins: Plugins, *, has_store: bool = True) -> CheckedProject:
    """Collect and plan everything; nothing of it is run. `has_store`: what can be reused is known."""

    def ask(tell: Callable[[str], None]) -> Any:
        planner = Planner.open(settings, Selection(), plugins, tell)
        plan = planner.plan(Selection())
        return {
            "steps": len(plan.pipeline),
            "pipelines": len({node.pipeline for node in plan.pipeline}),
            "warnings": [*planner.warnings(), *map(str, planner.decider.keys.warnings())],
            "runs": sum(decision.action != "reuse" for decision in plan.decisions.values()),
            "secrets": [attrs.astuple(problem) for problem in _missing_secrets(plan.pipeline)],
            "resources": _infeasible(settings, plugins, plan.pipeline),
            "packages": _packages(planner),
            "needs": _needs(plan.pipeline),
        }

    try:
        answer = ask_child(ask, settings.root)
    except ZenconvError as error:
        return CheckedProject(SECTION.failures("project", error))
    findings = [SECTION.warning("project", text) for text in dict.fromkeys(answer["warnings"])]
    secrets = [Problem(*values) for values in answer["secrets"]]
    findings += [SECTION.error("secrets", str(problem), SettingsError.exit_code) for problem in secrets]
    short = [Problem(*values) for values in answer["resources"]]
    findings += [SECTION.error("resources", str(problem), SettingsError.exit_code) for problem in short]
    steps = f"{count(answer['steps'], 'step')} in {count(answer['pipelines'], 'pipeline')}"
    findings.append(SECTION.ok("project", f"{steps}, {answer['runs']} to run" if has_store else steps))
    return CheckedProject(findings, answer["packages"], answer["needs"], is_sound=True)


def _infeasible(settings: Settings, plugins: Plugins, pipeline: Pipeline) -> list[tuple[Any, ...]]:
    if is_remote(settings, plugins) or all(node.marks.resources is None for node in pipeline):
        return []
    problems = dict.fromkeys(find_infeasible(pipeline, Machine.find()))
    return [attrs.astuple(problem) for problem in problems]


def _missing_secrets(pipeline: Pipeline) -> Iterator[Problem]:
    for node in pipeline:
        for binding in node.bindings:
            for name in filter(None, binding.secret.split(",")):
                if name not in os.environ:
                    who = f"parameter {binding.parameter!r} of step {node.step.name!r}"
                    yield Problem(
                        f"{who} needs the variable {name}",
                        *_place(binding.origin),
                        hint=f"set {name} before the run",
                    )


def _place(origin: str) -> tuple[str, int]:
    file, _, line = origin.rpartition(":")
    return (file, int(line)) if line.isdigit() else (origin, 0)


def _packages(planner: Planner) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in planner.pipeline:
        found.update(planner.code.of(node.step).distributions)
    return dict(sorted(found.items()))


def _needs(pipeline: Pipeline) -> dict[str, list[str]]:
    tests: dict[str, Callable[[Node], bool]] = {
        "async": lambda node: node.step.is_async,
        "gpu": lambda node: node.marks.resources is not None and node.marks.resources.gpu > 0,
    }
    needs = {name: [node.id for node in pipeline if test(node)] for name, test in tests.items()}
    return {name: nodes for name, nodes in needs.items() if nodes}
