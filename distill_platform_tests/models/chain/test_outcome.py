"""The chain in memory: the steps of a week in one call, and a decision on every candidate at its end."""

from datetime import timedelta
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from distill_platform.core.errors import FrameError, LeakError
from distill_platform.feeds.sample.market import MarketTruth, SampleMarket, generate
from distill_platform.models.chain.contest import beside
from distill_platform.models.chain.entrants import Role
from distill_platform.models.chain.outcome import ChainOutcome, run_chain
from distill_platform.models.features.bar_grid import BarGrid, bar_grid
from distill_platform.models.features.settings import BarFeatures
from distill_platform.models.frame_building import build_features
from distill_platform.models.frames import FeatureFrame
from distill_platform.models.line import ModelLine, load_lines
from distill_platform.models.promotion.reasons import ReasonCode
from distill_platform.models.terms import terms_of
from distill_platform.policy.world import World, load_world
from distill_platform.strategies.words import DataRegime
from distill_platform_tests.models.made_frames import score_in_sample

CONFIG = Path(__file__).parents[3] / "config"
WORLD = load_world(CONFIG / "worlds/sample_hourly.yaml")
MARKET = SampleMarket(MarketTruth.NONE, seed=5, symbols=("ALD_USD", "BOR_USD"), days=7 * 12, outages=1)
AS_OF = (int(MARKET.start.timestamp()) + MARKET.days * 86_400) * 10**9


def line() -> ModelLine:
    """Return a small line: two symbols, few bar features, little of everything."""
    kept = {"log_return": [1, 6], "realized_volatility": [24], "volume_z_score": [24]}
    bars = {name: kept.get(name, []) for name in BarFeatures.model_fields}
    trees = {"boosting": {"rounds": 5, "leaves": 4, "bins": 15}}
    return ModelLine.model_validate({
        "name": "small", "world_id": WORLD.world_id, "market": "sample_bars", "symbols": list(MARKET.symbols),
        "features": {"bars": bars, "panel": None, "calendar": False},
        "label": {"horizon_bars": 6, "sigma_bars": 48},
        "windows": {"search_weeks": 5, "validation_weeks": 3, "forward_weeks": 3},
        "validation": {"folds": 2, "embargo_bars": 6}, "significance": {"permutations": 19},
        "baseline": trees, "teacher": trees, "sizing": {"hold_bars": 6},
        "student": {"length": 4, "blocks": 1, "hidden": 4, "epochs": 1, "patience": 1, "batch": 512},
        "search": {"space": {"parameters": {"leaves": {"type": "int", "low": 4, "high": 8}}}},
    })  # fmt: skip


def grid() -> BarGrid:
    return bar_grid(generate(MARKET).bars, line().bar_ns, MARKET.symbols)


@lru_cache
def outcome(regime: DataRegime = DataRegime.PROD_LIVE) -> ChainOutcome:
    return run_chain(line(), WORLD, grid(), None, AS_OF, regime=regime)


def test_everybody_enters_and_candidates_alone_are_decided_on() -> None:
    names = {role: [bout.entry.entrant.name for bout in outcome().contest.of_role(role)] for role in Role}
    assert names[Role.ARM] == ["control_ridge", "control_lightgbm"]
    assert names[Role.CANDIDATE][:2] == ["tabular_only", "nn_only"]
    assert [each.name for each in outcome().candidates] == names[Role.CANDIDATE]
    references = [bout.entry.reference.artifact_sha256 for bout in outcome().contest.bouts]
    assert len(set(references)) == len(references)


def test_nobody_is_recommended_on_a_market_without_an_edge() -> None:
    assert outcome().recommended == ()
    for candidate in outcome().candidates:
        assert candidate.codes & {ReasonCode.NOT_SIGNIFICANT, ReasonCode.NOT_SURE_ENOUGH}
        assert ReasonCode.TRIALS_UNDERSTATED not in candidate.codes
        assert ReasonCode.NOT_FOR_RELEASE not in candidate.codes
        assert len(candidate.decision.comparisons) == 4


