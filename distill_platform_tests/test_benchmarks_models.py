"""The benchmarks of models measure what they say: the standard split, and the same network beside ours."""

import re
from pathlib import Path

import numpy as np
import orjson
import pytest

from benchmarks.__main__ import main
from benchmarks.models.forecasting import AHEAD, SEEN, Forecasting, fit_ridge, ridge_error, splits
from benchmarks.models.laps import best_cpu_s, wall_ms
from benchmarks.models.predictions import measure_predictions
from benchmarks.models.rates import PARTS

HOURS = 20 * 30 * 24


@pytest.fixture(scope="module")
def csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven days-long waves that drift, with more rows than the standard split takes."""
    hours = np.arange(HOURS + 100)[:, None]
    waves = np.sin(2.0 * np.pi * hours / 24.0 + np.arange(7)) + np.cumsum(
        np.random.default_rng(1).normal(0.0, 0.02, (len(hours), 7)), axis=0
    )
    path = tmp_path_factory.mktemp("ett") / "series.csv"
    rows = "\n".join(",".join(["2016-07-01 00:00:00", *(f"{value:.6f}" for value in row)]) for row in waves)
    path.write_text(f"date,HUFL,HULL,MUFL,MULL,LUFL,LULL,OT\n{rows}\n")
    return path


def test_the_split_is_the_standard_one(csv: Path) -> None:
    train, validation, test = splits(csv)
    assert [len(part.seen) for part in (train, validation, test)] == [8_640 - SEEN - AHEAD + 1, 2_785, 2_785]
    assert train.seen.shape[1:] == (7, SEEN)
    assert test.ahead.shape[1:] == (7, AHEAD)


def test_no_part_forecasts_what_another_does_and_the_scale_is_of_the_first(csv: Path) -> None:
    raw = np.loadtxt(csv, delimiter=",", skiprows=1, usecols=range(1, 8))[:HOURS]
    scaled = (raw - raw[:8_640].mean(axis=0)) / raw[:8_640].std(axis=0)
    for part, first, end in zip(splits(csv), (SEEN, 8_640, 11_520), (8_640, 11_520, 14_400), strict=True):
        np.testing.assert_allclose(part.ahead[0, :, 0], scaled[first])
        np.testing.assert_allclose(part.ahead[-1, :, -1], scaled[end - 1])
        np.testing.assert_allclose(part.seen[0, :, -1], scaled[first - 1])


def test_ridge_forecasts_waves(csv: Path) -> None:
    train, validation, test = splits(csv)
    small = [type(part)(part.seen[::40], part.ahead[::40]) for part in (train, validation, test)]
    weights = fit_ridge(small[0], small[1])
    assert weights.shape == (AHEAD, SEEN)
    last = small[2].seen[:, :, -1:]
    assert ridge_error(weights, small[2]) < 0.5 * float(np.mean((small[2].ahead - last) ** 2))


def test_the_table_says_the_worst_seed_and_the_spread() -> None:
    measured = Forecasting(0.3670, 2.5, (0, 1), (0.3611, 0.3621), (80.0, 90.0), (6, 7))
    text = measured.to_markdown()
    assert "mean 0.3616, standard deviation 0.0005" in text
    assert re.search(r"\| TSMixer +\| +0\.3621 \| +0\.366 \| +90 \| +300 \|", text)


def test_the_student_is_measured_beside_torch_s_own_modules() -> None:
    pytest.importorskip("torch")
    from benchmarks.models.student import measure_student

    rates = measure_student(1_000, 1)
    assert min(rates.trained_per_s, rates.peer_trained_per_s, rates.scored_per_s, rates.explained_per_s) > 0.0
    assert rates.alone_error < 1e-6
    assert "| sequences trained on a second |" in rates.to_markdown()


def test_predictions_are_measured_beside_the_same_scores_of_the_peer() -> None:
    rates = measure_predictions(laps=1, share=0.01)
    assert (rates.shared, rates.calls) == (30, 10)
    assert rates.features > rates.shared
    assert min(rates.scored_s, rates.peer_scored_s, rates.explained_s, rates.peer_explained_s) > 0.0
    for latency in (rates.scored, rates.peer_scored, rates.explained, rates.peer_explained):
        assert 0.0 < latency.p50_ms <= latency.p99_ms
    assert "| one moment, ms: explained, p99 " in rates.to_markdown()


def test_a_work_is_timed_in_every_lap_and_call_beside_the_others() -> None:
    done: list[str] = []
    best_cpu_s({"one": lambda: done.append("one"), "two": lambda: done.append("two")}, laps=2)
    assert done == ["one", "two"] * 3
    asked: list[int] = []
    assert [len(waits) for waits in wall_ms({"one": asked.append, "two": abs}, 3).values()] == [3, 3]
    assert asked == [0, 0, 1, 2]


@pytest.mark.parametrize("wrong", ["feature", "features,", "forecasting"])
def test_what_cannot_be_measured_is_refused_at_once(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--only", wrong])
    said = capsys.readouterr().err
    assert "--csv" in said if wrong == "forecasting" else "there are end-to-end" in said


@pytest.mark.slow
def test_every_part_of_the_models_is_in_the_report(tmp_path: Path) -> None:
    report = main(["--only", ",".join(PARTS), "--laps", "1", "--share", "0.01", "--folder", str(tmp_path)])
    text = report.to_markdown()
    assert text.count("\n## ") == len(PARTS)
    assert not re.search(r"\bnan\b|None", text)
    assert orjson.loads((tmp_path / "results.json").read_bytes())["models"].keys() == set(PARTS)
