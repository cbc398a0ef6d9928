"""The generated market is what it says it is: headlines move prices, or do not, or were written afterwards."""

import numpy as np
import pyarrow.compute as pc
import pytest

from distill_platform.feeds.market_bars import MARKET_BARS
from distill_platform.feeds.sample.headlines import HEADLINES
from distill_platform.feeds.sample.market import GeneratedMarket, MarketTruth, SampleMarket, generate

HOUR_US = 3_600_000_000
GOOD, BAD = ("surges", "rallies", "gains", "jumps"), ("plunges", "falls", "slumps", "drops")
DAYS = 120


def made(truth: MarketTruth, seed: int = 3) -> GeneratedMarket:
    return generate(SampleMarket(truth, seed, days=DAYS, outages=0))


def tone(title: str) -> int:
    words = set(title.split())
    return bool(words & set(GOOD)) - bool(words & set(BAD))


def drift_after_headlines(market: GeneratedMarket) -> float:
    """Return the mean log return over twelve hours in the direction of headlines, in its standard errors."""
    closes = market.bars.sort_by([("symbol", "ascending"), ("ts_end", "ascending")])
    symbols = pc.unique(closes["symbol"]).to_pylist()
    panel = {s[:3]: np.log(closes.filter(pc.equal(closes["symbol"], s))["close"].to_numpy()) for s in symbols}
    names = {"Aldera": "ALD", "Borealis": "BOR", "Cindra": "CIN", "Doriath": "DOR"}
    start = closes["ts_end"].cast("int64").to_numpy().min() - HOUR_US
    moves = []
    for row in market.headlines.to_pylist():
        name = names.get(row["title"].split()[0])
        hour = (int(row["published_at"].timestamp() * 1e6) - start) // HOUR_US
        if name and tone(row["title"]) and hour + 12 < DAYS * 24:
            moves.append(tone(row["title"]) * (panel[name][hour + 12] - panel[name][hour]))
    return float(np.mean(moves) / np.std(moves) * np.sqrt(len(moves)))


@pytest.mark.parametrize("truth", MarketTruth)
def test_a_market_is_the_same_each_time_and_another_with_another_seed(truth: MarketTruth) -> None:
    one, same, other = made(truth), made(truth), made(truth, 4)
    assert one.bars.equals(same.bars)
    assert one.headlines.equals(same.headlines)
    assert not one.bars.equals(other.bars)
    assert one.bars.schema == MARKET_BARS
    assert one.headlines.schema == HEADLINES


def test_prices_follow_headlines_where_there_is_an_edge_and_nowhere_else() -> None:
    drifts = {truth: drift_after_headlines(made(truth)) for truth in MarketTruth}
    assert drifts[MarketTruth.EDGE] > 5.0
    assert abs(drifts[MarketTruth.NONE]) < 4.0
    assert abs(drifts[MarketTruth.SHUFFLED]) < 4.0
    assert drifts[MarketTruth.LEAKED] > 2.0 * drifts[MarketTruth.EDGE]


def test_shuffling_moves_headlines_and_no_price() -> None:
    edge, shuffled = made(MarketTruth.EDGE), made(MarketTruth.SHUFFLED)
    assert edge.bars.equals(shuffled.bars)
    assert not edge.headlines.equals(shuffled.headlines)


def test_hindsight_changes_no_price() -> None:
    assert made(MarketTruth.NONE).bars.equals(made(MarketTruth.LEAKED).bars)


def test_no_symbol_trades_in_an_outage() -> None:
    whole, holed = (generate(SampleMarket(days=60, outages=number)).bars for number in (0, 3))
    assert whole.num_rows == 60 * 24 * 4
    assert 3 * 2 <= (whole.num_rows - holed.num_rows) / 4 <= 3 * 8
