"""Attribution: the events behind a feature, with the weights that the feature is the sum of."""

import pytest
from hypothesis import given, strategies as st

from distill_platform.feeds.events.attribution import Attribution, top_events
from distill_platform.feeds.events.event import MARKET
from distill_platform.feeds.events.projecting import ProjectionSettings, project
from distill_platform_tests.feeds.event_tables import event, events_table, hours

SETTINGS = ProjectionSettings()
NOW = int(hours(200)[0])
ROWS = st.lists(
    st.builds(
        event,
        st.integers(0, 220),
        st.sampled_from(["AAA", "BBB", MARKET]),
        event_id=st.uuids().map(str),
        tier=st.integers(1, 3),
        polarity=st.floats(-1, 1),
        leads=st.booleans(),
        synthetic_link=st.booleans(),
        is_low_quality=st.booleans(),
    ),
    max_size=40,
)


@given(ROWS, st.sampled_from([("AAA", "event"), (MARKET, "market_event")]), st.booleans())
def test_the_weights_of_all_events_add_up_to_the_features(rows: list, scope: tuple, exclude: bool) -> None:
    settings = ProjectionSettings(exclude_low_quality=exclude)
    symbol, prefix = scope
    events = events_table(*rows)
    values, names = project(events, hours(200), ("AAA",), settings)
    feature = dict(zip(names, values[0, 0].tolist(), strict=True))
    terms = sorted(top_events(events, symbol, NOW, settings, count=100), key=lambda term: (-term.age_h, term.event_id))
    assert sum((term.weight for term in terms), 0.0) == feature[f"{prefix}_intensity_24h"]
    assert sum((term.weight * term.polarity for term in terms), 0.0) == feature[f"{prefix}_polarity_24h"]


@given(ROWS)
def test_the_top_events_are_the_first_of_all(rows: list) -> None:
    events = events_table(*rows)
    everything = top_events(events, "AAA", NOW, SETTINGS, count=100)
    assert top_events(events, "AAA", NOW, SETTINGS, count=3) == everything[:3]
    weights = [term.weight for term in everything]
    assert weights == sorted(weights, reverse=True)


def test_an_attribution_says_which_event_how_old_and_of_which_tier() -> None:
    events = events_table(event(176, "AAA", tier=2, polarity=-0.5, title="Bad news"), event(199, "AAA", tier=2))
    young, old = top_events(events, "AAA", NOW, SETTINGS)
    assert (young.tier, young.age_h) == (2, 1.0)
    assert old == Attribution("AAA@176", "Bad news", 2, pytest.approx(0.25), 24.0, -0.5)


def test_nobody_is_attributed_to_nothing() -> None:
    assert top_events(events_table(), "AAA", NOW, SETTINGS) == ()
    assert top_events(events_table(event(1, "AAA"), event(201, "AAA")), "AAA", NOW, SETTINGS) == ()


def test_impossible_events_are_refused() -> None:
    with pytest.raises(ValueError, match="tier of an event"):
        top_events(events_table(event(1, "AAA", tier=7)), "AAA", NOW, SETTINGS)
