"""`distill backtest`: strategies on market data, into sealed run bundles."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from distill_platform.cli.bundles import InboxOption, WorldsOption
from distill_platform.cli.console import JsonOption, out, plain, print_json
from distill_platform.cli.places import ConfigOption, find_config, short
from distill_platform.core.errors import ConfigError
from distill_platform.core.utc import iso, parse_day
from distill_platform.strategies.words import Ablate, DataRegime, RunSource, ScoreSource

if TYPE_CHECKING:
    from distill_platform.policy.world import World
    from distill_platform.store.settings import Paths
    from distill_platform.strategies.engine.costs import CostProfile
    from distill_platform.strategies.market.market import Market
    from distill_platform.strategies.runs import Run, Trial
    from distill_platform.strategies.terms import Terms

_NUMBERS = ("days", "trades", "gross", "net")
_CAUTION = "Gross and net are annual Sharpe ratios by the runs' own accounting, not a verdict"


def _day(value: str | None) -> str | None:
    if value is not None:
        try:
            parse_day(value)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
    return value


def _identifier(value: str | None) -> str | None:
    from pydantic import TypeAdapter, ValidationError

    from distill_platform.strategies.bundles.manifest import Identifier

    try:
        return None if value is None else str(TypeAdapter(Identifier).validate_python(value))
    except ValidationError:
        raise typer.BadParameter(
            "use letters, digits and . _ : @ + = -, at most 128, a letter or digit first"
        ) from None


def _bps(what: str) -> Any:
    return typer.Option(what, metavar="BPS", min=0.0, help="Instead of the world's; the run is sealed with it.")


def backtest(
    graphs: Annotated[list[Path], typer.Argument(metavar="GRAPH.YAML...", help="The strategies; each is a trial.")],
    data: Annotated[str, typer.Option("--data", metavar="PRESET|FILE", help="A data preset, or a file of bars.")],
    world: Annotated[
        str | None,
        typer.Option("--world", metavar="WORLD", help="Whose costs are paid. Default: the one that has the preset."),
    ] = None,
    first: Annotated[
        str | None, typer.Option("--start", metavar="DAY", callback=_day, help="First day (UTC), like 2020-01-01.")
    ] = None,
    last: Annotated[str | None, typer.Option("--end", metavar="DAY", callback=_day, help="Last day, included.")] = None,
    ablate: Annotated[
        Ablate, typer.Option("--ablate", help="Also run each strategy without its parts; every variant is a trial.")
    ] = Ablate.NONE,
    fee_bps: Annotated[float | None, _bps("--fee-bps")] = None,
    slippage_bps: Annotated[float | None, _bps("--slippage-bps")] = None,
    funding_bps_daily: Annotated[float | None, _bps("--funding-bps-daily")] = None,
    max_participation: Annotated[
        float | None,
        typer.Option("--max-participation", metavar="SHARE", help="Most of a bar's volume that an order may take."),
    ] = None,
    rebalance_band: Annotated[
        float, typer.Option("--rebalance-band", metavar="SHARE", help="Of equity; smaller drifts are not traded.")
    ] = 0.0,
    cohort: Annotated[
        str | None, typer.Option("--cohort", callback=_identifier, help="Which runs these compete with.")
    ] = None,
    campaign: Annotated[
        str | None, typer.Option("--campaign", callback=_identifier, help="Which search these are part of.")
    ] = None,
    run_source: Annotated[RunSource, typer.Option("--run-source", help="Who runs them.")] = RunSource.PROD,
    score_source: Annotated[
        ScoreSource, typer.Option("--score-source", help="What their scores come from.")
    ] = ScoreSource.HEURISTIC,
    data_regime: Annotated[
        DataRegime, typer.Option("--data-regime", help="What kind of data they see.")
    ] = DataRegime.MAINTENANCE_REPLAY,
    inbox: InboxOption = None,
    worlds: WorldsOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run strategies on market data and hand the runs in, sealed.

    All strategies of one call, and their variants, are one cohort, and each says how many were tried. The same call
    makes the same runs: what the inbox already has is left as it is.
    """
    from distill_platform.store.code import code_version, git_sha
    from distill_platform.strategies.graph import load_graph
    from distill_platform.strategies.runs import cohort_of, trials_of
    from distill_platform.strategies.terms import Terms

    if first and last and first > last:
        raise typer.BadParameter(f"--start {first} is after --end {last}")
    trials = trials_of([load_graph(path) for path in graphs], ablate)
    market = _market(data).between(*(date.fromisoformat(day) if day else None for day in (first, last)))
    policy = _world(world, market.preset, worlds or _in_project(config, "worlds"))
    own = {"fee_bps": fee_bps, "slippage_bps": slippage_bps, "funding_bps_daily": funding_bps_daily}
    name = cohort or cohort_of(trials, market)
    terms = Terms(
        world_id=policy.world_id,
        cohort_id=name,
        campaign_id=campaign or name,
        costs=_costs(policy, own),
        run_source=run_source,
        score_source=score_source,
        data_regime=data_regime,
        code_version=code_version("core", "stats", "strategies"),
        commit_sha=git_sha(),
        max_participation=math.inf if max_participation is None else max_participation,
        rebalance_band=rebalance_band,
    )
    rows = _hand_in(trials, market, terms, (inbox or _in_project(config, "inbox")).absolute())
    if as_json:
        print_json(_document(market, terms, rows))
    else:
        _print_runs(market, terms, rows)


