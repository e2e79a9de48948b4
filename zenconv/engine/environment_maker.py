"""Makes one environment: a program of its own, so that whoever waits for it goes on meanwhile.

It is run as a file, needs only Python, and reads an order as JSON from stdin. A lock keeps
others from making the same one; what an interrupted maker left is made again from nothing. It ends,
with pip, when nobody waits for it any more. The
file ``made.json`` is written last: without it an environment is not used.
"""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NoReturn

MADE = "made.json"
LOG = "pip.log"
_SHOWN_LINES = 12
_TURN_SECONDS = 0.25

_LIST = """
import importlib.metadata, json, sysconfig
paths = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
found = {d.metadata["Name"]: d.version for d in importlib.metadata.distributions(path=paths)}
print(json.dumps({"packages": found, "python": sysconfig.get_python_version()}))
"""


class _Failure(Exception):
    """Why the environment cannot be made, as people are to see it."""


def main() -> None:
    """Make what stdin asks for; exit code 1 and a text on stderr when it cannot be made."""
    order = json.load(sys.stdin)
    folder = Path(order["folder"])
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(f"{folder}.lock", os.O_RDWR | os.O_CREAT, 0o644)
    # What pip started keeps it as well: a maker that was killed leaves nobody at work in the folder.
    os.set_inheritable(lock, True)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        if not (folder / MADE).exists():
            _make(folder, order, lock)
    except _Failure as failure:
        sys.exit(str(failure))
    except OSError as error:
        sys.exit(f"{error.strerror or error}: {error.filename or folder}")


def _make(folder: Path, order: Mapping[str, Any], lock: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with open(folder / LOG, "wb") as log:
        _run([order["python"], "-m", "venv", "--without-pip", str(folder)], order, log, lock)
        packages = _packages_folder(folder)
        (packages / "_zenconv_parent.pth").write_text(_path_line(order, folder), "utf-8")
        if order["requirements"]:
            _install(folder, order, log, lock)
        listed = _run([str(folder / "bin" / "python"), "-c", _LIST], order, log, lock, is_asked=True)
    written = folder / (MADE + ".part")
    written.write_bytes(listed)
    written.replace(folder / MADE)


def _packages_folder(folder: Path) -> Path:
    found = sorted(folder.glob("lib/python3*/site-packages"))
    if not found:
        raise _Failure(f"the environment has no folder for packages: {folder}")
    return found[0]


def _path_line(order: Mapping[str, Any], folder: Path) -> str:
    """Return the line that lets the environment see, after its own packages, those of its parent."""
    seen = list(order["parents"])
    if order["links"]:
        core = folder / "zenconv_core"
        core.mkdir()
        for name, target in order["links"].items():
            (core / name).symlink_to(target)
        seen.append(str(core))
    return f"import site; list(map(site.addsitedir, {seen!r}))\n"


def _install(folder: Path, order: Mapping[str, Any], log: IO[bytes], lock: int) -> None:
    command = _installer(folder, order, log, lock)
    try:
        _run([*command, *order["requirements"]], order, log, lock)
    except _Failure:
        # Where the tools that build a package cannot be fetched, those at hand may do.
        if b"build dependencies" not in (folder / LOG).read_bytes():
            raise
        _run([*command, "--no-build-isolation", *order["requirements"]], order, log, lock)


def _installer(folder: Path, order: Mapping[str, Any], log: IO[bytes], lock: int) -> list[str]:
    """Return the command that installs into the environment, up to the requirements."""
    python = str(folder / "bin" / "python")
    options = ["install", "--no-warn-script-location"]
    if importlib.util.find_spec("pip") is not None:
        common = ["--disable-pip-version-check", "--no-input"]
        return [sys.executable, "-m", "pip", "--python", python, *common, *options]
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--python", python]
    _run([python, "-m", "ensurepip", "--default-pip"], order, log, lock)
    return [python, "-m", "pip", "--disable-pip-version-check", "--no-input", *options]


def _run(
    command: Sequence[str], order: Mapping[str, Any], log: IO[bytes], lock: int, *, is_asked: bool = False
) -> bytes:
    """Run a program of the making; what it says goes to the log, or is returned if `is_asked`."""
    log.write(f"$ {' '.join(command)}\n".encode())
    log.flush()
    start = log.tell()
    environment = {
        name: value for name, value in os.environ.items() if name not in ("PIP_TARGET", "PIP_PREFIX")
    }
    environment |= {"PIP_USER": "0", "PYTHONNOUSERSITE": "1"}
    program = subprocess.Popen(
        command,
        cwd=order["root"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if is_asked else log,
        stderr=log,
        pass_fds=[lock],
    )
    while True:
        try:
            said, _ = program.communicate(timeout=_TURN_SECONDS)
            break
        except subprocess.TimeoutExpired:
            if not _is_wanted(order["alive"]):
                _end_everything()
    if program.returncode:
        tail = _tail(Path(log.name), start)
        raise _Failure(f"`{_short(command)}` ended with {program.returncode}\n{tail}".rstrip())
    return said or b""


def _is_wanted(alive: int) -> bool:
    """Return whether whoever ordered the environment is still there: it holds the other end of a pipe."""
    return not select.select([alive], [], [], 0)[0]


def _end_everything() -> NoReturn:
    """End what was started, and this process."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "descendants.py")
    spec = importlib.util.spec_from_file_location("descendants", path)
    assert spec is not None
    assert spec.loader is not None
    descendants = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(descendants)
    descendants.kill_descendants(os.getpid())
    os._exit(1)


def _tail(log: Path, start: int) -> str:
    with open(log, "rb") as stream:
        stream.seek(start)
        lines = stream.read().decode("utf-8", "replace").splitlines()
    lines = [line for line in lines if line.strip() and not line.startswith("[notice]")]
    return "\n".join(lines[-_SHOWN_LINES:])


def _short(command: Sequence[str]) -> str:
    """Return a command as people would write it."""
    words = list(command)
    if "install" in words:
        said = words[words.index("install") + 1 :]
        return " ".join(["pip install", *(word for word in said if not word.startswith("--no-"))])
    return " ".join([os.path.basename(words[0]), *words[1:]])


if __name__ == "__main__":
    main()
