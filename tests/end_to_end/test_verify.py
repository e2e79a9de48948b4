"""``run --verify``: reused steps are executed again, and what comes out is compared with what is stored."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest

from tests.end_to_end.conftest import ProjectOnDisk
from zenconv.records.events import StepVerified

SETTINGS = """
    params = {place = 'notes.txt', path = 'page.html'}
    outputs = {unordered = {materializer = "objects"}}
"""
STEPS = """
    import os, random
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Annotated
    import numpy, pandas
    from zenconv import Each, Output

    class Token:
        def __init__(self, value): self.value = value
        def __getstate__(self): return {"value": self.value, "drawn": random.random()}
        def __setstate__(self, state): self.value = state["value"]

    def steady() -> int: return 1
    def seeded(seed) -> float: return random.random()
    def unordered() -> set: return {"a", "b", "c", "d", "e"}
    def page(path: Output[Path]): path.write_text("page")
    def lines(): return (line for line in ["a", "b"])
    def counted(lines) -> int: return len(list(lines))
    def follows(drawn) -> float: return drawn["x"][1]

    def drawn() -> dict: return {"x": [1, random.random()], "y": 2}
    def grown() -> numpy.ndarray: return numpy.zeros(2 + random.randrange(10**6))
    def changed() -> numpy.ndarray: return numpy.array([0.0, random.random(), 2.0])
    def table() -> pandas.DataFrame: return pandas.DataFrame({"a": [1, 2], "b": ["x", str(random.random())]})
    def split() -> tuple[Annotated[int, "train"], Annotated[float, "test"]]: return 1, random.random()
    def stream() -> Iterator[int]:
        for i in range(5):
            yield i if i < 3 else random.random()
    def noted(place: Output[Path]): place.write_text(f"seen {random.random()}")
    async def waited() -> float: return random.random()
    def stored() -> Token: return Token(3)
    def kinds() -> Each[int]: return {"one": 1, "two": 2}
    def squared(kinds) -> int: return kinds * kinds
    def draws() -> Each[float]: return {"same": 1.0, "other": random.random()}
