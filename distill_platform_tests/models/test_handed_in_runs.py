"""A promotion decides on the very runs that were handed in and judged, whatever code runs by then, or on none."""

import shutil
from pathlib import Path

import pytest

from distill_platform.models.pipeline import FEATURES, PROMOTION, TRAINING
from distill_platform.models.stages import contending
from distill_platform.store.lake.tables import rows_of
from distill_platform_tests.small_market import FULL, WEEK, SmallMarket

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> SmallMarket:
    """A market whose models have handed in their runs."""
    project = SmallMarket.written(tmp_path_factory.mktemp("ran"))
    project.collect(*FULL)
    project.run(FEATURES, *FULL)
    project.run(TRAINING, WEEK)
    return project


@pytest.fixture
def market(ran: SmallMarket, tmp_path: Path) -> SmallMarket:
    """A copy of it that a test may spoil."""
    return SmallMarket(Path(shutil.copytree(ran.folder, tmp_path / "market")))


def _ids(market: SmallMarket, dataset: str, table: str) -> dict[str, str]:
    rows = rows_of(market.lake.inspect(dataset, WEEK), table)
    return {row["name"]: row["run_id"] for row in rows}


def test_an_upgrade_between_training_and_promotion_loses_no_verdict(
    market: SmallMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contending, "code_version", lambda: "the next release")
    monkeypatch.setattr(contending, "git_sha", lambda: "its commit")
    market.run(PROMOTION, WEEK)
    decided, handed_in = _ids(market, "promotion_report", "decisions"), _ids(market, "model_runs", "runs")
    assert decided
    assert decided.items() <= handed_in.items()


def test_nothing_is_decided_on_runs_that_come_out_differently_than_those_handed_in(market: SmallMarket) -> None:
    market.world(costs={"fee_bps": 3.0, "slippage_bps": 1.0})
    market.run(PROMOTION, WEEK)
    report = market.lake.inspect("promotion_report", WEEK)
    (refused,) = rows_of(report, "refused")
    assert not rows_of(report, "decisions")
    assert refused["reason"].startswith("DeterminismError: the run of control_ridge")
    assert "is not the one that was handed in" in refused["reason"]
