from __future__ import annotations

from tests.project.asking import error_of, steps_of


def parameters_of(project, text: str, step: str = "a"):
    return {p.name: p for p in steps_of(project({"steps_a.py": text}))[step].parameters}


def test_all_kinds_of_parameters_are_read_and_variadic_ones_are_not_asked_for(project) -> None:
    found = parameters_of(project, "def a(x, /, y=1, *rest, z, w=None, **options): ...\n")
    assert [(p.name, p.has_default, p.default, p.positional_only) for p in found.values()] == [
        ("x", False, None, True),
        ("y", True, 1, False),
        ("z", False, None, False),
        ("w", True, None, False),
    ]


def test_annotations_are_resolved_however_they_are_spelt(project) -> None:
    text = """
    from typing import Annotated, Optional
    from pathlib import Path
    from zenconv import From, Output
    def a(
        one: int, two: "int", three: "Optional['Path']", four: list["int"], five: Annotated["Path", "note"],
        six: "Annotated[Unknown, From('one')]" = 1, seven: "Output[Path]" = None, eight: "no type at all" = 1,
        nine: "Missing" = 2, ten: Output["Path"] = None,
    ): ...
    """
    found = parameters_of(project, text)
    from pathlib import Path

    assert (found["one"].type, found["one"].annotation) == (int, "int")
    assert found["two"].type is int
    assert found["three"].type == (Path | None)
    assert found["three"].annotation == "Optional['Path']"
    assert found["four"].type == list[int]
    assert found["five"].type.__origin__ is Path
    assert (found["six"].explicit, found["six"].asks_for, found["six"].type) == (True, "one", None)
    assert found["seven"].is_output
    assert found["eight"].type is None
    assert found["nine"].type is None
    assert found["ten"].is_output
    assert found["ten"].type.__origin__ is Path


def test_future_annotations_and_type_checking_imports_are_resolved(project) -> None:
    text = """
    from __future__ import annotations
    from typing import TYPE_CHECKING, Annotated
    if TYPE_CHECKING:
        from pathlib import Path
        from collections.abc import Callable
        import some_library.deep as deep
        import other_library.part
        from zenconv import Output
    def a(
        one: Path, two: list[deep.Thing], three: Output[Path], four: "Path | None", five: other_library.part.X
    ): ...
    """
    from pathlib import Path

    opened = project({"steps_a.py": text})
    found = {p.name: p for p in steps_of(opened)["a"].parameters}
    assert found["one"].type is Path
    assert found["two"].type is None
    assert found["three"].is_output
    assert found["four"].type == (Path | None)
    late = opened.collection.files["steps_a.py"].late
    (inner,) = late["a", "two"].__args__
    assert (inner.module, inner.name) == ("some_library.deep", "Thing")
    assert (late["a", "five"].module, late["a", "five"].name) == ("other_library", "part.X")


def test_relative_type_checking_imports_are_resolved(project) -> None:
    text = """
    from __future__ import annotations
    from typing import TYPE_CHECKING
    if TYPE_CHECKING:
        from .shapes import Square
        from . import shapes
    def make() -> Square: ...
    def a(make: shapes.Circle): ...
    """
    files = {"eu/shapes.py": "class Square: ...\nclass Circle: ...\n", "eu/steps_a.py": text}
    assert "wants make: shapes.Circle" in str(error_of(project(files)))


def test_a_parameter_typed_for_type_checkers_only_is_converted(project) -> None:
    files = {
        "kinds.py": "import enum\nclass Mode(enum.Enum):\n    FAST = 1\n",
        "steps_a.py": """
        from __future__ import annotations
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            from kinds import Mode
        def a(mode: Mode, modes: list[Mode | None]): ...
        """,
        "zenconv.toml": "params = {mode = 'FAST', modes = ['FAST']}\n",
    }
    pipeline = project(files).checked().pipeline
    mode, modes = (b.value for b in pipeline.nodes["steps_a.py::a"].bindings)
    assert repr(mode) == "<Mode.FAST: 1>"
    assert modes == [mode]


def test_a_signature_that_states_itself_is_believed(project) -> None:
    text = """
    import inspect

    def _injected(f):
        def wrapper(*args, **kwargs): ...
        wrapper.__signature__ = inspect.signature(lambda other, size=3: 0)
        return wrapper

    @_injected
    def a(x: int): ...
    """
    found = parameters_of(project, text)
    assert list(found) == ["other", "size"]
    assert found["size"].default == 3


def test_a_partial_asks_for_what_is_left(project) -> None:
    text = """
    import functools

    def _with_x(f): return functools.partial(f, x=1)

    @_with_x
    def a(x: int, y: str): ...
    """
    found = parameters_of(project, text)
    assert (found["x"].has_default, found["y"].has_default) == (True, False)
    assert found["y"].type is str


def test_an_object_with_its_own_call_signature_is_read(project) -> None:
    text = """
    class _Task:
        def __init__(self, f): self.f = f
        def __call__(self, y: int): ...

    @_Task
    def a(x): ...
    """
    assert list(parameters_of(project, text)) == ["y"]


def test_a_wrapped_chain_that_bites_its_tail_does_not_hang(project) -> None:
    text = """
    def _twist(f):
        f.__wrapped__ = f
        return f

    @_twist
    def a(x): ...
    """
    assert list(parameters_of(project, text)) == ["x"]
