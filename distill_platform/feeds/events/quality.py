"""Quality: how much a report deserves to be believed, from what was known of it when it came."""

from __future__ import annotations

import math

from distill_platform.feeds.events.linking import Link, LinkMethod
from distill_platform.feeds.events.normalizing import HOUR_US, Report
from distill_platform.feeds.events.settings import QualitySettings
from distill_platform.feeds.events.titles import soundness

_TIER = {1: 1.0, 2: 0.6, 3: 0.3}
_LINK = {
    LinkMethod.CASHTAG: 1.0,
    LinkMethod.NAME: 1.0,
    LinkMethod.TICKER: 1.0,
    LinkMethod.CONTEXT: 0.8,
    LinkMethod.NOBODY: 0.6,
    LinkMethod.TEXT_MODEL: 0.2,
    LinkMethod.FEED: 0.2,
}


def quality(report: Report, link: Link, *, is_corroborated: bool, settings: QualitySettings) -> float:
    """Return the quality of a report about one symbol, in [0, 1]: the weighted mean of six parts.

    Tier (1, 0.6, 0.3), the feed's confidence, soundness of the title, the lag from publishing to being available
    (halved every `lag_half_life_h`), how sure the link is, and whether another outlet had said it before. Later reports
    change nothing: the first to say something is not corroborated, and never will be.
    """
    weights = settings.weights
    lag_h = (report.available_us - report.published_us) / HOUR_US
    score = (
        weights.tier * _TIER[report.tier]
        + weights.confidence * report.confidence
        + weights.title * soundness(report.title)
        + weights.lag * math.pow(2.0, -lag_h / settings.lag_half_life_h)
        + weights.link * _LINK[link.method]
        + weights.corroboration * float(is_corroborated)
    )
    return min(1.0, max(0.0, score))
