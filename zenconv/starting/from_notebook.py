"""``init --from``: the step file for a notebook, as a name and bytes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import attrs

from zenconv.frozen import Frozen
from zenconv.starting.draft_file import write_draft
from zenconv.starting.draft_names import step_file_name
from zenconv.starting.drafts import draft_cells
from zenconv.starting.notebook_file import read_notebook


@attrs.frozen(eq=False, repr=False)
class DraftedFile(Frozen):
    """A step file to be written, and how many cells became what."""

    name: str
    data: bytes
    counts: dict[str, int]


def draft_file(notebook: Path) -> DraftedFile:
    """Return the step file for a notebook, of which nothing is run. `UsageError` if it is none."""
    drafts = draft_cells(read_notebook(notebook))
    text = write_draft(drafts, notebook.name)
    kinds = Counter("steps" if draft.name else "others" for draft in drafts.cells if draft.number)
    return DraftedFile(step_file_name(notebook.stem), text.encode("utf-8"), dict(kinds))
