"""Modules of the project that a step imports by computed names: their files count as what it reads."""

from __future__ import annotations

from collections.abc import Callable
from types import FrameType

from zenconv.engine.discovery import Reading, sign_file
from zenconv.engine.origins import UNKNOWN, Origins

_EDITED = [-1]
"""Signs a file that is not any more what was imported."""


class AskedModules:
    """What one execution of a step asks for. `name_below` says under which name a file counts."""

    def __init__(self, origins: Origins, name_below: Callable[[str], str | None]) -> None:
        self._origins = origins
        self._name_below = name_below
        self._asked: dict[str, str] = {}

    def note(self, module: str, caller: FrameType) -> dict[str, Reading]:
        """Return what is read for `module`, which was imported at `caller`; nothing if it counts anyway."""
        from zenconv.fingerprint.computed_imports import is_project, is_written_at

        place = str(caller.f_globals.get("__name__"))
        if module in self._asked or not is_project(module) or is_written_at(place, caller.f_lineno):
            return {}
        origin = self._origins.find(caller)
        if origin is None or origin is UNKNOWN:
            return {}
        self._asked[module] = f"{origin.file}:{origin.line}" if origin.line else ""
        return self._sign(module)

    def readings(self) -> dict[str, Reading]:
        """Return what is read for all of them: they may have imported something since."""
        readings: dict[str, Reading] = {}
        for module in self._asked:
            readings.update(self._sign(module))
        return readings

    def _sign(self, module: str) -> dict[str, Reading]:
        """Return the files of a module, and of what it imports, as they were when they were imported."""
        from zenconv.fingerprint.computed_imports import sources_behind

        signed: dict[str, Reading] = {}
        for source in sources_behind(module):
            name = self._name_below(str(source.path))
            if name:
                is_same = source.path.read_bytes() == source.data
                signed[name] = (self._asked[module], sign_file(str(source.path)) if is_same else _EDITED)
        return signed
