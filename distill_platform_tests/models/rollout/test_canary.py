"""The canary: the same units everywhere, as many as were promised, and none that leaves while it grows."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from distill_platform.core.errors import SaltChanged
from distill_platform.models.registry import registry_view
from distill_platform.models.rollout.canary import (
    assigned,
    place_of,
    salt_of,
    serving_salt,
    unit_of,
)
from distill_platform.models.rollout.settings import RolloutSettings
from distill_platform.store.ledger import Ledger
from distill_platform_tests.models.made_models import LINE
from distill_platform_tests.models.rollout.made_rollouts import NEW, SETTINGS, with_line

UNITS = [unit_of(symbol, hour * 3_600 * 10**9) for symbol in ("BTC", "ETH") for hour in range(10_000)]
SHARES = st.floats(0.0, 1.0)


def test_the_places_are_these_on_every_machine() -> None:
    assert place_of("BTC@0", "rollout-1") == 0.9036555346506507
    assert place_of("ETH@3600000000000", "rollout-1") == 0.019015230943282613


def test_another_process_assigns_the_same_units() -> None:
    code = (
        "from distill_platform.models.rollout.canary import assigned, unit_of\n"
        "units = [unit_of(s, h * 3_600 * 10**9) for s in ('BTC', 'ETH') for h in range(10_000)]\n"
        "print(int(assigned(units, 'x', 0.1).sum()), [u for u in units if assigned([u], 'x', 0.0005)[0]])"
    )
    root = Path(__file__).parents[3]
    told = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=root, env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    here = f"{int(assigned(UNITS, 'x', 0.1).sum())} {[u for u in UNITS if assigned([u], 'x', 0.0005)[0]]}\n"
    assert told == {here}


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
@pytest.mark.parametrize("salt", ["rollout-1", "rollout-2", "x"])
def test_as_many_units_are_in_as_were_promised(share: float, salt: str) -> None:
    found = assigned(UNITS, salt, share).mean()
    assert abs(found - share) < 4.0 * (share * (1.0 - share) / len(UNITS)) ** 0.5


@given(unit=st.text(), salt=st.text(), one=SHARES, other=SHARES)
def test_who_is_in_stays_in_while_it_grows(unit: str, salt: str, one: float, other: float) -> None:
    smaller, larger = sorted((one, other))
    assert assigned([unit], salt, larger)[0] or not assigned([unit], salt, smaller)[0]
    assert assigned([unit], salt, 1.0)[0]
    assert not assigned([unit], salt, 0.0)[0]


def test_salt_and_unit_do_not_run_into_each_other() -> None:
    assert place_of("bc", "a") != place_of("c", "ab")


def test_the_salt_stays_for_a_whole_rollout(ledger: Ledger) -> None:
    view = with_line(ledger)
    sha256 = NEW.artifact_sha256
    assert salt_of(view, sha256) is None
    assert serving_salt(view, sha256, RolloutSettings(salt="any")) == "any"
    with_line(ledger, 3)
    view = registry_view(ledger, LINE)
    assert serving_salt(view, sha256, SETTINGS) == SETTINGS.salt == salt_of(view, sha256)
    with pytest.raises(SaltChanged, match="began with salt rollout-1"):
        serving_salt(view, sha256, RolloutSettings(salt="any"))
