"""Are a plugin's hooks hooks? Names and arguments are compared with the specifications.

pluggy would refuse most of this too, but without the place, and without "did you mean".
"""

from __future__ import annotations

import os
import types
from typing import Any

from zenconv.errors import PluginError, did_you_mean
from zenconv.hooks import specs


def check_hooks(module: Any, plugin: str, origin: str) -> None:
    """Raise `PluginError` for a ``zenconv_*`` function that is no hook, or asks for what is not offered."""
    for name, function in vars(module).items() if isinstance(module, types.ModuleType) else ():
        options = getattr(function, "zenconv_impl", None)
        if not isinstance(function, types.FunctionType) or not (options or name.startswith("zenconv_")):
            continue
        options = options or {}
        hook = options.get("specname") or name
        spec = getattr(specs, hook, None) if hook.startswith("zenconv_") else None
        where = f"{_short_path(function.__code__.co_filename)}:{function.__code__.co_firstlineno}"
        if spec is None:
            if options.get("optionalhook"):
                continue
            known = [n for n in vars(specs) if n.startswith("zenconv_")]
            raise PluginError(
                f"{where}: {name!r} is not a hook of zenconv (plugin {plugin!r}, {origin})",
                hint=did_you_mean(hook, known),
            )
        offered = _argument_names(spec)
        for argument in _argument_names(function):
            if argument not in offered:
                raise PluginError(
                    f"{where}: the hook {hook!r} offers no argument {argument!r} "
                    f"(plugin {plugin!r}, {origin})",
                    hint=did_you_mean(argument, offered) or f"{hook} has no arguments",
                )


def _argument_names(function: types.FunctionType) -> tuple[str, ...]:
    """Return the arguments without a default, which are those pluggy passes."""
    code = function.__code__
    return code.co_varnames[: code.co_argcount - len(function.__defaults__ or ())]


def _short_path(path: str) -> str:
    try:
        shown = os.path.relpath(path)
    except ValueError:  # another drive, on Windows
        return path
    return path if shown.startswith("..") else shown
