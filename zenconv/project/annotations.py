"""Resolve what annotations say, however they are spelt, without ever failing or importing early.

Annotations may be objects, strings, or deferred (Python 3.14); names may exist for type
checkers only. What stands for such a name is a `Late` type: it knows its import statement and
carries it out when an edge check or a conversion needs the class.
"""

from __future__ import annotations

import ast
import builtins
import sys
import types
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ForwardRef, get_args, get_origin

from zenconv.authoring import OUTPUT, Collect, Each, From, Over
from zenconv.fingerprint.sources import ProjectSources

_EAGER = ("typing_extensions", "zenconv")


class Late:
    """A name that only type checkers import (or nobody does: `module` is ``""``)."""

    __slots__ = ("module", "name")

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = name

    def __getattr__(self, name: str) -> Late:
        if name.startswith("_"):
            raise AttributeError(name)
        return Late(self.module, f"{self.name}.{name}" if self.name else name)

    def __getitem__(self, _arguments: Any) -> Late:
        return self

    def __call__(self, *_arguments: Any) -> Late:
        return Late("", "")

    def __or__(self, other: Any) -> Any:
        return typing.Union[self, other]  # noqa: UP007 - this is what `|` means for a placeholder

    def __ror__(self, other: Any) -> Any:
        return typing.Union[other, self]  # noqa: UP007

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Late) and (self.module, self.name) == (other.module, other.name)

    def __hash__(self) -> int:
        return hash((self.module, self.name))

    def __repr__(self) -> str:
        return self.name.rpartition(".")[2] or self.module

    def realize(self) -> Any:
        """Carry out the import; `typing.Any` if that fails, for then nothing is known."""
        if not self.module:
            return Any
        try:
            value: Any = _import(self.module)
            for part in self.name.split(".") if self.name else ():
                value = _attribute(value, part)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            return Any
        return value


def _import(name: str) -> Any:
    found = sys.modules.get(name)
    if found is not None:
        return found
    import importlib

    return importlib.import_module(name)


def _attribute(value: Any, name: str) -> Any:
    if isinstance(value, types.ModuleType) and not hasattr(value, name):
        return _import(f"{value.__name__}.{name}")
    return getattr(value, name)


class _Names(dict[str, Any]):
    """Names for an annotation that does not evaluate as it stands: the unknown become `Late`."""

    def __init__(self, known: Mapping[str, Any], late: Mapping[str, Any]) -> None:
        super().__init__(late)
        self._known = known

    def __missing__(self, name: str) -> Any:
        if name in self._known:
            return self._known[name]
        return getattr(builtins, name, None) or Late("", name)


