"""pandas scalars inside JSON text: timestamps, periods, intervals, missing values."""

from __future__ import annotations

from typing import Any

import pandas as pd

from zenconv.materializers.saving import Declined


def encode_scalar(value: Any, encoder: Any) -> Any:
    """Return JSON data for a scalar, or None for anything else."""
    kind = type(value)
    if value is pd.NaT:
        return ["nat"]
    if value is pd.NA:
        return ["na"]
    if kind is pd.Timestamp:
        return [
            "timestamp",
            value.asm8.view("i8").item(),
            value.unit,
            encoder.encode(value.tzinfo),
            value.fold,
        ]
    if kind is pd.Timedelta:
        return ["timedelta", value.asm8.view("i8").item(), value.unit]
    if kind is pd.Period:
        return ["period", value.ordinal, value.freqstr]
    if kind is pd.Interval:
        return ["interval", encoder.encode(value.left), encoder.encode(value.right), value.closed]
    return None


def decode_scalar(content: Any, decoder: Any) -> Any:
    """Return the scalar that `encode_scalar` described."""
    kind, *rest = content
    if kind == "nat":
        return pd.NaT
    if kind == "na":
        return pd.NA
    if kind == "timestamp":
        return _timestamp(rest, decoder)
    if kind == "timedelta":
        number, unit = rest
        return pd.Timedelta(number, unit=unit).as_unit(unit)
    if kind == "period":
        return pd.Period(ordinal=rest[0], freq=rest[1])
    left, right, closed = rest
    return pd.Interval(decoder.decode(left), decoder.decode(right), closed)


def zone_to_json(zone: Any, encoder: Any) -> Any:
    """Return JSON data for a time zone; `Declined` for one that has no name."""
    if zone is None:
        return None
    if type(zone).__module__.partition(".")[0] == "pytz":
        raise Declined(f"the time zone {zone} is one of pytz")
    return encoder.encode(zone)


def _timestamp(rest: Any, decoder: Any) -> Any:
    number, unit, zone, fold = rest
    stamp = pd.Timestamp(number, unit=unit).as_unit(unit)
    if zone is None:
        return stamp
    moment = stamp.tz_localize("UTC").tz_convert(decoder.decode(zone))
    return moment if moment.fold == fold else moment.replace(fold=fold)
