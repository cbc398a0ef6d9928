"""Normalizing: what a raw row means, and what is kept out with a reason."""

import math
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, strategies as st

from distill_platform.feeds.events.event import RAW_EVENTS
from distill_platform.feeds.events.normalizing import EventKind, Rejection, normalize
from distill_platform.feeds.events.settings import EventSettings
from distill_platform_tests.feeds.event_tables import START, raw_table, report

SETTINGS = EventSettings()
LATER = START + timedelta(hours=2)


def only_reason(**fields: object) -> Rejection:
    found = normalize(raw_table(report(1, str(fields.pop("title", "Bitcoin falls again")), **fields)), SETTINGS)
    assert not found.reports
    return found.rejected[0].reason


def test_a_sound_report_is_understood() -> None:
    row = report(1, "Bitcoin&#39;s fall - One", "https://www.One.com/x", kind="News", tone=-0.5)
    (found,) = normalize(raw_table(row), SETTINGS).reports
    assert (found.title, found.headline, found.comparable) == ("Bitcoin's fall - One", "Bitcoin's fall", "bitcoin fall")
    assert (found.outlet, found.kind, found.tone) == ("one.com", EventKind.HEADLINE, -0.5)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"title": ""}, Rejection.EMPTY_TITLE),
        ({"title": " \u200b&nbsp; "}, Rejection.EMPTY_TITLE),
        ({"title": "!!! ???"}, Rejection.EMPTY_TITLE),
        ({"title": "word " * 300}, Rejection.TITLE_TOO_LONG),
        ({"title": "x" * 10_000_000}, Rejection.TITLE_TOO_LONG),
        ({"title": "\ufdfa" * 900}, Rejection.TITLE_TOO_LONG),
        ({"published_at": LATER}, Rejection.PUBLISHED_AFTER_AVAILABLE),
        ({"published_at": datetime(1970, 1, 1, tzinfo=UTC)}, Rejection.IMPLAUSIBLE_TIME),
        ({"kind": "rumour"}, Rejection.UNKNOWN_KIND),
        ({"kind": ""}, Rejection.UNKNOWN_KIND),
        ({"tier": 0}, Rejection.INVALID_NUMBER),
        ({"confidence": math.nan}, Rejection.INVALID_NUMBER),
        ({"confidence": 1.01}, Rejection.INVALID_NUMBER),
        ({"tone": math.inf}, Rejection.INVALID_NUMBER),
        ({"tone": math.nan}, Rejection.INVALID_NUMBER),
    ],
)
def test_what_cannot_be_an_event_is_rejected_with_its_reason(fields: dict, reason: Rejection) -> None:
    assert only_reason(**fields) == reason


def test_a_row_that_was_there_already_is_not_a_second_report() -> None:
    row = report(1, "Bitcoin falls again")
    week_later = row | {"available_at": START + timedelta(days=7)}
    found = normalize(raw_table(row, row, week_later), SETTINGS)
    assert (len(found.reports), len(found.repeated)) == (2, 1)


@given(st.permutations([report(hour % 3, f"Title number {hour}", tone=hour / 10) for hour in range(6)]))
def test_the_order_of_rows_changes_nothing(rows: list[dict]) -> None:
    assert normalize(raw_table(*rows), SETTINGS) == normalize(raw_table(*rows[::-1]), SETTINGS)


def test_other_tables_and_missing_values_are_refused() -> None:
    with pytest.raises(ValueError, match="not those of RAW_EVENTS"):
        normalize(pa.table({"title": ["x"]}), SETTINGS)
    with pytest.raises(ValueError, match="1 reports have no title"):
        normalize(pa.Table.from_pylist([report(1, "x") | {"title": None}], schema=RAW_EVENTS), SETTINGS)
