"""`distill feeds`: bars and reports from their sources, and how the sources do."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from distill_platform.cli.console import JsonOption, err, out, plain, print_json
from distill_platform.cli.days import day_option, refuse_reversed
from distill_platform.cli.places import ConfigOption, LakeOption, find_config, short
from distill_platform.core.utc import days_between

if TYPE_CHECKING:
    from distill_platform.feeds.configuration import FeedsConfiguration

app = typer.Typer(help="Bars and reports from their sources, and how the sources do.", no_args_is_help=True)

FeedsOption = Annotated[
    Path | None,
    typer.Option("--feeds", metavar="DIR", help="Feed files, one YAML file each, not the settings'."),
]
FirstOption = Annotated[str, day_option("--from", "First day (UTC), like 2026-04-20.")]
LastOption = Annotated[str, day_option("--to", "Last day, included.")]


@app.callback()
def _feeds() -> None:
    """Bars and reports from their sources, and how the sources do."""


@app.command("collect")
def collect(
    first: FirstOption,
    last: LastOption,
    feeds: FeedsOption = None,
    lake: LakeOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask every feed for what it has of some days, and make events of the reports.

    A feed that fails stops no other: the table says what each of them gave, and exit 1 that a blocking check failed.
    """
    from distill_platform.cli.progress import Bars
    from distill_platform.feeds.pipeline import run_all
    from distill_platform.feeds.stage import open_feeds

    refuse_reversed(first, last)
    days = [day.isoformat() for day in days_between(date.fromisoformat(first), date.fromisoformat(last))]
    with Bars(err()) as bars, open_feeds(_configured(config, feeds, lake), now=_now, progress=bars.show) as opened:
        run_all(opened, days, f"{_now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}")
        counts = {name: _counts(opened.lake, name, days) for name in ("market_bars", "raw_events", "events")}
        health = _health(opened.lake, days[-1:])
    if as_json:
        print_json({"days": days, "counts": counts, "health": health})
    else:
        for name, told in counts.items():
            kept = f"{told['rows_out']:,} rows over {len(days):,} days, {told['quarantined']:,} kept apart"
            out().print(Text(f"{name}: {kept}"))
        _print_health(health)


@app.command("health")
def health(
    first: FirstOption,
    last: LastOption,
    page: Annotated[Path | None, typer.Option("--page", metavar="FILE", help="Write it as an HTML page, too.")] = None,
    feeds: FeedsOption = None,
    lake: LakeOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how every feed did on some days: attempts, failures, latency, lag, and what it owes."""
    from distill_platform.store.lake import Lake

    refuse_reversed(first, last)
    configured = _configured(config, feeds, lake)
    days = [day.isoformat() for day in days_between(date.fromisoformat(first), date.fromisoformat(last))]
    opened = Lake(configured.lake)
    rows = _health(opened, days)
    if page is not None:
        page.write_text(_page(opened, days), encoding="utf-8")
    if as_json:
        print_json({"health": rows})
    else:
        _print_health(rows)
        if page is not None:
            out().print(Text(f"page: {short(page)}"))


def _configured(config: Path | None, feeds: Path | None, lake: Path | None) -> FeedsConfiguration:
    from distill_platform.feeds.configuration import FeedsOverrides, load_feeds_configuration

    return load_feeds_configuration(find_config(config), FeedsOverrides(feeds, lake))


def _now() -> datetime:
    return datetime.now(UTC)


def _counts(lake: Any, dataset: str, days: Sequence[str]) -> dict[str, int]:
    manifests = [lake.inspect(dataset, day).manifest for day in days]
    return {
        "rows_out": sum(manifest.counts.rows_out for manifest in manifests),
        "quarantined": sum(sum(manifest.counts.quarantined.values()) for manifest in manifests),
    }


def _health(lake: Any, days: Sequence[str]) -> list[dict[str, Any]]:
    from distill_platform.store.lake.tables import rows_of

    rows = []
    for day in days:
        found = lake.inspect("source_health", day)
        owed = rows_of(found, "breaches")
        for row in rows_of(found, "health"):
            breaches = [each["breach"] for each in owed if each["source"] == row["source"]]
            rows.append({"day": day, **row, "breaches": breaches})
    return rows


def _page(lake: Any, days: Sequence[str]) -> str:
    from distill_platform.feeds.health_page import HealthDay, health_page
    from distill_platform.feeds.schemas import BREACHES, HEALTH

    found = []
    for day in days:
        opened = lake.inspect("source_health", day)
        health, breaches = (opened.read(name) for name in ("health", "breaches"))
        found.append(
            HealthDay(
                date.fromisoformat(day),
                HEALTH.empty_table() if health is None else health,
                BREACHES.empty_table() if breaches is None else breaches,
            )
        )
    return health_page(found)


def _print_health(rows: Sequence[Mapping[str, Any]]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("day", "source", "attempts", "success", "failures", "empty", "lag p95", "breaker", "owes"):
        table.add_column(name, overflow="fold", justify="left" if name in ("day", "source", "owes") else "right")
    for row in rows:
        rate, lag = row["success_rate"], row["lag_p95_s"]
        table.add_row(
            row["day"],
            plain(row["source"]),
            f"{row['attempts']:,}",
            "-" if rate is None else f"{rate:.1%}",
            f"{row['failures']:,}",
            f"{row['empty']:,}",
            "-" if lag is None else f"{lag:,.0f} s",
            row["breaker"],
            plain(" ".join(row["breaches"])) or "nothing",
        )
    out().print(table)
