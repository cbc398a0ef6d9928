"""Promoting: who of a week's candidates has earned to be tried, and why the others have not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from distill_platform.core.canon import dumps, sig_hash
from distill_platform.core.errors import LeakError
from distill_platform.core.utc import from_epoch
from distill_platform.evaluation.stage import ledger_input
from distill_platform.models.artifacts.manifest import ArtifactManifest
from distill_platform.models.chain.contest import Bout, Contest, contender_run, trials_of
from distill_platform.models.chain.entrants import Role
from distill_platform.models.chain.fitted import TEACHER, prove_teacher
from distill_platform.models.chain.material import Findings, Material
from distill_platform.models.chain.outcome import guard_findings
from distill_platform.models.features.schema import FEATURE_VERSION, schema_hash
from distill_platform.models.forward_window import Opening
from distill_platform.models.frames import FrameVersions
from distill_platform.models.leniency import promotion_asks_less
from distill_platform.models.line import ModelLine
from distill_platform.models.promotion.case import (
    ContenderRun,
    GuardFindings,
    PromotionCase,
)
from distill_platform.models.promotion.deciding import PromotionDecision, PromotionStatus, decide_promotion
from distill_platform.models.promotion.verdict import world_verdict
from distill_platform.models.registry import registry_view
from distill_platform.models.rollout.entering import Entered, Recommended, best_of, enter_shadow
from distill_platform.models.significance import NullDistribution
from distill_platform.models.stage import LineFailure, Models, each_line, publish, refusals
from distill_platform.models.stages.confirming import open_forward
from distill_platform.models.stages.framing import read_findings
from distill_platform.models.stages.reading import symbols_of
from distill_platform.models.stages.reporting import write_index, write_pages
from distill_platform.models.stages.running import handed_in_bundles, read_confirmed, read_contest
from distill_platform.models.stages.shelf import Shelf
from distill_platform.models.validation.windows import Window
from distill_platform.models.weeks import end_ns
from distill_platform.store.lake import Counts, Input, Manifest
from distill_platform.store.lake.laws import check
from distill_platform.store.lake.tables import MadeTables, open_partition, rows_of


@dataclass(frozen=True, eq=False)
class Promotion:
    """A candidate's bout and what was decided of it."""

    bout: Bout = field(repr=False)
    case: PromotionCase = field(repr=False)
    decision: PromotionDecision


@dataclass(frozen=True)
class Guard:
    """What the guards said of a line's week; `proof` is the teacher's, verified anew, None if it does not hold."""

    null: NullDistribution | None
    findings: Findings
    proof: str | None

    def of(self, sealed: ArtifactManifest) -> GuardFindings | None:
        """Return what is known of one candidate's training: whoever was taught must have been taught by that proof."""
        holds = self.proof is not None and sealed.teacher_proof in (None, self.proof)
        if self.null is None:
            return None
        return guard_findings(self.findings, self.null, teacher_was_out_of_fold=holds)


@dataclass(frozen=True, eq=False)
class Decided:
    """A line's week: who met whom, what was decided on each candidate, and what the guards had to say.

    `entered` says what became of the best of those who are recommended, by artifact hash.
    """

    contest: Contest = field(repr=False)
    promotions: tuple[Promotion, ...]
    opening: Opening
    guard: Guard
    entered: Mapping[str, Entered] = field(default_factory=dict)


def decide_line(models: Models, line: ModelLine, week: str, inputs: dict[str, Input]) -> Decided:
    """Return what was decided on each candidate of a line's week; errors for a line that was refused before."""
    contest = read_contest(models, line, week, inputs)
    confirmed = read_confirmed(models, line, week, inputs)
    entries = [bout.entry for bout in contest.bouts]
    candidates = [entry.reference.artifact_sha256 for entry in entries if entry.entrant.role is Role.CANDIDATE]
    opening = open_forward(models, contest.material, week, candidates)
    runs = tuple(_contender(models, bout) for bout in contest.bouts)
    arms = registry_view(models.ledger, line.name).arms
    guard = _guard(models, contest.material, week, inputs)
    served = FrameVersions(schema_hash(line.features, line.bar_ns, symbols_of(line)), FEATURE_VERSION, "", "")
    world, handed_in = models.settings.world_of(line), handed_in_bundles(models, line, week)
    chosen_from = [handed_in[bout.run.manifest.run_id] for bout in contest.of_role(Role.CANDIDATE)]
    promotions = []
    for bout in contest.bouts:
        if bout.entry.entrant.role is not Role.CANDIDATE:
            continue
        sealed, run = models.artifacts.open(bout.entry.reference).manifest, bout.run.manifest
        case = PromotionCase(
            candidate=bout.entry.reference,
            policy=sealed.ensemble_policy,
            arms=arms,
            runs=runs,
            sealed=_versions(sealed),
            online=served,
            verdict=world_verdict(models.ledger, run, handed_in[run.run_id], world, chosen_from),
            findings=guard.of(sealed),
            opening=opening,
            honest_trials=trials_of(entries, int(confirmed.opening["searched"]), opening),
            asks_less=promotion_asks_less(line),
        )
        promotions.append(Promotion(bout, case, decide_promotion(case, line.promotion)))
    return Decided(contest, tuple(promotions), opening, guard)


