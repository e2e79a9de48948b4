"""Steps that raise whatever Python can raise, and that close what they print to."""

from __future__ import annotations

import re
import textwrap

import pytest


def assert_clean(text: str) -> None:
    """Nothing of zenconv's own inside, and nothing that moves a cursor."""
    assert "internal error" not in text.lower(), text
    assert "/zenconv/" not in text, text
    assert not re.search(r"Traceback \(most recent", text), text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u2066]", text), ascii(text)


ODD_FAILURES = """
class Unspeakable(Exception):
    def __str__(self): raise ValueError("no")
    __repr__ = __str__
def unspeakable(): raise Unspeakable
class Number(Exception):
    def __str__(self): return 3
def number(): raise Number
def huge(): raise ValueError("x" * 10_000_000)
def lines(): raise ValueError("line\\n" * 100_000)
def group(): raise ExceptionGroup("many", [ValueError("one"), ExceptionGroup("in", [KeyError("two")])])
def colour(): raise ValueError("\\x1b[2J\\x1b[31mred\\x07\\rgone \\u202e")
def lone(): raise ValueError("\\ud800")
class Odd(BaseException): pass
def odd(): raise Odd("odd")
def generator_exit(): raise GeneratorExit
def stop(): raise StopIteration
def leave(): raise SystemExit("bye")
def run_text(): exec("raise ValueError('inside')")
def fine(): return 1
"""


def test_a_step_may_raise_anything(project) -> None:
    it = project({"steps_a.py": ODD_FAILURES})
    result = it.run("run", check=1)
    statuses = it.statuses()
    assert statuses.pop("a::fine") == "succeeded"
    assert set(statuses.values()) == {"failed"}
    assert len(statuses) == 12
    assert "ValueError: one" in result.stderr
    assert len(result.text) < 100_000
    for text in (
        result.text,
        it.run("show").text,
        it.run("show", "huge").text,
        it.run("show", "colour").text,
    ):
        assert_clean(text)
    assert len(it.json("show")["steps"]) == 13


def test_a_step_may_close_what_it_prints_to(project) -> None:
    it = project(
        {
            "steps_a.py": """
            import os, sys
            def close():
                sys.stdout.close(); sys.stderr.close(); return 1
            def descriptors(close):
                os.closerange(0, 3); return 1
            def elsewhere(descriptors):
                os.chdir("/"); return 1
            def after(elsewhere):
                return 1
            """
        }
    )
    it.run("run")
    assert len(it.executed()) == 4


ODD_OBJECTS = {
    "a proxy outside of its context": """
        class Proxy:
            def __getattr__(self, name): raise RuntimeError(name)
            def __bool__(self): raise RuntimeError("bool")
            def __call__(self, *args): return self
        X = Proxy()
        Y = X("data.csv")
        """,
    "a stub for what is not installed": """
        class Stub:
            def __getattr__(self, name): return self
            def __call__(self, *args): return self
            def __getitem__(self, index): return self
        X = Stub()
        Y = X.a.b("x").c[1].d()
        """,
    "an expression without a truth": """
        class Expression:
            def __getattr__(self, name): return Expression()
            def __call__(self, name): return Expression()
            def __bool__(self): raise TypeError("ambiguous")
        X = Expression()
        Y = X("a")
        """,
    "a mapping that raises": """
        class Mapping(dict):
            def items(self): raise ValueError
            __iter__ = __getitem__ = items
        X = Y = Mapping(a=1)
        """,
    "a class that raises": """
        class Meta(type):
            def __getattr__(cls, name): raise ValueError(name)
            def __bool__(cls): raise ValueError
        class X(metaclass=Meta): pass
        Y = X()
        """,
    "a module that is none": """
        import sys
        class Module:
            def __getattr__(self, name): raise RuntimeError(name)
        sys.modules["no_module"] = X = Module()
        import no_module as Y
        """,
}


@pytest.mark.parametrize("kind", ODD_OBJECTS)
def test_a_module_may_hold_any_object(project, kind: str) -> None:
    steps = "\ndef unused(): return 1\ndef used(): return [type(X).__name__, type(Y).__name__]\n"
    it = project({"steps_a.py": textwrap.dedent(ODD_OBJECTS[kind]) + steps, "data.csv": "1\n"})
    for args in (
        ["run"],
        ["run", "--plan", "-v"],
        ["steps"],
        ["explain"],
        ["run", "-n", "2", "--force", "used"],
    ):
        result = it.run(*args)
        assert_clean(result.stdout.replace(str(it.path), "") + result.stderr.replace(str(it.path), ""))
    assert set(it.statuses().values()) == {"succeeded", "reused"}
