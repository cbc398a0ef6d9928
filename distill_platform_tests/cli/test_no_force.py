"""A forced apply goes around everything: not here. No command has a switch that lets a run through, and no world."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from distill_platform.cli import app
from distill_platform.core.errors import ConfigError
from distill_platform.policy.world import load_world

WORLD = Path(__file__).parents[2] / "config/worlds/us_equity_daily.yaml"
SWITCHES = ("force", "yes", "override", "skip", "ignore", "allow", "no-verify")


def commands(group: typer.Typer) -> Iterator[tuple[str, object]]:
    """Every command by its whole name, with what it takes."""
    found = typer.main.get_command(group)
    waiting = [(found.name or "", found)]
    while waiting:
        name, command = waiting.pop()
        yield name, command
        waiting += [(f"{name} {inner}", one) for inner, one in getattr(command, "commands", {}).items()]


def test_forced_apply_goes_around_everything() -> None:
    seen = dict(commands(app))
    assert {"distill evaluate", "distill policy evaluate", "distill ledger verify"} <= seen.keys()
    for name, command in seen.items():
        options = [option for parameter in command.params for option in parameter.opts]  # type: ignore[attr-defined]
        assert not [option for option in options if option.lstrip("-").startswith(SWITCHES)], name


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "stage4_paper_forward: {governance: manual_approval}",
            "stage4_paper_forward: {blocking: [wf.oos_sum_pnl > 0]}",
        ),
        ("stage5_pilot: {governance: two_key}", "stage5_pilot: {governance: manual_approval}"),
        ("keys: 2", "keys: 1"),
    ],
)
def test_no_world_opens_a_person_s_gate_by_itself(tmp_path: Path, before: str, after: str) -> None:
    text = WORLD.read_text()
    assert before in text
    (tmp_path / "world.yaml").write_text(text.replace(before, after))
    with pytest.raises(ConfigError):
        load_world(tmp_path / "world.yaml")
