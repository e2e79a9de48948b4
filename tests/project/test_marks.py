from __future__ import annotations

import pytest

from tests.project.asking import steps_of
from zenconv.errors import CollectionError
from zenconv.project.mark_meanings import MEANINGS, parse_memory
from zenconv.project.marks import list_markers
from zenconv.records.marks import NO_MARKS, Retry, TimeLimit
from zenconv.settings.load import load_settings

IMPORT = "import zenconv\n"


def marked(project, lines: str, **files: str):
    return steps_of(project({"steps_a.py": f"{IMPORT}{lines}\ndef step(): ...\n", **files}))["step"]


def problems(project, text: str, settings: str = "", **environ: str) -> list[str]:
    with pytest.raises(CollectionError) as caught:
        project({"steps_a.py": IMPORT + text, "zenconv.toml": settings}, **environ).checked()
    return [str(problem) for problem in caught.value.problems]


def test_a_step_without_marks_shares_the_empty_markings(project) -> None:
    assert marked(project, "").marks is NO_MARKS


def test_a_marked_function_is_the_function_itself() -> None:
    import zenconv

    def step() -> int:
        return 1

    for marker in (zenconv.mark.slow, zenconv.mark.retry(3), zenconv.mark.timeout("1m", grace=2)):
        assert marker(step) is step
    assert step() == 1


def test_a_mark_tells_its_arguments_and_its_place(project) -> None:
    step = marked(project, "@zenconv.mark.retry(\n    3, on=(OSError, 'crash'), backoff='2s')")
    mark = step.marks.marks[0]
    assert str(mark) == "retry(3, on=(OSError, 'crash'), backoff='2s')"
    assert (mark.file, mark.line) == ("steps_a.py", 2)
    assert step.marks.retry == Retry(3, (OSError,), True, 2.0)


def test_a_mark_kept_under_a_name_marks_as_well(project) -> None:
    text = "patient = zenconv.mark.timeout(5)\n@patient\ndef a(): ...\n@patient\ndef b(): ...\n"
    steps = steps_of(project({"steps_a.py": IMPORT + text}))
    assert [steps[name].marks.timeout for name in "ab"] == [TimeLimit(5, where="steps_a.py:2")] * 2


def test_arguments_may_come_in_several_calls(project) -> None:
    assert marked(project, "@zenconv.mark.retry(2)(backoff=3)").marks.retry == Retry(2, backoff=3.0)


def test_the_marks_of_a_module_are_those_of_each_of_its_steps(project) -> None:
    text = """
    import zenconv
    zenconvmark = [zenconv.mark.slow, zenconv.mark.timeout("1m")]
    def far(): ...
    @zenconv.mark.timeout(1)
    def near(): ...
    """
    steps = steps_of(project({"steps_a.py": text, "zenconv.toml": "markers = ['slow']"}))
    assert [mark.name for mark in steps["near"].marks.marks] == ["timeout", "slow", "timeout"]
    assert steps["near"].marks.timeout.seconds == 1
    assert steps["far"].marks.timeout.seconds == 60


def test_one_mark_may_stand_alone_for_a_module(project) -> None:
    text = "zenconvmark = zenconv.mark.nocache\ndef a(): ...\n"
    assert not steps_of(project({"steps_a.py": IMPORT + text}))["a"].note.cache


def test_a_template_takes_its_marks_along(project) -> None:
    files = {
        "zenconf.py": IMPORT + "zenconvmark = zenconv.mark.timeout(7)\ndef raw(): ...\n",
        "steps_a.py": "def out(raw): ...\n",
    }
    pipeline = project(files).checked().pipeline
    assert pipeline.nodes["steps_a.py::raw"].marks.timeout.seconds == 7
    assert pipeline.nodes["steps_a.py::out"].marks is NO_MARKS


def test_marks_stay_when_a_decorator_wraps_the_function(project) -> None:
    text = """
    import functools, zenconv
    def traced(function):
        @functools.wraps(function)
        def inner(*args): return function(*args)
        return inner
    @zenconv.mark.retry(2)
    @traced
    @zenconv.mark.timeout(3)
    def step(): ...
    """
    marks = steps_of(project({"steps_a.py": text}))["step"].marks
    assert (marks.retry.times, marks.timeout.seconds) == (2, 3)


