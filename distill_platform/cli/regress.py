"""`distill policy regress`: does a policy still tell good runs from bad ones, on runs of which it is known?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from distill_platform.cli.console import ExitCode, JsonOption, err, out, plain, print_json, tick
from distill_platform.cli.progress import Bars
from distill_platform.core.errors import MetricsError

if TYPE_CHECKING:
    from distill_platform.evaluation.regression.verdicts import Regression, TruthSummary

EXIT_CODES = (
    "Exit codes: 0 every truth is told, 1 the policy lets one through or stops a good one, 2 bad usage or input."
)
_MOST_REASONS = 3
_LARGEST_SEED = 2**32 - 1


def regress(
    world: Annotated[Path, typer.Argument(metavar="WORLD.YAML", help="The policy file.")],
    seed: Annotated[
        int, typer.Option("--seed", min=0, max=_LARGEST_SEED, help="Same seed, same runs, to the bit.")
    ] = 7,
    runs: Annotated[int, typer.Option("--runs", min=1, max=1000, help="How many runs of each truth.")] = 5,
    to: Annotated[
        Path | None,
        typer.Option("--out", metavar="METRICS.JSONL", help="Also write the runs, for `policy evaluate` and `diff`."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Judge simulated runs of known truth: good ones must get through, and what is worth nothing must not."""
    from distill_platform.evaluation.regression.regression_set import STAGE, as_jsonl, regression_set
    from distill_platform.evaluation.regression.verdicts import judge_regression
    from distill_platform.policy.world import load_world

    policy = load_world(world)
    policy.rules(STAGE)
    with Bars(err()) as bars:
        lines = regression_set(policy, seed, runs, bars.show)
    if to is not None:
        _write(to, as_jsonl(lines))
    found = judge_regression(policy, lines)
    if as_json:
        print_json({"seed": seed, "runs_per_truth": runs, **found.to_dict()})
    else:
        _print(found)
    if not found.holds:
        raise typer.Exit(ExitCode.REFUSED)


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise MetricsError(f"cannot be written: {error.strerror}", file=str(path)) from None


def _print(found: Regression) -> None:
    console = out()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("", "truth", "must be", "was", "gate"):
        table.add_column(name, no_wrap=name == "truth")
    for summary in found.truths:
        table.add_row(tick(console, summary.holds), summary.truth, *map(plain, _row(summary)))
    console.print(table)
    for summary in found.truths:
        console.print(Text(plain(f"{summary.truth}: {_why(summary)}")))
    for problem in found.problems:
        console.print(Text(plain(problem), style="bold red"))
    world = f"{found.world.world_id} version {found.world.version}"
    told = f"{world} tells {sum(one.holds for one in found.truths)} of {len(found.truths)} truths"
    console.print(Text(told, style="green" if found.holds else "bold red"))


def _row(summary: TruthSummary) -> tuple[str, str, str]:
    return (
        " or ".join(summary.wanted),
        _counted([run.outcome for run in summary.runs]),
        _counted([run.gate or "all open" for run in summary.runs]),
    )


def _why(summary: TruthSummary) -> str:
    reasons = summary.reasons_of(summary.runs)
    more = f" and {len(reasons) - _MOST_REASONS} more" if len(reasons) > _MOST_REASONS else ""
    return "; ".join(reasons[:_MOST_REASONS]) + more if reasons else "nothing speaks against any of them"


def _counted(words: list[str]) -> str:
    return ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
