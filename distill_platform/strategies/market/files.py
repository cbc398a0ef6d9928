"""Files of bars: a user's own Parquet, CSV or Feather, one row per bar and symbol, checked before it is used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.feather as feather
import pyarrow.parquet as pq

from distill_platform.core.config import nearest
from distill_platform.core.errors import SourceError
from distill_platform.strategies.bars import Bars
from distill_platform.strategies.market.market import Market
from distill_platform.strategies.market.moments import bar_ends
from distill_platform.strategies.market.refused_rows import refuse_rows

PRICES = ("open", "high", "low", "close")
NUMBERS = (*PRICES, "volume")
_KNOWN = ("ts", "date", "symbol", *NUMBERS)
_HIGHEST_PRICE = 1e12
_MOST_CELLS = 2**27
_LONGEST_SYMBOL = 64
_IN_ORDER = pacsv.ReadOptions(use_threads=False)  # then errors name the row

Rows = npt.NDArray[np.int64]


def read_market(path: Path) -> Market:
    """Return the market of one file: `.parquet`, `.pq`, `.csv`, `.csv.gz`, `.feather` or `.arrow`.

    Columns, in any case and order: `ts`, the end of the bar with its zone, or `date`, the UTC day a daily bar covers;
    `close`; where there are any `open`, `high`, `low`, `volume`; and `symbol` unless the file is named after its only
    one. Each symbol's rows are in order of time; a bar that a symbol does not have is a row that is not there.

    Raises SourceError naming the file, and the row where one is to blame (1 is the first row of data).
    """
    table = _columns(_read(path), path)
    stamps = bar_ends(table, path)
    names = _symbols(table, path)
    numbers = {name: _numbers(table, name, path) for name in NUMBERS if name in table.column_names}
    _refuse_crossed(numbers, path)
    symbols, columns = np.unique(names, return_inverse=True)
    ends, rows = np.unique(stamps, return_inverse=True)
    _refuse_disorder(stamps, columns, symbols, path)
    if len(ends) * len(symbols) > _MOST_CELLS:
        raise SourceError(f"{path}: {len(ends)} moments of {len(symbols)} symbols are more than {_MOST_CELLS} bars")
    panels = {name: _panel(values, rows, columns, (len(ends), len(symbols))) for name, values in numbers.items()}
    return Market(f"file:{path.name}", Bars(ends, tuple(symbols.tolist()), **panels))


def is_market_file(path: Path) -> bool:
    """Return whether a file of that name can be read as bars."""
    return path.name.lower().endswith(tuple(_READERS))


def _read(path: Path) -> pa.Table:
    reader = next((read for suffix, read in _READERS.items() if path.name.lower().endswith(suffix)), None)
    if reader is None:
        raise SourceError(f"{path} is of no known kind of file", hint=f"Known: {', '.join(_READERS)}")
    try:
        return reader(path)
    except FileNotFoundError:
        raise SourceError(f"there is no file {path}", hint="Name a preset or a file of bars") from None
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise SourceError(
            f"{path} cannot be read: {reason}", hint="It is cut off, damaged or of another kind"
        ) from None


def _read_csv(path: Path) -> pa.Table:
    """Return a CSV's columns as they are written: what is a number or a moment is decided by the column's name."""
    with pacsv.open_csv(path, read_options=_IN_ORDER) as stream:
        header = stream.schema.names
    kinds = {name: pa.float64() if name.strip().lower() in NUMBERS else pa.string() for name in header}
    return pacsv.read_csv(
        path,
        read_options=_IN_ORDER,
        convert_options=pacsv.ConvertOptions(column_types=kinds, strings_can_be_null=True, null_values=[""]),
    )


_READERS: dict[str, Callable[[Path], pa.Table]] = {
    ".parquet": pq.read_table, ".pq": pq.read_table, ".csv": _read_csv, ".csv.gz": _read_csv,
    ".feather": feather.read_table, ".arrow": feather.read_table,
}  # fmt: skip


def _columns(table: pa.Table, path: Path) -> pa.Table:
    """Return the table under the names we know; SourceError for others, for missing and for repeated ones."""
    names = [name.strip().lower() for name in table.column_names]
    for name in names:
        if name not in _KNOWN:
            hint = f"{nearest(name, list(_KNOWN))}. Take out what is not to be used"
            raise SourceError(f"{path}: unknown column {name!r}", hint=hint)
        if names.count(name) > 1:
            raise SourceError(f"{path}: column {name!r} stands twice")
    if ("ts" in names) == ("date" in names) or "close" not in names:
        hint = "`ts` is the end of a bar with its zone, `date` the UTC day that a daily bar covers"
        raise SourceError(f"{path}: needs `close` and either `ts` or `date`, has {', '.join(names)}", hint=hint)
    if table.num_rows == 0:
        raise SourceError(f"{path} has no rows")
    return table.rename_columns(names).combine_chunks()


def _symbols(table: pa.Table, path: Path) -> npt.NDArray[Any]:
    if "symbol" not in table.column_names:
        return np.full(table.num_rows, path.name.partition(".")[0], dtype=object)
    column = table["symbol"]
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        raise SourceError(f"{path}: `symbol` holds {column.type}, not text")
    usable = pc.fill_null(pc.match_substring_regex(column, rf"^[^\s\pC]{{1,{_LONGEST_SYMBOL}}}$"), False)
    refuse_rows(~usable.to_numpy(), f"`symbol` is not a word of at most {_LONGEST_SYMBOL} characters", path)
    return np.asarray(column.to_numpy(), dtype=object)


def _numbers(table: pa.Table, name: str, path: Path) -> npt.NDArray[np.float64]:
    """Return a column of prices or volumes; every one of them must be there, finite and possible."""
    kind = table[name].type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        raise SourceError(f"{path}: `{name}` holds {kind}, not numbers")
    values: npt.NDArray[np.float64] = table[name].cast(pa.float64(), safe=False).to_numpy()
    refuse_rows(~np.isfinite(values), f"`{name}` is missing or not a finite number", path, "Leave out the row")
    if name == "volume":
        refuse_rows(values < 0.0, "`volume` is negative", path)
    else:
        refuse_rows(values <= 0.0, f"`{name}` is not above 0", path)
        refuse_rows(values > _HIGHEST_PRICE, f"`{name}` is above {_HIGHEST_PRICE:g}", path)
    return values


def _refuse_crossed(numbers: dict[str, npt.NDArray[np.float64]], path: Path) -> None:
    prices = [numbers[name] for name in PRICES if name in numbers]
    if "low" in numbers:
        refuse_rows(numbers["low"] > np.minimum.reduce(prices), "`low` is above another price of its bar", path)
    if "high" in numbers:
        refuse_rows(numbers["high"] < np.maximum.reduce(prices), "`high` is below another price of its bar", path)


def _refuse_disorder(stamps: Rows, columns: Rows, symbols: npt.NDArray[Any], path: Path) -> None:
    """Refuse a symbol whose rows do not go forward in time."""
    order = np.argsort(columns, kind="stable")
    same = columns[order][1:] == columns[order][:-1]
    late = np.zeros(len(stamps), dtype=bool)
    late[order[1:]] = same & (stamps[order][1:] <= stamps[order][:-1])
    if late.any():
        symbol = symbols[columns[int(late.argmax())]]
        hint = "Sort each symbol's rows by time and drop duplicates"
        refuse_rows(late, f"{symbol!r} goes back in time or has this bar twice", path, hint)


def _panel(values: npt.NDArray[np.float64], rows: Rows, columns: Rows, shape: tuple[int, int]) -> Any:
    panel = np.full(shape, np.nan)
    panel[rows, columns] = values
    return panel
