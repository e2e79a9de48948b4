"""`[tool.zenconv.outputs]`: the materializer of an output, and the file it is written to after a run."""

from __future__ import annotations

import importlib.util
import json
import os

import pytest

from tests.end_to_end.watching import Watching

STEPS = """
    from typing import Annotated
    from pathlib import Path
    from zenconv import Output

    def numbers(count: int = 3) -> list[int]:
        return list(range(count))

    def parts(numbers) -> tuple[Annotated[list, "first"], Annotated[list, "rest"]]:
        return numbers[:1], numbers[1:]

    def note(numbers, text: Output[Path]):
        text.write_text(f"{len(numbers)} numbers")
    """


def settings(*lines: str) -> str:
    return "[outputs]\n" + "\n".join(lines) + "\n"


def test_a_file_is_written_after_the_run_and_again_only_with_a_new_result(project):
    it = project({"steps_a.py": STEPS, "zenconv.toml": settings('"a::numbers" = "results/numbers.json"')})
    assert "wrote results/numbers.json" in it.run("run").stderr
    assert json.loads(it.read("results/numbers.json")) == [0, 1, 2]
    before = os.stat(it.path / "results/numbers.json")
    assert "wrote" not in it.run("run").text
    assert os.stat(it.path / "results/numbers.json").st_mtime_ns == before.st_mtime_ns
    it.run("run", "--set", "count=2")
    assert json.loads(it.read("results/numbers.json")) == [0, 1]
    it.run("run")
    assert it.executed() == []
    assert json.loads(it.read("results/numbers.json")) == [0, 1, 2]


def test_a_run_on_a_sample_leaves_the_files_alone(project):
    it = project({"steps_a.py": STEPS, "zenconv.toml": settings('"parts.rest" = "rest.json"')})
    it.run("run", "--set", "count=200")
    whole = it.read("rest.json")
    it.run("run", "--set", "count=200", "--sample", "10%")
    assert it.read("rest.json") == whole
    assert len(it.value("rest", run="last")) < len(json.loads(whole))


def test_a_file_that_is_missing_or_was_changed_is_written_again_on_reuse(project):
    it = project({"steps_a.py": STEPS, "zenconv.toml": settings('numbers = "n.json"')})
    it.run("run")
    (it.path / "n.json").unlink()
    it.run("run")
    assert it.executed() == []
    assert json.loads(it.read("n.json")) == [0, 1, 2]
    it.write({"n.json": "mine"})
    it.run("run")
    assert json.loads(it.read("n.json")) == [0, 1, 2]


def test_outputs_by_name_files_that_steps_wrote_and_bytes_as_they_are_stored(project):
    lines = ('"parts.rest" = "rest.csv"', 'note = {export = "note.txt"}', 'numbers = "numbers.bin"')
    it = project({"steps_a.py": STEPS, "zenconv.toml": settings(*lines)})
    it.run("run")
    assert it.read("rest.csv").split() == ["1", "2"]
    assert it.read("note.txt") == "3 numbers"
    assert json.loads(it.read("numbers.bin")) == [0, 1, 2]


def test_each_branch_has_a_file_of_its_own(project):
    steps = "import zenconv\n@zenconv.parametrize('C', [0.1, 'a/b'])\ndef model(C): return {'C': C}\n"
    it = project({"steps_a.py": steps, "zenconv.toml": settings('model = "m/{branch}.json"')})
    it.run("run")
    assert sorted(os.listdir(it.path / "m")) == ["C=0.1.json", "C=a_b.json"]
    assert json.loads(it.read("m/C=a_b.json")) == {"C": "a/b"}
    it.write({"zenconv.toml": settings('model = "m.json"')})
    assert (
        "2 branches would be written to 'm.json'\n    hint: put {branch} into the path"
        in it.run("run", check=4).stderr
    )
    it.write({"zenconv.toml": settings('"model[0.1]" = "m.json"')})
    it.run("run")
    assert json.loads(it.read("m.json")) == {"C": 0.1}


EACH = """
    from zenconv import Each

    def texts() -> Each[str]:
        return {"a": "x", "b": "yy"}

    def size(texts: str) -> int:
        return len(texts)
    """


