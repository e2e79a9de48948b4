"""Find out whether a call is given the name of a file that exists, from its syntax and the names it uses.

Nothing is executed: texts and paths are put together as the code would do it, as far as that is
plain to see.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from types import ModuleType
from typing import Any

_QUOTED = re.compile(r"'([^']+)'|\"([^\"]+)\"")
_LONGEST = 4096


def find_named_file(call: ast.Call, namespace: Mapping[str, Any], root: Path) -> str:
    """Return the first file or folder that exists and that an argument of `call` names, or nothing.

    Names are relative to `root`. Text in quotes within a text counts too: queries name files so.
    """
    for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
        for text in _texts(argument, namespace):
            for name in (text, *_quoted(text)):
                if name.strip("./") and _exists(root, name):
                    return name
    return ""


def _quoted(text: str) -> list[str]:
    return [single or double for single, double in _QUOTED.findall(text)]


def _texts(node: ast.expr, namespace: Mapping[str, Any]) -> Iterable[str]:
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        for element in node.elts:
            yield from _texts(element, namespace)
        return
    text = _text(node, namespace)
    if text:
        yield text


def _text(node: ast.expr, namespace: Mapping[str, Any]) -> str:
    """Return the text or path that `node` stands for, or nothing."""
    match node:
        case ast.Constant(value=str() as value):
            return value
        case ast.Name(id=name):
            return _plain(namespace.get(name))
        case ast.Attribute(value=ast.Name(id=holder), attr=name):
            module = namespace.get(holder)
            return _plain(vars(module).get(name)) if type(module) is ModuleType else ""
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return _join([_text(left, namespace), _text(right, namespace)])
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _text(left, namespace) + _text(right, namespace)
        case ast.JoinedStr(values=values):
            return "".join(_text(value, namespace) for value in values)
        case ast.FormattedValue(value=value):
            return _text(value, namespace)
        case ast.Call(func=ast.Name(id="Path" | "PurePath" | "str" | "fspath"), args=parts):
            return _join([_text(part, namespace) for part in parts])
        case ast.Call(func=ast.Attribute(value=folder, attr="joinpath"), args=parts):
            return _join([_text(part, namespace) for part in (folder, *parts)])
        case ast.Call(func=ast.Attribute(attr="join" | "Path" | "fspath"), args=parts):
            return _join([_text(part, namespace) for part in parts])
        case _:
            return ""


def _join(parts: list[str]) -> str:
    return os.path.normpath(os.path.join(*parts)) if parts and all(parts) else ""


def _plain(value: Any) -> str:
    return str(value) if issubclass(type(value), str | PurePath) else ""


def _exists(root: Path, name: str) -> bool:
    return len(name) < _LONGEST and "\0" not in name and os.path.exists(os.path.join(root, name))
