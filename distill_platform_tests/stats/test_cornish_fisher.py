import math

import numpy as np
import pytest
from hypothesis import example, given, strategies as st

from distill_platform.stats.cornish_fisher import cornish_fisher_quantile, cornish_fisher_valid

NORMAL_QUANTILES = np.linspace(-60.0, 60.0, 24_001)


def rises(skew: float, excess_kurt: float) -> bool:
    """Whether the expansion rises on a grid, as far as differences of floats can say."""
    quantiles = np.array([cornish_fisher_quantile(z, skew, excess_kurt) for z in NORMAL_QUANTILES])
    return bool((np.diff(quantiles) >= -1e-9 * np.abs(quantiles[1:])).all())


@pytest.mark.parametrize(("skew", "excess_kurt"), [(0.0, 0.0), (-0.5, 1.5), (0.0, 8.0), (1.0, 3.0), (-2.4, 11.0)])
def test_inside_the_domain_the_expansion_rises(skew: float, excess_kurt: float) -> None:
    assert cornish_fisher_valid(skew, excess_kurt)
    assert rises(skew, excess_kurt)


@pytest.mark.parametrize(
    ("skew", "excess_kurt"), [(-3.0, 2.0), (0.0, 8.1), (0.0, -0.1), (-0.5, 0.1), (1.0, 1.0), (7.0, 64.0), (20.0, 493.0)]
)
def test_outside_the_domain_it_falls_somewhere(skew: float, excess_kurt: float) -> None:
    assert not cornish_fisher_valid(skew, excess_kurt)
    assert not rises(skew, excess_kurt)


def test_the_inequality_alone_would_pass_an_expansion_that_falls_everywhere() -> None:
    skew, kurt = 20.0, 493.0
    assert skew**2 / 9 - 4 * (kurt / 8 - skew**2 / 6) * (1 - kurt / 8 + 5 * skew**2 / 36) <= 0
    assert cornish_fisher_quantile(10.0, skew, kurt) < cornish_fisher_quantile(-10.0, skew, kurt)
    assert not cornish_fisher_valid(skew, kurt)


@given(st.floats(-8.0, 8.0), st.floats(-2.0, 80.0))
@example(0.0, 0.0)
def test_the_domain_is_where_the_slope_is_never_negative(skew: float, excess_kurt: float) -> None:
    a, b, c = excess_kurt / 8 - skew**2 / 6, skew / 3, 1 - excess_kurt / 8 + 5 * skew**2 / 36
    if a > 0:
        lowest = c - b * b / (4 * a)
        if abs(lowest) > 1e-9:
            assert cornish_fisher_valid(skew, excess_kurt) == (lowest > 0)
    elif a < 0:
        assert not cornish_fisher_valid(skew, excess_kurt)


@given(st.floats(-8.0, 8.0), st.floats(-2.0, 80.0))
def test_the_sign_of_the_skew_does_not_matter(skew: float, excess_kurt: float) -> None:
    assert cornish_fisher_valid(skew, excess_kurt) == cornish_fisher_valid(-skew, excess_kurt)


def test_the_widest_skew_is_that_of_the_paper() -> None:
    """Maillard (2012): |S| <= 6 (sqrt(2) - 1)."""
    widest = 6 * (math.sqrt(2) - 1)
    kurtoses = np.linspace(0.0, 20.0, 20_001)
    assert any(cornish_fisher_valid(widest - 1e-3, kurt) for kurt in kurtoses)
    assert not any(cornish_fisher_valid(widest + 1e-3, kurt) for kurt in kurtoses)


def test_normal_moments_leave_quantiles_as_they_are() -> None:
    assert [cornish_fisher_quantile(z, 0.0, 0.0) for z in (-2.0, 0.0, 1.5)] == [-2.0, 0.0, 1.5]


def test_missing_moments_are_not_valid_and_infinite_ones_refused() -> None:
    assert not cornish_fisher_valid(math.nan, 1.0)
    assert not cornish_fisher_valid(0.0, math.nan)
    with pytest.raises(ValueError, match="skew"):
        cornish_fisher_valid(math.inf, 1.0)
    with pytest.raises(ValueError, match="excess_kurt"):
        cornish_fisher_valid(0.0, -math.inf)
