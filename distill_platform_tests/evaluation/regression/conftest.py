"""What the tests of regression sets share: the set of the shipped world, simulated once."""

import pytest

from distill_platform.evaluation.regression.regression_set import regression_set
from distill_platform.policy.ranking import MetricsLine
from distill_platform_tests.evaluation.worlds import world

SEED, RUNS = 7, 2


@pytest.fixture(scope="session")
def lines() -> list[MetricsLine]:
    """Two runs of each truth; nobody changes them."""
    return regression_set(world(), SEED, RUNS)
