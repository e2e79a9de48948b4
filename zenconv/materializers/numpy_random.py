"""NumPy's random generators: their whole state as JSON, so that the next number is the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.random.bit_generator import SeedlessSeedSequence

from zenconv.errors import CorruptArtifact
from zenconv.interfaces.materializing import Sink, Source
from zenconv.materializers.saving import Declined
from zenconv.materializers.values import load_description, save_encoded

_SOURCES = {
    kind.__name__: kind
    for kind in (
        np.random.MT19937,
        np.random.PCG64,
        np.random.PCG64DXSM,
        np.random.Philox,
        np.random.SFC64,
    )
}


class RandomGenerators:
    """Stores a Generator, a RandomState, a bit generator or a seed sequence; no pickle is written."""

    id = "numpy-random"
    version = 1
    types = (
        "numpy.random._generator.Generator",
        "numpy.random.mtrand.RandomState",
        "numpy.random.bit_generator.BitGenerator",
        "numpy.random.bit_generator.SeedSequence",
    )

    def accepts(self, value: Any) -> bool:
        """Return whether it is of a class of NumPy itself."""
        kind = type(value)
        known = (np.random.Generator, np.random.RandomState, np.random.SeedSequence)
        return kind in known or kind in _SOURCES.values()

    def save(self, value: Any, sink: Sink) -> None:
        """Write the state, with that of the seed sequence it may spawn others from."""
        save_encoded(_describe(value), sink)

    def load(self, source: Source) -> Any:
        """Return a generator that goes on where the stored one was."""
        description = load_description(source)
        kind = description.get("kind")
        if kind == "seeds":
            return _read_seeds(description["seeds"])
        made: Any = _read_source(description)
        if kind == "generator":
            return np.random.Generator(made)
        if kind == "state":
            legacy = np.random.RandomState(made)
            legacy.set_state(description["state"])
            return legacy
        return made

    def summarize(self, value: Any) -> Mapping[str, Any]:
        """Return the name of the algorithm."""
        source = getattr(value, "bit_generator", getattr(value, "_bit_generator", value))
        return {"algorithm": type(source).__name__}


def _describe(value: Any) -> dict[str, Any]:
    if type(value) is np.random.SeedSequence:
        return {"kind": "seeds", "seeds": _describe_seeds(value)}
    if type(value) is np.random.Generator:
        return {"kind": "generator", **_describe_source(value.bit_generator)}
    if type(value) is np.random.RandomState:
        description = _describe_source(value._bit_generator)
        return {"kind": "state", **description, "state": value.get_state(legacy=False)}
    return {"kind": "source", **_describe_source(value)}


def _describe_source(source: Any) -> dict[str, Any]:
    name = type(source).__name__
    if _SOURCES.get(name) is not type(source):
        raise Declined(f"it draws from a {name}, which is not one of NumPy's own")
    return {"state": source.state, "seeds": _describe_seeds(source.seed_seq)}


def _describe_seeds(seeds: Any) -> Any:
    if seeds is None or type(seeds) is SeedlessSeedSequence:
        return None if seeds is None else "none"
    if type(seeds) is not np.random.SeedSequence:
        raise Declined(f"its seeds come from a {type(seeds).__name__}")
    return {
        "entropy": seeds.entropy,
        "spawn_key": seeds.spawn_key,
        "pool_size": seeds.pool_size,
        "n_children_spawned": seeds.n_children_spawned,
    }


def _read_seeds(description: Any) -> Any:
    if description is None:
        return None
    return SeedlessSeedSequence() if description == "none" else np.random.SeedSequence(**description)


def _read_source(description: dict[str, Any]) -> Any:
    kind = _SOURCES.get(description["state"]["bit_generator"])
    if kind is None:
        raise CorruptArtifact("the stored generator has an unknown algorithm")
    made: Any = kind(0)
    made.__setstate__((description["state"], _read_seeds(description["seeds"])))
    return made
