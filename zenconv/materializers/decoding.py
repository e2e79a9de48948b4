"""JSON data back to values: the inverse of `zenconv.materializers.encoding`."""

from __future__ import annotations

import base64
import collections
import datetime
import importlib
import pathlib
import re
import struct
import types
from collections.abc import Callable
from typing import Any

from zenconv.errors import CorruptArtifact
from zenconv.materializers import classes
from zenconv.materializers.encoders import FACTORIES

_PLAIN = frozenset({type(None), bool, int, float, str})
_FACTORIES = {factory.__name__: factory for factory in FACTORIES}


class Decoder:
    """Decodes one value.

    Parameters
    ----------
    load_part
        Returns the n-th value that was stored apart.
    resolve
        Returns a declared class by module and qualified name.
    """

    def __init__(
        self,
        load_part: Callable[[int], Any] | None = None,
        resolve: Callable[[str, str], Any] | None = None,
    ) -> None:
        self._load_part = load_part
        self._resolve = resolve

    def decode(self, node: Any) -> Any:
        """Return the value that JSON data stands for."""
        kind = type(node)
        if kind is list:
            return self.decode_items(node)
        if kind is not dict:
            return node
        if len(node) == 1:
            ((tag, content),) = node.items()
            if tag[:1] == "$":
                return self._decode_tag(tag, content)
        return {key: self.decode(item) for key, item in node.items()}

    def decode_items(self, nodes: list[Any]) -> list[Any]:
        """Return the decoded items of a list."""
        if set(map(type, nodes)) <= _PLAIN:
            return nodes
        return [self.decode(node) for node in nodes]

    def decode_pairs(self, nodes: list[Any]) -> list[tuple[Any, Any]]:
        """Return the decoded items of a mapping."""
        return [(self.decode(key), self.decode(value)) for key, value in nodes]

    def find(self, reference: str) -> Any:
        """Return a declared class by its written name."""
        if self._resolve is None:
            raise CorruptArtifact(f"the stored value names the class {reference!r}, which has no place here")
        module, _, qualname = reference.partition(":")
        return self._resolve(module, qualname)

    def load_part(self, number: int) -> Any:
        """Return a value that was stored apart."""
        if self._load_part is None or type(number) is not int:
            raise CorruptArtifact(f"the stored value names part {number!r}, which does not exist")
        return self._load_part(number)

    def _decode_tag(self, tag: str, content: Any) -> Any:
        decode = _DECODERS.get(tag)
        if decode is None:
            raise CorruptArtifact(f"the stored value has the unknown tag {tag!r}")
        return decode(self, content)


def _decode_path(decoder: Decoder, content: Any) -> Any:
    kinds = {"Path": pathlib.Path, "PurePosixPath": pathlib.PurePosixPath}
    return kinds.get(content[0], pathlib.PureWindowsPath)(decoder.decode(content[1]))


def _decode_datetime(decoder: Decoder, content: Any) -> Any:
    text, fold, zone = content
    return datetime.datetime.fromisoformat(text).replace(tzinfo=decoder.decode(zone), fold=fold)


def _decode_time(decoder: Decoder, content: Any) -> Any:
    text, fold, zone = content
    return datetime.time.fromisoformat(text).replace(tzinfo=decoder.decode(zone), fold=fold)


def _decode_timezone(decoder: Decoder, content: Any) -> Any:
    return datetime.UTC if content is None else datetime.timezone(*decoder.decode_items(content))


def _decode_zone(_: Decoder, content: Any) -> Any:
    from zoneinfo import ZoneInfo

    return ZoneInfo(content)


def _decode_decimal(_: Decoder, content: Any) -> Any:
    from decimal import Decimal

    return Decimal(content)


def _decode_fraction(decoder: Decoder, content: Any) -> Any:
    from fractions import Fraction

    return Fraction(*decoder.decode_items(content))


def _decode_uuid(_: Decoder, content: Any) -> Any:
    from uuid import UUID, SafeUUID

    return UUID(content[0], is_safe=SafeUUID[content[1]])


def _decode_defaultdict(decoder: Decoder, content: Any) -> Any:
    name, items = content
    return collections.defaultdict(name and _FACTORIES[name], decoder.decode_pairs(items))


