"""Settings: everything that shapes the refinery's output, from one YAML file; each stage hashes the part it reads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import Field

from distill_platform.core import canon
from distill_platform.core.config import StrictModel, load_yaml
from distill_platform.refinery.mapping import refuse_wrong_constants
from distill_platform.refinery.screening.eval_sets import EvalSet, load_eval_sets
from distill_platform.refinery.screening.pii import PII_RULES
from distill_platform.refinery.screening.secrets import SECRET_RULES
from distill_platform.refinery.streams import Stream, load_streams
from distill_platform.store.settings import LedgerSettings, Paths, WorkerSettings

SCORER_VERSION = "1.0.0"
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class IngestSettings(StrictModel):
    """What a source file may look like."""

    max_row_bytes: Annotated[int, Field(ge=1_000, le=256_000_000)] = 8_000_000
    max_inflation: Annotated[int, Field(ge=10)] = 200


class ScreeningSettings(StrictModel):
    """How texts are compared with one another and with the evaluation sets."""

    prompt_ngram: Annotated[int, Field(ge=5, le=50)] = 13
    answer_ngram: Annotated[int, Field(ge=4, le=50)] = 8
    shingle_words: Annotated[int, Field(ge=1, le=20)] = 5


class GateSettings(StrictModel):
    """The group-level gates, in the order in which they judge."""

    secrets: bool = True
    pii_redaction: bool = True
    verdict_conflicts: bool = True
    exact_duplicates: bool = True
    near_duplicates: bool = True
    near_duplicate_jaccard: Fraction = 0.8
    near_duplicate_min_words: Annotated[int, Field(ge=0)] = 20
    split_leakage: bool = True
    eval_contamination: bool = True
    eval_prompt_hits: Annotated[int, Field(ge=1)] = 1
    eval_answer_containment: Fraction = 0.5


class ExportSettings(StrictModel):
    """What may enter a corpus beyond the safe default, and how it is cut."""

    validation_fraction: Fraction = 0.1
    sft_include_partial: bool = False
    rag_include_review: bool = False
    max_pairs_per_task: Annotated[int, Field(ge=1, le=1_000)] = 5


class DriftSettings(StrictModel):
    """When a change against the last comparable run is worth a warning or an alert (fractions of the prior value)."""

    warn: Fraction = 0.2
    alert: Fraction = 0.5
    metrics: dict[str, Fraction] = Field(default_factory=dict)


class PlatformConfig(WorkerSettings):
    """The whole of `config/platform.yaml`."""

    paths: Paths = Paths()
    ledger: LedgerSettings = LedgerSettings()
    ingest: IngestSettings = IngestSettings()
    screening: ScreeningSettings = ScreeningSettings()
    gates: GateSettings = GateSettings()
    exports: ExportSettings = ExportSettings()
    drift: DriftSettings = DriftSettings()


@dataclass(frozen=True)
class Settings:
    """The configuration with its files loaded and its paths made absolute."""

    config: PlatformConfig
    streams: tuple[Stream, ...]
    eval_sets: tuple[EvalSet, ...]
    data: Path
    lake: Path

    @cached_property
    def evidence_hash(self) -> str:
        """Return the hash of what shapes evidence: the streams' mappings and the limits of ingestion."""
        mappings = {stream.name: stream.mapping_hash for stream in self.streams}
        return canon.sig_hash({"mappings": mappings, "ingest": self.config.ingest.model_dump(mode="json")})

    @cached_property
    def scoring_hash(self) -> str:
        """Return the hash of what shapes verdicts: every stream's rules and the scorer that runs them."""
        rules = {stream.name: stream.scoring_hash for stream in self.streams}
        return canon.sig_hash({"rules": rules, "scorer": SCORER_VERSION})

    @cached_property
    def screening_hash(self) -> str:
        """Return the hash of what shapes screening: its parameters, the patterns, the evaluation sets' bytes."""
        sets = {eval_set.name: eval_set.sha256 for eval_set in self.eval_sets}
        patterns = [(rule.name, rule.anchor, rule.pattern) for rule in (*SECRET_RULES, *PII_RULES)]
        parameters = self.config.screening.model_dump(mode="json")
        return canon.sig_hash({"sets": sets, "patterns": patterns, "screening": parameters})

    @cached_property
    def export_hash(self) -> str:
        """Return the hash of what shapes corpora: gates, thresholds, opt-ins and the classes of the streams."""
        classes = {stream.name: stream.config.stream_class for stream in self.streams}
        gates, exports = (part.model_dump(mode="json") for part in (self.config.gates, self.config.exports))
        return canon.sig_hash({"gates": gates, "exports": exports, "classes": classes})

    def hash_of(self, dataset: str) -> str:
        """Return the hash of what shapes a dataset."""
        own = {
            "evidence": self.evidence_hash,
            "scored_runs": self.scoring_hash,
            "screened_texts": self.screening_hash,
        }
        return own.get(dataset, self.export_hash)


@dataclass(frozen=True)
class PathOverrides:
    """Paths given on a command line instead of those in the configuration."""

    sources: Path | None = None
    eval_sets: Path | None = None
    data: Path | None = None
    lake: Path | None = None


def load_settings(file: Path, overrides: PathOverrides = PathOverrides()) -> Settings:
    """Return the settings that `config/platform.yaml` and the files it points to declare.

    Raises ConfigError for anything in them that cannot be accepted.
    """
    config = load_yaml(file, PlatformConfig)
    base = file.resolve().parent.parent
    streams = load_streams(overrides.sources or base / config.paths.sources)
    for stream in streams:
        refuse_wrong_constants(stream)
    return Settings(
        config=config,
        streams=streams,
        eval_sets=tuple(load_eval_sets(overrides.eval_sets or base / config.paths.eval_sets)),
        data=(overrides.data or base / config.paths.data).resolve(),
        lake=(overrides.lake or base / config.paths.lake).resolve(),
    )
