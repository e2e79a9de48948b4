"""Canonical forms of the richer types, found by class or by a dotted name along the MRO.

No library is imported for this: a type that nobody loaded cannot appear in a value.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zenconv.fingerprint.values import Encoder

_BUILTIN_BASES = (bool, int, float, complex, str, bytes, bytearray, tuple, list, dict, set, frozenset)


def encode(encoder: Encoder, value: Any) -> bytes:
    """Return the canonical bytes of `value`, whose exact type is no built-in one."""
    kind = type(value)
    special = _BY_NAME.get(_name(kind))
    if special is not None:
        return special(encoder, value)
    if isinstance(value, type):
        return encoder.code(value)
    record = _as_record(encoder, value, kind)
    if record is not None:
        return record
    for base in kind.__mro__:
        inherited = _BY_BASE.get(_name(base))
        if inherited is not None:
            return inherited(encoder, value)
    return _other(encoder, value, kind)


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _as_record(encoder: Encoder, value: Any, kind: type) -> bytes | None:
    """Encode enumeration members, dataclasses, attrs and pydantic instances, and named tuples."""
    enumeration = sys.modules.get("enum")
    if enumeration is not None and isinstance(value, enumeration.Enum):
        names = () if isinstance(value, enumeration.Flag) else (value._name_,)
        inner = value._value_ if type(value._value_) is not kind else str(value._name_)
        return encoder.sequence(b"e", (kind, *names, inner))
    if isinstance(value, tuple) and hasattr(kind, "_fields"):
        return encoder.sequence(b"nt", (kind, *_members(value, tuple), *_extra(value)))
    fields = _field_names(kind)
    if fields is None:
        return None
    found = {name: getattr(value, name) for name in fields if _has(value, name)}
    found.update({name: part for name, part in getattr(value, "__dict__", {}).items() if name not in found})
    content = [_members(value, base) for base in _BUILTIN_BASES if isinstance(value, base)][:1]
    return encoder.sequence(b"o", (kind, content)) + encoder.fields(b"", found)


def _field_names(kind: type) -> list[str] | None:
    for base in kind.__mro__:
        if "__dataclass_fields__" in base.__dict__:
            return list(base.__dict__["__dataclass_fields__"])
        if "__attrs_attrs__" in base.__dict__:
            return [field.name for field in base.__dict__["__attrs_attrs__"]]
        if _name(base) == "pydantic.main.BaseModel":
            return []
    return None


def _has(value: Any, name: str) -> bool:
    try:
        object.__getattribute__(value, name)
    except AttributeError:
        return False
    return True


def _members(value: Any, base: Any) -> Any:
    """Return the content of `value` as a plain `base`, past whatever its class overrides."""
    if base is dict:
        return dict(dict.items(value))
    if base in (list, tuple, set, frozenset, bytes, bytearray):
        return base(base.__iter__(value))
    return base.__str__(value) if base is str else base.__pos__(value)


def _extra(value: Any) -> tuple[Any, ...]:
    state = getattr(value, "__dict__", None)
    return (dict(sorted(state.items())),) if isinstance(state, dict) and state else ()


def _subclass_of_builtin(encoder: Encoder, value: Any, kind: type) -> bytes | None:
    for base in _BUILTIN_BASES:
        if isinstance(value, base):
            return encoder.sequence(b"u", (kind, _members(value, base), *_extra(value)))
    return None


def _other(encoder: Encoder, value: Any, kind: type) -> bytes:
    from zenconv.fingerprint.values import NotCanonical, StandIn

    content = encoder.content_of(value) if encoder.content_of is not None else None
    if isinstance(content, StandIn):
        return encoder.sequence(b"h", (kind, *content))
    if content is not None:
        return encoder.sequence(b"x", (_name(kind), content))
    inherited = _subclass_of_builtin(encoder, value, kind)
    if inherited is not None:
        return inherited
    typing_form = _typing_form(encoder, value)
    if typing_form is not None:
        return typing_form
    if _is_plain_object(encoder, kind):
        state = {**_slots(value, kind), **getattr(value, "__dict__", {})}
        return encoder.sequence(b"p", (kind,)) + encoder.fields(b"", state)
    raise NotCanonical(f"a value of type {_name(kind)} has no canonical form")


def _is_plain_object(encoder: Encoder, kind: type) -> bool:
    """Return whether all behaviour and state of `kind` is visible: the project's classes all along."""
    classes = kind.__mro__[:-1]
    return all(type(base) is type and is_heap(base) and encoder.knows(base) for base in classes)


