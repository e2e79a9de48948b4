"""Fixtures: how long they live, what they count for, and what becomes of a failure."""

from __future__ import annotations

import pytest

FIXTURES = {
    "zenconf.py": """
import pathlib
import zenconv

def note(text):
    with open("trace", "a") as stream:
        stream.write(text + "\\n")

@zenconv.fixture(scope="run")
def database():
    note("database up")
    yield {"rows": 3}
    note("database down")

@zenconv.fixture(scope="pipeline")
def session(database):
    note("session up")
    yield database
    note("session down")

@zenconv.fixture
def cursor(session):
    note("cursor up")
    yield session
    note("cursor down")
""",
    "steps_a.py": """
def one(cursor) -> int:
    return cursor["rows"]

def two(cursor, one) -> int:
    return one + 1
""",
    "steps_b.py": """
def three(cursor) -> int:
    raise ValueError("no")
""",
}


def test_fixtures_live_as_long_as_their_scope_and_end_in_reverse(project) -> None:
    it = project(FIXTURES)
    it.run("run", check=1)
    assert it.read("trace").split("\n")[:-1] == [
        "database up",
        "session up",
        "cursor up",
        "cursor down",
        "cursor up",
        "cursor down",
        "session down",
        "session up",
        "cursor up",
        "cursor down",
        "session down",
        "database down",
    ]


def test_a_fixture_is_part_of_the_key(project) -> None:
    it = project(FIXTURES)
    it.run("run", "a")
    it.edit("zenconf.py", '{"rows": 3}', '{"rows": 4}')
    it.run("run", "a")
    assert it.executed() == ["a::one", "a::two"]
    assert it.value("two") == 5


BROKEN_FIXTURE = {
    "steps_a.py": """
import os
import zenconv

@zenconv.fixture(scope="run")
def db():
    if os.path.exists("down"):
        raise ConnectionError("the database is down")
    return {"rows": 2}

def one(db) -> int:
    return len(db or {})

def two(db) -> int:
    return len(db or {})
"""
}


def test_a_fixture_that_failed_fails_everyone_who_asks_for_it(project) -> None:
    it = project({**BROKEN_FIXTURE, "down": ""})
    result = it.run("run", check=1)
    assert it.statuses() == {"a::one": "failed", "a::two": "failed"}
    assert result.stderr.count("ConnectionError: the database is down") == 2
    assert "fixture 'db' (steps_a.py:5) failed" in result.stderr
    (it.path / "down").unlink()
    it.run("run")
    assert (it.value("one"), it.value("two")) == (1, 1)


def test_a_wide_fixture_that_failed_is_not_tried_again_for_the_next_step(project) -> None:
    it = project(
        {
            "steps_a.py": """
import zenconv

@zenconv.fixture(scope="pipeline")
def db():
    with open("tries", "a") as stream:
        stream.write("x")
    raise ConnectionError("down")

def one(db): ...
def two(db): ...
"""
        }
    )
    it.run("run", check=1)
    assert it.read("tries") == "x"
    assert it.statuses() == {"a::one": "failed", "a::two": "failed"}


ORDER = {
    "zenconf.py": """
import zenconv

def _make(name, *, needs=(), **options):
    source = f"def make({', '.join(needs)}): print('{name}', file=open('order', 'a'))"
    scope = {"print": print, "open": open}
    exec(source, scope)
    return zenconv.fixture(name=name, **options)(scope["make"])

run_wide = _make("run_wide", scope="run")
pipeline_wide = _make("pipeline_wide", scope="pipeline")
first = _make("first")
second = _make("second", needs=["pipeline_wide"])
auto = _make("auto", autouse=True, needs=["helped"])
helped = _make("helped")
auto_wide = _make("auto_wide", autouse=True, scope="pipeline")
""",
    "steps_a.py": "def one(first, second, run_wide): ...\n",
}


def test_wider_fixtures_come_first_then_autouse_ones_then_as_asked_for(project) -> None:
    it = project(ORDER)
    it.run("run")
    assert it.read("order").split() == [
        "run_wide",
        "auto_wide",
        "pipeline_wide",
        "helped",
        "auto",
        "first",
        "second",
    ]


def test_a_fixture_asked_for_several_times_in_one_step_is_one_object(project) -> None:
    it = project(
        {
            "steps_a.py": """
import zenconv

@zenconv.fixture
def order(): return []

@zenconv.fixture
def filled(order): order.append(1)

def one(filled, order) -> list: return order
def two(order) -> list: return order
"""
        }
    )
    it.run("run")
    assert (it.value("one"), it.value("two")) == ([1], [])


