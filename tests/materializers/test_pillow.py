"""Images come back pixel by pixel in every mode, with palette and information, without their file."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zenconv.errors import SaveError

Image = pytest.importorskip("PIL.Image")

MODES = [
    "1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "LA", "PA", "I;16", "RGBX", "RGBa",
    "La",
]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(MODES), st.integers(0, 9), st.integers(0, 9), st.randoms(use_true_random=False))
def test_images_of_every_mode_come_back(
    shared_shelf: Any, mode: str, width: int, height: int, random: Any
) -> None:
    image = Image.new(mode, (width, height))
    if mode != "F":  # arbitrary bytes would be numbers that equal nothing
        image.frombytes(random.randbytes(len(image.tobytes())))
    image.info = {"dpi": (72, 72), "comment": b"x"}
    again = shared_shelf.safe_round_trip(image)
    assert again == image
    assert type(again) is Image.Image


def noise() -> Any:
    return Image.effect_noise((30, 20), 50)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP", "PPM"])
def test_an_opened_image_comes_back_without_its_file(shelf: Any, form: str) -> None:
    stream = io.BytesIO()
    noise().save(stream, form)
    opened = Image.open(io.BytesIO(stream.getvalue()))
    again = shelf.safe_round_trip(opened)
    assert type(again) is type(opened)
    assert again == opened
    assert again.format == form
    again.putpixel((0, 0), 3 if again.mode in ("L", "P") else (1, 2, 3))


def test_the_place_of_the_file_does_not_count(shelf: Any, tmp_path: Any) -> None:
    image = noise()
    contents = set()
    for name in ("a.png", "b.png"):
        image.save(tmp_path / name)
        contents.add(shelf.save(Image.open(tmp_path / name)).content)
    assert len(contents) == 1


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_palettes_come_back_with_their_mode(shelf: Any, mode: str) -> None:
    image = Image.new("P", (3, 3), 2)
    image.putpalette(list(range(len(mode) * 4)), mode)
    again = shelf.safe_round_trip(image)
    assert again.palette.mode == mode
    assert again.getpalette(mode) == image.getpalette(mode)
    assert again.convert("RGBA") == image.convert("RGBA")


def test_different_images_have_different_contents(shelf: Any) -> None:
    images = [
        Image.new("L", (2, 3)),
        Image.new("L", (3, 2)),
        Image.new("L", (2, 3), 1),
        Image.new("P", (2, 3)),
        Image.new("RGB", (2, 1)),
    ]
    assert len({shelf.save(image).content for image in images}) == len(images)


def test_an_image_of_several_frames_says_what_to_do(shelf: Any) -> None:
    stream = io.BytesIO()
    noise().save(stream, "GIF", save_all=True, append_images=[Image.new("L", (30, 20), 9)])
    with pytest.raises(SaveError, match=r"an image of 2 frames(?s:.*)hint: return the Path"):
        shelf.save(Image.open(stream))


def test_images_among_plain_values_are_no_pickle(shelf: Any) -> None:
    image = noise()
    assert shelf.safe_round_trip({"image": image, "label": 3}) == {"image": image, "label": 3}


def test_the_summary_tells_size_and_mode(shelf: Any) -> None:
    assert shelf.save(Image.new("L", (4, 5))).summary == {"width": 4, "height": 5, "mode": "L"}
