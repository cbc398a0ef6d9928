"""The benchmark of training measures both sides on one panel."""

from benchmarks.models.training import measure_training


def test_training_is_measured_beside_what_users_pick() -> None:
    found = measure_training(laps=1, bars=1_500, symbols=2, features=3)
    assert (found.our_overlaps, found.same_bytes) == (0, True)
    assert found.their_overlaps > 0
    assert min(found.ours_s, found.theirs_s, found.ridge_s, found.ratio) > 0.0
    assert "gave the same bytes" in found.to_markdown()
