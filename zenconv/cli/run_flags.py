"""The flags of ``zenconv run``: pytest's names and meanings wherever it has them."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
import click

from zenconv.cli.tracebacks import STYLES
from zenconv.frozen import Frozen

if TYPE_CHECKING:
    from zenconv.cli.options import CommonOptions
    from zenconv.engine.portion import Portion
    from zenconv.project.planning import Selection
    from zenconv.project.replacing import Replacement

F = TypeVar("F", bound=Callable[..., Any])


@attrs.frozen(eq=False, repr=False)
class RunFlags(Frozen):
    """What the flags of one ``zenconv run`` say; each field is described where its flag is."""

    targets: tuple[str, ...]
    only_plan: bool
    keyword: str
    marks: str
    last_failed: bool
    failed_first: bool
    begin: tuple[str, ...]
    only: tuple[str, ...]
    replace: tuple[str, ...]
    stop_on_failure: bool
    most_failures: int
    live_output: bool
    debug: bool
    debugger: str
    force: tuple[str, ...]
    verify: str | None
    timeout: str | None
    strict_markers: bool
    only_markers: bool
    only_fixtures: bool
    only_collect: bool
    workers: str | None
    sample: str
    watch: bool
    verbose: int
    quiet: int
    traceback: str
    durations: int | None
    shortest: float
    as_json: bool

    @property
    def verbosity(self) -> int:
        """How much is shown: each ``-v`` counts up, each ``-q`` down."""
        return self.verbose - self.quiet

    @property
    def is_live(self) -> bool:
        """Whether the terminal is the steps': they print to it, and a debugger may ask there."""
        return self.live_output or self.debug

    def selection(self, common: CommonOptions) -> Selection:
        """Return which steps are wanted. `UsageError` where flags contradict each other."""
        from zenconv.errors import UsageError
        from zenconv.project.planning import Selection

        targets, portion = _read_portion(self.verify, self.targets)
        others = [name for name, given in (("targets", targets), ("--from", self.begin)) if given]
        if self.only and others:
            raise UsageError(
                f"--only says what is executed, and so do {' and '.join(others)}",
                hint="leave one of them out",
            )
        replacements: tuple[Replacement, ...] = ()
        if self.replace:
            from zenconv.cli.replacements import ReplacementReader

            replacements = ReplacementReader(common).read(self.replace)
        return Selection(
            targets,
            self.keyword,
            self.last_failed,
            self.force,
            self.marks,
            self.failed_first,
            self.only,
            self.begin,
            sample=self.sample,
            verify=portion,
            replacements=replacements,
        )

    @property
    def failure_limit(self) -> int:
        """After how many failures nothing more is started; 0: never."""
        return self.most_failures or int(self.stop_on_failure)


def _read_portion(amount: str | None, targets: tuple[str, ...]) -> tuple[tuple[str, ...], Portion | None]:
    """Return the targets and the portion; what follows ``--verify`` may be a target, too."""
    if amount is None:
        return targets, None
    from zenconv.engine.portion import Portion, is_amount

    if is_amount(amount):
        return targets, Portion.parse(amount)
    return (amount, *targets), Portion.parse("100%")


def run_flags(function: F) -> F:
    """Give a command the targets and flags of a run; its function gets them as `flags`."""
    names = tuple(attrs.fields_dict(RunFlags))

    def call(*args: Any, **options: Any) -> Any:
        flags = RunFlags(**{name: options.pop(name) for name in names})
        return function(*args, flags=flags, **options)

    command: Any = update_wrapper(call, function)
    for add in reversed((*_SELECTING, *_RUNNING, *_REPORTING)):
        command = add(command)
    return command  # type: ignore[no-any-return]


def read_sample(_context: click.Context, _option: click.Parameter, text: str | None) -> str:
    """Return what ``--sample`` asks for, spelt in one way; ``""`` for all data. `UsageError`."""
    if text is None:
        return ""
    from zenconv.engine.sampling import Sample

    return str(Sample.parse(text))