"""
EQUAL = ["counted", "follows", "kinds", "page", "seeded", "squared[kinds=one]", "squared[kinds=two]"]
EQUAL += ["steady", "unordered"]
STEP_DIFFERS = {
    "drawn": ("", "['x'][1]: 0."),
    "grown": ("", "shape ("),
    "changed": ("", "[1]: 0."),
    "table": ("", "['b'][1]: '0."),
    "split": ("test", "0."),
    "stream": ("", "item 3: 0."),
    "noted": ("@place", "the file 'notes.txt' has other bytes from position"),
    "waited": ("", "0."),
    "draws": ("other", "0."),
}


@pytest.fixture(scope="module", params=["0", "2"], ids=["in the runner", "in workers"])
def verified(request: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[ProjectOnDisk, dict[str, Any]]:
    """Run once, then verify everything; return the project and the verdicts by step."""
    folder = tmp_path_factory.mktemp("verified")
    (folder / "project").mkdir()
    made = ProjectOnDisk(folder / "project", folder / "home")
    made.write({"steps_a.py": STEPS, "zenconv.toml": SETTINGS})
    made.run()
    made.write({"before": made.read("notes.txt")})
    made.run("--verify", "-n", request.param, check=10)
    return made, verdicts(made)


def verdicts(made: ProjectOnDisk) -> dict[str, StepVerified]:
    return {event.node.partition("::")[2]: event for event in made.events() if event.name == "step_verified"}


def test_what_comes_out_the_same_is_equal(verified: Any) -> None:
    found = verified[1]
    assert sorted(name for name, verdict in found.items() if verdict.outcome == "equal") == EQUAL
    assert "lines" not in found, "a live value is stored nowhere; it is made again where it is used"


@pytest.mark.parametrize("step", STEP_DIFFERS)
def test_a_step_that_is_not_deterministic_is_named_with_the_difference(verified: Any, step: str) -> None:
    verdict = verified[1][step]
    output, difference = STEP_DIFFERS[step]
    assert (verdict.outcome, verdict.cause, verdict.output) == ("differs", "step", output)
    assert difference in verdict.difference


def test_a_serialiser_that_is_not_deterministic_is_named(verified: Any) -> None:
    verdict = verified[1]["stored"]
    assert (verdict.outcome, verdict.cause, verdict.materializer) == ("differs", "serialiser", "objects/1")
    shown = verified[0].last.stderr
    assert "a::stored" in shown
    assert "the serialiser is not deterministic: objects/1" in shown


def test_stored_results_and_written_files_stay_as_they_are(verified: Any) -> None:
    made, _ = verified
    assert made.read("notes.txt") == made.read("before")
    assert set(made.statuses().values()) == {"reused"}
    first, verifying = [made.json("show", run, "drawn")["step"]["outputs"] for run in ("1", "2")]
    assert first == verifying


def test_the_verdict_is_recorded_and_shown(verified: Any) -> None:
    made, found = verified
    run = made.json("show", "2")
    differing = sum(verdict.outcome == "differs" for verdict in found.values())
    assert run["run"]["verified"] == {"equal": len(EQUAL), "differs": differing}
    assert (run["run"]["status"], run["run"]["exit_code"]) == ("failed", 10)
    [split] = [step for step in run["steps"] if step["step"] == "split"]
    assert (split["status"], split["reason"]) == ("reused", "nothing changed; executed again to compare")
    assert split["verdict"]["output"] == "test"
    assert "output 'test': 0." in made.run("show", "2", "split").stdout
    assert f"verified: {len(EQUAL)} equal, {differing} differ" in made.run("show", "2").stdout


MANY = "import os\n" + "\n".join(f"def s{i}() -> int: return {i}" for i in range(30))


def chosen(made: ProjectOnDisk, *arguments: str) -> list[str]:
    made.run("--verify", *arguments)
    return sorted(verdicts(made))


def test_a_sample_is_a_share_or_a_number_and_can_be_had_again(project: Callable[..., Any]) -> None:
    made = project({"steps_a.py": MANY})
    made.run()
    first = chosen(made, "5%")
    assert len(first) == 2
    assert "2 of 30 reused steps are executed again to compare; the same ones again: --verify 5%@2" in (
        made.last.stderr
    )
    assert chosen(made, "0.05@2") == first
    assert any(chosen(made, f"5%@{seed}") != first for seed in (3, 4))
    assert len(chosen(made, "3")) == 3
    assert chosen(made, "s7") == ["s7"], "what follows may be a target"
    assert chosen(made, "0") == []
    assert made.json("run", "--verify", "3")["verified"] == {"equal": 3}
    planned = made.json("run", "--plan", "--verify", "5%@2")["nodes"]
    assert sorted(n["step"] for n in planned if "compare" in n["reason"]) == first


@pytest.mark.parametrize("amount", ["101%", "5%%", "1.5", "3 steps", "5%@x"])
def test_an_amount_that_is_none_is_told(project: Callable[..., Any], amount: str) -> None:
    made = project({"steps_a.py": MANY})
    assert f"--verify: {amount!r} is" in made.run("run", "--verify", amount, check=4).stderr


def test_what_has_to_run_is_not_verified(project: Callable[..., Any]) -> None:
    made = project({"steps_a.py": MANY})
    assert "nothing is verified: no step is reused" in made.run("--verify").stderr
    made.edit("steps_a.py", "return 7\n", "return 70\n")
    made.run("--verify")
    assert made.executed() == ["a::s7"]
    assert len(verdicts(made)) == 29


def test_what_turns_out_to_be_reusable_is_verified_as_well(project: Callable[..., Any]) -> None:
    made = project({"steps_a.py": "def one() -> int: return 1 + 1\ndef two(one) -> int: return one\n"})
    made.run()
    made.edit("steps_a.py", "return 1 + 1", "return 3 - 1")
    made.run("--verify")
    assert (made.executed(), list(verdicts(made))) == (["a::one"], ["two"])


FAILING = """
    import os, signal
    def one() -> int: return 1
    def bad(one) -> int:
        if os.environ.get("MODE") == "raise": raise ValueError("not this time")
        if os.environ.get("MODE") == "exit": os._exit(0)
        return 2
    def last(bad) -> int: return 3
