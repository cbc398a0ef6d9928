"""A model hands in a run that lacks nothing, and is judged by the same court as any strategy."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from distill_platform.core.errors import DeterminismError, ModelError
from distill_platform.evaluation.metrics import EvaluationTerms, RunMetrics, run_metrics
from distill_platform.evaluation.readiness import lint
from distill_platform.models.model_runs import PARTS, Contender, ModelRun, decided_scores, make_model_run
from distill_platform.models.positions import SizingSettings
from distill_platform.models.ridge import RidgeSettings, fit_ridge
from distill_platform.models.stages.running import hand_in
from distill_platform.models.validation.windows import Windows, WindowSettings, windows_of
from distill_platform.policy.world import load_world
from distill_platform.strategies.bars import Bars
from distill_platform.strategies.bundles.bundle import Bundle
from distill_platform.strategies.bundles.manifest import ModelReference
from distill_platform.strategies.bundles.reading import read_bundle, read_sealed
from distill_platform.strategies.bundles.repro import repro_hash
from distill_platform.strategies.bundles.sealing import write_bundle
from distill_platform.strategies.engine.costs import CostProfile
from distill_platform.strategies.market.market import Market
from distill_platform.strategies.terms import Terms
from distill_platform.strategies.words import DataRegime, RunSource, ScoreSource
from distill_platform_tests.models.made_frames import HOUR, MONDAY, VERSIONS, made_frame
from distill_platform_tests.strategies.bundles.builders import NOW

WORLD = load_world(Path(__file__).parents[2] / "config/worlds/us_equity_daily.yaml")
WEEK = 7 * 24 * HOUR
WEEKS = 16
START = MONDAY + 2_600 * WEEK
SIZING = SizingSettings(hold_bars=6)
TERMS = Terms(
    WORLD.world_id, "cohort", "campaign", CostProfile(1.0, 1.0, 0.0), RunSource.PROD, ScoreSource.MODEL,
    DataRegime.PROD_LIVE, "0.1.0+abc", "ab" * 20,
)  # fmt: skip


def windows() -> Windows:
    return windows_of(START + WEEKS * WEEK, WindowSettings(search_weeks=4, validation_weeks=6, forward_weeks=6))


def market() -> Market:
    count = WEEKS * 7 * 24 + 1
    returns = np.random.default_rng(7).normal(0.0, 0.005, (count, 2))
    ts = START + HOUR * np.arange(count)
    close = 50.0 * np.exp(np.cumsum(returns, axis=0))
    return Market(WORLD.data.presets[0].id, Bars(ts, ("A", "B"), close, volume=np.full(close.shape, 1e6)))


def contender(seen: Market, skill: float = 0.2) -> Contender:
    """Return a model that knows a share of the returns to come."""
    close = np.log(seen.bars.close)
    ahead = np.vstack([close[7:] - close[1:-6], np.zeros((7, 2))])
    scores = skill * ahead / ahead.std() + np.random.default_rng(1).normal(size=ahead.shape)
    return Contender(
        line="crypto_hourly", name="blend_alpha_0.35", policy="blend_alpha_0.35",
        model=ModelReference(name="ensemble", version="1", artifact_sha256="d" * 64), versions=VERSIONS,
        scores=scores, scale=1.0, seeds={"model": 3}, declared_trials=12, trial_index=4, parameters={"leaves": 15},
    )  # fmt: skip


def made(terms: Terms = TERMS, sizing: SizingSettings = SIZING, skill: float = 0.2) -> ModelRun:
    seen = market()
    return make_model_run(contender(seen, skill), seen, windows(), terms, sizing, HOUR)


@pytest.fixture(scope="module")
def run() -> ModelRun:
    return made()


@pytest.fixture(scope="module")
def bundle(run: ModelRun, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return read_bundle(write_bundle(tmp_path_factory.mktemp("inbox"), run.manifest, run.tables), now=NOW)


@pytest.fixture(scope="module")
def judged(bundle: Bundle) -> RunMetrics:
    return run_metrics(bundle, EvaluationTerms(fee_bps=1.0, slippage_bps=1.0, funding_bps_daily=0.0, stress_grid=()))


def test_a_models_bundle_lacks_nothing_but_days(bundle: Bundle) -> None:
    (finding,) = lint(bundle, {WORLD.world_id: WORLD})
    assert (finding.code, len(bundle.daily or ())) == ("few_days", 12 * 7)


def test_no_invariant_of_a_models_run_is_broken_or_unknown(judged: RunMetrics) -> None:
    invariants = {name: value for name, value in judged.metrics.items() if name.startswith("invariants.")}
    assert invariants
    assert [name for name, value in invariants.items() if value is not True] == []
    assert judged.is_measured


def test_steps_cover_validation_and_forward_and_nothing_that_was_fitted_on(run: ModelRun) -> None:
    ends = run.tables["steps"]["ts_end"].cast("int64").to_numpy() * 1_000
    assert ends.min() == windows().validation.start_ns + HOUR
    assert ends.max() == windows().forward.end_ns


def test_folds_are_split_by_the_windows(run: ModelRun, judged: RunMetrics) -> None:
    folds = run.tables["folds"].to_pylist()
    assert [row["split"] for row in folds] == ["search"] * PARTS + ["validation"] * PARTS + ["forward_oos"] * PARTS
    assert folds[PARTS]["start"].timestamp() * 1e9 == windows().validation.start_ns
    assert folds[2 * PARTS]["start"].timestamp() * 1e9 == windows().forward.start_ns
    assert folds[-1]["end"].timestamp() * 1e9 == windows().forward.end_ns
    assert judged.metrics["wf.n_folds"] == 2 * PARTS
    net = run.tables["steps"]["ret_net"].to_numpy().sum()
    assert judged.number("wf.oos_sum_pnl") == pytest.approx(net)
    assert judged.number("wf.oos_is_ratio") > 0.0


def test_the_manifest_says_whose_scores_these_are_and_how_many_were_tried(run: ModelRun) -> None:
    manifest = run.manifest
    assert manifest.strategy_id == "crypto_hourly.blend_alpha_0.35"
    assert (manifest.ensemble_policy, manifest.score_source) == ("blend_alpha_0.35", ScoreSource.MODEL)
    assert (manifest.search.declared_trials, manifest.search.trial_index) == (12, 4)
    assert manifest.model is not None
    assert manifest.model.artifact_sha256 == "d" * 64
    assert manifest.repro_hash == repro_hash(manifest)
    assert manifest.profiles.fee == {"model": "proportional", "bps": 1.0}


def test_the_same_call_makes_the_same_run_and_another_size_another(run: ModelRun) -> None:
    again, other = made(), made(sizing=SizingSettings(hold_bars=7))
    assert again.manifest == run.manifest
    assert again.tables["steps"].equals(run.tables["steps"])
    assert len({run.manifest.run_id, other.manifest.run_id}) == 2
    assert run.manifest.repro_hash != other.manifest.repro_hash


def test_a_run_that_more_was_tried_for_is_another_run() -> None:
    seen = market()
    few, many = contender(seen), replace(contender(seen), declared_trials=900)
    runs = [make_model_run(each, seen, windows(), TERMS, SIZING, HOUR).manifest for each in (few, many)]
    assert runs[0].repro_hash == runs[1].repro_hash
    assert runs[0].run_id != runs[1].run_id


def test_a_run_is_handed_in_once_and_is_the_one_that_lies_there(run: ModelRun, tmp_path: Path) -> None:
    first = hand_in(tmp_path, run)
    assert hand_in(tmp_path, run) == first == read_sealed(tmp_path / run.manifest.run_id).sha256


def test_another_bundle_under_the_name_of_a_run_is_not_taken_for_it(run: ModelRun, tmp_path: Path) -> None:
    folds = run.tables["folds"].to_pylist()
    kinder = [{**fold, "pnl_oos": 2.0} for fold in folds]
    tables = {**run.tables, "folds": pa.Table.from_pylist(kinder, schema=run.tables["folds"].schema)}
    write_bundle(tmp_path, run.manifest, tables)
    with pytest.raises(DeterminismError, match="holds another bundle than the run of that name"):
        hand_in(tmp_path, run)


def test_scores_before_validation_change_no_step(run: ModelRun) -> None:
    seen = market()
    model = contender(seen)
    scores = model.scores.copy()
    scores[seen.bars.ts < windows().validation.start_ns] = np.nan
    other = make_model_run(replace(model, scores=scores), seen, windows(), TERMS, SIZING, HOUR)
    assert other.tables["steps"].equals(run.tables["steps"])


def test_a_model_says_nothing_of_the_window_that_it_was_fitted_on() -> None:
    frame = made_frame(bars=14 * 24 * 7 + 200, symbols=2, edge=0.5)
    shift = START - MONDAY
    features = replace(frame.features, ts=frame.features.ts + shift)
    bars = Bars(np.unique(features.ts), ("A", "B"), np.ones((len(frame) // 2, 2)))
    inside = features.rows(features.ts < windows().search.end_ns)
    model = fit_ridge(frame, ("x0",), RidgeSettings())
    found = decided_scores(model, features, inside, np.full(len(inside), 7.0), windows(), bars)
    is_search = bars.ts < windows().search.end_ns
    assert (found[is_search] == 7.0).all()
    assert np.array_equal(found[~is_search].ravel(), model.scores(features)[features.ts >= windows().search.end_ns])


def test_skill_earns_and_no_skill_pays_its_costs() -> None:
    assert made(skill=0.5).tables["steps"]["ret_net"].to_numpy().sum() > 0.0
    assert made(skill=0.0).tables["steps"]["ret_net"].to_numpy().sum() < 0.05


def test_terms_that_name_no_model_and_scores_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ModelError, match="score_source"):
        made(replace(TERMS, score_source=ScoreSource.HEURISTIC))
    seen = market()
    model = contender(seen)
    with pytest.raises(ModelError, match="do not fit"):
        make_model_run(replace(model, scores=model.scores[1:]), seen, windows(), TERMS, SIZING, HOUR)
    later = windows_of(START + 40 * WEEK, WindowSettings(search_weeks=4, validation_weeks=4, forward_weeks=4))
    with pytest.raises(ModelError, match="bars in a window"):
        make_model_run(model, seen, later, TERMS, SIZING, HOUR)


@pytest.mark.parametrize("policy", ["prod", "PROD", "blend_alpha_0.5", "blend_alpha_0.350", ""])
def test_a_policy_that_there_is_none_of_is_not_stamped_on_a_run(policy: str) -> None:
    seen = market()
    other = replace(contender(seen), policy=policy)
    with pytest.raises(ModelError, match="no ensemble policy"):
        make_model_run(other, seen, windows(), TERMS, SIZING, HOUR)


@pytest.mark.parametrize(
    "change", [{"line": "l" * 128}, {"name": "b\u00f6se"}, {"declared_trials": 0, "trial_index": 0}]
)
def test_what_no_manifest_can_hold_is_refused_with_the_place(change: dict[str, object]) -> None:
    seen = market()
    with pytest.raises(ModelError, match=r"no run can say so at (strategy_id|declared_trials|search)"):
        make_model_run(replace(contender(seen), **change), seen, windows(), TERMS, SIZING, HOUR)  # type: ignore[arg-type]
