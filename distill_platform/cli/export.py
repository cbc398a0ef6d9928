"""`distill export verify`: may this release be trained on?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from distill_platform.cli.console import ExitCode, JsonOption, out, plain, print_json, tick
from distill_platform.cli.places import ConfigOption, LakeOption, Places, short
from distill_platform.core.errors import DistillError, MissingDataset

if TYPE_CHECKING:
    from distill_platform.store.lake import Check

app = typer.Typer(help="Releases: what leaves the platform.", no_args_is_help=True)


@app.callback()
def _export() -> None:
    """Releases: what leaves the platform."""


@app.command("verify")
def verify(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="A release. Default: all releases of the lake.")
    ] = None,
    config: ConfigOption = None,
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read releases again from end to end: every hash, type, id and verdict, whatever their maker believed."""
    folders = [folder] if folder is not None else _all(Places(config=config, lake=lake).lake_root())
    found = [_verified(release) for release in folders]
    if as_json:
        print_json({"releases": found, "passed": all(release["passed"] for release in found)})
    else:
        for release in found:
            _print(out(), release)
    if not all(release["passed"] for release in found):
        raise typer.Exit(ExitCode.REFUSED)


def _all(root: Path) -> list[Path]:
    from distill_platform.refinery.release import list_releases
    from distill_platform.store.lake import Lake

    folders = [release.folder for release in list_releases(Lake(root))]
    if not folders:
        raise MissingDataset(f"there is no release in {root}", hint="Make one with `distill run` or `make run`")
    return folders


def _verified(folder: Path) -> dict[str, Any]:
    """Return what was found of one release; a folder that cannot be read as one has not passed."""
    from distill_platform.refinery.release import inspect_release

    if not folder.is_dir():
        raise MissingDataset(f"there is no folder {folder}", hint="Leave it out to verify all releases of the lake")
    try:
        checks: list[Check] = inspect_release(folder)
    except DistillError as error:
        return {"folder": str(folder), "passed": False, "problem": str(error), "checks": []}
    passed = bool(checks) and all(check.passed for check in checks if check.blocking)
    return {"folder": str(folder), "passed": passed, "problem": "", "checks": [asdict(check) for check in checks]}


def _print(console: Console, release: dict[str, Any]) -> None:
    said = "may be trained on" if release["passed"] else "do not train on it"
    name = short(Path(release["folder"]).resolve())
    console.print(Text.assemble(tick(console, release["passed"]), " ", (name, "bold"), f": {said}"))
    if release["problem"]:
        console.print(Text(f"    {plain(release['problem'])}"))
    for check in release["checks"]:
        sample = f": {', '.join(check['sample'])}" if check["sample"] else ""
        line = f" {check['name']}: {check['observed']:g} {check['description']}{sample}"
        console.print(Text.assemble("  ", tick(console, check["passed"]), plain(line)))