def test_branches_that_only_the_run_knows_have_files_too(project):
    lines = ('size = "sizes/{branch}.txt"', 'texts = {materializer = "pickled"}')
    it = project({"steps_a.py": EACH, "zenconv.toml": settings(*lines)})
    it.run("run")
    names = sorted(os.listdir(it.path / "sizes"))
    assert len(names) == 2
    assert [it.read(f"sizes/{name}").strip() for name in names] == ["1", "2"]
    stored = it.json("get", "texts")["outputs"].values()
    assert {facts["materializer"].partition("/")[0] for facts in stored} == {"pickled"}
    it.write({"zenconv.toml": settings('size = "size.txt"')})
    assert "would both be written to 'size.txt'" in it.run("run", check=1).stderr
    it.write({"zenconv.toml": settings('texts = "t.txt"')})
    assert "steps_a.py::texts returns items" in it.run("run", check=4).stderr


def test_each_round_of_a_watched_project_writes_its_files(project):
    it = project({"steps_a.py": STEPS, "zenconv.toml": settings('numbers = "n.json"')})
    with Watching(it) as watching:
        assert json.loads(it.read("n.json")) == [0, 1, 2]
        watching.after(("steps_a.py", "range(count)", "range(count + 1)"))
        assert json.loads(it.read("n.json")) == [0, 1, 2, 3]
        assert watching.end() == 130


def test_what_succeeded_is_written_even_if_something_else_failed(project):
    steps = STEPS + "\n    def wrong(numbers): raise ValueError\n"
    it = project({"steps_a.py": steps, "zenconv.toml": settings('numbers = "n.json"', 'wrong = "w.json"')})
    it.run("run", check=1)
    assert (it.path / "n.json").exists()
    assert not (it.path / "w.json").exists()


def test_a_file_that_cannot_be_written_is_an_error_and_the_next_run_tries_again(project):
    it = project({"steps_a.py": STEPS, "n": "a file", "zenconv.toml": settings('numbers = "n/x.json"')})
    done = it.run("run", check=1)
    assert "error: steps_a.py::numbers cannot be written to 'n/x.json'" in done.stderr
    assert "ran" in done.stdout
    (it.path / "n").unlink()
    it.run("run")
    assert (it.path / "n/x.json").exists()


def test_a_value_that_does_not_fit_the_extension_is_an_error_that_says_so(project):
    it = project({"steps_a.py": STEPS, "zenconv.toml": settings('numbers = "n.parquet"')})
    assert "a list is no table" in it.run("run", check=1).stderr


def test_a_link_does_not_lead_out_of_the_project(project, tmp_path):
    it = project({"steps_a.py": STEPS, "zenconv.toml": settings('numbers = "out/n.json"')})
    (tmp_path / "elsewhere").mkdir()
    (it.path / "out").symlink_to(tmp_path / "elsewhere")
    assert "a link leads out of the project" in it.run("run", check=1).stderr
    assert os.listdir(tmp_path / "elsewhere") == []


def test_an_absolute_path_is_written(project, tmp_path):
    it = project({"steps_a.py": STEPS, "zenconv.toml": settings(f'numbers = "{tmp_path}/there/n.json"')})
    it.run("run")
    assert (tmp_path / "there/n.json").exists()


def test_where_a_file_goes_is_in_no_key(project):
    it = project({"steps_a.py": STEPS})
    it.run("run")
    it.write({"zenconv.toml": settings('numbers = "n.json"')})
    assert it.json("run")["written"] == [{"node": "steps_a.py::numbers", "file": "n.json"}]
    assert it.executed() == []


def test_the_materializer_is_chosen_by_its_id_and_counts_in_the_key(project):
    it = project({"steps_a.py": STEPS, "zenconv.toml": settings('"a::numbers" = {materializer = "pickled"}')})
    it.run("run")
    stored = it.json("get", "numbers")["outputs"][""]["materializer"]
    assert stored.startswith("pickled/")
    assert it.value("numbers") == [0, 1, 2]
    it.run("run")
    assert it.executed() == []
    it.write({"zenconv.toml": settings('numbers = {materializer = "json"}')})
    assert "materializer of numbers: pickled -> json, zenconv.toml:2" in it.run("explain", "numbers").stdout
    it.run("run", "numbers")
    assert it.executed() == ["a::numbers"]
    it.write({"zenconv.toml": ""})
    it.run("run", "numbers")
    assert it.json("get", "numbers")["outputs"][""]["materializer"].startswith("json/")


