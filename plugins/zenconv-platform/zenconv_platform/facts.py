"""Facts about this machine that numbers may depend on."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

_PROCESSORS = Path("/proc/cpuinfo")
_GRAPHICS = Path("/proc/driver/nvidia/gpus")


class Platform:
    """Adds the chosen facts to the key of every step."""

    def __init__(self, chosen: Iterable[str]) -> None:
        self._facts = {name: _FACTS[name]() for name in sorted(set(chosen))}

    def zenconv_key_parts(self) -> Mapping[str, str]:
        """Return the facts: every step is computed by all of the machine."""
        return self._facts


def find_processor() -> str:
    """Return the model of the processor, as far as it is known."""
    return _read(_PROCESSORS, "model name") or platform.processor()


def find_graphics() -> str:
    """Return the models of the graphics processors of the NVIDIA driver; empty without one."""
    files = sorted(_GRAPHICS.glob("*/information"))
    return ", ".join(sorted(_read(file, "Model") for file in files))


def _read(file: Path, name: str) -> str:
    """Return the first value of ``name : value`` in a file of the kernel."""
    try:
        lines = file.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((v.strip() for n, _, v in (line.partition(":") for line in lines) if n.strip() == name), "")


_FACTS: Mapping[str, Callable[[], str]] = {
    "machine": platform.machine,
    "system": platform.system,
    "processor": find_processor,
    "gpu": find_graphics,
}
