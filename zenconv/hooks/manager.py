"""Loading plugins, and asking them: `Plugins`.

Built-in plugins are registered by dotted name, installed ones by their entry points; both go
through the same checks. A plugin that cannot be imported, that misspells a hook or claims an id
of another is an error that names it, never a hook that silently does nothing.
"""

from __future__ import annotations

import importlib
import os
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import attrs
import pluggy

from zenconv.errors import PluginError, UnknownComponent, did_you_mean
from zenconv.frozen import Frozen
from zenconv.hooks import specs
from zenconv.hooks.calling import HookCalls, Implementation
from zenconv.hooks.checking import HOOKABLE, check_hooks, list_functions, place_of_code
from zenconv.hooks.foreign import place_of, prints_aside
from zenconv.hooks.installed import InstalledPlugin, list_installed
from zenconv.hooks.markers import KINDS, PROJECT_NAME, ComponentSpec, MaterializerSpec

BUILT_IN: Mapping[str, str] = {
    "components": "zenconv.components.builtin",
    "materializers": "zenconv.materializers.builtin",
    "rendering": "zenconv.queries.rendering",
    "values": "zenconv.fingerprint.builtin",
}
"""Names of the built-in plugins and their modules."""

T = TypeVar("T")

_PART_OF = " part "
"""In the name of what a plugin has added later."""

SHIPPED = "built in"
"""The origin of those."""

PACKAGES: Mapping[str, str] = {
    "airflow": "zenconv-airflow",
    "dask": "zenconv-dask",
    "kubeflow": "zenconv-kubeflow",
    "mlflow": "zenconv-mlflow",
    "neptune": "zenconv-neptune",
    "optuna": "zenconv-optuna",
    "postgres": "zenconv-postgres",
    "ray": "zenconv-ray",
}
"""Well-known component ids and the packages that provide them."""


@attrs.frozen(eq=False, repr=False)
class PluginRow(Frozen):
    """One loaded plugin, for listing. `components` are ``(kind, id)``, `materializers` ids."""

    name: str
    version: str
    origin: str
    module: str
    hooks: tuple[str, ...]
    components: tuple[tuple[str, str], ...]
    materializers: tuple[str, ...]


@attrs.frozen(eq=False, repr=False)
class _Source(Frozen):
    """Where a plugin came from; `origin` reads ``zenconv-mlflow 1.2``, ``built in``, ``zenconf.py``.

    `folder` is that of a ``zenconf.py``, below the project's root.
    """

    name: str
    module: str
    origin: str
    version: str = ""
    folder: str = ""


class _Hooks(pluggy.PluginManager):
    """Takes every function called ``zenconv_*`` for a hook, marked with `hookimpl` or not."""

    def parse_hookimpl_opts(self, plugin: Any, name: str) -> Any:
        if isinstance(plugin, types.ModuleType) and not isinstance(vars(plugin).get(name), HOOKABLE):
            return None  # most names of a module; pluggy looks at each for much longer
        options = super().parse_hookimpl_opts(plugin, name)
        if options is None and name.startswith("zenconv_"):
            value = getattr(plugin, name, None)
            return {} if isinstance(value, types.FunctionType | types.MethodType) else None
        return options


