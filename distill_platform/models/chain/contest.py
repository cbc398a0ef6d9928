"""The contest: all models of a line's week run on the same bars, at the same costs, measured window by window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from distill_platform.core.canon import sig_hash
from distill_platform.models.artifacts.manifest import ArtifactReference
from distill_platform.models.chain.entrants import Entrant, Role, run_of, scores_of
from distill_platform.models.chain.fitted import WITHOUT_EVENTS
from distill_platform.models.chain.material import Material
from distill_platform.models.forward_window import Opening
from distill_platform.models.frames import Floats, FrameVersions
from distill_platform.models.information import (
    DailyValues,
    InformationValue,
    daily_net,
    daily_rank_ic,
    information_value,
)
from distill_platform.models.model_runs import ModelRun
from distill_platform.models.policy import Policy
from distill_platform.models.promotion.case import ContenderRun, WindowResult, window_result
from distill_platform.models.validation.windows import Window
from distill_platform.strategies.bundles.bundle import Bundle
from distill_platform.strategies.bundles.content import steps_sha256
from distill_platform.strategies.bundles.manifest import ModelReference, RunManifest
from distill_platform.strategies.terms import Terms


@dataclass(frozen=True, eq=False)
class Entry:
    """An entrant with its sealed artifact."""

    entrant: Entrant
    reference: ArtifactReference


@dataclass(frozen=True, eq=False)
class Bout:
    """One entry's run, and what it made in each window. `scores` are by bar and symbol, over all windows."""

    entry: Entry
    run: ModelRun = field(repr=False)
    scores: Floats = field(repr=False)
    validation: WindowResult
    forward: WindowResult

    @property
    def turnover_per_day(self) -> float:
        """Return the traded value over equity per day, both ways."""
        return float(np.sum(self.run.result.steps["turnover"].to_numpy())) / max(len(self.run.result.daily), 1)

    @property
    def bundle(self) -> Bundle:
        """Return the run as it would be read back; it has no files, so its hash is that of manifest and steps."""
        manifest, tables = self.run.manifest, self.run.tables
        sha256 = sig_hash({"manifest": manifest.model_dump(mode="json"), "steps": steps_sha256(tables["steps"])})
        rest = {name: tables.get(name) for name in ("trades", "daily", "orders", "folds")}
        return Bundle(manifest, tables["steps"], sha256=sha256, **rest)


@dataclass(frozen=True, eq=False)
class Contest:
    """All runs of a line's week; `trials` is how many were tried for them, the openings of others included."""

    material: Material = field(repr=False)
    bouts: tuple[Bout, ...]
    trials: int

    def bout(self, name: str) -> Bout | None:
        """Return the bout of an entrant, None for one that did not enter."""
        return next((bout for bout in self.bouts if bout.entry.entrant.name == name), None)

    def of_role(self, role: Role) -> tuple[Bout, ...]:
        """Return the bouts of all entrants of a role, in order."""
        return tuple(bout for bout in self.bouts if bout.entry.entrant.role is role)

    def information(self) -> dict[str, InformationValue]:
        """Return what events were worth out of sample, by measure: the teacher with them less the one without.

        Empty where one of the two did not enter.
        """
        seeing, blind = self.bout(str(Policy(100))), self.bout(WITHOUT_EVENTS)
        if seeing is None or blind is None:
            return {}
        frame, seed = self.material.frame, self.material.line.significance.seed
        after = frame.features.ts >= self.material.windows.validation.start_ns

        def rank_ic(bout: Bout) -> DailyValues:
            return daily_rank_ic(frame.rows(after), bout.entry.entrant.model.scores(frame.features)[after])

        nets = daily_net(seeing.run.result.daily), daily_net(blind.run.result.daily)
        pairs = {"net_return_per_day": nets, "rank_ic_per_day": (rank_ic(seeing), rank_ic(blind))}
        return {measure: information_value(*both, seed) for measure, both in pairs.items()}

    def information_rows(self, line: str) -> Iterator[dict[str, Any]]:
        """Yield `information` as rows of a table; a number that is not finite is None."""
        for measure, found in self.information().items():
            yield {"line": line, "measure": measure, **{n: _finite(value) for n, value in asdict(found).items()}}


def hold_contest(material: Material, entries: Sequence[Entry], terms: Terms, trials: int) -> Contest:
    """Return the runs of all entries, each with the number of `trials`; the forward window must have been opened.

    Errors: `run_of`, `window_result`.
    """
    bouts = []
    for number, entry in enumerate(entries):
        scores, reference = scores_of(entry.entrant, material), entry.reference
        named = ModelReference(
            name=reference.name, version=reference.version, artifact_sha256=reference.artifact_sha256
        )
        own = terms if entry.entrant.role is Role.CANDIDATE else beside(terms)
        bouts.append(
            _bout(entry, run_of(entry.entrant, scores, material, own, named, (number, trials)), scores, material)
        )
    return Contest(material, tuple(bouts), trials)


def beside(terms: Terms) -> Terms:
    """Return the terms of control arms and ablations: a cohort of their own, beside that of the candidates.

    Nobody chooses a control arm. Among the candidates, what it loses would widen the spread of their Sharpe ratios and
    with it the hurdle that luck sets: the better a candidate beats its arms, the less it would be believed.
    """
    return replace(terms, cohort_id=f"{terms.cohort_id}-beside", campaign_id=f"{terms.campaign_id}-beside")


def trials_of(entries: Sequence[Entry], searched: int, opening: Opening) -> int:
    """Return how many were tried: in the search, all that entered, and the candidates of others on the same window."""
    return searched + len(entries) + opening.trials - len(opening.recorded.request.candidates)


def contender_run(bout: Bout, fitted: Window) -> ContenderRun:
    """Return a bout as a promotion looks at it; `fitted` is the time that its sealed model knows."""
    manifest = bout.run.manifest
    return ContenderRun(
        artifact=bout.entry.reference,
        policy=None if manifest.ensemble_policy is None else str(manifest.ensemble_policy),
        run_source=manifest.run_source.value,
        score_source=manifest.score_source.value,
        data_regime=manifest.data_regime.value,
        fitted=fitted,
        versions=_seen(manifest),
        declared_trials=manifest.search.declared_trials,
        validation=bout.validation,
        forward=bout.forward,
    )


def _bout(entry: Entry, run: ModelRun, scores: Floats, material: Material) -> Bout:
    book, windows = run.result.book, material.windows
    results = (window_result(book.bars.ts, book.ret_net, window) for window in (windows.validation, windows.forward))
    return Bout(entry, run, scores, *results)


def _seen(manifest: RunManifest) -> FrameVersions:
    """Return the versions of the frame that a run scored, as its sealed nodes say them."""
    params = {name: value for node in manifest.nodes for name, value in node.params.items()}
    return FrameVersions(
        *(str(params[name]) for name in ("schema_hash", "feature_version", "data_version", "lineage_id"))
    )


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
