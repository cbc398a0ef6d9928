"""Metrics and contexts from files are read strictly: what is wrong is named by file and line, nothing is guessed."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, strategies as st

from distill_platform.core.errors import MetricsError
from distill_platform.policy.catalogue import CATALOGUE
from distill_platform.policy.metrics_file import flatten, nest, parse_context, read_metrics
from distill_platform_tests.policy.worlds import metrics, nested

GOOD = json.dumps({"strategy_id": "a", "run_id": "r1", "metrics": nested()}).encode()


def row(strategy: str = "a", run: str = "r2", **groups: Any) -> bytes:
    return json.dumps({"strategy_id": strategy, "run_id": run, "metrics": groups}).encode()


def refusal(*lines: bytes) -> MetricsError:
    with pytest.raises(MetricsError) as caught:
        read_metrics(lines, "m.jsonl")
    assert caught.value.file == "m.jsonl"
    return caught.value


def test_right_lines_are_read() -> None:
    (one, two) = read_metrics([GOOD + b"\n", b"\n", row(returns={"sharpe_daily": 1})], "m.jsonl")
    assert one.key == ("a", "r1")
    assert one.metrics == metrics()
    assert two.metrics == {"returns.sharpe_daily": 1}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{", "malformed_json"),
        (GOOD[:-20], "cut off"),
        (b'{"strategy_id": NaN, "run_id": "r", "metrics": {}}', "strategy_id must be a text"),
        (b'{"strategy_id": "a", "run_id": "r", "metrics": NaN}', "metrics must be an object"),
        (b'{"strategy_id": "a", "run_id": "r", "metrics": {"returns": {"sharpe_daily": nan}}}', "malformed_json"),
        (b'{"strategy_id": "a", "run_id": "r", "metrics": {"wf": {"n_folds": NaN, "n_folds": 2}}}', "duplicate key"),
        (b'{"strategy_id": "\\ud800", "run_id": "r", "metrics": {"wf": {"n_folds": NaN}}}', "surrogate"),
        (b'{"strategy_id": "a", "run_id": "r", "metrics": {"wf": {"n_folds": NaN, "oos_is_ratio": 1', "cut off"),
        (b'{"strategy_id": "a", "strategy_id": "b", "run_id": "r", "metrics": {}}', "duplicate key"),
        (b'{"strategy_id": "a", "run_id": "r", "metrics": {"wf": {"n_folds": 1, "n_folds": 2}}}', "duplicate key"),
        (b'{"strategy_id": "\xff", "run_id": "r", "metrics": {}}', "not UTF-8"),
        (b'{"strategy_id": "\\ud800", "run_id": "r", "metrics": {}}', "surrogate"),
        (b"[]", "must be a JSON object"),
        (b"1", "must be a JSON object"),
        (b'{"strategy_id": "a", "run_id": "r"}', "metrics must be an object"),
        (b'{"strategy_id": "a", "run_id": "r", "metrics": []}', "metrics must be an object"),
        (b'{"strategy_id": "", "run_id": "r", "metrics": {}}', "strategy_id must be a text"),
        (b'{"strategy_id": "a", "run_id": 7, "metrics": {}}', "run_id must be a text"),
        (b'{"strategy_id": "a", "run_id": "r", "metrics": {}, "metric": {}}', "Did you mean 'metrics'?"),
        (row(returns={"sharp_daily": 1}), "Did you mean `returns.sharpe_daily`?"),
        (row(retruns={"sharpe_daily": 1}), "Did you mean 'returns'?"),
        (row(retruns={}), "unknown group of metrics 'metrics.retruns'"),
        (row(returns=1.0), "metrics.returns must be an object"),
        (row(stress={"net_sharpe": 1.0}), "unknown metric 'metrics.stress.net_sharpe'"),
        (row(stress={"fees_x2": {"net_sharp": 1.0}}), "Did you mean `stress.fees_x2.net_sharpe`?"),
        (row(stress={"fees x2": {"net_sharpe": 1.0}}), "unknown group"),
        (row(perf={"net_sharpe": 1.0}, returns={"sharpe_daily": 1.1}), "given twice"),
        (row(robustness={"dsr": 0.9, "deflated_sharpe_ratio": 1}), "given twice"),
        (row(invariants={"pnlsums": True, "pnl_sums_match": 1}), "given twice"),
        (row(returns={"var_95": 18446744073709551616}), "64 bits"),
    ],
)
def test_a_wrong_line_is_named_by_file_and_line(line: bytes, said: str) -> None:
    error = refusal(GOOD, line)
    assert error.line == 2
    assert said in f"{error.message} {error.hint}"


def test_a_run_may_stand_once() -> None:
    error = refusal(row(run="r1"), row("b", "r1"), row(run="r1"))
    assert (error.line, error.message) == (3, "strategy 'a' run 'r1' stands in line 1 already")


@pytest.mark.parametrize("lines", [[], [b""], [b"\n", b"  \n"]])
def test_a_file_without_runs_is_refused(lines: list[bytes]) -> None:
    assert "holds no run" in refusal(*lines).message


def test_an_alias_is_accepted_also_beside_the_same_value() -> None:
    flat = flatten({"perf": {"net_sharpe": 1.5}, "robustness": {"dsr": 0.9, "psr": 0.8, "deflated_sharpe_ratio": 0.9}})
    assert flat == {
        "returns.sharpe_daily": 1.5,
        "robustness.deflated_sharpe_ratio": 0.9,
        "robustness.probabilistic_sharpe_ratio": 0.8,
    }
    assert flatten({"determinism": {"repro_hash_match": True}}) == {"invariants.repro_hash_match": True}


def test_the_same_number_may_be_written_in_two_ways() -> None:
    assert flatten({"perf": {"net_sharpe": 1}, "returns": {"sharpe_daily": 1.0}}) == {"returns.sharpe_daily": 1.0}
    (twice,) = read_metrics([row(perf={"net_sharpe": math.nan}, returns={"sharpe_daily": math.nan})], "m.jsonl")
    assert math.isnan(twice.metrics["returns.sharpe_daily"])


@pytest.mark.parametrize("written", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_numbers_that_are_not_finite_are_kept_for_the_judges(written: str) -> None:
    line = '{"strategy_id": "a", "run_id": "NaN, Infinity", "metrics": {"returns": {"sharpe_daily": %s, "es_99": 0.1}}}'
    (read,) = read_metrics([(line % written).encode()], "m.jsonl")
    assert read.run_id == "NaN, Infinity"
    assert not math.isfinite(read.metrics["returns.sharpe_daily"])
    assert read.metrics["returns.es_99"] == 0.1


@pytest.mark.parametrize("value", [None, "0.9", True, [], {}, {"a": 1}])
def test_an_unusable_value_of_a_known_metric_is_kept_for_the_judges(value: object) -> None:
    assert flatten({"returns": {"sharpe_daily": value}}) == {"returns.sharpe_daily": value}


def test_deeper_groups_and_dotted_keys_are_the_same() -> None:
    deep = {"diagnostics": {"validation_health": {"metric_coverage_ratio": 1.0}}}
    dotted = {"diagnostics.validation_health.metric_coverage_ratio": 1.0}
    assert flatten(deep) == dotted == flatten({"diagnostics": {"validation_health.metric_coverage_ratio": 1.0}})


@given(
    st.dictionaries(st.sampled_from([*CATALOGUE, "stress.a.es_99"]), st.one_of(st.floats(), st.booleans(), st.none()))
)
def test_nesting_and_flattening_lose_nothing_but_what_json_cannot_hold(values: dict[str, Any]) -> None:
    kept = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in values.items()
    }
    assert flatten(json.loads(json.dumps(nest(values), allow_nan=False))) == kept


# --- the context -----------------------------------------------------------------------------------------------------


def test_a_context_is_read_with_pairs_in_any_order() -> None:
    found = parse_context(
        b'{"correlations": {"b,a": 0.3, "a,c": -1, "c,a": -1.0}, "previous_selection": ["a"]}', "c.json"
    )
    assert (found.correlation("a", "b"), found.correlation("b", "a"), found.correlation("c", "a")) == (0.3, 0.3, -1.0)
    assert (found.correlation("b", "c"), found.previous_selection) == (0.5, {"a"})
    assert parse_context(b"{}", "c.json").previous_selection == frozenset()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "malformed_json"),
        (b"[]", "must be a JSON object"),
        (b'{"correlation": {}}', "Did you mean 'correlations'?"),
        (b'{"correlations": []}', "must be an object"),
        (b'{"correlations": {"a,b": 1.01}}', "from -1 to 1"),
        (b'{"correlations": {"a,b": NaN}}', "NaN"),
        (b'{"correlations": {"a,b": null}}', "from -1 to 1"),
        (b'{"correlations": {"a,b": true}}', "from -1 to 1"),
        (b'{"correlations": {"a,b": "0.5"}}', "from -1 to 1"),
        (b'{"correlations": {"ab": 0.5}}', "two strategies"),
        (b'{"correlations": {"a,b,c": 0.5}}', "two strategies"),
        (b'{"correlations": {"a, b": 0.5}}', "no spaces"),
        (b'{"correlations": {"a,": 0.5}}', "two strategies"),
        (b'{"correlations": {"a,a": 1.0}}', "two strategies"),
        (b'{"correlations": {"a,b": 0.5, "b,a": 0.6}}', "contradicts"),
        (b'{"correlations": {"a,b": 0.5, "a,b": 0.6}}', "duplicate key"),
        (b'{"previous_selection": "a"}', "list of strategy ids"),
        (b'{"previous_selection": [1]}', "list of strategy ids"),
        (b'{"previous_selection": [""]}', "list of strategy ids"),
    ],
)
def test_a_wrong_context_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(MetricsError) as caught:
        parse_context(content, "c.json")
    assert caught.value.file == "c.json"
    assert said in f"{caught.value.message} {caught.value.hint}"
