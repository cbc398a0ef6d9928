"""The event pipeline: the events of a day, the evidence for them, and that the future changes none of them."""

import math
from collections.abc import Sequence
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, strategies as st

from distill_platform.feeds.events.event import EVENTS, MARKET
from distill_platform.feeds.events.pipeline import EventDay, make_events, rules_hash
from distill_platform.feeds.events.settings import ClusteringSettings, EventSettings, QualitySettings
from distill_platform_tests.feeds.event_tables import START, coins, raw_table, report

COINS = coins()
SETTINGS = EventSettings()
DAY = date(2026, 3, 3)
NOON = 60  # hours after START


def day_of(*rows: dict, settings: EventSettings = SETTINGS, **rest: object) -> EventDay:
    return make_events(raw_table(*rows), DAY, settings, COINS, **rest)


def test_one_row_for_each_symbol_that_a_report_names() -> None:
    found = day_of(report(NOON, "Bitcoin and Ethereum rally")).events.to_pylist()
    assert [row["symbol"] for row in found] == ["BTC", "ETH"]
    assert all(row["event_id"] == row["cluster_id"] and row["leads"] and row["polarity"] > 0 for row in found)


def test_only_what_became_available_that_day_is_an_event_of_it() -> None:
    hours = (47.9, 48, 71.9, 72)
    found = day_of(*(report(hour, f"Story number {place} told") for place, hour in enumerate(hours))).events
    assert found["available_at"].to_pylist() == [START + timedelta(hours=hour) for hour in (48, 71.9)]


def test_the_days_before_decide_who_leads_and_give_no_events() -> None:
    title = "Exchange halts all withdrawals"
    found = day_of(report(13, title), report(NOON, title, "two.com"))
    (event,) = found.events.to_pylist()
    assert not event["leads"]
    (repeated,) = found.clusters.to_pylist()
    assert (repeated["cluster_id"], repeated["head_outlet"]) == (event["cluster_id"], "one.com")


def test_who_names_nobody_stays_with_the_market_and_a_guess_is_flagged() -> None:
    found = day_of(report(NOON, "Stocks open lower", entities=["bitcoin"])).events.to_pylist()
    assert [(row["symbol"], row["synthetic_link"], row["link_method"]) for row in found] == [
        ("BTC", True, "feed"),
        (MARKET, False, "nobody"),
    ]


def test_the_outlet_s_own_name_names_no_symbol() -> None:
    assert day_of(report(NOON, "Stocks open lower - Bitcoin", "bitcoin.com")).events["symbol"].to_pylist() == [MARKET]


def test_the_feed_s_own_tone_goes_before_the_lexicon() -> None:
    assert day_of(report(NOON, "Bitcoin soars", tone=-0.25)).events["polarity"].to_pylist() == [-0.25]


def test_below_the_configured_quality_an_event_is_flagged() -> None:
    strict = EventSettings(quality=QualitySettings(lowest=0.99))
    assert day_of(report(NOON, "Bitcoin soars"), settings=strict).events["is_low_quality"].to_pylist() == [True]
    assert day_of(report(NOON, "Bitcoin soars")).events["is_low_quality"].to_pylist() == [False]


def test_nothing_vanishes() -> None:
    again = report(NOON, "Bitcoin soars")
    rows = [again, again, report(NOON, " "), report(NOON, "x", tier=9), report(3, " "), report(80, "Later on")]
    found = day_of(*rows)
    counts = found.counts
    assert (counts.raw, counts.reports, counts.repeated_rows) == (4, 1, 1)
    assert counts.rejected == {"empty_title": 1, "invalid_number": 1}
    assert sorted(found.rejected["title"].to_pylist()) == [" ", "x"]
    assert counts.raw == counts.reports + sum(counts.rejected.values()) + counts.repeated_rows


def test_a_day_without_reports_is_an_empty_day() -> None:
    found = day_of()
    assert found.events.schema == EVENTS
    assert found.counts.raw == found.events.num_rows == found.rejected.num_rows == 0


class Reader:
    """A text model that says the same of every title."""

    version = "1"

    def __init__(self, **answer: object) -> None:
        self.answer = {"kind": "regulation", "polarity": 0.5} | answer
        self.titles: list[str] = []

    def read(self, titles: Sequence[str]) -> Sequence[object]:
        self.titles.extend(titles)
        return [self.answer] * len(titles)


