"""How ``zenconv show`` draws a step: its failure, inputs, outputs, parameters, what it printed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from zenconv.cli.output import escape, format_duration, format_size, print_line, style
from zenconv.cli.reading import show_status, show_time, show_value
from zenconv.cli.tracebacks import frame_texts
from zenconv.cli.verdicts import WORDS, describe_verdict, summarize_verdict
from zenconv.errors import ZenconvError
from zenconv.queries.describing import rerun_command, summarize_facts, summarize_output
from zenconv.queries.loading import read_output
from zenconv.queries.outputs import is_nothing, show_name
from zenconv.records.artifact import Artifact
from zenconv.records.plan import KeyParts
from zenconv.records.run import HAS_RESULT, RunRecord, StepRunRecord

if TYPE_CHECKING:
    from zenconv.queries.history import History

_TAIL_LINES = 20
_TAIL_BYTES = 20_000
_MOST_LINES = 60


def print_step(
    history: History, run: RunRecord, step: StepRunRecord, parts: KeyParts | None, *, verbose: bool
) -> None:
    """Print everything about one step of a run."""
    print_line(f"{style(escape(step.node), 'bold')}  {show_status(step.status)}  in run {run.id}")
    print_facts(
        {
            "written at": escape(step.where),
            "reason": escape(step.reason or step.planned),
            "planned": escape(step.planned) if step.planned != step.reason else "",
            "started": show_time(step.started) if step.started else "",
            "took": _show_times(step),
            "key": escape(step.key) if verbose else escape(step.key[:12]),
        }
    )
    print_attempts(history, step, verbose=verbose)
    if step.error is not None:
        print_heading("failure")
        print_error(step.error)
    print_bindings(step, run.root)
    _print_outputs(step)
    if step.verdict is not None:
        print_verdict(step)
    for warning in step.warnings:
        print_line(f"{style('warning:', 'yellow')} {escape(str(warning))}")
    if verbose and parts is not None:
        print_heading("key")
        print_facts({escape(name): escape(value) for name, value in parts.parts.items()})
    print_tail(history, step, lines=1000 if verbose else _TAIL_LINES)
    if step.status not in HAS_RESULT:
        print_line(f"\nto run it again: {escape(rerun_command(run, step))}")


def print_verdict(step: StepRunRecord) -> None:
    """Print what came out when a reused step was executed again."""
    verdict = step.verdict or {"outcome": ""}
    word, colour = WORDS.get(verdict["outcome"], (verdict["outcome"], "bold"))
    why = summarize_verdict(verdict)
    print_line(f"executed again: {style(word, colour)}" + (f": {escape(why)}" if why else ""))
    for line in describe_verdict(verdict):
        print_line(f"  {escape(line)}")
    if verdict.get("error"):
        print_error(verdict["error"])


def print_failure(history: History, run: RunRecord, step: StepRunRecord) -> None:
    """Print why a step failed, with all that is needed to repeat it."""
    print_line(
        f"\n{style('FAILED', 'red', 'bold')} {style(escape(step.node), 'bold')}  ({escape(step.where)})"
    )
    print_attempts(history, step)
    print_error(step.error or {"type": step.status, "message": ""})
    print_bindings(step, run.root)
    print_tail(history, step, lines=_TAIL_LINES)
    print_line(f"to run it again: {escape(rerun_command(run, step))}")


def print_attempts(history: History, step: StepRunRecord, *, verbose: bool = False) -> None:
    """Print the attempts that failed before the last one: a line each, with `verbose` in full."""
    if not step.attempts:
        return
    print_heading("attempts that failed before")
    for attempt in step.attempts:
        error = attempt.get("error") or {}
        first = str(error.get("message", "")).partition("\n")[0]
        text = ": ".join(part for part in (str(error.get("type", "")), first) if part)
        took = format_duration(attempt.get("seconds", 0.0))
        print_line(f"  {attempt.get('attempt')}  {took}  {style(escape(text), 'red')}")
        if verbose:
            print_error(error)
            if attempt.get("output"):
                output = Artifact.from_json(attempt["output"])
                print_tail(history, attrs.evolve(step, output=output), lines=_TAIL_LINES)


def print_heading(text: str) -> None:
    """Print the name of what follows."""
    print_line(style(text, "dim"))


def print_facts(facts: Mapping[str, str]) -> None:
    """Print names and texts, aligned; what is empty is left out. Everything is escaped already."""
    shown = {name: text for name, text in facts.items() if text}
    width = min(28, max((len(name) for name in shown), default=0))
    for name, text in shown.items():
        print_line(f"  {name.ljust(width)}  {text}")


def print_error(error: Mapping[str, Any]) -> None:
    """Print a failure: its causes first, each with the user's frames; then the hint."""
    for cause in reversed(list(error.get("causes") or ())):
        _print_exception(cause)
        print_line("  which led to:")
    _print_exception(error)
    if error.get("hint"):
        print_line(f"  hint: {escape(str(error['hint']))}")
    for other in error.get("also") or ():
        print_line("  and after that:")
        print_error(other)


