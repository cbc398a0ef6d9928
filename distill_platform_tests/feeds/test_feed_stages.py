"""The stages of the feeds: days of files become bars, reports, health and events, whatever breaks on the way."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from distill_platform.core.errors import ConfigError, GateRefused, StaleInput
from distill_platform.feeds.pipeline import STAGES
from distill_platform.store.lake import Manifest
from distill_platform_tests.small_market import BARS, FULL, MARKET, NEWS, SmallMarket

DATASETS = [stage.name for stage in STAGES]
DAY, NEXT, THIRD = FULL[4:7]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> SmallMarket:
    return SmallMarket.written(tmp_path)


def published(project: SmallMarket, days: list[str]) -> dict[tuple[str, str], Manifest]:
    return {(name, day): project.manifest(name, day) for name in DATASETS for day in days}


def contents(project: SmallMarket, days: list[str]) -> dict[tuple[str, str], str]:
    """The content of everything but the health of the feeds, which tells of the asking and not of the answers."""
    told = published(project, days)
    return {place: manifest.content_hash for place, manifest in told.items() if place[0] != "source_health"}


def files(project: SmallMarket) -> dict[str, bytes]:
    """All published files of the datasets, by their path."""
    root = project.lake.root
    parts = [path for name in DATASETS for path in (root / name).rglob("*.parquet")]
    return {str(path.relative_to(root)): path.read_bytes() for path in parts}


def warned(project: SmallMarket, dataset: str, day: str = DAY) -> tuple[str, ...]:
    """What the check says that could not be had."""
    (found,) = [one for one in project.manifest(dataset, day).checks if one.name == "sources_whole"]
    assert not found.blocking
    return () if found.passed else found.sample


def headlines(project: SmallMarket) -> Path:
    return project.folder / "data/sources/market/sample_headlines.csv"


def test_a_day_of_two_feeds_is_bars_reports_health_and_events(project: SmallMarket) -> None:
    project.collect(DAY)
    assert len(project.rows("market_bars", "bars", DAY)) == 24 * len(MARKET.symbols)
    reports = {row["raw_id"] for row in project.rows("raw_events", "raw_events", DAY)}
    events = {row["event_id"] for row in project.rows("events", "events", DAY)}
    assert events
    assert events <= reports
    assert {row["source"] for row in project.rows("source_health", "health", DAY)} == {"bars", "news"}
    assert warned(project, "market_bars") == ()


def test_a_broken_declaration_and_a_malformed_file_stop_no_other_feed(project: SmallMarket) -> None:
    project.write("feeds/broken.yaml", "name: broken\nconnector: fils\n")
    (project.folder / "data/garbage.parquet").write_bytes(b"PAR1 this is no parquet file PAR1")
    project.feed(BARS, name="garbage", path="data/garbage.parquet")
    project.feed(NEWS, name="gone", path="data/gone.csv")
    project.collect(DAY)
    assert {row["source"] for row in project.rows("market_bars", "bars", DAY)} == {"bars"}
    assert {row["source"] for row in project.rows("raw_events", "raw_events", DAY)} == {"news"}
    said = "; ".join(warned(project, "market_bars"))
    assert "garbage: " in said
    assert "broken.yaml" in said
    assert "fils" in said
    assert any(one.startswith("gone: ") for one in warned(project, "raw_events"))
    failed = [row["source"] for row in project.rows("market_bars", "resources", DAY) if row["is_failure"]]
    assert failed == ["garbage"]


def test_the_health_of_a_day_tells_of_every_declared_feed_and_what_it_owes(project: SmallMarket) -> None:
    project.feed(NEWS, name="gone", path="data/gone.csv")
    now = "2026-05-01"  # when it is asked
    project.collect(now)
    told = {row["source"]: row for row in project.rows("source_health", "health", now)}
    assert (told["gone"]["successes"], told["bars"]["failures"]) == (0, 0)
    assert told["gone"]["failures"] > 0
    owed = {row["source"]: row["breach"] for row in project.rows("source_health", "breaches", now)}
    assert owed.keys() == {"gone", "bars", "news"}
    checks = {one.name: one for one in project.manifest("source_health", now).checks}
    assert checks["slo_success"].sample == ("gone",)
    assert checks["slo_lag"].sample == ("bars", "news")  # new bytes without a record of the day: nobody knows how late
    assert not any(checks[name].passed or checks[name].blocking for name in ("slo_success", "slo_lag"))


def test_history_owes_nothing_however_old_it_is(project: SmallMarket) -> None:
    project.feed(BARS, slo=None)
    project.collect(DAY)
    assert {row["source"]: row["owes"] for row in project.rows("source_health", "health", DAY)} == {
        "bars": False,
        "news": True,
    }
    assert {row["source"] for row in project.rows("source_health", "breaches", DAY)} == {"news"}
    checks = {one.name: one for one in project.manifest("source_health", DAY).checks}
    assert checks["slo_success"].sample == checks["slo_lag"].sample == ("news",)


READER = """
import pathlib
ASKED = pathlib.Path(__file__).with_name("asked")
class Reader:
    version = "{version}"
    def read(self, titles):
        ASKED.write_text("".join(f"{{title}}\\n" for title in titles))
        return [{{"kind": "security", "polarity": -1.0, "entities": ["Aldera"]}}] * len(titles)