def test_the_more_specific_setting_chooses(project):
    lines = ('parts = {materializer = "pickled"}', '"a::parts.rest" = {materializer = "json"}')
    it = project({"steps_a.py": STEPS, "zenconv.toml": settings(*lines)})
    it.run("run", "-n", "2")
    stored = {name: facts["materializer"] for name, facts in it.json("get", "parts")["outputs"].items()}
    assert {name: kind.partition("/")[0] for name, kind in stored.items()} == {
        "first": "pickled",
        "rest": "json",
    }


def test_a_materializer_that_does_not_store_the_value_fails_the_step_and_names_the_setting(project):
    it = project({"steps_a.py": STEPS, "zenconv.toml": settings('numbers = {materializer = "numpy"}')})
    shown = it.run("run", check=1).text
    assert "cannot store a list: 'numpy' stores numpy.ndarray" in shown
    assert "zenconv.toml:2 asks for 'numpy'" in shown


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('numbrs = "n.json"', "zenconv.toml:2: outputs.'numbrs': there is no such step"),
        ('numbrs = "n.json"', "there is no such step\n    did you mean 'numbers'?"),
        ('"b::numbers" = "n.json"', "there is no such step\n    did you mean 'a::numbers'?"),
        ('"parts.frist" = "n.json"', "steps_a.py::parts has no output 'frist'\n    did you mean 'first'"),
        ('parts = "n.json"', 'has several outputs\n    hint: name one: "parts.first", "parts.rest"'),
        ('numbers = {materializer = "jsn"}', "there is no materializer 'jsn'\n    did you mean 'json'?"),
        ('numbers = {materializer = "os:system"}', "there is no materializer 'os:system'"),
    ],
)  # fmt: skip
def test_a_setting_that_means_nothing_there_is_stops_the_run_before_it_starts(project, line, problem):
    it = project({"steps_a.py": STEPS, "zenconv.toml": settings(line)})
    assert problem in it.run("run", check=4).stderr
    assert not (it.path / ".zenconv/store").exists()


def test_such_a_setting_is_noticed_in_plans_and_where_the_project_is_indexed(project):
    it = project({"steps_a.py": STEPS})
    it.run("run")
    it.write({"zenconv.toml": settings('numbrs = "n.json"')})
    for command in (("run", "--plan"), ("run",), ("steps",), ("run",)):
        done = it.run(*command, check=0 if command == ("steps",) else 4)
        assert "steps" in command or "did you mean 'numbers'?" in done.stderr


def test_one_file_for_several_steps_is_an_error(project):
    it = project(
        {
            "steps_a.py": STEPS,
            "steps_b.py": "def numbers(): return 1\n",
            "zenconv.toml": settings('numbers = "n.json"'),
        }
    )
    assert "several steps would be written to 'n.json'" in it.run("run", check=4).stderr


def test_text_bytes_and_pictures_are_written_as_what_they_are(project) -> None:
    code = """
        def page() -> str: return "<p>1</p>"
        def data() -> bytes: return b"\\x00\\xff"
        def plot():
            from matplotlib.figure import Figure
            figure = Figure()
            figure.subplots().plot([1, 2])
            return figure
    """
    wanted = '[outputs]\npage = "page.html"\ndata = "data.bin"\n'
    has_plots = importlib.util.find_spec("matplotlib") is not None
    it = project({"steps_a.py": code, "zenconv.toml": wanted + ('plot = "plot.png"\n' if has_plots else "")})
    it.run("run", *([] if has_plots else ["page", "data"]))
    assert (it.path / "page.html").read_text() == "<p>1</p>"
    assert (it.path / "data.bin").read_bytes() == b"\x00\xff"
    assert not has_plots or (it.path / "plot.png").read_bytes().startswith(b"\x89PNG")
