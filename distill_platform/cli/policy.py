"""`distill policy`: is a world's policy right, what does it say of runs, and what would another one change?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from distill_platform.cli.console import ExitCode, JsonOption, out, plain, print_json
from distill_platform.core.errors import ConfigError, MetricsError
from distill_platform.policy.words import Stage

if TYPE_CHECKING:
    from distill_platform.policy.diff import PolicyDiff, RunDifference
    from distill_platform.policy.dry_run import DryRun, JudgedRun
    from distill_platform.policy.ranking import MetricsLine
    from distill_platform.policy.world import World

app = typer.Typer(help="A world's policy: check it, try it on runs, compare two.", no_args_is_help=True)

WorldArgument = Annotated[Path, typer.Argument(metavar="WORLD.YAML", help="The policy file.")]
MetricsArgument = Annotated[
    Path, typer.Argument(metavar="METRICS.JSONL", help="Runs, one a line: strategy_id, run_id, metrics by group.")
]
StageOption = Annotated[Stage, typer.Option("--stage", help="Which profile judges: that of this stage.")]
_STYLES = {"pass": "green", "warn": "yellow", "fail": "bold red"}


@app.command("check")
def check(world: WorldArgument, as_json: JsonOption = False) -> None:
    """Load a policy and name the first mistake by file, line and column."""
    from distill_platform.policy.world import load_world

    found = load_world(world)
    if as_json:
        print_json(_about(found))
        return
    console = out()
    console.print(Text(f"{found.world_id} version {found.version}: every key, rule and expression is right", "green"))
    console.print(Text(f"ruleset hash {found.ruleset_hash}"))
    for stage, rules in _configured(found).items():
        console.print(Text(f"stage {stage}: {', '.join(rules) or 'no rule: every run fails'}"))


@app.command("evaluate", epilog="Exit codes: 0 no run failed, 1 at least one run failed, 2 bad usage or input.")
def evaluate(
    world: WorldArgument,
    metrics: MetricsArgument,
    stage: StageOption,
    context: Annotated[
        Path | None,
        typer.Option("--context", metavar="FILE", help="JSON: correlations {'a,b': x}, previous_selection [strategy]."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Judge runs by their metrics and select among them: a dry run, nothing is recorded."""
    from distill_platform.policy.dry_run import dry_run
    from distill_platform.policy.metrics_file import parse_context
    from distill_platform.policy.selecting import Context
    from distill_platform.policy.world import load_world

    policy = load_world(world)
    policy.rules(stage)
    given = parse_context(_bytes(context), str(context)) if context is not None else Context()
    answer = dry_run(policy, stage, _lines(metrics), given)
    if as_json:
        print_json(answer.to_dict())
    else:
        _print_runs(answer)
    if answer.failed:
        raise typer.Exit(ExitCode.REFUSED)


@app.command(
    "diff", epilog="Exit codes: 0 within the limit or no limit given, 1 above the limit, 2 bad usage or input."
)
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD.YAML", help="The policy as it is.")],
    new: Annotated[Path, typer.Argument(metavar="NEW.YAML", help="The policy as it would be.")],
    metrics: MetricsArgument,
    stage: StageOption = Stage.BACKTEST,
    max_impact: Annotated[
        float | None,
        typer.Option("--max-impact", min=0.0, max=1.0, help="Largest share of runs that may get another verdict."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Judge the same runs by two policies and show each run for which something changes."""
    from distill_platform.policy.diff import policy_diff
    from distill_platform.policy.world import load_world

    found = policy_diff(load_world(old), load_world(new), _lines(metrics), stage)
    if as_json:
        print_json(found.to_dict())
    else:
        _print_diff(found)
    if max_impact is not None and not found.impact <= max_impact:
        raise typer.Exit(ExitCode.REFUSED)


def _lines(path: Path) -> tuple[MetricsLine, ...]:
    from distill_platform.policy.metrics_file import read_metrics

    try:
        with path.open("rb") as stream:
            return read_metrics(stream, str(path))
    except OSError as error:
        raise MetricsError(f"cannot be read: {error.strerror}", file=str(path)) from None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise MetricsError(f"cannot be read: {error.strerror}", file=str(path)) from None


def _about(world: World) -> dict[str, Any]:
    return {
        "world_id": world.world_id,
        "policy_version": world.version,
        "ruleset_hash": world.ruleset_hash,
        "stages": _configured(world),
    }


def _configured(world: World) -> dict[str, list[str]]:
    """Return the configured rules of each stage that has a profile."""
    found = {}
    for stage in Stage:
        try:
            found[stage.value] = [rule.name for rule in world.rules(stage) if rule.configured]
        except ConfigError:
            continue
    return found


def _print_runs(answer: DryRun) -> None:
    console = out()
    table = _table("strategy", "run", "status", "recommended", "why")
    for run in answer.runs:
        status = run.summary.status
        table.add_row(
            plain(run.line.strategy_id), plain(run.line.run_id), Text(status, _STYLES[status]),
            run.summary.recommended_stage, plain(_why(run)),
        )  # fmt: skip
    console.print(table)
    chosen = ", ".join(map(plain, answer.selected)) or "none"
    console.print(Text(f"{len(answer.runs)} runs, {answer.failed} failed; selected: {chosen}"))


def _why(run: JudgedRun) -> str:
    return "; ".join(f"{result.rule}: {result.reason}" for result in run.results if result.status != "pass")


def _print_diff(found: PolicyDiff) -> None:
    console = out()
    table = _table("strategy", "run", "verdict", "what changes")
    for change in found.changes:
        table.add_row(plain(change.strategy_id), plain(change.run_id), _verdicts(change), plain(_what(change)))
    if found.changes:
        console.print(table)
    said = f"{found.changed_verdicts} of {found.runs} runs get another verdict: impact {found.impact:.4g}"
    console.print(Text(said, style="yellow" if found.changed_verdicts else "green"))


def _verdicts(change: RunDifference) -> str:
    old, new = (
        f"{verdict['status']}{', selected' if verdict['selected'] else ''}" for verdict in (change.old, change.new)
    )
    return f"{old} -> {new}" if change.verdict_changes else old


def _what(change: RunDifference) -> str:
    named = [*change.rules, *change.gates]
    sides = [(part.name, *(_short(side) for side in (part.old, part.new))) for part in named]
    return "; ".join(f"{name}: {old} -> {new}" if old != new else f"{name}: margins" for name, old, new in sides)


def _short(side: Any) -> str:
    return " ".join(str(side[name]) for name in ("status", "reason_code") if name in side) if side else "not there"


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name)
    return table
