"""Canonical syntax: the same on every Python, for any depth, and what it says a definition reads."""

# ruff: noqa: E501  (projects written on one line)
from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ("3.12", "3.13", "3.14")

SNIPPETS = [
    "def f(a, /, b, *c, d=1, e, **g) -> int: return a",
    "async def f():\n    async with a as b, c: await d\n    async for x in y: yield x",
    "def f(x): return f'a{x}b' 'c' f'{x!r:>{w}}' f'{x=}' f'{x:}' f'' rf'\\d{x}' f'{{}}'",
    'def f(x): return f"{x:%Y-%m}" + f"""\n{x}\n"""',
    "def f(x): return u'a', b'b', 1_000, 0x10, 1e400, 1j, -1, ..., None, True, '\\ud800', 10 ** 5000",
    "def f(x):\n    match x:\n        case {'a': 1, **r}: return r\n        case [1, *_, P(y=2) as q] | None: return q",
    "def f(x):\n    try: pass\n    except* ValueError as e: raise E from e\n    finally: del x",
    "def f():\n    global G\n    x: int = 1\n    y: str\n    G += x\n    with (open(a) as b, open(c) as d): pass",
    "def f(): return [a async for a in b if c if d], {k: v for k, v in x}, {*s}, (y := 3), x[1:2, ::3, ...]",
    "class C(B, metaclass=M):\n    'doc'\n    x: int = 1\n    @property\n    def p(self) -> int: 'doc'; return self.x",
    "f = lambda *a, k=1, **w: (yield)",
    "def f():\n    from .. import a as b\n    import c.d, e as g\n    from x.y import z\n    return b, c.d.e, g.h, z",
    "def f(a, b):\n    if a: return 1\n    elif b: return 2\n    else: return not a < b <= 3 != 4 is not None",
    "x = " + "+".join(f"a{i}" for i in range(900)),
    "def f(x):\n    assert x, 'no'\n    while x: x -= 1; break\n    else: continue_ = 2\n    raise",
    "@deco(1)\n@other.thing\ndef f(x): return print(*x, sep='', **y)",
    "def f():\n    def g():\n        nonlocal_ = 1\n        return __class__\n    return g",
]

SCRIPT = """
import ast, hashlib, json, sys
sys.path.insert(0, sys.argv[1])
from zenconv.fingerprint.walk import Walk
from zenconv.fingerprint.scopes import resolve
found = []
for text in json.load(sys.stdin):
    for full in (False, True):
        walk = Walk(full)
        written = walk.run(list(ast.parse(text).body))
        found.append([hashlib.sha256(written.encode('utf-8', 'surrogatepass')).hexdigest(), repr(resolve(walk.loads))])
print(json.dumps(found))
"""


def corpus() -> list[str]:
    """Snippets, and real code: zenconv itself and parts of the standard library of this Python."""
    library = Path(os.__file__).parent
    names = ["ast", "argparse", "dataclasses", "typing", "inspect", "asyncio/tasks", "statistics", "enum"]
    files = [library / f"{name}.py" for name in names] + sorted((ROOT / "zenconv").rglob("*.py"))
    return SNIPPETS + [path.read_text(encoding="utf-8") for path in files]


def interpreter(version: str) -> str | None:
    found = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    return str(found[-1]) if found else None


def written_by(python: str, texts: list[str]) -> list[list[str]]:
    done = subprocess.run(
        [python, "-W", "ignore", "-c", SCRIPT, str(ROOT)],
        input=json.dumps(texts), capture_output=True, text=True, check=True,
    )  # fmt: skip
    result: list[list[str]] = json.loads(done.stdout)
    return result


