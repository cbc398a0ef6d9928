"""Confirming: the frozen candidates of a week, seen once on a forward window that is opened in the ledger first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from distill_platform.core.canon import sig_hash
from distill_platform.core.errors import LineRefused
from distill_platform.models.artifacts.manifest import ArtifactReference
from distill_platform.models.chain.contest import Contest, Entry, trials_of
from distill_platform.models.chain.entrants import Entrant, Role, tabular_candidate
from distill_platform.models.chain.fitted import Fitted, fit_tabular
from distill_platform.models.chain.material import Material
from distill_platform.models.chain.sealing import ensemble_draft, fitted_draft
from distill_platform.models.chain.trial import chosen
from distill_platform.models.forward_window import Opening, open_window
from distill_platform.models.frames import Floats
from distill_platform.models.line import ModelLine
from distill_platform.models.search.stages import Candidate, Handover
from distill_platform.models.stage import Models, code_version, each_line, publish, refusals
from distill_platform.models.stages.contending import contest_of, enter, this_code
from distill_platform.models.stages.framing import read_material
from distill_platform.models.stages.registering import ACTOR, register, version_of
from distill_platform.models.stages.searching import handed_on, stages_of
from distill_platform.models.stages.shelf import model_row, score_rows
from distill_platform.store.lake import Counts, Input, Manifest
from distill_platform.store.lake.laws import check
from distill_platform.store.lake.tables import MadeTables

_WINDOWS = ("validation", "forward")


@dataclass(frozen=True, eq=False)
class _Frozen:
    """A line's candidates, sealed, for whom its forward window is open."""

    material: Material
    finalists: tuple[Mapping[str, Any], ...]
    scores: tuple[Mapping[str, Any], ...]
    entries: Sequence[Entry]
    searched: int

    @property
    def candidates(self) -> list[str]:
        """Return the hashes of those who may be promoted."""
        candidates = (entry for entry in self.entries if entry.entrant.role is Role.CANDIDATE)
        return [entry.reference.artifact_sha256 for entry in candidates]


@dataclass(frozen=True)
class _Confirmed:
    """What a line's finalists came to."""

    finalists: tuple[Mapping[str, Any], ...]
    scores: tuple[Mapping[str, Any], ...]
    opening: Opening
    searched: int
    contest: Contest


def confirm_weeks(models: Models, _names: Sequence[str], weeks: Sequence[str]) -> list[Manifest]:
    """Return the published weeks of `hpo_confirmation`; a line whose forward window is spent is refused."""
    manifests = []
    for done, week in enumerate(weeks, 1):
        manifests.append(publish(models, "hpo_confirmation", week, _confirm(models, week)))
        models.progress("hpo_confirmation", done, len(weeks))
    return manifests


def _confirm(models: Models, week: str) -> MadeTables:
    """Return the tables of a week. All lines open their windows before anybody looks: each counts all who will look."""
    inputs: dict[str, Input] = {}
    frozen, refused = each_line(models, _freeze, week, inputs)
    reasons = {failure.line: failure.reason for failure in refused}
    return _tables(*each_line(models, _confirmed, frozen, reasons, week, inputs), inputs)


def _tables(made: Mapping[str, _Confirmed], failures: Sequence[Any], inputs: dict[str, Input]) -> MadeTables:
    windows = [row for line, one in made.items() for row in _window_rows(line, one.contest)]
    tables = {
        "windows": windows,
        "openings": [_opening_row(line, one) for line, one in made.items()],
        "models": [row for one in made.values() for row in one.finalists],
        "scores": [row for one in made.values() for row in one.scores],
        "information": [row for line, one in made.items() for row in one.contest.information_rows(line)],
        "refused": [failure.row() for failure in failures],
    }
    unopened = [
        row["name"]
        for line, one in made.items()
        for row in _window_rows(line, one.contest)
        if row["role"] == Role.CANDIDATE and row["artifact_sha256"] not in one.opening.recorded.request.candidates
    ]
    told = "candidates that looked at a forward window that was not opened for them"
    checks = [check("provenance", told, len(unopened), sample=unopened)]
    counts = Counts(len(windows) + len(failures), len(windows), quarantined=refusals(failures))
    return MadeTables(tables, inputs, counts, checks)


def _freeze(models: Models, line: ModelLine, week: str, inputs: dict[str, Input]) -> _Frozen:
    material, read = read_material(models, line, week)
    inputs |= read
    handover = handed_on(models, line, week, "hpo_refinement", inputs)
    settled = stages_of(models, material, week).finalists(handover)
    finalists = [_finalist(models, material, candidate, handover, week) for candidate in settled]
    rows = tuple(row for finalist in finalists for row in (finalist.member, finalist.candidate))
    entries = enter(models, material, week, inputs, [(each.candidate, each.scores) for each in finalists])
    scores = tuple(row for each in finalists for row in each.score_rows(material))
    found = _Frozen(material, rows, scores, entries, handover.n_trials)
    open_forward(models, material, week, found.candidates)
    return found