def _contender(models: Models, bout: Bout) -> ContenderRun:
    fitted = models.artifacts.open(bout.entry.reference).manifest.data_range
    known = Window(round(fitted.start.timestamp()) * 10**9, round(fitted.end.timestamp()) * 10**9)
    return contender_run(bout, known)


def _versions(sealed: ArtifactManifest) -> FrameVersions:
    return FrameVersions(
        sealed.feature_payload_schema_version, sealed.feature_version, sealed.data_version, sealed.lineage_id
    )


def _guard(models: Models, material: Material, week: str, inputs: dict[str, Input]) -> Guard:
    line = material.line
    found, read = open_partition(models.lake, "tabular_teacher", week)
    inputs |= read
    row = next((r for r in rows_of(found, "nulls") if r["line"] == line.name and r["name"] == TEACHER), None)
    null = None
    if row is not None:
        values = np.array(row["values"], dtype=np.float64)
        null = NullDistribution(row["observed"], values, row["block_bars"], line.significance.seed)
    return Guard(null, read_findings(models, line, week), _proof(models, material, week))


def _proof(models: Models, material: Material, week: str) -> str | None:
    """Return the hash of the teacher's proof, if its folds' models give its scores when they are fitted again."""
    try:
        return prove_teacher(material, Shelf(models, material, week).fitted("tabular_teacher", TEACHER).out_of_fold)
    except LeakError:
        return None


def promotion_weeks(models: Models, _names: Sequence[str], weeks: Sequence[str]) -> list[Manifest]:
    """Return the published weeks of `promotion_report`, after writing a page for every model that took part.

    Nobody is promoted by it: the best of those it recommends goes into shadow, is watched, and waits for people.
    """
    made: dict[str, MadeTables] = {}
    for done, week in enumerate(weeks, 1):
        inputs: dict[str, Input] = {}
        decided, failures = each_line(models, _decided, week, inputs)
        made[week] = _tables(models, week, decided, failures, inputs)
        models.progress("promotion_report", done, len(weeks))
    write_index(models, {week: tables.tables["pages"] for week, tables in made.items()})
    return [publish(models, "promotion_report", week, tables) for week, tables in made.items()]


def _decided(models: Models, line: ModelLine, week: str, inputs: dict[str, Input]) -> Decided:
    """Return what was decided, after the best of those who are recommended has entered the rollout, if it may."""
    decided = decide_line(models, line, week, inputs)
    best = best_of([_recommended(one) for one in decided.promotions if one.decision.is_recommended])
    entered: dict[str, Entered] = {}
    if best is not None:
        as_of = from_epoch(end_ns(week) / 10**9)
        entered[best.artifact.artifact_sha256] = enter_shadow(models.ledger, best, as_of)
    inputs[f"registry:{line.name}"] = ledger_input([entered])
    return replace(decided, entered=entered)


def _recommended(one: Promotion) -> Recommended:
    return Recommended(one.case.candidate, one.decision, one.bout.validation.pnl_after_cost)


def _tables(
    models: Models, week: str, made: Mapping[str, Decided], failures: Sequence[LineFailure], inputs: dict[str, Input]
) -> MadeTables:
    rows = [_row(line, one, decided) for line, decided in made.items() for one in decided.promotions]
    pages = [page for decided in made.values() for page in _pages(models, week, decided)]
    blind = [row["name"] for row in rows if row["status"] == PromotionStatus.RECOMMENDED and row["verdict"] is None]
    open_ = [row["name"] for row in rows if row["status"] == PromotionStatus.RECOMMENDED and row["reasons"] != "[]"]
    checks = [
        check("provenance", "recommendations of runs that no world has judged", len(blind), sample=blind),
        check("fail_closed", "recommendations with a reason against them", len(open_), sample=open_),
    ]
    said = sig_hash([[row["run_id"], row["verdict"], row["reasons"]] for row in rows])
    counts = Counts(len(rows) + len(failures), len(rows), quarantined=refusals(failures))
    tables = {"decisions": rows, "pages": pages, "refused": [failure.row() for failure in failures]}
    return MadeTables(tables, inputs | {"verdicts": Input(said, said)}, counts, checks)


def _pages(models: Models, week: str, decided: Decided) -> list[dict[str, Any]]:
    decisions = {one.decision.artifact_sha256: one.decision for one in decided.promotions}
    guard = decided.guard
    return list(write_pages(models, week, decided.contest, decisions, decided.opening, guard.null, guard.findings))


def _row(line: str, one: Promotion, decided: Decided) -> dict[str, Any]:
    reference, verdict = one.bout.entry.reference, one.case.verdict
    return {
        "line": line,
        "name": reference.name,
        "version": reference.version,
        "artifact_sha256": reference.artifact_sha256,
        "run_id": one.bout.run.manifest.run_id,
        "status": one.decision.status.value,
        "verdict": None if verdict is None else verdict.status,
        "reasons": dumps([reason.to_dict() for reason in one.decision.reasons]).decode(),
        "asks_less": list(one.decision.asks_less),
        "entered": decided.entered.get(reference.artifact_sha256, Entered.NOT).value,
    }