def test_a_text_model_types_an_event_and_its_entities_are_only_guesses() -> None:
    reader = Reader(entities=["Bitcoin", "Elon Musk"], summary="Courts.")
    found = day_of(report(3, "Before"), report(NOON, "Court rules today"), text_model=reader)
    rows = found.events.to_pylist()
    assert [(row["symbol"], row["synthetic_link"], row["kind"]) for row in rows] == [
        ("BTC", True, "regulation"),
        (MARKET, False, "regulation"),
    ]
    assert {row["polarity"] for row in rows} == {0.5}
    assert reader.titles == ["Court rules today"]
    assert found.readings["summary"].to_pylist() == ["Courts."]


def test_a_text_model_that_oversteps_changes_nothing_and_is_quarantined() -> None:
    row = report(NOON, "Court rules on Bitcoin")
    for wrong in ({"polarity": math.nan}, {"available_at": "1999-01-01"}, {"symbol": "BTC"}, {"kind": "buy"}):
        found = day_of(row, text_model=Reader(**wrong))
        assert found.events.equals(day_of(row).events)
        assert found.counts.rejected_readings == found.readings.num_rows == 1
        assert found.readings["reason"].null_count == 0


WORDS = ["Bitcoin", "Solana", "exchange", "halts", "withdrawals", "token", "SOL", "rallies", "9", "not"]
STREAM = st.lists(
    st.builds(
        report,
        st.integers(0, 95),
        st.lists(st.sampled_from(WORDS), max_size=6, unique=True).map(" ".join),
        st.sampled_from(["a.com", "b.com"]),
        tier=st.integers(0, 3),
        entities=st.lists(st.sampled_from(WORDS), max_size=2),
        tone=st.none() | st.floats(-1, 1),
    ),
    max_size=25,
)


@given(STREAM, st.integers(48, 71))
def test_what_comes_later_changes_no_event(rows: list[dict], hour: int) -> None:
    now = START + timedelta(hours=hour)
    known = [row for row in rows if row["available_at"] <= now]
    events = day_of(*rows).events
    until_now = events.filter(pc.less_equal(events["available_at"], pa.scalar(now, EVENTS.field("available_at").type)))
    assert day_of(*known).events.equals(until_now)


@given(STREAM)
def test_more_history_than_the_window_changes_no_event(rows: list[dict]) -> None:
    older = [row | {"available_at": row["available_at"] - timedelta(days=30)} for row in rows]
    older = [row | {"published_at": row["available_at"]} for row in older]
    assert day_of(*older, *rows).events.equals(day_of(*rows).events)


@given(STREAM, st.randoms())
def test_the_order_of_reports_changes_nothing(rows: list[dict], random) -> None:
    one, other = day_of(*rows), day_of(*random.sample(rows, len(rows)))
    tables = ("events", "links", "clusters", "rejected", "readings")
    assert all(getattr(one, name).equals(getattr(other, name)) for name in tables)
    assert one.counts == other.counts


@given(STREAM)
def test_every_row_is_accounted_for_and_every_event_is_possible(rows: list[dict]) -> None:
    found = day_of(*rows)
    inside = [row for row in rows if START + timedelta(hours=48) <= row["available_at"] < START + timedelta(hours=72)]
    counts = found.counts
    assert counts.raw == len(inside) == counts.reports + found.rejected.num_rows + counts.repeated_rows
    assert counts.leading + found.clusters.num_rows == counts.reports
    for event in found.events.to_pylist():
        assert 0.0 <= event["quality"] <= 1.0
        assert -1.0 <= event["polarity"] <= 1.0
        assert event["symbol"] in (*COINS.symbols, MARKET)


def test_whatever_shapes_events_changes_the_hash_of_the_rules() -> None:
    other = EventSettings(clustering=ClusteringSettings(similarity=80.0))
    hashes = [rules_hash(SETTINGS, COINS), rules_hash(other, COINS), rules_hash(SETTINGS, COINS, Reader())]
    assert len(set(hashes)) == 3
    assert rules_hash(EventSettings(), coins()) == hashes[0]


@pytest.mark.parametrize("name", ["title", "available_at", "entities"])
def test_missing_values_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"have no {name}"):
        day_of(report(NOON, "x") | {name: None})