def test_a_fixture_may_give_a_function_that_makes_things_and_tears_all_of_them_down(project) -> None:
    it = project(
        {
            "steps_a.py": """
import zenconv

@zenconv.fixture
def make_record(request):
    made = []
    def make(name):
        made.append(name)
        request.addfinalizer(lambda: print("end of", name))
        return {"name": name}
    yield make
    print("made", *made)

def one(make_record) -> list:
    return [make_record(name)["name"] for name in ("a", "b")]
"""
        }
    )
    it.run("run")
    assert it.run("logs", "one").stdout.split("\n")[:-1] == ["end of b", "end of a", "made a b"]
    assert it.value("one") == ["a", "b"]


def test_the_scope_may_be_chosen_from_the_settings_and_never_counts_in_the_key(project) -> None:
    it = project(
        {
            "zenconf.py": """
import zenconv

def _choose(fixture_name, config):
    assert (fixture_name, config.stack) == ("counted", "local")
    return config.get("life", "step")

@zenconv.fixture(scope=_choose)
def counted():
    with open("made", "a") as stream:
        stream.write("x")
    return 1
""",
            "steps_a.py": "def one(counted): return 1\ndef two(counted): return 2\n",
        }
    )
    it.run("run")
    assert it.read("made") == "xx"
    it.run("run", "--set", "life=pipeline")
    assert it.executed() == []
    it.append("steps_a.py", "def three(counted): return 3\ndef four(counted): return 4\n")
    it.run("run", "--set", "life=pipeline")
    assert it.executed() == ["a::four", "a::three"]
    assert it.read("made") == "xxx"
    shown = it.run("run", "--set", "life=session", check=2).stderr
    assert "zenconf.py:8: the scope of fixture 'counted': unknown fixture scope 'session'" in shown
    assert 'pytest\'s "session" is "run" here' in shown


ASYNC = """
import asyncio
import zenconv

@zenconv.fixture
async def session():
    await asyncio.sleep(0)
    print("session up")
    yield "s"
    await asyncio.sleep(0)
    print("session down")

@zenconv.fixture
async def client(session):
    return session + "c"

@zenconv.fixture
def wrapped(client):
    return client + "w"

{}def one(wrapped) -> str:
    print("one")
    return wrapped
"""


@pytest.mark.parametrize("workers", ["0", "2"])
def test_async_steps_may_have_async_fixtures(project, workers) -> None:
    it = project({"steps_a.py": ASYNC.replace("{}", "async ")})
    it.run("run", "-n", workers)
    assert it.value("one") == "scw"
    assert it.run("logs", "one").stdout.split("\n")[:-1] == ["session up", "one", "session down"]


def test_an_async_fixture_is_refused_where_nothing_could_wait_for_it(project) -> None:
    it = project({"steps_a.py": ASYNC.replace("{}", "")})
    shown = it.run("run", check=2).stderr
    assert "steps_a.py:20: step 'one' cannot wait for fixture 'client', which is async" in shown
    assert "one (steps_a.py:20) -> wrapped (step, steps_a.py:17) -> client (step, steps_a.py:13)" in shown
    direct = "import zenconv\n@zenconv.fixture\nasync def s(): yield 1\ndef one(s): ...\n"
    shown = project({"steps_a.py": direct}).run("run", check=2).stderr
    assert "steps_a.py:4: step 'one' cannot wait for fixture 's', which is async" in shown
    for body in ("...", "yield 1"):
        wide = (
            f"import zenconv\n@zenconv.fixture(scope='run')\nasync def s(): {body}\nasync def one(s): ...\n"
        )
        shown = project({"steps_a.py": wide}).run("run", check=2).stderr
        assert "fixture 's' is async and lives for the run" in shown


LIVE = """
import zenconv

@zenconv.fixture
def lines():
    print("opened")
    with open("lines.txt") as stream:
        yield stream
    print("closed")

def rows(lines):
    return (int(line) for line in lines)

def total(rows) -> int:
    return sum(rows)

def count(rows) -> int:
    return len(list(rows))
"""


def test_a_fixture_behind_a_live_value_ends_with_the_step_that_the_value_was_made_for(project) -> None:
    it = project({"steps_a.py": LIVE, "lines.txt": "1\n2\n"})
    it.run("run")
    assert (it.value("total"), it.value("count")) == (3, 2)
    assert it.run("logs", "total").stdout == "opened\nclosed\n"


