"""Streams: which names there are, so that a misspelt one is refused and not recorded somewhere for ever."""

from __future__ import annotations

import re

from distill_platform.core.errors import EntryRefused

# What follows the first segment of a stream's name, for every kind of stream.
STREAMS: dict[str, tuple[str, ...]] = {
    "apply": ("world",),
    "audit": ("day",),
    "baseline": (),
    "breaker": ("source",),
    "evaluation": ("world", "strategy", "run"),
    "forward": ("market",),
    "model": ("line",),
    "override": ("id",),
    "policy": ("world",),
    "receipt": ("run",),
    "recommendation": ("id",),
    "risk": ("world",),
    "trial": ("cohort",),
}
_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@+=-]{0,127}")


def check_stream(name: str) -> None:
    """Return when `name` is a stream's; EntryRefused says which form it should have."""
    kind, *segments = name.split("/")
    if kind not in STREAMS:
        known = ", ".join(_form(known) for known in STREAMS)
        raise EntryRefused(f"{_shown(name)} is not a stream", hint=f"Streams are {known}")
    if len(segments) != len(STREAMS[kind]) or not all(_SEGMENT.fullmatch(segment) for segment in segments):
        hint = "A segment is 1 to 128 letters, digits or . _ : @ + = - and starts with a letter or digit"
        raise EntryRefused(f"{_shown(name)} is not a stream of the form {_form(kind)}", hint=hint)


def _form(kind: str) -> str:
    return "/".join((kind, *(f"<{segment}>" for segment in STREAMS[kind])))


def _shown(name: str) -> str:
    return ascii(name)[:200]