def is_heap(kind: type) -> bool:
    """Return whether `kind` was made by a ``class`` statement."""
    return bool(kind.__flags__ & (1 << 9))


def _slots(value: Any, kind: type) -> dict[str, Any]:
    found = {}
    for base in kind.__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__") and hasattr(value, name):
                found[name] = getattr(value, name)
    return found


def _typing_form(encoder: Encoder, value: Any) -> bytes | None:
    """Encode ``list[int]``, ``int | None``, ``Annotated[...]``, ``Literal[...]``."""
    name = type(value).__name__
    if name in ("UnionType", "_UnionGenericAlias", "Union"):
        return encoder.unordered(b"U", (type(None) if a is None else a for a in value.__args__))
    for mark, parts in ((b"A", _tuple_in(value, "__metadata__")), (b"G", _tuple_in(value, "__args__"))):
        if parts is not None and hasattr(value, "__origin__"):
            return encoder.sequence(mark, (value.__origin__, *parts))
    if type(value).__module__ == "typing":
        shown = getattr(value, "__name__", None) or getattr(value, "_name", None)
        return encoder.sequence(b"V", (str(shown),)) if shown else None
    return None


def _tuple_in(value: Any, name: str) -> tuple[Any, ...] | None:
    """Return an attribute that is a tuple: a stand-in for something else has any attribute, or raises."""
    try:
        found = getattr(value, name, None)
    except Exception:  # noqa: BLE001 - the code of a stand-in may raise anything when looked at
        return None
    return found if type(found) is tuple else None


# -- single types ----------------------------------------------------------------------------------


def _path(encoder: Encoder, value: Any) -> bytes:
    return encoder.sequence(b"P", (value.as_posix(),))


def _pattern(encoder: Encoder, value: Any) -> bytes:
    return encoder.sequence(b"re", (value.pattern, value.flags))


def _decimal(encoder: Encoder, value: Any) -> bytes:
    sign, digits, exponent = value.as_tuple()
    return encoder.sequence(b"D", (sign, digits, exponent))


def _fraction(encoder: Encoder, value: Any) -> bytes:
    return encoder.sequence(b"Q", (value.numerator, value.denominator))


def _moment(encoder: Encoder, value: Any) -> bytes:
    zone = getattr(value, "tzinfo", None)
    shown = value.replace(tzinfo=None) if zone is not None else value
    key = getattr(zone, "key", None)
    part = None if zone is None else ("zone", key) if key else ("offset", zone.utcoffset(None), str(zone))
    return encoder.sequence(b"w", (type(value).__name__, shown.isoformat(), getattr(value, "fold", 0), part))


def _duration(encoder: Encoder, value: Any) -> bytes:
    return encoder.sequence(b"td", (value.days, value.seconds, value.microseconds))


def _zone(encoder: Encoder, value: Any) -> bytes:
    return encoder.sequence(b"tz", (value.utcoffset(None), str(value)))


def _zone_info(encoder: Encoder, value: Any) -> bytes:
    from zenconv.fingerprint.values import NotCanonical

    if value.key is None:
        raise NotCanonical("a time zone read from a file has no name")
    return encoder.sequence(b"zi", (value.key,))


def _uuid(encoder: Encoder, value: Any) -> bytes:
    return encoder.sequence(b"uu", (value.int,))


def _range(encoder: Encoder, value: Any) -> bytes:
    return encoder.sequence(b"ra", (value.start, value.stop, value.step))


def _namespace(encoder: Encoder, value: Any) -> bytes:
    return encoder.fields(b"ns", vars(value))


