"""Conversion rules for single values: numbers, text, paths, dates, enumerations."""

from __future__ import annotations

import os
import re
from typing import Any

from zenconv.errors import did_you_mean
from zenconv.settings.conversion import ConversionError, Converter, Rule, describe_type, read_quoted
from zenconv.settings.text import Text, parse_text

_TRUE = ("true", "yes", "on", "1")
_FALSE = ("false", "no", "off", "0")
_MOST_DIGITS = 4000


def _as(cls: Any, value: Any, plain: type) -> Any:
    return value if cls is plain else cls(value)


def convert_bool(value: Any, annotation: Any, converter: Converter) -> bool:
    """Take a boolean, or the usual words for one."""
    if isinstance(value, bool):
        return value
    if isinstance(value, Text):
        word = value.strip().lower()
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
    raise ConversionError("bool", value)


def convert_int(value: Any, annotation: Any, converter: Converter) -> Any:
    """Take an integer; of a text also ``1_000``, ``0x10`` and ``1e6``, but never a fraction."""
    if isinstance(value, int) and not isinstance(value, bool):
        return _as(annotation, value, int)
    if isinstance(value, Text):
        number = _read_int(value)
        if number is not None:
            return _as(annotation, number, int)
    raise ConversionError("int", value)


def _read_int(text: str) -> int | None:
    for base in (10, 0):
        try:
            return int(text, base)
        except ValueError:
            continue
    from decimal import Decimal, InvalidOperation

    try:
        number = Decimal(text.strip())
        is_whole = number.is_finite() and number.adjusted() < _MOST_DIGITS and number == int(number)
    except (InvalidOperation, ValueError, OverflowError):
        return None
    return int(number) if is_whole else None


def convert_float(value: Any, annotation: Any, converter: Converter) -> Any:
    """Take a number."""
    if isinstance(value, int | float | Text) and not isinstance(value, bool):
        try:
            return _as(annotation, float(value), float)
        except (ValueError, OverflowError):
            pass
    raise ConversionError("float", value)


def convert_complex(value: Any, annotation: Any, converter: Converter) -> Any:
    """Take a number or a text such as ``1+2j``."""
    if isinstance(value, int | float | complex | str) and not isinstance(value, bool):
        try:
            number = complex(value.replace(" ", "")) if isinstance(value, str) else complex(value)
            return _as(annotation, number, complex)
        except (ValueError, OverflowError):
            pass
    raise ConversionError("complex", value)


