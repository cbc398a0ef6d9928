"""A candidate that deserves its promotion, to be spoiled one thing at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from distill_platform.core.utc import EARLIEST
from distill_platform.models.artifacts.manifest import ArtifactReference
from distill_platform.models.forward_window import Opening, RecordedOpening, WindowRequest
from distill_platform.models.frames import FrameVersions
from distill_platform.models.promotion.case import (
    ContenderRun,
    GuardFindings,
    PromotionCase,
    WindowResult,
    WorldVerdict,
    window_result,
)
from distill_platform.models.promotion.settings import PromotionSettings
from distill_platform.models.validation.windows import Window
from distill_platform_tests.models.made_models import LINE, reference

HOUR = 3_600 * 10**9
WEEK = 168 * HOUR
START = 2_900 * WEEK + 4 * 24 * HOUR
FITTED = Window(START - 52 * WEEK, START)
VALIDATION = Window(START, START + 8 * WEEK)
FORWARD = Window(START + 8 * WEEK, START + 16 * WEEK)
VERSIONS = FrameVersions("a" * 64, "1", "b" * 64, "c" * 64)
CANDIDATE, RIDGE, TREES = reference("blend", "1"), reference("ridge", "2"), reference("lightgbm", "3")
SETTINGS = PromotionSettings(resamples=1_000)
GATES = dict.fromkeys(SETTINGS.open_gates, "pass")


def result(window: Window, mean: float, seed: int) -> WindowResult:
    """Return what a contender made that earns `mean` an hour, give or take the market's noise."""
    ts = np.arange(window.start_ns + HOUR, window.end_ns + HOUR, HOUR)
    return window_result(ts, mean + 1e-3 * np.random.default_rng(seed).normal(size=len(ts)), window)


def run(artifact: ArtifactReference, mean: float, seed: int, **changes: Any) -> ContenderRun:
    """Return a run that counts, with changes."""
    policy = "blend_alpha_0.50" if artifact == CANDIDATE else None
    made = ContenderRun(
        artifact, policy, "prod", "model", "prod_live", FITTED, VERSIONS, 40,
        result(VALIDATION, mean, seed), result(FORWARD, mean, seed + 1),
    )  # fmt: skip
    return replace(made, **changes)


def opening(**changes: Any) -> Opening:
    """Return the opening of the forward window with the candidate and one more."""
    plain = {"start_ns": FORWARD.start_ns, "end_ns": FORWARD.end_ns, "lineage": LINE, "reason": "weekly"}
    seen = [CANDIDATE.artifact_sha256, "9" * 64]
    request = WindowRequest.model_validate(plain | {"candidates": seen} | changes)
    recorded = RecordedOpening(1, request, EARLIEST, "ada")
    return Opening(recorded, False, (recorded,), tuple(request.candidates))


def case(**changes: Any) -> PromotionCase:
    """Return the case of a candidate that earns 0.03 % an hour where the arms earn nothing, with changes."""
    made = PromotionCase(
        candidate=CANDIDATE,
        policy="blend_alpha_0.50",
        arms={"ridge": RIDGE, "lightgbm": TREES},
        runs=(run(CANDIDATE, 3e-4, 1), run(RIDGE, 0.0, 11), run(TREES, -1e-5, 21)),
        sealed=VERSIONS,
        online=replace(VERSIONS, data_version="d" * 64, lineage_id="e" * 64),
        verdict=WorldVerdict("pass", GATES, counts_for_release=True),
        findings=GuardFindings(0.01, (), (), teacher_was_out_of_fold=True),
        opening=opening(),
        honest_trials=40,
    )
    return replace(made, **changes)


def case_with(place: int, **changes: Any) -> PromotionCase:
    """Return the case with one of its three runs changed: 0 the candidate's, 1 and 2 the arms'."""
    runs = list(case().runs)
    runs[place] = replace(runs[place], **changes)
    return case(runs=tuple(runs))
