"""The pipeline of facts from outside: asked for, kept, read, and made into events. Declared once, for both doors."""

from __future__ import annotations

from collections.abc import Sequence

from distill_platform.feeds.stage import Feeds, code_version
from distill_platform.feeds.stages.collecting import collect_days
from distill_platform.feeds.stages.events import make_event_days
from distill_platform.feeds.stages.health import measure_health
from distill_platform.store.stages import Pipeline, Stage, refuse_failed, steps

_COLLECTED = ("market_bars", "raw_events")

STAGES: tuple[Stage[Feeds], ...] = (
    Stage("market_bars", (), collect_days, "Bars as their sources told them, gaps, and rows that are no bars."),
    Stage("raw_events", (), collect_days, "Reports as their sources told them, and rows that are none."),
    Stage(
        "source_health", ("market_bars", "raw_events"), measure_health, "What each source gave, how late; how often."
    ),
    Stage("events", ("raw_events",), make_event_days, "Who reports are about, what repeats what, and how good it is."),
)

PIPELINE = Pipeline(STAGES, code_version)


def run_all(feeds: Feeds, days: Sequence[str], run_id: str) -> None:
    """Run all stages over `days`. Raises GateRefused as soon as a stage's own blocking checks do not hold."""
    for step in steps(STAGES):
        refuse_failed(PIPELINE.run_step(feeds, step, days, run_id).manifests)
