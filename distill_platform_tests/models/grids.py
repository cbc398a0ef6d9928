"""Generated markets on a grid, and the tables that they come in as."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from distill_platform.feeds.events.event import EVENTS, MARKET
from distill_platform.feeds.market_bars import MARKET_BARS
from distill_platform.models.features.bar_grid import BarGrid, bar_grid
from distill_platform.models.features.settings import BarFeatures, FeatureSettings, PanelFeatures
from distill_platform.models.frames import Flags, Integers

HOUR = 3_600 * 10**9
START = 473_000 * HOUR
SMALL = FeatureSettings(
    bars=BarFeatures(
        log_return=(1, 5),
        realized_volatility=(6,),
        volatility_ratio=((3, 9),),
        scaled_momentum=(7,),
        high_distance=(8,),
        low_distance=(8,),
        relative_strength=(6,),
        parkinson_volatility=(5,),
        garman_klass_volatility=(5,),
        return_autocorrelation=(8,),
        return_skewness=(8,),
        drawdown=(9,),
        volume_z_score=(6,),
        dollar_volume_change=(4,),
        amihud_illiquidity=(6,),
        missing_bars=(6,),
        stale_bars=(6,),
    ),
    panel=PanelFeatures(momentum_rank=(4,), market_return=(4,), market_beta=(9,), market_correlation=(9,)),
)
"""All kinds, over windows so short that a test of a hundred bars sees them begin, end and meet gaps."""


def bar_table(
    count: int, symbols: Sequence[str] = ("AAA", "BBB", "CCC"), seed: int = 0, holes: Flags | None = None
) -> pa.Table:
    """Return random hourly bars as a table of MARKET_BARS; `holes`, shape (count, N), are the bars to leave out."""
    random = np.random.default_rng(seed)
    shape = (count, len(symbols))
    close = 100.0 * np.exp(np.cumsum(random.normal(0.0, 0.01, shape), axis=0))
    opened = close * np.exp(random.normal(0.0, 0.004, shape))
    high = np.maximum(opened, close) * np.exp(np.abs(random.normal(0.0, 0.003, shape)))
    low = np.minimum(opened, close) * np.exp(-np.abs(random.normal(0.0, 0.003, shape)))
    volume = np.exp(random.normal(5.0, 0.7, shape))
    kept = np.ones(shape, bool) if holes is None else ~holes
    ts = np.broadcast_to((START + HOUR * np.arange(count))[:, None], shape)[kept] // 1_000
    names = np.broadcast_to(np.array(symbols, object)[None, :], shape)[kept]
    columns = [pa.array(names, pa.string()), pa.array(ts).cast(MARKET_BARS.field("ts_end").type)]
    columns += [pa.array(values[kept]) for values in (opened, high, low, close, volume)]
    return pa.Table.from_arrays([*columns, pa.array(["generated"] * len(ts), pa.string())], schema=MARKET_BARS)


def random_grid(
    count: int, symbols: Sequence[str] = ("AAA", "BBB", "CCC"), seed: int = 0, holes: Flags | None = None
) -> BarGrid:
    """Return the grid of `bar_table`, with all of its `count` moments whether there are bars or not."""
    table = bar_table(count, symbols, seed, holes)
    return bar_grid(table, HOUR, symbols, first_ts=START, last_ts=START + HOUR * (count - 1))


def gaps(count: int, width: int, *spans: tuple[int, int, int]) -> Flags:
    """Return holes of shape (count, width): a span is first row, row after the last, symbol (-1: all)."""
    holes = np.zeros((count, width), bool)
    for first, stop, symbol in spans:
        holes[first:stop, slice(None) if symbol < 0 else symbol] = True
    return holes


def event_table(available: Integers, symbols: Sequence[str] = ("AAA", MARKET), seed: int = 0) -> pa.Table:
    """Return an event at each of the moments (nanoseconds), about symbols in turn, as a table of EVENTS."""
    random = np.random.default_rng(seed)
    micros = np.sort(np.asarray(available)) // 1_000
    rows = [
        {
            "event_id": f"{number:064x}",
            "symbol": symbols[number % len(symbols)],
            "kind": "headline",
            "published_at": int(moment),
            "available_at": int(moment),
            "title": f"Report {number}",
            "source": "wire",
            "outlet": f"outlet-{number % 3}",
            "tier": 1 + number % 3,
            "confidence": 0.9,
            "quality": 0.8,
            "polarity": float(random.uniform(-1.0, 1.0)),
            "leads": number % 4 > 0,
            "cluster_id": f"{number:064x}",
            "synthetic_link": False,
            "is_low_quality": number % 7 == 0,
            "link_method": "name",
        }
        for number, moment in enumerate(micros)
    ]
    return pa.Table.from_pylist(rows, schema=EVENTS)
