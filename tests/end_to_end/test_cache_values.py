"""W6 for values: equal content stops a change, in whatever process it was made, and behaviour in a class counts."""

# ruff: noqa: E501  (projects written on one line)
from __future__ import annotations

import pytest

VALUES = {
    "frame": "import pandas as pd\n\ndef value():\n    return pd.DataFrame({'a': [1, 2], 'b': ['x', None], 'c': pd.to_datetime(['2026-01-01', None]), 'd': pd.Categorical(['u', 'v']), 'e': [1.5, float('nan')]}, index=pd.Index(['p', 'q'], name='key'))\n",
    "objects_frame": "import pandas as pd\n\ndef value():\n    return pd.DataFrame({'sets': [{'b', 'a', 'c'}, set()], 'lists': [[1], [2, 3]], 'dicts': [{'k': 1}, None]})\n",
    "frame_multi": "import pandas as pd\n\ndef value():\n    frame = pd.DataFrame({('a', 'x'): [1, 2], ('b', 'y'): [3.0, 4.0]})\n    frame.index = pd.MultiIndex.from_tuples([(1, 'u'), (2, 'v')], names=['n', 's'])\n    return frame\n",
    "grouped": "import pandas as pd\n\ndef value():\n    frame = pd.DataFrame({'k': list('abab'), 'v': range(4)})\n    return frame.groupby('k').agg(total=('v', 'sum'), mean=('v', 'mean'))\n",
    "series": "import pandas as pd\n\ndef value():\n    return pd.Series([1, 2, None], name='s', dtype='Int64')\n",
    "array": "import numpy as np\n\ndef value():\n    return np.random.default_rng(0).normal(size=(50, 3)).T\n",
    "text_array": "import numpy as np\n\ndef value():\n    return np.array(['a', 'bb', None], dtype=object)\n",
    "structured": "import numpy as np\n\ndef value():\n    return np.array([(1, 2.0)], dtype=[('i', 'i4'), ('f', 'f8')])\n",
    "sparse": "import scipy.sparse as sp\n\ndef value():\n    return sp.random(20, 20, density=0.2, random_state=0, format='csr')\n",
    "sets": "def value():\n    return {'names': {'alpha', 'beta', 'gamma', 'delta'}, 'pairs': {('a', 1), ('b', 2), ('c', 3)}, 'frozen': frozenset('abcdef')}\n",
    "records": "from shapes import Point, Colour\n\ndef value():\n    return [Point(1, {'x', 'y', 'z'}), Point(2, set()), Colour.RED]\n",
    "plain_objects": "from shapes import Tool\n\ndef value():\n    return Tool({'one', 'two', 'three'}, rate=0.5)\n",
    "counter": "from collections import Counter, OrderedDict, defaultdict\n\ndef value():\n    found = defaultdict(list)\n    for word in {'a', 'b', 'c'}:\n        found['all'] += []\n    return Counter('mississippi'), OrderedDict(a=1), dict(found)\n",
    "logistic": "from sklearn.linear_model import LogisticRegression\nfrom sklearn.datasets import make_classification\n\ndef value():\n    return LogisticRegression().fit(*make_classification(random_state=0))\n",
    "pipeline": "from sklearn.pipeline import make_pipeline\nfrom sklearn.preprocessing import StandardScaler\nfrom sklearn.ensemble import RandomForestClassifier\nfrom sklearn.datasets import make_classification\n\ndef value():\n    return make_pipeline(StandardScaler(), RandomForestClassifier(5, random_state=0)).fit(*make_classification(random_state=0))\n",
    "vectorizer": "from sklearn.feature_extraction.text import TfidfVectorizer\n\ndef value():\n    return TfidfVectorizer(stop_words='english').fit(['the cat sat', 'a dog ran', 'birds fly high'])\n",
    "columns_model": "from sklearn.compose import ColumnTransformer\nfrom sklearn.preprocessing import OneHotEncoder, StandardScaler\nimport pandas as pd\n\ndef value():\n    frame = pd.DataFrame({'c': list('abca'), 'n': [1.0, 2, 3, 4]})\n    return ColumnTransformer([('c', OneHotEncoder(), ['c']), ('n', StandardScaler(), ['n'])]).fit(frame)\n",
    "own_estimator": "from estimators import Shrinker\nimport numpy as np\n\ndef value():\n    return Shrinker(rate=0.5).fit(np.arange(6.0).reshape(3, 2))\n",
    "gradient": "from sklearn.ensemble import HistGradientBoostingRegressor\nimport numpy as np\n\ndef value():\n    return HistGradientBoostingRegressor(max_iter=3, random_state=0).fit(np.arange(60.0).reshape(30, 2), np.arange(30.0))\n",
    "tensor": "import torch\n\ndef value():\n    return {'weights': torch.arange(6.0).reshape(2, 3).T, 'names': {'b', 'a'}}\n",
    "network": "import torch\nfrom nets import Net\n\ndef value():\n    torch.manual_seed(0)\n    return Net(4)\n",
    "sequential": "import torch\n\ndef value():\n    torch.manual_seed(0)\n    return torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.BatchNorm1d(3))\n",
    "state": "import torch\nfrom nets import Net\n\ndef value():\n    torch.manual_seed(0)\n    net = Net(4)\n    net(torch.ones(2, 4)).sum().backward()\n    opt = torch.optim.Adam(net.parameters()); opt.step()\n    return net.state_dict(), opt.state_dict()\n",
    "mixed": "import pandas as pd, numpy as np\nfrom sklearn.linear_model import Ridge\n\ndef value():\n    x = np.arange(6.0).reshape(3, 2)\n    return {'model': Ridge().fit(x, x[:, 0]), 'frame': pd.DataFrame(x), 'scores': {'r2': np.float64(0.5)}, 'tags': {'x', 'y', 'z'}}\n",
    "function_value": "from shapes import double\n\ndef value():\n    return double\n",
    "dates": "import datetime, decimal, pathlib, uuid, re, zoneinfo\n\ndef value():\n    return [datetime.datetime(2026, 1, 1, tzinfo=zoneinfo.ZoneInfo('Europe/Berlin')), decimal.Decimal('1.10'), uuid.UUID(int=5), re.compile('a'), 1j, b'x', range(3), float('inf')]\n",
}
MODULES = {
    "shapes.py": """
        import enum
        from dataclasses import dataclass, field

        class Colour(enum.Enum):
            RED = 1

        @dataclass
        class Point:
            x: int
            tags: set = field(default_factory=set)

            def size(self):
                return self.x * 2

        class Tool:
            def __init__(self, names, rate):
                self.names = names
                self.rate = rate

            def apply(self, v):
                return v * self.rate

        def double(v):
            return v * 2
    """,
    "estimators.py": """
        from sklearn.base import BaseEstimator, TransformerMixin
        from bases import Scaled

        class Shrinker(Scaled, TransformerMixin, BaseEstimator):
            def __init__(self, rate=0.5):
                self.rate = rate

            def fit(self, X, y=None):
                self.mean_ = X.mean(axis=0)
                return self
    """,
    "bases.py": """
        class Scaled:
            def transform(self, X):
                return (X - self.mean_) * self.rate
    """,
    "nets.py": """
        import torch

        class Net(torch.nn.Module):
            def __init__(self, width):
                super().__init__()
                self.inner = torch.nn.Linear(width, 1)
                self.names = {"b", "a", "c"}

            def forward(self, x):
                return self.inner(x)

            def predict(self, x):
                return self.forward(x) > 0
    """,
}


