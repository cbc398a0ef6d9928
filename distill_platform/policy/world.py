"""A world's policy: everything that decides how runs are judged there, in one strict file with one hash."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, NoReturn, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from distill_platform.core.canon import sig_hash
from distill_platform.core.config import StrictModel, load_yaml, nearest, place_of, rule_error
from distill_platform.core.errors import ConfigError, ExpressionError
from distill_platform.policy.catalogue import CATALOGUE
from distill_platform.policy.gates import CompiledGate, compile_gates
from distill_platform.policy.profiles import STAGE_KEYS, Profile, ProfileByStage, Profiles, Validation
from distill_platform.policy.rules import Benchmark, Cohort, LiveMonitoring, Portfolio, Rule, RuleBlock, compile_rule
from distill_platform.policy.selection import Selection
from distill_platform.policy.spelling import word_of
from distill_platform.policy.stage_gates import StageGates
from distill_platform.policy.stress_grid import Costs, Scenario
from distill_platform.policy.words import OnTrouble, Stage, Status, Tier

_BASES = ("cohort", "portfolio", "live", "benchmark")
Text = Annotated[str, StringConstraints(min_length=1)]
WorldId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]


class RiskProfile(StrictModel):
    """What is at stake. A client's money at a high tier leaves no room for warnings instead of failures."""

    tier: Annotated[Tier, word_of(Tier)] = Tier.MEDIUM
    client_critical: bool = False


class Preset(StrictModel):
    """A set of market data that runs of the world may use."""

    id: Text
    interval: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*(s|m|h|d|w|mo)$")]


class Data(StrictModel):
    """The market data of the world."""

    presets: list[Preset] = Field(default_factory=list)


class Governance(StrictModel):
    """Who may let a strategy through, and how many may run with real money."""

    allow_live: bool = False
    approvers: list[Text] = Field(default_factory=list)
    keys: Annotated[int, Field(ge=2)] = 2
    cooldown: Annotated[str, StringConstraints(pattern=r"^[0-9]+(s|m|h|d|w)$")] = "10d"
    max_live_slots: Annotated[int, Field(ge=0)] = 0


