"""Event features: what they count, that they never look ahead, and that one moment alone gives the same bits."""

import math
import time
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, strategies as st
from pydantic import ValidationError

from distill_platform.feeds.events.event import EVENTS, MARKET
from distill_platform.feeds.events.projecting import ProjectionSettings, decayed, event_features, project
from distill_platform_tests.feeds.event_tables import HOUR_NS, START, START_NS, event, events_table, hours

DEFAULT = ProjectionSettings()
SYMBOLS = ("AAA", "BBB")
HALVES = st.integers(0, 2 * 24 * 12).map(lambda half: half / 2)
ROWS = st.lists(
    st.builds(
        event,
        HALVES,
        st.sampled_from([*SYMBOLS, MARKET]),
        event_id=st.uuids().map(str),
        tier=st.integers(1, 3),
        polarity=st.floats(-1, 1),
        leads=st.booleans(),
        outlet=st.sampled_from("xyz"),
        synthetic_link=st.booleans(),
        is_low_quality=st.booleans(),
    ),
    max_size=30,
)


def features(events: pa.Table, hour: float, symbol: str = "AAA", settings: ProjectionSettings = DEFAULT) -> dict:
    values, names = project(events, hours(hour), (symbol,), settings)
    return dict(zip(names, values[0, 0].tolist(), strict=True))


def test_the_names_are_those_of_the_declared_features() -> None:
    _, names = project(events_table(), hours(0), SYMBOLS, DEFAULT)
    assert names == tuple(feature.name for feature in event_features(DEFAULT))
    assert len(set(names)) == len(names)
    assert all(feature.lookback_h <= DEFAULT.lookback_h for feature in event_features(DEFAULT))


def test_an_event_counts_from_the_moment_it_is_available_until_it_leaves_the_window() -> None:
    events = events_table(event(10, "AAA"))
    assert [features(events, hour)["event_count_1h"] for hour in (9.999, 10, 10.999, 11)] == [0.0, 1.0, 1.0, 0.0]
    assert [features(events, hour)["event_count_24h"] for hour in (33.999, 34)] == [1.0, 0.0]
    assert [features(events, hour)["event_count_168h"] for hour in (177.999, 178)] == [1.0, 0.0]


def test_what_was_published_but_not_available_is_not_seen() -> None:
    late = event(10, "AAA", published_at=START + timedelta(hours=2))
    assert features(events_table(late), 9)["event_count_24h"] == 0.0


def test_tiers_weigh_what_the_settings_say() -> None:
    events = events_table(*(event(tier, "AAA", tier=tier) for tier in (1, 2, 3)))
    assert features(events, 4)["event_count_24h"] == 1.0 + 0.5 + 0.25


def test_polarity_is_halved_by_each_half_life() -> None:
    events = events_table(event(0, "AAA", polarity=-0.8, tier=2))
    assert features(events, 6)["event_polarity_6h"] == pytest.approx(-0.8 * 0.5 / 2)
    assert features(events, 24)["event_polarity_24h"] == pytest.approx(-0.8 * 0.5 / 2)
    assert features(events, 24)["event_intensity_6h"] == pytest.approx(0.5 / 16)
    assert features(events, 168)["event_polarity_24h"] == 0.0


def test_what_only_repeats_a_report_counts_as_an_outlet_and_as_nothing_else() -> None:
    first, again = event(1, "AAA", outlet="x"), event(3, "AAA", outlet="y", leads=False, polarity=1.0)
    alone, both = (features(events_table(*rows), 4) for rows in ([first], [first, again]))
    assert (alone.pop("event_outlets_24h"), both.pop("event_outlets_24h")) == (1.0, 2.0)
    assert alone == both


def test_an_outlet_that_reports_twice_is_one_outlet() -> None:
    events = events_table(*(event(hour, "AAA", outlet=name) for hour, name in enumerate("xyxx")))
    assert features(events, 5)["event_outlets_24h"] == 2.0