def _proxy(encoder: Encoder, value: Any) -> bytes:
    return encoder.sequence(b"mp", (dict(value),))


def _default_dict(encoder: Encoder, value: Any) -> bytes:
    return encoder.sequence(b"dd", (value.default_factory, _members(value, dict)))


def _ordered(encoder: Encoder, value: Any) -> bytes:
    return encoder.sequence(b"od", (_members(value, dict),))


def _counter(encoder: Encoder, value: Any) -> bytes:
    return encoder.sequence(b"ct", (_members(value, dict),))


def _deque(encoder: Encoder, value: Any) -> bytes:
    return encoder.sequence(b"dq", (value.maxlen, list(value)))


def _chain_map(encoder: Encoder, value: Any) -> bytes:
    return encoder.sequence(b"cm", value.maps)


def _partial(encoder: Encoder, value: Any) -> bytes:
    return encoder.sequence(b"pa", (value.func, value.args, value.keywords, *_extra(value)))


def _reduced(encoder: Encoder, value: Any) -> bytes:
    kind, arguments = value.__reduce__()[:2]
    parts = arguments if kind is type(value) else (kind, arguments)
    return encoder.sequence(b"op", (type(value).__name__, parts))


def _cached_function(encoder: Encoder, value: Any) -> bytes:
    return encoder.sequence(b"lc", (value.__wrapped__, dict(sorted(value.cache_parameters().items()))))


def _wrapped(encoder: Encoder, value: Any) -> bytes:
    return encoder.sequence(b"wr", (type(value).__name__, value.__func__))


def _property(encoder: Encoder, value: Any) -> bytes:
    return encoder.sequence(b"pr", (value.fget, value.fset, value.fdel))


def _cached_property(encoder: Encoder, value: Any) -> bytes:
    return encoder.sequence(b"cp", (value.func,))


def _single_dispatch_method(encoder: Encoder, value: Any) -> bytes:
    return encoder.sequence(b"sd", (value.dispatcher,))


def _descriptor(encoder: Encoder, value: Any) -> bytes:
    return encoder.sequence(b"ds", (value.__objclass__, value.__name__))


def _timestamp(encoder: Encoder, value: Any) -> bytes:
    zone = None if getattr(value, "tz", None) is None else str(value.tz)
    return encoder.sequence(b"ts", (type(value).__name__, value.value, getattr(value, "unit", ""), zone))


def _by_text(encoder: Encoder, value: Any) -> bytes:
    return encoder.sequence(b"by", (_name(type(value)), str(value)))


def _inert(encoder: Encoder, value: Any) -> bytes:
    """Encode what decides nothing about results: loggers and locks are one value."""
    return b"L;"


def _typed_array(encoder: Encoder, value: Any) -> bytes:
    return encoder.sequence(b"ar", (value.typecode, value.tobytes()))


def _estimator(encoder: Encoder, value: Any) -> bytes:
    """Encode a model of scikit-learn's kind: its class and all it holds, parameters above all."""
    return encoder.sequence(b"sk", (type(value),)) + encoder.fields(b"", vars(value))


def _sentinel(encoder: Encoder, value: Any) -> bytes:
    return encoder.sequence(b"se", (type(value).__name__,))


def _array(encoder: Encoder, value: Any) -> bytes:
    dtype = value.dtype
    content = value.tolist() if dtype.hasobject or dtype.kind == "T" else value.tobytes()
    return encoder.sequence(b"na", (type(value).__name__, _dtype_name(dtype), tuple(value.shape), content))


def _masked(encoder: Encoder, value: Any) -> bytes:
    return encoder.sequence(b"nm", (value.filled(0), value.mask, value.fill_value))


def _scalar(encoder: Encoder, value: Any) -> bytes:
    if value.dtype.hasobject:
        return encoder.sequence(b"ng", (_dtype_name(value.dtype), value.item()))
    return encoder.sequence(b"ng", (_dtype_name(value.dtype), value.tobytes()))


