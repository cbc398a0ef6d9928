"""`manifest.json`: what a model says of itself, sealed with its files. Its SHA-256 names the artifact."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal, NoReturn, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    FiniteFloat,
    JsonValue,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from distill_platform.core import canon
from distill_platform.core.config import StrictModel, known_keys, nearest
from distill_platform.core.errors import ArtifactMalformed, CanonError
from distill_platform.core.utc import EARLIEST
from distill_platform.models.policy import Policy
from distill_platform.strategies.bundles.manifest import Identifier, Moment, Sha256

MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"
FILE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\.(safetensors|lgb\.txt|json)")
"""Formats that hold numbers and text: none of them runs code when it is read."""


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time without a zone: nobody can say which moment it means")
    return moment.astimezone(UTC)


Instant = Annotated[Moment, AfterValidator(_utc)]
FeatureName = Annotated[str, StringConstraints(pattern=r"\A[ -~]{1,256}\z")]
_NS_PER_US = 1_000


class ModelType(StrEnum):
    """What a model is made of."""

    RIDGE = "ridge"
    LIGHTGBM = "lightgbm"
    TSMIXER = "tsmixer"
    ENSEMBLE = "ensemble"


class ArtifactReference(StrictModel):
    """One artifact, by hash and by name: whoever asks for it states all four."""

    line: Identifier
    name: Identifier
    version: Identifier
    artifact_sha256: Sha256


class Period(StrictModel):
    """Time from `start` up to, but not including, `end`."""

    start: Instant
    end: Instant

    @model_validator(mode="after")
    def _runs_forward(self) -> Self:
        if self.start >= self.end:
            raise ValueError("a period must end after it starts")
        return self

    @classmethod
    def of_ns(cls, start_ns: int, end_ns: int) -> Self:
        """Return the period [start_ns, end_ns), nanoseconds since 1970 UTC, widened to whole microseconds."""
        start, end = start_ns // _NS_PER_US, -(-end_ns // _NS_PER_US)
        return cls(start=EARLIEST + timedelta(microseconds=start), end=EARLIEST + timedelta(microseconds=end))


class TrainingWindows(StrictModel):
    """What the model was fitted on, chosen by and reported on: one after the other, none sharing a moment."""

    search: Period
    validation: Period
    forward: Period

    @model_validator(mode="after")
    def _follow_each_other(self) -> Self:
        for before, after in pairwise((self.search, self.validation, self.forward)):
            if before.end > after.start:
                raise ValueError("windows must follow each other: search, validation, forward")
        return self


class SealedFile(StrictModel):
    """What a file must be, to the byte."""

    sha256: Sha256
    bytes: Annotated[int, Field(ge=1)]


class ManifestDraft(StrictModel):
    """A manifest before its files are known. Nothing has a default: what is not there was not sealed.

    `data_range` is what the model was fitted on, to the end of the last label; it ends before validation begins.
    `n_tokens` is the length of the sequences it reads, 1 for a model that reads one row, and `n_channels` their width.
    `ensemble_alpha` is the share of the tabular member. `teacher_proof` is the hash of the proof that the teacher's
    targets were out of fold, None for a model without a teacher. `parents` are the members of an ensemble.
    """

    schema_version: Literal[1]
    type: Annotated[ModelType, BeforeValidator(ModelType)]
    line: Identifier
    name: Identifier
    version: Identifier
    feature_payload_schema_version: Identifier
    feature_version: Identifier
    data_version: Identifier
    lineage_id: Identifier
    feature_names: Annotated[list[FeatureName], Field(min_length=1)]
    normalization: JsonValue
    n_tokens: Annotated[int, Field(ge=1)]
    n_channels: Annotated[int, Field(ge=1)]
    ensemble_policy: str | None
    ensemble_alpha: Annotated[FiniteFloat, Field(ge=0.0, le=1.0)] | None
    data_range: Period
    windows: TrainingWindows
    folds: list[dict[str, JsonValue]]
    seed: Annotated[int, Field(ge=0)]
    trial_count: Annotated[int, Field(ge=1)]
    train_report_hash: Sha256
    teacher_proof: Sha256 | None
    code_version: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    parents: list[ArtifactReference]

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if len(set(self.feature_names)) != len(self.feature_names):
            raise ValueError("a feature is named twice")
        if self.data_range.end > self.windows.validation.start:
            raise ValueError("data_range must end before the validation window starts")
        if any(parent.line != self.line for parent in self.parents):
            raise ValueError("parents must be of the same line")
        self._refuse_half_an_ensemble()
        return self

    def _refuse_half_an_ensemble(self) -> None:
        told = (self.ensemble_policy is not None, self.ensemble_alpha is not None, bool(self.parents))
        if told != (self.type is ModelType.ENSEMBLE,) * 3:
            raise ValueError("an ensemble, and nothing else, has ensemble_policy, ensemble_alpha and parents")
        if self.ensemble_policy is not None and Policy.parse(self.ensemble_policy).alpha != self.ensemble_alpha:
            raise ValueError(f"ensemble_alpha is not that of {self.ensemble_policy}")

    def with_files(self, files: Mapping[str, bytes]) -> ArtifactManifest:
        """Return the manifest that seals these files; ArtifactMalformed for what no verifier would take."""
        sums = {name: {"sha256": canon.sha256_hex(data), "bytes": len(data)} for name, data in files.items()}
        document = self.model_dump(mode="json") | {"files": sums}
        try:
            canon.refuse_non_finite(document)
            return parse_manifest(canon.dumps(document))
        except CanonError as error:
            raise _malformed(f"cannot be written as JSON: {error.message}") from None


class ArtifactManifest(ManifestDraft):
    """The whole of `manifest.json`, written in canonical form."""

    files: Annotated[dict[str, SealedFile], Field(min_length=1, max_length=16)]

    @model_validator(mode="after")
    def _names_plain_files(self) -> Self:
        for name in self.files:
            if name == MANIFEST or not FILE_NAME.fullmatch(name):
                raise ValueError(f"{name[:80]!r} is no name of a model file: *.safetensors, *.lgb.txt or *.json")
        return self

    def to_bytes(self) -> bytes:
        """Return the manifest as canonical JSON: what is hashed, signed and stored."""
        return canon.dumps(self.model_dump(mode="json"))

    @property
    def reference(self) -> ArtifactReference:
        """Return the names and the hash that this artifact is asked for by."""
        sha256 = canon.sha256_hex(self.to_bytes())
        return ArtifactReference(line=self.line, name=self.name, version=self.version, artifact_sha256=sha256)


def parse_manifest(data: bytes) -> ArtifactManifest:
    """Return the manifest that these bytes hold; ArtifactMalformed, with the place, for any other bytes.

    There is one way to write a manifest: bytes that would be written differently are refused.
    """
    try:
        manifest = ArtifactManifest.model_validate(canon.parse(data))
    except CanonError as error:
        raise _malformed(f"is not strict JSON: {error.message}") from None
    except ValidationError as error:
        _refuse(error.errors(include_url=False)[0])
    if manifest.to_bytes() != data:
        raise _malformed("is not in canonical form")
    return manifest


def _refuse(detail: ErrorDetails) -> NoReturn:
    place = ".".join(ascii(part)[:80].strip("'") for part in detail["loc"]) or "the file"
    if detail["type"] == "extra_forbidden":
        hint = nearest(str(detail["loc"][-1])[:200], known_keys(ArtifactManifest, detail["loc"][:-1]))
        raise _malformed(f"{place}: unknown key", hint)
    raise _malformed(f"{place}: {detail['msg'].removeprefix('Value error, ')}")


def _malformed(message: str, hint: str = "") -> ArtifactMalformed:
    return ArtifactMalformed(f"{MANIFEST} {message}", hint=hint or "Seal the model again from its training")
