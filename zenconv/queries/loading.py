"""From a recorded output back to its bytes, its text or its value; trust is asked first."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from zenconv import hashing
from zenconv.errors import CorruptArtifact, StoreError, UntrustedArtifact
from zenconv.queries.outputs import WRITTEN, choose_outputs, show_name
from zenconv.records.artifact import StoredFile
from zenconv.records.run import StepRunRecord

if TYPE_CHECKING:
    from zenconv.interfaces.storing import ArtifactStore
    from zenconv.queries.history import History


def load_outputs(history: History, step: StepRunRecord, output: str | None = None) -> Any:
    """Return the value of a step: of its only output or the one named, else a dictionary of all.

    Of a step that returned None and wrote files, the copy of its only file, or all by parameter.

    Raises
    ------
    NotRecorded
        There is no such output.
    UsageError
        The run's stack is not in the settings any more.
    UntrustedArtifact
        Loading would run code that nobody trusted here wrote.
    CorruptArtifact
        Bytes are missing or differ from their digest.
    """
    chosen = choose_outputs(step, output)
    values = {name: load_output(history, step, name) for name in chosen}
    only = next(iter(values)) if len(values) == 1 else None
    if only is not None and (output is not None or only == "" or only.startswith(WRITTEN)):
        return values[only]
    return {show_name(name): value for name, value in values.items()}


def load_output(history: History, step: StepRunRecord, name: str) -> Any:
    """Return the value of one recorded output of a step; `name` as it is recorded.

    Raises as `load_outputs` does.
    """
    from zenconv.materializers import Materializers

    artifact = step.outputs[name]
    stack = history.stack_of(step.run)
    reason = stack.trust.refusal(artifact, step.key, name)
    if reason is not None:
        raise UntrustedArtifact(
            f"{_describe(step, name)}, a {artifact.type}: {reason}", hint=_recompute(step)
        )
    specs = history.plugins.materializers()
    materializers = Materializers((spec.id, spec.types, spec.target) for spec in specs)
    importer = project_importer(history.settings.root)
    with _telling_of_damage(history, step, name):
        return materializers.load(artifact, stack.artifact_store, allowed=True, importer=importer)


def read_stored(history: History, step: StepRunRecord, name: str, file: StoredFile) -> Iterator[bytes]:
    """Yield the verified bytes of one file of the output `name`, without loading it.

    Raises
    ------
    CorruptArtifact
        They are missing or differ from their digest.
    """
    with _telling_of_damage(history, step, name):
        store = history.stack_of(step.run).artifact_store
        yield from read_blocks(store, file)


@contextmanager
def _telling_of_damage(history: History, step: StepRunRecord, name: str) -> Iterator[None]:
    """Say which result is damaged, and put its bytes aside, so that the next run makes it again."""
    try:
        yield
    except CorruptArtifact as error:
        if error.digest:
            with suppress(StoreError):  # read-only media: the next run on writable ones finds it
                history.stack_of(step.run).artifact_store.quarantine(error.digest)
        what = f"{_describe(step, name)}: {error.what}"
        raise CorruptArtifact(what, hint=_recompute(step), digest=error.digest) from error


def _describe(step: StepRunRecord, output: str) -> str:
    return f"{step.node}{f' output {show_name(output)!r}' if output else ''} of run {step.run}"


def _recompute(step: StepRunRecord) -> str:
    return f"zenconv run {step.node} computes it again"


def project_importer(root: Path) -> Callable[[str], ModuleType]:
    """Return what imports the modules that stored values name, with the project's root first.

    Only an artifact that was trusted gets as far as asking for a module.
    """

    def find(name: str) -> ModuleType:
        if str(root) not in sys.path:
            sys.path.insert(0, str(root))
        return importlib.import_module(name) if "%2E" not in name else _import_file(root, name)

    return find


def _import_file(root: Path, name: str) -> ModuleType:
    """Import a step module whose folder has a dot in its name, which is spelt ``%2E``."""
    if name in sys.modules:
        return sys.modules[name]
    path = root / (name.replace(".", "/").replace("%2E", ".") + ".py")
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ImportError(f"no module {name}")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def read_blocks(store: ArtifactStore, file: StoredFile) -> Iterator[bytes]:
    """Yield the verified bytes of one stored file, in constant memory.

    The bytes are read twice, so that nothing is handed out before all of it was verified.

    Raises
    ------
    CorruptArtifact
        They are missing or differ from their digest.
    """
    if file.inline is not None:
        if hashing.digest_bytes(file.inline) != file.digest:
            raise CorruptArtifact("stored bytes differ from their digest", digest=file.digest)
        yield file.inline
        return
    with store.open(file.digest) as stream:
        if hashing.digest_stream(stream) != file.digest:
            raise CorruptArtifact("stored bytes differ from their digest", digest=file.digest)
        stream.seek(0)
        while block := stream.read(hashing.BLOCK_SIZE):
            yield block


def read_output(history: History, step: StepRunRecord) -> Iterator[bytes]:
    """Yield what the step printed, block by block; nothing if it printed nothing.

    Raises
    ------
    CorruptArtifact
        The recorded text is missing or altered.
    """
    if step.output is None:
        return
    for file in step.output.files:
        try:
            yield from read_blocks(history.stack_of(step.run).artifact_store, file)
        except CorruptArtifact as error:
            what = f"the output of {step.node} in run {step.run}: {error.what}"
            raise CorruptArtifact(what, digest=error.digest) from error
