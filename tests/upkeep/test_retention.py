"""Which runs go: the rules alone, with the reason that people are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from zenconv.upkeep.retention import Retention, RunFacts, show_span

DAY = 86400.0


def run(number: int, status: str = "succeeded", *, days: float = 0, pipelines: str = "a") -> RunFacts:
    started = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    return RunFacts(f"{number}-abcdef", number, status, started, tuple(pipelines.split()), "local")


def judge(retention: Retention, runs: list[RunFacts], alive=(), elsewhere=()) -> dict[int, str]:
    """Return the reasons by number, of those that go with a minus in front."""
    verdicts = retention.judge(runs, alive=set(alive), elsewhere=set(elsewhere))
    return {verdict.run.number: ("-" if verdict.goes else "") + verdict.reason for verdict in verdicts}


def test_only_what_is_old_and_not_among_the_newest_goes():
    runs = [run(4, days=1), run(3, days=40), run(2, days=50), run(1, days=60)]
    assert judge(Retention(30 * DAY, 2), runs) == {
        4: "the newest successful run of a",
        3: "among the newest 2",
        2: "-older than 30 days",
        1: "-older than 30 days",
    }


def test_with_a_number_alone_the_age_does_not_count():
    runs = [run(3), run(2), run(1)]
    assert judge(Retention(keep_last=1), runs) == {
        3: "the newest successful run of a",
        2: "-not among the newest 1",
        1: "-not among the newest 1",
    }


def test_the_newest_run_and_the_newest_successful_one_of_each_pipeline_stay():
    runs = [
        run(6, "failed", days=90, pipelines="b"),
        run(5, "failed", days=90, pipelines="a"),
        run(4, "failed", days=90, pipelines="a"),
        run(3, days=90, pipelines="a b"),
        run(2, days=90, pipelines="c"),
        run(1, days=90, pipelines="a"),
    ]
    assert judge(Retention(DAY), runs) == {
        6: "the newest run of b",
        5: "the newest run of a",
        4: "-older than 1 day",
        3: "the newest successful run of a, b",
        2: "the newest successful run of c",
        1: "-older than 1 day",
    }


def test_of_the_failed_ones_the_newest_of_a_pipeline_stays_as_what_it_did_is_to_be_resumed():
    runs = [run(4, "failed"), run(3, "error", pipelines=""), run(2, "interrupted"), run(1)]
    assert judge(Retention(only_failed=True), runs) == {
        4: "the newest run of a",
        3: "-error",
        2: "-interrupted",
        1: "successful",
    }


def test_named_runs_go_whatever_they_are_unless_they_are_running():
    runs = [run(3, "running"), run(2), run(1)]
    named = frozenset({runs[0].id, runs[1].id})
    assert judge(Retention(named=named), runs, alive=[runs[0].id]) == {
        3: "running",
        2: "-named",
        1: "not named",
    }


def test_runs_whose_results_are_in_another_store_stay():
    runs = [run(3), run(2, days=90), run(1, days=90)]
    assert judge(Retention(DAY), runs, elsewhere=[runs[1].id]) == {
        3: "the newest successful run of a",
        2: "on the stack 'local', with another store",
        1: "-older than 1 day",
    }


@pytest.mark.parametrize("started", ["", "yesterday", "2099-01-01T00:00:00Z"])
def test_a_run_of_unknown_age_or_from_the_future_counts_as_new(started):
    old = RunFacts("1-abcdef", 1, "succeeded", started, ("a",), "local")
    assert judge(Retention(DAY), [run(2), old])[1] == "not older than 1 day"


def test_spans_read_as_people_say_them():
    spans = [show_span(s) for s in (30 * DAY, DAY, 14 * DAY, 7 * DAY, 3600, 5400, 1.5, 0)]
    assert spans == [
        "30 days",
        "1 day",
        "2 weeks",
        "7 days",
        "1 hour",
        "90 minutes",
        "1.5 seconds",
        "0 seconds",
    ]
