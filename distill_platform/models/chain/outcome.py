"""The outcome of a chain: from bars and events to who has earned to be tried, in memory, without lake or ledger.

The stages of a week do the same with sealed files and a ledger between the steps. Here artifacts are named by the
hashes of their manifests, the forward window is opened by a value, and the world judges what it has never seen before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from distill_platform.core.canon import sig_hash
from distill_platform.core.utc import from_epoch
from distill_platform.evaluation.assessing import assess, verdict
from distill_platform.models.artifacts.manifest import ArtifactReference
from distill_platform.models.blending import Blend
from distill_platform.models.chain.contest import Bout, Contest, Entry, contender_run, hold_contest, trials_of
from distill_platform.models.chain.entrants import Entrant, Role, arm, ensemble_candidates, without_events
from distill_platform.models.chain.fitted import (
    STUDENT,
    TEACHER,
    WITHOUT_EVENTS,
    Fitted,
    blend_of,
    fit_arms,
    fit_network,
    fit_tabular,
    null_of,
    prove_teacher,
)
from distill_platform.models.chain.material import Findings, Material, findings_of, material_of
from distill_platform.models.chain.sealing import ensemble_draft, fitted_draft
from distill_platform.models.features.bar_grid import BarGrid
from distill_platform.models.features.causality import Build
from distill_platform.models.forward_window import Opening, RecordedOpening, WindowRequest
from distill_platform.models.information import InformationValue
from distill_platform.models.leniency import promotion_asks_less
from distill_platform.models.line import ModelLine
from distill_platform.models.promotion.case import GuardFindings, PromotionCase, WorldVerdict
from distill_platform.models.promotion.deciding import PromotionDecision, decide_promotion
from distill_platform.models.promotion.reasons import ReasonCode
from distill_platform.models.significance import NullDistribution
from distill_platform.models.terms import terms_of
from distill_platform.policy.words import Status
from distill_platform.policy.world import World
from distill_platform.strategies.words import DataRegime

_UNCOMMITTED = "0" * 40
_IN_MEMORY = "in memory"
_NS = 1_000_000_000


@dataclass(frozen=True, eq=False)
class CandidateOutcome:
    """A candidate's run, what its world says of it, and what was decided."""

    bout: Bout
    verdict: WorldVerdict
    decision: PromotionDecision

    @property
    def name(self) -> str:
        """Return the candidate's name."""
        return self.bout.entry.entrant.name

    @property
    def codes(self) -> frozenset[ReasonCode]:
        """Return the codes of all reasons against it."""
        return frozenset(reason.code for reason in self.decision.reasons)


@dataclass(frozen=True, eq=False)
class ChainOutcome:
    """What a chain came to. `information` is what events were worth out of sample, empty for a line without them."""

    findings: Findings
    fitted: dict[str, Fitted] = field(repr=False)
    null: NullDistribution
    blend: Blend
    contest: Contest = field(repr=False)
    candidates: tuple[CandidateOutcome, ...]
    information: dict[str, InformationValue]

    @property
    def recommended(self) -> tuple[str, ...]:
        """Return the names of the candidates that are recommended."""
        return tuple(each.name for each in self.candidates if each.decision.is_recommended)

    @property
    def reasons(self) -> Counter[ReasonCode]:
        """Return how many candidates each reason stands against."""
        return Counter(code for each in self.candidates for code in each.codes)


def run_chain(
    line: ModelLine,
    world: World,
    grid: BarGrid,
    events: pa.Table | None,
    as_of_ns: int,
    *,
    regime: DataRegime,
    build: Build | None = None,
) -> ChainOutcome:
    """Return what comes of a line in the week that ends at `as_of_ns`, up to the decision on each candidate.

    Nothing is searched: candidates are the policies of teacher and student. `regime` says what the bars are; only live
    ones count for release. `build` is how features are made, by default as the line says. The same arguments give the
    same outcome to the bit.

    Errors: those of the steps, which are called in the order of the stages of a week.
    """
    material = material_of(line, grid, events, as_of_ns, build)
    findings, null = findings_of(material, grid, events, build), null_of(material)
    fitted = _fitted(material)
    blend = blend_of(material, fitted[TEACHER], fitted[STUDENT])
    entries = _entries(material, fitted, blend)
    opening = _opening(material, entries)
    terms = terms_of(line, world, "in-memory", regime, _IN_MEMORY, _UNCOMMITTED)
    contest = hold_contest(material, entries, terms, trials_of(entries, 0, opening))
    prove_teacher(material, fitted[TEACHER].out_of_fold)
    guard = guard_findings(findings, null, teacher_was_out_of_fold=True)
    return ChainOutcome(
        findings, fitted, null, blend, contest, _decided(contest, world, guard, opening), contest.information()
    )