def _dtype(encoder: Encoder, value: Any) -> bytes:
    return encoder.sequence(b"nd", (_dtype_name(value),))


def _dtype_name(dtype: Any) -> str:
    return repr(dtype) if dtype.fields or dtype.kind == "T" else f"{dtype.str}{dtype.metadata or ''}"


def _ufunc(encoder: Encoder, value: Any) -> bytes:
    from zenconv.fingerprint.values import NotCanonical

    if value.__name__.endswith(" (vectorized)"):
        raise NotCanonical("it is what frompyfunc has made of a function, which it does not show")
    encoder.referee.reach(value.__class__.__module__)
    return encoder.sequence(b"uf", (value.__name__,))


def _slice(encoder: Encoder, value: Any) -> bytes:
    return encoder.sequence(b"sl", (value.start, value.stop, value.step))


_ADDRESSES = ("IPv4Address", "IPv4Interface", "IPv4Network", "IPv6Address", "IPv6Interface", "IPv6Network")

_BY_NAME: dict[str, Callable[[Encoder, Any], bytes]] = {
    **{f"ipaddress.{name}": _by_text for name in _ADDRESSES},
    "array.array": _typed_array,
    "builtins.range": _range,
    "builtins.slice": _slice,
    "builtins.property": _property,
    "builtins.staticmethod": _wrapped,
    "builtins.classmethod": _wrapped,
    "builtins.mappingproxy": _proxy,
    "builtins.method_descriptor": _descriptor,
    "builtins.wrapper_descriptor": _descriptor,
    "builtins.member_descriptor": _descriptor,
    "builtins.getset_descriptor": _descriptor,
    "builtins.classmethod_descriptor": _descriptor,
    "collections.OrderedDict": _ordered,
    "collections.defaultdict": _default_dict,
    "collections.Counter": _counter,
    "collections.deque": _deque,
    "collections.ChainMap": _chain_map,
    "dataclasses._HAS_DEFAULT_FACTORY_CLASS": _sentinel,
    "dataclasses._MISSING_TYPE": _sentinel,
    "datetime.date": _moment,
    "datetime.datetime": _moment,
    "datetime.time": _moment,
    "datetime.timedelta": _duration,
    "datetime.timezone": _zone,
    "decimal.Decimal": _decimal,
    "fractions.Fraction": _fraction,
    "functools.partial": _partial,
    "functools.partialmethod": _partial,
    "functools._lru_cache_wrapper": _cached_function,
    "functools.cached_property": _cached_property,
    "functools.singledispatchmethod": _single_dispatch_method,
    "operator.attrgetter": _reduced,
    "operator.itemgetter": _reduced,
    "operator.methodcaller": _reduced,
    "re.Pattern": _pattern,
    "_thread.lock": _inert,
    "_thread.RLock": _inert,
    "pandas.Timedelta": _timestamp,
    "pandas.Timestamp": _timestamp,
    "pandas._libs.tslibs.timedeltas.Timedelta": _timestamp,
    "pandas._libs.tslibs.timestamps.Timestamp": _timestamp,
    "torch.device": _by_text,
    "torch.dtype": _by_text,
    "types.SimpleNamespace": _namespace,
    "uuid.UUID": _uuid,
    "zoneinfo.ZoneInfo": _zone_info,
    "backports.zoneinfo.ZoneInfo": _zone_info,
    "numpy.ndarray": _array,
    "numpy.memmap": _array,
    "numpy.matrix": _array,
    "numpy.recarray": _array,
    "numpy.rec.recarray": _array,
    "numpy.ma.core.MaskedArray": _masked,
    "numpy.ma.MaskedArray": _masked,
    "numpy.ufunc": _ufunc,
}

_BY_BASE: dict[str, Callable[[Encoder, Any], bytes]] = {
    "pathlib.PurePath": _path,
    "pathlib._local.PurePath": _path,
    "logging.Logger": _inert,
    "logging.LoggerAdapter": _inert,
    "numpy.generic": _scalar,
    "numpy.dtype": _dtype,
    "sklearn.base.BaseEstimator": _estimator,
}
