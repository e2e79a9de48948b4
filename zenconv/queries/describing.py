"""Runs and steps as plain JSON data, for ``--json`` and for whoever draws them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from zenconv.queries.outputs import show_name
from zenconv.records.artifact import Artifact
from zenconv.records.plan import KeyParts
from zenconv.records.run import RunRecord, StepRunRecord


def describe_run(run: RunRecord, *, with_environment: bool = False) -> dict[str, Any]:
    """Return the facts about a run; packages only with `with_environment`."""
    environment = dict(run.environment)
    packages = environment.pop("packages", {})
    if with_environment:
        environment["packages"] = packages
    return {
        "id": run.id,
        "number": run.number,
        "status": run.status,
        "exit_code": run.exit_code,
        "started": run.started,
        "finished": run.finished,
        "seconds": run.seconds,
        "arguments": list(run.arguments),
        "stack": run.stack,
        "sample": run.sample,
        "pipelines": list(run.pipelines),
        "counts": dict(run.counts),
        "verified": dict(run.verified),
        "error": run.error,
        "notices": [{"level": level, "text": text} for level, text in run.notices],
        "environment": environment,
    }


def describe_artifact(artifact: Artifact) -> dict[str, Any]:
    """Return the facts about a stored output, without its bytes."""
    return {
        "type": artifact.type,
        "size": artifact.size,
        "materializer": artifact.materializer,
        "content": artifact.content,
        "stored": artifact.stored,
        "summary": dict(artifact.summary),
        "runs_code": artifact.needs_trust,
    }


def describe_step(step: StepRunRecord, parts: KeyParts | None = None) -> dict[str, Any]:
    """Return the facts about a step of a run, with the `parts` of its key if given."""
    facts: dict[str, Any] = {
        "run": step.run,
        "node": step.node,
        "pipeline": step.pipeline,
        "step": step.step,
        "file": step.file,
        "line": step.line,
        "status": step.status,
        "action": step.action,
        "reason": step.reason or step.planned,
        "key": step.key,
        "started": step.started,
        "finished": step.finished,
        "seconds": step.seconds,
        "cpu": step.cpu,
        "outputs": {show_name(name): describe_artifact(item) for name, item in step.outputs.items()},
        "live": step.live,
        "output": {"size": step.output.size} if step.output else None,
        "inputs": dict(step.inputs),
        "bindings": [dict(binding) for binding in step.bindings],
        "warnings": list(step.warnings),
        "error": dict(step.error) if step.error else None,
        "attempts": [dict(attempt) for attempt in step.attempts],
        "verdict": dict(step.verdict) if step.verdict else None,
    }
    if parts is not None:
        facts["parts"] = dict(parts.parts)
    return facts


_KEPT_FLAGS = (
    ("--set",),
    ("--override",),
    ("-o", "--setting"),
    ("-c", "--config"),
    ("-p", "--plugin"),
)
"""Flags of `zenconv run` without which a step would not run as it did."""


def rerun_command(run: RunRecord, step: StepRunRecord) -> str:
    """Return the command that executes `step` again as it was executed in `run`."""
    import shlex

    words = ["zenconv", "run", step.node.replace(f"@{run.sample}", "", 1) if run.sample else step.node]
    if run.sample:
        words += ["--sample", run.sample]
    if run.stack and run.stack != "local":
        words += ["--stack", run.stack]
    for flags in _KEPT_FLAGS:
        words += [word for text in list_values(run.arguments, *flags) for word in (flags[0], text)]
    return shlex.join(words)


def list_settings(arguments: Iterable[str]) -> list[str]:
    """Return what ``--set`` said on the command line of a run."""
    return list_values(arguments, "--set")


def list_values(arguments: Iterable[str], *flags: str) -> list[str]:
    """Return what was given to a flag, by any of its names, on the command line of a run."""
    found = []
    words = iter(arguments)
    for word in words:
        if word in flags:
            found.append(next(words, ""))
            continue
        for flag in flags:
            is_long = flag.startswith("--")
            if word.startswith(f"{flag}=" if is_long else flag) and (is_long or not word.startswith("--")):
                found.append(word.removeprefix(f"{flag}=" if is_long else flag))
    return [text for text in found if text]


def summarize_output(artifact: Artifact) -> str:
    """Return what a stored output is, in a line: type and shape, or the name of a file."""
    facts = dict(artifact.summary)
    if artifact.materializer.startswith("paths/"):
        facts.pop("bytes", None)  # its size is shown anyway
        return summarize_facts({"type": "", **facts})
    return summarize_facts({"type": artifact.type, **facts})


def summarize_facts(facts: Mapping[str, Any]) -> str:
    """Return ``pandas.DataFrame 100 x 4`` from the recorded facts about a value."""
    type_name = str(facts.get("type", ""))
    rest = {name: value for name, value in facts.items() if name not in ("type", "shape")}
    shape = facts.get("shape")
    sides = " x ".join(str(side) for side in shape) if isinstance(shape, list | tuple) else ""
    notes = ", ".join(f"{name} {_short(value)}" for name, value in rest.items())
    return "  ".join(text for text in (f"{type_name} {sides}".strip(), notes) if text)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 80 else text[:79] + "…"
