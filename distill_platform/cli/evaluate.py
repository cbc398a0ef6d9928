"""`distill evaluate`: run bundles in, verdicts and reports out."""

from __future__ import annotations

import secrets
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

from distill_platform.cli.bundles import InboxOption, WorldsOption
from distill_platform.cli.console import JsonOption, err, out, print_json
from distill_platform.cli.days import day_option, refuse_reversed
from distill_platform.cli.places import ConfigOption, LakeOption, find_config
from distill_platform.cli.verdicts import as_document, print_verdicts
from distill_platform.core.utc import days_between

if TYPE_CHECKING:
    from distill_platform.evaluation.stage import Evaluation


def evaluate(
    first: Annotated[str | None, day_option("--from", "First day (UTC) of arrival, like 2026-04-20.")] = None,
    last: Annotated[str | None, day_option("--to", "Last day of arrival, included.")] = None,
    inbox: InboxOption = None,
    worlds: WorldsOption = None,
    lake: LakeOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take in what lies in the inbox and judge it; without --from and --to, whatever was not judged as it stands now.

    A run that fails is an answer, not an error: the command says no only when the platform's own checks do not hold.
    """
    from distill_platform.cli.progress import Bars
    from distill_platform.evaluation.overview import known_days, overview
    from distill_platform.evaluation.settings import EvaluationOverrides, load_evaluation_settings
    from distill_platform.evaluation.stage import open_evaluation

    refuse_reversed(first, last)
    settings = load_evaluation_settings(find_config(config), EvaluationOverrides(worlds, inbox, lake))
    with Bars(err()) as bars, open_evaluation(settings, now=_now, progress=bars.show) as evaluation:
        days = _evaluated(evaluation, first, last)
        found = overview(evaluation, days or known_days(evaluation))
    if as_json:
        print_json({"days": days, **as_document(found)})
    else:
        if not days:
            out().print("Nothing waits to be judged; this is what stands.")
        print_verdicts(out(), found)


def _now() -> datetime:
    return datetime.now(UTC)


def _evaluated(evaluation: Evaluation, first: str | None, last: str | None) -> list[str]:
    """Return the days that were evaluated: those named, or all that wait."""
    from distill_platform.evaluation.pipeline import run_all, waiting_days
    from distill_platform.evaluation.stages.arrivals import receive

    name = f"{evaluation.now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    if first and last:
        days = [day.isoformat() for day in days_between(date.fromisoformat(first), date.fromisoformat(last))]
        run_all(evaluation, days, name)
        return days
    waiting = waiting_days(evaluation, receive(evaluation))
    days = [day for day in waiting if (first or "") <= day <= (last or "9999")]
    if days:
        run_all(evaluation, days, name)
    return days