class Plugins:
    """The plugins of this process. Make one with `load_plugins`."""

    def __init__(self) -> None:
        self._manager = _Hooks(PROJECT_NAME)
        self._manager.add_hookspecs(specs)
        self._sources: dict[str, _Source] = {}
        self._components: dict[tuple[str, str], tuple[ComponentSpec, str]] | None = None
        self._materializers: dict[str, tuple[MaterializerSpec, str]] | None = None
        self._calls: dict[tuple[str, str], HookCalls] = {}
        self._answers: dict[str, Any] = {}
        self._configuration: dict[str, Any] | None = None
        self.is_partial = False
        """Whether plugins that are installed may have been left out."""

    def calls(self, hook: str, file: str | None = None) -> HookCalls:
        """Return the implementations of `hook`, in the order in which they are called.

        `file`: those that concern the steps of this file of the project; without it, all.
        """
        folder = None if file is None else file.rpartition("/")[0]
        key = (hook, "*" if folder is None else folder)
        found = self._calls.get(key)
        if found is None:
            found = self._calls[key] = HookCalls(self._implementations(hook, folder))
        return found

    def _implementations(self, hook: str, folder: str | None) -> Iterator[Implementation]:
        for found in reversed(getattr(self._manager.hook, hook).get_hookimpls()):
            source = self._sources[found.plugin_name]
            if folder is None or not source.folder or f"{folder}/".startswith(f"{source.folder}/"):
                yield Implementation(
                    hook,
                    source.name.partition(_PART_OF)[0],
                    source.origin,
                    place_of_code(found.function),
                    found.function,
                    tuple(found.argnames),
                    found.wrapper,
                    source.folder,
                )

    def register(self, module: Any, name: str, *, origin: str, folder: str = "") -> None:
        """Add the hook implementations of an imported module, such as a ``zenconf.py``.

        `folder`: where it lies below the project's root, and whose steps alone it speaks for.
        `PluginError` for an unknown hook or argument, or when `name` is taken.
        """
        self._add(module, _Source(name, getattr(module, "__name__", name), origin, folder=folder))
        if self._configuration is not None:
            self._configure(name)

    def has(self, name: str) -> bool:
        """Return whether a plugin of that name is registered."""
        return name in self._sources

    def configure(self, options: Mapping[str, Any], root: Path, state: Path) -> None:
        """Tell every plugin of its options, and of the project; those registered later are told, too."""
        self._configuration = {"options": options, "root": root, "state": state}
        self._configure()

    def _configure(self, plugin: str = "") -> None:
        calls = [c for c in self.calls("zenconv_configure") if not plugin or c.plugin == plugin]
        for one, part in HookCalls(calls).gather(**(self._configuration or {})):
            methods = {name for name, _, _ in list_functions(part) if name.startswith("zenconv_")}
            if not methods or methods & {*specs.OFFERS, "zenconv_configure"}:
                what = f"it returned a {type(part).__name__} with " + (
                    ", ".join(sorted(methods)) or "no hooks"
                )
                raise one.failure(what)
            source = self._sources[one.plugin]
            self._add(part, attrs.evolve(source, name=f"{one.plugin}{_PART_OF}{len(self._sources)}"))

    def _add(self, module: Any, source: _Source) -> None:
        other = self._sources.get(source.name)
        if other is not None:
            raise PluginError(
                f"two plugins are called {source.name!r}: {other.module} ({other.origin}) "
                f"and {source.module} ({source.origin})",
                hint="uninstall one of them",
            )
        check_hooks(module, source.name, source.origin)
        try:
            self._manager.register(module, source.name)
        except (pluggy.PluginValidationError, ValueError, TypeError) as error:
            raise PluginError(f"the plugin {source.name!r} ({source.origin}): {error}") from error
        self._sources[source.name] = source
        self._components = self._materializers = None
        self._calls.clear()
        self._answers.clear()

    def ask_once(self, what: str, ask: Callable[[], T]) -> T:
        """Return what `ask` has returned the first time, until a plugin is added."""
        if what not in self._answers:
            self._answers[what] = ask()
        answer: T = self._answers[what]
        return answer

    def components(self) -> list[ComponentSpec]:
        """Return every component on offer. `PluginError` when two plugins claim one id."""
        return [spec for spec, _ in self._component_table().values()]

    def materializers(self) -> list[MaterializerSpec]:
        """Return every materializer on offer, the built-in ones first."""
        return [spec for spec, _ in self._materializer_table().values()]

    def component(self, kind: str, id: str, *, where: str = "") -> Any:
        """Return the class of the component `id`, importing it.

        `where` (``file:line``) says in the error who asks for it. `UnknownComponent` when no
        plugin offers it, `PluginError` when it cannot be imported.
        """
        entry = self._component_table().get((kind, id))
        if entry is None:
            raise self._unknown(kind, id, where)
        spec, plugin = entry
        return self.import_target(spec.target, plugin, f"the {_words(kind)} {id!r}")

    def check_known(self, kind: str, id: str, *, where: str = "") -> None:
        """Raise `UnknownComponent` unless some plugin offers the component; nothing is imported."""
        if (kind, id) not in self._component_table():
            raise self._unknown(kind, id, where)

    def capabilities(self, kind: str, id: str) -> tuple[str, ...]:
        """Return what the component says it can do; empty when nothing offers it."""
        entry = self._component_table().get((kind, id))
        return entry[0].capabilities if entry else ()

    def rows(self) -> list[PluginRow]:
        """Return all loaded plugins in the order of loading."""
        return [self._row(source) for source in self._sources.values() if _PART_OF not in source.name]

    def _row(self, source: _Source) -> PluginRow:
        parts = [name for name in self._sources if name.partition(_PART_OF)[0] == source.name]
        modules = [self._manager.get_plugin(name) for name in parts]
        callers = {c for module in modules for c in self._manager.get_hookcallers(module) or ()}
        components = [k for k, (_, owner) in self._component_table().items() if owner == source.name]
        materializers = [k for k, (_, owner) in self._materializer_table().items() if owner == source.name]
        return PluginRow(
            name=source.name,
            version=source.version,
            origin=source.origin,
            module=source.module,
            hooks=tuple(sorted(caller.name for caller in callers)),
            components=tuple(components),
            materializers=tuple(materializers),
        )

    def _component_table(self) -> dict[tuple[str, str], tuple[ComponentSpec, str]]:
        if self._components is None:
            table: dict[tuple[str, str], tuple[ComponentSpec, str]] = {}
            for plugin, spec in self.offers("zenconv_components", ComponentSpec):
                if spec.kind not in KINDS:
                    raise self._misuse(
                        plugin,
                        f"unknown kind {spec.kind!r}",
                        did_you_mean(spec.kind, KINDS),
                    )
                self._claim(
                    table,
                    (spec.kind, spec.id),
                    spec,
                    plugin,
                    f"the {_words(spec.kind)}",
                )
            self._components = table
        return self._components

    def _materializer_table(self) -> dict[str, tuple[MaterializerSpec, str]]:
        if self._materializers is None:
            table: dict[str, tuple[MaterializerSpec, str]] = {}
            for plugin, spec in self.offers("zenconv_materializers", MaterializerSpec):
                self._claim(table, spec.id, spec, plugin, "the materializer")
            self._materializers = table
        return self._materializers

    def offers(self, hook: str, record: type[Any]) -> list[tuple[str, Any]]:
        """Return (plugin, record) of everything that plugins offer by `hook`, first plugin first.

        `PluginError` where an implementation fails, or returns something else.
        """
        return self.ask_once(hook, lambda: self._gather_offers(hook, record))

    def _gather_offers(self, hook: str, record: type[Any]) -> list[tuple[str, Any]]:
        offers: list[tuple[str, Any]] = []
        for one, returned in reversed(self.calls(hook).gather()):
            try:
                with prints_aside():
                    items = list(returned)
            except Exception as error:
                raise one.failure(error) from error
            for item in items:
                if not isinstance(item, record):
                    raise self._misuse(
                        one.plugin, f"{hook} returned a {type(item).__name__}, expected {record.__name__}"
                    )
                offers.append((one.plugin, item))
        return offers

    def _claim(self, table: dict[Any, Any], key: Any, spec: Any, plugin: str, noun: str) -> None:
        if key in table:
            first, second = self._sources[table[key][1]], self._sources[plugin]
            raise PluginError(
                f"two plugins claim {noun} {spec.id!r}: {first.name!r} ({first.origin}) "
                f"and {second.name!r} ({second.origin})",
                hint=f"switch one of them off: -p no:{second.name}",
            )
        table[key] = (spec, plugin)

    def _misuse(self, plugin: str, what: str, hint: str = "") -> PluginError:
        source = self._sources[plugin]
        hint = hint or f"to run without it: -p no:{plugin}"
        return PluginError(f"the plugin {plugin!r} ({source.origin}): {what}", hint=hint)

    def import_target(self, target: str, plugin: str, noun: str) -> Any:
        """Return what ``"module:name"``, offered by `plugin`, names. `PluginError` calls it `noun`."""
        source = self._sources[plugin]
        module, _, name = target.partition(":")
        try:
            with prints_aside():
                return getattr(importlib.import_module(module), name)
        except (Exception, SystemExit) as error:
            raise PluginError(
                f"{place_of(error)}{noun} of the plugin {source.name!r} ({source.origin}) "
                f"cannot be imported from {target}: {type(error).__name__}: {error}",
                hint=_missing_module_hint(error),
            ) from error

    def _unknown(self, kind: str, id: str, where: str) -> UnknownComponent:
        head = f"{where}: " if where else ""
        others = sorted(k for k, i in self._component_table() if i == id)
        known = [i for k, i in self._component_table() if k == kind]
        package = PACKAGES.get(id)
        if others:
            hint = f"{id!r} is a component of another kind: {', '.join(_words(k) for k in others)}"
        elif package is not None:
            return UnknownComponent(
                f"{head}the {_words(kind)} {id!r} is not installed",
                hint=f"pip install {package}",
            )
        else:
            hint = did_you_mean(id, known) or f"no installed plugin provides a {_words(kind)}"
        return UnknownComponent(f"{head}there is no {_words(kind)} {id!r}", hint=hint)