KEYED = {
    "zenconf.py": """
import zenconv

@zenconv.fixture(scope="run", key=False)
def connection(now, helper, pool: int = 5):
    return pool

@zenconv.fixture(scope="run")
def helper():
    return 1

@zenconv.fixture(version=1)
def table(connection, name: str = "sales"):
    return name
""",
    "steps_a.py": "def one(table) -> str: return table\n",
}


def test_a_fixture_out_of_the_key_takes_along_what_only_it_asks_for(project) -> None:
    it = project(KEYED)
    it.run("run")
    it.edit("zenconf.py", "return pool", "return pool + 1")
    it.edit("zenconf.py", "return 1", "return 2")
    it.run("run", "--set", "pool=7")
    assert it.reused() == ["a::one"]


def test_code_parameters_and_version_of_a_fixture_count_and_explain_names_it(project) -> None:
    it = project(KEYED)
    it.run("run")
    it.edit("zenconf.py", "return name", "return name + '!'")
    assert "zenconf.table changed, zenconf.py:11" in it.run("explain", "one").stdout
    it.run("run")
    assert it.reasons() == {"a::one": "zenconf.table changed, zenconf.py:11"}
    it.run("run", "--set", "name=costs")
    assert it.reasons() == {"a::one": "table.name: 'sales' -> 'costs'"}
    it.edit("zenconf.py", "version=1", "version=2")
    assert it.plan("--set", "name=costs") == {"a::one": "run"}


def test_two_fixtures_of_one_name_both_count_with_their_parameters(project) -> None:
    it = project(
        {
            "zenconf.py": "import zenconv\n@zenconv.fixture\ndef db(url: str = 'a'): return [url]\n",
            "steps_a.py": """
import zenconv

@zenconv.fixture
def db(db, url: str = "b"):
    return [*db, url]

def one(db) -> list: return db
""",
        }
    )
    it.run("run")
    assert it.value("one") == ["a", "b"]
    it.edit("zenconf.py", "'a'", "'c'")
    it.run("run")
    assert it.value("one") == ["c", "b"]


def test_which_parameter_gets_which_fixture_counts(project) -> None:
    text = """
from typing import Annotated
import zenconv

@zenconv.fixture
def left(): return "left"

@zenconv.fixture
def right(): return "right"

def one(
    left, right, x: Annotated[str, zenconv.From("left")]
) -> str:
    return x
"""
    it = project({"steps_a.py": text})
    it.run("run")
    it.edit("steps_a.py", 'From("left")', 'From("right")')
    it.run("run")
    assert it.value("one") == "right"


def test_each_worker_makes_fixtures_of_the_run_for_itself_and_again_after_a_crash(project) -> None:
    it = project(
        {
            "steps_a.py": """
import os
import zenconv

@zenconv.fixture(scope="run")
def db():
    with open("made", "a") as stream:
        stream.write(f"{os.getpid()}\\n")
    return os.getpid()

def one(db) -> bool: return db == os.getpid()
def two(one, db) -> bool: return db == os.getpid()
def three(two, db): os.kill(os.getpid(), 9)
def four(two, db) -> bool: return db == os.getpid()
"""
        }
    )
    it.run("run", "-n", "1", check=1)
    assert it.statuses()["a::three"] == "failed"
    assert it.value("four", "last") is True
    made = it.read("made").split()
    assert len(made) == len(set(made)) == 2


def test_a_mistake_in_a_declaration_is_told_where_it_stands(project) -> None:
    it = project(
        {
            "steps_a.py": """
import zenconv

@zenconv.fixture
class Database: ...
""",
            "steps_b.py": """
import zenconv

@zenconv.fixture
@zenconv.fixture
def twice(): ...
""",
            "steps_c.py": """
import zenconv

@zenconv.fixture(scope="module")
def wide(): ...
""",
            "steps_d.py": """
import zenconv

@zenconv.fixture
@zenconv.mark.usefixtures("x")
def marked(): ...
""",
            "steps_e.py": "import pytest\n@pytest.fixture\ndef foreign(): ...\ndef one(foreign): ...\n",
            "steps_f.py": """
import zenconv

class Steps:
    @zenconv.fixture
    def inside(self): ...

def one(): ...
""",
        }
    )
    shown = it.run("run", check=2).stderr
    assert "'Database' is a class; a fixture is a function" in shown
    assert "'twice' is a fixture already" in shown
    assert 'pytest\'s "module" is "pipeline" here' in shown
    assert "'marked' carries marks or options of a step, which a fixture cannot have" in shown
    assert "steps_e.py:3: 'foreign' is a fixture of pytest" in shown
    shown = it.run("run", "f").stderr
    assert "steps_f.py:4: fixture 'inside' is a method of class 'Steps', where no step can see it" in shown
