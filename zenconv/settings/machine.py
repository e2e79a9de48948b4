"""What this machine has for steps: memory and GPUs; the cores are in `zenconv.settings.cores`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from glob import glob

import attrs

from zenconv.frozen import Frozen
from zenconv.settings.cores import count_cores

GPUS_VARIABLE = "ZENCONV_GPUS"
"""Says how many GPUs there are, where that cannot be seen or some are meant for others."""


@attrs.frozen(eq=False, repr=False)
class Machine(Frozen):
    """Physical cores, bytes of memory (0: not known) and GPUs that this process may use."""

    cores: int
    memory: int
    gpus: int

    @classmethod
    def find(cls, environ: Mapping[str, str] = os.environ) -> Machine:
        """Look at this machine; no library is loaded for it."""
        return cls(count_cores(), count_memory(), count_gpus(environ))


def count_gpus(environ: Mapping[str, str] = os.environ) -> int:
    """Return how many GPUs this process may use.

    ``ZENCONV_GPUS`` decides. Otherwise ``CUDA_VISIBLE_DEVICES`` may hide some of those there are.
    """
    told = environ.get(GPUS_VARIABLE, "")
    if told.isascii() and told.isdigit():
        return int(told)
    present = _count_present()
    visible = environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return present
    names = [name.strip() for name in visible.split(",")]
    # CUDA itself ends the list at the first name it does not know.
    kept = next((i for i, name in enumerate(names) if name in ("", "-1", "none")), len(names))
    return min(kept, present)


def _count_present() -> int:
    nvidia = len(glob("/dev/nvidia[0-9]*"))
    if nvidia or not os.path.exists("/dev/kfd"):
        return nvidia
    return len(glob("/dev/dri/renderD*"))


def name_device(gpu: int | None) -> str:
    """Return how libraries call the GPU with that number, or what there is without one."""
    if gpu is not None:
        return f"cuda:{gpu}"
    return "mps" if sys.platform == "darwin" and os.uname().machine == "arm64" else "cpu"


def count_memory() -> int:
    """Return how many bytes of memory this process may use at most; 0 where the system does not say."""
    found = []
    try:
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (ValueError, OSError, AttributeError):
        pass
    try:
        with open("/sys/fs/cgroup/memory.max") as file:
            found.append(int(file.read()))
    except (OSError, ValueError):
        pass
    return min(found, default=0)
