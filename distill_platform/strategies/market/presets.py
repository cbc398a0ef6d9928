"""Presets: real market data by name, read from packages that carry it. Nothing is downloaded."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from distill_platform.core.config import nearest
from distill_platform.core.errors import SourceError
from distill_platform.strategies.bars import Bars, Stamps
from distill_platform.strategies.market.market import Market

SP500_DAILY = "ohlcv.sp500.daily"
_INSTALL = 'Install it with: pip install "distill-platform[markets]"'


def load_preset(name: str) -> Market:
    """Return the market of a preset; SourceError for an unknown one, and where the package that carries it is not."""
    if name not in PRESETS:
        raise SourceError(f"there is no data preset {name!r}", hint=nearest(name, list(PRESETS)))
    return PRESETS[name]()


def _sp500_daily() -> Market:
    """Return daily closes of twenty large S&P 500 stocks, 1990 to 2022, with the index as benchmark.

    Adjusted closes only: no opens, no volumes, so orders fill at the next close. The twenty are there because they
    were large in 2022: what made money on them would have been hard to know in 1990 (survivorship). A bar ends at the
    midnight (UTC) that ends its day.
    """
    stocks, index = _skfolio_table("sp500_dataset.csv.gz"), _skfolio_table("sp500_index.csv.gz")
    if not stocks["Date"].equals(index["Date"]):
        raise SourceError("the index and the stocks that skfolio carries have different days", hint=_INSTALL)
    symbols = [name for name in stocks.column_names if name != "Date"]
    close = np.column_stack([stocks[name].to_numpy() for name in symbols])
    return Market(SP500_DAILY, Bars(_day_ends(stocks["Date"]), tuple(symbols), close), index["SP500"].to_numpy())


def _day_ends(days: pa.ChunkedArray) -> Stamps:
    """Return the midnight (UTC) that ends each day, in nanoseconds since 1970."""
    midnights: Stamps = (days.to_numpy().astype("datetime64[D]") + 1).astype("datetime64[ns]").astype(np.int64)
    return midnights


def _skfolio_table(file: str) -> pa.Table:
    """Return a table that skfolio carries, without importing skfolio: that takes seconds."""
    found = importlib.util.find_spec("skfolio")
    if found is None or not found.submodule_search_locations:
        raise SourceError(f"{SP500_DAILY} comes with the package skfolio, which is not installed", hint=_INSTALL)
    path = Path(found.submodule_search_locations[0]) / "datasets" / "data" / file
    try:
        return pacsv.read_csv(path)
    except (OSError, pa.ArrowException) as error:
        raise SourceError(f"{path} cannot be read: {error}", hint=_INSTALL) from None


PRESETS: dict[str, Callable[[], Market]] = {SP500_DAILY: _sp500_daily}
