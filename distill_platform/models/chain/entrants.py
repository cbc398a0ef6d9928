"""Entrants: the fitted models that are compared with each other, control arms and candidates, and how they trade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from distill_platform.models.blending import Blend
from distill_platform.models.chain.fitted import Fitted
from distill_platform.models.chain.material import Material
from distill_platform.models.ensemble import Ensemble, alone
from distill_platform.models.frames import Floats
from distill_platform.models.model_runs import Contender, ModelRun, decided_scores, make_model_run
from distill_platform.models.policy import Policy
from distill_platform.models.positions import SizingSettings
from distill_platform.models.scoring import Scorer
from distill_platform.strategies.bundles.manifest import ModelReference
from distill_platform.strategies.terms import Terms


class Role(StrEnum):
    """What an entrant is there for."""

    ARM = "arm"
    """To be beaten: frozen, on bars alone."""
    CANDIDATE = "candidate"
    """To be promoted, if it deserves it."""
    MEMBER = "member"
    """Part of candidates, and none itself."""
    ABLATION = "ablation"
    """To show what a part of a candidate adds; never promoted."""


@dataclass(frozen=True, eq=False)
class Entrant:
    """A model with its scores out of fold in the search window, in units of `scale`, and how it sizes positions.

    An arm that was frozen before this week has no scores out of fold: `search_scores` is None.
    """

    name: str
    role: Role
    model: Scorer = field(repr=False)
    search_scores: Floats | None = field(repr=False)
    scale: float
    policy: Policy | None
    sizing: SizingSettings
    parameters: Mapping[str, Any] = field(default_factory=dict)


def arm(fitted: Fitted, sizing: SizingSettings) -> Entrant:
    """Return a control arm as it enters."""
    return Entrant(fitted.name, Role.ARM, fitted.model, fitted.out_of_fold.scores, fitted.scale, None, sizing)


def tabular_candidate(name: str, fitted: Fitted, sizing: SizingSettings, parameters: Mapping[str, Any]) -> Entrant:
    """Return a tabular model as a candidate of its own, under the policy `tabular_only`."""
    model = alone(fitted.model, fitted.scale)
    scores = fitted.out_of_fold.scores / fitted.scale
    return Entrant(name, Role.CANDIDATE, model, scores, 1.0, model.policy, sizing, parameters)


def ensemble_candidates(tabular: Fitted, network: Fitted, blend: Blend, sizing: SizingSettings) -> list[Entrant]:
    """Return the policies that the two models allow: each alone, and the blend if one of both is better."""
    found = [tabular_candidate(str(Policy(100)), tabular, sizing, {})]
    only_network = Ensemble(Policy(0), None, network.model, 1.0, network.scale, 1.0)
    scores = network.out_of_fold.scores / network.scale
    found.append(Entrant(str(Policy(0)), Role.CANDIDATE, only_network, scores, 1.0, Policy(0), sizing))
    if blend.policy.uses_tabular and blend.policy.uses_network:
        model = Ensemble(
            blend.policy, tabular.model, network.model, blend.tabular_scale, blend.network_scale, blend.scale
        )
        scores = blend.scores / blend.scale
        found.append(Entrant(str(blend.policy), Role.CANDIDATE, model, scores, 1.0, blend.policy, sizing))
    return found


def without_events(fitted: Fitted, sizing: SizingSettings) -> Entrant:
    """Return the teacher's procedure on bars alone: what events add is seen beside it."""
    scores = fitted.out_of_fold.scores
    return Entrant(fitted.name, Role.ABLATION, fitted.model, scores, fitted.scale, None, sizing)


def scores_of(entrant: Entrant, material: Material) -> Floats:
    """Return an entrant's scores by bar and symbol of the market, shape (T, N): see `decided_scores`.

    Those of the forward window are among them: it must have been opened before.
    """
    search = material.search.features
    own = np.full(len(search), np.nan) if entrant.search_scores is None else entrant.search_scores
    return decided_scores(entrant.model, material.frame.features, search, own, material.windows, material.market.bars)


def run_of(
    entrant: Entrant, scores: Floats, material: Material, terms: Terms, model: ModelReference, trial: Sequence[int]
) -> ModelRun:
    """Return the run of an entrant over validation and forward window; `trial` is its number, and of how many.

    `model` names its sealed artifact. Errors: `make_model_run`.
    """
    line = material.line
    contender = Contender(
        line=line.name,
        name=entrant.name,
        policy=None if entrant.policy is None else str(entrant.policy),
        model=model,
        versions=material.frame.features.versions,
        scores=scores,
        scale=entrant.scale,
        seeds={"teacher": line.teacher.seed, "student": line.student.seed, "search": line.search.seed},
        declared_trials=trial[1],
        trial_index=trial[0],
        parameters=entrant.parameters,
    )
    return make_model_run(contender, material.market, material.windows, terms, entrant.sizing, line.bar_ns)
