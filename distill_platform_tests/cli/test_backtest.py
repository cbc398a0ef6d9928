"""`distill backtest`: strategies on a user's own bars, handed in as sealed runs."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from distill_platform.strategies.bundles.reading import read_bundle
from distill_platform_tests.cli.terminal import distill, document

ROOT = Path(__file__).parents[2]
GRAPH = "equal_weight_vol_target.yaml"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with a world, two strategies, and 400 daily bars of four symbols."""
    for place in (
        "config/worlds/us_equity_daily.yaml",
        f"config/strategies/{GRAPH}",
        "config/strategies/low_volatility.yaml",
    ):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / place, tmp_path / place)
    (tmp_path / "config/platform.yaml").write_text("paths: {inbox: inbox}\n")
    closes = 50.0 * np.exp(np.cumsum(np.random.default_rng(1).normal(0.0005, 0.01, (400, 4)), axis=0))
    days = np.repeat(np.datetime64("2020-01-01") + np.arange(400), 4)
    table = pa.table({"date": days, "symbol": list("ABCD") * 400, "close": closes.ravel()})
    pq.write_table(table, tmp_path / "bars.parquet")
    return tmp_path


def arguments(*more: str) -> list[str]:
    return ["backtest", f"config/strategies/{GRAPH}", "--data", "bars.parquet", "--world", "us_equity_daily", *more]


def test_a_run_is_handed_in_sealed_at_the_costs_of_the_world(desk: Path) -> None:
    answer = document(distill(desk, *arguments("--json")))
    (run,) = answer["runs"]
    bundle = read_bundle(desk / "inbox" / run["run_id"], now=datetime.now(UTC))
    assert bundle.manifest.profiles.fee["bps"] == 1.0
    assert bundle.manifest.cohort_id == bundle.manifest.campaign_id == answer["cohort_id"]
    assert (run["days"], run["new"], answer["data"]["preset"]) == (400, True, "file:bars.parquet")


def test_the_same_call_again_changes_nothing(desk: Path) -> None:
    first = distill(desk, *arguments("--ablate", "groups"))
    assert first.exit_code == 0, first.output
    before = {path: path.read_bytes() for path in (desk / "inbox").rglob("*") if path.is_file()}
    again = document(distill(desk, *arguments("--ablate", "groups", "--json")))
    assert not any(run["new"] for run in again["runs"])
    assert {path: path.read_bytes() for path in (desk / "inbox").rglob("*") if path.is_file()} == before


def test_several_strategies_are_one_cohort(desk: Path) -> None:
    more = ["config/strategies/low_volatility.yaml", "--cohort", "spring", "--campaign", "first"]
    answer = document(distill(desk, *arguments(*more, "--json")))
    manifests = [read_bundle(Path(run["folder"]), now=datetime.now(UTC)).manifest for run in answer["runs"]]
    assert [(m.cohort_id, m.campaign_id, m.search.declared_trials) for m in manifests] == [("spring", "first", 2)] * 2


def test_costs_of_ones_own_are_sealed_with_the_run(desk: Path) -> None:
    (run,) = document(distill(desk, *arguments("--fee-bps", "7", "--json")))["runs"]
    profiles = read_bundle(Path(run["folder"]), now=datetime.now(UTC)).manifest.profiles
    assert (profiles.fee["bps"], profiles.slippage["bps"]) == (7.0, 1.0)


def test_days_can_be_chosen(desk: Path) -> None:
    (run,) = document(distill(desk, *arguments("--start", "2020-06-01", "--end", "2020-06-30", "--json")))["runs"]
    assert run["days"] == 30


def test_the_table_says_that_it_is_no_verdict(desk: Path) -> None:
    result = distill(desk, *arguments())
    assert result.exit_code == 0
    for said in ("equal_weight_vol", "not a verdict", "fee 1 bps", "1 trials, 1 handed in"):
        assert said in result.stdout


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (["--data", "ohlcv.sp500.dayly"], "no data preset"),
        (["--data", "none.csv"], "there is no file"),
        (["--world", "us_equity_dayly"], "Did you mean 'us_equity_daily'"),
        (["--world", "none.yaml"], "cannot be read"),
        (["--start", "2030-01-01"], "has no bar from 2030-01-01"),
        (["--start", "yesterday"], "is not a day"),
        (["--start", "2021-01-01", "--end", "2020-01-01"], "is after"),
        (["--cohort", "../away"], "use letters"),
        (["--fee-bps", "10000"], "below 10,000"),
        (["--max-participation", "0"], "max_participation"),
        (["config/worlds/us_equity_daily.yaml"], "unknown key"),
    ],
)
def test_bad_usage_says_what_to_do_and_writes_nothing(desk: Path, change: list[str], complaint: str) -> None:
    result = distill(desk, *arguments(*change))
    assert result.exit_code == 2, result.output
    assert complaint in " ".join(result.stderr.replace("│", " ").split())
    assert not (desk / "inbox").exists()


def test_a_world_must_be_named_unless_one_has_the_data(desk: Path) -> None:
    result = distill(desk, "backtest", f"config/strategies/{GRAPH}", "--data", "bars.parquet")
    assert result.exit_code == 2
    assert "Name one with --world; there are us_equity_daily" in result.stderr


def test_a_world_without_costs_needs_them_given(desk: Path) -> None:
    file = desk / "config/worlds/us_equity_daily.yaml"
    file.write_text("".join(line for line in file.read_text().splitlines(True) if not line.startswith("costs:")))
    assert "trading is not free" in distill(desk, *arguments()).stderr
    assert distill(desk, *arguments("--fee-bps", "1", "--slippage-bps", "1")).exit_code == 0
