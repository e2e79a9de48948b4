"""Are a plugin's hooks hooks? Names and arguments are compared with the specifications.

pluggy would refuse most of this too, but without the place, and without "did you mean".
"""

from __future__ import annotations

import inspect
import os
import types
from collections.abc import Iterator
from typing import Any

from zenconv.errors import PluginError, did_you_mean
from zenconv.hooks import specs

_PREFIX = "zenconv_"
_STARRED = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS
HOOKABLE = (types.FunctionType, types.MethodType, staticmethod, classmethod)
"""What a hook may be; anything else under its name is told about, or no hook at all."""


def check_hooks(plugin: Any, name: str, origin: str) -> None:
    """Raise `PluginError` for a ``zenconv_*`` function that is no hook, or asks for what is not offered."""
    _check_others(plugin, f"(plugin {name!r}, {origin})")
    for attribute, function, is_bound in list_functions(plugin):
        options = getattr(function, "zenconv_impl", None)
        if not (options or attribute.startswith(_PREFIX)):
            continue
        options = options or {}
        hook = options.get("specname") or attribute
        spec = getattr(specs, hook, None) if hook.startswith(_PREFIX) else None
        owner = f"(plugin {name!r}, {origin})"
        if spec is None:
            if options.get("optionalhook"):
                continue
            known = [n for n in vars(specs) if n.startswith(_PREFIX)]
            raise PluginError(
                f"{place_of_code(function)}: {attribute!r} is not a hook of zenconv {owner}",
                hint=did_you_mean(hook, known),
            )
        offered = spec.__code__.co_varnames[: spec.__code__.co_argcount]
        if not _is_plain(function, offered, is_bound):
            _check_arguments(hook, function, offered, is_bound, owner)
        _check_shape(hook, function, options, owner)


def _check_others(plugin: Any, owner: str) -> None:
    """Refuse what has the name of a hook and is no function, so that it would never be called."""
    for name in list(vars(plugin)) if inspect.ismodule(plugin) else dir(plugin):
        value = inspect.getattr_static(plugin, name, None) if name.startswith(_PREFIX) else None
        if value is None or isinstance(value, HOOKABLE) or inspect.ismodule(value):
            continue
        known = [name for name in vars(specs) if name.startswith(_PREFIX)]
        if name in known or (callable(value) and not isinstance(value, type)):
            where = place_of_code(value)
            where = where if where != "?" else _short_path(getattr(plugin, "__file__", None) or "?")
            kind = "class" if isinstance(value, type) else type(value).__name__
            raise PluginError(
                f"{where}: {name!r} is no function but a {kind} {owner}",
                hint=f"def {name}(...): ..." if name in known else did_you_mean(name, known),
            )


def _is_plain(function: types.FunctionType, offered: tuple[str, ...], is_bound: bool) -> bool:
    """Return whether a function takes some of what is offered and has nothing special, as most do."""
    code = function.__code__
    if code.co_flags & _STARRED or code.co_kwonlyargcount or function.__defaults__:
        return False
    return set(code.co_varnames[is_bound : code.co_argcount]).issubset(offered)


def _check_arguments(
    hook: str, function: types.FunctionType, offered: tuple[str, ...], is_bound: bool, owner: str
) -> None:
    """Refuse arguments that the hook does not offer, and those that it could never pass."""
    parameters = list(inspect.signature(function).parameters.values())[is_bound:]
    where = place_of_code(function)
    for p in parameters:
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            continue
        if p.default is not p.empty:
            if p.name in offered:
                what = f"{hook!r} gives its argument {p.name!r} a default, so that it is never passed"
                raise PluginError(f"{where}: {what} {owner}", hint=f"def {hook}({p.name}): ...")
            continue
        if p.name not in offered:
            what = f"the hook {hook!r} offers no argument {p.name!r}"
            hint = did_you_mean(p.name, offered) or f"{hook} has no arguments"
            raise PluginError(f"{where}: {what} {owner}", hint=hint)
        if p.kind is p.KEYWORD_ONLY:
            what = f"{hook!r} takes {p.name!r} by keyword only, and hooks are called by position"
            raise PluginError(f"{where}: {what} {owner}", hint="leave the * out")
    if parameters and offered and all(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
        what = f"{hook!r} names none of its arguments, so that none is passed"
        hint = f"name those it needs: {', '.join(offered)}; a decorator keeps them by functools.wraps"
        raise PluginError(f"{where}: {what} {owner}", hint=hint)


def _check_shape(hook: str, function: types.FunctionType, options: dict[str, Any], owner: str) -> None:
    """Refuse what would be called and do nothing: a generator that nobody runs."""
    where = place_of_code(function)
    if options.get("hookwrapper"):
        raise PluginError(
            f"{where}: {hook!r} is a wrapper of pluggy's old style {owner}",
            hint="@hookimpl(wrapper=True), then `result = yield` and `return result`",
        )
    inner = inspect.unwrap(function)
    if inspect.iscoroutinefunction(inner) or inspect.isasyncgenfunction(inner):
        raise PluginError(
            f"{where}: {hook!r} is async, and nobody would await it {owner}",
            hint=f"def {hook}(...), which may call asyncio.run(...)",
        )
    is_generator = inspect.isgeneratorfunction(function)
    is_wrapper = bool(options.get("wrapper"))
    if is_wrapper and not is_generator:
        raise PluginError(
            f"{where}: {hook!r} is marked as a wrapper and has no `yield` {owner}",
            hint="`result = yield` calls what it is wrapped around",
        )
    if is_generator and not is_wrapper and hook not in specs.OFFERS:
        raise PluginError(
            f"{where}: {hook!r} has a `yield`, and is not marked as a wrapper {owner}",
            hint="@hookimpl(wrapper=True)",
        )
    if hook in specs.WRAPPERS and not is_wrapper:
        raise PluginError(
            f"{where}: {hook!r} stands around the call of a step; it is written as a wrapper {owner}",
            hint="@hookimpl(wrapper=True), then `result = yield` and `return result`",
        )


def list_functions(plugin: Any) -> Iterator[tuple[str, Any, bool]]:
    """Yield the functions of a module, or the methods of an object: name, function, is it bound."""
    if isinstance(plugin, types.ModuleType):
        for name, value in list(vars(plugin).items()):
            if isinstance(value, types.FunctionType):
                yield name, value, False
        return
    for name in dir(plugin):
        if name.startswith(_PREFIX) or not name.startswith("_"):
            value = inspect.getattr_static(plugin, name, None)
            if isinstance(value, staticmethod):
                yield name, value.__func__, False
            elif isinstance(value, classmethod):
                yield name, value.__func__, True
            elif isinstance(value, types.FunctionType):
                yield name, value, not isinstance(plugin, type)


def place_of_code(function: Any) -> str:
    """Return ``file:line`` of a function, the file relative to the current folder where it is below."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return f"{_short_path(code.co_filename)}:{code.co_firstlineno}" if code is not None else "?"


def _short_path(path: str) -> str:
    try:
        shown = os.path.relpath(path)
    except (ValueError, OSError):  # another drive, on Windows; no current folder
        return path
    return path if shown.startswith("..") else shown
