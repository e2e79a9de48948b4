"""Environments that steps ask for with ``python(requirements=...)``: found, ordered, waited for.

One lies in the state folder under a digest of all that makes it: the requirements, the content of
local packages among them, the Python, and what is installed beside zenconv. It is made once, by
a program of its own (`environment_maker`), and used as long as that digest stays the same.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import attrs

from zenconv import hashing
from zenconv.engine import environment_maker
from zenconv.engine.descendants import kill_tree
from zenconv.engine.environment_maker import LOG, MADE
from zenconv.frozen import Frozen
from zenconv.records.marks import Requirements

_FORMAT = "zenconv.environment.1"
_BUILT = frozenset({"build", "dist", "__pycache__"})
_FILE_OPTION = re.compile(r"(?:-r|--requirement|-c|--constraint)[ =]?\s*(.+)")
_CORE = ("attrs", "blake3", "click", "cloudpickle", "fsspec", "importlib-metadata", "platformdirs", "pluggy")


@attrs.frozen(eq=False, repr=False)
class Environment(Frozen):
    """An environment as ordered; `packages` (name to version) is None until it is made.

    `texts` are the requirements as they count in a cache key: local packages by content.
    """

    requirements: Requirements
    folder: Path
    texts: tuple[str, ...]
    packages: Mapping[str, str] | None = None

    @property
    def python(self) -> str:
        """The path of its interpreter."""
        return str(self.folder / "bin" / "python")

    def key_texts(self) -> dict[str, str]:
        """Return what counts of it in a cache key: what is asked for, and what that came to."""
        asked = hashing.digest_texts("requirements", [*self.texts, str(self.requirements.is_isolated)])
        found = {f"installed {name}": version for name, version in (self.packages or {}).items()}
        version = self.requirements.version
        return {"requirements": asked, **found, **({"python": version} if version else {})}


class _Maker(NamedTuple):
    """A process that makes an environment, and the end of a pipe that keeps it at work."""

    process: subprocess.Popen[bytes]
    leash: int


@attrs.define(eq=False, repr=False)
class Environments:
    """The environments of one project, whose root is `root`; they lie in `folder`."""

    root: Path
    folder: Path
    _found: dict[Requirements, Environment] = attrs.field(factory=dict)
    _makers: dict[Path, _Maker] = attrs.field(factory=dict)
    _failures: dict[Path, str] = attrs.field(factory=dict)

    def find(self, requirements: Requirements) -> Environment:
        """Return the environment for `requirements`, made or not."""
        found = self._found.get(requirements)
        if found is None:
            found = self._found[requirements] = self._describe(requirements)
        if found.packages is None:
            packages = _read_packages(found.folder)
            if packages is not None:
                _note_use(found.folder)
                found = self._found[requirements] = attrs.evolve(found, packages=packages)
        return found

    def is_ordered(self, environment: Environment) -> bool:
        """Return whether somebody makes it already, or has tried to."""
        return environment.folder in self._makers or environment.folder in self._failures

    def prepare(self, environment: Environment) -> str:
        """See to it that an environment gets made; return why it cannot be, or ``""``.

        It is there once `find` tells its packages. Called again and again while one waits.
        """
        folder = environment.folder
        if folder in self._failures:
            return self._failures[folder]
        made = self._makers.get(folder)
        if made is None:
            problem = self._order(environment)
            if problem:
                self._failures[folder] = problem
            return problem
        maker = made.process
        if maker.poll() is None:
            return ""
        os.close(made.leash)
        del self._makers[folder]
        if maker.returncode and _read_packages(folder) is None:
            said = maker.stderr.read().decode("utf-8", "replace").strip() if maker.stderr else ""
            self._failures[folder] = said or f"its maker ended with {maker.returncode}"
        return self._failures.get(folder, "")

    def close(self) -> None:
        """End those that are being made for nobody any more."""
        for maker in self._makers.values():
            kill_tree(maker.process.pid)
            maker.process.wait()
            os.close(maker.leash)
        self._makers.clear()

    def _describe(self, requirements: Requirements) -> Environment:
        texts = tuple(self._texts(requirements))
        whole = [_FORMAT, *texts, requirements.version, str(requirements.is_isolated)]
        whole += [sys.version, platform.machine(), *_parents(), *_installed()]
        digest = hashing.digest_texts("environment", whole)[3:23]
        return Environment(requirements, self.folder / digest, texts)

    def _texts(self, requirements: Requirements) -> Iterable[str]:
        for package in requirements.packages:
            yield self._text_of(package)
        if requirements.file:
            yield from self._file_texts(self.root / requirements.file, set())

    def _file_texts(self, file: Path, seen: set[Path]) -> Iterable[str]:
        """Yield the lines of a requirements file that say something, and of those it names."""
        if file in seen:
            return
        seen.add(file)
        try:
            lines = file.read_text("utf-8").replace("\\\n", " ").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            yield f"cannot be read: {error}"
            return
        for line in lines:
            text = re.sub(r"(^|\s)#.*", "", line).strip()
            named = _FILE_OPTION.fullmatch(text)
            if named is not None:
                yield from self._file_texts(Path(os.path.normpath(file.parent / named[1])), seen)
            elif text:
                yield self._text_of(text)

    def _text_of(self, requirement: str) -> str:
        """Return a requirement as it counts: a package on this machine by its content, not its place."""
        path = _local_path(requirement, self.root)
        if path is None:
            return " ".join(requirement.split())
        extras = requirement[requirement.find("[") :] if requirement.endswith("]") else ""
        return f"local {digest_package(path)}{extras}"

    def _order(self, environment: Environment) -> str:
        """Start the maker of an environment; return why that is not possible, or ``""``."""
        requirements = environment.requirements
        python = find_python(requirements.version)
        if not python:
            return f"there is no Python {requirements.version} on this machine (python{requirements.version})"
        wanted = [part for package in requirements.packages for part in _arguments(package)]
        if requirements.file:
            wanted += ["--requirement", requirements.file]
        is_same = is_own_version(requirements.version)
        is_apart = requirements.is_isolated or not is_same
        if not is_same:
            wanted += [f"{name}{version}" for name, version in _core_requirements().items()]
        order = {
            "folder": str(environment.folder),
            "root": str(self.root),
            "python": python,
            "requirements": wanted,
            "parents": [] if is_apart else _parents(),
            "links": _core_links(with_requirements=is_same) if is_apart else {},
        }
        alive, leash = os.pipe()
        maker = subprocess.Popen(
            # As a file, which needs nothing but Python: no path of ours gets into what pip sees.
            [sys.executable, "-P", environment_maker.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=self.root,
            pass_fds=[alive],
        )
        os.close(alive)
        assert maker.stdin is not None
        maker.stdin.write(json.dumps({**order, "alive": alive}).encode())
        maker.stdin.close()
        self._makers[environment.folder] = _Maker(maker, leash)
        return ""


def describe_problem(environment: Environment, problem: str) -> dict[str, Any]:
    """Return the recorded error of a step whose environment cannot be made."""
    log = environment.folder / LOG
    where = environment.requirements.where
    all_of_it = f"all that was said: {log}" if log.exists() else ""
    return {
        "type": "EnvironmentFailure",
        "message": f"its environment cannot be made: {problem}",
        "frames": [],
        "hint": "; ".join(filter(None, [f"asked for at {where}" if where else "", all_of_it])),
    }


def describe_refusal(text: str) -> dict[str, Any]:
    """Return the error of a step in whose environment the project's files cannot be imported."""
    return {
        "type": "EnvironmentFailure",
        "message": f"the project cannot be collected in its environment:\n{text}",
        "frames": [],
        "hint": "what the step's file imports at its top has to be installed there, too: add it to the "
        "requirements, or import it inside the steps that need it",
    }


