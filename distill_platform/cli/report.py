"""`distill report`: the report on one run."""

from __future__ import annotations

from re import fullmatch
from typing import Annotated

import typer

from distill_platform.cli.console import JsonOption, out, print_json
from distill_platform.cli.places import ConfigOption, LakeOption, Places, short
from distill_platform.core.errors import MissingDataset


def report(
    run_id: Annotated[str, typer.Argument(metavar="RUN_ID", help="The run, as its manifest names it.")],
    lake: LakeOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show why a run was refused, or how far it may go; the page with the plots lies beside it."""
    from distill_platform.core import canon
    from distill_platform.evaluation.stages.reporting import report_folder
    from distill_platform.strategies.bundles.manifest import IDENTIFIER

    folder = report_folder(Places(config=config, lake=lake).lake_root(), run_id)
    if not fullmatch(IDENTIFIER, run_id) or not (folder / "evaluation_report.md").is_file():
        hint = "Hand it in with `distill submit`, then run `distill evaluate`"
        raise MissingDataset(f"there is no report on a run {run_id!r}", hint=hint)
    if as_json:
        print_json(canon.parse((folder / "evaluation_report.json").read_bytes()))
        return
    out().print((folder / "evaluation_report.md").read_text(), markup=False, highlight=False, soft_wrap=True)
    out().print(f"Page: {short(folder / 'evaluation_report.html')}", markup=False, highlight=False, soft_wrap=True)
