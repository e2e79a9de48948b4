"""The built-in plugin that knows what stands for values of libraries which cannot be looked into.

Types are recognised by dotted name along the MRO: a library that nobody loaded has no values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zenconv.hooks.markers import hookimpl


def _all_of_it(value: Any) -> Any:
    return dict(vars(value))


def _parser(value: Any) -> Any:
    sections = {name: dict(value.items(name, raw=True)) for name in value.sections()}
    return [type(value._interpolation).__name__, dict(value.defaults()), sections]


def _random(value: Any) -> Any:
    return value.getstate()


def _template(value: Any) -> Any:
    return value.template


_BY_BASE: dict[str, Callable[[Any], Any]] = {
    "argparse.Namespace": _all_of_it,
    "configparser.RawConfigParser": _parser,
    "random.Random": _random,
    "sklearn.gaussian_process.kernels.Kernel": _all_of_it,
    "sklearn.metrics._scorer._BaseScorer": _all_of_it,
    "sklearn.model_selection._split.BaseCrossValidator": _all_of_it,
    "sklearn.model_selection._split.BaseShuffleSplit": _all_of_it,
    "sklearn.model_selection._split._RepeatedSplits": _all_of_it,
    "string.Template": _template,
    "textwrap.TextWrapper": _all_of_it,
}
"""What cross-validation, scoring and text are made of; kept as module globals, and passed as parameters."""


@hookimpl(trylast=True)
def zenconv_hash_value(value: Any) -> Any:
    """Return what makes a splitter, scorer, kernel, template or parser what it is."""
    for base in type(value).__mro__[:-1]:
        content_of = _BY_BASE.get(f"{base.__module__}.{base.__qualname__}")
        if content_of is not None:
            return content_of(value)
    return None
