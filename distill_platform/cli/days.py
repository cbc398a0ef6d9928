"""Days: options that take one, and what is refused as none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import typer

from distill_platform.core.utc import parse_day


def day_option(name: str, about: str) -> Any:
    """Return an option that takes a UTC day up to today."""
    return typer.Option(name, metavar="DAY", callback=_day, help=about)


def refuse_reversed(first: str | None, last: str | None) -> None:
    """Raise BadParameter for a range that ends before it begins."""
    if first and last and first > last:
        raise typer.BadParameter(f"--from {first} is after --to {last}")


def _day(value: str | None) -> str | None:
    """Refuse what is not a day, and days to come."""
    if value is None:
        return None
    try:
        day = parse_day(value)
    except ValueError:
        raise typer.BadParameter(f"{value!r} is not a day; write it like 2026-04-20") from None
    today = datetime.now(UTC).date()
    if day > today:
        raise typer.BadParameter(f"{day} lies in the future; today is {today} (UTC)")
    return value
