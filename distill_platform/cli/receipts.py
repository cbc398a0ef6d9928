"""`distill receipts`: what a run came to, told again from its receipts."""

from __future__ import annotations

from typing import Annotated

import typer

from distill_platform.cli.closing import show_run
from distill_platform.cli.console import ExitCode, JsonOption
from distill_platform.cli.places import ConfigOption, LakeOption, Places
from distill_platform.core.errors import MissingDataset


def receipts(
    run_id: Annotated[str | None, typer.Option("--run-id", help="Which run. Default: the latest.")] = None,
    config: ConfigOption = None,
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a run's table again: what came of each row, which checks failed, where things lie, what drifted."""
    from distill_platform.store.lake import Lake
    from distill_platform.store.receipts import run_ids

    places = Places(config=config, lake=lake)
    root = places.lake_root()
    known = run_ids(Lake(root))
    if not known:
        raise MissingDataset(f"no run has left receipts in {root}", hint="Start one with `distill run` or `make run`")
    if run_id is not None and run_id not in known:
        raise MissingDataset(f"there is no run {run_id!r} in {root}", hint=f"The latest are {', '.join(known[:3])}")
    if not show_run(places, root, run_id or known[0], as_json=as_json):
        raise typer.Exit(ExitCode.REFUSED)
