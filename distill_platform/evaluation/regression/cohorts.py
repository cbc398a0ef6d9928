"""Cohorts: a simulated run as it is handed in, sealed beside everything else that was tried to find it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from distill_platform.core.canon import sig_hash
from distill_platform.core.utc import iso
from distill_platform.evaluation.regression.simulating import Tariff, simulate
from distill_platform.evaluation.regression.truths import Nature, Search, Truth, nature, search
from distill_platform.policy.world import World
from distill_platform.strategies.bundles.account import Account, tables_of
from distill_platform.strategies.bundles.bundle import Bundle
from distill_platform.strategies.bundles.content import steps_sha256
from distill_platform.strategies.bundles.manifest import RunManifest
from distill_platform.strategies.bundles.repro import repro_hash

_ARRIVES_AFTER = timedelta(minutes=5)
_LEAST_BPS = 1.0
_BESIDE = 0.4


@dataclass(frozen=True, eq=False)
class HandedIn:
    """One run of a truth and the trials that it was found among, itself the first of them."""

    truth: Truth
    bundles: tuple[Bundle, ...] = field(repr=False)

    @property
    def judged(self) -> Bundle:
        """Return the run that is put before the policy."""
        return self.bundles[0]


def handed_in(truth: Truth, world: World, seed: int, number: int) -> HandedIn:
    """Return the run `number` of a truth in a world, with its trials: always the same for the same arguments.

    Of a search among many, the best by Sharpe ratio are handed in, and all are declared.
    """
    made, found = nature(truth), search(truth)
    tariff = tariff_of(world)
    accounts = [
        simulate(_of_trial(made, found, trial), tariff, _dice(truth, seed, number, trial))
        for trial in range(found.declared)
    ]
    order = sorted(range(found.declared), key=lambda trial: -_ratio(accounts[trial]) if found.is_best else trial)
    kept = order[: found.handed_in]
    bundles = [_bundle(truth, world, made, accounts[trial], (seed, number, trial, found.declared)) for trial in kept]
    return HandedIn(truth, tuple(bundles))


def tariff_of(world: World) -> Tariff:
    """Return what a run pays in a world; fee and slippage are a basis point each where the world charges nothing.

    A run that paid nothing would be one of the truths that must not pass, in any world.
    """
    costs = world.costs
    fee, slippage, funding = (costs.fee_bps, costs.slippage_bps, costs.funding_bps_daily) if costs else (0.0, 0.0, 0.0)
    return Tariff(fee or _LEAST_BPS, slippage or _LEAST_BPS, funding)


def _of_trial(made: Nature, found: Search, trial: int) -> Nature:
    """Return the nature of a trial: that of the truth, or, beside a run that nobody searched for, a weaker one."""
    return made if found.is_best or trial == 0 else made.weaker(_BESIDE * (1.0 - trial / found.declared))


def _dice(truth: Truth, *numbers: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64([zlib.crc32(truth.encode()), *numbers]))


def _ratio(account: Account) -> float:
    return float(account.net.mean() / account.net.std(ddof=1))


def _bundle(truth: Truth, world: World, made: Nature, account: Account, names: tuple[int, int, int, int]) -> Bundle:
    """Return the run as it would be read back; it has no files, so its hash is that of manifest and steps."""
    manifest, tables = _manifest(truth, world, made, account, names), tables_of(account)
    sha256 = sig_hash({"manifest": manifest.model_dump(mode="json"), "steps": steps_sha256(tables["steps"])})
    rest = {name: tables.get(name) for name in ("trades", "daily", "orders", "folds")}
    return Bundle(manifest, tables["steps"], sha256=sha256, **rest)


def _manifest(
    truth: Truth, world: World, made: Nature, account: Account, names: tuple[int, int, int, int]
) -> RunManifest:
    seed, number, trial, declared = names
    start, end = _moment(account.starts[0]), _moment(account.ends[-1])
    preset = world.data.presets[0].id if world.data.presets else "simulated"
    document: dict[str, Any] = {
        "schema_version": 1,
        "run_id": f"{truth}-{number:03d}" + (f"-trial-{trial:03d}" if trial else ""),
        "world_id": world.world_id,
        "strategy_id": truth.value,
        "stage": "backtest",
        "run_source": "prod",
        "score_source": "model",
        "data_regime": "prod_live",
        "commit_sha": "0" * 40,
        "code_version": "simulated/1",
        "data_preset": preset,
        "dataset_fingerprint": f"simulated:{truth}:{seed}:{number}",
        "as_of": iso(end + _ARRIVES_AFTER),
        "window": {"start": iso(start), "end": iso(end)},
        "profiles": _profiles(tariff_of(world) if made.pays else Tariff(0.0, 0.0, 0.0)),
        "seeds": {"run": seed},
        "rounding": {},
        "cohort_id": f"{truth}-{number:03d}",
        "campaign_id": f"{truth}-{number:03d}",
        "search": {"declared_trials": declared, "trial_index": trial, "parameters": {"trial": trial}},
        "nodes": [],
        "ablation_spec": None,
        "parent_run_id": None,
        "supersedes": None,
        "repro_hash": "0" * 64,
        "model": None,
        "ensemble_policy": None,
        "sizing": {"kind": "volatility_target", "leverage": made.leverage},
    }
    manifest = RunManifest.model_validate(document)
    return manifest.model_copy(update={"repro_hash": repro_hash(manifest)})


def _profiles(tariff: Tariff) -> dict[str, Any]:
    return {
        "fee": {"model": "linear", "bps": tariff.fee_bps},
        "slippage": {"model": "linear", "bps": tariff.slippage_bps},
        "fill": {"model": "next_open"},
        "funding": {"model": "linear", "bps_daily": tariff.funding_bps_daily},
    }


def _moment(microseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(microseconds))
