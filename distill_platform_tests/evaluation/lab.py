"""A place where runs are handed in and judged: a small world, an inbox, a lake, a ledger, and a clock that stands."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import yaml

from distill_platform.core import canon
from distill_platform.evaluation.overview import Overview, overview
from distill_platform.evaluation.pipeline import PIPELINE, STAGES, run_all, waiting_days
from distill_platform.evaluation.settings import load_evaluation_settings
from distill_platform.evaluation.stage import Evaluation, open_evaluation
from distill_platform.evaluation.stages.arrivals import receive
from distill_platform.store.lake import Lake
from distill_platform.store.lake.atomic import Step, no_step
from distill_platform.store.lake.tables import rows_of
from distill_platform.store.stages import refuse_failed, steps
from distill_platform.strategies.bundles.sealing import write_bundle
from distill_platform.strategies.bundles.tables import COMPLETE
from distill_platform.testing.bundles import sample_bundle

DAY, NEXT_DAY, THIRD_DAY = "2026-04-20", "2026-04-21", "2026-04-22"
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAYS_OF_A_RUN = 400
WORLD_ID = "toy"
COHORT = "one-search"
WORLD = """\
world_id: toy
version: 1
risk_profile: {tier: low, client_critical: false}
data: {presets: [{id: ohlcv.sp500.daily, interval: 1d}]}
validation: {on_error: fail, on_missing_metric: fail}
validation_profiles:
  backtest:
    performance: {min_sharpe: 0.5, max_drawdown: 0.9}
    robustness: {min_dsr: 0.5, severity: blocking, owner: quant}
  paper:
    performance: {min_sharpe: 0.5}
default_profile_by_stage: {backtest_only: backtest, paper_only: paper}
stage_gates:
  stage0_integrity: {blocking: [invariants.pnl_sums_match == true]}
  stage1_dev: {blocking: [perf.net_sharpe >= 0.3]}
  stage2_wf: {blocking: [robustness.dsr >= 0.5]}
  stage3_stress: {blocking: [stress.slippage_bps_2.net_sharpe >= 0.0]}
  stage4_paper_forward: {governance: manual_approval}
  stage5_pilot: {governance: two_key}
