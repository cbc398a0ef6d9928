"""The benchmark of features measures the same numbers as pandas gives, and says by how much they differ."""

from benchmarks.models.features import AGREES_TO, measure_features


def test_features_are_measured_beside_the_same_features_of_pandas() -> None:
    rates = measure_features(laps=1, share=0.02)
    assert rates.rows == 876 * 5
    assert rates.shared == 30
    assert 0.0 <= rates.gap <= AGREES_TO
    assert min(rates.whole_s, rates.with_events_s, rates.ours_s, rates.pandas_s, rates.online_s) > 0.0
    assert rates.to_json()["ratio"] == rates.pandas_s / rates.ours_s
    assert "| 30 features " in rates.to_markdown()