class World(StrictModel):
    """The whole policy. `cohort`, `portfolio`, `live` and `benchmark` hold what every profile starts from.

    A profile's own parameter of the rule (of `live_monitoring` for `live`) goes before the world's. Without a stress
    grid, the scenarios are those that rules and gates name.
    """

    world_id: WorldId
    version: Annotated[int, Field(ge=1)]
    risk_profile: RiskProfile = RiskProfile()
    data: Data = Data()
    validation: Validation = Validation()
    validation_profiles: Profiles
    default_profile_by_stage: ProfileByStage
    selection: Selection = Selection()
    stage_gates: StageGates = StageGates()
    costs: Costs | None = None
    stress_grid: list[Scenario] | None = None
    cohort: Cohort = Cohort()
    portfolio: Portfolio = Portfolio()
    live: LiveMonitoring = LiveMonitoring()
    benchmark: Benchmark = Benchmark()
    governance: Governance = Governance()

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        self._check_defaults()
        self._check_validation()
        self._check_scenarios()
        return self

    def _check_defaults(self) -> None:
        for stage, key in STAGE_KEYS.items():
            name = self.default_profile_by_stage.of(stage)
            if name is not None and name not in self.validation_profiles:
                hint = nearest(name, list(self.validation_profiles))
                _refuse(("default_profile_by_stage", key), f"there is no profile {name!r}. {hint}", name)

    def _check_validation(self) -> None:
        if self.risk_profile.tier is not Tier.HIGH or not self.risk_profile.client_critical:
            return
        for key in Validation.model_fields:
            if getattr(self.validation, key) is not OnTrouble.FAIL:
                _refuse(("validation", key), "must be 'fail' in a client critical world of tier high", key)

    def _check_scenarios(self) -> None:
        grid = [scenario.name for scenario in self.stress_grid or ()]
        for number, name in enumerate(grid):
            if name in grid[:number]:
                _refuse(("stress_grid", number, "name"), f"scenario {name!r} stands twice", name)
        if self.stress_grid is None:
            return
        for place, name in self._named_scenarios():
            if name not in grid:
                hint = nearest(name, grid) if grid else "The grid is empty"
                _refuse(place, f"the stress grid has no scenario {name!r}. {hint}", name)

    def _named_scenarios(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield where rules and the selection name a stress scenario; gates are checked when they are compiled."""
        for profile, rules in self.validation_profiles.items():
            for name in rules.stress.scenarios or ():
                yield ("validation_profiles", profile, "stress", "scenarios", name), name
        for step in ("top_k", "hysteresis"):
            ranking = getattr(self.selection, step)
            if ranking is not None and ranking.metric not in CATALOGUE:
                yield ("selection", step, "metric"), ranking.metric.split(".")[1]

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy that works out its own hash, rules and gates."""
        copied = super().model_copy(update=update, deep=deep)
        for name in ("ruleset_hash", "gates", "_rules"):
            copied.__dict__.pop(name, None)
        return copied

    def canonical(self) -> dict[str, Any]:
        """Return the whole policy as a JSON value, with every default, severity and owner written out."""
        profiles = {name: self._resolved(profile) for name, profile in self.validation_profiles.items()}
        bases = {
            name: block.over(type(block)()) for name in _BASES if isinstance(block := getattr(self, name), RuleBlock)
        }
        return self.model_copy(update={"validation_profiles": profiles, **bases}).model_dump(mode="json")

    @cached_property
    def ruleset_hash(self) -> str:
        """Return the hash of the whole policy: what means the same has the same one, however it is written down."""
        return sig_hash(self.canonical())

    @cached_property
    def gates(self) -> tuple[CompiledGate, ...]:
        """Return the stage gates, ready to judge. Raises ExpressionError for a rule that is outside the language."""
        grid = None if self.stress_grid is None else [scenario.name for scenario in self.stress_grid]
        return compile_gates(self.stage_gates, grid)

    def rules(self, stage: Stage) -> tuple[Rule, ...]:
        """Return the rules that runs of `stage` are judged by, configured or not, in their order.

        Raises ConfigError where the world names no profile for it: there is nothing to fall back to.
        """
        if stage not in self._rules:
            known = ", ".join(sorted(self._rules)) or "none"
            hint = f"Set default_profile_by_stage.{STAGE_KEYS[stage]}; stages with a profile: {known}"
            raise ConfigError(f"world {self.world_id} has no profile for stage {stage}", hint=hint)
        return self._rules[stage]

    @cached_property
    def _rules(self) -> dict[Stage, tuple[Rule, ...]]:
        named = {stage: self.default_profile_by_stage.of(stage) for stage in Stage}
        return {stage: tuple(self._compiled(name)) for stage, name in named.items() if name is not None}

    def _compiled(self, profile: str) -> Iterator[Rule]:
        on_missing, on_error = Status(self.validation.on_missing_metric), Status(self.validation.on_error)
        for _, block in self._resolved(self.validation_profiles[profile]).blocks():
            yield compile_rule(block, on_missing, on_error)

    def _resolved(self, profile: Profile) -> Profile:
        base: dict[str, RuleBlock] = {
            "cohort": self.cohort, "portfolio": self.portfolio,
            "live_monitoring": self.live, "benchmark": self.benchmark,
        }  # fmt: skip
        filled = {name: block.over(base.get(name, type(block)())) for name, block in profile.blocks()}
        return profile.model_copy(update=filled)


def _refuse(place: tuple[str | int, ...], message: str, value: Any) -> NoReturn:
    problem = PydanticCustomError("world", message.replace("{", "(").replace("}", ")"))
    raise ValidationError.from_exception_data("World", [InitErrorDetails(type=problem, loc=place, input=value)])


def load_world(path: Path) -> World:
    """Return the policy that a YAML file declares, its gate expressions checked against the catalogue.

    Raises ConfigError with file, line and column for whatever is wrong in it.
    """
    world = load_yaml(path, World)
    _refuse_empty(path, world)
    try:
        _ = world.gates
    except ExpressionError as error:
        raise rule_error(path, _place(world, error), error) from None
    return world


def _refuse_empty(path: Path, world: World) -> None:
    """Raise ConfigError for a parameter that is written and has no value: it would bound nothing, in silence."""
    own = {(name,): block for name in _BASES if isinstance(block := getattr(world, name), RuleBlock)}
    profiles = world.validation_profiles.items()
    blocks = {
        ("validation_profiles", name, rule): block for name, profile in profiles for rule, block in profile.blocks()
    }
    for place, block in (own | blocks).items():
        for parameter in sorted(block.model_fields_set):
            if getattr(block, parameter) is None:
                line, column = place_of(path, (*place, parameter))
                message = f"{'.'.join((*place, parameter))}: has no value, and would bound nothing"
                raise ConfigError(message, file=str(path), line=line, column=column, hint="Write one, or drop the key")


def _place(world: World, error: ExpressionError) -> tuple[str | int, ...]:
    """Return where in the file the expression that is wrong stands."""
    for stage, gate in world.stage_gates.gates():
        for kind in ("blocking", "watch"):
            texts: list[str] = getattr(gate, kind)
            if error.text in texts:
                return ("stage_gates", stage, kind, texts.index(error.text))
    return ("stage_gates",)