def digest_package(path: Path) -> str:
    """Return the digest of a file, or of a package's source folder without what a build leaves in it."""
    if not path.is_dir():
        return hashing.digest_bytes(path.read_bytes()) if path.exists() else "missing"
    texts: list[str] = []
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if not _is_left_over(name))
        for name in sorted(files):
            if not _is_left_over(name):
                file = os.path.join(folder, name)
                with open(file, "rb") as stream:
                    texts += [os.path.relpath(file, path), hashing.digest_bytes(stream.read())]
    return hashing.digest_texts("package", texts)


def _is_left_over(name: str) -> bool:
    return name in _BUILT or name.startswith(".") or name.endswith((".egg-info", ".pyc"))


def find_python(version: str) -> str:
    """Return the path of an interpreter of that version, of this one for ``""``; empty if there is none."""
    if is_own_version(version):
        return sys.executable
    return shutil.which(f"python{version}") or ""


def is_own_version(version: str) -> bool:
    """Return whether `version` is that of this Python, as far as it says; ``""`` is."""
    own = platform.python_version()
    return not version or own == version or own.startswith(version + ".")


def _arguments(package: str) -> list[str]:
    """Return a requirement as arguments of pip: ``-e`` stands apart from what it names."""
    for option in ("-e ", "--editable "):
        if package.startswith(option):
            return ["--editable", package[len(option) :].strip()]
    return [package]