@pytest.mark.parametrize(
    ("lines", "cache", "refresh"),
    [
        ("@zenconv.mark.nocache", False, None),
        ("@zenconv.step(cache=False)\n@zenconv.mark.gpu", False, None),
        ("@zenconv.mark.refresh('2d')", True, 2 * 86400),
    ],
)
def test_nocache_and_refresh_change_the_note_as_the_options_of_step_do(
    project, lines, cache, refresh
) -> None:
    note = marked(project, lines).note
    assert (note.cache, note.refresh) == (cache, refresh)


def test_resources_of_function_and_module_add_up(project) -> None:
    text = "zenconvmark = zenconv.mark.resources(cpu=2, memory='1GiB')\n@zenconv.mark.gpu\ndef step(): ...\n"
    found = steps_of(project({"steps_a.py": IMPORT + text}))["step"].marks.resources
    assert (found.cpu, found.memory, found.wants_gpu) == (2, 2**30, True)


def test_fixtures_of_several_marks_are_all_there(project) -> None:
    text = "@zenconv.mark.usefixtures('a', 'b')\n@zenconv.mark.usefixtures('c', 'a')"
    assert marked(project, text).marks.fixtures == ("c", "a", "b")


def test_a_mark_nobody_declared_is_a_mistake_with_a_suggestion(project) -> None:
    text = "@zenconv.mark.slwo\ndef step(): ...\n"
    assert problems(project, text, "markers = ['slow: takes minutes']") == [
        "steps_a.py:2: unknown mark 'slwo'\n"
        "    did you mean 'slow'?\n"
        '    hint: add "slwo: what it says of a step" to markers, zenconv.toml:1'
    ]
    (found,) = problems(project, text)
    assert 'declare it in zenconv.toml: markers = ["slwo: what it says of a step"]' in found


def test_without_strictness_it_is_a_warning(project) -> None:
    text = IMPORT + "@zenconv.mark.slwo\ndef step(): ...\n"
    made = project({"steps_a.py": text, "zenconv.toml": "strict_markers = false"})
    made.checked()
    assert "unknown mark 'slwo'" in str(made.warnings[0])


def test_a_mark_declared_with_parameters_is_known_by_its_name(project) -> None:
    files = {"zenconv.toml": "markers = ['device(serial, port): runs on a device']"}
    assert marked(project, "@zenconv.mark.device(serial='1')", **files).marks.marks[0].kwargs == {
        "serial": "1"
    }


MISTAKES = {
    "retry('x')": "times is a number of further attempts, not 'x'",
    "retry(True)": "times is a number of further attempts, not True",
    "retry(-1)": "times is a number of further attempts",
    "retry(2, on=int)": "on is an exception class, several, or 'crash', not int",
    "retry(2, on='crush')": "on is an exception class, several, or 'crash', not 'crush'",
    "retry(2, on=KeyboardInterrupt)": "a step that was interrupted is not executed again",
    "retry(2, backoff='soon')": "backoff: 'soon' is no duration",
    "retry(2, bakoff=1)": "it has no 'bakoff'; did you mean 'backoff'?",
    "retry(2, jitter=-1)": "jitter is the share",
    "timeout": "missing a required argument: 'limit'; it is written zenconv.mark.timeout(limit, grace=)",
    "timeout(-1)": "limit: -1 is no duration",
    "timeout(float('nan'))": "limit: nan is no duration",
    "timeout('10 parsecs')": "limit: '10 parsecs' is no duration",
    "timeout(1, 2)": "too many positional arguments",
    "skip('')": "reason is text, not ''",
    "skipif(True)": "missing a required argument: 'reason'",
    "skipif('1 > 0', reason='x')": "texts are not evaluated",
    "nocache(1)": "too many positional arguments",
    "refresh()": "missing a required argument: 'every'",
    "resources()": "say what the step takes",
    "resources(cpu='two')": "cpu is a number of cores, not 'two'",
    "resources(memory='8 apples')": "memory is text such as '8GB' or a number of bytes, not '8 apples'",
    "resources(gpu=0.5)": "gpu is a number of GPUs, not 0.5",
    "resources(disk=1)": "it has no 'disk'; available: cpu, gpu, memory",
    "python()": "say what the environment needs",
    "python(requirements=3)": "requirements are a list",
    "python(version=3.12)": "version is text such as '3.12', not 3.12",
    "usefixtures()": "name at least one fixture",
    "usefixtures(3)": "a fixture's name is text",
    "kind('trainr')": "unknown kind 'trainr': did you mean 'trainer'?",
}