def load_plugins(
    requests: Iterable[str] = (),
    *,
    enabled: Iterable[str] = (),
    disabled: Iterable[str] = (),
    where: str = "",
    autoload: bool | None = None,
    built_in: Mapping[str, str] = BUILT_IN,
) -> Plugins:
    """Load the built-in, the installed and the requested plugins.

    Parameters
    ----------
    requests
        The values of ``-p``: a plugin's name, a module to import, or ``no:name``.
    enabled, disabled
        Names from the settings. Unlike `requests` they may only name installed plugins.
    where
        ``file:line`` of those settings, for the errors about them.
    autoload
        Whether installed plugins are loaded unasked; by default, unless
        ``ZENCONV_DISABLE_PLUGIN_AUTOLOAD`` is set.

    Raises
    ------
    PluginError
        A plugin cannot be imported, misuses a hook, or is not there.
    """
    requests = list(requests)
    off = {*disabled, *(r[3:] for r in requests if r.startswith("no:"))}
    wanted = [r for r in requests if not r.startswith("no:") and r not in off]
    if autoload is None:
        autoload = not os.environ.get("ZENCONV_DISABLE_PLUGIN_AUTOLOAD")
    plugins = Plugins()
    plugins.is_partial = bool(off) or not autoload
    for name, module in built_in.items():
        if name not in off:
            plugins._add(importlib.import_module(module), _Source(name, module, SHIPPED))
    _load_installed(plugins, off, wanted, [n for n in enabled if n not in off], where, autoload)
    return plugins


