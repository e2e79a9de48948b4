"""Modules that code reaches by their names as texts: ``import_module("a.b")``, ``sys.modules[__name__]``."""

from __future__ import annotations

import ast

from zenconv.fingerprint.scopes import ImportTarget

OWN_MODULE = ImportTarget("__name__")
"""Stands for the module that the code is in."""


NAMING = frozenset({"import_module", "__import__", "resolve_name"})
"""Functions whose first argument is the name of a module."""

HEARD = frozenset({"import_module", "resolve_name"})
"""Those of them that are heard when a step calls them: what they import for a computed name counts then."""


def naming_function(call: ast.Call) -> str:
    """Return which of `NAMING` is called; nothing if none is."""
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name if name in NAMING and call.args else ""


def module_named(call: ast.Call, function: str) -> ImportTarget | None:
    """Return what a `call` of one of `NAMING` asks for, as ``module`` or ``module:name``; None: computed."""
    target = named_by(call.args[0])
    if target is None or target == OWN_MODULE:
        return target
    if not target.level:
        is_dotted = function == "resolve_name" and ":" not in target.module
        return target._replace(module=target.module.replace(".", ":", 1)) if is_dotted else target
    package = call.args[1] if len(call.args) > 1 else _keyword(call, "package")
    if isinstance(package, ast.Name) and package.id in ("__package__", "__name__"):
        return target
    if isinstance(package, ast.Constant) and isinstance(package.value, str):
        base = package.value.split(".")
        kept = base[: len(base) - target.level + 1]
        return ImportTarget(".".join([*kept, target.module] if target.module else kept))
    return None


def named_by(name: ast.expr) -> ImportTarget | None:
    """Return which module `name` means; None: it is computed."""
    if isinstance(name, ast.Name) and name.id == "__name__":
        return OWN_MODULE
    if isinstance(name, ast.Constant) and isinstance(name.value, str):
        module = name.value.lstrip(".")
        return ImportTarget(module, level=len(name.value) - len(module))
    return None


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)
