"""Next to arch 8: agreement where it is right, and a record of where it is not."""

import math

import numpy as np
import pytest

from distill_platform.stats.block_length import optimal_block_length
from distill_platform.stats.bootstrap import bootstrap_sharpe
from distill_platform.stats.confidence_set import mcs
from distill_platform.stats.hansen import hansen_kernel_variance_cols
from distill_platform.stats.stepwise import stepm
from distill_platform.stats.superior import reality_check, spa

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # those of a peer are its own
]
B = 10_000


def arch_spa(diff: np.ndarray, block: int, **options: bool) -> dict[str, float]:
    from arch.bootstrap import SPA

    test = SPA(np.zeros(len(diff)), -diff, block_size=block, reps=B, seed=1, **options)
    test.compute()
    return {str(name): float(p) for name, p in test.pvalues.items()}


@pytest.mark.parametrize("phi", [-0.5, 0.0, 0.5, 0.9])
@pytest.mark.parametrize("n", [12, 50, 300, 2500])
def test_optimal_block_lengths_are_arch_s(n: int, phi: float) -> None:
    from arch.bootstrap import optimal_block_length as arch_optimal_block_length

    series = np.random.default_rng(n).normal(size=n)
    for t in range(1, n):
        series[t] += phi * series[t - 1]
    found = optimal_block_length(series)
    assert [found.stationary, found.circular] == pytest.approx(arch_optimal_block_length(series).to_numpy()[0].tolist())


def test_arch_has_no_block_length_for_a_constant() -> None:
    from arch.bootstrap import optimal_block_length as arch_optimal_block_length

    assert np.isnan(arch_optimal_block_length(np.ones(100)).to_numpy()).all()
    assert optimal_block_length(np.ones(100)).stationary == 1.0


@pytest.mark.parametrize("block", [10, 50])
def test_the_distribution_of_a_sharpe_ratio_is_arch_s(block: int) -> None:
    from arch.bootstrap import StationaryBootstrap

    returns = np.random.default_rng(1).standard_t(5, 1000) * 0.01 + 0.0005
    theirs = StationaryBootstrap(block, returns, seed=2).apply(lambda r: r.mean() / r.std(ddof=1), B).ravel()
    ours = bootstrap_sharpe(returns, B, block, seed=1).values
    error = math.sqrt(2.0 / B) * ours.std()
    assert ours.mean() == pytest.approx(theirs.mean(), abs=4 * error)
    assert ours.std() == pytest.approx(theirs.std(), abs=4 * error)
    places = np.linspace(0.05, 0.95, 10)
    assert np.searchsorted(np.sort(ours), np.quantile(theirs, places)) / B == pytest.approx(
        places, abs=4 * 0.5 * math.sqrt(2 / B)
    )


def test_without_studentizing_p_values_and_variances_are_arch_s() -> None:
    from arch.bootstrap import SPA

    diff = np.random.default_rng(3).normal(size=(400, 8)) + np.linspace(-0.3, 0.1, 8)
    peer = SPA(np.zeros(400), -diff, block_size=10, reps=10, seed=1)
    peer.compute()
    np.testing.assert_allclose(hansen_kernel_variance_cols(diff, 0.1), peer._loss_diff_var, rtol=1e-10)
    ours = spa(diff, B, 10, studentize=False, seed=1)
    for name, theirs in arch_spa(diff, 10, studentize=False).items():
        assert getattr(ours.p, name) == pytest.approx(theirs, abs=4 * 0.5 * math.sqrt(2 / B))


def test_arch_s_studentize_changes_nothing_and_ours_does() -> None:
    rng = np.random.default_rng(4)
    diff = rng.normal(size=(400, 8)) * np.array([1, 1, 1, 1, 1, 1, 1, 20]) + 0.1
    assert arch_spa(diff, 10, studentize=True) == arch_spa(diff, 10, studentize=False)
    plain, studentized = (spa(diff, B, 10, studentize=studentize, seed=1).p for studentize in (False, True))
    assert plain.consistent > 10 * studentized.consistent


def test_arch_s_reality_check_is_another_name_for_its_spa() -> None:
    from arch.bootstrap import SPA, RealityCheck

    assert {name for name in vars(RealityCheck) if not name.startswith("__")} == set()
    assert issubclass(RealityCheck, SPA)
    diff = np.random.default_rng(3).normal(size=(400, 8)) + np.linspace(-0.3, 0.1, 8)
    assert reality_check(diff, B, 10, seed=1).p == pytest.approx(
        arch_spa(diff, 10)["upper"], abs=4 * 0.5 * math.sqrt(2 / B)
    )


def test_arch_rejects_for_a_model_that_is_its_benchmark() -> None:
    assert arch_spa(np.zeros((100, 1)), 5)["consistent"] == 0.0
    assert spa(np.zeros((100, 1)), 99, 5).p.consistent == 1.0


def test_without_studentizing_superior_models_are_arch_s() -> None:
    from arch.bootstrap import StepM

    diff = np.random.default_rng(5).normal(size=(400, 8)) + np.array([0.4, 0.3, 0.25, 0, 0, 0, -0.2, -0.5])
    peer = StepM(np.zeros(400), -diff, block_size=10, reps=B, seed=1)
    peer.compute()
    assert list(stepm(diff, 0.05, B, 10, studentize=False, seed=1).superior) == peer.superior_models


@pytest.mark.parametrize(("statistic", "method"), [("range", "R"), ("max", "max")])
def test_model_confidence_sets_are_arch_s(statistic: str, method: str) -> None:
    from arch.bootstrap import MCS

    losses = np.random.default_rng(6).normal(size=(400, 8)) + np.linspace(0.0, 0.35, 8)
    peer = MCS(losses, 0.05, B, 10, method, seed=1)
    peer.compute()
    ours = mcs(losses, B, 10, statistic=statistic, seed=1)
    theirs = peer.pvalues["Pvalue"]
    assert list(ours.elimination_order) == theirs.index.tolist()
    assert list(ours.p_values) == pytest.approx(theirs.tolist(), abs=0.04)