def convert_str(value: Any, annotation: Any, converter: Converter) -> Any:
    """Take text as it is; quotes around a text from a shell are taken off."""
    if not isinstance(value, str):
        raise ConversionError("str", value, reason="write it in quotes" if _is_number(value) else "")
    if isinstance(value, Text):
        quoted = read_quoted(value)
        value = str(value) if quoted is None else quoted
    return _as(annotation, value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def convert_bytes(value: Any, annotation: Any, converter: Converter) -> Any:
    """Take text, as UTF-8."""
    if isinstance(value, bytes):
        return value
    return annotation(convert_str(value, str, converter).encode("utf-8", "surrogateescape"))


def convert_path(value: Any, annotation: Any, converter: Converter) -> Any:
    """Take a path; a relative one starts at the converter's base, ``~`` is the home folder."""
    if isinstance(value, os.PathLike):
        return annotation(value)
    if not isinstance(value, str) or not value or "\0" in value:
        raise ConversionError("Path", value)
    text = convert_str(value, str, converter)
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", text):
        raise ConversionError("Path", value, reason="this is an address; annotate the parameter as str")
    path = converter.base / os.path.expanduser(text)
    is_concrete = hasattr(annotation, "exists") and isinstance(path, annotation)
    return path if is_concrete else annotation(path)


def convert_path_like(value: Any, annotation: Any, converter: Converter) -> Any:
    """Take a path for ``os.PathLike``."""
    from pathlib import Path

    return convert_path(value, Path, converter)


def convert_date(value: Any, annotation: Any, converter: Converter) -> Any:
    """Take a date of TOML, or ISO text. A time of day is never dropped silently."""
    from datetime import date, datetime

    if isinstance(value, date) and not isinstance(value, datetime):
        return value if isinstance(value, annotation) else annotation(value.year, value.month, value.day)
    return _from_iso(value, annotation, "date such as 2026-01-31")


def convert_datetime(value: Any, annotation: Any, converter: Converter) -> Any:
    """Take a date with a time, or a date at midnight, of TOML or as ISO text."""
    from datetime import date, datetime

    if isinstance(value, datetime):
        return value if isinstance(value, annotation) else annotation.fromisoformat(value.isoformat())
    if isinstance(value, date):
        return annotation(value.year, value.month, value.day)
    return _from_iso(value, annotation, "datetime such as 2026-01-31T12:00:00")


def convert_time(value: Any, annotation: Any, converter: Converter) -> Any:
    """Take a time of TOML, or ISO text."""
    from datetime import time

    return value if isinstance(value, time) else _from_iso(value, annotation, "time such as 12:00:00")


def _from_iso(value: Any, cls: Any, expected: str) -> Any:
    if isinstance(value, str):
        try:
            return cls.fromisoformat((read_quoted(value) or str(value)).strip())
        except ValueError:
            pass
    raise ConversionError(expected, value)


_AMOUNT = re.compile(
    r"(\d+(?:\.\d+)?)\s*(weeks?|w|days?|d|hours?|h|minutes?|mins?|m|seconds?|secs?|s|ms|us)\b"
)
_SECONDS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
_SMALL = {"ms": 1e-3, "us": 1e-6}


def convert_timedelta(value: Any, annotation: Any, converter: Converter) -> Any:
    """Take seconds, or text such as ``1d``, ``2h 30m``, ``1:30:00``."""
    from datetime import timedelta

    if isinstance(value, timedelta):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds: float | None = value
    else:
        seconds = _read_duration(str(value).strip()) if isinstance(value, str) else None
    try:
        if seconds is not None:
            return annotation(seconds=seconds)
    except (OverflowError, ValueError):
        pass
    raise ConversionError("duration such as 90s, 2h 30m or 1:30:00", value)


def _read_duration(text: str) -> float | None:
    sign = -1 if text.startswith("-") else 1
    text = text.lstrip("+-").strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return sign * float(text)
    if clock := re.fullmatch(r"(\d+):(\d\d)(?::(\d\d(?:\.\d+)?))?", text):
        return sign * (int(clock[1]) * 3600 + int(clock[2]) * 60 + float(clock[3] or 0))
    spaced = re.sub(r"([a-z])(?=\d)", r"\1 ", text.lower())
    if not spaced or re.sub(_AMOUNT, "", spaced).strip():
        return None
    return sign * sum(
        float(n) * (_SMALL[unit] if unit in _SMALL else _SECONDS[unit[0]])
        for n, unit in re.findall(_AMOUNT, spaced)
    )


def convert_decimal(value: Any, annotation: Any, converter: Converter) -> Any:
    """Take a number; a float by its shortest spelling, so that 0.1 is 0.1."""
    from decimal import InvalidOperation

    if isinstance(value, annotation):
        return value
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            return annotation(repr(value) if isinstance(value, float) else str(value).strip())
        except (InvalidOperation, ValueError, ZeroDivisionError):
            pass
    raise ConversionError(annotation.__name__, value)


def convert_uuid(value: Any, annotation: Any, converter: Converter) -> Any:
    """Take the text of a UUID."""
    if isinstance(value, annotation):
        return value
    if isinstance(value, str):
        try:
            return annotation(read_quoted(value) or str(value).strip())
        except ValueError:
            pass
    raise ConversionError("UUID", value)


def convert_pattern(value: Any, annotation: Any, converter: Converter) -> Any:
    """Take a regular expression."""
    if isinstance(value, re.Pattern):
        return value
    try:
        return re.compile(convert_str(value, str, converter))
    except re.error as error:
        raise ConversionError("regular expression", value, reason=str(error)) from error


def convert_enum(value: Any, annotation: Any, converter: Converter) -> Any:
    """Take a member by its name, or by its value."""
    if isinstance(value, annotation):
        return value
    text = (read_quoted(value) or str(value)).strip() if isinstance(value, Text) else value
    if isinstance(text, str) and text in annotation.__members__:
        return annotation[text]
    readings = [text, parse_text(value)] if isinstance(value, Text) else [text]
    for member in annotation:
        if any(type(member.value) is type(r) and member.value == r for r in readings):
            return member
    similar = did_you_mean(str(text), annotation.__members__)
    raise ConversionError(f"a member of {describe_type(annotation)}", value, reason=similar)


SCALAR_RULES: dict[tuple[str, str], Rule] = {
    ("builtins", "bool"): convert_bool,
    ("builtins", "int"): convert_int,
    ("builtins", "float"): convert_float,
    ("builtins", "complex"): convert_complex,
    ("builtins", "str"): convert_str,
    ("builtins", "bytes"): convert_bytes,
    ("builtins", "bytearray"): convert_bytes,
    ("enum", "Enum"): convert_enum,
    ("pathlib", "PurePath"): convert_path,
    ("pathlib._local", "PurePath"): convert_path,
    ("os", "PathLike"): convert_path_like,
    ("datetime", "datetime"): convert_datetime,
    ("datetime", "date"): convert_date,
    ("datetime", "time"): convert_time,
    ("datetime", "timedelta"): convert_timedelta,
    ("decimal", "Decimal"): convert_decimal,
    ("fractions", "Fraction"): convert_decimal,
    ("uuid", "UUID"): convert_uuid,
    ("re", "Pattern"): convert_pattern,
    ("numpy", "integer"): convert_int,
    ("numpy", "floating"): convert_float,
    ("numbers", "Integral"): lambda value, annotation, converter: convert_int(value, int, converter),
    ("numbers", "Real"): lambda value, annotation, converter: convert_float(value, float, converter),
}
