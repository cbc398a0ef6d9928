"""Trials: every run that was ever handed in, and how many of them the best one was picked from.

A strategy that was found by search is as good as its Sharpe ratio says only if nobody looked for it. So each run leaves
a record in the ledger when it arrives, and the number of trials never falls: a run that failed, broke or was replaced
was a trial all the same, and so was an ablation.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Self

import numpy as np
import pyarrow as pa
from pydantic import BeforeValidator, Field, FiniteFloat, ValidationError

from distill_platform.core.canon import sig_hash
from distill_platform.core.config import StrictModel, nearest
from distill_platform.core.errors import TrialError
from distill_platform.stats import daily_returns_utc, sharpe
from distill_platform.strategies.bundles.bundle import Bundle
from distill_platform.strategies.bundles.content import content_sha256
from distill_platform.strategies.bundles.manifest import Identifier, RunManifest, RunWindow, Sha256, Stage
from distill_platform.strategies.bundles.repro import claim_hash
from distill_platform.strategies.words import DataRegime, RunSource, ScoreSource

_BPS = 1e-4


class TrialRecord(StrictModel):
    """What the ledger keeps of one run: who it was, what it tried, and enough of its numbers to judge the others.

    `sharpe` is per day with steps, not annual, over `n_days` of them; None if it is undefined. `fee_bps` and
    `slippage_bps` are what was paid per unit of turnover, None without turnover; the declared ones are those of the
    manifest's profiles, None where a profile says it in another way. `ablation` is the hash of the ablation_spec.
    `sound` says whether the bundle's invariants held.
    """

    run_id: Identifier
    world_id: Identifier
    strategy_id: Identifier
    cohort_id: Identifier
    campaign_id: Identifier
    stage: Annotated[Stage, BeforeValidator(Stage)]
    run_source: Annotated[RunSource, BeforeValidator(RunSource)]
    score_source: Annotated[ScoreSource, BeforeValidator(ScoreSource)]
    data_regime: Annotated[DataRegime, BeforeValidator(DataRegime)]
    declared_trials: Annotated[int, Field(ge=1)]
    trial_index: Annotated[int, Field(ge=0)]
    ablation: Sha256 | None
    supersedes: Identifier | None
    parent_run_id: Identifier | None
    claim_sha256: Sha256
    content_sha256: Sha256
    bundle_sha256: Sha256
    sound: bool
    sharpe: FiniteFloat | None
    n_days: Annotated[int, Field(ge=0)]
    fee_bps: FiniteFloat | None
    slippage_bps: FiniteFloat | None
    declared_fee_bps: FiniteFloat | None
    declared_slippage_bps: FiniteFloat | None
    window: RunWindow
    dataset_fingerprint: str

    def to_body(self) -> dict[str, Any]:
        """Return the record as the JSON value that the ledger keeps."""
        return self.model_dump(mode="json")

    @classmethod
    def from_body(cls, body: object) -> Self:
        """Return the record that a ledger body holds.

        Raises TrialError for a body with a key too many, one too few, or a value of another kind.
        """
        try:
            return cls.model_validate(body)
        except ValidationError as error:
            raise _not_a_record(error, list(cls.model_fields)) from None


@dataclass(frozen=True)
class TrialCount:
    """How many trials a set of records stands for; `n` is the number that statistics of the best of them must use.

    Beside it, what it is made of: the most trials that each campaign `declared`, summed; `distinct` contents of runs
    that are no ablations, those of `ablations`; and, for the reader, how many records are `duplicates` of an earlier
    content, were `superseded` by another one, or are `broken`.
    """

    n: int
    declared: int
    distinct: int
    ablations: int
    duplicates: int
    superseded: int
    broken: int
    by_campaign: tuple[tuple[str, int], ...]


def trial_of(bundle: Bundle, sound: bool) -> TrialRecord:
    """Return the record of a bundle; `sound` says whether its invariants hold.

    Whatever is wrong with the numbers, a record comes out: a run that nobody can compute a Sharpe ratio for was tried
    as well.
    """
    manifest, (ratio, n_days) = bundle.manifest, _daily_sharpe(bundle.steps)
    return TrialRecord(
        **{name: getattr(manifest, name) for name in _COPIED},
        declared_trials=manifest.search.declared_trials,
        trial_index=manifest.search.trial_index,
        ablation=None if manifest.ablation_spec is None else sig_hash(manifest.ablation_spec),
        claim_sha256=claim_hash(manifest),
        content_sha256=content_sha256(bundle),
        bundle_sha256=bundle.sha256,
        sound=sound,
        sharpe=ratio,
        n_days=n_days,
        fee_bps=_paid_bps(bundle.steps, "fee"),
        slippage_bps=_paid_bps(bundle.steps, "slippage"),
        declared_fee_bps=_declared_bps(manifest, "fee"),
        declared_slippage_bps=_declared_bps(manifest, "slippage"),
    )


_COPIED = (
    "run_id", "world_id", "strategy_id", "cohort_id", "campaign_id", "stage", "run_source", "score_source",
    "data_regime", "supersedes", "parent_run_id", "window", "dataset_fingerprint",
)  # fmt: skip


def honest_trials(records: Iterable[TrialRecord]) -> TrialCount:
    """Return how many trials the records stand for, whatever their order.

    For each campaign the largest of three numbers counts: the trials that any of its runs declared, the highest trial
    index + 1, and the distinct contents of its runs that are no ablations. Every distinct ablation is one more. Another
    record never makes it fewer, and one that repeats a content bit for bit, declaring nothing new, no more. No records
    are no trials.
    """
    listed = sorted(records, key=lambda record: record.run_id)
    campaigns: dict[str, list[TrialRecord]] = defaultdict(list)
    for record in listed:
        campaigns[record.campaign_id].append(record)
    by_campaign = tuple((name, _trials_of_campaign(campaigns[name])) for name in sorted(campaigns))
    ablations = len({record.content_sha256 for record in listed if record.ablation is not None})
    replaced = {record.supersedes for record in listed}
    return TrialCount(
        n=sum(n for _, n in by_campaign) + ablations,
        declared=sum(max(record.declared_trials for record in runs) for runs in campaigns.values()),
        distinct=_distinct_runs(listed),
        ablations=ablations,
        duplicates=len(listed) - len({record.content_sha256 for record in listed}),
        superseded=sum(record.run_id in replaced for record in listed),
        broken=sum(not record.sound for record in listed),
        by_campaign=by_campaign,
    )


def chosen_from(run_id: str, own: Sequence[TrialRecord], beside: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Return the trials that a run was chosen from: its cohort's `own`, then those of its strategy `beside` it.

    A strategy is the same in one world and one stage; whoever gives each attempt a cohort of its own tried as often.
    """
    places = {_place(record) for record in own if record.run_id == run_id}
    return [*own, *(record for record in beside if _place(record) in places)]