def _print_exception(error: Mapping[str, Any]) -> None:
    for frame in error.get("frames") or ():
        place = f"{frame.get('file', '')}:{frame.get('line', '')}"
        print_line(f"  {style(escape(place), 'bold')} in {escape(str(frame.get('function', '')))}")
        for text in frame_texts(frame):
            print_line(f"      {text}")
    first, *rest = str(error.get("message", "")).split("\n")
    head = ": ".join(text for text in (str(error.get("type", "")), first) if text)
    print_line(f"  {style(escape(head), 'red')}")
    for line in rest[:_MOST_LINES]:
        print_line(f"  {escape(line)}")


def print_bindings(step: StepRunRecord, root: str) -> None:
    """Print what each parameter got: the input with its type and shape, or the value with its origin."""
    facts = {}
    for binding in step.bindings:
        name = str(binding.get("parameter", ""))
        facts[escape(name)] = escape(show_value(describe_binding(binding, step.inputs.get(name)), root))
    for name, given in step.inputs.items():
        facts.setdefault(escape(name), escape(_show_given(given)))
    if facts:
        print_heading("inputs")
        print_facts(facts)


def describe_binding(binding: Mapping[str, Any], given: Any) -> str:
    """Return what a parameter got, in a line, from the recorded `binding` and facts about the input."""
    if binding.get("source") == "node":
        output = f".{binding['output']}" if binding.get("output") else ""
        source = f"<- {binding.get('node', '')}{output}"
        return f"{_show_given(given)}  {source}".strip() if given else source
    if binding.get("source") == "collect":
        nodes = [str(node) for _, node, _ in binding.get("branches", ())]
        rest = f" and {len(nodes) - 1} more" if len(nodes) > 1 else ""
        return (
            f"{_show_given(given) if given else ''}  <- {nodes[0]}{rest}".strip() if nodes else "no branches"
        )
    origin = f"  <- {binding['origin']}" if binding.get("origin") else ""
    fixture = f"{binding['source']} " if binding.get("source") in ("fixture", "builtin") else ""
    return f"{fixture}{binding.get('value', '')}{origin}"


def _show_given(given: Any) -> str:
    if not isinstance(given, Mapping):
        return ""
    return summarize_facts({name: value for name, value in given.items() if name != "node"})


def _print_outputs(step: StepRunRecord) -> None:
    if step.live:
        print_line("its value is live: never stored, made again wherever it is needed")
    if not step.outputs:
        return
    print_heading("outputs")
    facts = {}
    for name, artifact in step.outputs.items():
        if name == "" and len(step.outputs) > 1 and is_nothing(artifact):
            continue  # it returned nothing and wrote files: those are its outputs
        size = f"{format_size(artifact.size)}, stored by {artifact.materializer}"
        facts[escape(show_name(name)) or step.step] = f"{escape(summarize_output(artifact))}  {escape(size)}"
    print_facts(facts)


def _show_times(step: StepRunRecord) -> str:
    if step.status not in ("succeeded", "failed"):
        return ""
    return f"{format_duration(step.seconds)} ({format_duration(step.cpu)} CPU)"


def print_tail(history: History, step: StepRunRecord, *, lines: int) -> None:
    """Print the end of what the step printed."""
    if step.output is None:
        return
    try:
        tail, is_cut = _tail(read_output(history, step), lines)
    except ZenconvError as error:
        print_line(f"its output cannot be shown: {escape(error.what)}")
        return
    more = (
        f", the last {len(tail)} lines; all: zenconv logs {step.number} {escape(step.node)}" if is_cut else ""
    )
    print_heading(f"output{more}")
    for line in tail:
        print_line(f"  {escape(line)}")


def _tail(blocks: Iterable[bytes], lines: int) -> tuple[list[str], bool]:
    """Return the last lines of a stream, in constant memory, and whether something came before."""
    kept: deque[bytes] = deque(maxlen=2)
    total = 0
    for block in blocks:
        kept.append(block)
        total += len(block)
    data = b"".join(kept)
    limit = max(_TAIL_BYTES, 200 * lines)
    found = data[-limit:].decode("utf-8", "replace").rstrip("\n").split("\n")
    return found[-lines:], total > limit or len(found) > lines