def _market(data: str) -> Market:
    """Return the market of a file of bars, or of the preset of that name."""
    from distill_platform.strategies.market.files import is_market_file, read_market
    from distill_platform.strategies.market.presets import load_preset

    path = Path(data)
    return read_market(path) if is_market_file(path) or path.exists() else load_preset(data)


def _in_project(config: Path | None, place: str) -> Path:
    """Return a folder of the platform's settings."""
    from distill_platform.core.config import load_section
    from distill_platform.store.settings import Paths as PathSettings

    file = find_config(config)
    paths: Paths = load_section(file, "paths", PathSettings)
    return file.resolve().parent.parent / str(getattr(paths, place))


def _world(named: str | None, preset: str, folder: Path) -> World:
    """Return the world of that name or file, or else the only one whose data presets include this one."""
    from distill_platform.core.config import nearest
    from distill_platform.policy.world import load_world

    if named is not None and Path(named).suffix in (".yaml", ".yml"):
        return load_world(Path(named))
    known = {world.world_id: world for world in map(load_world, sorted(folder.glob("*.yaml")))}
    if named is not None:
        if named not in known:
            raise ConfigError(f"there is no world {named!r} in {folder}", hint=nearest(named, list(known)))
        return known[named]
    fitting = [world for world in known.values() if preset in {declared.id for declared in world.data.presets}]
    if len(fitting) != 1:
        hint = f"Name one with --world; there are {', '.join(sorted(known)) or 'none'}"
        raise ConfigError(f"{len(fitting)} worlds in {folder} have the data preset {preset!r}", hint=hint)
    return fitting[0]


def _costs(world: World, own: Mapping[str, float | None]) -> CostProfile:
    """Return the world's costs, those given on the command line in their place."""
    from distill_platform.strategies.engine.costs import CostProfile

    if world.costs is None and (own["fee_bps"] is None or own["slippage_bps"] is None):
        hint = "Give --fee-bps and --slippage-bps, or declare `costs` in the world"
        raise ConfigError(f"world {world.world_id} declares no costs, and trading is not free", hint=hint)
    declared = {} if world.costs is None else world.costs.model_dump()
    return CostProfile(**declared | {name: bps for name, bps in own.items() if bps is not None})


def _hand_in(trials: Sequence[Trial], market: Market, terms: Terms, inbox: Path) -> list[dict[str, Any]]:
    """Write the bundle of every trial that the inbox does not have; return what to show of each."""
    from distill_platform.strategies.bundles.sealing import write_bundle
    from distill_platform.strategies.runs import make_run

    rows = []
    for trial in trials:
        run = make_run(trial, trials, market, terms)
        folder = inbox / run.manifest.run_id
        is_new = not folder.exists()
        if is_new:
            write_bundle(inbox, run.manifest, run.result.tables())
        rows.append(_row(run, folder, is_new=is_new))
    return rows


def _row(run: Run, folder: Path, *, is_new: bool) -> dict[str, Any]:
    return {
        "strategy": run.trial.name,
        "run_id": run.manifest.run_id,
        "days": len(run.result.daily),
        "trades": len(run.result.trades),
        "gross_sharpe": _number(run.result.sharpe("ret_gross")),
        "net_sharpe": _number(run.result.sharpe("ret_net")),
        "folder": str(folder),
        "new": is_new,
    }


def _number(ratio: float) -> float | None:
    return ratio if math.isfinite(ratio) else None


def _document(market: Market, terms: Terms, rows: list[dict[str, Any]]) -> dict[str, Any]:
    seen = {"preset": market.preset, "fingerprint": market.fingerprint, "symbols": len(market.bars.symbols)}
    window = {"start": iso(market.start), "end": iso(market.end)}
    whom = {"world_id": terms.world_id, "cohort_id": terms.cohort_id, "campaign_id": terms.campaign_id}
    return {**whom, "data": {**seen, **window}, "declared_trials": len(rows), "caution": _CAUTION, "runs": rows}


def _print_runs(market: Market, terms: Terms, rows: list[dict[str, Any]]) -> None:
    console = out()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("strategy", overflow="fold")
    for name in _NUMBERS:
        table.add_column(name, no_wrap=True, justify="right")
    table.add_column("run", overflow="fold")
    for row in rows:
        ratios = ("-" if row[name] is None else f"{row[name]:.2f}" for name in ("gross_sharpe", "net_sharpe"))
        run_id = row["run_id"] if row["new"] else f"{row['run_id']} (was there)"
        table.add_row(plain(row["strategy"]), f"{row['days']:,}", f"{row['trades']:,}", *ratios, run_id)
    costs = terms.costs
    said = f"{plain(market.preset)}, {len(market.bars.symbols)} symbols, {iso(market.start)} to {iso(market.end)}"
    paid = (
        f"fee {costs.fee_bps:g} bps, slippage {costs.slippage_bps:g} bps, funding {costs.funding_bps_daily:g} bps a day"
    )
    console.print(Text(said, style="bold"))
    console.print(Text(f"world {terms.world_id}: {paid}"))
    console.print(table)
    console.print(Text(f"{_CAUTION}.", style="yellow"))
    fresh = sum(row["new"] for row in rows)
    console.print(Text(f"cohort {terms.cohort_id}: {len(rows)} trials, {fresh} handed in at {_inbox(rows)}"))


def _inbox(rows: Sequence[Mapping[str, Any]]) -> str:
    return plain(short(Path(rows[0]["folder"]).parent))
