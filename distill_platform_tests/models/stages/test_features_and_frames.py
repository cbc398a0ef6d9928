"""Features by day and the frame of a week: made of what was known, the same each time, one line beside the other."""

import shutil
from pathlib import Path

import pytest

from distill_platform.core.errors import MissingDataset
from distill_platform.feeds.sample.market import SampleMarket
from distill_platform.models.pipeline import FEATURES, PIPELINE, TRAINING
from distill_platform.store.lake import Manifest
from distill_platform_tests.small_market import BARS, FULL, MARKET, NEWS, SmallMarket, a_line

FRAME = TRAINING[:1]
SHORT = {"search_weeks": 1, "validation_weeks": 1, "forward_weeks": 1}
DAYS, WEEK = FULL[:21], FULL[14]


def three_weeks(folder: Path) -> SmallMarket:
    """Three weeks of a market that nobody has looked at, and a line that needs no more."""
    project = SmallMarket.written(folder, SampleMarket(MARKET.truth, MARKET.seed, MARKET.symbols, days=21, outages=1))
    project.line(a_line(windows=SHORT))
    return project


@pytest.fixture
def project(tmp_path: Path) -> SmallMarket:
    return three_weeks(tmp_path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> SmallMarket:
    """The same with the features of all days; nobody changes it."""
    project = three_weeks(tmp_path_factory.mktemp("weeks"))
    project.collect(*DAYS)
    project.run(FEATURES, *DAYS)
    return project


@pytest.fixture
def featured(whole: SmallMarket, tmp_path: Path) -> SmallMarket:
    return SmallMarket(Path(shutil.copytree(whole.folder, tmp_path / "weeks")))


def checks(manifest: Manifest) -> dict[str, bool]:
    return {check.name: check.passed for check in manifest.checks}


def test_a_day_of_features_has_a_row_for_every_hour_and_symbol(project: SmallMarket) -> None:
    project.collect(*DAYS[:4])
    project.run(FEATURES, *DAYS[:4])
    rows = project.rows("features", "small", DAYS[3])
    assert len(rows) == 24 * len(MARKET.symbols)
    assert project.refused("features", DAYS[3]) == {}
    found = checks(project.manifest("features", DAYS[3]))
    assert found["online_equals_offline"]
    assert found["conservation"]


def test_features_of_a_day_made_alone_are_those_made_with_others(project: SmallMarket) -> None:
    project.collect(*DAYS[:5])
    project.run(FEATURES, *DAYS[:5])
    before = {day: project.manifest("features", day).version for day in DAYS[:5]}
    for day in reversed(DAYS[:5]):
        project.run(FEATURES, day)
    assert {day: project.manifest("features", day).version for day in DAYS[:5]} == before


def test_a_day_that_nobody_collected_has_features_and_none_that_is_usable(project: SmallMarket) -> None:
    project.run(FEATURES, DAYS[3])
    assert not any(row["is_usable"] for row in project.rows("features", "small", DAYS[3]))


def test_a_frame_is_the_same_each_time(featured: SmallMarket) -> None:
    featured.run(FRAME, WEEK)
    before = featured.manifest("training_frame", WEEK)
    assert checks(before)["knows_no_future"]
    assert checks(before)["provenance"]
    assert len(featured.rows("training_frame", "small", WEEK)) == 21 * 24 * len(MARKET.symbols)
    featured.run(FRAME, WEEK)
    assert featured.manifest("training_frame", WEEK).version == before.version


def test_what_predicts_too_well_is_told_and_stops_nobody_yet(featured: SmallMarket) -> None:
    featured.line(a_line(windows=SHORT, guard={"cuts": 2, "max_rank_correlation": 1e-9}))
    featured.run(FRAME, WEEK)
    manifest = featured.manifest("training_frame", WEEK)
    assert not checks(manifest)["knows_no_future"]
    assert manifest.passed
    assert {row["line"] for row in featured.rows("training_frame", "suspicions", WEEK)} == {"small"}


def test_a_week_without_all_of_its_days_frames_nothing_and_says_which_is_missing(featured: SmallMarket) -> None:
    shutil.rmtree(featured.lake.root / "features" / DAYS[9])
    featured.run(FRAME, WEEK)
    assert f"features[{DAYS[9]}]" in featured.refused("training_frame", WEEK)["small"]
    assert "small" not in featured.manifest("training_frame", WEEK).tables


def test_features_of_a_day_that_was_collected_again_otherwise_are_refused(featured: SmallMarket) -> None:
    told = featured.folder / "data/sources/market/sample_headlines.csv"
    told.write_text(
        told.read_text() + f'"{DAYS[9]} 10:00:00Z","late.example","Aldera surges","https://late.example/1"\n'
    )
    featured.collect(DAYS[9])
    featured.run(FRAME, WEEK)
    assert featured.refused("training_frame", WEEK)["small"].startswith("StaleInput: ")


def test_lines_that_cannot_be_worked_on_stop_no_other_and_are_told_apart(project: SmallMarket) -> None:
    project.write("models/torn.yaml", "name: torn\nsymbls: [ALD_USD]\n")
    project.line(a_line("papers", market="news"))
    project.line(a_line("nowhere", market="nowhere"))
    project.line(a_line("strangers", symbols=["ALD_USD", "ZZZ_USD"]))
    project.line(a_line("coarse", interval="7h"))
    project.collect(*DAYS[:2])
    project.run(FEATURES, *DAYS[:2])
    refused = project.refused("features", DAYS[1])
    assert refused.keys() == {"torn.yaml", "papers", "nowhere", "strangers", "coarse"}
    assert "Did you mean 'symbols'" in refused["torn.yaml"]
    assert "'news' is no feed of bars" in refused["papers"]
    assert "Feeds of bars are bars" in refused["nowhere"]
    assert "has no symbol 'ZZZ_USD'" in refused["strangers"]
    assert "not a multiple of the interval" in refused["coarse"]
    manifest = project.manifest("features", DAYS[1])
    assert manifest.counts.quarantined == {"line_refused": 5}
    assert manifest.passed
    assert project.rows("features", "small", DAYS[1])


def test_what_is_wrong_with_a_line_is_said_in_the_same_words_in_any_folder(tmp_path: Path) -> None:
    said = []
    for name in ("here", "there"):
        project = SmallMarket.written(tmp_path / name)
        project.write("models/torn.yaml", "name: torn\nsymbls: [ALD_USD]\n")
        project.run(FEATURES, DAYS[0])
        said.append(project.manifest("features", DAYS[0]))
    assert said[0].content_hash == said[1].content_hash
    assert said[0].config_hash == said[1].config_hash


def test_a_line_whose_world_is_missing_trains_nothing_and_keeps_its_reason(featured: SmallMarket) -> None:
    featured.line(a_line("lost", windows=SHORT, world_id="nowhere"))
    featured.run(TRAINING[:2], WEEK)
    reason = featured.refused("training_frame", WEEK)["lost"]
    assert "there is no world 'nowhere'" in reason
    assert featured.refused("frozen_baseline", WEEK)["lost"] == reason
    assert featured.ledger_heads().keys() == {"model/small"}


def test_without_a_frame_nothing_is_trained(project: SmallMarket) -> None:
    project.run(TRAINING[1:2], WEEK)
    assert project.refused("frozen_baseline", WEEK)["small"].startswith("MissingDataset: ")
    assert project.rows("frozen_baseline", "models", WEEK) == []
    assert project.ledger_heads() == {}
    with pytest.raises(MissingDataset):
        project.lake.open("training_frame", WEEK)


def test_what_is_not_known_of_a_feed_stops_the_lines_of_its_market_alone(project: SmallMarket) -> None:
    project.feed(BARS, name="other", symbols={"ALD_USD": "ALD_USD"})  # `symbols` belongs into `bars`
    project.line(a_line("elsewhere", market="other"))
    project.collect(DAYS[0])
    project.run(FEATURES, DAYS[0])
    assert project.refused("features", DAYS[0]).keys() == {"elsewhere"}
    assert NEWS["name"] not in project.refused("features", DAYS[0])["elsewhere"]


def test_every_stage_of_the_pipeline_comes_after_those_that_it_reads() -> None:
    made = {"market_bars", "events"}
    for stage in PIPELINE.stages:
        assert set(stage.upstream) <= made, stage.name
        made.add(stage.name)