def guard_findings(findings: Findings, null: NullDistribution, *, teacher_was_out_of_fold: bool) -> GuardFindings:
    """Return what the guards say, each feature named once."""
    leaks = tuple(dict.fromkeys(leak.feature for leak in findings.leaks))
    suspicious = tuple(dict.fromkeys(each.feature for each in findings.suspicious))
    return GuardFindings(null.p_value, leaks, suspicious, teacher_was_out_of_fold)


def _fitted(material: Material) -> dict[str, Fitted]:
    """Return all models of the search window by name: arms, teacher, student, and the teacher without events."""
    fitted = fit_arms(material)
    fitted[TEACHER] = fit_tabular(material)
    if material.line.features.events is not None:
        fitted[WITHOUT_EVENTS] = fit_tabular(material, name=WITHOUT_EVENTS, names=material.line.bar_features)
    fitted[STUDENT] = fit_network(material, fitted[TEACHER].out_of_fold)
    return fitted


def _entries(material: Material, fitted: dict[str, Fitted], blend: Blend) -> list[Entry]:
    """Return everybody who enters, each with the reference that sealing would give it."""
    sizing = material.line.sizing
    references = {name: _reference(material, one) for name, one in fitted.items()}
    alone = {
        name: without_events(one, sizing) if name == WITHOUT_EVENTS else arm(one, sizing)
        for name, one in fitted.items()
        if name not in (TEACHER, STUDENT)
    }
    entries = [Entry(entrant, references[name]) for name, entrant in alone.items()]
    for entrant in ensemble_candidates(fitted[TEACHER], fitted[STUDENT], blend, sizing):
        members = [(references[name], fitted[name]) for name in _members(entrant)]
        entries.append(Entry(entrant, _ensemble_reference(material, entrant, members)))
    return entries


def _members(entrant: Entrant) -> list[str]:
    policy = entrant.policy
    return [] if policy is None else [TEACHER] * policy.uses_tabular + [STUDENT] * policy.uses_network


def _reference(material: Material, fitted: Fitted) -> ArtifactReference:
    draft = fitted_draft(material, fitted, _version(material), _IN_MEMORY, 1)
    return draft.with_files(fitted.model.files()).reference


def _ensemble_reference(
    material: Material, entrant: Entrant, members: list[tuple[ArtifactReference, Fitted]]
) -> ArtifactReference:
    draft = ensemble_draft(material, entrant, members, _version(material), _IN_MEMORY, 1)
    return draft.with_files(entrant.model.files()).reference


def _version(material: Material) -> str:
    return sig_hash([material.frame.features.versions.lineage_id, material.line.sha256])[:12]


def _opening(material: Material, entries: Sequence[Entry]) -> Opening:
    """Return the opening of the forward window by these candidates, the first and only one."""
    window = material.windows.forward
    candidates = sorted(e.reference.artifact_sha256 for e in entries if e.entrant.role is Role.CANDIDATE)
    request = WindowRequest(
        start_ns=window.start_ns,
        end_ns=window.end_ns,
        lineage=material.line.name,
        candidates=candidates,
        reason="the candidates of this chain",
    )
    opened = RecordedOpening(1, request, from_epoch(window.end_ns / _NS), _IN_MEMORY)
    return Opening(opened, False, (opened,), tuple(candidates))


def _decided(contest: Contest, world: World, guard: GuardFindings, opening: Opening) -> tuple[CandidateOutcome, ...]:
    """Return what the world says of each candidate beside the others, and what is decided then."""
    material, candidates = contest.material, contest.of_role(Role.CANDIDATE)
    versions = material.frame.features.versions
    arms = {bout.entry.reference.name: bout.entry.reference for bout in contest.of_role(Role.ARM)}
    runs = tuple(contender_run(bout, material.windows.search) for bout in contest.bouts)
    found = []
    for bout in candidates:
        judged = _world_verdict(bout, [other for other in candidates if other is not bout], world)
        case = PromotionCase(
            candidate=bout.entry.reference,
            policy=str(bout.entry.entrant.policy),
            arms=arms,
            runs=runs,
            sealed=versions,
            online=versions,
            verdict=judged,
            findings=guard,
            opening=opening,
            honest_trials=contest.trials,
            asks_less=promotion_asks_less(material.line),
        )
        found.append(CandidateOutcome(bout, judged, decide_promotion(case, material.line.promotion)))
    return tuple(found)


def _world_verdict(bout: Bout, others: Sequence[Bout], world: World) -> WorldVerdict:
    said = verdict(assess(bout.bundle, [other.bundle for other in others], world), world)
    against = tuple(result.reason for result in said.results if result.status is not Status.PASS)
    gates = {gate.stage: gate.status.value for gate in said.gates}
    return WorldVerdict(said.summary.status.value, gates, said.release.counts, against)