class Annotations:
    """Resolves the annotations of a project's functions; equal texts of a module are resolved once."""

    def __init__(self, sources: ProjectSources) -> None:
        self._sources = sources
        self._texts: dict[tuple[int, str], Any] = {}
        self._late: dict[str, dict[str, Any]] = {}
        self._described: dict[Any, str] = {}

    def of_function(self, function: Callable[..., Any]) -> dict[str, tuple[str, Any]]:
        """Return text and type of every annotation, ``"return"`` too; type None where there is none."""
        found = raw_annotations(function)
        return self.of_values(found, function) if found else {}

    def of_values(self, found: Mapping[str, Any], function: Any) -> dict[str, tuple[str, Any]]:
        """Resolve annotations that were read already; `function` names the module they are from."""
        namespace = getattr(function, "__globals__", None) or {}
        own = {p.__name__: p for p in getattr(function, "__type_params__", ())}
        return {name: self._resolve(value, namespace, own) for name, value in found.items()}

    def of_class(self, owner: type) -> dict[str, tuple[str, Any]]:
        """Return text and type of the annotated fields of a class, those of its bases first."""
        found: dict[str, tuple[str, Any]] = {}
        for cls in reversed(owner.__mro__):
            module = sys.modules.get(cls.__module__)
            namespace = vars(module) if module is not None else {}
            for name, value in raw_annotations(cls).items() if cls.__module__ != "builtins" else ():
                found[name] = self._resolve(value, namespace, {})
        return found

    def _resolve(self, value: Any, namespace: dict[str, Any], own: dict[str, Any]) -> tuple[str, Any]:
        if isinstance(value, ForwardRef):
            value = value.__forward_arg__
        if type(value) is str:
            return value, self._evaluate(value, namespace, own)
        try:
            text = self._described.get(value)
        except TypeError:
            return describe(value), self._complete(value, namespace, own)
        if text is None:
            text = self._described[value] = describe(value)
        if type(value) is type:
            return text, value
        return text, self._complete(value, namespace, own)

    def _evaluate(self, text: str, namespace: dict[str, Any], own: dict[str, Any]) -> Any:
        key = (id(namespace), text)
        if key in self._texts and not own:
            return self._texts[key]
        try:
            value = self._complete(eval(text, namespace, own), namespace, own)
        except NameError:
            value = self._evaluate_late(text, namespace, own)
        except Exception:  # noqa: BLE001 - a text that is no type says nothing
            value = None
        if not own:
            self._texts[key] = value
        return value

    def _evaluate_late(self, text: str, namespace: dict[str, Any], own: dict[str, Any]) -> Any:
        names = _Names(namespace, {**self._late_names(namespace), **own})
        try:
            value = eval(text, {"__builtins__": {}}, names)
            return self._complete(value, namespace, own)
        except Exception:  # noqa: BLE001 - as above
            return None

    def _complete(self, value: Any, namespace: dict[str, Any], own: dict[str, Any]) -> Any:
        """Return `value` with the strings and forward references inside it resolved too."""
        if isinstance(value, ForwardRef):
            value = value.__forward_arg__
        if isinstance(value, str):  # a quoted name in a module whose annotations are strings anyway
            return self._evaluate(value, namespace, own)
        if value is None or not any(isinstance(a, str | ForwardRef) or get_args(a) for a in get_args(value)):
            return value
        if get_origin(value) is typing.Literal:
            return value

        def resolve(argument: Any) -> Any:
            resolved = self._complete(argument, namespace, own)
            return Late("", "") if resolved is None and argument is not None else resolved

        return replace_arguments(value, resolve)

    def _late_names(self, namespace: dict[str, Any]) -> dict[str, Any]:
        module = namespace.get("__name__", "")
        if module not in self._late:
            source = self._sources.get(module)
            has_any = source is not None and not source.is_binary and b"TYPE_CHECKING" in source.data
            self._late[module] = (
                _type_checking_names(source.index.tree, namespace) if source and has_any else {}
            )
        return self._late[module]


def raw_annotations(owner: Any) -> Mapping[str, Any]:
    """Return the annotations as written; under Python 3.14 names that do not exist stay references."""
    if sys.version_info >= (3, 14):
        from annotationlib import Format, get_annotations

        try:
            return get_annotations(owner)
        except Exception:  # noqa: BLE001 - the project's names may do anything
            return get_annotations(owner, format=Format.FORWARDREF)
    # A class without annotations would show those of its base; `inspect` is slow to import.
    attributes = owner.__dict__ if isinstance(owner, type) else {"__annotations__": owner.__annotations__}
    found = attributes.get("__annotations__")
    return found if isinstance(found, dict) else {}


def _type_checking_names(tree: ast.Module, namespace: dict[str, Any]) -> dict[str, Any]:
    package = namespace.get("__package__") or ""
    found: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.If) and _is_type_checking(node.test):
            for statement in ast.walk(node):
                if isinstance(statement, ast.Import | ast.ImportFrom):
                    _add_names(statement, package, found)
    return found


