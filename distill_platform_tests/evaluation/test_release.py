"""Release: only what production did, with a model, on live data counts; the rest is shown as monitor only."""

from __future__ import annotations

import itertools

import pytest

from distill_platform.evaluation.release import release_standing
from distill_platform.policy.summary import summarize
from distill_platform.strategies.words import DataRegime, RunSource, ScoreSource
from distill_platform.testing.bundles import sample_manifest


@pytest.mark.parametrize(("source", "scores", "regime"), list(itertools.product(RunSource, ScoreSource, DataRegime)))
def test_one_of_all_combinations_counts(source: RunSource, scores: ScoreSource, regime: DataRegime) -> None:
    manifest = sample_manifest(run_source=source.value, score_source=scores.value, data_regime=regime.value)
    standing = release_standing(manifest)
    assert standing.counts == ((source, scores, regime) == ("prod", "model", "prod_live"))
    assert len(standing.results()) == (not standing.counts)


def test_an_excluded_run_says_why_and_stays_at_paper() -> None:
    standing = release_standing(sample_manifest(run_source="smoke", score_source="heuristic"))
    assert standing.excluded == ("run_source=smoke", "score_source=heuristic")
    (result,) = standing.results()
    assert (result.rule, result.reason_code) == ("real_data_gate", "monitor_only")
    assert "run_source=smoke, score_source=heuristic" in result.reason
    assert summarize([result]).recommended_stage == "paper_only"
