"""`distill models`: features, training and promotion of a week, and where the models of a line stand."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from distill_platform.cli.bundles import InboxOption, WorldsOption
from distill_platform.cli.console import JsonOption, err, out, plain, print_indented, print_json
from distill_platform.cli.days import day_option, refuse_reversed
from distill_platform.cli.places import ConfigOption, LakeOption, find_config, short
from distill_platform.core.utc import days_between, iso, parse_day

if TYPE_CHECKING:
    from distill_platform.models.registry import RegistryView
    from distill_platform.models.settings import ModelSettings
    from distill_platform.models.stage import Models
    from distill_platform.store.lake import Lake

_MOST_REASONS = 4
_INDEX = Path("reports") / "models" / "index.html"

app = typer.Typer(help="Features, training and promotion, and where models stand.", no_args_is_help=True)

LinesOption = Annotated[
    Path | None,
    typer.Option("--lines", metavar="DIR", help="Model lines, one YAML file each, not the settings'."),
]


def _week(value: str) -> str:
    try:
        day = parse_day(value)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if day.weekday() != 0:
        raise typer.BadParameter(f"{value} is no Monday; a week is named by its Monday")
    if (over := day + timedelta(days=7)) > _now().date():
        raise typer.BadParameter(f"the week of {value} is not over; it can be trained from {over} (UTC) on")
    return value


WeekArgument = Annotated[str, typer.Argument(metavar="WEEK", callback=_week, help="The Monday of the week (UTC).")]


@app.callback()
def _models() -> None:
    """Features, training and promotion, and where models stand."""


@app.command("features")
def features(
    first: Annotated[str, day_option("--from", "First day (UTC), like 2026-04-20.")],
    last: Annotated[str, day_option("--to", "Last day, included.")],
    lines: LinesOption = None,
    lake: LakeOption = None,
    config: ConfigOption = None,
) -> None:
    """Compute the features of some days, whose bars and events were collected before."""
    from distill_platform.models.pipeline import FEATURES

    refuse_reversed(first, last)
    days = [day.isoformat() for day in days_between(date.fromisoformat(first), date.fromisoformat(last))]
    _run(_settings(config, lines=lines, lake=lake), FEATURES, days)
    out().print(Text(f"features of {len(days):,} days are there"))


@app.command("train")
def train(
    week: WeekArgument,
    lines: LinesOption = None,
    worlds: WorldsOption = None,
    inbox: InboxOption = None,
    lake: LakeOption = None,
    config: ConfigOption = None,
) -> None:
    """Train, search and confirm the models of a week, and hand their runs in: `distill evaluate` judges them."""
    from distill_platform.models.pipeline import TRAINING

    def told(models: Models) -> tuple[int, list[dict[str, Any]]]:
        from distill_platform.store.lake.tables import rows_of

        runs = models.lake.inspect("model_runs", week)
        return runs.manifest.counts.rows_out, rows_of(runs, "refused")

    settings = _settings(config, lines=lines, worlds=worlds, inbox=inbox, lake=lake)
    handed_in, refused = _run(settings, TRAINING, [week], told)
    out().print(Text(f"{handed_in} runs are handed in; {len(refused)} lines were refused"))
    _print_refused(refused)
    if handed_in:
        out().print(Text(f"next: distill evaluate, then distill models promote {week}", style="dim"))


def search(
    week: WeekArgument,
    lines: LinesOption = None,
    worlds: WorldsOption = None,
    lake: LakeOption = None,
    config: ConfigOption = None,
) -> None:
    """Search the parameters of a week's trees, widely and then closely, in the search window alone; it can be resumed.

    The frame of the week must be there. Every trial counts in the number that a verdict on the winner has to know.
    """
    from distill_platform.models.pipeline import SEARCH

    def told(models: Models) -> list[str]:
        from distill_platform.store.lake.tables import rows_of

        found = models.lake.open("hpo_refinement", week)
        return [
            *(_handed(row) for row in rows_of(found, "handovers")),
            *(f"{row['line']}: {row['reason']}" for row in rows_of(found, "refused")),
        ]

    for line in _run(_settings(config, lines=lines, worlds=worlds, lake=lake), SEARCH, [week], told):
        out().print(Text(plain(line)))


def _handed(row: Mapping[str, Any]) -> str:
    from distill_platform.core.canon import parse

    finalists = len(parse(row["handover"].encode())["candidates"])
    found = f"{finalists} finalists" if finalists else "none of them ended within every limit: no finalist"
    return f"{row['line']}: {row['n_trials']} trials in all, {found}"


@app.command("promote")
def promote(
    week: WeekArgument,
    lines: LinesOption = None,
    worlds: WorldsOption = None,
    lake: LakeOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide who of a week's candidates has earned to be tried. Nobody is promoted: what is recommended is watched.

    That all candidates are refused is an answer, not an error.
    """
    from distill_platform.models.pipeline import PROMOTION

    settings = _settings(config, lines=lines, worlds=worlds, lake=lake)
    rows, refused = _run(settings, PROMOTION, [week], lambda models: _decisions(models.lake, week))
    if as_json:
        print_json({"week": week, "decisions": rows, "refused": refused})
    else:
        _print_decisions(rows, refused)
        out().print(Text(f"reports: {short(settings.lake / _INDEX)}"))


