from __future__ import annotations

import pytest

from tests.project.asking import bindings_of, error_of, steps_of

HEADER = """
import dataclasses, typing, zenconv
from typing import Annotated, NamedTuple, TypedDict

class Parts(NamedTuple):
    train: int
    test: "str"

class Keys(TypedDict):
    left: int
    right: float

@dataclasses.dataclass
class Fields:
    model: float
    history: list

@dataclasses.dataclass
class Derived:
    model: float
    size: int = dataclasses.field(init=False, default=0)

class Plain: ...
"""


def outputs_of(project, definition: str, decorator: str = ""):
    step = steps_of(project({"steps_a.py": f"{HEADER}\n{decorator}\n{definition}\n"}))["a"]
    return step.shape, [o.name for o in step.outputs], [o.type for o in step.outputs]


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("int", ("value", [""], [int])),
        ("None", ("value", [""], [None])),
        ("Plain | None", ("value", [""], ...)),
        ("tuple[int, str]", ("value", [""], [tuple[int, str]])),
        ("Annotated[int, 'a note']", ("value", [""], ...)),
        ("tuple[Annotated[int, 'a'], Annotated[str, 'b']]", ("tuple", ["a", "b"], [int, str])),
        ('\'tuple[Annotated[int, "a"], Annotated[str, "b"]]\'', ("tuple", ["a", "b"], [int, str])),
        ("tuple[Annotated['Plain', 'a']]", ("tuple", ["a"], ...)),
        ("Parts", ("object", ["train", "test"], [int, str])),
        ("'Keys'", ("mapping", ["left", "right"], [int, float])),
        ("Fields", ("object", ["model", "history"], [float, list])),
        ("Derived", ("value", [""], ...)),
        ("typing.Iterator[Parts]", ("value", [""], ...)),
    ],
)
def test_outputs_are_read_from_the_return_annotation(project, annotation, expected) -> None:
    found = outputs_of(project, f"def a() -> {annotation}: ...")
    assert found[:2] == expected[:2]
    assert expected[2] is ... or found[2] == expected[2]


def test_without_annotation_there_is_one_output(project) -> None:
    assert outputs_of(project, "def a(): ...") == ("value", [""], [None])


@pytest.mark.parametrize(
    ("definition", "shape", "types"),
    [
        ("def a(): ...", "tuple", [None, None]),
        ("def a() -> tuple[int, str]: ...", "tuple", [int, str]),
        ("def a() -> tuple[int, ...]: ...", "tuple", [int, int]),
        ("def a() -> dict[str, float]: ...", "mapping", [float, float]),
        ("def a() -> dict: ...", "mapping", [None, None]),
    ],
)
def test_declared_outputs_are_items_or_keys(project, definition, shape, types) -> None:
    found = outputs_of(project, definition, "@zenconv.step(outputs=('x', 'y'))")
    assert found == (shape, ["x", "y"], types)


def test_one_declared_output_names_the_one_value(project) -> None:
    found = outputs_of(project, "def a() -> int: ...", "@zenconv.step(outputs=['model'])")
    assert found == ("value", ["model"], [int])


@pytest.mark.parametrize(
    ("decorator", "annotation", "message"),
    [
        ("@zenconv.step(outputs=('x', 'x'))", "int", "output name 'x' is given twice"),
        ("@zenconv.step(outputs=('a b',))", "int", "output name 'a b' is no identifier"),
        (
            "@zenconv.step(outputs=('x', 'y'))",
            "tuple[int, int, int]",
            "2 outputs are declared, but the annotation has 3",
        ),
        (
            "@zenconv.step(outputs=('x',))",
            "Keys",
            "declared output 'x' is no field of what it returns: left, right",
        ),
        ("", "tuple[Annotated[int, 'x'], Annotated[int, 'x']]", "output name 'x' is given twice"),
        ("", "tuple[Annotated[int, 'a b'], Annotated[int, 'c']]", "output name 'a b' is no identifier"),
    ],
)
def test_mistaken_outputs_are_problems_at_the_definition(project, decorator, annotation, message) -> None:
    error = error_of(project({"steps_a.py": f"{HEADER}\n{decorator}\ndef a() -> {annotation}: ...\n"}))
    (problem,) = error.problems
    assert f"step 'a': {message}" in problem.what
    assert problem.line == HEADER.count("\n") + 3


def test_an_output_of_a_step_is_no_input_of_that_step(project) -> None:
    definition = f"{HEADER}\ndef a(model: float = 0.5, *, history: list) -> Fields: ...\ndef b(model): ...\n"
    it = project({"steps_a.py": definition, "zenconf.py": "def history() -> list: return []\n"})
    taken = bindings_of(it, "steps_a.py::a")
    assert (taken["model"].source, taken["model"].value) == ("value", 0.5)
    assert taken["history"].node == "steps_a.py::history@zenconf.py"
    assert (bindings_of(it, "steps_a.py::b")["model"].output) == "model"


def test_of_steps_with_outputs_of_one_name_each_takes_the_other_ones(project) -> None:
    wide = "def a() -> tuple[Annotated[int, 'rows'], Annotated[int, 'more']]: ...\n"
    second = "def b(rows, more) -> tuple[Annotated[int, 'rows'], Annotated[int, 'rest']]: ...\n"
    taken = bindings_of(project({"steps_a.py": HEADER + wide + second}), "steps_a.py::b")
    assert (taken["rows"].node, taken["rows"].output) == ("steps_a.py::a", "rows")


def test_a_step_that_asks_for_its_own_output_in_vain_is_told_so(project) -> None:
    it = project({"steps_a.py": f"{HEADER}\ndef a(model: float) -> Fields: ...\n"})
    text = str(error_of(it))
    assert "asks for 'model'; nothing provides it" in text
    assert "'model' is an output of the step itself; give it a value: a default, or --set model=" in text