def test_the_age_is_that_of_the_latest_first_report_and_capped() -> None:
    events = events_table(event(0, "AAA"), event(5, "AAA"), event(6, "AAA", leads=False))
    assert features(events, 7.5)["event_age_h"] == 2.5
    assert features(events, 1_000)["event_age_h"] == 168.0
    assert features(events, 7.5, "BBB")["event_age_h"] == 168.0


def test_guessed_links_are_never_seen_and_low_quality_only_where_asked_for() -> None:
    guessed = events_table(event(1, "AAA", synthetic_link=True, polarity=1.0))
    poor = events_table(event(1, "AAA", is_low_quality=True))
    everything = ProjectionSettings(exclude_low_quality=False)
    nothing = features(events_table(event(1, "BBB")), 2)
    assert features(guessed, 2) == features(poor, 2) == features(guessed, 2, settings=everything) == nothing
    assert features(poor, 2, settings=everything)["event_count_24h"] == 1.0


def test_the_market_s_own_events_are_seen_by_every_symbol_and_no_symbol_s_by_another() -> None:
    events = events_table(event(1, MARKET, polarity=0.5), event(1, "AAA"))
    values, names = project(events, hours(2), SYMBOLS, DEFAULT)
    of_market = [place for place, name in enumerate(names) if name.startswith("market_")]
    assert (values[0, 0, of_market] == values[0, 1, of_market]).all()
    assert values[0, :, names.index("market_event_count_24h")].tolist() == [1.0, 1.0]
    assert values[0, :, names.index("event_count_24h")].tolist() == [1.0, 0.0]


def test_silence_of_everybody_is_missing_and_not_merely_nothing() -> None:
    events = events_table(event(10, "BBB", is_low_quality=True))
    assert [features(events, hour)["events_missing"] for hour in (9, 10, 33.9, 34)] == [1.0, 0.0, 0.0, 1.0]
    assert features(events_table(), 5)["events_missing"] == 1.0


@given(ROWS, st.randoms())
def test_the_order_of_the_table_changes_no_bit(rows: list[dict], random) -> None:
    shuffled = random.sample(rows, len(rows))
    ts = hours(*range(0, 300, 7))
    assert project(events_table(*rows), ts, SYMBOLS, DEFAULT)[0].tobytes() == (
        project(events_table(*shuffled), ts, SYMBOLS, DEFAULT)[0].tobytes()
    )


@given(ROWS, HALVES)
def test_the_future_changes_no_bit_of_the_past(rows: list[dict], now: float) -> None:
    known = [row for row in rows if row["available_at"] <= START + timedelta(hours=now)]
    with_future, without = (project(events_table(*some), hours(now), SYMBOLS, DEFAULT)[0] for some in (rows, known))
    assert with_future.tobytes() == without.tobytes()


