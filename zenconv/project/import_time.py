"""Find code that gives another result every time, or on every machine, and runs during import.

What opens files or reads the environment is seen while it happens (`observing`). Clocks, random
numbers, questions about the machine and compiled readers leave no trace; they are found in the
syntax of what an import executes: the module's own statements, class bodies, decorators,
defaults, and the project's functions that those mention. Where in doubt, a module is reported.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from types import FunctionType, MethodType, ModuleType
from typing import Any

from zenconv.fingerprint.places import is_own_module, is_standard_module
from zenconv.fingerprint.sources import ModuleSource, ProjectSources
from zenconv.project.named_files import find_named_file


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_MODULES = _words(
    "time random uuid secrets platform socket getpass tempfile subprocess multiprocessing locale "
    "shutil numpy.random numpy.random.mtrand numpy.random._generator psutil resource pwd grp glob "
    "ctypes posix urllib.request http.client requests httpx"
)
"""What is called in them depends on more than its arguments."""

_OS_NAMES = _words(
    "sep linesep pathsep extsep curdir pardir fspath PathLike path environ environb getenv putenv"
)
"""Harmless, or seen while it happens."""

_OS_PATH_NAMES = frozenset(
    {"abspath", "basename", "commonpath", "commonprefix", "dirname", "join", "normpath", "split", "splitext"}
    | {"isabs", "relpath", "realpath", "sep"}
)
_SYS_NAMES = frozenset(
    {"argv", "flags", "orig_argv", "stdin", "executable", "modules", "getrecursionlimit", "_getframe"}
)
_BUILTINS = frozenset({"eval", "exec", "input", "__import__", "id", "hash"})
_WORDS = _words(
    "read load open fetch download connect imread pretrained memmap now today utcnow urandom exists "
    "stat glob rglob iterdir walk home cwd getcwd available cpu_count device_count uname node "
    "hostname random rand randn uuid1 uuid4 time timestamp scan file fromfile genfromtxt loadtxt "
    "request geturl mtime listdir scandir which isfile isdir is_file is_dir getsize getmtime "
    "get_data resources entry_points dlopen devices randint randperm multinomial bernoulli "
    "get_num_threads get_num_interop_threads fromtimestamp astimezone tzlocal"
)
_PURE = frozenset(["loads", "manual_seed", "random_state"])
_BY_ARGUMENTS = _words(
    "default_rng RandomState Random SeedSequence PCG64 PCG64DXSM MT19937 Philox SFC64 Timestamp"
)
"""With a seed, or a date, written beside them, these give the same every time."""

_SPLIT = re.compile(r"[^a-z0-9]+|_")


def find_doubts(sources: ProjectSources, plugins: Collection[str] = ()) -> list[str]:
    """Return, with file and line, what the imported project modules do at import that may vary.

    `plugins` are packages that were imported as plugins, before the project, if they are installed
    so that they can be edited: what they do there is no matter of the project's.
    """
    reader = _Reader(sources)
    for source in sources.modules():
        module = sys.modules.get(source.module)
        if module is None or source.is_binary or source.module.partition(".")[0] in plugins:
            continue
        reader.read_module(source, vars(module))
    return reader.found


class _Reader:
    """Reads modules, and the functions that they run while imported, each once."""

    def __init__(self, sources: ProjectSources) -> None:
        self.sources = sources
        self.found: list[str] = []
        self._seen: set[FunctionType] = set()
        self._waiting: list[FunctionType] = []
        self._settled: set[ast.expr] = set()

    def read_module(self, source: ModuleSource, namespace: Mapping[str, Any]) -> None:
        """Take the statements of a module, and whatever of the project they call."""
        for node in executed(source.index.tree.body):
            self._judge(node, source, namespace)
        while self._waiting:
            self._read_function(self._waiting.pop())

    def _read_function(self, function: FunctionType) -> None:
        source = self.sources.get(function.__module__ or "")
        node = source.index.find(function.__code__) if source is not None else None
        if source is None or node is None or isinstance(node, ast.ClassDef):
            return
        namespace = function.__globals__
        local = {inner.name: inner for inner in ast.walk(node) if isinstance(inner, ast.FunctionDef)}
        waiting: list[list[ast.stmt]] = [node.body] if isinstance(node.body, list) else []
        while waiting:
            for inner in executed(waiting.pop()):
                self._judge(inner, source, namespace)
                if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name):
                    called = local.pop(inner.func.id, None)
                    if called is not None:
                        waiting.append(called.body)

    def _judge(self, node: ast.AST, source: ModuleSource, namespace: Mapping[str, Any]) -> None:
        if isinstance(node, ast.Call):
            self._judge_call(node, source, namespace)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                self._follow(_resolve(_chain(decorator), namespace))
            for base in getattr(node, "bases", ()):
                value = _resolve(_chain(base), namespace)
                self._follow(
                    getattr(vars(value).get("__init_subclass__"), "__func__", None)
                    if isinstance(value, type)
                    else None
                )
        elif isinstance(node, ast.Attribute | ast.Name) and node not in self._settled:
            chain = _chain(node)
            if isinstance(node.ctx, ast.Load) and _is_from_outside(chain, namespace):
                self._report(node, source, ".".join(chain))

    def _judge_call(self, node: ast.Call, source: ModuleSource, namespace: Mapping[str, Any]) -> None:
        name, chain = _last_name(node.func), _chain(node.func)
        is_builtin = len(chain) == 1 and name in _BUILTINS and name not in namespace
        called = _resolve(chain, namespace)
        if _is_settled(node):
            self._settled.add(node.func)
        elif is_builtin or (name and _is_doubtful(name)):
            self._report(node, source, ".".join(chain) or name)
        elif isinstance(node.func, ast.Subscript):
            self._report(node, source, "a function looked up in a table")
        elif name == "import_module" and not (node.args and isinstance(node.args[0], ast.Constant)):
            self._report(node, source, "import_module of a computed name")
        elif self._is_foreign(called, chain, namespace):
            file = find_named_file(node, namespace, self.sources.root)
            if file:
                self._report(node, source, f"{'.'.join(chain) or name}(), which is given the file {file!r},")
        self._follow(called)
        if not is_own_module(_home_of(called)):  # a note on a function does not call it
            for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                self._follow(_resolve(_chain(argument), namespace))

    def _is_foreign(self, called: Any, chain: list[str], namespace: Mapping[str, Any]) -> bool:
        """Return whether what is called may be compiled code of a library, which opens files unheard."""
        if called is None:  # given by a ``__getattr__``: its holder is asked instead
            if not chain or chain[0] not in namespace:
                return False
            holder = namespace[chain[0]]
            home = holder.__name__ if type(holder) is ModuleType else type(holder).__module__
            return not is_own_module(home)
        home = _home_of(called) or type(called).__module__
        return not (is_own_module(home) or is_standard_module(home) or self.sources.get(home) is not None)

    def _follow(self, value: Any) -> None:
        """Read a function of the project, or all methods of a class, later."""
        if isinstance(value, type):
            is_ours = self.sources.get(value.__module__) is not None
            members: list[Any] = list(vars(value).values()) if is_ours else []
        else:
            members = [value]
        for member in members:
            inner = member
            if isinstance(member, property):
                inner = member.fget
            elif isinstance(member, staticmethod | classmethod | MethodType):
                inner = member.__func__
            if isinstance(inner, FunctionType) and inner not in self._seen:
                self._seen.add(inner)
                if self.sources.get(inner.__module__ or "") is not None:
                    self._waiting.append(inner)

    def _report(self, node: ast.AST, source: ModuleSource, what: str) -> None:
        line = getattr(node, "lineno", 0)
        reason = f"{self.sources.relative(source.path)}:{line} uses {what} while it is imported"
        if reason not in self.found:
            self.found.append(reason)


def executed(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Yield every node that runs when `body` does: of a function its decorators and defaults only."""
    waiting: list[ast.AST] = list(reversed(body))
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            defaults = [d for d in node.args.kw_defaults if d is not None]
            waiting += [*node.decorator_list, *node.args.defaults, *defaults]
        elif isinstance(node, ast.Lambda):
            waiting += [*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)]
        elif isinstance(node, ast.AnnAssign):
            waiting += [part for part in (node.target, node.value) if part is not None]
        else:
            waiting += ast.iter_child_nodes(node)


