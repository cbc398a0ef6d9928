"""Failures: what a refusal of the platform looks like in a run. It is permanent, so Dagster must not try again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import dagster as dg

from distill_platform.core.errors import ConfigError, DistillError


@contextmanager
def permanent_failures(asset: str, days: Sequence[str]) -> Iterator[None]:
    """Turn a DistillError into a Failure that says what, where and what to do, and that is not retried."""
    try:
        yield
    except DistillError as error:
        raise dg.Failure(str(error), metadata=_said(error, asset, days), allow_retries=False) from error


def _said(error: DistillError, asset: str, days: Sequence[str]) -> dict[str, str]:
    place = f"{asset}, {days[0]} to {days[-1]}" if len(days) > 1 else f"{asset}, {''.join(days)}"
    if isinstance(error, ConfigError) and error.file:
        place = f"{error.file}, line {error.line}, column {error.column}"
    return {"what": f"{type(error).__name__}: {error.message}", "where": place, "what to do": error.hint or "-"}