@given(ROWS)
def test_one_moment_alone_from_its_own_window_has_the_bits_of_the_batch(rows: list[dict]) -> None:
    ts = hours(*range(0, 400, 37))
    batch, _ = project(events_table(*rows), ts, SYMBOLS, DEFAULT)
    for place, moment in enumerate(ts.tolist()):
        now = START + timedelta(microseconds=(moment - START_NS) // 1_000)
        recent = [row for row in rows if now - timedelta(hours=168) < row["available_at"] <= now]
        alone, _ = project(events_table(*recent), np.array([moment]), SYMBOLS, DEFAULT)
        assert alone[0].tobytes() == batch[place].tobytes()


@given(ROWS, HALVES)
def test_brute_force_sums_the_same(rows: list[dict], now: float) -> None:
    weights = {1: 1.0, 2: 0.5, 3: 0.25}
    own = [row for row in rows if row["symbol"] == "AAA" and row["leads"]]
    own = [row for row in own if not row["synthetic_link"] and not row["is_low_quality"]]
    terms = [(now - (row["available_at"] - START) / timedelta(hours=1), row) for row in own]
    terms = [(age, row) for age, row in terms if 0 <= age < 168]
    found = features(events_table(*rows), now)
    assert found["event_count_24h"] == pytest.approx(sum(weights[row["tier"]] for age, row in terms if age < 24))
    polarity = math.fsum(weights[row["tier"]] * row["polarity"] * 2 ** (-age / 6) for age, row in terms)
    assert found["event_polarity_6h"] == pytest.approx(polarity, abs=1e-12)
    assert found["event_age_h"] == min((age for age, _ in terms), default=168.0)


def test_decayed_weights_are_the_terms_of_the_sums() -> None:
    events = events_table(*(event(hour, "AAA", tier=1 + hour % 3) for hour in range(20)))
    weight = DEFAULT.tier_weights.of(np.array(events["tier"]))
    terms = decayed(weight, hours(30)[0] - hours(*range(20)), 24)
    assert sum(terms.tolist()) == features(events, 30)["event_intensity_24h"]


@pytest.mark.parametrize("fields", [{"tier": 0}, {"tier": 4}, {"polarity": math.nan}, {"polarity": 1.5}])
def test_impossible_events_are_refused(fields: dict) -> None:
    with pytest.raises(ValueError, match="of an event must"):
        project(events_table(event(1, "AAA", **fields)), hours(2), SYMBOLS, DEFAULT)


@pytest.mark.parametrize("ts", [np.zeros(3), np.zeros((2, 2), np.int64), np.array([-1])])
def test_impossible_moments_are_refused(ts: np.ndarray) -> None:
    with pytest.raises(ValueError, match="ts must"):
        project(events_table(), ts, SYMBOLS, DEFAULT)


@pytest.mark.parametrize(
    "settings",
    [
        {"count_windows_h": [1, 200]},
        {"count_windows_h": [24, 1]},
        {"half_lives_h": [6, 6]},
        {"half_lives_h": []},
        {"silence_h": 169},
        {"lookback": 7},
    ],
)
def test_settings_that_contradict_themselves_are_refused(settings: dict) -> None:
    with pytest.raises(ValidationError):
        ProjectionSettings(**settings)


def test_five_years_of_hours_and_a_hundred_thousand_events_take_seconds() -> None:
    random = np.random.default_rng(5)
    count, hour_count = 100_000, 5 * 365 * 24
    symbols = ("AAA", "BBB", "CCC", "DDD", "EEE")
    when = START_NS // 1_000 + random.integers(0, hour_count * HOUR_NS // 1_000, count)
    columns = {name: pa.array(np.full(count, "same")) for name in ("kind", "title", "source", "link_method")}
    columns |= {name: pa.array(when).cast(EVENTS.field(name).type) for name in ("published_at", "available_at")}
    columns |= {name: pa.array(np.arange(count).astype(str)) for name in ("event_id", "cluster_id")}
    columns |= {name: pa.array(np.ones(count)) for name in ("confidence", "quality")}
    columns |= {name: pa.array(np.zeros(count, bool)) for name in ("synthetic_link", "is_low_quality")}
    columns |= {
        "symbol": pa.array(random.choice([*symbols, MARKET], count)),
        "outlet": pa.array(random.choice(list("abcdefgh"), count)),
        "tier": pa.array(random.integers(1, 4, count).astype(np.int8)),
        "polarity": pa.array(random.uniform(-1, 1, count)),
        "leads": pa.array(random.random(count) < 0.8),
    }
    events = pa.table(columns).select(EVENTS.names).cast(EVENTS)
    ts = START_NS + np.arange(hour_count, dtype=np.int64) * HOUR_NS
    project(events.slice(0, 9), ts[:2], symbols, DEFAULT)
    started = time.process_time()
    values, _ = project(events, ts, symbols, DEFAULT)
    assert np.isfinite(values).all()
    assert time.process_time() - started < 10.0