def _place(record: TrialRecord) -> tuple[str, str, str]:
    return record.world_id, record.strategy_id, record.stage


def distinct_trials(records: Iterable[TrialRecord]) -> list[TrialRecord]:
    """Return one record for each content, that of the smallest run_id, ordered by content."""
    by_content: dict[str, TrialRecord] = {}
    for record in sorted(records, key=lambda record: record.run_id):
        by_content.setdefault(record.content_sha256, record)
    return [by_content[content] for content in sorted(by_content)]


def _trials_of_campaign(records: Sequence[TrialRecord]) -> int:
    most = max(max(record.declared_trials, record.trial_index + 1) for record in records)
    return max(most, _distinct_runs(records))


def _distinct_runs(records: Iterable[TrialRecord]) -> int:
    return len({record.content_sha256 for record in records if record.ablation is None})


def _daily_sharpe(steps: pa.Table) -> tuple[float | None, int]:
    """Return the Sharpe ratio per day with steps and the number of those days; None and 0 where there is none."""
    try:
        daily = daily_returns_utc(steps["ts_end"].to_numpy(), steps["ret_net"].to_numpy(), fill_missing=False)
    except ValueError:  # times or returns that no run can have
        return None, 0
    return _finite(sharpe(daily)), len(daily)


def _paid_bps(steps: pa.Table, cost: str) -> float | None:
    turnover = math.fsum(_numbers(steps, "turnover"))
    return _finite(math.fsum(_numbers(steps, cost)) / turnover / _BPS) if turnover > 0.0 else None


def _numbers(steps: pa.Table, column: str) -> list[float]:
    """Return a column, or a NaN in its place if it holds one or an infinity, which no sum may hide."""
    values = steps[column].to_numpy()
    return list(values) if np.isfinite(values).all() else [math.nan]


def _declared_bps(manifest: RunManifest, cost: str) -> float | None:
    """Return the bps of a profile that says `bps` or, for a fee, `fee_bps`; None if it says it in another way."""
    profile = getattr(manifest.profiles, cost)
    told = [profile.get(name) for name in ("bps", f"{cost}_bps")] if isinstance(profile, Mapping) else []
    numbers = [float(each) for each in told if isinstance(each, int | float) and not isinstance(each, bool)]
    return _finite(min(numbers)) if numbers else None


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _not_a_record(error: ValidationError, known: list[str]) -> TrialError:
    detail = error.errors()[0]
    key = ".".join(str(part) for part in detail["loc"])
    hint = nearest(key, known) if detail["type"] == "extra_forbidden" else "The ledger holds what `to_body` wrote"
    return TrialError(f"a trial record is wrong at {key or 'its root'}: {detail['msg']}", hint=hint)
