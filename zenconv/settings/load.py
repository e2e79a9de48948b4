"""`load_settings`: one project's settings from file, environment and flags, checked as a whole."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from zenconv.authoring import parse_duration
from zenconv.errors import Problem, SettingsError, UsageError, did_you_mean
from zenconv.settings.cleaning import read_clean
from zenconv.settings.document import OWN_FILE, PYPROJECT, Document, read_document
from zenconv.settings.environment import add_environment_params, find_misspelt, merge_environment
from zenconv.settings.flags import merge_options
from zenconv.settings.outputs import read_outputs
from zenconv.settings.params import Tree, add_table, flatten, insert
from zenconv.settings.reading import Reader
from zenconv.settings.root import NORECURSE, STEP_FILES, find_marked_root, find_root
from zenconv.settings.secrets import find_references, is_variable_name, name_references
from zenconv.settings.settings import (
    BASE_LAYER,
    FLAG_LAYER,
    LOCAL,
    STACK_LAYER,
    PluginSettings,
    Settings,
    StackSettings,
    Value,
)
from zenconv.settings.stacks import read_stacks
from zenconv.settings.text import Text, parse_text

STATE = ".zenconv"

_RAW_TABLES = ("models", "tune", "bundle", "promote", "options")
_MARK_KEYS = ("markers", "strict_markers", "timeout")
KEYS = (
    "params",
    "stacks",
    "stack",
    "step_files",
    "norecurse",
    "plugins",
    "seed",
    "clean",
    "outputs",
    *_MARK_KEYS,
    *_RAW_TABLES,
)
"""The settings there are."""


def load_settings(
    start: Path,
    *,
    stack: str | None = None,
    sets: Iterable[str] = (),
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] = os.environ,
    config_file: Path | None = None,
    options: Iterable[str] = (),
) -> Settings:
    """Return the settings of the project that `start` belongs to.

    Parameters
    ----------
    start
        A folder of the project, or a file in it.
    stack
        The value of ``--stack``; None: ``ZENCONV_STACK``, the setting ``stack``, ``local``.
    sets
        The values of ``--set``: ``name=value``.
    overrides
        Parameters as Python values, stronger than everything.
    environ
        Where ``ZENCONV_*`` is looked up.
    config_file
        The value of ``-c``. Where `start` lies in no folder with a zenconv table, its folder is the root.
    options
        The values of ``-o``: ``name=value``.

    Raises
    ------
    UsageError
        `start` belongs to no project.
    SettingsError
        There are mistakes; all of them are in it.
    """
    root, document = _find_document(Path(start), config_file)
    reader = Reader(document)
    merged = merge_environment(_raw_table(document, reader), environ, KEYS, reader)
    raw, more_params = merge_options(merged, options, KEYS, reader)
    stacks = read_stacks(reader, raw.get("stacks"))
    chosen = _choose_stack(reader, raw, stacks, stack)
    params = _read_params(reader, raw, chosen.name, environ, more_params, sets, overrides)
    settings = Settings(
        root=root,
        state=root / STATE,
        file=document.path if document else None,
        step_files=_read_patterns(reader, raw),
        norecurse=(*NORECURSE, *reader.read_texts(("norecurse",), raw.get("norecurse"))),
        params=params,
        stack=chosen,
        stacks=stacks,
        stack_origin="--stack" if stack else reader.where(("stack",)) if "stack" in raw else "default",
        **_read_rest(reader, raw),
        warnings=(*find_misspelt(environ, KEYS), *_find_warnings(stacks)),
        origins=_list_origins(reader, raw),
        cwd=Path.cwd(),
    )
    _raise_problems(reader)
    return settings


def _raise_problems(reader: Reader) -> None:
    if reader.problems:
        raise SettingsError(problems=tuple(sorted(reader.problems, key=lambda p: (p.file, p.line))))


def _find_document(start: Path, config_file: Path | None) -> tuple[Path, Document | None]:
    if config_file is not None:
        path = Path(os.path.abspath(config_file))
        document = read_document(path, os.path.relpath(path))
        return find_marked_root(Path(os.path.abspath(start))) or path.parent, document
    root = find_root(start)
    found = [d for name in (PYPROJECT, OWN_FILE) if (d := _read_if_there(root, name)) is not None]
    if len(found) == 2:
        raise SettingsError(
            problems=(
                Problem(
                    f"{PYPROJECT} has a table [tool.zenconv], too",
                    file=OWN_FILE,
                    line=1,
                    hint="keep the settings in one of the two files",
                ),
            )
        )
    return root, found[0] if found else None


def _read_if_there(root: Path, name: str) -> Document | None:
    path = root / name
    if not path.is_file():
        return None
    if name == PYPROJECT and b"zenconv" not in _peek(path):
        return None
    document = read_document(path, name, prefix=("tool", "zenconv") if name == PYPROJECT else ())
    return document if document.has_table else None


def _peek(path: Path) -> bytes:
    """Return the bytes of a file; one that cannot be read is left for `read_document` to report."""
    try:
        return path.read_bytes()
    except OSError:
        return b"zenconv"


def _raw_table(document: Document | None, reader: Reader) -> dict[str, Any]:
    if document is None:
        return {}
    table = dict(reader.read_table((), document.table))
    hint = ""
    if not document.prefix and ("tool" in table or "zenconv" in table):
        hint = f"in {document.name} the settings stand at the top: [params], not [tool.zenconv.params]"
    reader.check_keys((), table, KEYS, hint)
    return table


def _choose_stack(
    reader: Reader, raw: Mapping[str, Any], stacks: Mapping[str, StackSettings], flag: str | None
) -> StackSettings:
    name = flag or reader.read_text(("stack",), raw.get("stack")) or LOCAL
    if name in stacks:
        return stacks[name]
    file, line = ("--stack", 0) if flag else reader.place(("stack",))
    hint = "define it: [tool.zenconv.stacks." + name + "]"
    what = f"there is no stack {name!r}"
    reader.problems.append(Problem(what, file=file, line=line, exists=did_you_mean(name, stacks), hint=hint))
    return stacks[LOCAL]


def _read_params(
    reader: Reader,
    raw: Mapping[str, Any],
    stack: str,
    environ: Mapping[str, str],
    more: Tree,
    sets: Iterable[str],
    overrides: Mapping[str, Any] | None,
) -> dict[str, Value]:
    tree: Tree = {}
    for path, layer in ((("params",), BASE_LAYER), (("stacks", stack, "params"), STACK_LAYER)):
        add_table(tree, reader.read_table(path, _find(raw, path)), reader, path, layer)
    add_environment_params(tree, environ)
    for name, value in more.items():
        insert(tree, name.split("."), value)
    for text in sets:
        _add_set(tree, text, reader)
    for name, value in (overrides or {}).items():
        insert(tree, name.split("."), Value(value, "argument", name_references(value), FLAG_LAYER))
    return flatten(tree)


def _find(raw: Any, path: Iterable[str]) -> Any:
    for key in path:
        raw = raw.get(key) if isinstance(raw, Mapping) else None
    return raw


def _add_set(tree: Tree, text: str, reader: Reader) -> None:
    name, equals, value = text.partition("=")
    keys = name.strip().split(".")
    if not equals or not all(keys):
        problem = Problem(f"expected name=value, got {text!r}", file="--set", hint="--set C=0.1")
        reader.problems.append(problem)
        return
    bad = [reference for reference in find_references(value) if not is_variable_name(reference)]
    if bad:
        what = f"{name}: ${{env:{bad[0]}}} names no environment variable"
        reader.problems.append(Problem(what, file="--set"))
    insert(tree, keys, Value(Text(value), "--set", name_references(value), FLAG_LAYER))


def _read_patterns(reader: Reader, raw: Mapping[str, Any]) -> tuple[str, ...]:
    patterns = reader.read_texts(("step_files",), raw.get("step_files"))
    for pattern in patterns:
        if "/" in pattern or not pattern.endswith(".py"):
            reader.report(
                ("step_files",),
                f"{pattern!r} is no pattern of Python file names",
                hint='a pattern such as "steps_*.py" is compared with names, in every folder',
            )
    return patterns or STEP_FILES


def _read_plugins(reader: Reader, raw: Mapping[str, Any]) -> PluginSettings:
    names = reader.read_texts(("plugins",), raw.get("plugins"))
    return PluginSettings(
        enabled=tuple(n for n in names if not n.startswith("no:")),
        disabled=tuple(n[3:] for n in names if n.startswith("no:")),
        where=reader.where(("plugins",)) if names else "",
    )


def _read_rest(reader: Reader, raw: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: reader.read_table((name,), raw.get(name)) for name in _RAW_TABLES},
        "plugins": _read_plugins(reader, raw),
        "seed": reader.read_int(("seed",), raw.get("seed"), least=0),
        "clean": read_clean(reader, raw.get("clean")),
        "outputs": read_outputs(reader, raw.get("outputs")),
        "markers": _read_markers(reader, raw),
        "strict_markers": reader.read_bool(("strict_markers",), raw.get("strict_markers"), default=True),
        "timeout": _read_timeout(reader, raw),
    }


def _read_markers(reader: Reader, raw: Mapping[str, Any]) -> tuple[str, ...]:
    markers = reader.read_texts(("markers",), raw.get("markers"))
    for number, text in enumerate(markers):
        name = text.partition(":")[0].partition("(")[0].strip()
        if not name.isidentifier():
            what = f"{name!r} is no name for a mark"
            reader.report(("markers", number), what, hint='markers = ["slow: takes minutes"]')
    return markers


def _read_timeout(reader: Reader, raw: Mapping[str, Any]) -> float:
    value = raw.get("timeout")
    number = parse_text(value) if isinstance(value, Text) else value
    if number is None:
        return 0.0
    try:
        return parse_duration(number)
    except UsageError as error:
        reader.report(("timeout",), error.what, hint=error.hint)
        return 0.0


def _find_warnings(stacks: Mapping[str, StackSettings]) -> Iterable[str]:
    for stack in stacks.values():
        if stack.trust.key and not any(find_references(stack.trust.key)):
            yield (
                f"{stack.trust.where}: the signing key of the stack {stack.name!r} stands in the file; "
                'refer to a variable instead: key = "${env:ZENCONV_SIGNING_KEY}"'
            )


def _list_origins(reader: Reader, raw: Mapping[str, Any]) -> dict[str, str]:
    origins: dict[str, str] = {}
    waiting: list[tuple[tuple[str, ...], Any]] = [((k,), v) for k, v in raw.items() if k != "params"]
    for path, value in waiting:
        origins[".".join(path)] = reader.where(path)
        if isinstance(value, Mapping):
            waiting += [((*path, key), item) for key, item in value.items()]
    return origins
