from __future__ import annotations

from pathlib import Path

import pytest

from zenconv.errors import SettingsError
from zenconv.settings.load import load_settings


def load(folder: Path, text: str):
    (folder / "zenconv.toml").write_text(text)
    return load_settings(folder, environ={}).outputs


def mistake(folder: Path, text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load(folder, text)
    return str(caught.value)


def test_a_name_is_taken_apart(tmp_path):
    [a, b, c, d] = load(
        tmp_path,
        """
        [outputs]
        scores = "a.csv"
        "training::split.train" = {export = "b.csv"}
        "eu/steps_training.py::model[C=0.1]" = {materializer = "pickled"}
        "model[0.1].net" = {materializer = "torch", export = "m/{branch}.bin"}
        """,
    )
    assert (a.place, a.step, a.branch, a.output, a.export) == ("", "scores", None, None, "a.csv")
    assert (b.place, b.step, b.output) == ("training", "split", "train")
    assert (c.place, c.step, c.branch, c.materializer) == (
        "eu/steps_training.py",
        "model",
        "C=0.1",
        "pickled",
    )
    assert (d.branch, d.output, d.export) == ("0.1", "net", "m/{branch}.bin")
    assert a.where == "zenconv.toml:3"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("scores = 3", "zenconv.toml:2: outputs.scores: expected a table, got 3"),
        ("scores = {}", "says nothing\n    there are export and materializer"),
        ('scores = {exprt = "a"}', "outputs.scores.exprt: unknown setting\n    did you mean 'export'?"),
        ("scores = {export = 3}", "outputs.scores.export: expected str, got 3"),
        ("scores = {materializer = []}", "outputs.scores.materializer: expected str"),
        ('split.train = {export = "a.csv"}', 'hint: an output of a step is written in quotes: "split.train"'),
        ('"a b::" = "x.csv"', "expected the name of a step"),
        ('scores = "../a.csv"', "leads out of the project\n    hint: write an absolute path"),
        ('scores = "a/../../b.csv"', "leads out of the project"),
        ('scores = "results/"', "is a folder"),
        ('scores = "."', "is a folder"),
        ('scores = ".zenconv/a.csv"', "lies where only zenconv or git write"),
        ('scores = "x/.git/config"', "lies where only zenconv or git write"),
        ('scores = "steps_a.py"', "would be written over code or settings"),
        ('scores = "zenconv.toml"', "would be written over code or settings"),
        ('scores = "a\\u0000b"', "control characters"),
        ('scores = "{node}.csv"', "unknown placeholder in '{node}.csv'\n    there is {branch}"),
        ('a = "x.csv"\nb = "./x.csv"', "outputs.b: 'x.csv' is where 'a' is written already (zenconv.toml:2)"),
    ],
)  # fmt: skip
def test_a_mistake_is_shown_with_its_place(tmp_path, line, problem):
    assert problem in mistake(tmp_path, f"[outputs]\n{line}\n")


def test_all_mistakes_are_shown_together(tmp_path):
    text = mistake(tmp_path, '[outputs]\na = 3\nb = "../x"\n')
    assert "outputs.a" in text
    assert "outputs.b" in text


def test_an_absolute_path_and_the_home_folder_are_the_users_own_choice(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    a, b = load(tmp_path, '[outputs]\na = "/data/x.csv"\nb = "~/y.csv"\n')
    assert (a.export, b.export) == ("/data/x.csv", "/home/me/y.csv")
