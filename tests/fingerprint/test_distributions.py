"""Installed distributions: found without importing anything, cached, tolerant."""

from __future__ import annotations

import importlib.metadata
import json
import os
import stat
from pathlib import Path

import pytest

from zenconv.fingerprint import Distributions


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    install(
        folder,
        "alpha",
        "1.0",
        ["alpha"],
        requires=["beta-lib >=1; python_version > '3'", "gone", "extra-only; extra == 'x'"],
    )
    install(folder, "beta_lib", "2.0", ["betamodule"])
    install(folder, "scikit_learn", "3.1", ["sklearn"], requires=["alpha"])
    install(folder, "extra_only", "9", ["extra_only"])
    install(folder, "ns-one", "1", ["shared_ns"])
    install(folder, "ns-two", "2", ["shared_ns"])
    return folder


def install(
    folder: Path, name: str, version: str, modules: list[str], requires: list[str] | None = None
) -> None:
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {text}" for text in requires or []]
    (info / "METADATA").write_text("\n".join([*lines, "", "Requires-Dist: not-a-header"]))
    (info / "RECORD").write_text("".join(f"{module}/__init__.py,sha256=x,1\n" for module in modules))
    for module in modules:
        (folder / module).mkdir(exist_ok=True)
        (folder / module / "__init__.py").touch()


def open_site(site: Path) -> Distributions:
    return Distributions([str(site)], cache_directory=str(site.parent / "cache"))


def test_a_module_of_its_distributions_name_needs_no_file(site: Path) -> None:
    assert open_site(site).of_module("alpha.sub") == (("alpha", "1.0"),)
    assert not (site.parent / "cache").exists()


def test_a_module_of_another_name_is_found_by_the_record(site: Path) -> None:
    assert open_site(site).of_module("sklearn.linear_model") == (("scikit_learn", "3.1"),)


def test_a_namespace_shared_by_distributions_counts_all_of_them(site: Path) -> None:
    assert open_site(site).of_module("shared_ns.x") == (("ns_one", "1"), ("ns_two", "2"))


def test_requirements_count_but_not_extras(site: Path) -> None:
    assert open_site(site).closure(["sklearn"]) == (
        ("alpha", "1.0"),
        ("beta_lib", "2.0"),
        ("scikit_learn", "3.1"),
    )


def test_an_unknown_module_has_no_distribution(site: Path) -> None:
    assert open_site(site).closure(["nothing_of_that_name"]) == ()


def test_answers_are_cached_until_something_is_installed(site: Path) -> None:
    first = open_site(site).closure(["sklearn"])
    for record in site.glob("*/RECORD"):
        record.unlink()
    os.utime(site, ns=(1, open_stamp(site)))
    assert open_site(site).closure(["sklearn"]) == first
    install(site, "newcomer", "1", ["newmodule_x"])
    assert open_site(site).of_module("newmodule_x") == (("newcomer", "1"),)


def open_stamp(site: Path) -> int:
    return site.stat().st_mtime_ns


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", "null", '{"modules": 3}', "\x00\xff", '{"modules": {"a": 1}}']
)
def test_a_damaged_cache_is_made_again(site: Path, damage: str) -> None:
    expected = open_site(site).closure(["sklearn"])
    for file in (site.parent / "cache").iterdir():
        file.write_text(damage, encoding="latin-1")
    assert open_site(site).closure(["sklearn"]) == expected
    assert all(json.loads(file.read_text()) for file in (site.parent / "cache").iterdir())


def test_a_cache_that_cannot_be_written_costs_time_only(site: Path) -> None:
    (site.parent / "cache").write_text("a file, not a folder")
    assert open_site(site).closure(["sklearn"])


def test_installed_distributions_are_those_python_reports() -> None:
    ours = {name.replace("-", "_").replace(".", "_").lower() for name in Distributions().installed()}
    theirs = {d.name.replace("-", "_").replace(".", "_").lower() for d in importlib.metadata.distributions()}
    assert ours == theirs


def test_real_modules_of_other_names_are_found(tmp_path: Path) -> None:
    found = Distributions(cache_directory=str(tmp_path))
    names = {
        module: found.of_module(module)[0][0].lower().replace("-", "_")
        for module in ("sklearn", "yaml", "attr", "numpy")
    }
    assert names == {"sklearn": "scikit_learn", "yaml": "pyyaml", "attr": "attrs", "numpy": "numpy"}
    assert "numpy" in dict(found.closure(["pandas"]))


def test_the_cache_lies_in_the_users_zenconv_folder(site: Path, monkeypatch) -> None:
    monkeypatch.setenv("ZENCONV_HOME", str(site.parent / "home"))
    Distributions([str(site)]).closure(["sklearn"])
    files = list((site.parent / "home" / "cache").iterdir())
    assert len(files) == 1
    assert stat.S_ISREG(files[0].stat().st_mode)


def test_metadata_of_older_installers_is_read(tmp_path: Path) -> None:
    (tmp_path / "Old-1.2-py3.9.egg-info").mkdir()
    (tmp_path / "Flat-0.1.egg-info").write_text("Name: Flat\nVersion: 0.1\n")
    assert Distributions([str(tmp_path)]).installed() == {"Flat": "0.1", "Old": "1.2"}