def step_file(name: str, text: str) -> dict[str, str]:
    return {
        f"steps_{name}.py": text.replace("def value(", f"def {name}(")
        + f"\n\ndef use_{name}({name}) -> str:\n    return type({name}).__name__\n"
    }


@pytest.mark.parametrize("library", ["", "torch"])
def test_equal_values_made_in_other_processes_stop_a_change(project, library: str) -> None:
    if library:
        pytest.importorskip(library, reason=f"{library} is not installed")
    values = {name: text for name, text in VALUES.items() if ("import torch" in text) == bool(library)}
    files = dict(MODULES)
    for name, text in values.items():
        files |= step_file(name, text)
    it = project(files)
    it.run("run", env={"PYTHONHASHSEED": "1"})
    for name in values:
        text = it.read(f"steps_{name}.py")
        it.write({f"steps_{name}.py": text.replace(f"def {name}():\n", f"def {name}():\n    assert True\n")})
    it.run("run", env={"PYTHONHASHSEED": "2"})
    assert it.executed() == sorted(f"{name}::{name}" for name in values)
    it.run("run", env={"PYTHONHASHSEED": "3"})
    assert it.executed() == []


BEHAVIOUR = {
    **MODULES,
    "made.py": """
        from shapes import Tool

        def make():
            return Tool({"a"}, 2)
    """,
    "steps_direct.py": """
        from shapes import Tool

        def tool():
            return Tool({"a"}, 2)

        def used(tool):
            return tool.apply(3)

        def after(used):
            return used
    """,
    "steps_held.py": """
        from shapes import Point, Tool, Colour, double

        def box():
            return {"tool": [Tool({"a"}, 2)], "point": (Point(1), 5), "colour": Colour.RED, "f": double}

        def picked(box):
            return box["tool"][0].apply(3), box["point"][0].size(), box["f"](4)
    """,
    "steps_estimator.py": """
        from estimators import Shrinker
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
        import numpy as np

        def data():
            return np.arange(6.0).reshape(3, 2)

        def model(data):
            return make_pipeline(StandardScaler(), Shrinker()).fit(data)

        def transformed(model, data) -> list:
            return model.transform(data).round(6).tolist()

        def total(transformed):
            return sum(map(sum, transformed))
    """,
    "steps_net.py": """
        import torch
        from nets import Net

        def net():
            torch.manual_seed(0)
            return Net(4)

        def answers(net) -> list:
            return net.predict(torch.ones(2, 4)).tolist()

        def weights(net) -> int:
            return sum(p.numel() for p in net.parameters())
    """,
    "steps_two_away.py": """
        from made import make

        def tool():
            return make()

        def passed_on(tool):
            return {"inner": tool}

        def used(passed_on):
            return passed_on["inner"].apply(3)
    """,
}


