"""`distill feeds` and `distill models`: what they print, what a program reads, and how they end."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from distill_platform.models.artifacts.signing import open_keys
from distill_platform_tests.cli.terminal import distill, document, flat
from distill_platform_tests.small_market import FULL, NEWS, WEEK, SmallMarket, a_line

FIRST, LAST = FULL[4], FULL[6]
RANGE = ("--from", FIRST, "--to", LAST)


@pytest.fixture
def project(tmp_path: Path) -> SmallMarket:
    return SmallMarket.written(tmp_path / "market")


def test_collected_days_are_told_to_people_and_to_programs(project: SmallMarket) -> None:
    result = distill(project.folder, "feeds", "collect", *RANGE)
    assert result.exit_code == 0, result.output
    assert "market_bars: 144 rows over 3 days, 0 kept apart" in result.stdout
    told = document(distill(project.folder, "feeds", "collect", *RANGE, "--json"))
    assert told["days"] == [FIRST, FULL[5], LAST]
    assert told["counts"]["market_bars"] == {"rows_out": 144, "quarantined": 0}
    assert {row["source"] for row in told["health"]} == {"bars", "news"}


def test_a_feed_that_fails_is_seen_in_the_table_and_stops_nothing(project: SmallMarket) -> None:
    project.feed(NEWS, name="gone", path="data/gone.csv")
    assert distill(project.folder, "feeds", "collect", *RANGE).exit_code == 0
    told = document(distill(project.folder, "feeds", "collect", *RANGE, "--json"))
    assert told["counts"]["market_bars"]["rows_out"] == 144
    assert "gone" in {row["source"] for row in told["health"] if row["breaches"]}


def test_health_is_a_table_a_document_and_a_page(project: SmallMarket) -> None:
    assert distill(project.folder, "feeds", "collect", *RANGE).exit_code == 0
    page = project.folder / "health.html"
    shown = distill(project.folder, "feeds", "health", *RANGE, "--page", "health.html")
    assert shown.exit_code == 0, shown.output
    assert "page: health.html" in shown.stdout
    assert "bars" in page.read_text()
    assert "<script src" not in page.read_text()
    rows = document(distill(project.folder, "feeds", "health", *RANGE, "--json"))["health"]
    assert [(row["day"], row["source"]) for row in rows] == [(d, s) for d in FULL[4:7] for s in ("bars", "news")]


def test_health_of_days_that_nobody_collected_says_so(project: SmallMarket) -> None:
    result = distill(project.folder, "feeds", "health", *RANGE)
    assert result.exit_code == 2
    assert f"source_health[{FIRST}] was never published" in flat(result.stderr)


def test_spoiled_bytes_end_a_collection_with_one(project: SmallMarket) -> None:
    assert distill(project.folder, "feeds", "collect", *RANGE).exit_code == 0
    (kept,) = (project.lake.root / "raw/news/bytes").glob("*/*")
    kept.write_bytes(b"spoiled")
    (project.folder / NEWS["path"]).unlink()
    result = distill(project.folder, "feeds", "collect", *RANGE)
    assert result.exit_code == 1
    assert "not what their hash says" in flat(result.stderr)


def test_features_of_collected_days_are_computed(project: SmallMarket) -> None:
    assert distill(project.folder, "feeds", "collect", *RANGE).exit_code == 0
    result = distill(project.folder, "models", "features", *RANGE)
    assert result.exit_code == 0, result.output
    assert "features of 3 days are there" in result.stdout
    assert project.rows("features", "small", LAST)


def test_training_without_features_hands_nothing_in_and_says_why(project: SmallMarket) -> None:
    result = distill(project.folder, "models", "train", WEEK)
    assert result.exit_code == 0, result.output
    assert "0 runs are handed in; 1 lines were refused" in result.stdout
    assert "next:" not in result.stdout
    assert f"features[{FULL[0]}] was never published" in flat(result.output)


def test_promotion_before_training_says_what_is_missing(project: SmallMarket) -> None:
    told = document(distill(project.folder, "models", "promote", WEEK, "--json"))
    assert told["decisions"] == []
    assert [row["line"] for row in told["refused"]] == ["small"]
    assert "MissingDataset" in told["refused"][0]["reason"]


def test_a_line_on_which_nothing_was_trained_is_shown_as_such(project: SmallMarket) -> None:
    project.write("models/torn.yaml", "name: torn\n")
    result = distill(project.folder, "models", "show")
    assert result.exit_code == 0, result.output
    assert "no model was trained yet" in result.stdout
    assert "torn.yaml" in result.stdout
    assert document(distill(project.folder, "models", "show", "--json"))["models"] == []


@pytest.mark.parametrize("command", [("models", "train"), ("models", "promote"), ("search",)])
@pytest.mark.parametrize(
    ("week", "words"),
    [("2025-05-06", "is no Monday"), ("yesterday", "yesterday"), ("2025-13-01", "2025-13-01"), ("", "")],
)
def test_what_is_no_week_is_bad_usage(project: SmallMarket, command: tuple[str, ...], week: str, words: str) -> None:
    result = distill(project.folder, *command, week)
    assert result.exit_code == 2
    assert words in flat(result.stderr)
    assert not project.lake.root.exists()


@pytest.mark.parametrize("command", [("models", "train"), ("models", "promote"), ("search",)])
def test_a_week_that_is_not_over_is_refused(project: SmallMarket, command: tuple[str, ...]) -> None:
    today = datetime.now(UTC).date()
    week = (today - timedelta(days=today.weekday())).isoformat()
    result = distill(project.folder, *command, week)
    assert result.exit_code == 2
    assert "is not over" in flat(result.stderr)


@pytest.mark.parametrize("command", [("feeds", "collect"), ("feeds", "health"), ("models", "features")])
@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        (LAST, FIRST, "is after"),
        ("2999-01-01", "2999-01-02", "lies in the future"),
        ("soon", LAST, "is not a day"),
    ],
)
def test_what_are_no_days_is_bad_usage(
    project: SmallMarket, command: tuple[str, str], first: str, last: str, words: str
) -> None:
    result = distill(project.folder, *command, "--from", first, "--to", last)
    assert result.exit_code == 2
    assert words in flat(result.stderr)


@pytest.mark.parametrize(
    "command",
    [("feeds", "collect", *RANGE), ("feeds", "health", *RANGE), ("models", "features", *RANGE),
     ("models", "train", WEEK), ("models", "promote", WEEK), ("models", "show")],
)  # fmt: skip
def test_without_a_configuration_nothing_runs(tmp_path: Path, command: tuple[str, ...]) -> None:
    result = distill(tmp_path, *command)
    assert result.exit_code == 2
    assert "there is no config/platform.yaml" in flat(result.stderr)


def test_an_unknown_key_is_named_with_its_place(project: SmallMarket) -> None:
    project.write("platform.yaml", "paths: {modls: here}\n")
    for command in (("feeds", "collect", *RANGE), ("models", "show")):
        result = distill(project.folder, *command)
        assert result.exit_code == 2
        assert "platform.yaml:1" in flat(result.stderr)
        assert "modls" in flat(result.stderr)


@pytest.mark.slow
def test_a_trained_week_is_decided_on_and_shown(market: SmallMarket) -> None:
    told = document(distill(market.folder, "models", "promote", WEEK, "--json"))
    assert {row["status"] for row in told["decisions"]} == {"refused"}
    assert {row["line"] for row in told["refused"]} == {"lost", "torn.yaml"}
    for row in told["decisions"]:
        assert "verdict_missing" in {reason["code"] for reason in row["reasons"]}
    shown = distill(market.folder, "models", "promote", WEEK)
    assert shown.exit_code == 0
    assert "world: not judged" in flat(shown.stdout)
    models = document(distill(market.folder, "models", "show", "--json"))["models"]
    assert {row["state"] for row in models} >= {"control_arm", "registered"}


@pytest.mark.slow
def test_a_week_is_trained_again_from_the_command_line_with_the_same_end(market: SmallMarket) -> None:
    before, heads = market.manifest("model_runs", WEEK).version, market.ledger_heads()
    result = distill(market.folder, "models", "train", WEEK)
    assert result.exit_code == 0, result.output
    assert "runs are handed in; 2 lines were refused" in result.stdout
    assert market.manifest("model_runs", WEEK).version == before
    assert market.ledger_heads() == heads


@pytest.mark.slow
def test_a_line_that_looks_twice_is_told_so(market: SmallMarket) -> None:
    market.line(a_line(sizing={"hold_bars": 9}))
    assert distill(market.folder, "models", "train", WEEK).exit_code == 0
    told = document(distill(market.folder, "models", "promote", WEEK, "--json"))
    (reason,) = [row["reason"] for row in told["refused"] if row["line"] == "small"]
    assert reason.startswith("ForwardWindowSpent")


def test_a_new_key_signs_from_then_on_and_the_old_one_is_still_trusted(project: SmallMarket) -> None:
    before = open_keys(project.folder / "data/keys")
    result = distill(project.folder, "models", "rotate-key", "--note", "the laptop was lost")
    assert result.exit_code == 0, result.output
    after = open_keys(project.folder / "data/keys")
    assert f"models are signed by key {after.signing.key_id} from now on" in flat(result.stdout)
    assert after.signing.key_id != before.signing.key_id
    assert [key.note for key in after.trusted.keys] == ["made on first use", "the laptop was lost"]


def test_there_is_nothing_to_rotate_before_there_is_a_key(project: SmallMarket) -> None:
    result = distill(project.folder, "models", "rotate-key", "--note", "yearly")
    assert result.exit_code == 2
    assert "trusted.yaml" in flat(result.stderr)
