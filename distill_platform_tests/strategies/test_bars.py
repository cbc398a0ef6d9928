import numpy as np
import pytest

from distill_platform.core.errors import BarsError
from distill_platform.strategies.bars import Bars

DAY = 86_400_000_000_000


def bars(**changed: object) -> Bars:
    given: dict[str, object] = {
        "ts": np.arange(1, 4) * DAY,
        "symbols": ("A", "B"),
        "close": np.array([[1.0, np.nan], [2.0, 5.0], [3.0, 6.0]]),
    }
    return Bars(**(given | changed))  # type: ignore[arg-type]


def test_bars_are_read_only_copies() -> None:
    close = np.ones((3, 2))
    found = bars(close=close)
    close[0, 0] = 7.0
    assert found.close[0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        found.close[0, 0] = 2.0


def test_equal_bars_have_equal_fingerprints_and_any_change_shows() -> None:
    first = bars()
    quiet_nan = first.close.copy()
    quiet_nan[0, 1] = -np.float64("nan")
    assert bars(close=quiet_nan, symbols=["A", "B"]).fingerprint == first.fingerprint
    others = [
        bars(symbols=("A", "C")),
        bars(ts=np.arange(2, 5) * DAY),
        bars(close=first.close * 2),
        bars(open=first.close),
        bars(volume=first.close),
    ]
    assert len({first.fingerprint, *(other.fingerprint for other in others)}) == 6


def test_rows_are_bars_of_their_own() -> None:
    part = bars(volume=np.zeros((3, 2))).rows(1, 3)
    assert (len(part), part.close[0, 1], part.high) == (2, 5.0, None)
    assert part.fingerprint == bars(volume=np.zeros((3, 2))).rows(1, 3).fingerprint


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ts": np.array([1, 1, 2])}, "does not increase at row 1"),
        ({"ts": np.array([1.0, 2.0, 3.0])}, "int64"),
        ({"ts": np.array([], dtype=np.int64)}, "at least one bar"),
        ({"symbols": ("A", "A")}, "'A' stands twice"),
        ({"symbols": ("A", "")}, "at least one word"),
        ({"symbols": ("A",)}, "close has shape"),
        ({"close": np.array([[1.0, 0.0]] * 3)}, "close is 0.0 at row 0, column 1"),
        ({"open": np.array([[1.0, np.inf]] * 3)}, "open is inf"),
        ({"volume": np.array([[1.0, -1.0]] * 3)}, "volume is -1.0"),
        ({"close": [["x", "y"]] * 3}, "real numbers"),
        ({"high": np.ones((3, 2)), "low": np.full((3, 2), 2.0)}, "low is above high at row 0, symbol 'A'"),
    ],
)
def test_what_is_no_market_data_is_refused(changed: dict[str, object], message: str) -> None:
    with pytest.raises(BarsError, match=message):
        bars(**changed)
