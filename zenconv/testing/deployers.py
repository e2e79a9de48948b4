"""The conformance suite of deployers: subclass it, give the fixture `reopen`, run pytest.

::

    class TestMine(DeployerSuite):
        @pytest.fixture
        def reopen(self):
            return functools.partial(MyDeployer, namespace="tests")

        def ask(self, deployment):
            return requests.get(deployment.url + "/content").text

`reopen` makes a new object on the same, at first empty, place. When it can be pickled (a class or a
``functools.partial`` of one, not a lambda), the tests with several processes run too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path

import attrs
import pytest

from zenconv.errors import CorruptArtifact
from zenconv.interfaces.deploying import Deployer
from zenconv.records.deployment import Deployment
from zenconv.records.model_version import ModelVersion
from zenconv.testing.concurrency import (
    PROCESSES,
    finish,
    kill_after,
    make_barrier,
    need_processes,
    run_threads,
    start_process,
)
from zenconv.testing.registered import AT, make_version, open_files, open_wrong
from zenconv.testing.suites import ConformanceSuite

Reopen = Callable[[], Deployer]

HOSTILE_DEPLOYMENT_NAMES = (
    "",
    ".",
    "..",
    "../x",
    "/x",
    "a/b",
    "a.b",
    "a b",
    "A",
    "ä",
    "-a",
    "a-",
    "a\n",
    "a\x00",
    "a_b",
    "a" * 64,
)

TEXTS = ("first", "second", "third")
_ROUNDS = 8


def make_deployment(text: str = "first", name: str = "churn", *, by: str = "näme") -> Deployment:
    """Return what asks for a model to answer under a name."""
    return Deployment(name, make_version(text, number=1 + TEXTS.index(text)), by=by, at=AT)


def _deploy_together(reopen: Reopen, barrier: Barrier, own: int) -> None:
    deployer = reopen()
    for number in range(_ROUNDS):
        text = TEXTS[(number + own) % len(TEXTS)]
        barrier.wait()
        deployer.deploy(make_deployment(text), open_files(text))
        deployer.deploy(make_deployment(text, f"own-{own}"), open_files(text))
        barrier.wait()
    deployer.close()


def _deploy_forever(reopen: Reopen, log: str) -> None:
    deployer = reopen()
    with open(log, "w") as stream:
        for number in range(1_000_000):
            text = TEXTS[number % len(TEXTS)]
            deployer.deploy(make_deployment(text), open_files(text))
            stream.write(f"{text}\n")
            stream.flush()


class DeployerSuite(ConformanceSuite):
    """What every `Deployer` promises. Override `reopen` and `ask`; where needed, the rest."""

    kind = "deployer"

    ready_seconds = 10.0
    """How long it may take until a model answers, or nothing does any more."""

    @pytest.fixture
    def reopen(self) -> Reopen:
        """Return a callable that opens the same, at first empty, place each time."""
        raise NotImplementedError("override the fixture `reopen`")

    @pytest.fixture
    def deployer(self, reopen: Reopen) -> Iterator[Deployer]:
        """The deployer under test; what it has deployed is removed in the end."""
        deployer = reopen()
        yield deployer
        for deployment in deployer.deployments():
            deployer.remove(deployment.name)
        deployer.close()

    @pytest.fixture
    def other(self, reopen: Reopen) -> Iterator[Deployer]:
        """A second object for the same place, as of another process."""
        deployer = reopen()
        yield deployer
        deployer.close()

    def ask(self, deployment: Deployment) -> str | None:
        """Return the content digest of the model that answers at `deployment.url`; None: nothing does."""
        raise NotImplementedError("override `ask`")

    def fail_start(self, deployer: Deployer) -> Deployment:
        """Return the wish for a model that does not start, though all of its bytes are right.

        It is named ``churn``; `open_files` of ``second`` opens its files.
        """
        pytest.skip("`fail_start` is not overridden")

    def wait(self, deployer: Deployer, name: str = "churn") -> Deployment:
        """Return a deployment once it is not starting any more."""
        deadline = time.monotonic() + self.ready_seconds
        while True:
            found = deployer.get(name)
            assert found is not None, f"there is no deployment {name!r}"
            if found.status != "starting":
                return found
            assert time.monotonic() < deadline, f"{name!r} is still starting"
            time.sleep(0.05)

    def deploy(self, deployer: Deployer, text: str = "first", name: str = "churn") -> Deployment:
        """Deploy a model and return the deployment once the model answers."""
        deployer.deploy(make_deployment(text, name), open_files(text))
        found = self.wait(deployer, name)
        assert (found.status, found.error) == ("ready", "")
        return found

    def check_answers(self, deployment: Deployment, version: ModelVersion) -> None:
        """Fail unless the right model answers."""
        assert deployment.serving == version
        assert self.ask(deployment) == version.content

    def check_silent(self, deployment: Deployment) -> None:
        """Fail unless nothing answers any more, within a while."""
        deadline = time.monotonic() + self.ready_seconds
        while self.ask(deployment) is not None:
            assert time.monotonic() < deadline, "it still answers"
            time.sleep(0.05)

    def test_it_satisfies_the_protocol(self, deployer: Deployer) -> None:
        assert isinstance(deployer, Deployer)

    def test_at_first_there_is_nothing(self, deployer: Deployer) -> None:
        assert (list(deployer.deployments()), deployer.get("churn")) == ([], None)
        deployer.remove("churn")

    def test_a_deployed_model_answers_and_everyone_knows(self, deployer: Deployer, other: Deployer) -> None:
        asked = make_deployment()
        returned = deployer.deploy(asked, open_files("first"))
        assert (returned.name, returned.version, returned.by, returned.at) == (
            "churn",
            asked.version,
            "näme",
            AT,
        )
        found = self.wait(other)
        assert found == attrs.evolve(asked, status="ready", serving=asked.version, url=found.url)
        self.check_answers(found, asked.version)
        assert list(other.deployments()) == list(deployer.deployments()) == [found]

    def test_deployments_have_names_of_their_own(self, deployer: Deployer, other: Deployer) -> None:
        names = ("b", "a", "churn-eu", "0", "a" * 63)
        for name, text in zip(names, TEXTS + TEXTS, strict=False):
            self.deploy(deployer, text, name)
        assert [deployment.name for deployment in other.deployments()] == sorted(names)
        for name, text in zip(names, TEXTS + TEXTS, strict=False):
            self.check_answers(self.wait(other, name), make_deployment(text).version)

    def test_another_model_takes_the_place_of_the_first(self, deployer: Deployer, other: Deployer) -> None:
        self.deploy(deployer)
        second = self.deploy(other, "second")
        self.check_answers(second, make_deployment("second").version)
        assert list(deployer.deployments()) == [second]
        self.deploy(deployer)
        self.check_answers(self.wait(other), make_deployment().version)

    def test_the_model_that_answers_already_is_left_as_it_is(
        self, deployer: Deployer, other: Deployer
    ) -> None:
        first = self.deploy(deployer)
        again = other.deploy(make_deployment(by="another"), open_wrong("first"))
        assert again == first
        assert list(deployer.deployments()) == [first]

    def test_a_removed_model_does_not_answer_any_more(self, deployer: Deployer, other: Deployer) -> None:
        gone, kept = self.deploy(deployer), self.deploy(deployer, "second", "kept")
        other.remove("churn")
        self.check_silent(gone)
        assert (deployer.get("churn"), list(deployer.deployments())) == (None, [kept])
        self.check_answers(kept, make_deployment("second").version)
        other.remove("churn")
        self.check_answers(self.deploy(deployer), make_deployment().version)

    def test_a_model_answers_on_when_the_deployer_is_closed(self, deployer: Deployer, reopen: Reopen) -> None:
        one = reopen()
        found = self.deploy(one)
        one.close()
        one.close()
        self.check_answers(found, make_deployment().version)
        assert deployer.get("churn") == found

    def test_a_model_whose_bytes_are_wrong_changes_nothing(self, deployer: Deployer, other: Deployer) -> None:
        with pytest.raises(CorruptArtifact):
            deployer.deploy(make_deployment(), open_wrong("first"))
        assert list(other.deployments()) == []
        first = self.deploy(deployer)
        with pytest.raises(CorruptArtifact):
            deployer.deploy(make_deployment("second"), open_wrong("second"))
        assert list(other.deployments()) == [first]
        self.check_answers(first, make_deployment().version)
        self.check_answers(self.deploy(other, "second"), make_deployment("second").version)

    def test_where_a_model_does_not_start_the_one_before_goes_on(
        self, deployer: Deployer, other: Deployer
    ) -> None:
        wish = self.fail_start(deployer)
        self.deploy(deployer)
        deployer.deploy(wish, open_files("second"))
        failed = self.wait(other)
        assert (failed.status, failed.version) == ("failed", wish.version)
        assert failed.error
        self.check_answers(failed, make_deployment().version)
        self.check_answers(self.deploy(deployer), make_deployment().version)

    @pytest.mark.parametrize("name", HOSTILE_DEPLOYMENT_NAMES, ids=ascii)
    def test_what_is_no_name_is_refused(self, deployer: Deployer, name: str) -> None:
        wish = make_deployment(name=name)
        actions: list[Callable[[], object]] = [
            lambda: deployer.deploy(wish, open_files("first")),
            lambda: deployer.get(name),
            lambda: deployer.remove(name),
        ]
        for action in actions:
            with pytest.raises(ValueError, match="not the name of a deployment"):
                action()
        assert list(deployer.deployments()) == []

    def test_threads_deploy_under_one_name(self, deployer: Deployer, other: Deployer) -> None:
        def work() -> None:
            for one, text in zip((deployer, other, deployer), TEXTS, strict=True):
                one.deploy(make_deployment(text), open_files(text))

        run_threads(work)
        found = self.wait(other)
        assert found.status == "ready"
        self.check_answers(found, found.version)

    def test_processes_deploy_under_one_name_and_what_answers_is_what_is_said(
        self, deployer: Deployer, reopen: Reopen
    ) -> None:
        need_processes(reopen)
        barrier = make_barrier(PROCESSES + 1)
        processes = [start_process(_deploy_together, reopen, barrier, own) for own in range(PROCESSES)]
        for _ in range(_ROUNDS):
            barrier.wait()
            barrier.wait()
            names = [deployment.name for deployment in deployer.deployments()]
            assert names == ["churn", *(f"own-{own}" for own in range(PROCESSES))]
            for name in names:
                found = self.wait(deployer, name)
                self.check_answers(found, found.version)
        finish(processes)

    def test_a_deployer_that_is_killed_leaves_one_that_answers_and_blocks_nobody(
        self, deployer: Deployer, reopen: Reopen, tmp_path: Path
    ) -> None:
        need_processes(reopen)
        for attempt in range(3):
            log = tmp_path / f"deployed {attempt}"
            kill_after(log, start_process(_deploy_forever, reopen, str(log)), 5, 0.02 * attempt)
            found = self.wait(deployer)
            assert found.serving is not None
            self.check_answers(found, found.serving)
        self.check_answers(self.deploy(deployer, "third"), make_deployment("third").version)
