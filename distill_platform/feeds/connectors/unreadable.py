"""Unreadable: a whole body that is not what its connector reads."""

from __future__ import annotations

from distill_platform.core.errors import FeedGarbled
from distill_platform.feeds.rejected import Origin


def unreadable(origin: Origin, what: str, hint: str = "") -> FeedGarbled:
    """Return the error that says why nothing of a body can be read; none of its rows is known."""
    return FeedGarbled(f"{origin.resource}: {what}", feed=origin.source, hint=hint)
