"""Clustering: who repeats whom, decided by what came before and by nothing else."""

import time

import pytest
from hypothesis import given, strategies as st

from distill_platform.feeds.events.clustering import repetitions
from distill_platform.feeds.events.linking import link
from distill_platform.feeds.events.normalizing import normalize
from distill_platform.feeds.events.settings import ClusteringSettings, EventSettings
from distill_platform_tests.feeds.event_tables import coins, raw_table, report

SETTINGS = EventSettings()
COINS = coins()


def heads(*rows: dict, settings: ClusteringSettings = SETTINGS.clustering) -> list[int | None]:
    """The place of the report that each repeats, by time; None for one that leads."""
    reports = normalize(raw_table(*rows), SETTINGS).reports
    symbols = [frozenset(found.symbol for found in link(each.headline, COINS)) for each in reports]
    found = {each.report: each.head for each in repetitions(reports, symbols, 0, settings)}
    return [found.get(place) for place in range(len(reports))]


def pair(first: str, second: str, *, hours_apart: float = 1, outlets: tuple[str, str] = ("a.com", "b.com")) -> bool:
    """Whether the second of two reports repeats the first."""
    return heads(report(0, first, outlets[0]), report(hours_apart, second, outlets[1]))[1] is not None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("SEC approves Valkyrie’s Bitcoin futures ETF", "SEC Approves Valkyrie's Bitcoin Futures ETF - B"),
        ("Chainalysis launches free sanctions tools", "Chainalysis Introduces Free Sanctions Tools for Industry"),
        ("Fund eyes USD 4.5B for new crypto funds", "Fund aims to raise $4.5 billion for new crypto funds"),
        ("Bank of Canada and MIT study digital currency", "MIT, Bank of Canada to study a digital currency"),
    ],
)
def test_another_outlet_s_words_for_the_same_are_a_repetition(first: str, second: str) -> None:
    assert pair(first, second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Bitcoin falls below $30,000 as miners sell", "Bitcoin falls below $20,000 as miners sell"),
        ("Fund for Ethereum launched by Grayscale today", "Fund for Solana launched by Grayscale today"),
        ("Bitcoin price", "Bitcoin price could reach new high soon"),
        ("Crypto", "Crypto exchange halts withdrawals"),
        ("Regulator sues exchange over token sale", "Miner opens new plant in Texas"),
    ],
)
def test_other_numbers_other_coins_and_single_shared_words_are_not(first: str, second: str) -> None:
    assert not pair(first, second)


def test_one_outlet_repeats_itself_only_in_almost_the_same_words() -> None:
    same = ("a.com", "a.com")
    assert pair("Majors consolidate gains, SNX and APE rally", "Majors consolidate gains, ZIL and ZRX rally")
    assert not pair(
        "Majors consolidate gains, SNX and APE rally", "Majors consolidate gains, ZIL and ZRX rally", outlets=same
    )
    assert not pair("Price analysis 2/2: who gains what", "Price analysis 2/4: who gains what", outlets=same)
    assert pair("Exchange halts all withdrawals", "Exchange halts all withdrawals!", outlets=same)


def test_a_report_that_names_one_symbol_more_says_something_new() -> None:
    assert not pair("Musk will accept coins at Tesla stores", "Musk will accept coins, Bitcoin too, at Tesla stores")
    assert pair("Musk will accept Bitcoin at all Tesla stores", "Musk will accept coins at all Tesla stores")


def test_after_two_days_the_same_is_news_again() -> None:
    title = "Exchange halts all withdrawals"
    assert pair(title, title, hours_apart=48)
    assert not pair(title, title, hours_apart=48.001)


def test_observations_of_a_series_differ_by_a_digit_and_are_not_repetitions() -> None:
    rows = [report(hour, f"Consumer prices index 2026-0{hour}", kind="macro") for hour in (1, 2)]
    assert heads(*rows) == [None, None]
    assert heads(rows[0], rows[0] | {"raw_id": "again", "outlet": "b.com"}) == [None, 0]


def test_the_earliest_leads_and_of_two_at_once_the_one_published_first() -> None:
    title = "Exchange halts all withdrawals"
    rows = [report(hour, title, f"{hour}.com") for hour in (2, 1, 3)]
    assert heads(*rows) == [None, 0, 0]
    at_once = [report(0, title, "x.com", available_at=rows[2]["available_at"]), rows[2]]
    reports = normalize(raw_table(*at_once), SETTINGS).reports
    assert [each.outlet for each in reports] == ["x.com", "3.com"]
    assert heads(*at_once) == [None, 0]


def test_similarity_is_not_handed_on() -> None:
    first = "alpha beta gamma delta epsilon zeta"
    between = "gamma delta epsilon zeta eta theta"
    last = "epsilon zeta eta theta iota kappa"
    strict = ClusteringSettings(similarity=60.0)
    rows = [report(hour, title, f"{hour}.com") for hour, title in enumerate((first, between, last))]
    assert heads(*rows, settings=strict) == [None, 0, 1]


VOCABULARY = ["alpha", "beta", "gamma", "delta", "Bitcoin", "Solana", "falls", "rises", "7", "9"]
STREAM = st.lists(
    st.builds(
        report,
        st.integers(0, 140),
        st.lists(st.sampled_from(VOCABULARY), min_size=3, max_size=7, unique=True).map(" ".join),
        st.sampled_from(["a.com", "b.com", "c.com"]),
    ),
    max_size=25,
    unique_by=lambda row: row["raw_id"],
)
LOOSE = ClusteringSettings(similarity=60.0, same_outlet_similarity=80.0)


def slowly(rows: list[dict], settings: ClusteringSettings) -> list[int | None]:
    """The same by asking about every pair alone."""
    ordered = sorted(rows, key=lambda row: (row["available_at"], row["published_at"], row["raw_id"]))
    found: list[int | None] = []
    for place, row in enumerate(ordered):
        earlier = (head for head in range(place) if heads(ordered[head], row, settings=settings)[1] is not None)
        found.append(next(earlier, None))
    return found


@given(STREAM)
def test_all_at_once_finds_what_every_pair_alone_says(rows: list[dict]) -> None:
    assert heads(*rows, settings=LOOSE) == slowly(rows, LOOSE)


@given(STREAM, st.integers(0, 140))
def test_what_comes_later_changes_nothing(rows: list[dict], hour: int) -> None:
    known = [row for row in rows if row["available_at"] <= report(hour, "x")["available_at"]]
    assert heads(*rows, settings=LOOSE)[: len(known)] == heads(*known, settings=LOOSE)


@given(STREAM, st.randoms())
def test_the_order_of_rows_changes_nothing(rows: list[dict], random) -> None:
    assert heads(*random.sample(rows, len(rows)), settings=LOOSE) == heads(*rows, settings=LOOSE)


@pytest.mark.parametrize(
    ("titles", "leading"),
    [
        (["Exchange halts all withdrawals for now"] * 10_000, 1),
        ([f"Price of coin number {number} falls today" for number in range(10_000)], 10_000),
        (["Exchange halts all withdrawals for now " + "x" * (place % 9) for place in range(10_000)], 1),
    ],
)
def test_ten_thousand_alike_take_seconds(titles: list[str], leading: int) -> None:
    rows = [report(place / 1_000, title, f"{place % 7}.com") for place, title in enumerate(titles)]
    heads(*rows[:9])
    started = time.process_time()
    assert heads(*rows).count(None) == leading
    assert time.process_time() - started < 20.0
