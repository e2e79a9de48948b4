"""Which reused steps ``run --verify`` executes again: so many, or a share, chosen by a number."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import attrs

from zenconv import hashing
from zenconv.errors import UsageError
from zenconv.frozen import Frozen

_AMOUNT = re.compile(r"(?P<number>\d+(?:\.\d+)?|\.\d+)(?P<percent>%)?(?:@(?P<seed>\d{1,9}))?")


def is_amount(text: str) -> bool:
    """Return whether `text` is meant as an amount, and not as the name of something."""
    return text[:1].isdigit() or text[:1] == "."


@attrs.frozen(eq=False, repr=False)
class Portion(Frozen):
    """A share of the reused steps, from 0 to 1, or a `count` of them.

    The same `seed` chooses the same among the same steps.
    """

    share: float
    count: int | None = None
    seed: int | None = None

    @classmethod
    def parse(cls, text: str) -> Portion:
        """Read ``5%``, ``0.05``, ``3`` (a count), each with ``@42`` for the seed. `UsageError`."""
        match = _AMOUNT.fullmatch(text.strip())
        if match is None:
            raise UsageError(
                f"--verify: {text!r} is no amount",
                hint="write 5%, 0.05, 3 (steps), or 5%@42 for the same ones again",
            )
        seed = int(match["seed"]) if match["seed"] else None
        number = float(match["number"])
        if match["percent"]:
            number /= 100
        elif "." not in match["number"]:
            return cls(0.0, int(number), seed)
        if number > 1:
            raise UsageError(f"--verify: {text!r} is more than there is", hint="100% is every reused step")
        return cls(number, None, seed)

    def seeded(self, number: int) -> Portion:
        """Return the portion with a seed: its own, else `number`."""
        return attrs.evolve(self, seed=number) if self.seed is None else self

    def choose(self, nodes: Sequence[str]) -> frozenset[str]:
        """Return those of `nodes` that are executed again: of a share above zero at least one."""
        count = math.ceil(self.share * len(nodes) - 1e-9) if self.count is None else self.count
        return frozenset(sorted(nodes, key=self._rank)[:count])

    def includes(self, node: str) -> bool:
        """Return whether a node of which it was not known that it would be reused is in the share."""
        return self._rank(node) < self.share

    def show(self) -> str:
        """Return the text that `parse` reads."""
        amount = f"{self.share * 100:g}%" if self.count is None else str(self.count)
        return amount if self.seed is None else f"{amount}@{self.seed}"

    def _rank(self, node: str) -> float:
        """Return where a node stands between 0 and 1."""
        return int(hashing.digest_texts("portion", [str(self.seed or 0), node])[3:16], 16) / 16**13