def test_the_same_arguments_give_the_same_decisions() -> None:
    again = run_chain(line(), WORLD, grid(), None, AS_OF, regime=DataRegime.PROD_LIVE)
    for one, other in zip(outcome().candidates, again.candidates, strict=True):
        assert one.decision.sha256 == other.decision.sha256
        assert one.bout.run.manifest == other.bout.run.manifest


def test_a_teacher_of_its_own_training_rows_is_found_out_by_fitting_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distill_platform.models.teacher.score_out_of_fold", score_in_sample)
    with pytest.raises(LeakError, match="gives other scores"):
        run_chain(line(), WORLD, grid(), None, AS_OF, regime=DataRegime.PROD_LIVE)


def test_bars_after_the_week_change_nothing() -> None:
    bars = generate(MARKET).bars
    last = bars.slice(bars.num_rows - len(MARKET.symbols))
    place = bars.schema.get_field_index("ts_end")
    later = pc.add(last["ts_end"], pa.scalar(timedelta(hours=1)))
    moved = last.set_column(place, bars.schema.field(place), later.cast(bars.schema.field(place).type))
    known = bar_grid(pa.concat_tables([bars, moved]), line().bar_ns, MARKET.symbols)
    assert len(known) == len(grid()) + 1
    again = run_chain(line(), WORLD, known, None, AS_OF, regime=DataRegime.PROD_LIVE)
    decided = [each.decision.sha256 for each in again.candidates]
    assert decided == [each.decision.sha256 for each in outcome().candidates]


def test_replayed_bars_recommend_nobody_and_say_so() -> None:
    for candidate in outcome(DataRegime.MAINTENANCE_REPLAY).candidates:
        assert ReasonCode.NOT_FOR_RELEASE in candidate.codes
        assert ReasonCode.CANDIDATE_RUN_MISSING in candidate.codes


def test_features_that_see_the_next_bars_are_refused_as_a_leak() -> None:
    def peeking(part: BarGrid, events: pa.Table | None) -> FeatureFrame:
        frame = build_features(part, events, line().features)
        place, symbols = frame.names.index("log_return_6"), len(part.symbols)
        values = frame.values.copy()
        values[: -6 * symbols, place] = frame.values[6 * symbols :, place]
        return FeatureFrame(frame.ts, frame.symbol, frame.symbols, frame.names, values, frame.is_usable, frame.versions)

    found = run_chain(line(), WORLD, grid(), None, AS_OF, regime=DataRegime.PROD_LIVE, build=peeking)
    assert found.recommended == ()
    for candidate in found.candidates:
        assert {ReasonCode.CAUSALITY_LEAK, ReasonCode.SUSPICIOUS_FEATURE} <= candidate.codes


def test_control_arms_raise_no_hurdle_for_those_who_beat_them() -> None:
    manifests = {b.entry.entrant.name: (b.entry.entrant.role, b.run.manifest) for b in outcome().contest.bouts}
    cohorts = {role: {m.cohort_id for r, m in manifests.values() if r is role} for role in (Role.ARM, Role.CANDIDATE)}
    assert not cohorts[Role.ARM] & cohorts[Role.CANDIDATE]
    terms = terms_of(line(), WORLD, "2026-01-05", DataRegime.PROD_LIVE, "1", "0" * 40)
    assert beside(terms).costs == terms.costs
    assert all(manifest.search.declared_trials == len(manifests) for _, manifest in manifests.values())


def test_without_events_nothing_is_said_of_their_worth() -> None:
    assert outcome().information == {}


def test_the_shipped_line_is_accepted_and_its_world_is_there() -> None:
    lines = load_lines(CONFIG / "models")
    assert lines.broken == {}
    shipped = lines.known["sample_hourly"]
    found: World = load_world(CONFIG / "worlds" / f"{shipped.world_id}.yaml")
    assert found.world_id == shipped.world_id
    assert set(shipped.promotion.open_gates) <= {gate.stage for gate in found.gates}


@pytest.mark.parametrize("week", [AS_OF + 10**9, AS_OF + 7 * 86_400 * 10**9])
def test_a_week_that_is_none_or_is_not_over_is_refused(week: int) -> None:
    with pytest.raises(FrameError, match=r"Monday|end before"):
        run_chain(line(), WORLD, grid(), None, week, regime=DataRegime.PROD_LIVE)