def _is_type_checking(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def _add_names(statement: ast.Import | ast.ImportFrom, package: str, found: dict[str, Any]) -> None:
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            module = alias.name if alias.asname else alias.name.partition(".")[0]
            found[alias.asname or module] = _late_or_now(module, "")
        return
    module = statement.module or ""
    if statement.level:
        parts = package.split(".")[: len(package.split(".")) - statement.level + 1]
        module = ".".join([*parts, *([module] if module else [])])
    for alias in statement.names:
        found[alias.asname or alias.name] = _late_or_now(module, alias.name)


def _late_or_now(module: str, name: str) -> Any:
    """Return the real thing where importing it costs next to nothing, always the same way."""
    late = Late(module, name)
    root = module.partition(".")[0]
    return late.realize() if root in sys.stdlib_module_names or root in _EAGER else late


def replace_arguments(value: Any, replace: Callable[[Any], Any]) -> Any:
    """Return the generic type `value` with every argument replaced; itself where that is impossible."""
    arguments = get_args(value)
    origin = get_origin(value)
    try:
        if origin is Annotated:
            return Annotated[(replace(arguments[0]), *arguments[1:])]
        new = tuple(replace(a) if not isinstance(a, list) else [replace(b) for b in a] for a in arguments)
        if new == arguments:
            return value
        if origin in (typing.Union, types.UnionType):
            return typing.Union[new]  # noqa: UP007 - the members are computed
        if isinstance(value, types.GenericAlias):
            return types.GenericAlias(origin, new)
        return value.copy_with(new)
    except Exception:  # noqa: BLE001 - a foreign generic type may refuse other arguments
        return value


def realize(value: Any) -> Any:
    """Return `value` with every `Late` name imported, as conversions need it."""
    if isinstance(value, Late):
        return value.realize()
    return replace_arguments(value, realize) if has_late(value) else value


def has_late(value: Any) -> bool:
    """Return whether any part of a type is a `Late` name."""
    if isinstance(value, Late):
        return True
    return any(has_late(argument) for argument in get_args(value))


def describe(value: Any) -> str:
    """Return a type as people write it: ``int``, ``pandas.DataFrame``, ``list[str] | None``."""
    if value is type(None):
        return "None"
    if isinstance(value, type) and not get_args(value):
        name = getattr(value, "__qualname__", repr(value))
        module = _public_part(str(getattr(value, "__module__", "")))
        return name if module in ("", "builtins", "__main__") else f"{module}.{name}"
    try:
        return repr(value).replace("typing.", "")
    except Exception:  # noqa: BLE001 - a foreign type may fail to print itself
        return type(value).__qualname__


def _public_part(module: str) -> str:
    """Return ``pathlib`` for ``pathlib._local``: where a private module is, differs between versions."""
    parts = module.split(".")
    private = next(
        (i for i, part in enumerate(parts) if part.startswith("_") and part != "__main__"), len(parts)
    )
    return ".".join(parts[:private])


def unwrap(value: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return the type inside ``Annotated`` and the metadata around it."""
    metadata: tuple[Any, ...] = ()
    while get_origin(value) is Annotated:
        metadata += value.__metadata__
        value = value.__origin__
    return value, metadata


def is_place_to_write(metadata: tuple[Any, ...]) -> bool:
    """Return whether ``Output[...]`` marks the parameter."""
    return any(item is OUTPUT for item in metadata)


def explicit_source(metadata: tuple[Any, ...]) -> str:
    """Return the name in ``From("name")``, or ``""``."""
    return next((item.name for item in metadata if isinstance(item, From)), "")


def collected(value: Any) -> tuple[bool, Any, Over | None]:
    """Return whether an annotation is ``Collect[T]``, with T (None if not given) and its `Over`."""
    kind, metadata = unwrap(value)
    over = next((item for item in metadata if isinstance(item, Over)), None)
    if kind is Collect:
        return True, None, over
    if get_origin(kind) is not Collect:
        return False, value, over
    return True, get_args(kind)[0], over


def each_item(value: Any) -> tuple[bool, Any]:
    """Return whether an annotation is ``Each[T]``, with T (None if not given)."""
    kind, _ = unwrap(value)
    if kind is Each:
        return True, None
    return (True, get_args(kind)[0]) if get_origin(kind) is Each else (False, value)
