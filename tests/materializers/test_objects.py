"""Objects as pickles: by reference where possible, equal across processes, and never half right."""

from __future__ import annotations

import io
import logging
import os
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zenconv.errors import SaveError

from . import step_values as sv

MODULE = """
import numpy as np
class Net:
    scale = 2
    def __init__(self):
        self.w = np.arange(10_000.0)
        self.names = {"b", "a", "c", "d", "e"}
        self.tags = frozenset(["x", "y", "z"])
    def predict(self, x): return self.scale * x
def make(): return Net()
"""

PROGRAM = """
import sys, json
from pathlib import Path
sys.path[:0] = [{tests!r}, {project!r}]
from conftest import Shelf
from zenconv.records.artifact import Artifact
shelf = Shelf(Path({folder!r}))
{body}
"""


def run_python(folder: Path, body: str, seed: str = "0") -> str:
    tests = str(Path(__file__).parent)
    code = PROGRAM.format(tests=tests, project=str(folder), folder=str(folder / "shelf"), body=body)
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "steps_net.py").write_text(MODULE)
    return tmp_path


def test_an_object_saved_in_one_process_loads_in_another(project: Path) -> None:
    saved = run_python(project, "import steps_net; print(json.dumps(shelf.save(steps_net.make()).to_json()))")
    body = (
        f"net = shelf.load(Artifact.from_json(json.loads({saved!r})))\n"
        "net.w[0] = 5; print(net.predict(net.w[1]), sorted(net.names))"
    )
    assert run_python(project, body, "7") == "2.0 ['a', 'b', 'c', 'd', 'e']\n"


IRIS = "from sklearn.datasets import load_iris; iris = load_iris(return_X_y=True)\n"

CONTENTS = {
    "sets": "value = __import__('steps_net').make()",
    "logistic": IRIS
    + "from sklearn.linear_model import LogisticRegression as L\n"
    + "value = L(max_iter=500).fit(*iris)",
    "forest": IRIS
    + "from sklearn.ensemble import RandomForestClassifier as R\n"
    + "value = R(20, random_state=0).fit(*iris)",
    "pipeline": IRIS
    + "from sklearn.pipeline import make_pipeline\nfrom sklearn.preprocessing import StandardScaler\n"
    + "from sklearn.svm import SVC\nvalue = make_pipeline(StandardScaler(), SVC()).fit(*iris)",
    "boosting": IRIS
    + "from sklearn.ensemble import HistGradientBoostingClassifier as H\n"
    + "value = H(random_state=0).fit(*iris)",
    "vectorizer": "from sklearn.feature_extraction.text import TfidfVectorizer as T\n"
    + "value = T().fit(['a quick brown fox', 'lazy dogs jump'])",
    "local class": "value = type('Made', (), {'tags': {'a', 'b', 'c', 'd'}})()",
    "lambda": "value = [lambda x: x in {'a', 'b', 'c'}, {('x', 1), ('y', 2)}]",
    "module": "import torch; torch.manual_seed(0); nn = torch.nn\n"
    + "value = nn.Sequential(nn.Linear(30, 30), nn.BatchNorm1d(30))",
}


@pytest.mark.parametrize("body", CONTENTS.values(), ids=CONTENTS.keys())
def test_two_processes_agree_on_the_content(project: Path, body: str) -> None:
    if "import torch" in body:
        pytest.importorskip("torch", reason="torch is not installed")
    found = {run_python(project, f"{body}\nprint(shelf.save(value).content)", seed) for seed in ("1", "2")}
    assert len(found) == 1


def test_an_equal_text_counts_the_same_whether_shared_or_not(shelf: Any) -> None:
    word, twin = "ABC".lower(), "AbC".lower()
    assert word is not twin
    one, two = sv.Model(a=word, b=word), sv.Model(a=word, b=twin)
    assert shelf.save(one).content == shelf.save(two).content
    assert shelf.save(one).content != shelf.save(sv.Model(a=word, b="abd")).content


def test_a_pickle_names_the_classes_and_functions_it_mentions(shelf: Any) -> None:
    artifact = shelf.save(sv.Model(f=sv.double, inner=sv.Model()))
    assert artifact.materializer == "objects/1"
    assert artifact.runs_code
    assert artifact.refers == (f"{sv.__name__}:Model", f"{sv.__name__}:double")


