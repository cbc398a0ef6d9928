"""Checks: each bound of each rule, as the verdict strip shows it."""

import math

import pytest

from distill_platform.evaluation.report.checks import checks, not_configured
from distill_platform_tests.evaluation.report import views


def test_every_bound_is_one_check() -> None:
    found = checks(views.view())
    assert [check.rule for check in found].count("robustness") == 2
    assert not_configured(views.view()) == ["data_currency"]


def test_a_failed_rule_shows_which_of_its_bounds_hold() -> None:
    holds = views.bound("returns.sharpe_daily", "min_sharpe", 1.05, 0.5)
    fails = views.bound("returns.max_drawdown", "max_drawdown", 0.4, 0.25, "max_drawdown_above_max")
    half = views.rule("performance", "fail", holds, fails)
    assert [check.status for check in checks(views.view(results=(half,)))] == ["pass", "fail"]


@pytest.mark.parametrize(
    ("parameter", "observed", "threshold", "room"),
    [("min_sharpe", 0.75, 0.5, 0.5), ("min_sharpe", 0.25, 0.5, -0.5), ("max_drawdown", 0.5, 0.25, -1.0),
     ("max_drawdown", 0.0, 0.25, 1.0), ("min_sharpe", 1e9, 0.5, 1.0), ("min_sharpe", 0.1, 0.0, 1.0)],
)  # fmt: skip
def test_the_bar_grows_with_the_margin_up_to_its_end(
    parameter: str, observed: float, threshold: float, room: float
) -> None:
    result = views.rule("performance", "pass", views.bound("returns.sharpe_daily", parameter, observed, threshold))
    (check,) = checks(views.view(results=(result,)))
    assert check.room == pytest.approx(room)
    assert check.threshold_text.startswith("at least" if parameter == "min_sharpe" else "at most")


def test_a_bound_that_cannot_be_checked_has_no_margin_and_no_pass() -> None:
    check = checks(views.view())[-1]
    assert check.unknown
    assert check.status == "fail"
    assert math.isnan(check.room)
    assert (check.observed_text, check.margin_text) == ("not measured", "–")
