"""A model line: one YAML file that says everything about a family of models, from features to rollout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from distill_platform.core.canon import sig_hash
from distill_platform.core.config import StrictModel, load_yaml
from distill_platform.core.errors import ConfigError
from distill_platform.models.baseline import BaselineSettings
from distill_platform.models.blending import EnsembleSettings
from distill_platform.models.features.catalogue import catalogue, names_of
from distill_platform.models.features.kind import FeatureGroup
from distill_platform.models.features.settings import FeatureSettings, GuardSettings
from distill_platform.models.labels import LabelSettings
from distill_platform.models.positions import SizingSettings
from distill_platform.models.promotion.settings import PromotionSettings
from distill_platform.models.rollout.settings import RolloutSettings
from distill_platform.models.search.settings import SearchSettings
from distill_platform.models.significance import SignificanceSettings
from distill_platform.models.teacher import TeacherSettings
from distill_platform.models.tsmixer.settings import StudentSettings
from distill_platform.models.validation.settings import ValidationSettings, refuse_short_embargo
from distill_platform.models.validation.windows import WindowSettings
from distill_platform.strategies.bundles.manifest import Identifier

_NS = {"m": 60 * 10**9, "h": 3_600 * 10**9, "d": 86_400 * 10**9}

Interval = Annotated[str, Field(pattern=r"\A[1-9][0-9]{0,2}[mhd]\z")]
Symbols = Annotated[
    tuple[Identifier, ...],
    BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value),
    Field(min_length=1, max_length=512),
]


class ModelLine(StrictModel):
    """What is predicted from what, how it is proven, and what it takes to be trusted with money.

    `market` is the declared feed of bars, which also says whether they are live data or a replay; `world_id` names the
    world that judges the models' runs, and whose sealed costs they pay.
    """

    name: Identifier
    world_id: Identifier
    market: Identifier
    symbols: Symbols
    interval: Interval = "1h"
    features: FeatureSettings = FeatureSettings()
    label: LabelSettings = LabelSettings()
    guard: GuardSettings = GuardSettings()
    windows: WindowSettings = WindowSettings()
    validation: ValidationSettings = ValidationSettings()
    significance: SignificanceSettings = SignificanceSettings()
    baseline: BaselineSettings = BaselineSettings()
    teacher: TeacherSettings = TeacherSettings()
    student: StudentSettings = StudentSettings()
    ensemble: EnsembleSettings = EnsembleSettings()
    sizing: SizingSettings = SizingSettings()
    search: SearchSettings
    promotion: PromotionSettings = PromotionSettings()
    rollout: RolloutSettings = RolloutSettings()

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if len(set(self.symbols)) < len(self.symbols):
            raise ValueError("symbols: one stands twice")
        try:
            refuse_short_embargo(self.validation, self.label.horizon_bars)
        except ConfigError as error:
            raise ValueError(str(error)) from None
        return self

    @property
    def bar_ns(self) -> int:
        """Return the length of a bar in nanoseconds."""
        return int(self.interval[:-1]) * _NS[self.interval[-1]]

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Return the names of all features, in the order of a frame."""
        return tuple(feature.name for feature in catalogue(self.features))

    @property
    def bar_features(self) -> tuple[str, ...]:
        """Return the names of the features that need no events: all that the control arms see."""
        return names_of(self.features, FeatureGroup.BARS, FeatureGroup.PANEL, FeatureGroup.CALENDAR)

    @property
    def sha256(self) -> str:
        """Return the hash of the whole line: whatever changes in it changes this."""
        return sig_hash(self.model_dump(mode="json"))


@dataclass(frozen=True)
class ModelLines:
    """The lines of a folder by name, and of those that cannot be accepted, what is wrong with them, by file."""

    known: Mapping[str, ModelLine]
    broken: Mapping[str, str]


def load_lines(folder: Path) -> ModelLines:
    """Return every line in a folder of YAML files; one that is broken stops no other."""
    known: dict[str, ModelLine] = {}
    broken: dict[str, str] = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            line = load_yaml(path, ModelLine)
        except ConfigError as error:
            broken[path.name] = str(error).replace(str(path), path.name)  # the same words in any folder
            continue
        if line.name != path.stem:
            broken[path.name] = f"{path.name}: the line is called {line.name!r}: name the file {line.name}.yaml"
        else:
            known[line.name] = line
    return ModelLines(known, broken)
