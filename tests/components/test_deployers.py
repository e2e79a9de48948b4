"""A deployer that is right passes the suite that every one has to pass; broken ones do not."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import attrs
import pytest

from tests.components.calling import call_test, list_tests
from tests.components.folder_deployer import FolderDeployer, read_content
from zenconv.errors import CorruptArtifact
from zenconv.interfaces.deploying import Deployer
from zenconv.interfaces.registering import OpenFile
from zenconv.records.deployment import Deployment
from zenconv.testing import DeployerSuite
from zenconv.testing.deployers import make_deployment


class FolderSuite(DeployerSuite):
    """The suite, with what reads folders."""

    ready_seconds = 0.5

    def ask(self, deployment: Deployment) -> str | None:
        return read_content(deployment)

    def fail_start(self, deployer: Deployer) -> Deployment:
        wish = make_deployment("second")
        artifact = wish.version.artifact
        files = tuple(file for file in artifact.files if not file.inline)
        return attrs.evolve(
            wish, version=attrs.evolve(wish.version, artifact=attrs.evolve(artifact, files=files))
        )


class TestFolderDeployer(FolderSuite):
    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Callable[[], FolderDeployer]:
        return partial(FolderDeployer, str(tmp_path / "served"))


class Renewing(FolderDeployer):
    """Deploys what answers already once more."""

    def is_same(self, now: Deployment, deployment: Deployment) -> bool:
        return False


class Constant(FolderDeployer):
    """Leaves what answers, whatever is asked for."""

    def is_same(self, now: Deployment, deployment: Deployment) -> bool:
        return True


class Forgetful(FolderDeployer):
    """Forgets who has asked."""

    def write(self, deployment: Deployment) -> Deployment:
        return super().write(attrs.evolve(deployment, by=""))


class Single(FolderDeployer):
    """Knows one name."""

    def pointer(self, name: str) -> Path:
        return self.folder / "only" / "now"

    def write(self, deployment: Deployment) -> Deployment:
        (self.folder / "only").mkdir(parents=True, exist_ok=True)
        return super().write(deployment)


class Unordered(FolderDeployer):
    def deployments(self) -> Sequence[Deployment]:
        return list(reversed(super().deployments()))


class Leaving(FolderDeployer):
    """Forgets a deployment, and lets it answer."""

    def remove(self, name: str) -> None:
        super().get(name)
        self.pointer(name).unlink(missing_ok=True)


class Sweeping(FolderDeployer):
    """Removes everything with one."""

    def remove(self, name: str) -> None:
        if super().get(name):
            shutil.rmtree(self.folder)


class Missing(FolderDeployer):
    """Takes a missing deployment for a mistake."""

    def remove(self, name: str) -> None:
        assert super().get(name), f"there is no deployment {name!r}"
        super().remove(name)


class Owning(FolderDeployer):
    """Takes down what it has deployed when it is closed."""

    def close(self) -> None:
        for deployment in self.deployments():
            self.remove(deployment.name)


class Clearing(FolderDeployer):
    """Makes room before it reads."""

    def copy(self, deployment: Deployment, open_file: OpenFile) -> Path:
        shutil.rmtree(self.folder / deployment.name, ignore_errors=True)
        return super().copy(deployment, open_file)


class Eager(FolderDeployer):
    """Says that a model answers before it does."""

    def deploy(self, deployment: Deployment, open_file: OpenFile) -> Deployment:
        url = (self.folder / deployment.name).as_uri()
        (self.folder / deployment.name).mkdir(parents=True, exist_ok=True)
        self.write(attrs.evolve(deployment, status="ready", serving=deployment.version, url=url))
        return super().deploy(deployment, open_file)


class Bold(FolderDeployer):
    """Replaces the old model by one that does not start."""

    def refuse(self, deployment: Deployment, now: Deployment | None) -> Deployment:
        return attrs.evolve(super().refuse(deployment, None), url="file:///nowhere")


class Silent(FolderDeployer):
    """Does not say that a model does not start."""

    def refuse(self, deployment: Deployment, now: Deployment | None) -> Deployment:
        assert now
        return now


class Endless(FolderDeployer):
    """Never says that a model is up."""

    def write(self, deployment: Deployment) -> Deployment:
        return super().write(attrs.evolve(deployment, status="starting"))


class Trusting(FolderDeployer):
    """Takes any text for a name."""

    def get(self, name: str) -> Deployment | None:
        try:
            return super().get(name)
        except ValueError:
            return None


class Racing(FolderDeployer):
    """Publishes in one place, without a lock: whose files come first is the last to say so."""

    def deploy(self, deployment: Deployment, open_file: OpenFile) -> Deployment:
        release = self.copy(deployment, open_file)
        place = self.folder / deployment.name / "release"
        time.sleep(0.03 * (deployment.version.number - 1))
        shutil.copytree(release, place, dirs_exist_ok=True)
        time.sleep(0.06 * (3 - deployment.version.number))
        url = place.as_uri()
        return self.write(attrs.evolve(deployment, status="ready", serving=deployment.version, url=url))


class Pausing(FolderDeployer):
    """Takes the old model away, and puts the new one there when it is closed."""

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self.later: dict[str, Deployment] = {}

    def write(self, deployment: Deployment) -> Deployment:
        self.pointer(deployment.name).unlink(missing_ok=True)
        self.later[deployment.name] = deployment
        return deployment

    def close(self) -> None:
        for deployment in self.later.values():
            super().write(deployment)
        self.later.clear()


class Threaded(FolderDeployer):
    """Publishes in one place, and says what is there from memory."""

    said: dict[str, Deployment] = {}

    def publish(self, deployment: Deployment, release: Path, now: Deployment | None) -> Deployment:
        super().publish(deployment, release, now)
        return self.said.setdefault(deployment.name, deployment)

    def get(self, name: str) -> Deployment | None:
        found = super().get(name)
        first = self.said.get(name)
        return attrs.evolve(found, serving=first.version, version=first.version) if found and first else found


class Incomplete(FolderDeployer):
    """Has nothing to show."""

    deployments = None  # type: ignore[assignment]


BROKEN: dict[type[FolderDeployer], str] = {
    Incomplete: "test_it_satisfies_the_protocol",
    Threaded: "test_threads_deploy_under_one_name",
    Renewing: "test_the_model_that_answers_already_is_left_as_it_is",
    Constant: "test_another_model_takes_the_place_of_the_first",
    Forgetful: "test_a_deployed_model_answers_and_everyone_knows",
    Endless: "test_a_deployed_model_answers_and_everyone_knows",
    Single: "test_deployments_have_names_of_their_own",
    Unordered: "test_deployments_have_names_of_their_own",
    Leaving: "test_a_removed_model_does_not_answer_any_more",
    Sweeping: "test_a_removed_model_does_not_answer_any_more",
    Missing: "test_at_first_there_is_nothing",
    Owning: "test_a_model_answers_on_when_the_deployer_is_closed",
    Clearing: "test_a_model_whose_bytes_are_wrong_changes_nothing",
    Eager: "test_a_model_whose_bytes_are_wrong_changes_nothing",
    Bold: "test_where_a_model_does_not_start_the_one_before_goes_on",
    Silent: "test_where_a_model_does_not_start_the_one_before_goes_on",
    Trusting: "test_what_is_no_name_is_refused",
    Racing: "test_processes_deploy_under_one_name_and_what_answers_is_what_is_said",
    Pausing: "test_a_deployer_that_is_killed_leaves_one_that_answers_and_blocks_nobody",
}

FAILING = (AssertionError, pytest.fail.Exception, CorruptArtifact)


def call(kind: type[FolderDeployer], name: str, tmp_path: Path) -> None:
    reopen = partial(kind, str(tmp_path / "served"))
    call_test(FolderSuite(), name, reopen=reopen, deployer=reopen(), other=reopen(), tmp_path=tmp_path)


@pytest.mark.parametrize(("kind", "name"), BROKEN.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_a_broken_deployer_does_not_pass(kind: type[FolderDeployer], name: str, tmp_path: Path) -> None:
    with pytest.raises(FAILING):
        call(kind, name, tmp_path)


@pytest.mark.parametrize("name", sorted(set(BROKEN.values())))
def test_one_that_is_right_passes_in_the_same_way(name: str, tmp_path: Path) -> None:
    call(FolderDeployer, name, tmp_path)


def test_every_test_of_the_suite_is_one_that_something_broken_fails() -> None:
    assert list_tests(DeployerSuite) - set(BROKEN.values()) == set()
