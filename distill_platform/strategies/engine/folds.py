"""Folds: the run cut into walk-forward windows, as the bundle's `folds` table."""

from __future__ import annotations

import math

import pyarrow as pa

from distill_platform.stats import walk_forward
from distill_platform.strategies.bundles.tables import FOLDS
from distill_platform.strategies.engine.book import Book
from distill_platform.strategies.engine.steps import stamps

TESTS = 8
TRAIN_TESTS = 4
"""A training span is four tests long; there are eight tests, one after the other."""
_SPLITS = ("search", "search", "search", "search", "validation", "validation", "forward_oos", "forward_oos")


def folds_table(book: Book) -> pa.Table | None:
    """Return one row per walk-forward window, oldest first; None for a run of fewer than twelve bars.

    `pnl_is` and `pnl_oos` are sums of net returns over the training span and over the test that follows it. `start` and
    `end` bound the test: it is the bars that end after the one and not after the other. `split` is what a search may
    use the test for: the first half of them to choose by, two to validate with, the last two only to be judged by.
    The newest bars belong to no test where they fill none.
    """
    test = len(book.bars) // (TESTS + TRAIN_TESTS)
    if test == 0:
        return None
    windows = walk_forward(len(book.bars), train=TRAIN_TESTS * test, test=test)[:TESTS]
    columns = {
        "fold": list(range(len(windows))),
        "split": list(_SPLITS),
        "start": stamps(book.bars.ts[[window.test.start - 1 for window in windows]]),
        "end": stamps(book.bars.ts[[window.test.stop - 1 for window in windows]]),
        "pnl_is": [math.fsum(book.ret_net[window.train.slice]) for window in windows],
        "pnl_oos": [math.fsum(book.ret_net[window.test.slice]) for window in windows],
    }
    return pa.table(columns, schema=FOLDS.columns)
