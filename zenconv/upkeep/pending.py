"""What a clean of a shared store has still to remove: the records that told of it may be gone by then."""

from __future__ import annotations

import os
from collections.abc import Iterable

from zenconv import hashing
from zenconv.errors import StoreError
from zenconv.records.layout import StateFolder


class Pending:
    """A list of digests in the state folder, one for each store.

    Parameters
    ----------
    url
        The store's.
    """

    def __init__(self, state: StateFolder, url: str) -> None:
        name = hashing.digest_texts("zenconv.pending", [url])[3:19]
        self.path = state.path / "pending" / name

    def read(self) -> list[str]:
        """Return what is left; nothing where there is no list."""
        try:
            lines = self.path.read_text("ascii", "replace").splitlines()
        except OSError:
            return []
        return [line for line in lines if hashing.is_digest(line)]

    def add(self, digests: Iterable[str]) -> None:
        """Add digests, on the disk before this returns. `StoreError`."""
        lines = "".join(f"{digest}\n" for digest in sorted({*self.read(), *digests}))
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(lines, "ascii")
            os.replace(draft, self.path)
        except OSError as error:
            raise StoreError(f"cannot write {self.path}: {error.strerror or error}") from error

    def clear(self) -> None:
        """Forget the list: everything on it was removed or is needed."""
        self.path.unlink(missing_ok=True)
