"""The reason beside a step names what is different, and nothing that is not."""

from collections.abc import Callable

import pytest

from tests.end_to_end.conftest import ProjectOnDisk

Make = Callable[..., ProjectOnDisk]

TWO_STORES = {
    "zenconv.toml": """
        [stacks.team]
        artifact_store = {id = "local", path = "team"}
    """
}
MODEL = {
    "steps_model.py": """
        from typing import Annotated

        from shared import Net

        def data(size: int = 3) -> list[int]:
            return list(range(size))

        def net(data: list[int], depth: int = 1) -> Net:
            return Net(depth)

        def halves(data: list[int]) -> tuple[Annotated[list, "left"], Annotated[list, "right"]]:
            return data[:1], data[1:]

        def answer(net, data, scale: int = 1) -> int:
            return net.predict(data) * scale
    """,
    "shared.py": """
        import numpy as np

        class Net:
            def __init__(self, depth):
                self.depth = depth

            def predict(self, data):
                return int(np.sum(data)) * self.depth
    """,
}


@pytest.fixture
def model(project: Make) -> ProjectOnDisk:
    made = project({**MODEL, **TWO_STORES})
    made.run("run")
    return made


def test_where_a_store_lacks_everything_each_step_says_so(model: ProjectOnDisk) -> None:
    model.run("run", "--stack", "team")
    assert set(model.reasons().values()) == {
        "nothing changed, but its result is not in this stack's store",
    }


def test_what_came_with_the_class_of_an_input_is_not_called_removed_before_the_input_is_known(
    model: ProjectOnDisk,
) -> None:
    plan = {
        n["step"]: (n["action"], n["reason"])
        for n in model.json("run", "--plan", "--stack", "team", "--set", "depth=2", "--set", "scale=5")[
            "nodes"
        ]
    }
    assert plan["net"] == ("run", "depth: 1 -> 2")
    assert plan["answer"] == ("run", "scale: 1 -> 5")
    explained = model.json("explain", "answer", "--set", "depth=2")["steps"]
    assert [(step["action"], step["changes"]) for step in explained] == [("maybe", [])]


def test_a_run_names_the_inputs_that_its_plan_did_not_know_yet(model: ProjectOnDisk) -> None:
    model.run("run", "--set", "depth=2", "--set", "scale=5")
    assert model.reasons() == {
        "model::net": "depth: 1 -> 2",
        "model::answer": "scale: 1 -> 5; input net changed",
    }


def test_renamed_outputs_are_named(model: ProjectOnDisk) -> None:
    model.edit("steps_model.py", '"right"', '"rest"')
    model.run("run")
    assert model.reasons() == {"model::halves": "outputs: left, right -> left, rest"}


def test_a_step_whose_stored_bytes_were_damaged_says_that(project: Make) -> None:
    it = project(
        {
            "steps_a.py": """
                def big() -> bytes:
                    return bytes(100_000)

                def length(big: bytes) -> int:
                    return len(big)
            """
        }
    )
    it.run("run")
    [stored] = [f for f in it.path.glob(".zenconv/store/objects/*/*") if f.stat().st_size >= 100_000]
    stored.chmod(0o600)
    stored.write_bytes(b"x" * stored.stat().st_size)
    it.edit("steps_a.py", "len(big)", "len(big) + 1")
    it.run("run")
    assert it.reasons() == {
        "a::big": "its stored bytes were damaged",
        "a::length": "steps_a.length changed, steps_a.py:4",
    }
