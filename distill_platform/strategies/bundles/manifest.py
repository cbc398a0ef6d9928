"""`run_manifest.json`: what a run says of itself, sealed with its numbers."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, JsonValue, StringConstraints

from distill_platform.core.config import StrictModel
from distill_platform.core.utc import parse_utc
from distill_platform.strategies.words import DataRegime, RunSource, ScoreSource

SCHEMA_VERSION = 1

Sha256 = Annotated[str, StringConstraints(pattern=r"\A[0-9a-f]{64}\z")]
IDENTIFIER = r"[A-Za-z0-9][A-Za-z0-9._:@+=-]{0,127}"
"""A name that may also name a file or a folder: no separators, no leading dot."""

Identifier = Annotated[str, StringConstraints(pattern=rf"\A{IDENTIFIER}\z")]


class Stage(StrEnum):
    """Where a run took place."""

    BACKTEST = "backtest"
    PAPER = "paper"
    LIVE = "live"


class SemanticRole(StrEnum):
    """What a node of a strategy's graph is for, in the order in which values flow."""

    RAW_INPUT = "raw_input"
    FEATURE = "feature"
    SIGNAL = "signal"
    INTENT = "intent"
    RISK_SHELL = "risk_shell"
    EXECUTION = "execution"


def _moment(value: Any) -> Any:
    return parse_utc(value) if isinstance(value, str) else value


def _version(value: Any) -> Any:
    return SCHEMA_VERSION if value in (str(SCHEMA_VERSION), f"{SCHEMA_VERSION}.0") else value


Moment = Annotated[datetime, BeforeValidator(_moment)]
ReproHash = Annotated[str, StringConstraints(pattern=r"\A(sha256:)?[0-9a-fA-F]{16,128}\z")]
"""Engines hash in their own way: hex digits, as many as they like."""


class RunWindow(StrictModel):
    """The time a run covers."""

    start: Moment
    end: Moment


class Profiles(StrictModel):
    """The costs and fills a run assumed, sealed with it, in whatever form: best {"model": "linear", "bps": 1.0}."""

    fee: JsonValue
    slippage: JsonValue
    fill: JsonValue
    funding: JsonValue


class Search(StrictModel):
    """How many variants were tried, and which of them this is."""

    declared_trials: Annotated[int, Field(ge=1)]
    trial_index: Annotated[int, Field(ge=0)]
    parameters: dict[str, Any]


class ManifestNode(StrictModel):
    """One node of the graph that ran."""

    node_id: Annotated[str, StringConstraints(pattern=r"\A[ -~]{1,128}\z")]
    semantic_role: Annotated[SemanticRole, BeforeValidator(SemanticRole)]
    family: str
    ablation_group: str | None
    inputs: list[str]
    params: dict[str, Any]


class ModelReference(StrictModel):
    """The model that scored, by the hash of its artifact."""

    name: str
    version: str | int
    artifact_sha256: Sha256


class RunManifest(StrictModel):
    """The whole of `run_manifest.json`. Nothing has a default: what is not there was not sealed."""

    schema_version: Annotated[int, BeforeValidator(_version), Field(ge=SCHEMA_VERSION, le=SCHEMA_VERSION)]
    run_id: Identifier
    world_id: Identifier
    strategy_id: Identifier
    stage: Annotated[Stage, BeforeValidator(Stage)]
    run_source: Annotated[RunSource, BeforeValidator(RunSource)]
    score_source: Annotated[ScoreSource, BeforeValidator(ScoreSource)]
    data_regime: Annotated[DataRegime, BeforeValidator(DataRegime)]
    commit_sha: str
    code_version: str
    data_preset: str
    dataset_fingerprint: str
    as_of: Moment
    window: RunWindow
    profiles: Profiles
    seeds: JsonValue
    rounding: JsonValue
    cohort_id: Identifier
    campaign_id: Identifier
    search: Search
    nodes: list[ManifestNode]
    ablation_spec: dict[str, Any] | None
    parent_run_id: Identifier | None
    supersedes: Identifier | None
    repro_hash: ReproHash
    model: ModelReference | None
    ensemble_policy: JsonValue
    sizing: JsonValue
