"""What a collection depends on, taken down so that the next command can tell whether all of it holds.

A witness is plain JSON data. It holds while the same command, asked in the same Python with the
same settings and the same installed packages, would import the same files with the same content.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping
from importlib.machinery import all_suffixes
from typing import TYPE_CHECKING, Any

from zenconv import __version__, hashing
from zenconv.fingerprint.places import STANDARD_LIBRARY, is_own_module
from zenconv.fingerprint.sources import ModuleSource, ProjectSources
from zenconv.project.discover import ProjectFiles, discover

if TYPE_CHECKING:
    from zenconv.settings.settings import Settings

_SUFFIXES = tuple(all_suffixes())
_PATH_FILE = re.compile(r".*\.(pth|egg-link)|__editable__.*\.py|direct_url\.json")

Witness = dict[str, Any]


def describe_settings(settings: Settings) -> str:
    """Return a digest of this Python and of all that collecting and binding read of the settings."""
    texts = [__version__, sys.version, sys.prefix, repr(sys.flags), repr(sys.warnoptions)]
    texts += [str(settings.root), os.path.expanduser("~"), settings.stack.name, repr(settings.seed)]
    texts += [repr(settings.step_files), repr(settings.norecurse)]
    texts += [repr((settings.plugins.enabled, settings.plugins.disabled))]
    texts += [repr((settings.markers, settings.strict_markers, settings.origins.get("markers")))]
    texts += [repr(output) for output in settings.outputs]
    for key, value in settings.params.items():
        if value.origin == "--set":  # a path on the command line is relative to where it was typed
            texts.append(str(settings.cwd))
        texts += [key, type(value.value).__name__, repr(value.value), value.origin, value.secret]
        texts.append(f"{value.layer} {value.is_table}")
    return hashing.digest_texts("zenconv.settings.1", texts)


class Surroundings:
    """What lies around the project's files before they are imported."""

    def __init__(self, settings: Settings, sources: ProjectSources) -> None:
        self.root = str(sources.root)
        self.sources = sources
        self.settings = describe_settings(settings)
        self.paths = import_paths(self.root)
        self.installed = digest_installed(self.paths, sources)
        self.files = discover(sources.root, settings.step_files, settings.norecurse)
        self._scans: dict[str, list[tuple[str, bool]]] = {}
        for folder in self.folders():
            self.scan(folder)

    def folders(self) -> set[str]:
        """Return the folders in which the project's modules are looked for."""
        places = self.sources.places
        found = {self.root, *(path for path in self.paths if places.is_project_folder(path))}
        for file in (*self.files.step_files, *self.files.zenconf_files):
            found |= {os.path.join(self.root, *parts) for parts in _parents(file)}
        return found

    def scan(self, folder: str) -> list[tuple[str, bool]]:
        """Return what an import could find in `folder`, as it was when this was first asked."""
        if folder not in self._scans:
            self._scans[folder] = scan_importable(folder)
        return self._scans[folder]

    def list_importable(self, folder: str, sought: frozenset[str]) -> list[str]:
        """Return the names in `folder` that imports find when they look for the names in `sought`."""
        return [name for name, is_certain in self.scan(folder) if is_certain or name[:-1] in sought]

    def witness(self) -> Witness:
        """Return what can be compared at a glance."""
        return {
            "settings": self.settings,
            "paths": self.paths,
            "installed": self.installed,
            "files": _plain_files(self.files),
        }


def take_witness(
    before: Surroundings,
    sought: Iterable[str],
    older: Mapping[str, Any] | None = None,
    switches: Iterable[str] = (),
) -> Witness:
    """Return the witness of a collection that has ended.

    Parameters
    ----------
    before
        As it was when the collection began.
    sought
        The parts of all module names that somebody tried to import.
    older
        A witness that held when this collection began, and shall be stood for as well.
    switches
        Names of variables of the environment that libraries read for themselves.
    """
    modules: dict[str, str] = dict(older["modules"]) if older is not None else {}
    modules |= {str(source.path): source.digest for source in _project_modules(before.sources)}
    folders = before.folders() | _package_folders(before.sources)
    if older is not None:
        folders |= older["folders"].keys()
        sought = {*sought, *older["sought"]}
        switches = {*switches, *older["switches"]}
    names = sorted({*sought, *(name.partition(".")[0] for name in list(sys.modules))})
    wanted = frozenset(names)
    return {
        **before.witness(),
        "modules": modules,
        "sought": names,
        "switches": {name: _digest_variable(name) for name in sorted(switches)},
        "folders": {folder: before.list_importable(folder, wanted) for folder in sorted(folders)},
    }


