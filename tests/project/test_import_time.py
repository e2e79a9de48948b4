"""What an import executes and may come out differently is found, wherever it stands; nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from zenconv.project.import_time import find_doubts

DOUBTS = {
    "a method of a class that is made": (
        "import time\nclass _Clock:\n    def __init__(self):\n        self.at = time.time()\nCLOCK = _Clock()"
    ),
    "a property of a class that is made": (
        "import time\nclass _Clock:\n    @property\n    def at(self):\n"
        "        return time.time()\nAT = _Clock().at"
    ),
    "a class body": "import uuid\nclass Names:\n    one = uuid.uuid4()",
    "a decorator's own code": (
        "import time\ndef _mark(f):\n    f.at = time.time()\n    return f\n@_mark\ndef one(): return 1"
    ),
    "a function handed to another": "import time\ndef _f(_): return time.time()\nX = list(map(_f, [1]))",
    "a function of a function": (
        "import time\ndef _a():\n    def b():\n        return time.time()\n    return b()\nX = _a()"
    ),
    "a subclass hook": (
        "import time\nclass _Base:\n    def __init_subclass__(cls):\n        cls.at = time.time()\n"
        "class _Sub(_Base): pass"
    ),
    "a table of functions": "import time\n_T = {'a': lambda: time.time()}\nX = _T['a']()",
    "a condition": "import os\nif os.cpu_count() > 1:\n    N = 2",
    "a comprehension": "import random\nX = [random.random() for _ in range(3)]",
    "numpy's generator": "import numpy as np\nX = np.random.rand(3)",
    "a generator without a seed": "import numpy as np\nRNG = np.random.default_rng()",
    "a generator whose seed is None": "import random\nRNG = random.Random(None)",
    "a generator whose seed is computed": "import random, time\nRNG = random.Random(time.time_ns())",
    "a seed that is drawn": "import numpy as np\nX = np.random.default_rng(int(9 * np.random.rand()))",
    "a date that is now": "import pandas as pd\nX = pd.Timestamp('now')",
    "a date of this time zone": "import pandas as pd\nX = pd.Timestamp('2026-01-01', tz='tzlocal()')",
    "evaluated text": "X = eval('1 + 1')",
    "the hash of a text": "X = hash('a')",
    "an alias": "import time as t\nfrom os import getpid as p\nX = p()",
    "a keyword": "import time\nX = dict(at=time.time())",
    "a helper of another module": "from lib import stamp\nX = stamp()",
}
LIB = {"lib.py": "import time\ndef stamp(): return time.time()\n"}


@pytest.mark.parametrize("kind", DOUBTS)
def test_it_is_found_with_its_place(project: Any, kind: str) -> None:
    opened = project({**LIB, "steps_a.py": DOUBTS[kind] + "\n"})
    assert opened.collection.files["steps_a.py"].problems == ()
    found = find_doubts(opened.sources)
    assert found
    assert all(".py:" in doubt and doubt.endswith("while it is imported") for doubt in found)


CALM = {
    "a clock in a step": "import time\ndef one(): return time.time()",
    "a lambda": "import time\n_now = lambda: time.time()",
    "a function that is kept": "import time\ndef _now(): return time.time()\n_TABLE = {'now': _now}",
    "an annotation": "import datetime as dt\ndef one(at: dt.datetime = None) -> dt.datetime: return at",
    "a decorator that wraps": (
        "import time\ndef _timed(f):\n    def inner():\n"
        "        time.time()\n        return f()\n    return inner\n"
        "@_timed\ndef one(): return 1"
    ),
    "a note on a step": (
        "import time, zenconv\ndef _helper(): return time.time()\n"
        "@zenconv.step(also=[_helper])\ndef one(): return 1"
    ),
    "regular expressions": "import re\nX = re.compile('a')",
    "joined paths": "import os\nX = os.path.join(os.path.dirname(__file__), 'a')",
    "text that is parsed": "import json\nX = json.loads('[1]')",
    "the library's version": "import sys\nX = sys.version_info >= (3, 11)",
    "a generator with a seed": (
        "import random\nimport numpy as np\nfrom numpy.random import default_rng\n"
        "A, B = np.random.default_rng(0), default_rng(seed=1)\n"
        "C, D = random.Random('a'), np.random.RandomState(3)"
    ),
    "a date that is written": "import pandas as pd\nX = pd.Timestamp('2026-01-01')",
    "a mark that names a file": (
        "import zenconv as zc\nfrom zenconv import mark\n"
        "@zc.mark.python(requirements=['steps_a.py'])\ndef one(): return 1\n"
        "@mark.python(requirements=['steps_a.py'])\ndef two(): return 1"
    ),
    "a main block": "import time\nif __name__ == '__main__':\n    pass",
}


@pytest.mark.parametrize("kind", CALM)
def test_what_an_import_does_not_execute_is_no_doubt(project: Any, kind: str) -> None:
    opened = project({"steps_a.py": CALM[kind] + "\n"})
    assert opened.collection.files["steps_a.py"].problems == ()
    assert find_doubts(opened.sources) == []
