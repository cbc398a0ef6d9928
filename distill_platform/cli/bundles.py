"""`distill seal`, `distill lint` and `distill submit`: a run, from a folder of files to the inbox."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from distill_platform.cli.console import ExitCode, JsonOption, out, plain, print_json
from distill_platform.cli.places import ConfigOption, find_config, short

if TYPE_CHECKING:
    from distill_platform.evaluation.readiness import Finding
    from distill_platform.policy.world import World
    from distill_platform.store.settings import Paths

BundleArgument = Annotated[
    Path, typer.Argument(metavar="BUNDLE", exists=True, file_okay=False, help="The folder with the run's files.")
]
InboxOption = Annotated[
    Path | None, typer.Option("--inbox", metavar="DIR", help="Where runs are handed in, instead of the settings'.")
]
WorldsOption = Annotated[
    Path | None, typer.Option("--worlds", metavar="DIR", help="World policies, instead of the settings'.")
]


def seal(bundle: BundleArgument, as_json: JsonOption = False) -> None:
    """Write COMPLETE into a bundle's folder, once everything in it would be taken: its files are final then."""
    from distill_platform.strategies.bundles.sealing import seal as seal_folder

    folder = bundle.absolute()
    sha256 = seal_folder(folder)
    if as_json:
        print_json({"folder": str(folder), "bundle_sha256": sha256})
    else:
        out().print(Text(f"sealed {plain(short(folder))} as {sha256}"))


def submit(
    bundle: BundleArgument, inbox: InboxOption = None, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Verify a sealed bundle and copy it into the inbox; the same bundle again changes nothing."""
    from distill_platform.evaluation.inbox import submit as submit_bundle

    target = inbox if inbox is not None else _in_project(config, _paths(config).inbox)
    folder = submit_bundle(bundle.absolute(), target.absolute(), datetime.now(UTC))
    if as_json:
        print_json({"run_id": folder.name, "folder": str(folder)})
    else:
        out().print(Text(f"{plain(folder.name)} lies in {plain(short(folder))}"))


def lint(
    bundle: BundleArgument, worlds: WorldsOption = None, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Say what a bundle lacks to be judged (errors) or to be worth judging (warnings), sealed or not."""
    from distill_platform.evaluation.readiness import Level, lint_folder

    folder = worlds if worlds is not None else _in_project(config, _paths(config).worlds)
    found = lint_folder(bundle.absolute(), _load_worlds(folder), datetime.now(UTC))
    ready = not any(finding.level is Level.ERROR for finding in found)
    if as_json:
        print_json({"bundle": str(bundle), "ready": ready, "findings": [_document(finding) for finding in found]})
    else:
        _print(out(), bundle, found, ready=ready)
    if not ready:
        raise typer.Exit(ExitCode.REFUSED)


def _paths(config: Path | None) -> Paths:
    from distill_platform.core.config import load_section
    from distill_platform.store.settings import Paths

    return load_section(find_config(config), "paths", Paths)


def _in_project(config: Path | None, place: str) -> Path:
    return find_config(config).resolve().parent.parent / place


def _load_worlds(folder: Path) -> dict[str, World]:
    from distill_platform.policy.world import load_world

    return {world.world_id: world for world in map(load_world, sorted(folder.glob("*.yaml")))}


def _document(finding: Finding) -> dict[str, str]:
    return {
        "code": finding.code,
        "level": str(finding.level),
        "message": finding.message,
        "quick_fix": finding.quick_fix,
    }


def _print(console: Console, bundle: Path, found: list[Finding], *, ready: bool) -> None:
    for finding in found:
        style = "bold red" if finding.level == "error" else "yellow"
        console.print(Text.assemble((f"{finding.level} ", style), plain(f"{finding.code}: {finding.message}")))
        console.print(Text(f"    {plain(finding.quick_fix)}"))
    warnings = sum(finding.level == "warning" for finding in found)
    said = f"{plain(short(bundle.absolute()))}: {len(found) - warnings} errors, {warnings} warnings"
    console.print(Text(f"{said}; {'ready to be judged' if ready else 'not ready to be judged'}", style="bold"))
