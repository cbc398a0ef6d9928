"""The benchmark of predictions measures the path that serves."""

from benchmarks.predictions import measure_predictions


def test_a_prediction_is_measured_from_bars_to_weights() -> None:
    found = measure_predictions(calls=3, moments=900, events=300)
    assert (found.calls, found.symbols, found.events) == (3, 5, 300)
    assert 0.0 < found.p50_ms <= found.p99_ms
