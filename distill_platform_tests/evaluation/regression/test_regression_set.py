"""A regression set is made by the evaluation itself, and is the same wherever and however often it is made."""

import math
import random

from distill_platform.evaluation.regression.regression_set import as_jsonl, regression_set
from distill_platform.evaluation.regression.truths import Truth
from distill_platform.policy.catalogue import CATALOGUE
from distill_platform.policy.dry_run import dry_run
from distill_platform.policy.metrics_file import read_metrics
from distill_platform.policy.ranking import MetricsLine
from distill_platform.policy.words import Stage
from distill_platform_tests.evaluation.regression.conftest import RUNS, SEED
from distill_platform_tests.evaluation.worlds import world


def of(lines: list[MetricsLine], truth: Truth) -> list[MetricsLine]:
    return [line for line in lines if line.strategy_id == truth]


def test_each_truth_is_a_strategy_with_so_many_runs(lines: list[MetricsLine]) -> None:
    assert [line.strategy_id for line in lines] == [truth for truth in Truth for _ in range(RUNS)]
    assert len({line.run_id for line in lines}) == len(lines)


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(lines: list[MetricsLine]) -> None:
    one = regression_set(world(), SEED, 1)
    assert as_jsonl(one) == as_jsonl([of(lines, truth)[0] for truth in Truth])
    assert as_jsonl(one) != as_jsonl(regression_set(world(), SEED + 1, 1))


def test_the_file_is_read_back_as_the_policy_reads_files(lines: list[MetricsLine]) -> None:
    read = read_metrics(as_jsonl(lines).splitlines(keepends=True), "metrics.jsonl")
    assert [line.key for line in read] == [line.key for line in lines]
    for given, back in zip(lines, read, strict=True):
        assert set(back.metrics) == set(given.metrics)
        for name, value in given.metrics.items():
            unknown = isinstance(value, float) and not math.isfinite(value)
            assert back.metrics[name] == (None if unknown else value), name


def test_the_order_of_lines_changes_no_verdict(lines: list[MetricsLine]) -> None:
    shuffled = random.Random(1).sample(lines, len(lines))
    assert dry_run(world(), Stage.BACKTEST, shuffled).to_dict() == dry_run(world(), Stage.BACKTEST, lines).to_dict()


def test_a_sound_run_has_every_metric_that_a_backtest_can_have(lines: list[MetricsLine]) -> None:
    expected = {name for name in CATALOGUE if not name.startswith("live.")}
    for line in of(lines, Truth.GOOD):
        assert expected <= set(line.metrics)
        unknown = {n for n in expected if isinstance(line.metrics[n], float) and math.isnan(line.metrics[n])}
        assert unknown <= {"portfolio.max_correlation", "portfolio.tail_correlation"}  # nothing is held


def test_a_run_with_broken_accounting_keeps_nothing_but_what_says_so(lines: list[MetricsLine]) -> None:
    for line in of(lines, Truth.COST_FREE):
        groups = {name.split(".")[0] for name in line.metrics}
        assert groups == {"invariants", "triage", "diagnostics", "gaming", "sample"}
        assert "returns.sharpe_daily" not in line.metrics
        assert line.metrics["triage.integrity_broken"] is True


def test_trials_are_counted_as_honestly_as_they_were_handed_in(lines: list[MetricsLine]) -> None:
    counted = {truth: {line.metrics["robustness.n_trials"] for line in of(lines, truth)} for truth in Truth
               if truth is not Truth.COST_FREE}  # fmt: skip
    assert counted[Truth.OVERFIT] == {500}
    assert counted[Truth.NULL] == {20}
    assert all(counts == {5} for truth, counts in counted.items() if truth not in (Truth.NULL, Truth.OVERFIT))
