"""Recommendations: what the platform, or a person, proposes to do, on which evidence, and who may decide on it."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, JsonValue, StringConstraints, ValidationError

from distill_platform.core.canon import sig_hash
from distill_platform.core.config import StrictModel
from distill_platform.core.errors import ReviewError

Word = Annotated[str, StringConstraints(pattern=r"\A[A-Za-z0-9][A-Za-z0-9._:@+=-]{0,63}\z")]
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]


class Recommendation(StrictModel):
    """One action on one subject. The approvers are those that the world names: with none, nobody can approve.

    What is recommended about the same subject and action in the same world is one recommendation, whatever its
    evidence; a decision holds for the evidence that it was made on.
    """

    subject: Annotated[dict[Word, str], Field(min_length=1)]
    action: Word
    summary: Sentence
    evidence: Annotated[dict[str, JsonValue], Field(min_length=1)]
    world_id: Word
    keys_needed: Annotated[int, Field(ge=1, le=9)]
    approvers: list[str]

    @property
    def id(self) -> str:
        """Return under which name it is reviewed: the action, and a hash of subject, action and world."""
        return f"{self.action}-{sig_hash([self.subject, self.action, self.world_id])[:16]}"

    @property
    def sha256(self) -> str:
        """Return the hash of all of it: evidence, keys and approvers included."""
        return sig_hash(self.model_dump(mode="json"))

    def to_body(self) -> dict[str, Any]:
        """Return the recommendation as the JSON value that the ledger keeps."""
        return self.model_dump(mode="json")

    @classmethod
    def from_body(cls, body: object) -> Self:
        """Return the recommendation that a ledger body holds; ReviewError for a body that is none."""
        try:
            return cls.model_validate(body)
        except ValidationError as error:
            detail = error.errors(include_url=False)[0]
            place = ".".join(map(str, detail["loc"])) or "its root"
            raise ReviewError(f"a recommendation is wrong at {place}: {detail['msg']}") from None
