"""What a report is made from."""

import math
from datetime import timedelta

from distill_platform.evaluation.report.view import FoldView
from distill_platform_tests.evaluation.report import views


def fold(split: str, start: int, end: int) -> FoldView:
    first = views.START
    return FoldView(0, split, first + timedelta(days=start), first + timedelta(days=end), 0.0, 0.0)


def test_folds_of_a_split_that_touch_are_one_window() -> None:
    view = views.view(folds=(fold("validation", 20, 30), fold("search", 0, 10), fold("search", 5, 20)))
    spans = [(split, (start - views.START).days, (end - views.START).days) for split, start, end in view.windows]
    assert spans == [("search", 0, 20), ("validation", 20, 30)]


def test_folds_apart_are_windows_of_their_own() -> None:
    assert len(views.view(folds=(fold("search", 0, 10), fold("search", 11, 20))).windows) == 2


def test_a_metric_that_is_no_number_is_none() -> None:
    view = views.view(metrics={"returns.sharpe_daily": True, "returns.es_99": None, "returns.var_99": 1})
    assert math.isnan(view.number("returns.sharpe_daily"))
    assert math.isnan(view.number("returns.es_99"))
    assert math.isnan(view.number("returns.var_95"))
    assert view.number("returns.var_99") == 1.0


def test_a_group_is_sorted_whatever_the_order_of_its_metrics() -> None:
    view = views.view(metrics={"returns.b": 1, "sample.a": 2, "returns.a": 3})
    assert list(view.group("returns").items()) == [("a", 3), ("b", 1)]
