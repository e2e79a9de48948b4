from __future__ import annotations

from typing import Any

from zenconv.hooks.markers import KINDS
from zenconv.settings.settings import COMPONENT_KINDS
from zenconv.settings.show import show_origins


def test_every_setting_is_shown_with_where_it_is_written(load: Any) -> None:
    text = (
        "seed = 3\n[params]\nC = 1\ntoken = '${env:TOKEN}'\n[models]\nchurn = 'training::churn'\n"
        "[stacks.p]\nartifact_store = 's3://b'\ntrackers = ['m']\nworkers = 2\ntrust.key = 'hunter2'\n"
    )
    settings = load(text, stack="p", sets=["D=2"], environ={"TOKEN": "hunter3"})
    rows = {row.key: (row.value, row.origin) for row in show_origins(settings)}
    assert rows["seed"] == (3, "zenconv.toml:1")
    assert rows["params.C"] == (1, "zenconv.toml:3")
    assert rows["params.D"] == ("2", "--set")
    assert rows["params.token"] == ("${env:TOKEN}", "zenconv.toml:4")
    assert rows["models.churn"] == ("training::churn", "zenconv.toml:6")
    assert rows["stack"] == ("p", "--stack")
    assert rows["stacks.p.artifact_store"] == ({"id": "fsspec", "url": "s3://b"}, "zenconv.toml:8")
    assert rows["stacks.p.trackers[0]"] == ("m", "zenconv.toml:9")
    assert rows["stacks.p.trust.key"] == ("***", "zenconv.toml:11")
    assert rows["step_files"] == (["steps_*.py"], "default")
    assert "hunter" not in str(rows)


def test_the_kinds_of_settings_and_of_plugins_are_the_same() -> None:
    assert {*COMPONENT_KINDS, "tracker"} == set(KINDS)