def _load_installed(
    plugins: Plugins,
    off: set[str],
    wanted: Sequence[str],
    enabled: Sequence[str],
    where: str,
    autoload: bool,
) -> None:
    asked = {*wanted, *enabled} - set(plugins._sources)
    if not autoload and not asked:
        return
    installed = [plugin for plugin in list_installed() if plugin.name not in off]
    wrong: dict[str, PluginError] = {}
    for plugin in installed:
        if autoload or plugin.name in asked:
            origin = f"{plugin.distribution} {plugin.version}"
            source = _Source(plugin.name, plugin.module, origin, plugin.version)
            try:
                plugins._add(_import_plugin(source), source)
            except PluginError as error:
                wrong.setdefault(plugin.name, error)
    for name in dict.fromkeys([*enabled, *wanted]):
        if name not in plugins._sources and name not in wrong:
            try:
                _load_by_module(plugins, name, "" if name in wanted else where, name in wanted, installed)
            except PluginError as error:
                wrong[name] = error
    _raise_together(list(wrong.values()))


def _raise_together(errors: Sequence[PluginError]) -> None:
    """Raise what is wrong with all plugins as one error; nothing for none."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise PluginError("\n".join(str(error) for error in errors)) from errors[0]


def _load_by_module(
    plugins: Plugins,
    name: str,
    where: str,
    is_requested: bool,
    installed: Sequence[InstalledPlugin],
) -> None:
    """Import a module named by ``-p``; a name from the settings never selects code to import."""
    if is_requested and all(part.isidentifier() for part in name.split(".")):
        source = _Source(name, name, "-p")
        plugins._add(_import_plugin(source), source)
        return
    place = f"{where}: " if where else ""
    if name in PACKAGES:
        raise PluginError(
            f"{place}the plugin {name!r} is not installed",
            hint=f"pip install {PACKAGES[name]}",
        )
    known = [plugin.name for plugin in installed]
    raise PluginError(
        f"{place}there is no plugin {name!r}",
        hint=did_you_mean(name, known) or "no plugin is installed",
    )


def _import_plugin(source: _Source) -> Any:
    module, _, attribute = source.module.partition(":")
    try:
        with prints_aside():
            plugin = importlib.import_module(module.strip())
            for name in filter(None, attribute.strip().split(".")):
                plugin = getattr(plugin, name)
        return plugin
    except (Exception, SystemExit) as error:
        origin = "asked for by -p" if source.origin == "-p" else f"from {source.origin}"
        raise PluginError(
            f"{place_of(error)}the plugin {source.name!r} ({origin}) cannot be imported from module "
            f"{source.module}: {type(error).__name__}: {error}",
            hint=f"to run without it: -p no:{source.name}",
        ) from error


def _missing_module_hint(error: BaseException) -> str:
    name = error.name if isinstance(error, ModuleNotFoundError) else None
    return f"pip install {name.partition('.')[0]}" if name else ""


def _words(kind: str) -> str:
    return kind.replace("_", " ")