def _local_path(requirement: str, root: Path) -> Path | None:
    text = _arguments(requirement)[-1]
    if " @ file:" in text:
        text = text.partition(" @ file:")[2].removeprefix("//")
    text = re.sub(r"\[[^\]]*\]$", "", text)
    if not text.startswith((".", "/", "~", "file:")) and not text.endswith((".whl", ".tar.gz", ".zip")):
        return None
    if "://" in text and not text.startswith("file://"):
        return None
    return root / os.path.expanduser(text.removeprefix("file://"))


def _read_packages(folder: Path) -> Mapping[str, str] | None:
    try:
        made = json.loads((folder / MADE).read_bytes())
        return dict(sorted(made["packages"].items()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _note_use(folder: Path) -> None:
    """Have the folder's own time tell how long nobody has used the environment."""
    with suppress(OSError):
        os.utime(folder)


@cache
def _parents() -> list[str]:
    """Return the folders in which this Python finds installed packages."""
    return [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]


@cache
def _installed() -> list[str]:
    """Return the names of what is installed beside zenconv; a folder's name has the version."""
    found: list[str] = []
    for path in _parents():
        try:
            names = os.listdir(path)
        except OSError:
            continue
        found += sorted(name for name in names if name.endswith((".dist-info", ".egg-info")))
    return found


def _core_requirements() -> dict[str, str]:
    import importlib_metadata

    return {name: f"=={importlib_metadata.version(name)}" for name in _CORE}


def _core_links(*, with_requirements: bool) -> dict[str, str]:
    """Return what zenconv itself needs, as names to link and the places they lead to."""
    import importlib_metadata

    links = {"zenconv": str(Path(__file__).resolve().parents[1])}
    for name in _core_closure() if with_requirements else ():
        distribution = importlib_metadata.distribution(name)
        for file in distribution.files or ():
            top = file.parts[0]
            if top not in ("..", "__pycache__", "bin"):
                links[top] = str(distribution.locate_file(top))
    return links


def _core_closure() -> set[str]:
    """Return the distributions that zenconv needs, and what these need."""
    import importlib_metadata

    found: set[str] = set()
    waiting = list(_CORE)
    while waiting:
        name = waiting.pop()
        try:
            needed = importlib_metadata.requires(name) or []
        except importlib_metadata.PackageNotFoundError:
            continue
        if name not in found:
            found.add(name)
            plain = (text for text in needed if "extra ==" not in text)
            waiting += [re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0] for text in plain]
    return found