def _confirmed(
    models: Models,
    line: ModelLine,
    all_frozen: Mapping[str, _Frozen],
    reasons: Mapping[str, str],
    week: str,
    inputs: dict[str, Input],
) -> _Confirmed:
    if line.name in reasons:
        raise LineRefused(reasons[line.name])
    frozen = all_frozen[line.name]
    material, entries = frozen.material, frozen.entries
    opening = open_forward(models, material, week, frozen.candidates)
    seen = sig_hash([opening.number, len(opening.overlapping), list(opening.candidates_seen)])
    inputs[f"openings_of_{material.line.name}"] = Input(seen, seen)
    contest = contest_of(models, material, week, entries, trials_of(entries, frozen.searched, opening), this_code())
    return _Confirmed(frozen.finalists, frozen.scores, opening, frozen.searched, contest)


def open_forward(models: Models, material: Material, week: str, candidates: Sequence[str]) -> Opening:
    """Return leave to look at the forward window with these candidates, or the same leave that was given before.

    Raises ForwardWindowSpent for a line that has looked at some of it with others.
    """
    window = material.windows.forward
    return open_window(
        models.ledger,
        material.line.market,
        start_ns=window.start_ns,
        end_ns=window.end_ns,
        lineage=material.line.name,
        candidates=candidates,
        reason=f"the candidates of the week of {week}",
        actor=ACTOR,
    )


@dataclass(frozen=True, eq=False)
class _Finalist:
    """A finalist as two rows of models, its trees and what trades by them; scores in units of their spread."""

    member: Mapping[str, Any]
    candidate: Mapping[str, Any]
    scores: Floats

    def score_rows(self, material: Material) -> Iterator[Mapping[str, Any]]:
        """Yield what it said out of fold as rows of scores."""
        return score_rows(self.candidate["line"], self.candidate["name"], material, self.scores)


def _finalist(models: Models, material: Material, candidate: Candidate, handover: Handover, week: str) -> _Finalist:
    """Return a finalist of the search, fitted on the whole search window and sealed."""
    line = material.line
    teacher, sizing = chosen(line.teacher, line.sizing, candidate.parameters)
    member = fit_tabular(material, name=f"finalist_{candidate.rank}_trees", settings=teacher)
    entrant = tabular_candidate(f"finalist_{candidate.rank}", member, sizing, candidate.parameters)
    own = _sealed_member(models, material, member, week, handover.n_trials)
    sealed = _sealed_candidate(models, material, entrant, own, member, week, handover.n_trials)
    report = {**member.report, "parameters": candidate.parameters, "hold_bars": sizing.hold_bars}
    return _Finalist(
        model_row(own, Role.MEMBER, member.scale, member.report),
        model_row(sealed, Role.CANDIDATE, 1.0, report, policy=str(entrant.policy)),
        member.out_of_fold.scores / member.scale,
    )


def _sealed_member(models: Models, material: Material, member: Fitted, week: str, trials: int) -> ArtifactReference:
    draft = fitted_draft(material, member, version_of(material, week), code_version(), trials)
    return register(models, models.artifacts.seal(draft, member.model.files()).reference, week)


def _sealed_candidate(
    models: Models,
    material: Material,
    entrant: Entrant,
    own: ArtifactReference,
    member: Fitted,
    week: str,
    trials: int,
) -> ArtifactReference:
    version = version_of(material, week)
    draft = ensemble_draft(material, entrant, [(own, member)], version, code_version(), trials)
    return register(models, models.artifacts.seal(draft, entrant.model.files()).reference, week)


def _window_rows(line: str, contest: Contest) -> Iterator[dict[str, Any]]:
    for bout in contest.bouts:
        for name in _WINDOWS:
            result = getattr(bout, name)
            yield {
                "line": line,
                "name": bout.entry.entrant.name,
                "role": bout.entry.entrant.role.value,
                "artifact_sha256": bout.entry.reference.artifact_sha256,
                "window": name,
                "days": result.days,
                "pnl_after_cost": result.pnl_after_cost,
                "max_drawdown": result.max_drawdown,
                "turnover_per_day": bout.turnover_per_day,
                "sharpe": result.sharpe,
            }


def _opening_row(line: str, one: _Confirmed) -> dict[str, Any]:
    opening = one.opening
    return {
        "line": line,
        "number": opening.number,
        "opened_at": opening.recorded.opened_at,
        "openings": len(opening.overlapping),
        "candidates_seen": opening.trials,
        "searched": one.searched,
        "trials": one.contest.trials,
    }
