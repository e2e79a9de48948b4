"""Installed libraries stay imported between rounds, and are never other than a run alone would have them."""

import os

import pytest

from tests.end_to_end.conftest import REPOSITORY
from tests.end_to_end.watching import Watching

LIBRARY = """
    import os
    with open(os.environ["IMPORTS"], "a") as stream:
        stream.write("imported\\n")
    MODE = os.environ.get("LIBRARY_MODE", "plain")
    VERSION = 1

    def compute(number: int) -> int:
        return number * VERSION
"""

STEPS = """
    import shelf

    def mode() -> str:
        return shelf.MODE

    def number() -> int:
        return shelf.compute(1)
"""

SETTING = 'import os\nos.environ["LIBRARY_MODE"] = "fast"\n'


@pytest.fixture
def library(tmp_path, project):
    """Make a project with a library installed beside it; return it and its environment."""

    def make(files, library=LIBRARY):
        it = project(files)
        installed = project({"shelf.py": library, "shelf-1.0.dist-info/METADATA": METADATA}, name="installed")
        path = os.pathsep.join([str(REPOSITORY), str(installed.path)])
        return it, installed, {"PYTHONPATH": path, "IMPORTS": str(tmp_path / "imports")}

    return make


METADATA = """
    Metadata-Version: 2.1
    Name: shelf
    Version: 1.0
"""


def imports(env):
    return len(open(env["IMPORTS"]).read().split())


def ready(watching):
    watching.wait_for("libraries are imported")


def test_a_library_is_imported_ahead_once_and_not_in_each_round(library):
    it, _, env = library({"steps_a.py": STEPS})
    with Watching(it, "-v", env=env) as watching:
        ready(watching)
        before = imports(env)
        for number in range(2, 5):
            watching.after(("steps_a.py", f"compute({number - 1})", f"compute({number})"))
            assert it.executed() == ["a::number"]
        assert imports(env) == before
        assert it.value("number") == 4


def test_when_nothing_had_to_run_at_first_libraries_are_imported_ahead_all_the_same(library):
    it, _, env = library({"steps_a.py": STEPS})
    it.run(env=env)
    with Watching(it, "-v", env=env) as watching:
        assert it.reused() == ["a::mode", "a::number"]
        ready(watching)
        before = imports(env)
        watching.after(("steps_a.py", "compute(1)", "compute(2)"))
        assert (it.value("number"), imports(env)) == (2, before)


def test_a_changed_library_is_imported_anew(library):
    it, installed, env = library({"steps_a.py": STEPS})
    with Watching(it, "-v", env=env) as watching:
        ready(watching)
        installed.edit("shelf.py", "VERSION = 1", "VERSION = 70")
        (installed.path / "shelf-1.0.dist-info").rename(installed.path / "shelf-1.1.dist-info")
        installed.edit("shelf-1.1.dist-info/METADATA", "Version: 1.0", "Version: 1.1")
        watching.after(("steps_a.py", "compute(1)", "compute(2)"))
        watching.wait_for("waiting", len(watching.lines) - 1)
        assert it.value("number") == 140


def test_a_variable_set_before_a_library_is_imported_counts_at_once(library):
    it, _, env = library({"steps_a.py": STEPS})
    with Watching(it, "-v", env=env) as watching:
        ready(watching)
        text = it.read("steps_a.py").replace("return shelf.MODE", "return shelf.MODE + '!'")
        watching.after({"steps_a.py": SETTING + text})
        assert it.value("mode") == "fast!"
        watching.wait_for("libraries are imported$", watching.wait_for("imported anew") + 1)
        before = imports(env)
        watching.after(("steps_a.py", "compute(1)", "compute(3)"), ("steps_a.py", "'!'", "'+'"))
        assert (it.value("number"), it.value("mode"), imports(env)) == (3, "fast+", before)
        watching.after(("steps_a.py", '"fast"', '"slow"'), ("steps_a.py", "'+'", "'?'"))
        assert it.value("mode") == "slow?"


def test_a_variable_set_after_the_import_is_not_seen_by_it(library):
    it, _, env = library({"steps_a.py": SETTING + STEPS.replace("\n    ", "\n")})
    with Watching(it, "-v", env=env) as watching:
        ready(watching)
        assert it.value("mode") == "fast"
        text = it.read("steps_a.py")
        text = text.replace("import shelf\n", "").replace("shelf.MODE", "shelf.MODE + '!'")
        watching.after({"steps_a.py": "import shelf\n" + text})
        assert it.value("mode") == "plain!"


def test_a_file_of_the_project_that_takes_a_librarys_name_is_the_one_imported(library):
    it, _, env = library({"steps_a.py": STEPS})
    with Watching(it, "-v", env=env) as watching:
        ready(watching)
        watching.after({"shelf.py": "MODE = 'mine'\ndef compute(number): return -number\n"})
        assert (it.value("mode"), it.value("number")) == ("mine", -1)


def test_a_module_put_in_a_librarys_place_is_the_one_used(library):
    it, _, env = library({"steps_a.py": STEPS, "fake.py": "MODE = 'fake'\ndef compute(number): return 0\n"})
    with Watching(it, "-v", env=env) as watching:
        ready(watching)
        text = it.read("steps_a.py").replace("return shelf.MODE", "return shelf.MODE + '!'")
        watching.after({"steps_a.py": 'import sys, fake\nsys.modules["shelf"] = fake\n' + text})
        assert it.value("mode") == "fake!"


