"""Seed the global generators of random numbers, also of libraries that a step imports only later.

Which of them are imported already depends on the steps that ran before in the process, and must not
matter to what a step draws.
"""

from __future__ import annotations

import importlib.util
import random
import sys
import threading
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from zenconv import hashing

_SEEDS: dict[str, Callable[[Any, int], object]] = {
    "numpy": lambda numpy, seed: numpy.random.seed(seed),
    "torch": lambda torch, seed: torch.manual_seed(seed),
}


def seed_generators(seed: int, name: str) -> int:
    """Seed the global generators of Python, numpy and torch from `seed` and the name of who asks.

    Libraries that are not imported are seeded when they are. Returns `seed`.
    """
    mixed = int(hashing.digest_texts("seed", [str(seed), name])[3:11], 16)
    random.seed(mixed)
    for library, sow in _SEEDS.items():
        if library in sys.modules:
            sow(sys.modules[library], mixed)
        else:
            _finder.seeds[library] = mixed
    if _finder.seeds and _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    return seed


class _Finder(MetaPathFinder):
    """Finds the libraries in `seeds` as all others do, and has them seeded once they are imported."""

    def __init__(self) -> None:
        self.seeds: dict[str, int] = {}
        self._asking = threading.local()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return what the other finders find; to ask whether a library is there changes nothing."""
        if fullname not in self.seeds or getattr(self._asking, "is_inside", False):
            return None
        self._asking.is_inside = True
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._asking.is_inside = False
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(Loader):
    """Loads a library as `loader` does, leaves no trace of itself, and seeds it."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Return what the library's own loader makes."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Import the library, and seed it."""
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        seed = _finder.seeds.pop(module.__name__, None)
        if seed is not None:
            _SEEDS[module.__name__](module, seed)


_finder = _Finder()
