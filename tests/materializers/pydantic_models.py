"""Models of pydantic as a project would define them."""

from __future__ import annotations

import datetime
from functools import cached_property
from typing import Any

import pydantic


class Inner(pydantic.BaseModel):
    rate: float = 0.5
    tags: list[str] = []


class Outer(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow", arbitrary_types_allowed=True)
    inner: Inner
    day: datetime.date
    many: dict[str, Inner] = {}
    anything: Any = None
    _count: int = pydantic.PrivateAttr(default=3)

    @cached_property
    def twice(self) -> float:
        return 2 * self.inner.rate


class Settled(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True)
    numbers: tuple[int, ...] = ()


class Numbers(pydantic.RootModel[list[int]]):
    pass


class Secretive(pydantic.BaseModel):
    token: pydantic.SecretStr


class Forgetful(pydantic.BaseModel):
    value: int = 0

    def __getstate__(self) -> Any:
        return {**super().__getstate__(), "__dict__": {}}
