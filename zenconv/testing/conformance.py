"""A plugin of pytest that records which suites a package's components have passed.

::

    # pyproject.toml
    [tool.pytest.ini_options]
    addopts = ["-p", "zenconv.testing.conformance"]

A suite says by `package` and `component` what it is about. ``pytest --record-conformance`` then
writes ``conformance.json`` into the package, which `zenconv plugins` shows. Nothing is recorded of a
suite of which a test failed, or was not run.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from zenconv.hooks.conformance import Conformance, write_conformance
from zenconv.testing.suites import ConformanceSuite

_OPTION = "--record-conformance"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer ``--record-conformance``."""
    text = "record which suites of zenconv the components of this package have passed"
    parser.getgroup("zenconv").addoption(_OPTION, action="store_true", help=text)


def pytest_configure(config: pytest.Config) -> None:
    """Take part where it is asked for."""
    if config.getoption(_OPTION):
        if config.getoption("dist", "no") != "no" or hasattr(config, "workerinput"):
            raise pytest.UsageError(f"{_OPTION} needs all tests in one process: leave out -n")
        config.pluginmanager.register(_Recorder(), "zenconv-conformance")


class _Recorder:
    """Notes what became of each test of a suite."""

    def __init__(self) -> None:
        self._suites: dict[str, type[ConformanceSuite]] = {}
        self._outcomes: dict[type[ConformanceSuite], dict[str, str]] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            suite = getattr(item, "cls", None)
            if isinstance(suite, type) and issubclass(suite, ConformanceSuite) and suite.package:
                self._suites[item.nodeid] = suite

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        suite = self._suites.get(report.nodeid)
        if suite is None:
            return
        outcomes = self._outcomes.setdefault(suite, {})
        before = outcomes.get(report.nodeid, "")
        if report.failed or (report.when == "call" and not before) or report.skipped:
            outcomes[report.nodeid] = "failed" if "failed" in (before, report.outcome) else report.outcome

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        packages: dict[str, list[Conformance]] = {}
        for suite, outcomes in self._outcomes.items():
            reason = _find_reason(suite, outcomes)
            if reason:
                terminalreporter.write_line(f"conformance of {suite.component!r} is not recorded: {reason}")
            else:
                packages.setdefault(suite.package, []).append(_describe(suite, outcomes))
        for package, found in packages.items():
            path = write_conformance(_folder_of(package), found)
            terminalreporter.write_line(f"conformance recorded: {path}")


def _find_reason(suite: type[ConformanceSuite], outcomes: dict[str, str]) -> str:
    """Return why the outcome of a suite is no record, empty if it is one."""
    failed = [name for name, outcome in outcomes.items() if outcome == "failed"]
    if failed:
        return f"{len(failed)} failed"
    run = {_function_of(name) for name in outcomes}
    left = [name for name in _tests_of(suite) if name not in run]
    if left:
        return f"not run: {', '.join(left)}"
    return "" if "passed" in outcomes.values() else "all were skipped"


def _describe(suite: type[ConformanceSuite], outcomes: dict[str, str]) -> Conformance:
    from zenconv import __version__

    skipped = {_function_of(name) for name, outcome in outcomes.items() if outcome == "skipped"}
    passed = {_function_of(name) for name in outcomes} - skipped
    name = next(base.__name__ for base in suite.__mro__ if base.__module__.startswith("zenconv.testing"))
    return Conformance(suite.kind, suite.component, name, __version__, tuple(passed), tuple(skipped))


def _tests_of(suite: type[ConformanceSuite]) -> Iterator[str]:
    return (name for name in dir(suite) if name.startswith("test_"))


def _function_of(node: str) -> str:
    return node.rpartition("::")[2].partition("[")[0]


def _folder_of(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise pytest.UsageError(f"no package {package!r} to record conformance in")
    return Path(spec.origin).parent