def test_big_buffers_lie_beside_the_pickle_and_are_mapped_privately(shelf: Any) -> None:
    artifact = shelf.save(sv.Model(a=np.arange(100_000), b=np.ones(10_000)))
    assert [file.name for file in artifact.files] == ["", "buffers", "layout"]
    assert artifact.files[0].size < 1000
    first = shelf.load(artifact)
    first.a[:] = -1
    assert shelf.load(artifact).a[7] == 7


def test_objects_shared_inside_one_value_stay_shared(shelf: Any) -> None:
    inner = sv.Model(w=np.arange(5000))
    again = shelf.round_trip({"one": inner, "two": [inner, inner.w]})
    assert again["one"] is again["two"][0]
    assert again["one"].w is again["two"][1]


def test_what_no_module_provides_is_stored_by_value(shelf: Any) -> None:
    factor = 3

    class Local:
        def times(self, value: int) -> int:
            return factor * value

    for value, check in ((Local(), lambda v: v.times(2) == 6), (lambda x: x + factor, lambda f: f(1) == 4)):
        artifact = shelf.save(value)
        assert artifact.materializer == "pickled/1"
        assert check(shelf.load(artifact))


def _connection() -> Any:
    return sqlite3.connect(":memory:")


REFUSED = [
    (lambda: threading.Lock(), r"cannot store a _thread.lock.*\n.*fixture"),
    (lambda: {"a": [1, sv.Model(lock=threading.Lock())]}, r"its member \['a'\]\[1\].lock is a _thread.lock"),
    (lambda: sv.Slotted(sv.Slotted(threading.Lock())), r"its member .a.a is a _thread.lock"),
    (lambda: socket.socket(), r"cannot store a socket.socket.*\n.*fixture"),
    (_connection, r"cannot store a sqlite3.Connection.*\n.*fixture"),
    (
        lambda: sv.Model(log=sys.__stderr__),
        r"its member .log is a _io.TextIOWrapper.*\n.*Path of the file",
    ),
    (lambda: memoryview(b"abc"), r"cannot store a memoryview"),
    (lambda: _count_slowly(), r"cannot store a async_generator.*\n.*async for item in items"),
    (lambda: Future(), r"cannot store a concurrent.*\n.*ask a future for its result\(\)"),
    (lambda: [sv.Detached()], r"its member \[0\] is a \S+Detached.*RuntimeError: the device is gone"),
    (lambda: sv.NeedsTwo(1, 2), r"NeedsTwo can be pickled but not unpickled(?s:.*)__reduce__"),
    (lambda: sv.Forgetful(3), r"Forgetful does not come back equal(?s:.*)__getstate__"),
    (lambda: _deep(100_000), r"nested too deeply(?s:.*)flat"),
    (lambda: sv.Model(x=_deep(100_000)), r"nested too deeply"),
]


async def _count_slowly() -> AsyncIterator[int]:
    yield 1


def _deep(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(("make", "message"), REFUSED, ids=[message[:30] for _, message in REFUSED])
def test_what_cannot_be_stored_is_refused_with_step_type_member_and_fix(
    shelf: Any, make: Any, message: str
) -> None:
    value = make()
    with pytest.raises(SaveError, match=r"^steps_x.py::made: ") as error:
        shelf.save(value)
    if isinstance(value, socket.socket | sqlite3.Connection):
        value.close()
    assert error.match(message)
    assert list(shelf.store.digests()) == []


@pytest.mark.filterwarnings("ignore")
def test_unusual_objects_come_back(shelf: Any) -> None:
    assert shelf.round_trip(logging.getLogger("a")) is logging.getLogger("a")
    assert shelf.round_trip(sv.double) is sv.double
    assert shelf.round_trip(sv.Model) is sv.Model
    assert shelf.round_trip(io.StringIO("abc")).getvalue() == "abc"
    assert shelf.round_trip(ValueError("x", 1)).args == ("x", 1)
    assert shelf.round_trip(np.random.default_rng(3)).random() == np.random.default_rng(3).random()


def test_a_fitted_estimator_predicts_the_same(shelf: Any) -> None:
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    features, target = load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=500).fit(features, target)
    artifact = shelf.save(model)
    assert artifact.materializer == "sklearn/1"
    assert artifact.summary == {
        "fitted": True,
        "features": 4,
        "classes": 3,
    }
    assert (shelf.load(artifact).predict_proba(features) == model.predict_proba(features)).all()


def test_models_in_a_dictionary_come_back_with_what_they_share(shelf: Any) -> None:
    shared = [1]
    again = shelf.round_trip({"m": sv.Model(s=shared), "s": shared, "n": sv.Model()})
    assert again["m"].s is again["s"]
