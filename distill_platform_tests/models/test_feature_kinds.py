"""Every kind of feature is what its definition says, sees what it declares, and never more."""

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from distill_platform.models.features.bar_grid import BarGrid
from distill_platform.models.features.catalogue import Feature, catalogue, history_bars, lookback_bars, names_of
from distill_platform.models.features.kind import KINDS, FeatureGroup
from distill_platform.models.features.observed import Observed
from distill_platform.models.features.settings import BarFeatures, FeatureSettings, PanelFeatures
from distill_platform.strategies.bars import FIELDS, Bars, Panel
from distill_platform_tests.models.grids import HOUR, SMALL, gaps, random_grid

FEATURES = catalogue(SMALL)
GRID = random_grid(120, seed=3)
FEATURE = pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)


def values(feature: Feature, grid: BarGrid) -> Panel:
    return KINDS[feature.kind].panel(Observed(grid), feature.windows)


def with_bars_changed(grid: BarGrid, rows: slice, seed: int = 1) -> BarGrid:
    """Return the grid with other prices and volumes in some rows, each in a way of its own."""
    random, fields = np.random.default_rng(seed), {name: grid.field(name).copy() for name in FIELDS}
    span = fields["close"][rows].shape
    scale = np.exp(random.normal(0.0, 0.2, span))
    fields["open"][rows] *= scale
    fields["close"][rows] = fields["open"][rows] * np.exp(random.normal(0.0, 0.05, span))
    top, bottom = (pick(fields["open"], fields["close"])[rows] for pick in (np.maximum, np.minimum))
    fields["high"][rows] = top * np.exp(random.uniform(1.0, 1.2, span) ** 2)
    fields["low"][rows] = bottom * np.exp(-(random.uniform(1.0, 1.2, span) ** 2))
    fields["volume"][rows] *= np.exp(random.normal(0.0, 1.0, span))
    fields["volume"][rows][::2] = 0.0
    return BarGrid(Bars(grid.ts, grid.symbols, **fields), grid.interval_ns)


@FEATURE
def test_a_feature_depends_on_the_bars_of_its_declared_lookback_alone(feature: Feature) -> None:
    before = values(feature, GRID)
    for row in (40, 77, 119):
        other = with_bars_changed(GRID, slice(0, row - feature.lookback + 1))
        np.testing.assert_array_equal(values(feature, other)[row], before[row])
        later = with_bars_changed(GRID, slice(row + 1, None))
        np.testing.assert_array_equal(values(feature, later)[: row + 1], before[: row + 1])


@FEATURE
def test_the_declared_lookback_is_no_longer_than_needed(feature: Feature) -> None:
    if feature.group == FeatureGroup.CALENDAR:
        assert feature.lookback == 1
        return
    assert any(
        not np.array_equal(values(feature, grid)[row], values(feature, other)[row], equal_nan=True)
        for row in range(40, 119)
        for grid, other in bars_changed_at(row - feature.lookback + 1)
    )


def bars_changed_at(row: int) -> Iterator[tuple[BarGrid, BarGrid]]:
    """Yield pairs of grids that differ in one row: in its prices, in whether they stay, in whether there are any."""
    fields = {name: GRID.field(name).copy() for name in FIELDS}
    for panel in fields.values():
        panel[row + 1] = panel[row]
    staying = BarGrid(Bars(GRID.ts, GRID.symbols, **fields), HOUR)
    yield GRID, with_bars_changed(GRID, slice(row, row + 1), seed=row)
    yield GRID, random_grid(120, seed=3, holes=gaps(120, 3, (row, row + 1, -1)))
    yield staying, with_bars_changed(staying, slice(row, row + 1), seed=row)


@FEATURE
def test_a_missing_bar_is_never_filled(feature: Feature) -> None:
    holes = gaps(120, 3, (60, 61, 1))
    found = values(feature, random_grid(120, seed=3, holes=holes))
    if feature.kind in {"missing_bars", "stale_bars"} or feature.group == FeatureGroup.CALENDAR:
        assert not np.isnan(found).any()
        return
    span = found[60 : 60 + feature.lookback, 1]
    assert np.isnan(span[0])
    assert np.isnan(span[-1])
    if feature.kind not in {"log_return", "momentum_rank"}:  # they see both ends and nothing in between
        assert np.isnan(span).all()
    assert not np.isnan(found[60 + feature.lookback :, 1]).any()
    assert not np.isnan(found[feature.lookback :, 0]).any()


@FEATURE
def test_prices_that_stand_still_give_no_infinite_number(feature: Feature) -> None:
    ones = np.ones((60, 2))
    fields = {"open": ones, "high": ones, "low": ones, "close": ones, "volume": np.zeros((60, 2))}
    still = BarGrid(Bars(GRID.ts[:60], ("A", "B"), **fields), HOUR)
    assert not np.isinf(values(feature, still)).any()


@FEATURE
def test_prices_in_another_currency_mean_the_same(feature: Feature) -> None:
    fields = {name: GRID.field(name) * (1.0 if name == "volume" else 1_024.0) for name in FIELDS}
    other = BarGrid(Bars(GRID.ts, GRID.symbols, **fields), HOUR)
    factor = 1.0 / 1_024.0 if feature.kind == "amihud_illiquidity" else 1.0
    np.testing.assert_allclose(values(feature, other), values(feature, GRID) * factor, rtol=1e-9, atol=1e-12)