def reader(): return Reader()
"""


def test_a_text_model_that_the_rules_name_reads_each_title_once(project: SmallMarket) -> None:
    rules = (project.folder / "config/events.yaml").read_text()
    (project.folder / "config/first_reader.py").write_text(READER.format(version="1"))
    project.write("events.yaml", f"{rules}text_model: first_reader:reader\n")
    project.collect(DAY)
    readings = project.rows("events", "readings", DAY)
    asked = project.folder / "config/asked"
    assert asked.read_text().splitlines() == sorted({row["title"] for row in readings})
    assert {row["polarity"] for row in project.rows("events", "events", DAY)} == {-1.0}
    asked.unlink()
    project.collect(DAY)
    assert not asked.exists()
    (project.folder / "config/second_reader.py").write_text(READER.format(version="2"))
    project.write("events.yaml", f"{rules}text_model: second_reader:reader\n")
    project.collect(DAY)
    assert asked.exists()


@pytest.mark.parametrize(
    ("code", "complaint"),
    [("def reader(): return 7", "cannot be made"), ("reader = 7", "is not a function"), ("", "cannot be imported")],
)
def test_what_is_no_text_model_is_refused_before_anything_runs(project: SmallMarket, code: str, complaint: str) -> None:
    name = f"no_reader_{len(code)}"
    (project.folder / f"config/{name}.py").write_text(code)
    project.write("events.yaml", f"gazetteer: sample\ntext_model: {name}:reader\n")
    with pytest.raises(ConfigError, match=complaint):
        project.collect(DAY)


def test_a_day_made_again_is_the_same_to_the_byte(project: SmallMarket) -> None:
    project.collect(DAY, NEXT)
    before, bytes_before = contents(project, [DAY, NEXT]), files(project)
    project.collect(DAY, NEXT)
    assert contents(project, [DAY, NEXT]) == before
    after = files(project)
    assert {path: data for path, data in after.items() if not path.startswith("source_health")} == {
        path: data for path, data in bytes_before.items() if not path.startswith("source_health")
    }


def test_days_in_any_order_hold_the_same(project: SmallMarket, tmp_path: Path) -> None:
    other = SmallMarket.written(tmp_path / "other")
    project.collect(DAY, NEXT, THIRD)
    for day in (THIRD, DAY, NEXT):
        other.collect(day)
    facts = {place: h for place, h in contents(project, [DAY, NEXT, THIRD]).items() if place[0] != "events"}
    assert {place: h for place, h in contents(other, [DAY, NEXT, THIRD]).items() if place[0] != "events"} == facts
    other.collect(THIRD)
    assert contents(other, [DAY, NEXT, THIRD]) == contents(project, [DAY, NEXT, THIRD])


def test_a_day_that_is_collected_late_makes_the_events_after_it_stale(project: SmallMarket) -> None:
    project.collect(NEXT)
    assert project.rows("events", "events", NEXT)
    project.collect(DAY)
    with pytest.raises(StaleInput, match=f"raw_events/{DAY}"):
        project.lake.open("events", NEXT)
    project.collect(NEXT)
    assert project.rows("events", "events", NEXT)


def test_every_row_of_hostile_files_goes_somewhere(project: SmallMarket) -> None:
    file = headlines(project)
    first, *rest = file.read_text().splitlines()
    ours = next(row for row in rest if row.startswith(f'"{DAY}'))
    hostile = [ours, ours, "yesterday,x,Aldera surges,https://x.example/1", f"{DAY} 10:00:00Z,x,,https://x.example/2"]
    file.write_text("\n".join([first, *rest, *hostile]) + "\n")
    project.collect(DAY, NEXT)
    for place, manifest in published(project, [DAY, NEXT]).items():
        counts = manifest.counts
        gone = counts.deduplicated + sum(counts.skipped.values()) + sum(counts.quarantined.values())
        assert counts.rows_in == counts.rows_out + gone, place
        assert manifest.passed, place
    assert sum(project.manifest("raw_events", DAY).counts.quarantined.values()) > 0
    assert project.manifest("raw_events", DAY).counts.deduplicated == 2
    for day in (DAY, NEXT):
        rejected = project.rows("raw_events", "rejected", day)
        assert len(rejected) == sum(project.manifest("raw_events", day).counts.quarantined.values())


def test_a_changed_byte_of_what_came_stops_the_day(project: SmallMarket) -> None:
    project.collect(DAY)
    (kept,) = (project.lake.root / "raw/news/bytes").glob("*/*")
    spoiled = bytearray(kept.read_bytes())
    spoiled[-20] ^= 1
    kept.write_bytes(spoiled)
    headlines(project).unlink()
    with pytest.raises(GateRefused, match="not what their hash says"):
        project.collect(DAY)
    with pytest.raises(GateRefused):
        project.lake.open("raw_events", DAY)
    assert project.rows("market_bars", "bars", DAY)


def test_bytes_that_come_again_mend_the_day(project: SmallMarket) -> None:
    project.collect(DAY)
    before = contents(project, [DAY])
    (kept,) = (project.lake.root / "raw/news/bytes").glob("*/*")
    kept.write_bytes(b"spoiled")
    project.collect(DAY)
    assert contents(project, [DAY]) == before


def test_a_source_that_is_gone_takes_nothing_that_it_gave_before(project: SmallMarket) -> None:
    project.collect(DAY)
    before = project.rows("raw_events", "raw_events", DAY)
    headlines(project).unlink()
    project.collect(DAY)
    assert project.rows("raw_events", "raw_events", DAY) == before
    assert any(one.startswith("news: ") for one in warned(project, "raw_events"))


@pytest.mark.slow
def test_a_collection_that_is_killed_goes_on_to_the_same_end(project: SmallMarket, tmp_path: Path) -> None:
    days = FULL[:12]
    script = "import sys\nfrom pathlib import Path\nfrom distill_platform_tests.small_market import SmallMarket\n"
    script += "SmallMarket(Path(sys.argv[1])).collect(*sys.argv[2:])\n"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for wanted in ("market_bars/*/MANIFEST.json", "events/*/MANIFEST.json"):
        command = [sys.executable, "-c", script, str(project.folder), *days]
        running = subprocess.Popen(command, env=environment, cwd=tmp_path)
        while running.poll() is None and len([*project.lake.root.glob(wanted)]) < 5:
            time.sleep(0.01)
        running.send_signal(signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL
        assert len([*project.lake.root.glob(wanted)]) < len(days)
    project.collect(*days)
    whole = SmallMarket.written(tmp_path / "whole")
    whole.collect(*days)
    assert contents(project, days) == contents(whole, days)
