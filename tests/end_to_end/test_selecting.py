"""Which steps run, and in which order: ``--ff``, ``--lf``, ``--from``, ``--only``; settings by flags."""

from __future__ import annotations

import pytest

CHAIN = {
    "steps_a.py": """
        def raw() -> int:
            return 1

        def left(raw: int) -> int:
            return raw + 1

        def right(raw: int) -> int:
            return raw + 2

        def both(left: int, right: int) -> int:
            return left + right

        def other() -> int:
            return 5
    """,
    "steps_b.py": """
        from steps_a import raw as _raw

        def elsewhere() -> int:
            return 7
    """,
}


@pytest.fixture
def it(project):
    made = project(CHAIN)
    made.run("run")
    return made


# ---------------------------------------------------------------- --from


def test_from_executes_a_step_and_all_that_waits_for_it(it) -> None:
    it.run("run", "--from", "left")
    assert it.executed() == ["a::both", "a::left"]
    assert it.reused() == ["a::raw", "a::right"]
    assert set(it.reasons().values()) == {"forced"}


def test_from_with_a_target_executes_what_lies_between_and_what_lies_above_is_reused(it) -> None:
    it.run("run", "--from", "raw", "left", "other")
    assert it.executed() == ["a::left", "a::raw"]
    assert it.reused() == ["a::other"]


def test_several_from_add_up_and_a_pipeline_means_all_of_its_steps(it) -> None:
    it.run("run", "--from", "right", "--from", "other")
    assert it.executed() == ["a::both", "a::other", "a::right"]
    it.run("run", "--from", "b")
    assert it.executed() == ["b::elsewhere"]


def test_from_a_step_that_the_target_does_not_need_is_a_usage_error(it) -> None:
    done = it.run("run", "--from", "other", "both", check=4)
    assert "--from other: nothing of what is selected" in done.stderr


def test_from_takes_k_and_plan(it) -> None:
    assert it.plan("--from", "left") == {
        "a::raw": "reuse", "a::left": "run", "a::right": "reuse", "a::both": "run",
    }  # fmt: skip
    assert it.plan("--from", "raw", "-k", "left") == {"a::raw": "run", "a::left": "run"}


def test_from_reaches_items_that_only_the_run_knows(project) -> None:
    steps = """
        import zenconv

        def numbers() -> zenconv.Each[int]:
            return [1, 2]

        def double(numbers: int) -> int:
            return 2 * numbers
    """
    it = project({"steps_a.py": steps})
    it.run("run")
    it.run("run", "--from", "numbers")
    assert len(it.executed()) == 3


# ---------------------------------------------------------------- --only


def test_only_executes_exactly_this_step_and_nothing_that_waits_for_it(it) -> None:
    it.run("run", "--only", "left")
    assert it.executed() == ["a::left"]
    assert it.reused() == ["a::raw"]
    assert "a::both" not in it.statuses()


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize(
    ("flag", "expected"), [("--only", ["two"]), ("--force", ["two"]), ("--from", ["two", "three"])]
)
def test_a_step_that_is_named_like_a_pipeline_is_meant_where_a_step_is_asked_for(
    project, flag: str, expected: list[str], *, indexed: bool
) -> None:
    steps = "def one(): return 1\ndef two(one): return 2\ndef three(two): return 3\n"
    it = project({"steps_two.py": steps})
    it.run("run")
    it.append("steps_two.py", "" if indexed else "# another one\n")
    it.run("run", flag, "two")
    assert sorted(it.executed()) == sorted(f"two::{name}" for name in expected)
    assert it.json("run", "two")["exit_code"] == 0
    assert set(it.statuses()) == {"two::one", "two::two", "two::three"}


def test_several_only_add_up(it) -> None:
    it.run("run", "--only", "left", "--only", "b::elsewhere")
    assert it.executed() == ["a::left", "b::elsewhere"]


def test_only_executes_what_the_step_needs_where_that_changed(it) -> None:
    it.edit("steps_a.py", "return 1\n", "return 2\n")
    it.run("run", "--only", "left")
    assert it.executed() == ["a::left", "a::raw"]


@pytest.mark.parametrize("flags", [("both",), ("--from", "left"), ("both", "--from", "left")])
def test_only_beside_another_choice_is_a_usage_error(it, flags) -> None:
    assert "--only says what is executed" in it.run("run", "--only", "raw", *flags, check=4).stderr


@pytest.mark.parametrize("flag", ["--only", "--from", "--force"])
def test_an_unknown_step_is_a_usage_error_with_a_suggestion(it, flag) -> None:
    assert "did you mean 'right'?" in it.run("run", flag, "rigth", check=4).stderr


# ---------------------------------------------------------------- --ff, --lf


FAILING = """
    import os

    def first() -> int:
        return 1

    def second(first: int) -> int:
        return 2

    def third() -> int:
        return 3

    def fourth(third: int) -> int:
        return 4 // (0 if "FAIL" in os.environ else 1)
"""


def order(it) -> list[str]:
    """Return the nodes in the order in which they ended."""
    return [event.node.partition("::")[2] for event in it.events() if event.name == "step_finished"]


def test_ff_puts_what_failed_last_and_what_it_needs_first(project) -> None:
    it = project({"steps_a.py": FAILING})
    it.run("run", check=1, env={"FAIL": "1"})
    assert order(it) == ["first", "second", "third", "fourth"]
    everything = [flag for name in ("first", "second", "third") for flag in ("--force", name)]
    it.run("run", "--ff", *everything)
    assert order(it) == ["third", "fourth", "first", "second"]


