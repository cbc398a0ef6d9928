"""`docs/feeds.md` says everything of events and health: each key with its default, each method, each state."""

import re
from pathlib import Path

import pytest

from distill_platform.core.config import StrictModel, load_yaml
from distill_platform.feeds.breaker import BreakerStatus
from distill_platform.feeds.configuration import EventRules
from distill_platform.feeds.events.gazetteer import Entity, GazetteerFile, load_gazetteer
from distill_platform.feeds.events.linking import LinkMethod
from distill_platform.feeds.events.settings import ClusteringSettings, QualitySettings, QualityWeights
from distill_platform.feeds.events.text_model import TextReading
from distill_platform.feeds.settings import FeedSettings

DOCS = (Path(__file__).parents[2] / "docs" / "feeds.md").read_text(encoding="utf-8")
EVENTS, GAZETTEER = re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL)[-2:]


def _rows(prefix: str, model: type[StrictModel]) -> list[str]:
    plain = {
        name: field.default for name, field in model.model_fields.items() if not hasattr(field.default, "model_dump")
    }
    return [f"| `{prefix}{name}` | `{default}` |" for name, default in plain.items()]


@pytest.mark.parametrize(
    ("prefix", "model"), [("", EventRules), ("clustering.", ClusteringSettings), ("quality.", QualitySettings)]
)
def test_every_key_of_the_event_rules_is_in_the_table_with_its_default(prefix: str, model: type[StrictModel]) -> None:
    for row in _rows(prefix, model):
        assert row in DOCS, row


def test_the_example_of_event_rules_writes_out_all_defaults(tmp_path: Path) -> None:
    file = tmp_path / "events.yaml"
    file.write_text(EVENTS)
    assert load_yaml(file, EventRules) == EventRules()
    for key in (*EventRules.model_fields, *QualitySettings.model_fields, *QualityWeights.model_fields):
        assert f"{key}:" in EVENTS


def test_the_example_of_a_gazetteer_loads_and_has_every_key(tmp_path: Path) -> None:
    file = tmp_path / "example.yaml"
    file.write_text(GAZETTEER)
    assert load_gazetteer(file).symbols == ("AVAX_USDT",)
    for key in (*GazetteerFile.model_fields, *Entity.model_fields):
        assert f"{key}:" in GAZETTEER


@pytest.mark.parametrize("section", ["retry", "timeouts", "rate_limit", "breaker", "slo"])
def test_every_key_of_how_a_feed_is_asked_has_its_default(section: str) -> None:
    for key, value in FeedSettings().model_dump()[section].items():
        assert f"`{key}` ({value:g})" in DOCS, key


def test_every_link_method_breaker_state_and_answer_of_a_text_model_is_named() -> None:
    for word in (*LinkMethod, *BreakerStatus, *TextReading.model_fields):
        assert f"`{word}`" in DOCS, word
