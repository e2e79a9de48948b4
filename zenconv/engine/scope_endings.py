"""The end of a pipeline or the run: tear down its fixtures, and say what failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from zenconv.engine.capture import Capture
from zenconv.engine.failures import ProjectFiles, describe_failure, text_of
from zenconv.engine.forks import ForkWatch
from zenconv.engine.resources import Resources
from zenconv.engine.secrets import Secrets
from zenconv.records.events import OVER, Notice


@attrs.define(eq=False, repr=False)
class ScopeEndings:
    """Ends what outlives single steps; `tell` hears beforehand which fixtures those are, and then `OVER`.

    Whoever hears it can tell what was going on if the process does not survive. `examine` is called
    with each failure, and plain data about it.
    """

    resources: Resources
    capture: Capture
    secrets: Secrets
    files: ProjectFiles
    forks: ForkWatch
    tell: Callable[[str], object] = lambda _names: None
    examine: Callable[[BaseException, Mapping[str, Any]], object] = lambda _failure, _described: None

    def end_pipeline(self, pipeline: str) -> list[Notice]:
        """Tear down what was made for one pipeline; return what failed on the way."""
        names = self.resources.describe("pipeline", pipeline)
        return self._end(names, lambda: self.resources.end_pipeline(pipeline))

    def end_run(self) -> list[Notice]:
        """Tear down everything that is left; return what failed on the way."""
        return self._end(self.resources.describe(), self.resources.end_run)

    def _end(self, names: str, tear_down: Callable[[], list[BaseException]]) -> list[Notice]:
        if not names:
            return []
        self.tell(names)
        self.capture.flush()
        start = self.capture.spool.size()
        with self.forks:
            failures = tear_down()
        self.capture.flush()
        printed = self.capture.spool.cut(start)
        self.tell(OVER)
        return [Notice(self._describe(failure, printed), "error") for failure in failures]

    def _describe(self, failure: BaseException, printed: bytes) -> str:
        described = self.secrets.redact(describe_failure(failure, self.files))
        self.examine(failure, described)
        text = text_of(described)
        if printed:
            text += "\nwhat was printed meanwhile:\n" + printed.decode("utf-8", "replace").rstrip()
        redacted: str = self.secrets.redact("\n".join(f"    {line}" for line in text.splitlines()))
        return f"a teardown failed\n{redacted}"
