"""The terminal: the `distill` command. Only this room knows Typer and rich; it holds no domain logic."""

from __future__ import annotations

from typing import Annotated

import typer

from distill_platform import __version__
from distill_platform.cli import (
    backtest,
    bundles,
    evaluate,
    export,
    feeds,
    ledger,
    models,
    policy,
    receipts,
    regress,
    report,
    review,
    run,
    sources,
    trace,
)
from distill_platform.cli.console import Door, prepare_streams

__all__ = ["app", "main"]

app = typer.Typer(
    name="distill",
    cls=Door,
    help="Traces in, corpora that can be trusted out; runs in, verdicts; bars in, models that earn their promotion.",
    epilog="Exit codes: 0 done and everything held, 1 a check or gate said no, 2 bad usage or input.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("evaluate")(evaluate.evaluate)
app.command("report")(report.report)
app.command("receipts")(receipts.receipts)
app.command("trace")(trace.trace)
app.command("backtest")(backtest.backtest)
app.command("seal")(bundles.seal)
app.command("lint")(bundles.lint)
app.command("submit")(bundles.submit)
app.add_typer(sources.app, name="sources")
app.add_typer(export.app, name="export")
app.add_typer(ledger.app, name="ledger")
app.command("search")(models.search)
app.add_typer(feeds.app, name="feeds")
app.add_typer(models.app, name="models")
app.add_typer(review.app, name="review")
policy.app.command("regress", epilog=regress.EXIT_CODES)(regress.regress)
app.add_typer(policy.app, name="policy")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"distill {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an unexpected error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Traces in, corpora that can be trusted out; runs in, verdicts that can be trusted out."""


def main() -> None:
    """Run the command line."""
    prepare_streams()
    app(prog_name="distill")
