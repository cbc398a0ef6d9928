"""The benchmark of the search runs, compares what it says, and its own lists are the same."""

from pathlib import Path

import pytest

from benchmarks.models.search import measure_search


@pytest.mark.slow
def test_the_benchmark_runs_small(tmp_path: Path) -> None:
    outcome = measure_search(tmp_path, seeds=1, share=0.05, say=lambda _: None)
    assert outcome.is_same
    assert outcome.grid_points == 48
    assert len(outcome.ranges) == len(outcome.points) == 1
    assert "byte for byte" in outcome.to_markdown()