def _chain(node: ast.AST) -> list[str]:
    """Return the names of ``a.b.c``; nothing for any other expression."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return [node.id, *reversed(names)] if isinstance(node, ast.Name) else []


def _last_name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _is_doubtful(name: str) -> bool:
    lowered = name.lower()
    if lowered in _PURE:
        return False
    return lowered in _WORDS or any(word in _WORDS for word in _SPLIT.split(lowered))


def _is_settled(call: ast.Call) -> bool:
    """Return whether what the call gives is settled by what is written beside it: a seed, a date."""
    values = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "seed")]
    return (
        _last_name(call.func) in _BY_ARGUMENTS
        and len(values) == 1
        and len(call.args) + len(call.keywords) == 1
        and isinstance(values[0], ast.Constant)
        and values[0].value is not None
        and str(values[0].value).strip().lower() not in ("", "now", "today")
    )


def _resolve(chain: list[str], namespace: Mapping[str, Any]) -> Any:
    """Return what ``a.b.c`` is, looking into modules, classes and instances without running anything."""
    value: Any = namespace.get(chain[0]) if chain else None
    for name in chain[1:]:
        value = _member(value, name)
    return value


def _member(value: Any, name: str) -> Any:
    for holder in (value, *getattr(value if isinstance(value, type) else type(value), "__mro__", ())):
        try:
            names = object.__getattribute__(holder, "__dict__")
        except AttributeError:
            continue
        if name in names:
            return names[name]
    return None


def _is_from_outside(chain: list[str], namespace: Mapping[str, Any]) -> bool:
    """Return whether ``a.b.c`` leads into a module whose answers vary."""
    value: Any = namespace.get(chain[0]) if chain else None
    for name in chain[1:]:
        if not isinstance(value, ModuleType):
            break
        if _varies(value.__name__, name):
            return True
        value = vars(value).get(name)
    if value is None or isinstance(value, ModuleType):
        return False
    return _varies(_home_of(value), str(_attribute(value, "__name__")))


def _varies(module: str, name: str) -> bool:
    """Return whether `name` of `module` may give another answer at another time or place."""
    if module == "os":
        return name not in _OS_NAMES
    if module in ("posixpath", "ntpath", "os.path"):
        return name not in _OS_PATH_NAMES
    if module == "sys":
        return name in _SYS_NAMES
    if name in ("seed", "set_seed"):
        return False
    return module in _MODULES


def _home_of(value: Any) -> str:
    """Return the module that a function, class or bound method comes from."""
    owner = _attribute(value, "__self__")
    if owner is not None and not issubclass(type(owner), type | ModuleType):
        return type(owner).__module__
    home = _attribute(value, "__module__") if callable(value) else None
    return home if type(home) is str else ""


def _attribute(value: Any, name: str) -> Any:
    """Return ``value.name``, or None: stand-ins for something else may raise whatever they like."""
    try:
        return getattr(value, name, None)
    except Exception:  # noqa: BLE001 - the code of a stand-in may raise anything when looked at
        return None