LIGHT = ("direct", "held", "two_away")


def only(files, *names: str):
    return {f: t for f, t in files.items() if not f.startswith("steps_") or f[6:-3] in names}


def edit_and_run(it, *edits: tuple[str, str, str]) -> list[str]:
    for file, old, new in edits:
        it.edit(file, old, new)
    planned = it.plan()
    it.run("run")
    allowed = {"reuse": {"reused"}, "run": {"succeeded"}, "maybe": {"reused", "succeeded"}}
    for node, status in it.statuses().items():
        assert status in allowed[planned[node]], node
    return it.executed()


def test_the_code_of_an_inputs_class_counts(project) -> None:
    it = project(only(BEHAVIOUR, *LIGHT))
    it.run("run")
    assert it.value("direct::after") == 6
    assert edit_and_run(it, ("shapes.py", "return v * self.rate", "return v * self.rate + 1")) == [
        "direct::after", "direct::tool", "direct::used", "held::box", "held::picked",
        "two_away::passed_on", "two_away::tool", "two_away::used",
    ]  # fmt: skip
    assert it.reasons()["direct::used"] == "shapes.Tool changed, shapes.py:15"
    assert (it.value("direct::after"), it.value("two_away::used")) == (7, 7)
    assert edit_and_run(it, ("shapes.py", "return self.x * 2", "return self.x * 3")) == [
        "held::box",
        "held::picked",
    ]
    assert edit_and_run(it, ("shapes.py", "return v * 2", "return v * 3")) == ["held::box", "held::picked"]
    assert it.value("picked") == [7, 3, 12]
    assert edit_and_run(it, ("shapes.py", "    RED = 1", "    RED = 1\n    BLUE = 2")) == [
        "held::box",
        "held::picked",
    ]
    it.write(BEHAVIOUR)
    it.write({name: "" for name in BEHAVIOUR if name.startswith("steps_") and name[6:-3] not in LIGHT})
    it.run("run")
    assert it.executed() == []


