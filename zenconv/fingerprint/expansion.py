"""Filling units in: the digest of a piece of code or data, and the things it refers to."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable
from types import FunctionType
from typing import TYPE_CHECKING, Any

from zenconv import hashing
from zenconv.errors import Problem
from zenconv.fingerprint import rendering, syntax
from zenconv.fingerprint.index import Binding, first_line
from zenconv.fingerprint.live import (
    add_attributes,
    add_class_values,
    add_closure,
    add_defaults,
    cell_content,
    line_of,
)
from zenconv.fingerprint.modules import installed_name
from zenconv.fingerprint.names import resolve_references
from zenconv.fingerprint.places import is_own_module, is_standard_module
from zenconv.fingerprint.scopes import Reference
from zenconv.fingerprint.sources import ModuleSource
from zenconv.fingerprint.syntax import Analysis
from zenconv.fingerprint.units import Unit
from zenconv.fingerprint.values import NotCanonical

if TYPE_CHECKING:
    from zenconv.fingerprint.builder import UnitBuilder

_SETTINGS_OF_PYTHON = frozenset({"random", "os", "decimal", "locale"})
_NEVER_SETTINGS = frozenset({"logging", "sys", "warnings"})
_MEMBERS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def expand_function(builder: UnitBuilder, unit: Unit, function: FunctionType) -> None:
    """A project function: its syntax, decorators, names, closure, defaults and attributes."""
    module_name = str(function.__globals__.get("__name__", ""))
    source = builder.source_of(module_name)
    node = source.index.find(function.__code__) if source is not None else None
    if source is None or node is None:
        _expand_generated(builder, unit, function, module_name)
    else:
        known = function.__code__.co_freevars
        _add_definition(builder, unit, source, node, known=known)
        _place(builder, unit, source, node)
        _add_effects(builder, unit, source)
    add_closure(builder, unit, function)
    add_defaults(builder, unit, function)
    add_attributes(builder, unit, function)


def expand_class(builder: UnitBuilder, unit: Unit, kind: type) -> None:
    """A project class: its body, decorators, bases, metaclass and the values of its attributes."""
    source = builder.source_of(kind.__module__)
    node = source.index.class_at(kind.__qualname__, line_of(kind, source)) if source is not None else None
    if source is None or node is None:
        _expand_made_class(builder, unit, kind)
    else:
        _add_class(builder, unit, source, node)
        _place(builder, unit, source, node)
        _add_effects(builder, unit, source)
    for base in (*kind.__bases__, type(kind)):
        if base not in (object, type):
            unit.entries.append(builder.entry(unit, base))
    add_class_values(builder, unit, kind, node, source)


def expand_global(
    builder: UnitBuilder, unit: Unit, module_name: str, name: str, value: Any, *, quiet: bool
) -> None:
    """A module-level name: by value, else the definition it wraps, else the statements that make it."""
    source = builder.source_of(module_name)
    index = source.index if source is not None else None
    is_definition = index is not None and name in index.definitions
    try:
        if is_definition and isinstance(value, FunctionType):
            raise NotCanonical("an installed decorator wraps it")
        unit.local = builder.encode(unit, value)
    except NotCanonical as error:
        if source is not None and is_definition:
            _expand_wrapped(builder, unit, source, name, value)
        else:
            _expand_statements(builder, unit, source, name, value, "" if quiet else error.what)
        return
    bindings = index.bindings.get(name, ()) if index is not None else ()
    if source is not None:
        unit.file = builder.sources.relative(source.path)
        unit.line = bindings[-1].line if bindings else 0
    hidden = rendering.is_confidential(name, bindings, source)
    unit.show_by(lambda: rendering.render_value(name, value, hidden=hidden))


def expand_wrapper(builder: UnitBuilder, unit: Unit, function: FunctionType) -> None:
    """An installed function around project code: what it holds in its closure counts, if it is code."""
    unit.local = builder.installed_text(unit, function)
    registry = getattr(function, "registry", None)
    if registry is not None and hasattr(function, "dispatch"):
        for kind in sorted(registry, key=lambda k: f"{k.__module__}.{k.__qualname__}"):
            unit.entries += [builder.entry(unit, kind), builder.entry(unit, registry[kind])]
    held = [function.__dict__.get("__wrapped__")]
    held += [cell_content(cell) for cell in function.__closure__ or ()]
    for content in held:
        if isinstance(content, (FunctionType, type)) or hasattr(content, "__func__"):
            unit.entries.append(builder.entry(unit, content))


def expand_module(builder: UnitBuilder, unit: Unit, name: str) -> None:
    """A whole module: every statement in it, and every name it binds by what it stands for."""
    source = builder.sources.get(name)
    for part in builder.modules.parts(name):
        unit.entries += [part, builder.module(part, unit.full)]
    if source is None:
        unit.local = "namespace package"
        return
    unit.file = builder.sources.relative(source.path)
    if source.is_binary:
        unit.kind = "binary"
        unit.local = source.digest
        return
    _add_analysis(builder, unit, syntax.analyse(source.index.tree.body, full=unit.full), source)
    namespace = sys.modules[name].__dict__ if name in sys.modules else {}
    for bound in source.index.names():
        if bound in namespace:
            entry = builder.entry(unit, namespace[bound], name, bound, quiet=True)
            unit.entries += [bound, entry]


def expand_effects(builder: UnitBuilder, unit: Unit, name: str) -> None:
    """Settings of installed libraries, such as ``torch.set_default_dtype(...)`` at module level."""
    source = builder.source_of(name)
    if source is None:
        return
    unit.file = builder.sources.relative(source.path)
    bindings = [
        binding for root, _, binding in source.index.effects if _is_setting(builder, source, root, binding)
    ]
    _add_bindings(builder, unit, source, bindings)
    unit.line = bindings[0].line if bindings else 0
    unit.show_by(lambda: rendering.render_bindings(source, bindings))


def has_effects(builder: UnitBuilder, source: ModuleSource) -> bool:
    """Return whether importing the module changes settings of installed libraries."""
    return any(_is_setting(builder, source, root, binding) for root, _, binding in source.index.effects)


def _is_setting(builder: UnitBuilder, source: ModuleSource, root: str, binding: Binding) -> bool:
    is_patch = isinstance(binding.parts[-1], ast.Assign)
    for target in source.index.imports.get(root, ()):
        name = builder.modules.absolute(source.module, target)
        top = name.partition(".")[0]
        if not builder.modules.is_project(name) and not is_own_module(name):
            if is_patch and top not in _NEVER_SETTINGS:
                return True
            return top in _SETTINGS_OF_PYTHON or not is_standard_module(top)
    return False


# -- definitions -----------------------------------------------------------------------------------


def _add_definition(
    builder: UnitBuilder,
    unit: Unit,
    source: ModuleSource,
    node: syntax.DefinitionNode,
    *,
    known: Iterable[str] = (),
) -> None:
    decorators = _decorators(builder, source, node)
    full = unit.full or any(telling for _, telling in decorators)
    _add_analysis(builder, unit, syntax.analyse_definition(node, full=full), source, known=known)
    for analysis, _ in decorators:
        _add_analysis(builder, unit, analysis, source, known=known)


def _add_class(builder: UnitBuilder, unit: Unit, source: ModuleSource, node: ast.ClassDef) -> None:
    decorators = _decorators(builder, source, node)
    full = unit.full or any(telling for _, telling in decorators)
    _add_analysis(builder, unit, syntax.analyse_class_frame(node, full=full), source)
    for analysis, _ in decorators:
        _add_analysis(builder, unit, analysis, source)
    siblings = syntax.class_names(node)
    for member in node.body:
        if isinstance(member, _MEMBERS):
            own = _decorators(builder, source, member, siblings)
            telling = full or any(tells for _, tells in own)
            _add_analysis(builder, unit, syntax.analyse_member(member, siblings, full=telling), source)
            for analysis, _ in own:
                _add_analysis(builder, unit, analysis, source)


def _decorators(
    builder: UnitBuilder, source: ModuleSource, node: syntax.DefinitionNode, siblings: Iterable[str] = ()
) -> list[tuple[Analysis, bool]]:
    """Return each decorator that counts, and whether it may look at docstrings and annotations."""
    found = []
    for decorator in getattr(node, "decorator_list", ()):
        owner, last = _decorator_owner(builder, source, decorator, siblings)
        if not is_own_module(owner):
            telling = last in ("register", "singledispatch") or bool(installed_name(owner))
            telling = telling and not builder.modules.is_project(owner)
            found.append((syntax.analyse_decorator(decorator, siblings), telling or last == "register"))
    return found


def _decorator_owner(
    builder: UnitBuilder, source: ModuleSource, node: ast.expr, siblings: Iterable[str]
) -> tuple[str, str]:
    """Return the module a decorator comes from, and the last part of its name."""
    while isinstance(node, ast.Call):
        node = node.func
    last = node.attr if isinstance(node, ast.Attribute) else ""
    chain = syntax.attribute_chain(node)
    if chain is None or chain[0] in siblings:
        return "", last
    value: Any = getattr(sys.modules.get(source.module), chain[0], None)
    for attribute in chain[1]:
        owner = _home_of(value)
        if owner and not builder.modules.is_project(owner):
            return owner, last
        value = getattr(value, attribute, None)
    return _home_of(value), last


def _home_of(value: Any) -> str:
    if isinstance(value, type(sys)):
        return value.__name__
    if isinstance(value, FunctionType):
        return str(value.__globals__.get("__name__", ""))
    own = getattr(value, "__module__", None)
    return str(own if isinstance(own, str) else type(value).__module__)


def _add_analysis(
    builder: UnitBuilder, unit: Unit, analysis: Analysis, source: ModuleSource, *,
    known: Iterable[str] = (), quiet: bool = False,
) -> None:  # fmt: skip
    unit.local = f"{unit.local}{analysis.digest};"
    unit.reads_docs = unit.reads_docs or analysis.reads_docs
    for line in analysis.computed_imports:
        unit.problems += (_computed_import(builder, source, line),)
    resolve_references(builder, unit, analysis.references, source.module, known=known, quiet=quiet)
    if analysis.reads_namespace:
        unit.entries.append(builder.module(source.module, unit.full))


def _add_effects(builder: UnitBuilder, unit: Unit, source: ModuleSource) -> None:
    for name in builder.effect_modules(source.module):
        unit.entries.append(builder.effects(name, unit.full))


def _place(builder: UnitBuilder, unit: Unit, source: ModuleSource, node: ast.AST) -> None:
    unit.file = builder.sources.relative(source.path)
    unit.line = first_line(node)
    unit.lines = (source, getattr(node, "end_lineno", None) or unit.line)


# -- without a definition --------------------------------------------------------------------------


def _expand_generated(builder: UnitBuilder, unit: Unit, function: FunctionType, module_name: str) -> None:
    """A function made by ``exec`` or machine code: its compiled form, or the module's bytes."""
    from zenconv.fingerprint.builder import code_digest

    source = builder.sources.get(module_name)
    if source is not None and source.is_binary:
        unit.entries.append(builder.module(module_name, unit.full))
    unit.local = "compiled " + code_digest(function.__code__)
    references = [Reference(name) for name in sorted(function.__code__.co_names)]
    resolve_references(builder, unit, references, module_name, namespace=function.__globals__)