costs: {fee_bps: 1.0, slippage_bps: 1.0, funding_bps_daily: 0.0}
stress_grid: [{name: slippage_bps_2, slippage_bps: 2.0}]
governance: {allow_live: false, approvers: [], keys: 2, cooldown: 10d, max_live_slots: 3}
"""


class Lab:
    """A folder in which runs are handed in and judged."""

    def __init__(self, folder: Path, *, workers: int = 1, now: datetime = NOW) -> None:
        self.folder, self.now = folder, now
        self.inbox, self.lake = folder / "data/inbox", folder / "data/lake"
        self.worlds, self.config = folder / "config/worlds", folder / "config/platform.yaml"
        self.worlds.mkdir(parents=True, exist_ok=True)
        self.config.write_text(f"workers: {workers}\n")
        self.world()

    def world(self, change: Callable[[dict[str, Any]], object] | None = None, name: str = "toy") -> Path:
        """Write a world file, the small world with changes."""
        document = yaml.safe_load(WORLD)
        if change:
            change(document)
        file = self.worlds / f"{name}.yaml"
        file.write_text(yaml.safe_dump(document))
        return file

    def hand_in(self, seed: int, day: str = DAY, *, sharpe: float = 2.0, days: int = DAYS_OF_A_RUN, **told: Any) -> str:
        """Hand in a sound run that was sealed on `day`, and return its run_id."""
        cost_bps = told.pop("cost_bps", 1.0)
        described = {"world_id": WORLD_ID, "cohort_id": COHORT, "search": trial(seed), **told}
        manifest, tables = sample_bundle(seed, days, sharpe=sharpe, cost_bps=cost_bps, **described)
        sealed_on(write_bundle(self.inbox, manifest, tables), day)
        return manifest.run_id

    @contextmanager
    def evaluation(self, on_step: Step = no_step) -> Iterator[Evaluation]:
        """Open the evaluation of this place; its lake tells `on_step` of every step of every write."""
        settings = load_evaluation_settings(self.config)
        with open_evaluation(settings, now=lambda: self.now) as opened:
            yield replace(opened, lake=Lake(settings.lake, on_step=on_step))

    def evaluate(self, *days: str, on_step: Step = no_step) -> list[str]:
        """Judge what waits, or the given days, write reports, and return the days."""
        with self.evaluation(on_step) as opened:
            chosen = list(days) or waiting_days(opened, receive(opened))
            if chosen:
                run_all(opened, chosen, "run")
            return chosen

    def judge(self, *days: str) -> list[str]:
        """Judge what waits, or the given days, without writing reports."""
        with self.evaluation() as opened:
            chosen = list(days) or waiting_days(opened, receive(opened))
            for step in steps(stage for stage in STAGES if stage.name != "evaluation_reports"):
                refuse_failed(PIPELINE.run_step(opened, step, chosen, "run").manifests)
            return chosen

    def waiting(self) -> list[str]:
        """The days that wait."""
        with self.evaluation() as opened:
            return waiting_days(opened, receive(opened))

    def overview(self, *days: str) -> Overview:
        """What is shown of some days."""
        with self.evaluation() as opened:
            return overview(opened, days)

    def rows(self, dataset: str, table: str, day: str = DAY) -> list[dict[str, Any]]:
        """The rows of a table, through the gate."""
        return rows_of(Lake(self.lake).open(dataset, day), table)

    def metrics(self, run_id: str, dataset: str = "evaluation_metrics", day: str = DAY) -> dict[str, Any]:
        """A run's metrics in a dataset, by name."""
        table = {"evaluation_metrics": "metrics", "overfitting_controls": "controls", "portfolio_fit": "fit"}[dataset]
        rows = [row for row in self.rows(dataset, table, day) if row["run_id"] == run_id]
        return {
            row["metric"]: next((row[k] for k in ("number", "flag", "text") if row[k] is not None), None)
            for row in rows
        }

    def verdict(self, run_id: str) -> dict[str, Any]:
        """The latest EvaluationRun of a run in the ledger."""
        return self.revisions(run_id)[-1]

    def revisions(self, run_id: str) -> list[dict[str, Any]]:
        """Every EvaluationRun of a run in the ledger."""
        with self.evaluation() as opened:
            (stream,) = [name for name in opened.ledger.streams("evaluation/") if name.endswith(f"/{run_id}")]
            return [revision.body for revision in opened.ledger.read(stream)]

    def results(self, run_id: str, rule: str) -> list[dict[str, Any]]:
        """What one rule says of a run."""
        return [result for result in self.verdict(run_id)["validation"]["results"] if result["rule"] == rule]

    def flags(self, run_id: str) -> set[str]:
        """The signs of gaming that were seen in a run."""
        return {result["reason_code"] for result in self.results(run_id, "gaming")}

    def report(self, run_id: str) -> dict[str, Any]:
        """A run's evaluation_report.json."""
        file = self.lake / "reports/runs" / run_id / "evaluation_report.json"
        document: dict[str, Any] = canon.parse(file.read_bytes())
        return document

    def reports(self) -> dict[str, bytes]:
        """The bytes of every artifact of every run, and of the index."""
        home = self.lake / "reports"
        files = [path for path in sorted(home.glob("**/*.*")) if path.is_file()]
        return {str(path.relative_to(home)).removeprefix("runs/"): path.read_bytes() for path in files}

    def manifests(self) -> dict[str, bytes]:
        """The bytes of every manifest of every day."""
        return {
            str(path.relative_to(self.lake)): path.read_bytes() for path in sorted(self.lake.glob("*/*/MANIFEST.json"))
        }

    def ledger_heads(self) -> dict[str, int]:
        """How many revisions each stream of the ledger has."""
        with self.evaluation() as opened:
            return {head.stream: head.number for head in opened.ledger.heads()}


def trial(index: int, declared: int = 1) -> dict[str, Any]:
    """What a manifest says of the search that found it."""
    return {"declared_trials": declared, "trial_index": 0, "parameters": {"lookback": index}}


def sealed_on(folder: Path, day: str) -> Path:
    """Let a bundle have been sealed at noon of a day."""
    noon = datetime.combine(datetime.fromisoformat(day).date(), time(12), UTC).timestamp()
    os.utime(folder / COMPLETE, (noon, noon))
    return folder