def test_a_library_with_threads_of_its_own_is_imported_in_each_round(library):
    threads = (
        LIBRARY
        + """
    import threading, time
    threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()
"""
    )
    it, _, env = library({"steps_a.py": STEPS}, threads)
    with Watching(it, "-v", env=env) as watching:
        ready(watching)
        before = imports(env)
        watching.after(("steps_a.py", "compute(1)", "compute(2)"))
        assert (it.value("number"), imports(env)) == (2, before + 1)


def test_a_step_that_changes_the_environment_runs_with_libraries_imported_anew(library):
    it, _, env = library(
        {
            "steps_a.py": """
                def mode() -> str:
                    import shelf
                    return shelf.MODE
            """
        }
    )
    with Watching(it, "-v", env=env) as watching:
        ready(watching)
        setting = SETTING.replace("\n", "\n    ").replace("fast", "late")
        watching.after(("steps_a.py", "import shelf", f"{setting}import shelf"))
        assert it.value("mode") == "late"


def test_workers_have_libraries_imported_too(library):
    it, _, env = library({"steps_a.py": STEPS})
    with Watching(it, "-v", "-n", "2", env=env) as watching:
        ready(watching)
        before = imports(env)
        watching.after(("steps_a.py", "compute(1)", "compute(2)"))
        assert (it.value("number"), imports(env)) == (2, before)


def test_a_file_that_changes_all_the_time_ends_importing_ahead(library):
    reading = (
        LIBRARY
        + """
    open(os.environ["CLOCK"]).close()
"""
    )
    it, _, env = library({"steps_a.py": STEPS}, reading)
    clock = it.path.parent / "clock"
    clock.write_text("0")
    with Watching(it, "-v", env={**env, "CLOCK": str(clock)}) as watching:
        for number in range(2, 5):
            ready(watching)
            clock.write_text(str(number))
            start = len(watching.lines)
            watching.after(("steps_a.py", f"compute({number - 1})", f"compute({number})"))
            assert it.value("number") == number
            if number < 4:
                watching.wait_for("libraries are imported", start)
        watching.wait_for("changes all the time")
        before = imports(env)
        watching.after(("steps_a.py", "compute(4)", "compute(5)"))
        assert imports(env) == before + 1


def test_a_setting_taken_back_leads_back_to_libraries_kept_imported(library):
    it, _, env = library({"steps_a.py": STEPS})
    with Watching(it, "-v", env=env) as watching:
        ready(watching)
        text = it.read("steps_a.py")
        for mode in ("fast", "plain"):
            start = len(watching.lines)
            changed = text.replace("return shelf.MODE", f"return shelf.MODE + '{len(mode)}'")
            watching.after({"steps_a.py": (SETTING if mode == "fast" else "") + changed})
            assert it.value("mode") == f"{mode}{len(mode)}"
            watching.wait_for("libraries are imported$", start)
        before = imports(env)
        watching.after(("steps_a.py", "compute(1)", "compute(2)"))
        assert imports(env) == before


def test_a_changed_zenconv_starts_itself_again(project, tmp_path):
    import shutil

    shutil.copytree(
        REPOSITORY / "zenconv", tmp_path / "own" / "zenconv", ignore=shutil.ignore_patterns("__pycache__")
    )
    it = project({"steps_a.py": "def one() -> int: return 1"})
    with Watching(it, "-v", env={"PYTHONPATH": str(tmp_path / "own")}) as watching:
        ready(watching)
        with open(tmp_path / "own" / "zenconv" / "clock.py", "a") as stream:
            stream.write("\nCHANGED = True\n")
        watching.after(("steps_a.py", "return 1", "return 2"), until="starting again")
        watching.wait_for("waiting for changes", watching.wait_for("starting again"))
        watching.after(("steps_a.py", "return 2", "return 3"))
        assert it.value("one") == 3


def test_a_library_set_up_before_another_is_imported_is_seen_by_it(library):
    it, installed, env = library(
        {
            "steps_a.py": """
                import shelf
                shelf.PRECISION = 64
                import reader

                def precision() -> str:
                    return str(reader.PRECISION)

                def number() -> int:
                    return shelf.compute(1)
            """
        },
        LIBRARY
        + """
    PRECISION = 32
""",
    )
    counting = """
        import os, shelf
        open(os.environ["IMPORTS"] + "2", "a").write("imported")
        PRECISION = shelf.PRECISION
    """
    installed.write({"reader.py": counting})
    with Watching(it, "-v", env=env) as watching:
        line = watching.wait_for("libraries are imported")
        assert watching.lines[line].endswith("but in each round anew: reader")
        before = imports(env)
        watching.after(("steps_a.py", "return str(reader.PRECISION)", "return str(reader.PRECISION) + '!'"))
        assert (it.value("precision"), imports(env)) == ("64!", before)
        watching.after(
            ("steps_a.py", "shelf.PRECISION = 64", "shelf.PRECISION = 16"), ("steps_a.py", "'!'", "'?'")
        )
        assert it.value("precision") == "16?"


def test_a_library_set_up_only_now_is_seen_by_what_was_imported_ahead(library):
    it, installed, env = library(
        {
            "steps_a.py": """
                import shelf
                import reader

                def precision() -> str:
                    return str(reader.PRECISION)
            """
        },
        LIBRARY
        + """
    PRECISION = 32
    def set_precision(bits):
        global PRECISION
        PRECISION = bits
""",
    )
    installed.write({"reader.py": "import shelf\nPRECISION = shelf.PRECISION\n"})
    with Watching(it, "-v", env=env) as watching:
        ready(watching)
        watching.after(
            ("steps_a.py", "import shelf\n", "import shelf\nshelf.set_precision(64)\n"),
            ("steps_a.py", "return str(reader.PRECISION)", "return str(reader.PRECISION) + '!'"),
        )
        assert it.value("precision") == "64!"