def _expand_made_class(builder: UnitBuilder, unit: Unit, kind: type) -> None:
    """A class without a ``class`` statement: ``namedtuple``, ``make_dataclass``, ``type(...)``."""
    source = builder.sources.get(kind.__module__)
    unit.local = "made class " + ",".join(getattr(kind, "_fields", ()))
    if source is not None and source.is_binary:
        unit.entries.append(builder.module(kind.__module__, unit.full))
    elif source is not None and kind.__qualname__ in source.index.bindings:
        bindings = source.index.bindings[kind.__qualname__]
        _add_bindings(builder, unit, source, bindings)
        unit.file, unit.line = builder.sources.relative(source.path), bindings[-1].line
        unit.show_by(lambda: rendering.render_bindings(source, bindings))


def _expand_wrapped(builder: UnitBuilder, unit: Unit, source: ModuleSource, name: str, value: Any) -> None:
    """A definition that an installed decorator turned into something else."""
    unit.kind = "function"
    for node in source.index.definitions[name]:
        if isinstance(node, ast.ClassDef):
            _add_class(builder, unit, source, node)
        else:
            _add_definition(builder, unit, source, node)
    _place(builder, unit, source, source.index.definitions[name][-1])
    _add_effects(builder, unit, source)
    unit.use(installed_name(type(value).__module__))
    if isinstance(value, FunctionType):
        unit.entries.append(builder.wrapper(value, unit.full))


