"""The probability of backtest overfitting: against rational arithmetic, under symmetries, on noise and on skill."""

import concurrent.futures
import itertools
import math
import multiprocessing
from fractions import Fraction
from time import process_time
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings, strategies as st

from distill_platform.stats.pbo import PboResult, pbo_cscv

Array = npt.NDArray[np.float64]

ARRAYS = ("logits", "omega", "ranks", "selected", "is_performance", "oos_performance")
NUMBERS = ("pbo", "count_overfit", "count_strictly_below", "n_combos", "degradation_slope", "probability_of_loss")
UNDEFINED = Fraction(-(10**30))


def noise(n_rows: int = 200, n_strategies: int = 9, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(0, 0.01, (n_rows, n_strategies))


def assert_same_bits(one: PboResult, other: PboResult) -> None:
    assert [getattr(one, name) for name in NUMBERS] == [getattr(other, name) for name in NUMBERS]
    for name in ARRAYS:
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes()


def squared_sharpe(sample: list[int]) -> Fraction:
    """The square of the Sharpe ratio (ddof=1) with its sign: exact, and ordered like the ratio."""
    n, total = len(sample), sum(sample)
    squares = sum(value * value for value in sample) - Fraction(total * total, n)
    return Fraction(total * abs(total) * (n - 1), n * n) / squares if squares else UNDEFINED


def mean(sample: list[int]) -> Fraction:
    return Fraction(sum(sample), len(sample))


def exact_combinations(panel: list[list[int]], n_blocks: int, performance: Any) -> list[tuple[int, Fraction, Any, Any]]:
    """Selected column, its mean rank, and its performance in both halves, for every combination: the definition."""
    length = len(panel) // n_blocks
    found = []
    for chosen in itertools.combinations(range(n_blocks), n_blocks // 2):
        halves: tuple[list[list[int]], list[list[int]]] = ([], [])
        for block in range(n_blocks):
            halves[block not in chosen].extend(panel[block * length : (block + 1) * length])
        inside, outside = ([performance(list(column)) for column in zip(*half, strict=True)] for half in halves)
        best = inside.index(max(inside))
        below, equal = (sum(value < outside[best] for value in outside), outside.count(outside[best]))
        found.append((best, below + Fraction(equal + 1, 2), inside[best], outside[best]))
    return found


def assert_exact(panel: list[list[int]], n_blocks: int, metric: str, scale: float = 1.0) -> None:
    truth = exact_combinations(panel, n_blocks, squared_sharpe if metric == "sharpe" else mean)
    found = pbo_cscv(np.array(panel) * scale, n_blocks, metric, constant="worst")
    selected, ranks, *_ = zip(*truth, strict=True)
    assert found.selected.tolist() == list(selected)
    assert found.ranks.tolist() == [float(rank) for rank in ranks]
    middle = Fraction(len(panel[0]) + 1, 2)
    assert found.count_overfit == sum(rank <= middle for rank in ranks)
    assert found.count_strictly_below == sum(rank < middle for rank in ranks)
    assert found.n_combos == len(truth) == math.comb(n_blocks, n_blocks // 2)
    assert found.pbo == found.count_overfit / found.n_combos


small = st.integers(-3, 3)  # many ties, many constant halves
wide = st.integers(-1000, 1000)


def panels(values: st.SearchStrategy[int]) -> st.SearchStrategy[list[list[int]]]:
    """Six to twenty-one rows of two to six strategies."""
    widths = st.integers(2, 6)
    return widths.flatmap(lambda n: st.lists(st.lists(values, min_size=n, max_size=n), min_size=6, max_size=21))


@given(panels(small) | panels(wide), st.sampled_from([2, 4, 6]), st.sampled_from(["sharpe", "mean"]))
def test_every_combination_is_that_of_rational_arithmetic(panel: list[list[int]], n_blocks: int, metric: str) -> None:
    assert_exact(panel, n_blocks, metric)


@given(panels(small), st.floats(1e-9, 1e9))
def test_ties_survive_rounding(panel: list[list[int]], scale: float) -> None:
    assert_exact(panel, 4, "sharpe", scale)
    assert_exact(panel, 4, "mean", scale)


@given(panels(wide), st.sampled_from([1e-200, 0.37, 1e150]))
def test_copies_of_a_strategy_at_other_scales_tie(panel: list[list[int]], scale: float) -> None:
    twice = [row + row[::-1] for row in panel]
    ranks = pbo_cscv(np.array(twice) * ([1.0] * len(panel[0]) + [scale] * len(panel[0])), 4, constant="worst").ranks
    assert ranks.tolist() == [float(rank) for _, rank, *_ in exact_combinations(twice, 4, squared_sharpe)]


def test_negated_strategies_and_losers_only_are_ranked_as_they_are() -> None:
    panel = np.random.default_rng(3).integers(-9, 9, (24, 4)).tolist()
    assert_exact([[*row, *(-value for value in row)] for row in panel], 6, "sharpe")
    assert_exact([[-10 - abs(value) for value in row] for row in panel], 6, "sharpe")


def test_performances_and_summaries_are_those_of_the_combinations() -> None:
    panel = np.random.default_rng(4).integers(-99, 100, (40, 5))
    truth = exact_combinations(panel.tolist(), 8, squared_sharpe)
    inside, outside = ([math.copysign(math.sqrt(abs(row[place])), row[place]) for row in truth] for place in (2, 3))
    found = pbo_cscv(panel, 8)
    np.testing.assert_allclose(found.is_performance, inside, rtol=1e-13)
    np.testing.assert_allclose(found.oos_performance, outside, rtol=1e-12)
    np.testing.assert_allclose(found.omega, [float(row[1]) / 6 for row in truth], rtol=1e-15)
    np.testing.assert_allclose(found.logits, np.log(found.ranks / (6 - found.ranks)), rtol=1e-14, atol=1e-15)
    assert found.degradation_slope == pytest.approx(np.polyfit(inside, outside, 1)[0], rel=1e-10)
    assert found.probability_of_loss == sum(value < 0 for value in outside) / 70
    assert (found.n_observations, found.n_strategies) == (40, 5)


def test_the_metric_mean_reports_means() -> None:
    panel = noise() * 1e-3
    found = pbo_cscv(panel, 2, "mean")
    first, second = panel[:100].mean(axis=0), panel[100:].mean(axis=0)
    assert found.is_performance == pytest.approx([first.max(), second.max()], rel=1e-12)
    assert found.oos_performance == pytest.approx([second[first.argmax()], first[second.argmax()]], rel=1e-9)


def test_the_middle_of_an_odd_number_counts_as_overfit() -> None:
    found = pbo_cscv([[2, 1, 3], [3, 2, 5], [2, 0, 9], [4, 2, 10]], 2)
    assert found.selected.tolist() == [0, 2]
    assert found.logits.tolist() == [0.0, 0.0]
    assert (found.pbo, found.count_overfit, found.count_strictly_below) == (1.0, 2, 0)


def test_the_last_rows_that_fill_no_block_are_dropped() -> None:
    panel = noise(87)
    assert_same_bits(pbo_cscv(panel, 8), pbo_cscv(panel[:80], 8))


def test_a_strategy_far_above_its_noise_keeps_its_digits() -> None:
    """A level shift between halves of time: sums of squares about a common center would lose them all."""
    panel = noise(64, 4, 7)
    panel[:32, 1] += 1e6
    panel[:, 2] += 1e3
    found = pbo_cscv(panel, 4)
    for place, chosen in enumerate(itertools.combinations(range(4), 2)):
        half = np.concatenate([panel[16 * block : 16 * block + 16] for block in chosen])
        column = half[:, found.selected[place]]
        assert found.is_performance[place] == pytest.approx(column.mean() / column.std(ddof=1), rel=1e-9)


@given(st.integers(0, 2**32 - 1), st.floats(1e-6, 1e6))
@settings(max_examples=25)
def test_scaling_leaves_ranks_unchanged(seed: int, scale: float) -> None:
    panel = noise(60, 5, seed)
    scales = scale ** np.arange(5)
    found, scaled = pbo_cscv(panel, 6), pbo_cscv(panel * scales, 6)
    assert found.ranks.tolist() == scaled.ranks.tolist()
    assert found.pbo == scaled.pbo


@given(st.integers(0, 2**32 - 1), st.permutations(range(70)))
@settings(max_examples=25)
def test_permuting_strategies_permutes_the_selection(seed: int, order: list[int]) -> None:
    panel = noise(60, 70, seed)
    found, permuted = pbo_cscv(panel, 6), pbo_cscv(panel[:, order], 6)
    assert [order[column] for column in permuted.selected] == found.selected.tolist()
    for name in set(ARRAYS) - {"selected"}:
        assert getattr(found, name).tobytes() == getattr(permuted, name).tobytes()


def test_time_reversed_gives_the_same_combinations_in_reverse() -> None:
    found, reversed_ = pbo_cscv(noise(160), 8), pbo_cscv(noise(160)[::-1], 8)
    forward, backward = (sorted(zip(f.ranks, f.selected, strict=True)) for f in (found, reversed_))
    assert forward == backward


@pytest.mark.parametrize("metric", ["sharpe", "mean"])
def test_any_number_of_threads_gives_the_same_bits(metric: str) -> None:
    panel = noise(300, 70)
    alone = pbo_cscv(panel, 10, metric)
    for threads in (2, 3, 500):
        assert_same_bits(alone, pbo_cscv(panel, 10, metric, threads=threads))


def test_several_threads_may_call_at_once() -> None:
    panels_at_once = [noise(120, 20, seed) for seed in range(8)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda panel: pbo_cscv(panel, 8, threads=2), panels_at_once))
    for result, panel in zip(found, panels_at_once, strict=True):
        assert_same_bits(result, pbo_cscv(panel, 8))


@pytest.mark.slow
def test_a_spawned_process_gives_the_same_bits() -> None:
    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        assert_same_bits(pool.submit(pbo_cscv, noise(), 8).result(), pbo_cscv(noise(), 8))


@pytest.mark.parametrize("layout", [np.asfortranarray, np.float32, np.ndarray.tolist])
def test_any_layout_of_the_panel_will_do(layout: Any) -> None:
    panel = noise().astype(np.float32).astype(np.float64)
    assert_same_bits(pbo_cscv(panel, 8), pbo_cscv(layout(panel), 8))


def test_a_constant_column_is_refused_or_ranked_last() -> None:
    panel = noise(40, 4)
    panel[:, 2] = 0.001
    with pytest.raises(ValueError, match="column 2 of returns is constant"):
        pbo_cscv(panel, 4)
    found, others = pbo_cscv(panel, 4, constant="worst"), pbo_cscv(panel[:, [0, 1, 3]], 4)
    assert found.ranks.tolist() == (others.ranks + 1).tolist()
    assert pbo_cscv(panel, 4, "mean").n_combos == 6


def test_a_column_that_rests_for_half_of_time_is_refused_or_ranked_last_there() -> None:
    panel = noise(40, 3)
    panel[:20, 1] = 0.0
    panel[20:, 1] += 1.0
    with pytest.raises(ValueError, match="column 1 of returns is constant over half"):
        pbo_cscv(panel, 4)
    found = pbo_cscv(panel, 4, constant="worst")
    assert found.selected[5] == 1  # in sample: the half where it is far ahead
    assert found.ranks[5] == 1.0
    assert math.isnan(found.oos_performance[5])
    assert math.isnan(found.degradation_slope)
    assert found.probability_of_loss >= 1 / 6


def test_two_levels_each_constant_over_half_of_time_are_both_seen() -> None:
    panel = noise(40, 3)
    panel[:20, 0], panel[20:, 0] = 0.3, 0.1
    found = pbo_cscv(panel, 4, constant="worst")
    assert found.selected[0] != 0
    assert found.selected[5] != 0


def test_constant_strategies_only_have_no_performance() -> None:
    found = pbo_cscv(np.full((8, 3), 0.1), 4, constant="worst")
    assert found.ranks.tolist() == [2.0] * 6
    assert np.isnan(found.is_performance).all()
    assert (found.pbo, found.probability_of_loss) == (1.0, 1.0)
    assert math.isnan(found.degradation_slope)


def test_equal_strategies_share_the_middle_rank() -> None:
    found = pbo_cscv(np.repeat(noise(40, 1), 4, axis=1), 4)
    assert found.selected.tolist() == [0] * 6
    assert found.ranks.tolist() == [2.5] * 6
    assert found.pbo == 1.0


def test_a_wipe_out_counts_as_any_return() -> None:
    panel = noise(40, 2) + 0.01
    panel[5, 0] = -1.0
    found = pbo_cscv(panel, 2)
    assert found.selected.tolist() == [1, 0]
    assert found.oos_performance[1] == pytest.approx(panel[:20, 0].mean() / panel[:20, 0].std(ddof=1), rel=1e-12)


@pytest.mark.parametrize(
    ("panel", "n_blocks", "says"),
    [
        (np.zeros((0, 0)), 4, "two strategies"),
        (np.zeros((0, 3)), 4, "0 rows"),
        (noise(40, 1), 4, "two strategies"),
        (noise(7), 8, "7 rows"),
        (noise(3), 2, "3 rows"),
        (noise(40), 5, "even"),
        (noise(40), 0, "even"),
        (noise(40), -4, "even"),
        (noise(40), 26, "even"),
        (noise(40), 4.5, "even"),
        (noise(40)[0], 4, "two dimensions"),
        ([[0.1, math.nan]] * 8, 4, "NaN at row 0, column 1"),
        ([[0.1, math.inf]] * 8, 4, "infinite"),
    ],
)
def test_what_cannot_be_cut_and_compared_is_an_error(panel: Any, n_blocks: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        pbo_cscv(panel, n_blocks)


@pytest.mark.parametrize("option", [{"metric": "sortino"}, {"constant": "best"}, {"threads": 0}])
def test_unknown_options_are_errors(option: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"is not a valid|threads"):
        pbo_cscv(noise(), 4, **option)


def test_a_result_prints_its_numbers_and_no_arrays() -> None:
    shown = repr(pbo_cscv(noise(), 8))
    assert shown.startswith("PboResult(pbo=0.")
    assert "array" not in shown


def test_one_dominant_strategy_is_no_overfitting() -> None:
    panel = noise(800, 50)
    panel[:, 17] += 0.005
    found = pbo_cscv(panel)
    assert found.pbo < 0.01
    assert found.probability_of_loss < 0.01
    assert (found.selected == 17).mean() > 0.99


@pytest.mark.slow
@pytest.mark.parametrize("n_strategies", [10, 100])
def test_on_noise_the_probability_is_one_half(n_strategies: int) -> None:
    found = [pbo_cscv(noise(500, n_strategies, seed), 10).pbo for seed in range(300)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.05)


@pytest.mark.slow
def test_cost_is_linear_in_combinations_and_strategies() -> None:
    """A decade of strategies costs about a decade of time, not two."""

    def cost(n_strategies: int) -> float:
        panel, found = noise(320, n_strategies), []
        for _ in range(5):
            start = process_time()
            pbo_cscv(panel, 14)
            found.append(process_time() - start)
        return min(found)

    cost(100)
    assert cost(2000) / cost(200) < 15
