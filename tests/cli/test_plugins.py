from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PLUGIN = """
from zenconv.hooks.markers import ComponentSpec

def zenconv_components():
    return [ComponentSpec("tracker", "mine", "my_hooks:Tracker", ("remote",))]

def zenconv_run_finish(event):
    pass
"""


def test_plugins_are_listed_with_origin_and_what_they_provide(zenconv_process: Any, tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/my_hooks.py").write_text(PLUGIN)
    code = (
        f"import sys; sys.path.append({str(tmp_path / 'lib')!r}); from zenconv.cli.main import main; main()"
    )
    text = zenconv_process("plugins", "-p", "my_hooks", code=code).stdout
    assert "components  built in\n  orchestrator: in-process (async, live-output, pdb), " in text
    assert "my_hooks  -p\n  tracker: mine (remote)\n  hooks: zenconv_run_finish\n" in text
    data = json.loads(zenconv_process("plugins", "-p", "my_hooks", "--json", code=code).stdout)
    mine = data["plugins"][-1]
    assert (mine["name"], mine["origin"], mine["module"]) == ("my_hooks", "-p", "my_hooks")
    assert mine["components"] == [{"kind": "tracker", "id": "mine", "capabilities": ["remote"]}]


def test_a_plugin_that_cannot_be_imported_is_named(zenconv_process: Any) -> None:
    result = zenconv_process("plugins", "-p", "no_such_plugin_module")
    assert result.returncode == 4
    assert "the plugin 'no_such_plugin_module' (asked for by -p) cannot be imported" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_mistake_in_the_settings_is_not_passed_over(zenconv_process: Any, tmp_path: Path) -> None:
    (tmp_path / "zenconv.toml").write_text("plugins = 3")
    result = zenconv_process("plugins")
    assert result.returncode == 4
    assert "zenconv.toml:1: plugins: expected a list of str, got 3" in result.stderr
