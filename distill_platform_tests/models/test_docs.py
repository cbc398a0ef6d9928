"""`docs/models.md` says everything there is: each key with its default, each kind of feature, each reason."""

import json
import re
import shlex
from pathlib import Path
from typing import Any, get_args

import click
import pytest
import typer
import yaml
from pydantic import BaseModel

from distill_platform.cli import app
from distill_platform.core.config import StrictModel, load_yaml
from distill_platform.models.artifacts.trust import KeyStatus, TrustedKeys
from distill_platform.models.features.kind import KINDS, FeatureGroup
from distill_platform.models.features.settings import BarFeatures, PanelFeatures
from distill_platform.models.line import ModelLine
from distill_platform.models.promotion.reasons import ReasonCode
from distill_platform.models.registry import ModelState
from distill_platform.models.rollout.watch import AlarmCode
from distill_platform.models.search.settings import BatchSettings

DOCS = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL)
COMMANDS = [line for block in re.findall(r"```\n(.*?)```", DOCS, re.DOTALL) for line in block.splitlines()]
TABLED = {
    f"`{path}`": model
    for path, model in {
        "features": "FeatureSettings",
        "features.events": "ProjectionSettings",
        "label": "LabelSettings",
        "guard": "GuardSettings",
        "windows": "WindowSettings",
        "validation": "ValidationSettings",
        "significance": "SignificanceSettings",
        "baseline": "BaselineSettings",
        "teacher": "TeacherSettings",
        "teacher.boosting": "BoostingSettings",
        "student": "StudentSettings",
        "ensemble": "EnsembleSettings",
        "sizing": "SizingSettings",
        "search": "SearchSettings",
        "search.search": "BatchSettings",
        "search.pruning": "PruningSettings",
        "search.objective": "ObjectiveSettings",
        "promotion": "PromotionSettings",
        "rollout": "RolloutSettings",
        "rollout.drift": "DriftSettings",
        "rollout.execution": "ExecutionSettings",
    }.items()
}
TOLD_IN_TEXT = {"RidgeSettings", "TierWeights", "SearchSpace", "IntRange", "FloatRange", "Choice"}


def _sections(annotation: Any) -> set[type[StrictModel]]:
    """Return every section that a type leads to, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, StrictModel):
        inner = (_sections(field.annotation) for field in annotation.model_fields.values())
        return {annotation}.union(*inner)
    return set().union(*(_sections(argument) for argument in get_args(annotation)))


SECTIONS = {model.__name__: model for model in _sections(ModelLine)}


def _default(model: type[StrictModel], key: str) -> str:
    field = model.model_fields[key]
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return "below"
    if value is None:
        return "`null`"
    plain = value.value if hasattr(value, "value") else json.loads(json.dumps(value))
    shown = yaml.safe_dump(plain, default_flow_style=True, width=1_000).replace("\n...", "").strip()
    return f"`{shown}`"


def _rows(text: str) -> list[tuple[str, str]]:
    return re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", text, re.MULTILINE)


def _under(heading: str) -> str:
    """Return what stands under a heading, up to the next one."""
    found = re.search(rf"^#+ {re.escape(heading)}[^\n]*\n(.*?)(?=^##|\Z)", DOCS, re.MULTILINE | re.DOTALL)
    assert found is not None, heading
    return found[1]


def test_every_section_of_a_model_line_is_described() -> None:
    assert set(SECTIONS) - {"ModelLine", "BarFeatures", "PanelFeatures"} == set(TABLED.values()) | TOLD_IN_TEXT


def test_every_key_of_a_line_is_in_its_table() -> None:
    assert _rows(_under("A model line")) == [(key, _default(ModelLine, key)) for key in ModelLine.model_fields]


@pytest.mark.parametrize(("heading", "name"), TABLED.items())
def test_every_key_of_a_section_is_in_its_table_with_its_default(heading: str, name: str) -> None:
    model = SECTIONS[name]
    assert _rows(_under(heading)) == [(key, _default(model, key)) for key in model.model_fields]


@pytest.mark.parametrize("name", sorted(TOLD_IN_TEXT))
def test_every_key_of_the_smallest_sections_is_named(name: str) -> None:
    for key in SECTIONS[name].model_fields:
        assert re.search(rf"[`{{ ]{key}[`:,}}]", DOCS), key


def test_the_refinement_is_told_apart_from_the_search() -> None:
    refined = SECTIONS["SearchSettings"].model_fields["refinement"].get_default()
    assert isinstance(refined, BatchSettings)
    for number in (refined.trials, refined.startup_trials):
        assert f"({number} in the refinement)" in _under("`search.search`")


def test_the_table_of_kinds_is_the_catalogue() -> None:
    shown = {
        key: (_default(model, key), KINDS[key].definition.replace("|", r"\|"))
        for model in (BarFeatures, PanelFeatures)
        for key in model.model_fields
    }
    text = _under("`features.bars` and `features.panel`")
    for key, (default, definition) in shown.items():
        assert f"| `{key}` | {default} | {definition} |" in text, key
    assert len(_rows(text)) == len(shown)
    for kind in KINDS.values():
        assert kind.group is not FeatureGroup.CALENDAR or f"`{kind.name}`" in DOCS


def test_every_reason_against_a_promotion_is_in_the_table_and_no_other() -> None:
    assert [code for code, _ in _rows(_under("Why a candidate is refused"))] == [code.value for code in ReasonCode]


@pytest.mark.parametrize("words", [ModelState, AlarmCode])
def test_every_state_and_alarm_is_described(words: type[ModelState] | type[AlarmCode]) -> None:
    for word in words:
        assert f"`{word.value}`" in _under("`rollout.execution`") or f"**{word.value}**" in DOCS, word


def test_the_example_of_a_line_and_of_trusted_keys_load(tmp_path: Path) -> None:
    line, keys = (tmp_path / name for name in ("crypto_hourly.yaml", "trusted.yaml"))
    line.write_text(BLOCKS[0])
    keys.write_text(BLOCKS[1])
    assert load_yaml(line, ModelLine).name == "crypto_hourly"
    assert load_yaml(keys, TrustedKeys).keys[0].status is KeyStatus.TRUSTED


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.startswith("distill ")])
def test_every_command_exists_with_its_options(line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    command: Any = typer.main.get_command(app)
    context = click.Context(command)
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    command.make_context("distill", words, parent=context, resilient_parsing=True)
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known
