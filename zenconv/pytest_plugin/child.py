"""The process in which a test's run happens: reads a request, runs, answers with a line of JSON.

The request comes through a pipe from the test that started this process, and from nowhere else.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from zenconv.errors import ZenconvError
from zenconv.hooks.manager import load_plugins
from zenconv.project.planning import Selection
from zenconv.project.running import RunOptions, run_project
from zenconv.pytest_plugin.isolation import isolate_settings
from zenconv.records.events import Event, Notice, PlanReady, ProjectFailed, StepFinished, StepsReused


def main() -> None:
    """Do what the request asks for."""
    answer_stream = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what anybody prints is no answer
    request = pickle.load(sys.stdin.buffer)
    sys.path[:] = [*request["path"]]
    try:
        answer = _run(request)
    except ZenconvError as error:
        answer = {"exit_code": error.exit_code, "error": str(error)}
    json.dump(answer, answer_stream)
    answer_stream.close()


def _run(request: Mapping[str, Any]) -> dict[str, Any]:
    replacements = {name: _as_function(value) for name, value in request["replacements"].items()}
    settings = isolate_settings(
        Path(request["root"]), Path(request["private"]), request["params"], replacements, request["workers"]
    )
    names = settings.plugins
    selection = Selection(request["targets"], request["keyword"], force=request["force"])
    failures: list[str] = []
    run, finished = run_project(
        settings,
        RunOptions(selection, ("run", *request["targets"])),
        partial(load_plugins, enabled=names.enabled, disabled=names.disabled, where=names.where),
        partial(_tell, failures),
    )
    is_recorded = finished.exit_code not in (4, 5)
    return {
        "run": run if is_recorded else "",
        "exit_code": finished.exit_code,
        "error": "\n".join(failures),
    }


def _as_function(value: Any) -> Callable[..., Any]:
    return value if callable(value) and not isinstance(value, type) else lambda: value


def _tell(failures: list[str], event: Event) -> None:
    from zenconv.engine.failures import text_of

    if isinstance(event, PlanReady):
        sys.stderr.write(f"{event.start + len(event.nodes)} steps planned\n")
    elif isinstance(event, StepsReused):
        sys.stderr.writelines(f"{step['node']}  reused\n" for step in event.steps)
    elif isinstance(event, StepFinished):
        sys.stderr.write(f"{event.node}  {event.status}  {event.reason}\n")
        if event.error is not None:
            failures.append(f"{event.node} failed\n{text_of(event.error)}")
    elif isinstance(event, Notice):
        sys.stderr.write(f"{event.level}: {event.text}\n")
    elif isinstance(event, ProjectFailed):
        failures.append(event.message)


if __name__ == "__main__":
    main()
