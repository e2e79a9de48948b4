"""Pillow images as raw pixels: exact for every mode, whatever file they came from."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import PIL.Image

from zenconv.errors import CorruptArtifact, SaveError
from zenconv.interfaces.materializing import Sink, Source
from zenconv.materializers.saving import Declined
from zenconv.materializers.values import load_description, save_encoded

_PIXELS = "pixels"
_AFTER_FILE_NAME = 6
"""Where in Pillow's state of an opened image that begins which only some formats have."""
_BEHIND_FUNCTIONS = {"JPEG": "JpegImageFile", "MPO": "MpoImageFile"}
"""Formats that Pillow opens by a function, and the class that it makes."""


class Images:
    """Stores pixels, palette and information of an image, or of one opened from a file.

    An opened image comes back as the class of its file format, without the file. One with
    several frames is refused: only one of them is there at a time.
    """

    id = "pillow"
    version = 1
    types = ("PIL.Image.Image",)

    def accepts(self, value: Any) -> bool:
        """Return whether it is an image of Pillow's own classes."""
        return type(value) is PIL.Image.Image or _format_of(value) is not None

    def save(self, value: Any, sink: Sink) -> None:
        """Write a description and the pixels; `SaveError` for an image of several frames."""
        frames = getattr(value, "n_frames", 1)
        if frames > 1:
            raise SaveError(
                f"cannot store an image of {frames} frames: only the current one would be kept",
                hint="return the Path of the file, or a list of frames: "
                "[frame.copy() for frame in PIL.ImageSequence.Iterator(image)]",
            )
        value.load()
        palette = value.palette
        if palette is not None and palette.mode not in ("RGB", "RGBA"):
            raise Declined(f"its palette is of the mode {palette.mode}")
        description = {
            "format": _format_of(value),
            "mode": value.mode,
            "size": value.size,
            "info": value.info,
            "details": value.__getstate__()[_AFTER_FILE_NAME:],
            "palette": None if palette is None else _palette_of(value, palette.mode),
        }
        save_encoded(description, sink)
        sink.write(value.tobytes(), _PIXELS)

    def load(self, source: Source) -> Any:
        """Return a new image."""
        description = load_description(source)
        cls = _class_of(description["format"])
        made: Any = cls.__new__(cls)
        palette = description["palette"]
        pixels = source.read(_PIXELS)
        state = [description["info"], description["mode"], description["size"], None, pixels]
        made.__setstate__([*state, "", *description["details"]])
        if palette is not None:
            made.putpalette(palette[1], palette[0])
            made.frombytes(pixels)
        return made

    def summarize(self, value: Any) -> Mapping[str, Any]:
        """Return size in pixels, and mode."""
        return {"width": value.width, "height": value.height, "mode": value.mode}


def _palette_of(value: Any, mode: str) -> list[Any]:
    return [mode, bytes(value.im.getpalette(mode, mode))]


def _format_of(value: Any) -> str | None:
    """Return the format whose files Pillow opens as exactly this class."""
    name = getattr(value, "format", None)
    return name if type(name) is str and _opened_class(name) is type(value) else None


def _opened_class(name: str) -> Any:
    opener = PIL.Image.OPEN.get(name)
    if opener is None or isinstance(opener[0], type):
        return opener and opener[0]
    return getattr(sys.modules[opener[0].__module__], _BEHIND_FUNCTIONS.get(name, ""), None)


def _class_of(name: Any) -> Any:
    if name is None:
        return PIL.Image.Image
    if name not in PIL.Image.OPEN:
        PIL.Image.init()
    found = _opened_class(name)
    if found is None:
        raise CorruptArtifact(f"the stored image is of the unknown format {name!r}")
    return found
