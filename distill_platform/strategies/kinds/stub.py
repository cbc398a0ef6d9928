"""Stubs: what stands in for a node that is ablated. They take and give what the node took and gave."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field

from distill_platform.strategies.kinds.kind import Params

STUB = "stub"


class Stub(StrEnum):
    """What a stub gives: one value wherever a symbol has a close, an input as it is, or nothing that is known."""

    CONSTANT = "constant"
    PASS_THROUGH = "pass_through"
    MISSING = "missing"


class StubParams(Params):
    """Which kind of node the stub stands in for, and what it gives instead: `value` if constant, else input `port`."""

    replaces: str
    stub: Annotated[Stub, BeforeValidator(Stub)]
    value: float | None = None
    port: Annotated[int, Field(ge=0)] | None = None