@app.command("show")
def show(
    lines: LinesOption = None, lake: LakeOption = None, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Show the latest decisions on every line's candidates, and where its models stand: who serves, and who waits."""
    from distill_platform.models.registry import registry_view
    from distill_platform.store.lake import Lake
    from distill_platform.store.ledger import open_ledger

    settings = _settings(config, lines=lines, lake=lake)
    place, opened = settings.ledger, Lake(settings.lake)
    with open_ledger(place.url, clock=_now, anchors=place.anchors) as ledger:
        rows = [row for name in settings.lines.known for row in _standings(registry_view(ledger, name))]
    weeks = opened.partitions("promotion_report")
    decisions, refused = _decisions(opened, weeks[-1]) if weeks else ([], [])
    if as_json:
        latest = {"week": weeks[-1] if weeks else None, "decisions": decisions, "refused": refused}
        print_json({"models": rows, "latest": latest, "broken": dict(settings.lines.broken)})
        return
    if weeks:
        out().print(Text(f"week of {weeks[-1]}", style="bold"))
        _print_decisions(decisions, refused)
        out().print(Text(f"reports: {short(settings.lake / _INDEX)}"))
    _print_standings(rows)
    for file, reason in settings.lines.broken.items():
        out().print(Text(f"{file}: {plain(reason)}", style="yellow"))


@app.command("rotate-key")
def rotate_key(
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="Why; it stands beside the key in the list.")],
    config: ConfigOption = None,
) -> None:
    """Sign models with a new key from now on. What the old one signed is read until it is revoked."""
    from distill_platform.models.artifacts.signing import TRUST_FILE, rotate_key as rotate

    folder = _settings(config).keys
    keys = rotate(folder, note=note)
    out().print(Text(f"models are signed by key {keys.signing.key_id} from now on"))
    out().print(Text(f"{len(keys.trusted.keys)} keys stand in {short(folder / TRUST_FILE)}", style="dim"))


def _standings(view: RegistryView) -> list[dict[str, Any]]:
    return [
        {
            "line": view.line,
            "name": stands.artifact.name,
            "version": stands.artifact.version,
            "state": stands.state.value,
            "share": stands.share,
            "since": iso(stands.since),
            "artifact_sha256": stands.artifact.artifact_sha256,
        }
        for stands in view.standings.values()
    ]


def _print_standings(rows: Sequence[dict[str, Any]]) -> None:
    """Print who stands anywhere but among those that were merely registered; these are counted."""
    shown = [row for row in rows if row["state"] != "registered"]
    for row in shown:
        who = (f"{plain(row['line'])}  {plain(row['name'])}  ", "bold")
        serves = f", serves {row['share']:.0%}" if row["share"] else ""
        out().print(Text.assemble(who, f"{row['state']}{serves}"))
        print_indented(out(), f"{row['version']}, since {row['since']}")
    if not rows:
        out().print(Text("no model was trained yet"))
    if len(rows) > len(shown):
        out().print(Text(f"and {len(rows) - len(shown)} that are registered, parts of candidates and those not tried"))


def _settings(config: Path | None, **given: Path | None) -> ModelSettings:
    from distill_platform.models.settings import ModelOverrides, load_model_settings

    named = {"models": given.get("lines"), **{name: path for name, path in given.items() if name != "lines"}}
    return load_model_settings(find_config(config), ModelOverrides(**named))


def _now() -> datetime:
    return datetime.now(UTC)


def _run(
    settings: ModelSettings,
    stages: Sequence[Any],
    partitions: Sequence[str],
    told: Callable[[Models], Any] = lambda _models: None,
) -> Any:
    """Return what is to be told after running some stages; the model room is imported when it is needed."""
    from distill_platform.cli.progress import Bars
    from distill_platform.models.pipeline import run_stages
    from distill_platform.models.stage import open_models

    name = f"{_now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    with Bars(err()) as bars, open_models(settings, now=_now, progress=bars.show) as models:
        run_stages(models, stages, partitions, name)
        return told(models)


def _decisions(lake: Lake, week: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    from distill_platform.core.canon import parse
    from distill_platform.store.lake.tables import rows_of

    found = lake.inspect("promotion_report", week)
    rows = [{**row, "reasons": parse(row["reasons"].encode())} for row in rows_of(found, "decisions")]
    return rows, rows_of(found, "refused")


def _print_decisions(rows: Sequence[Any], refused: Sequence[Any]) -> None:
    """Print each candidate with the first of what stands against it; its page has all of it."""
    for row in rows:
        style = "green" if row["status"] == "recommended" else "red"
        who = (f"{plain(row['line'])}  {plain(row['name'])}  ", "bold")
        out().print(Text.assemble(who, (row["status"], style), f"  world: {row['verdict'] or 'not judged'}"))
        against = [reason["sentence"] for reason in row["reasons"]]
        more = [f"and {len(against) - _MOST_REASONS} more"] if len(against) > _MOST_REASONS else []
        lenient = [f"its line asks less than usual: {plain(each)}" for each in row["asks_less"]]
        for told in [*(against[:_MOST_REASONS] or ["nothing speaks against it"]), *more, *lenient]:
            print_indented(out(), told)
    _print_refused(refused)


def _print_refused(refused: Sequence[Any]) -> None:
    for failure in refused:
        out().print(Text(f"{failure['line']}: {plain(failure['reason'])}", style="yellow"))