def _decode_deque(decoder: Decoder, content: Any) -> Any:
    maximum, items = content
    return collections.deque(decoder.decode_items(items), maximum)


def _decode_counter(decoder: Decoder, content: Any) -> Any:
    counter: collections.Counter[Any] = collections.Counter()
    dict.update(counter, decoder.decode_pairs(content))
    return counter


def _decode_attributed(decoder: Decoder, content: Any) -> Any:
    # Such as the state dictionary of a torch module, which carries its versions this way.
    value = decoder.decode(content[0])
    if not isinstance(value, (collections.OrderedDict, collections.Counter)):
        raise CorruptArtifact("the stored value gives attributes to what has none")
    vars(value).update(decoder.decode_pairs(content[1]))
    return value


def _decode_object(decoder: Decoder, content: Any) -> Any:
    reference, state = content
    return classes.make_instance(decoder.find(reference), dict(decoder.decode_pairs(state)))


def _decode_model(decoder: Decoder, content: Any) -> Any:
    reference, state = content
    cls = decoder.find(reference)
    if not classes.is_pydantic_model(cls):
        raise CorruptArtifact(f"{reference!r} is not a pydantic model any more")
    made = cls.__new__(cls)
    made.__setstate__(dict(decoder.decode_pairs(state)))
    return made


def _decode_named_tuple(decoder: Decoder, content: Any) -> Any:
    reference, items = content
    return tuple.__new__(decoder.find(reference), decoder.decode_items(items))


def _decode_pattern(decoder: Decoder, content: Any) -> Any:
    pattern, flags = content
    return re.compile(decoder.decode(pattern), flags)


def _library(name: str) -> Callable[[Decoder, Any], Any]:
    def decode(decoder: Decoder, content: Any) -> Any:
        module: Any = importlib.import_module(f"zenconv.materializers.{name}")
        return module.decode_scalar(content, decoder)

    return decode


_DECODERS: dict[str, Callable[[Decoder, Any], Any]] = {
    "$text": lambda _, content: bytes.fromhex(content).decode("utf-8", "surrogatepass"),
    "$int": lambda _, content: int(content, 16),
    "$float": lambda _, content: struct.unpack(">d", bytes.fromhex(content))[0],
    "$complex": lambda decoder, content: complex(*decoder.decode_items(content)),
    "$tuple": lambda decoder, content: tuple(decoder.decode_items(content)),
    "$dict": lambda decoder, content: dict(decoder.decode_pairs(content)),
    "$set": lambda decoder, content: set(decoder.decode_items(content)),
    "$frozenset": lambda decoder, content: frozenset(decoder.decode_items(content)),
    "$bytes": lambda _, content: base64.b64decode(content),
    "$bytearray": lambda _, content: bytearray(base64.b64decode(content)),
    "$slice": lambda decoder, content: slice(*decoder.decode_items(content)),
    "$range": lambda decoder, content: range(*decoder.decode_items(content)),
    "$ellipsis": lambda *_: ...,
    "$ordered": lambda decoder, content: collections.OrderedDict(decoder.decode_pairs(content)),
    "$counter": _decode_counter,
    "$attributed": _decode_attributed,
    "$defaultdict": _decode_defaultdict,
    "$deque": _decode_deque,
    "$date": lambda _, content: datetime.date.fromisoformat(content),
    "$datetime": _decode_datetime,
    "$time": _decode_time,
    "$timedelta": lambda _, content: datetime.timedelta(*content),
    "$timezone": _decode_timezone,
    "$zone": _decode_zone,
    "$decimal": _decode_decimal,
    "$fraction": _decode_fraction,
    "$uuid": _decode_uuid,
    "$path": _decode_path,
    "$pattern": _decode_pattern,
    "$namespace": lambda decoder, content: types.SimpleNamespace(**dict(decoder.decode_pairs(content))),
    "$enum": lambda decoder, content: decoder.find(content[0])[content[1]],
    "$flag": lambda decoder, content: decoder.find(content[0])(decoder.decode(content[1])),
    "$namedtuple": _decode_named_tuple,
    "$object": _decode_object,
    "$model": _decode_model,
    "$part": lambda decoder, content: decoder.load_part(content),
    "$numpy": _library("numpy_scalars"),
    "$pandas": _library("pandas_scalars"),
}