def test_a_class_that_is_gone_or_moved(project) -> None:
    it = project(only(BEHAVIOUR, *LIGHT))
    it.run("run")
    text = it.read("shapes.py")
    start, end = text.index("class Tool"), text.index("def double")
    it.write(
        {"tools.py": text[start:end], "shapes.py": "from tools import Tool\n" + text[:start] + text[end:]}
    )
    assert edit_and_run(it) == []
    for file in ("tools.py", "made.py", "steps_direct.py", "steps_held.py"):
        it.write({file: it.read(file).replace("Tool", "Instrument")})
    it.write({"shapes.py": it.read("shapes.py").replace("Tool", "Instrument")})
    assert "direct::used" in edit_and_run(it)
    assert (it.value("direct::after"), it.value("two_away::used")) == (6, 6)


def test_the_code_of_an_inputs_model_counts(project) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    it = project(only(BEHAVIOUR, "estimator", "net"))
    it.run("run")
    it.edit("bases.py", "* self.rate", "* self.rate * 2")
    it.edit("nets.py", "> 0", "> -100")
    it.run("run")
    assert it.executed() == [
        "estimator::model", "estimator::total", "estimator::transformed", "net::answers", "net::net", "net::weights",
    ]  # fmt: skip
    assert it.reasons()["estimator::transformed"] == "bases.Scaled changed, bases.py:1"
    assert it.value("answers") == [[True], [True]]
    assert it.value("transformed")[0] == [-1.224745, -1.224745]


CODE_AS_VALUE = {
    "near.py": """
        import functools

        K = 1

        def h(v):
            return v + K

        def make(n):
            def inner(v):
                return h(v) * n
            return inner

        class Part:
            def go(self, v):
                return h(v)
    """,
    "steps_code.py": """
        import functools
        from collections import defaultdict
        import near
        from near import h, make, Part

        def a_lambda():
            return lambda v: h(v)

        def use_lambda(a_lambda):
            return a_lambda(1)

        def closure():
            return make(2)

        def use_closure(closure):
            return closure(1)

        def bound():
            return functools.partial(h)

        def use_bound(bound):
            return bound(1)

        def method():
            return Part().go

        def use_method(method):
            return method(1)

        def kind():
            return Part

        def use_kind(kind):
            return kind().go(1)

        class Local:
            def go(self, v):
                return near.h(v)

        def local():
            return [Local()]

        def use_local(local):
            return local[0].go(1)

        def inner_class():
            class Inner:
                def go(self, v):
                    return near.h(v)
            return Inner()

        def use_inner(inner_class):
            return inner_class.go(1)

        def factory():
            return defaultdict(make(0))

        def module_function():
            return {"f": near.h}

        def use_module_function(module_function):
            return module_function["f"](1)

        def plain():
            return 5

        def use_plain(plain):
            return plain
    """.replace("        def factory():\n            return defaultdict(make(0))\n\n", ""),
}


def test_code_that_is_a_value_counts_where_it_is_used(project) -> None:
    it = project(CODE_AS_VALUE)
    it.run("run")
    users = [n for n in it.executed() if "plain" not in n]
    assert edit_and_run(it, ("near.py", "return v + K", "return v + K + 1")) == users
    assert {
        it.value(u)
        for u in (
            "use_lambda",
            "use_bound",
            "use_method",
            "use_kind",
            "use_local",
            "use_inner",
            "use_module_function",
        )
    } == {3}
    assert edit_and_run(it, ("near.py", "K = 1", "K = 2")) == users
    assert it.value("use_closure") == 8
    it.write(CODE_AS_VALUE)
    assert edit_and_run(it) == []
    text = it.read("steps_code.py")
    makers = ("a_lambda", "closure", "inner_class")
    for name in makers:  # other lines, other statements, the same functions
        text = text.replace(f"def {name}():\n", f"def {name}():\n    # why\n    assert True\n")
    it.write({"steps_code.py": text})
    assert edit_and_run(it) == sorted(f"code::{name}" for name in makers)