def scan_packages(before: Surroundings) -> None:
    """Take down what lies in the folders of the packages imported so far, before steps run."""
    for folder in _package_folders(before.sources):
        before.scan(folder)


def _project_modules(sources: ProjectSources) -> list[ModuleSource]:
    """Return every module of the project, also those that another import hook brought."""
    for name, _ in _imported(sources):
        sources.get(name)
    return sources.modules()


def _package_folders(sources: ProjectSources) -> set[str]:
    return {os.path.abspath(str(folder)) for _, module in _imported(sources) for folder in _folders(module)}


def holds(witness: Mapping[str, Any], before: Surroundings) -> bool:
    """Return whether a recorded witness still says how things are."""
    now = before.witness()
    if any(witness[name] != value for name, value in now.items()):
        return False
    if any(_digest_variable(name) != digest for name, digest in witness["switches"].items()):
        return False
    wanted = frozenset(witness["sought"])
    for folder, names in witness["folders"].items():
        if before.list_importable(folder, wanted) != names:
            return False
    return all(_digest_file(path) == digest for path, digest in witness["modules"].items())


def import_paths(root: str) -> list[str]:
    """Return the import path as it is without the project's root, made absolute."""
    found = [os.path.abspath(entry) for entry in sys.path]
    return [entry for entry in dict.fromkeys(found) if entry != root]


def digest_installed(paths: Iterable[str], sources: ProjectSources) -> str:
    """Return a digest of what is installed: the names on the import path, and where they lead.

    Distributions have their version in the name of their folder; editable installations are
    files that name a place.
    """
    texts: list[str] = []
    for path in paths:
        if (path + os.sep).startswith(STANDARD_LIBRARY + os.sep) and "-packages" not in path:
            continue
        if sources.places.is_project_folder(path):
            continue
        texts.append(path)
        try:
            names = sorted(os.listdir(path))
        except OSError:
            continue
        texts += [name for name in names if name != "__pycache__"]
        texts += [_digest_file(os.path.join(path, name)) for name in names if _PATH_FILE.fullmatch(name)]
    return hashing.digest_texts("zenconv.installed.1", texts)


def scan_importable(folder: str) -> list[tuple[str, bool]]:
    """Return the names in `folder` that an import could find, and whether each is found for certain.

    What tells of an installed package counts as well: it may be a plugin of another.

    A plain folder, whose name ends with a slash here, is a package only to whoever asks for it.
    """
    found = []
    try:
        with os.scandir(folder) as scan:
            for entry in scan:
                name = entry.name
                if name.endswith((*_SUFFIXES, ".dist-info", ".egg-info")):
                    found.append((name, True))
                elif name.isidentifier() and name != "__pycache__":
                    is_package = os.path.exists(os.path.join(entry.path, "__init__.py"))
                    found.append((name + "/", is_package))
    except OSError:
        return [("?", True)]
    return sorted(found)


def _plain_files(files: ProjectFiles) -> list[list[str]]:
    texts = [[str(problem) for problem in problems] for problems in (files.problems, files.warnings)]
    return [list(files.step_files), list(files.zenconf_files), *texts]


def _parents(file: str) -> list[list[str]]:
    folders = file.split("/")[:-1]
    return [folders[:length] for length in range(1, len(folders) + 1)]


def _imported(sources: ProjectSources) -> list[tuple[str, Any]]:
    """Return the project's own among all modules, of which there are thousands: each is judged once."""
    foreign = sources.foreign
    found = []
    for name, module in list(sys.modules.items()):
        if foreign.get(name, foreign) is not module:
            if name != "__main__" and not is_own_module(name) and _is_project(sources, name):
                found.append((name, module))
            else:
                foreign[name] = module
    return found


def _is_project(sources: ProjectSources, name: str) -> bool:
    try:
        file = vars(sys.modules[name]).get("__file__")
        folder = file.rpartition(os.sep)[0] if type(file) is str else ""
        if folder.startswith(os.sep) and os.pardir not in folder:
            return sources.places.is_project_folder(folder) and sources.is_project(name)
        return sources.is_project(name)
    except Exception:  # noqa: BLE001  what stands in sys.modules may be any object
        return False


def _folders(module: Any) -> list[Any]:
    try:
        return list(getattr(module, "__path__", ()))
    except Exception:  # noqa: BLE001  what stands in sys.modules may be any object
        return []


def _digest_variable(name: str) -> str:
    value = os.environ.get(name)
    return "" if value is None else hashing.digest_bytes(os.fsencode(value))


def _digest_file(path: str) -> str:
    try:
        with open(path, "rb") as stream:
            return hashing.digest_bytes(stream.read())
    except OSError:
        return ""
