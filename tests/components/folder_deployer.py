"""A deployer that publishes a model as a folder of files: small, and right; what the suite is tried on."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

import attrs

from zenconv import hashing
from zenconv.interfaces.registering import OpenFile
from zenconv.locks import FileLock
from zenconv.records.deployment import Deployment, check_deployment_name

LARGEST_PART = 100_000


class FolderDeployer:
    """Under each name there are releases, and a file that says which of them is the one to read.

    A model has to come with its note, or nobody could read it: that is how one fails to start.
    """

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)

    def deploy(self, deployment: Deployment, open_file: OpenFile) -> Deployment:
        check_deployment_name(deployment.name)
        with FileLock(self.folder / "lock"):
            now = self.get(deployment.name)
            if now and now.status == "ready" and self.is_same(now, deployment):
                return now
            release = self.copy(deployment, open_file)
            return self.publish(deployment, release, now)

    def is_same(self, now: Deployment, deployment: Deployment) -> bool:
        return now.version == deployment.version

    def copy(self, deployment: Deployment, open_file: OpenFile) -> Path:
        release = self.folder / deployment.name / uuid.uuid4().hex
        release.mkdir(parents=True)
        try:
            for file in deployment.version.artifact.files:
                path = release / file.digest[3:]
                if file.inline is not None:
                    path.write_bytes(file.inline)
                    continue
                with open_file(file.digest) as source, open(path, "wb") as target:
                    shutil.copyfileobj(source, target)
            (release / "content").write_text(deployment.version.content)
        except BaseException:
            shutil.rmtree(release)
            raise
        return release

    def publish(self, deployment: Deployment, release: Path, now: Deployment | None) -> Deployment:
        if not any(file.inline for file in deployment.version.artifact.files):
            return self.write(self.refuse(deployment, now))
        url = release.as_uri()
        return self.write(attrs.evolve(deployment, status="ready", serving=deployment.version, url=url))

    def refuse(self, deployment: Deployment, now: Deployment | None) -> Deployment:
        old, url = (now.serving, now.url) if now else (None, "")
        return attrs.evolve(deployment, status="failed", error="it has no note", serving=old, url=url)

    def write(self, deployment: Deployment) -> Deployment:
        draft = self.pointer(deployment.name).with_suffix(f".{uuid.uuid4().hex}")
        draft.write_text(json.dumps(deployment.to_json()))
        os.replace(draft, self.pointer(deployment.name))
        return deployment

    def get(self, name: str) -> Deployment | None:
        try:
            data = self.pointer(check_deployment_name(name)).read_text()
        except FileNotFoundError:
            return None
        return Deployment.from_json(json.loads(data))

    def deployments(self) -> Sequence[Deployment]:
        names = sorted(path.parent.name for path in self.folder.glob("*/now"))
        return [found for name in names if (found := self.get(name))]

    def remove(self, name: str) -> None:
        check_deployment_name(name)
        with FileLock(self.folder / "lock"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def close(self) -> None:
        pass

    def pointer(self, name: str) -> Path:
        return self.folder / name / "now"


def read_content(deployment: Deployment) -> str | None:
    """Read a published model as whoever uses it would: all of its files have to be right."""
    folder = Path(deployment.url.removeprefix("file://"))
    if not (folder / "content").exists():
        return None
    for file in deployment.version.artifact.files:
        path = folder / file.digest[3:]
        if path.exists() and hashing.digest_bytes(path.read_bytes()) != file.digest:
            return "damaged"
    return (folder / "content").read_text()
