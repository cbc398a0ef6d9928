"""Presets: real data by name, from packages that carry it."""

import importlib.util
import sys
from datetime import UTC, date, datetime
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest

from distill_platform.core.errors import SourceError
from distill_platform.stats import utc_days
from distill_platform.strategies.market.presets import SP500_DAILY, load_preset

INSTALLED = importlib.util.find_spec("skfolio") is not None


@pytest.mark.skipif(not INSTALLED, reason="skfolio carries the data")
def test_sp500_daily_is_twenty_stocks_with_the_index_beside_them() -> None:
    market = load_preset(SP500_DAILY)
    assert market.bars.close.shape == (8313, 20)
    assert (market.bars.close[0, market.bars.symbols.index("AAPL")], market.benchmark[0]) == (0.264, 359.69)  # type: ignore[index]
    assert (market.bars.open, market.bars.volume) == (None, None)
    assert np.isfinite(market.bars.close).all()


@pytest.mark.skipif(not INSTALLED, reason="skfolio carries the data")
def test_a_bar_belongs_to_its_day() -> None:
    market = load_preset(SP500_DAILY)
    days = utc_days(market.bars.ts.astype("datetime64[ns]"))
    assert (str(days[0]), str(days[-1])) == ("1990-01-02", "2022-12-28")
    assert market.start == datetime(1990, 1, 3, tzinfo=UTC)


@pytest.mark.skipif(not INSTALLED, reason="skfolio carries the data")
def test_skfolio_itself_is_not_imported() -> None:
    before = "skfolio" in sys.modules
    load_preset(SP500_DAILY)
    assert ("skfolio" in sys.modules) == before


@pytest.mark.skipif(not INSTALLED, reason="skfolio carries the data")
def test_days_can_be_cut_out_with_their_benchmark() -> None:
    market = load_preset(SP500_DAILY)
    cut = market.between(date(2000, 1, 1), date(2000, 12, 31))
    assert (cut.start, cut.end) == (datetime(2000, 1, 4, tzinfo=UTC), datetime(2000, 12, 30, tzinfo=UTC))
    assert len(cut.bars) == len(cut.benchmark)  # type: ignore[arg-type]
    assert cut.fingerprint != market.fingerprint == load_preset(SP500_DAILY).fingerprint
    with pytest.raises(SourceError, match="has no bar from 2030-01-01"):
        market.between(date(2030, 1, 1), None)


def test_a_missing_package_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SourceError, match=r"distill-platform\[markets\]"):
        load_preset(SP500_DAILY)


def test_a_package_without_its_data_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    spec = ModuleSpec("skfolio", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    with pytest.raises(SourceError, match="cannot be read"):
        load_preset(SP500_DAILY)


def test_an_unknown_preset_is_told_the_nearest() -> None:
    with pytest.raises(SourceError, match=r"Did you mean .ohlcv"):
        load_preset("ohlcv.sp500.dayly")