@pytest.mark.parametrize("version", VERSIONS)
def test_canonical_syntax_is_equal_on_another_python(version: str) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} in ~/.pyenv/versions")
    texts = corpus()
    here, there = written_by(sys.executable, texts), written_by(python, texts)
    different = [texts[i // 2][:200] for i in range(len(here)) if here[i] != there[i]]
    assert not different


def read_by(text: str) -> list[str]:
    from zenconv.fingerprint.syntax import analyse_definition

    node = ast.parse(text).body[0]
    names = []
    for name, chain, target in analyse_definition(node).references:  # type: ignore[arg-type]
        names.append(
            ".".join([f"[{'.' * target.level}{target.module}:{target.name}]" if target else name, *chain])
        )
    return names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("def f(a): return a + b", ["b"]),
        ("def f(a): return np.linalg.norm(a)", ["np.linalg.norm"]),
        ("def f(a):\n    b = 1\n    return b", []),
        ("def f(a):\n    print_ = b\n    b = 1", []),
        ("def f(a):\n    global b\n    b = 1\n    return b", ["b"]),
        ("def f(a): return [x + y for x in a if z]", ["y", "z"]),
        ("def f(x): return [x for x in x]", []),
        ("def f(): return [x for x in x]", ["x"]),
        ("def f(): return lambda q=q: q", ["q"]),
        ("def f():\n    def g(): return h\n    h = 1\n    return g", []),
        ("def f():\n    class C:\n        x = x\n        def m(self): return x\n    return C", ["x"]),
        ("def f():\n    class C:\n        y = 1\n        z = y\n    return C", []),
        ("def f():\n    if (w := 1): return w", []),
        ("def f():\n    [w := i for i in ()]\n    return w", []),
        ("def f():\n    import a.b as c\n    return c.d", ["[a.b:].d"]),
        ("def f():\n    import a.b\n    return a.b.d", ["[a:].b.d"]),
        ("def f():\n    from ..p import q as r\n    return r()", ["[..p:q]"]),
        ("def f():\n    import m\n    def g(): return m.x\n    return g", ["[m:].x"]),
        ("def f():\n    for i in i_s: pass\n    return i", ["i_s"]),
        ("def f():\n    with o() as p: return p", ["o"]),
        ("def f(a: A) -> B: pass", []),
        ("def f(a=D): pass", ["D"]),
        ("def f(): return getattr(mod, 'x')(1)", ["getattr", "mod.x"]),
        ("def f(n): return getattr(mod, n)(1)", ["getattr", "mod"]),
    ],
)
def test_the_names_a_function_reads(text: str, names: list[str]) -> None:
    assert read_by(text) == names


def test_an_expression_deeper_than_the_recursion_limit_is_no_problem() -> None:
    from zenconv.fingerprint.syntax import analyse

    tree: ast.expr = ast.Constant(1)
    for _ in range(20_000):
        tree = ast.UnaryOp(ast.USub(), tree)
    assert analyse([tree]).digest != analyse([tree.operand]).digest  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "text",
    ["x.__doc__", "f.__annotations__", "inspect.signature(f)", "get_type_hints(f)", "getattr(f, '__doc__')"],
)
def test_code_that_reads_documentation_is_recognised(text: str) -> None:
    from zenconv.fingerprint.syntax import analyse

    assert analyse(ast.parse(text).body).reads_docs


def test_a_method_called_signature_is_no_documentation() -> None:
    from zenconv.fingerprint.syntax import analyse

    assert not analyse(ast.parse("model.signature").body).reads_docs


def test_the_text_is_injective_about_texts_that_look_like_syntax() -> None:
    from zenconv.fingerprint.syntax import analyse

    texts = ["a", "'a'", "'<a>'", "a, b", "(a, b),", "[a, b]", "a(b)", "a[b]", "a.b", "f'{a}'", "f'a'", "b'a'", "'61'",
             "1", "1.0", "True", "'1'", "None", "'None'", "a(*b)", "a(**b)", "{a: b}", "{**a}", "{a}", "lambda a: b",
             "lambda *a: b", "lambda *, a: b", "lambda a, /: b", "a if b else c", "a < b < c", "(a < b) < c"]  # fmt: skip
    digests = {analyse(ast.parse(text).body).digest for text in texts}
    assert len(digests) == len(texts)