def pandas_reference() -> dict[str, pd.DataFrame]:
    """Return features as one would write them in pandas, by the names of `SMALL`."""
    frames = {name: pd.DataFrame(GRID.field(name)) for name in FIELDS}
    opened, high, low, close, volume = (frames[name] for name in FIELDS)
    r = np.log(close).diff()
    market = r.mean(axis=1)
    span, body = np.log(high / low), np.log(close / opened)
    money = close * volume
    return {
        "log_return_5": np.log(close / close.shift(5)),
        "realized_volatility_6": (r**2).rolling(6).mean() ** 0.5,
        "volatility_ratio_3_9": ((r**2).rolling(3).mean() / (r**2).rolling(9).mean()) ** 0.5 - 1,
        "scaled_momentum_7": np.log(close / close.shift(7)) / (r.rolling(7).std() * math.sqrt(7)),
        "high_distance_8": np.log(close / high.rolling(8).max()),
        "low_distance_8": np.log(close / low.rolling(8).min()),
        "relative_strength_6": r.clip(lower=0).rolling(6).sum() / r.abs().rolling(6).sum() - 0.5,
        "parkinson_volatility_5": ((span**2).rolling(5).mean() / (4 * math.log(2))) ** 0.5,
        "garman_klass_volatility_5": (0.5 * span**2 - (2 * math.log(2) - 1) * body**2).rolling(5).mean() ** 0.5,
        "return_autocorrelation_8": r.rolling(8).corr(r.shift(1)),
        "return_skewness_8": r.rolling(8).apply(lambda x: ((x - x.mean()) ** 3).mean() / x.std(ddof=0) ** 3, raw=True),
        "drawdown_9": close.rolling(9).apply(lambda x: np.log(np.maximum.accumulate(x) / x).max(), raw=True),
        "volume_z_score_6": (volume - volume.rolling(6).mean()) / volume.rolling(6).std(),
        "dollar_volume_change_4": np.log(money.rolling(4).sum() / money.rolling(4).sum().shift(4)),
        "amihud_illiquidity_6": (r.abs() / money).rolling(6).mean() * 1e6,
        "momentum_rank_4": np.log(close / close.shift(4)).rank(axis=1).sub(1).div(2).sub(0.5),
        "market_return_4": pd.DataFrame({column: market.rolling(4).sum() for column in r}),
        "market_beta_9": pd.DataFrame({c: r[c].rolling(9).cov(market) / market.rolling(9).var() for c in r}),
        "market_correlation_9": pd.DataFrame({column: r[column].rolling(9).corr(market) for column in r}),
    }


@pytest.mark.parametrize("name", pandas_reference())
def test_it_is_what_one_would_write_in_pandas(name: str) -> None:
    feature = next(feature for feature in FEATURES if feature.name == name)
    expected = pandas_reference()[name].to_numpy()
    np.testing.assert_allclose(values(feature, GRID)[20:], expected[20:], rtol=1e-7, atol=1e-10)


def test_the_clock_is_a_circle_that_begins_on_monday_at_midnight() -> None:
    monday = 4 * 24 * HOUR  # 1970-01-05
    ts = monday + HOUR * np.arange(8 * 24)
    ones = np.ones((len(ts), 1))
    grid = BarGrid(Bars(ts, ("A",), open=ones, high=ones, low=ones, close=ones, volume=ones), HOUR)
    seen = Observed(grid)
    week = KINDS["time_of_week_sin"].panel(seen, ())[:, 0], KINDS["time_of_week_cos"].panel(seen, ())[:, 0]
    day = KINDS["time_of_day_sin"].panel(seen, ())[:, 0], KINDS["time_of_day_cos"].panel(seen, ())[:, 0]
    assert (week[0][0], week[1][0], day[0][24], day[1][24]) == (0.0, 1.0, 0.0, 1.0)
    assert day[0][6] == pytest.approx(1.0)
    np.testing.assert_array_equal(week[0][:24], week[0][168:192])
    assert len(set(zip(*week, strict=True))) == 168


def test_features_are_declared_once_and_explained() -> None:
    names = [feature.name for feature in FEATURES]
    assert len(set(names)) == len(names)
    used = {feature.kind for feature in FEATURES}
    assert used == set(KINDS)
    for kind in KINDS.values():
        assert kind.definition.rstrip(".")
        assert kind.unit


def test_settings_name_every_kind_of_their_group() -> None:
    for group, model in ((FeatureGroup.BARS, BarFeatures), (FeatureGroup.PANEL, PanelFeatures)):
        assert set(model.model_fields) == {kind.name for kind in KINDS.values() if kind.group == group}


def test_the_features_of_a_group_are_told_apart() -> None:
    both = names_of(SMALL, FeatureGroup.BARS, FeatureGroup.PANEL)
    assert both == names_of(SMALL, FeatureGroup.BARS) + names_of(SMALL, FeatureGroup.PANEL)
    assert set(both).isdisjoint(names_of(SMALL, FeatureGroup.CALENDAR))
    assert not names_of(SMALL, FeatureGroup.EVENTS)


def test_a_grid_needs_what_features_see_and_what_tells_an_outage() -> None:
    assert lookback_bars(FeatureSettings()) == 170
    assert history_bars(FeatureSettings(outage_bars=5)) == 175
