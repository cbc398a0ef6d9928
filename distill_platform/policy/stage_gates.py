"""Stage gates: what must be shown, one gate after the other, on the way from a first run to a pilot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from distill_platform.core.config import StrictModel
from distill_platform.policy.spelling import word_of
from distill_platform.policy.words import Approval

Rule = Annotated[str, StringConstraints(min_length=1)]


class Gate(StrictModel):
    """Expressions that must hold, expressions that are alarms, and whose approval it takes after them."""

    blocking: list[Rule] = Field(default_factory=list)
    watch: list[Rule] = Field(default_factory=list)
    governance: Annotated[Approval | None, word_of(Approval)] = None


class StageGates(StrictModel):
    """The six gates in their order. Nothing in a world can hand the last two to a machine."""

    stage0_integrity: Gate = Gate()
    stage1_dev: Gate = Gate()
    stage2_wf: Gate = Gate()
    stage3_stress: Gate = Gate()
    stage4_paper_forward: Gate = Gate(governance=Approval.MANUAL_APPROVAL)
    stage5_pilot: Gate = Gate(governance=Approval.TWO_KEY)

    @field_validator("stage4_paper_forward")
    @classmethod
    def _a_person_decides(cls, gate: Gate) -> Gate:
        if gate.governance is None:
            raise ValueError("needs 'governance: manual_approval' or 'two_key': a person decides on this stage")
        return gate

    @field_validator("stage5_pilot")
    @classmethod
    def _two_people_decide(cls, gate: Gate) -> Gate:
        if gate.governance is not Approval.TWO_KEY:
            raise ValueError("needs 'governance: two_key': two people decide on this stage")
        return gate

    def gates(self) -> Iterator[tuple[str, Gate]]:
        """Yield each gate's stage and declaration, in their order."""
        for name in type(self).model_fields:
            yield name, getattr(self, name)