def test_ff_without_a_failure_changes_nothing(it) -> None:
    it.run("run", "--failed-first", "--from", "raw")
    assert order(it) == ["raw", "left", "right", "both"]


def test_lf_remembers_a_failure_until_the_step_succeeds(project) -> None:
    it = project({"steps_a.py": FAILING})
    it.run("run", check=1, env={"FAIL": "1"})
    it.run("run", "second")
    it.run("run", "--lf")
    assert it.executed() == ["a::fourth"]
    it.run("run", "--lf")
    assert len(it.statuses()) == 4


def test_lf_finds_the_items_that_only_a_run_knows(project) -> None:
    steps = """
        import os, zenconv

        def numbers() -> zenconv.Each[int]:
            return [1, 2, 3]

        def inverse(numbers: int) -> float:
            return 1 / (numbers - (2 if "FAIL" in os.environ else 9))

        def other() -> int:
            return 1
    """
    it = project({"steps_a.py": steps})
    it.run("run", check=1, env={"FAIL": "1"})
    it.run("run", "--lf")
    assert len(it.executed()) == 1
    assert "a::other" not in it.statuses()


# ---------------------------------------------------------------- -o


def test_o_gives_a_setting_another_value(project) -> None:
    it = project({"steps_a.py": "def a(seed, n: int = 1) -> int:\n    return seed + n\n"})
    it.run("run", "-o", "seed=3", "-o", "params.n=2")
    assert it.value("a") == 5
    assert "seed" in it.run("-o", "seed=4", "config", "--show-origin").stdout
    assert "-o" in it.run("config", "--show-origin", "--setting", "seed=4").stdout


def test_o_is_stronger_than_the_file_and_the_environment_and_reaches_into_tables(project) -> None:
    it = project(
        {
            "steps_a.py": "def a(seed) -> int:\n    return seed\n",
            "zenconv.toml": "seed = 1\n[stacks.team]\nworkers = 3\n",
        }
    )
    it.run("run", "-o", "seed=3", env={"ZENCONV_SEED": "2"})
    assert it.value("a") == 3
    done = it.run("run", "--stack", "team", "-o", "stacks.team.workers=2")
    assert "stack team, 2 workers" in done.stderr
    it.run("run", "-o", 'step_files=["other_*.py"]', check=5)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("sed=3", "-o: sed: unknown setting\n    did you mean 'seed'?"),
        ("C=3", "a parameter is set by --set C=3"),
        ("seed", "-o: expected name=value, got 'seed'"),
        ("=3", "-o: expected name=value, got '=3'"),
        ("seed=x", "-o: seed: expected int, got 'x'"),
        ("params=3", "-o: params: expected params.name=value"),
        ("params.nothing=3", "no step has a parameter 'nothing'"),
    ],
)
def test_an_option_that_is_none_is_an_error(it, option, message) -> None:
    assert message in it.run("run", "-o", option, check=4).stderr


def test_get_keeps_o_for_its_file(it) -> None:
    it.run("-o", "seed=3", "get", "both", "-o", "both.json")
    assert it.read("both.json") == "5\n"


# ---------------------------------------------------------------- ZENCONV_ADDOPTS


def test_addopts_stand_before_what_is_typed(it) -> None:
    done = it.run(env={"ZENCONV_ADDOPTS": "-q -k 'left or right'"})
    assert done.stderr == ""
    assert sorted(it.statuses()) == ["a::left", "a::raw", "a::right"]
    it.run("run", "-k", "other", env={"ZENCONV_ADDOPTS": "-k left"})
    assert sorted(it.statuses()) == ["a::other"]


def test_addopts_are_recorded_and_other_commands_are_left_alone(it) -> None:
    it.run("-q", env={"ZENCONV_ADDOPTS": "--only left"})
    added = it.json("runs", env={"ZENCONV_ADDOPTS": "--only left"})["runs"][0]
    assert added["arguments"] == ["run", "--only", "left", "-q"]


@pytest.mark.parametrize(
    ("options", "message"), [("--nope", "ZENCONV_ADDOPTS adds: --nope"), ("'x", "ZENCONV_ADDOPTS=")]
)
def test_mistakes_in_addopts_name_the_variable(it, options, message) -> None:
    assert message in it.run("run", check=4, env={"ZENCONV_ADDOPTS": options}).stderr


# ---------------------------------------------------------------- -c, -p


def test_c_reads_other_settings(project) -> None:
    it = project(
        {"steps_a.py": "def a(n: int) -> int:\n    return n\n", "zenconv.toml": "params = {n = 1}\n"}
    )
    it.write({"other/mine.toml": "params = {n = 2}\n"})
    it.run("run", "-c", "other/mine.toml")
    assert it.value("a") == 2


def test_p_loads_a_plugin_and_p_no_does_not(it) -> None:
    it.write({"observer.py": "def zenconv_run_start(event):\n    print('observed', flush=True)\n"})
    env = {"PYTHONPATH": str(it.path)}
    assert "plugins observer" in it.run("run", "-p", "observer", env=env).stderr
    done = it.run("run", "-p", "observer", "-p", "no:observer", env=env)
    assert "plugins" not in done.stderr
    assert "nowhere" in it.run("run", "-p", "nowhere", check=4).stderr