@pytest.mark.parametrize("mark", MISTAKES)
def test_arguments_that_make_no_sense_are_reported_where_they_are_written(project, mark) -> None:
    (found,) = problems(project, f"\n@zenconv.mark.{mark}\ndef step(): ...\n")
    name = mark.partition("(")[0]
    assert found.startswith(f"steps_a.py:3: mark {name!r}: ")
    assert MISTAKES[mark] in found.replace("keyword-only ", "")  # from Python 3.13 on


def test_every_mistake_is_reported_at_once(project) -> None:
    text = "@zenconv.mark.retry('x')\n@zenconv.mark.nope\ndef a(): ...\n@zenconv.mark.timeout\ndef b(): ...\n"
    assert [found.partition(": ")[0] for found in problems(project, text)] == [
        f"steps_a.py:{line}" for line in (2, 3, 5)
    ]


def test_a_mark_given_twice_is_a_mistake_that_names_both_places(project) -> None:
    (found,) = problems(project, "@zenconv.mark.timeout(1)\n@zenconv.mark.timeout(2)\ndef step(): ...\n")
    assert found.startswith("steps_a.py:2: the mark 'timeout' is there twice\n    the other: steps_a.py:3")


def test_a_mistake_in_the_marks_of_a_module_is_told_once(project) -> None:
    text = "zenconvmark = [zenconv.mark.timeout('x'), 3]\ndef a(): ...\ndef b(): ...\n"
    assert [found.partition(";")[0] for found in problems(project, text)] == [
        "steps_a.py: zenconvmark holds 3, which is no mark\n    hint: zenconvmark = [zenconv.mark.slow, ...]",
        "steps_a.py:2: mark 'timeout': limit: 'x' is no duration",
    ]


def test_a_name_that_is_almost_that_of_a_modules_marks_is_pointed_out(project) -> None:
    made = project({"steps_a.py": IMPORT + "zenconv_marks = [zenconv.mark.gpu]\ndef a(): ...\n"})
    assert "zenconv_marks marks nothing\n    hint: the name is zenconvmark" in str(made.warnings[0])


def test_a_class_cannot_be_marked(project) -> None:
    (found,) = problems(project, "@zenconv.mark.gpu\nclass Net: ...\n")
    assert "'Net' is a class; marks are for steps" in found
    assert found.startswith("steps_a.py:2")


def test_a_fixture_cannot_be_marked(project) -> None:
    (found,) = problems(project, "@zenconv.mark.gpu\n@zenconv.fixture\ndef thing(): ...\n")
    assert "'thing' is a fixture" in found


@pytest.mark.parametrize(
    ("text", "expected"),
    [("8GB", 8 * 10**9), ("512 MiB", 2**29), ("1.5k", 1500), ("7", 7), (7, 7), ("2T", 2 * 10**12)],
)
def test_memory_is_read_in_the_usual_units(text, expected) -> None:
    assert parse_memory(text) == expected


def test_the_list_of_marks_has_those_of_the_settings_and_of_zenconv(tmp_path) -> None:
    (tmp_path / "zenconv.toml").write_text("markers = ['slow: takes minutes', 'device(serial): on a device']")
    rows = list_markers(load_settings(tmp_path, environ={}))
    assert rows[:2] == [
        ("slow", "takes minutes", "zenconv.toml:1"),
        ("device(serial)", "on a device", "zenconv.toml:1"),
    ]
    assert [row.usage.partition("(")[0] for row in rows[2:]] == list(MEANINGS)
    assert all(row.text for row in rows)


def test_pauses_grow_as_the_policy_says() -> None:
    assert [Retry(5, backoff=2.0).wait(n) for n in (1, 2, 9)] == [2, 2, 2]
    growing = Retry(99, backoff=1.0, is_doubling=True)
    assert [growing.wait(n) for n in (1, 2, 3, 99)] == [1, 2, 4, 60]
    assert all(2 <= Retry(5, backoff=2.0, jitter=0.5).wait(1) <= 3 for _ in range(50))
