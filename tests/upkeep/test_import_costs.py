"""Reading what Python measures of imports: who asked, how long, of what it is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from zenconv.settings import load_settings
from zenconv.upkeep.import_costs import measure_imports, read_costs

MEASURED = b"""
import time:       100 |        100 | before.anything
zenconv: importing steps_a.py
import time:       300 |        300 |     numpy.core
import time:       200 |        500 |   numpy
import time:      1000 |       1500 | pandas
noise import time: 9 | 9 | nonsense
import time:        50 |         50 |   torch.cuda
import time:       450 |        500 |     torch
import time:       100 |        600 |   network
import time:        10 |        610 | helpers
zenconv: importing steps_b.py
import time:       250 |        250 | pandas.plotting
zenconv: end
import time:       999 |        999 | later
zenconv: own module helpers
zenconv: own module network
"""


def test_each_library_is_told_with_the_chain_that_leads_to_it_and_its_parts():
    costs = {cost.name: cost for cost in read_costs(MEASURED.splitlines())}
    assert list(costs) == ["pandas", "torch"]
    assert costs["pandas"].chain == ("steps_a.py", "pandas")
    assert round(costs["pandas"].seconds * 1e6) == 1750
    assert costs["pandas"].parts == (("numpy", 0.0005),)
    assert costs["torch"].chain == ("steps_a.py", "helpers", "network", "torch")


def test_a_real_project_is_measured_in_a_process_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    files = {
        "project/steps_a.py": "import helper\nprint('at import')\ndef a() -> int:\n    return helper.one()\n",
        "project/helper.py": "import slow_library\ndef one():\n    return 1\n",
        "site-packages/slow_library/__init__.py": "import time\nimport slow_library.part\ntime.sleep(0.05)\n",
        "site-packages/slow_library/part.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path / "site-packages")
    cost = (measure_imports(load_settings(tmp_path / "project")) or [])[0]
    assert cost.name == "slow_library"
    assert cost.chain == ("steps_a.py", "helper", "slow_library")
    assert 0.05 < cost.seconds < 20


def test_a_project_that_cannot_be_imported_is_not_measured(tmp_path: Path):
    (tmp_path / "steps_a.py").write_text("import os\nos._exit(3)\n")
    assert measure_imports(load_settings(tmp_path)) is None