def _expand_statements(
    builder: UnitBuilder, unit: Unit, source: ModuleSource | None, name: str, value: Any, why: str
) -> None:
    """A value without a canonical form: every statement that makes or changes it."""
    unit.kind = "syntax"
    unit.use(installed_name(type(value).__module__))
    if source is None:
        unit.local = "opaque"
        return
    bindings = source.index.bindings.get(name, [])
    unit.file = builder.sources.relative(source.path)
    unit.line = bindings[0].line if bindings else 0
    _add_bindings(builder, unit, source, bindings, name)
    for node in source.index.global_users(name):
        _add_analysis(builder, unit, syntax.analyse([node], full=unit.full), source, quiet=True)
    if not bindings and not source.index.global_users(name):
        unit.entries.append(builder.module(source.module, unit.full))
    unit.show_by(lambda: rendering.render_bindings(source, bindings))
    if why:
        unit.problems += (_opaque_global(unit, name, why),)


def _add_bindings(
    builder: UnitBuilder, unit: Unit, source: ModuleSource, bindings: Iterable[Binding], name: str = ""
) -> None:
    for binding in bindings:
        analysis = syntax.analyse(binding.parts, full=False)
        _add_analysis(builder, unit, analysis, source, known=(name,), quiet=True)
    unit.local = hashing.digest_texts("statements", [unit.local])


def _opaque_global(unit: Unit, name: str, why: str) -> Problem:
    return Problem(
        f"the value of {name!r} cannot be fingerprinted ({why}): the statements that assign it count instead",
        file=unit.file,
        line=unit.line,
        hint="build it inside a step or a fixture, or make it a constant of plain data",
    )


def _computed_import(builder: UnitBuilder, source: ModuleSource, line: int) -> Problem:
    return Problem(
        "a module is reached by a computed name: its code is not in the fingerprint",
        file=builder.sources.relative(source.path),
        line=line,
        hint="import it by name, or list what it provides: @zenconv.step(also=[...])",
    )
