"""The step file drafted from a notebook: a docstring, and below it nothing but comments.

Whatever a notebook holds, importing the file executes none of it. The first lines are ours, so that
no cell can declare another encoding there; every further line begins with ``#``, and the line breaks
of Python are the only ones in it (`show_line_safely`). `check_inert` looks again at the whole.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

import attrs

from zenconv.errors import ZenconvError
from zenconv.starting.cell_code import MISTAKES
from zenconv.starting.draft_code import Draft, is_python, write_code
from zenconv.starting.drafts import Drafts
from zenconv.starting.notebook_file import show_line_safely

HEAD = '''"""A draft that `zenconv init --from` made of a notebook. Nothing here runs yet: it is all comments.

Below, each cell has become a function that asks for what it uses by name: a step. To take one over,
remove the first "# " of its lines (in most editors: select them and press Ctrl-/). Begin with the
imports, go on block by block, and ask `zenconv steps` and `zenconv run` what there is so far.
Remarks have two signs, so they stay comments when a whole block is taken over.
"""
'''


def write_draft(drafts: Drafts, name: str) -> str:
    """Return the text of the step file for a notebook called `name`."""
    lines = [*HEAD.splitlines(), "", *_remark(f"the notebook: {name}")]
    written = [draft if not draft.number or is_python(draft) else _as_text(draft) for draft in drafts.cells]
    imports = sorted(drafts.imports, key=lambda line: not line.startswith("from __future__"))
    if any(draft.needs_zenconv for draft in written):
        imports.append("import zenconv")
    if imports:
        lines += ["", "", *_remark("the imports of all cells"), *_comment(imports)]
    for draft in written:
        lines += ["", "", *_write_block(draft)]
    text = "\n".join(lines) + "\n"
    check_inert(text)
    return text


def check_inert(text: str) -> None:
    """Raise `ZenconvError` unless `text` is a docstring and comments: what a defect would break."""
    data = text.encode("utf-8")
    try:
        body = ast.parse(data).body
    except MISTAKES as error:
        raise ZenconvError(f"the draft would be no Python: {error}") from error
    is_docstring = (
        len(body) == 1 and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
    )
    if not is_docstring or not text.startswith(HEAD):
        raise ZenconvError("the draft would execute something")


def _as_text(draft: Draft) -> Draft:
    return attrs.evolve(
        Draft(draft.number, draft.text, True),
        remarks=(*draft.remarks, "left as it is: around it a function would be no Python"),
    )


def _write_block(draft: Draft) -> Iterator[str]:
    if not draft.number:
        yield from _remark(draft.text)
        return
    yield from _remark("\n".join([f"cell {draft.number}", *(f"  {remark}" for remark in draft.remarks)]))
    if draft.is_left:
        yield from _comment(f"# {line}" if line.strip() else "#" for line in draft.text.split("\n"))
    else:
        yield from _comment(write_code(draft))


def _remark(text: str) -> Iterator[str]:
    """Yield lines that stay comments when a block is taken over."""
    for line in show_line_safely(text).rstrip().split("\n"):
        yield f"## {line}".rstrip()


def _comment(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines of Python behind comment signs."""
    for line in lines:
        yield f"# {line}" if line else "#"
