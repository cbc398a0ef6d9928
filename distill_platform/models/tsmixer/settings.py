"""Settings of the student, a section of a model line."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from distill_platform.core.config import StrictModel


class Device(StrEnum):
    """Where to train: `auto` is a GPU if there is one. The same seed gives other bytes on another sort of device."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class StudentSettings(StrictModel):
    """How the student is built and trained.

    A sequence is `length` bars. `distill_lambda` is the weight of the distance to the teacher beside the distance to
    the truth. The last `stopping_share` of the training window decides when training stops.
    """

    length: Annotated[int, Field(ge=2, le=1_024)] = 48
    blocks: Annotated[int, Field(ge=1, le=8)] = 2
    hidden: Annotated[int, Field(ge=1, le=512)] = 16
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.5
    epochs: Annotated[int, Field(ge=1, le=1_000)] = 20
    patience: Annotated[int, Field(ge=1, le=1_000)] = 4
    batch: Annotated[int, Field(ge=2, le=65_536)] = 256
    learning_rate: Annotated[float, Field(gt=0.0, le=1.0)] = 1e-3
    distill_lambda: Annotated[float, Field(ge=0.0, le=100.0)] = 0.5
    stopping_share: Annotated[float, Field(gt=0.0, le=0.5)] = 0.15
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    device: Device = Field(default=Device.AUTO, strict=False)
