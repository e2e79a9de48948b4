"""The built-in orchestrators pass the suite that every orchestrator has to pass; broken ones do not."""

from __future__ import annotations

import inspect
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.components.calling import list_tests
from zenconv.testing import OrchestratorSuite
from zenconv.testing.orchestrated import OrchestratedProject


class TestInProcess(OrchestratorSuite):
    @pytest.fixture
    def orchestrator(self) -> Mapping[str, Any]:
        return {"id": "in-process"}


class TestProcesses(OrchestratorSuite):
    @pytest.fixture
    def orchestrator(self) -> Mapping[str, Any]:
        return {"id": "processes", "workers": 2}


class BrokenProject(OrchestratedProject):
    """A project that finds the plugin with the broken orchestrators."""

    def environment(self, **changes: str) -> dict[str, str]:
        environment = super().environment(ZENCONV_DISABLE_PLUGIN_AUTOLOAD="1", **changes)
        return {**environment, "PYTHONPATH": f"{Path(__file__).parent}:{environment['PYTHONPATH']}"}


class BrokenSuite(OrchestratorSuite):
    """The suite as a plugin author has it, for a plugin that is not installed."""

    arguments = ("-p", "broken_orchestrators")
    project_class = BrokenProject


class ImpatientSuite(BrokenSuite):
    """The suite for orchestrators of which some never come to an end."""

    time_limit = 5.0
    ending_seconds = 1.0


def call(suite: BrokenSuite, id: str, name: str, tmp_path: Path, **arguments: Any) -> None:
    """Call a test of the suite on an orchestrator."""
    orchestrator = {"id": id}
    offered = {
        "make": lambda steps: suite.make_project(tmp_path / "project", orchestrator, steps),
        "orchestrator": orchestrator,
        **arguments,
    }
    test = getattr(suite, name)
    test(**{parameter: offered[parameter] for parameter in inspect.signature(test).parameters})


BROKEN = {
    "forgiving": "test_a_failure_stops_what_needs_it_and_nothing_else",
    "twice": "test_a_diamond_runs_each_step_once_and_joins",
    "forgetful": "test_a_step_that_ends_its_process_fails_alone",
    "deaf": "test_a_signal_ends_what_runs_tears_down_and_leaves_nothing",
    "patient": "test_a_step_past_its_time_ends_with_all_it_started_and_others_go_on",
    "astray": "test_steps_have_the_environment_and_the_folder_of_the_run",
    "mixed-up": "test_what_a_step_prints_is_its_own_output",
    "tired": "test_many_steps_all_run_and_are_all_reused",
    "careless": "test_an_option_that_it_does_not_have_is_a_mistake",
    "losing": "test_a_step_is_tried_as_often_as_its_mark_says",
    "nameless": "test_a_step_whose_process_dies_is_tried_again_where_its_mark_says",
    "hurried": "test_a_step_past_its_time_is_tried_again_where_its_mark_says",
    "excusing": "test_a_process_that_is_killed_from_outside_costs_its_step_alone",
    "terse": "test_much_output_comes_through_whole",
    "secretive": "test_what_it_computed_is_reused_on_another_stack",
    "batching": "test_what_has_ended_is_recorded_while_others_go_on",
    "narrow": "test_a_big_value_comes_through_unchanged",
    "planned": "test_a_fan_out_over_items_that_only_the_run_knows",
    "shuffling": "test_a_fan_out_that_is_written_down_is_collected_in_order",
    "dead": "test_a_value_that_cannot_be_stored_is_made_where_it_is_needed",
    "reloading": "test_an_edit_while_the_run_goes_on_is_not_executed_under_the_old_key",
    "sequential": "test_async_steps_run_and_side_by_side_where_it_says_so",
    "mute": "test_output_is_shown_as_it_is_printed_where_it_says_so",
    "confusing": "test_values_go_along_a_chain",
    "orphaning": "test_steps_end_with_the_run_that_is_killed",
    "doubtful": "test_a_failed_step_runs_again_and_what_succeeded_does_not",
    "suspicious": "test_a_second_run_reuses_everything_and_an_edit_runs_what_depends_on_it",
    "untidy": "test_fixtures_are_made_where_steps_run_and_torn_down",
    "liar": "test_steps_run_side_by_side_where_it_says_so",
    "boastful": "test_it_says_only_what_an_orchestrator_can_say_it_can_do",
}


@pytest.mark.parametrize(("id", "name"), BROKEN.items(), ids=BROKEN)
def test_a_broken_orchestrator_does_not_pass(id: str, name: str, tmp_path: Path) -> None:
    with pytest.raises((AssertionError, subprocess.TimeoutExpired)):
        call(ImpatientSuite(), id, name, tmp_path, number=signal.SIGINT)


def test_every_test_of_the_suite_is_one_that_something_broken_fails() -> None:
    # What is reused is decided before an orchestrator is asked.
    free = {"test_what_another_stack_computed_is_reused"}
    assert list_tests(OrchestratorSuite) - set(BROKEN.values()) == free


@pytest.mark.parametrize("name", ["test_values_go_along_a_chain", BROKEN["astray"], BROKEN["careless"]])
def test_one_that_is_right_passes_in_the_same_way(name: str, tmp_path: Path) -> None:
    call(BrokenSuite(), "sound", name, tmp_path)
