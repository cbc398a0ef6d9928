"""`distill run`: traces in, corpora out."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from distill_platform.cli.closing import show_run
from distill_platform.cli.console import ExitCode, JsonOption, code_for, err, say
from distill_platform.cli.days import day_option, refuse_reversed
from distill_platform.cli.places import ConfigOption, DataOption, EvalSetsOption, LakeOption, Places, SourcesOption
from distill_platform.core.errors import DistillError, SourceError
from distill_platform.core.utc import days_between

if TYPE_CHECKING:
    from distill_platform.refinery.settings import Settings
    from distill_platform.refinery.stage import Refinery

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def _run_id(value: str | None) -> str | None:
    if value is not None and not _RUN_ID.fullmatch(value):
        raise typer.BadParameter("use letters, digits, '.', '_' and '-', at most 100, a letter or digit first")
    return value


def run(
    first: Annotated[str | None, day_option("--from", "First day (UTC), like 2026-04-20.")] = None,
    last: Annotated[str | None, day_option("--to", "Last day, included.")] = None,
    config: ConfigOption = None,
    sources: SourcesOption = None,
    data: DataOption = None,
    lake: LakeOption = None,
    eval_sets: EvalSetsOption = None,
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", min=1, max=256, help="Processes; the result is the same.")
    ] = None,
    run_id: Annotated[
        str | None,
        typer.Option("--run-id", callback=_run_id, help="Name of the run. Default: the time and a random end."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Turn traces into corpora, with every gate on, and show what came of each row.

    Without --from and --to, all days on which the source files hold rows.
    """
    refuse_reversed(first, last)
    places = Places(config, sources, data, lake, eval_sets)
    settings = _with_workers(places.settings(), workers)
    now = datetime.now(UTC)
    name = run_id or f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    refused = _run_days(settings, now, name, first, last)
    passed = show_run(places, settings.lake, name, refused, as_json=as_json)
    if refused is not None:
        say(refused)
    if not passed:
        raise typer.Exit(code_for(refused) if refused is not None else ExitCode.REFUSED)


def _with_workers(settings: Settings, workers: int | None) -> Settings:
    if workers is None:
        return settings
    return replace(settings, config=settings.config.model_copy(update={"workers": workers}))


def _run_days(settings: Settings, now: datetime, name: str, first: str | None, last: str | None) -> DistillError | None:
    """Run the pipeline; return the error that ended it after at least one stage had left its receipts."""
    from distill_platform.cli.progress import Bars
    from distill_platform.refinery.pipeline import run_all
    from distill_platform.refinery.stage import open_refinery
    from distill_platform.store.receipts import run_folder

    with Bars(err()) as bars, open_refinery(settings, now=now, progress=bars.show) as refinery:
        days = _days(refinery, first, last)
        try:
            run_all(refinery, days, name)
        except DistillError as error:
            if not run_folder(refinery.lake, name).exists():
                raise
            return error
    return None


def _days(refinery: Refinery, first: str | None, last: str | None) -> list[str]:
    """Return the days to run: all between two given ones, else those of the sources within what is given."""
    if first and last:
        return [day.isoformat() for day in days_between(date.fromisoformat(first), date.fromisoformat(last))]
    from distill_platform.refinery.days import span_of_days

    days = [day for day in span_of_days(refinery) if (first or "") <= day <= (last or "9999")]
    if not days:
        hint = "Check the declarations with `distill sources check`, or name the days with --from and --to"
        raise SourceError(f"no row in {refinery.settings.data} has a time stamp in these days", hint=hint)
    return days