_AT_LEAST_0 = click.IntRange(min=0)

_SELECTING: tuple[Callable[[Any], Any], ...] = (
    click.argument("targets", nargs=-1),
    click.option("--plan", "only_plan", is_flag=True, help="Say what would run and why; run nothing."),
    click.option("-k", "keyword", default="", metavar="EXPRESSION", help="Only steps whose id matches."),
    click.option("-m", "marks", default="", metavar="EXPRESSION", help="Only steps with these marks."),
    click.option("--lf", "--last-failed", "last_failed", is_flag=True, help="Only what failed last time."),
    click.option(
        "--ff", "--failed-first", "failed_first", is_flag=True, help="What failed last comes first."
    ),
    click.option(
        "--from",
        "begin",
        multiple=True,
        metavar="STEP",
        help="Run this step and all that waits for it, even if nothing changed.",
    ),
    click.option(
        "--only",
        multiple=True,
        metavar="STEP",
        help="Run this step, even if nothing changed, and nothing that waits for it.",
    ),
    click.option(
        "--override",
        "replace",
        multiple=True,
        metavar="NAME=SOURCE",
        help="A file, or @RUN:STEP, in place of what a step or output would be.",
    ),
    click.option("--force", multiple=True, metavar="STEP", help="Run this step even if nothing changed."),
    click.option(
        "--verify",
        is_flag=False,
        flag_value="100%",
        metavar="[AMOUNT]",
        help="Execute reused steps again and compare: all, 5%, or 3.",
    ),
    click.option("--strict-markers", is_flag=True, help="A mark that is not declared is an error."),
    click.option("--co", "--collect-only", "only_collect", is_flag=True, help="List what is selected."),
    click.option("--fixtures", "only_fixtures", is_flag=True, help="List the fixtures there are."),
    click.option("--markers", "only_markers", is_flag=True, help="List the marks there are; run nothing."),
)

_RUNNING: tuple[Callable[[Any], Any], ...] = (
    click.option("-x", "--exitfirst", "stop_on_failure", is_flag=True, help="Stop at the first failure."),
    click.option(
        "--maxfail",
        "most_failures",
        type=_AT_LEAST_0,
        default=0,
        metavar="N",
        help="Stop after N failures; 0: never.",
    ),
    click.option("-s", "live_output", is_flag=True, help="Show what steps print, as they print it."),
    click.option("--pdb", "debug", is_flag=True, help="Open the debugger where a step fails; -n 0 -s."),
    click.option("--pdbcls", "debugger", default="", metavar="MODULE:CLASS", help="Another debugger."),
    click.option("-n", "workers", metavar="N", help="Worker processes; auto: one per core; 0: none."),
    click.option(
        "--sample",
        metavar="SIZE",
        callback=read_sample,
        help="On a sample of what loaders return: 1%, or 1000 rows.",
    ),
    click.option("--watch", is_flag=True, help="Run again whenever something changes, until Ctrl-C."),
    click.option("--timeout", metavar="TIME", help="For steps that say nothing of theirs: 10m, 90s."),
)

_REPORTING: tuple[Callable[[Any], Any], ...] = (
    click.option("-v", "--verbose", count=True, help="Whole ids; reused steps too. -vv: results too."),
    click.option("-q", "--quiet", count=True, help="Only failures and the last line. -qq: without it."),
    click.option(
        "--tb",
        "traceback",
        type=click.Choice(STYLES),
        default="auto",
        help="How failures are shown; auto is short.",
    ),
    click.option(
        "--durations",
        type=_AT_LEAST_0,
        metavar="N",
        help="The N slowest executed steps; 0: all.",
    ),
    click.option(
        "--durations-min",
        "shortest",
        type=click.FloatRange(min=0),
        default=0.005,
        metavar="SECONDS",
        help="Leave out those that took less, unless -vv.  [0.005]",
    ),
    click.option("--json", "as_json", is_flag=True, help="The result as JSON on stdout."),
)
