"""Which fixtures a step sees, from where it stands, and which are set up for it unasked."""

from __future__ import annotations

SHARED = """
import zenconv

@zenconv.fixture
def order():
    return []

@zenconv.fixture
def top(order, innermost):
    order.append("top")
"""

INNERMOST = """
import zenconv

@zenconv.fixture
def innermost(order{needs}):
    order.append("innermost {name}")

def seen(order, top) -> list:
    return order
"""


def test_a_shared_fixture_gets_what_the_file_of_the_step_has_under_the_name(project) -> None:
    it = project(
        {
            "zenconf.py": SHARED,
            "steps_top.py": INNERMOST.replace("{name}", "top").replace("{needs}", ""),
            "sub/zenconf.py": """
            import zenconv

            @zenconv.fixture
            def mid(order):
                order.append("mid")
            """,
            "sub/steps_sub.py": INNERMOST.replace("{name}", "sub").replace("{needs}", ", mid"),
        }
    )
    it.run("run")
    assert it.value("top::seen") == ["innermost top", "top"]
    assert it.value("sub/sub::seen") == ["mid", "innermost sub", "top"]


def test_a_fixture_of_a_folder_is_not_seen_above_it(project) -> None:
    it = project(
        {
            "sub/zenconf.py": "import zenconv\n@zenconv.fixture\ndef mid(): return 1\n",
            "sub/steps_a.py": "def one(mid) -> int: return mid\n",
            "steps_b.py": "def two(mid) -> int: return mid\n",
        }
    )
    assert "steps_b.py:1: step 'two' asks for 'mid'; nothing provides it" in it.run("run", check=2).stderr
    it.run("run", "one")
    assert it.value("one") == 1


AUTOUSE = {
    "zenconf.py": """
import zenconv

def _note(name):
    print(name)

@zenconv.fixture
def helped(): _note("helped")

@zenconv.fixture
def asked(): _note("asked")
""",
    "steps_a.py": """
import zenconv

@zenconv.fixture(autouse=True)
def unasked(helped): print("unasked")

def one(asked, helped) -> int: return 1
def two() -> int: return 2
""",
    "steps_b.py": "def three(asked, helped) -> int: return 3\n",
}


def test_an_autouse_fixture_is_for_the_steps_of_its_file_and_comes_first_with_what_it_asks_for(
    project,
) -> None:
    it = project(AUTOUSE)
    it.run("run")
    assert it.run("logs", "one").stdout.split() == ["helped", "unasked", "asked"]
    assert it.run("logs", "two").stdout.split() == ["helped", "unasked"]
    assert it.run("logs", "three").stdout.split() == ["asked", "helped"]


def test_an_autouse_fixture_that_is_overridden_gives_way_to_the_nearer_one(project) -> None:
    it = project(
        {
            "zenconf.py": "import zenconv\n@zenconv.fixture(autouse=True)\ndef setting(): print('far')\n",
            "steps_a.py": """
            import zenconv

            @zenconv.fixture
            def setting(setting): print("near")

            def one() -> int: return 1
            """,
        }
    )
    it.run("run")
    assert it.run("logs", "one").stdout.split() == ["far", "near"]


def test_an_imported_fixture_of_the_run_is_set_up_once_wherever_it_was_imported(project) -> None:
    it = project(
        {
            "resources.py": """
            import zenconv

            @zenconv.fixture(scope="run")
            def shared():
                with open("made", "a") as stream:
                    stream.write("x")
                return 1
            """,
            "steps_a.py": "from resources import shared\ndef one(shared) -> int: return shared\n",
            "steps_b.py": "from resources import shared\ndef two(shared) -> int: return shared\n",
        }
    )
    it.run("run")
    assert it.read("made") == "x"


def test_what_two_files_of_a_folder_provide_under_one_name_must_be_told_apart(project) -> None:
    fixture = "import zenconv\n@zenconv.fixture\ndef db(): return '{}'\n"
    it = project(
        {
            "steps_a.py": fixture.format("a"),
            "steps_b.py": fixture.format("b"),
            "steps_c.py": "def one(db) -> str: return db\n",
        }
    )
    shown = it.run("run", check=2).stderr
    assert "step 'one' asks for 'db', which 2 things provide at the same distance" in shown
    it.write(
        {
            "steps_c.py": """
            from typing import Annotated
            from zenconv import From

            def one(db: Annotated[str, From("b::db")]) -> str: return db
            """
        }
    )
    it.run("run")
    assert it.value("one") == "b"


def test_a_fixture_stays_a_plain_function(project) -> None:
    it = project(
        {"steps_a.py": "import zenconv\n@zenconv.fixture(scope='run', params=[1])\ndef db(x=2): return x\n"}
    )
    assert it.python("import steps_a; print(steps_a.db(), steps_a.db(5))").stdout == "2 5\n"


def test_a_yield_fixture_may_hide_behind_a_decorator_or_a_partial(project) -> None:
    it = project(
        {
            "steps_a.py": """
            import functools
            import zenconv

            def _timed(function):
                @functools.wraps(function)
                def timed(*args, **kwargs):
                    return function(*args, **kwargs)
                return timed

            @zenconv.fixture
            @_timed
            def decorated(depth: int = 2):
                yield depth
                print("decorated down")

            def _make(number, depth: int = 3):
                yield number + depth
                print("partial down")

            bound = zenconv.fixture(functools.partial(_make, 10))

            @zenconv.fixture
            def numbers():
                return (n for n in (1, 2))

            def one(decorated, bound, numbers) -> list:
                return [decorated, bound, *numbers]
            """
        }
    )
    it.run("run")
    assert it.value("one") == [2, 13, 1, 2]
    assert it.run("logs", "one").stdout.split("\n")[:-1] == ["partial down", "decorated down"]
    it.edit("steps_a.py", "yield number + depth", "yield number - depth")
    it.run("run")
    assert it.value("one") == [2, 7, 1, 2]