"""


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize(
    ("mode", "message"), [("raise", "ValueError: not this time"), ("exit", "the step ended its process")]
)
def test_a_step_that_fails_when_it_is_executed_again_is_told(
    project: Callable[..., Any], mode: str, message: str, workers: str
) -> None:
    made = project({"steps_a.py": FAILING})
    made.run()
    made.run("--verify", "-n", workers, env={"MODE": mode}, check=10)
    assert message in made.last.stderr
    assert {name: verdict.outcome for name, verdict in verdicts(made).items()} == {
        "one": "equal",
        "bad": "failed",
        "last": "equal",
    }
    assert set(made.statuses().values()) == {"reused"}
    assert message.partition(": ")[2] in made.run("show", "bad").stdout


def test_side_effects_that_may_explain_a_difference_are_told(project: Callable[..., Any]) -> None:
    made = project(
        {"steps_a.py": "import os\ndef one() -> str:\n    return os.environ.get('REGION', 'eu')\n"}
    )
    made.run()
    shown = made.run("--verify", env={"REGION": "us"}, check=10).stderr
    assert "its value: 'us' instead of 'eu'" in shown
    assert "perhaps because steps_a.py:3: 'one' reads the environment variable 'REGION'" in shown


def test_secrets_are_struck_out_of_differences(project: Callable[..., Any]) -> None:
    made = project({"steps_a.py": "def one(secrets) -> str:\n    return secrets['TOKEN']\n"})
    made.run(env={"TOKEN": "first-of-all"})
    made.run("--verify", env={"TOKEN": "hunter-2222"}, check=10)
    assert "hunter-2222" not in made.last.stderr
    assert "hunter-2222" not in made.run("show", "one").stdout


def test_nothing_is_stored_of_what_differs(project: Callable[..., Any]) -> None:
    made = project({"steps_a.py": "import os\ndef one() -> bytes:\n    return os.urandom(50_000)\n"})
    made.run()
    blobs = sorted(path for path in (made.path / ".zenconv").rglob("*") if path.stat().st_size > 40_000)
    assert blobs
    made.run("--verify", check=10)
    assert "differs from position" in made.last.stderr
    after = sorted(path for path in (made.path / ".zenconv").rglob("*") if path.stat().st_size > 40_000)
    assert after == blobs


def test_a_damaged_input_is_told_and_computed_again_by_the_next_run(project: Callable[..., Any]) -> None:
    steps = "def one() -> bytes:\n    return bytes(50_000)\ndef two(one) -> int:\n    return len(one)\n"
    made = project({"steps_a.py": steps})
    made.run()
    [blob] = [path for path in (made.path / ".zenconv").rglob("*") if path.stat().st_size > 40_000]
    blob.chmod(0o644)
    blob.write_bytes(b"x" * blob.stat().st_size)
    made.run("--verify", check=10)
    assert "its stored result is damaged" in made.last.stderr
    assert verdicts(made)["two"].outcome == "failed"
    made.run()
    made.run("--verify")
    assert made.value("two") == 50_000


def test_an_interruption_ends_the_verification(project: Callable[..., Any]) -> None:
    made = project(
        {
            "steps_a.py": """
                import os, signal, time
                def one() -> int:
                    if os.environ.get("MODE"):
                        os.kill(os.getppid(), signal.SIGINT)
                        time.sleep(60)
                    return 1
            """
        }
    )
    made.run()
    made.run("--verify", env={"MODE": "x"}, check=128 + signal.SIGINT)
    assert verdicts(made) == {}
    made.run("--verify")
