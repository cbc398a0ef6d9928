"""Feed files: one strict YAML each, a broken one stops no other, and what the docs show can be loaded."""

import re
from datetime import date
from pathlib import Path

import pytest

from distill_platform.core.errors import ConfigError
from distill_platform.feeds.connectors.rss import Rss
from distill_platform.feeds.feed import CONNECTORS, load_feed, load_feeds
from distill_platform.feeds.intervals import read_interval
from distill_platform.feeds.rejected import Reason

DOCS = Path(__file__).parents[2] / "docs" / "feeds.md"
BLOCKS = [block for block in re.findall(r"```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL) if block.startswith("name:")]
BARS = "name: a\nconnector: files\ndata_regime: prod_live\n"
HOURLY = "bars: {interval: 1h, stamp: end, symbols: {A: a}"


def written(folder: Path, text: str, name: str = "a") -> Path:
    file = folder / f"{name}.yaml"
    file.write_text(text)
    return file


def refused(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_feed(written(folder, text))
    return str(caught.value)


@pytest.mark.parametrize("block", BLOCKS)
def test_every_example_of_the_docs_is_a_feed(tmp_path: Path, block: str) -> None:
    name = block.splitlines()[0].removeprefix("name: ")
    assert load_feed(written(tmp_path, block, name)).name == name


def test_the_docs_show_every_connector_and_every_reason() -> None:
    assert {block.splitlines()[1].removeprefix("connector: ") for block in BLOCKS} == set(CONNECTORS)
    assert set(re.findall(r"`([a-z_0-9]+)`", DOCS.read_text())) >= {reason.value for reason in Reason}


def test_a_broken_file_is_reported_and_stops_no_other(tmp_path: Path) -> None:
    good = BARS.replace("name: a", "name: good") + f"path: a.csv\n{HOURLY}}}\n"
    written(tmp_path, good, "good")
    written(tmp_path, "name: [", "torn")
    written(tmp_path, "name: odd\nconnector: rss\ndata_regime: prod_live\nurl: [https://a.b]\n", "odd")
    loaded = load_feeds(tmp_path)
    assert [feed.name for feed in loaded.feeds] == ["good"]
    assert [Path(error.file).stem for error in loaded.broken] == ["odd", "torn"]
    assert load_feeds(tmp_path / "nowhere").feeds == ()


def test_a_file_with_the_other_ending_of_yaml_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    (tmp_path / "news.yml").write_text("name: news\nconnector: rss\ndata_regime: prod_live\nurls: [https://a.b]\n")
    (error,) = load_feeds(tmp_path).broken
    assert "news.yml" in str(error)
    assert "Name it .yaml" in str(error)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: a\nconnector: rrs\n", "Did you mean 'rss'?"),
        ("name: a\n", "connector"),
        ("name: a\nconnector: rss\ndata_regime: live\nurls: [https://a.b]\n", "prod_live"),
        ("name: b\nconnector: rss\ndata_regime: prod_live\nurls: [https://a.b]\n", "not the name of the file"),
        ("name: a\nconnector: rss\ndata_regime: prod_live\nurls: [file:///etc/passwd]\n", "is not an address"),
        ("name: a\nconnector: rss\ndata_regime: prod_live\nurls: [https://a.b]\nteir: 1\n", "Did you mean 'tier'?"),
        ("name: a\nconnector: rss\ndata_regime: prod_live\nurls: [https://a.b]\ntier: 4\n", "tier"),
        (
            "name: a\nconnector: rss\ndata_regime: prod_live\nurls: [https://a.b]\nslo: null\n",
            "only files may be history",
        ),
        (BARS + "path: a.csv\n", "either `bars` or `headlines`"),
        (BARS + f"path: a.xls\n{HOURLY}}}\n", "must end with"),
        (BARS + f"path: a.csv\n{HOURLY.replace('A: a', 'A: a, B: b')}}}\n", "which symbol a row is of"),
        (BARS + f"path: '{{symbol}}.csv'\n{HOURLY}, columns: {{symbol: s}}}}\n", "which symbol a row is of"),
        (BARS + f"path: a.csv\n{HOURLY}, colums: {{}}}}\n", "Did you mean 'columns'?"),
        (BARS + f"path: a.csv\n{HOURLY.replace('A: a', 'A: x, B: x')}, columns: {{symbol: s}}}}\n", "stands twice"),
        (BARS + f"path: a.csv\ntime: {{format: '%d-%m-%Y'}}\n{HOURLY}}}\n", "says no zone"),
        (BARS + f"path: a.csv\ntime: {{zone: Mars/Base}}\n{HOURLY}}}\n", "no time zone"),
        (BARS + f"path: a.csv\ntime: {{format: epoch_s, zone: UTC}}\n{HOURLY}}}\n", "leave out `zone`"),
        (BARS + f"path: a.csv\ntime: {{format: yesterday}}\n{HOURLY}}}\n", "neither like"),
        (BARS + f"path: a.csv\n{HOURLY.replace('1h', '7h')}}}\n", "whole part of a day"),
        (BARS + f"path: a.csv\nseparator: '\"'\n{HOURLY}}}\n", "separator"),
        (BARS + f"path: a.csv\nseparator: ', '\n{HOURLY}}}\n", "separator"),
        (BARS + f"path: a.csv\n{HOURLY}, outage_bars: 99999999999999999999999}}\n", "outage_bars"),
        (BARS + f"path: a.csv\ntime: {{format: '%d-%m-%Y %I:%M', zone: UTC}}\n{HOURLY}}}\n", "%I:%M %p"),
    ],
)
def test_a_wrong_declaration_is_refused_in_words_that_help(tmp_path: Path, text: str, said: str) -> None:
    assert said in refused(tmp_path, text)


@pytest.mark.parametrize("text", ["", "0h", "1w", "h", "1 h", "2d", "99999m", "-1h", "1.5h", "11m"])
def test_the_length_of_a_bar_is_a_whole_part_of_a_day(text: str) -> None:
    with pytest.raises(ValueError, match="length of a bar"):
        read_interval(text)


def test_an_address_is_asked_for_as_it_was_written(tmp_path: Path) -> None:
    text = "name: a\nconnector: rss\ndata_regime: prod_live\nurls: [https://a.b/rss/]\n"
    feed = load_feed(written(tmp_path, text))
    assert [resource.url for resource in Rss(feed).resources(date(2026, 4, 19))] == ["https://a.b/rss/"]  # type: ignore


def test_another_declaration_has_another_hash(tmp_path: Path) -> None:
    text = "name: a\nconnector: rss\ndata_regime: prod_live\nurls: [https://a.b]\n"
    first = load_feed(written(tmp_path, text)).content_hash
    assert load_feed(written(tmp_path, text)).content_hash == first
    assert load_feed(written(tmp_path, text + "delay_s: 1.0\n")).content_hash != first
