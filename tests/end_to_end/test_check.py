"""`zenconv check` says beforehand what would stop a run."""

from __future__ import annotations


def test_a_sound_project_passes(project) -> None:
    it = project({"steps_a.py": "def a() -> int:\n    return 1\n"})
    data = it.json("check")
    assert data["ok"]
    assert {"settings", "plugins", "artifact store", "action cache", "trust", "records", "project"} <= {
        finding["subject"] for finding in data["findings"]
    }
    assert "1 steps" not in it.run("check").stdout


def test_a_misspelt_hook_of_the_project_is_found(project) -> None:
    it = project(
        {
            "steps_a.py": "def a() -> int:\n    return 1\n",
            "zenconf.py": "def zenconv_step_finnish(event):\n    pass\n",
        }
    )
    assert it.run("check", check=False).returncode == it.run("run", check=False).returncode != 0


def test_a_secret_that_is_not_set_is_found_with_its_place(project) -> None:
    it = project(
        {
            "steps_a.py": "def a(token: str) -> int:\n    return 1\n",
            "zenconv.toml": 'params = {token = "${env:NO_SUCH_TOKEN}"}\n',
        }
    )
    text = it.run("check", check=4).text
    assert "zenconv.toml:1" in text
    assert "NO_SUCH_TOKEN" in text
    it.run("check", env={"NO_SUCH_TOKEN": "x"})


def test_a_damaged_signing_key_is_found(project) -> None:
    it = project({"steps_a.py": "def a() -> int:\n    return 1\n"})
    it.home.mkdir()
    (it.home / "machine.key").write_text("short")
    assert "signing key" in it.run("check", check=1).text


def test_a_damaged_index_is_made_again(project) -> None:
    it = project({"steps_a.py": "def a() -> int:\n    return 1\n"})
    it.run("run")
    it.run("runs")
    (it.path / ".zenconv" / "index.sqlite").write_bytes(b"garbage")
    it.run("check", "--fix")
    assert len(it.json("runs")["runs"]) == 1
