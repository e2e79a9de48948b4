from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from zenconv.hooks.conformance import Conformance, write_conformance

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
    mine = "my_hooks  -p\n  tracker: mine (remote)\n  conformance: tracker mine: nothing is recorded\n"
    assert f"{mine}  hooks: zenconv_run_finish\n" in text
    data = json.loads(zenconv_process("plugins", "-p", "my_hooks", "--json", code=code).stdout)
    item = data["plugins"][-1]
    assert (item["name"], item["origin"], item["module"]) == ("my_hooks", "-p", "my_hooks")
    assert item["conformance"] == []
    assert item["components"] == [{"kind": "tracker", "id": "mine", "capabilities": ["remote"]}]


def test_what_a_package_says_of_the_suites_it_passes(zenconv_process: Any, tmp_path: Path) -> None:
    package = tmp_path / "lib/my_hooks"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(PLUGIN)
    write_conformance(
        package, [Conformance("tracker", "mine", "Suite", "0.1.0", ("test_b", "test_c"), ("test_a",))]
    )
    code = f"import sys; sys.path.append({str(package.parent)!r}); from zenconv.cli.main import main; main()"
    said = "conformance: tracker mine passed Suite of zenconv 0.1.0 (2 tests, 1 skipped), says the package"
    assert f"{said}\n" in zenconv_process("plugins", "-p", "my_hooks", code=code).stdout
    (package / "__init__.py").write_text(PLUGIN + "\n")
    assert (
        f"{said}; its code has changed since\n"
        in zenconv_process("plugins", "-p", "my_hooks", code=code).stdout
    )
    data = json.loads(zenconv_process("plugins", "-p", "my_hooks", "--json", code=code).stdout)
    (record,) = data["plugins"][-1]["conformance"]
    assert (record["suite"], record["passed"]) == ("Suite", ["test_b", "test_c"])
    assert (record["skipped"], record["is_current"]) == (["test_a"], False)


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
