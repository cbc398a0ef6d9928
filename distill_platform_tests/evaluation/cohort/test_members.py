"""Members: distinct runs on common days; a run that covers other days is set apart and named."""

from __future__ import annotations

import numpy as np

from distill_platform.evaluation.cohort.members import aligned
from distill_platform_tests.evaluation.made_trials import FIRST_DAY, member

DICE = np.random.default_rng(1)


def test_runs_meet_on_the_days_that_all_of_them_have() -> None:
    early, late = DICE.normal(size=100), DICE.normal(size=100)
    panel = aligned([member("early", early), member("late", late, FIRST_DAY + 5 + np.arange(100))])
    assert (len(panel.days), panel.days[0]) == (95, FIRST_DAY + 5)
    by_run = dict(zip(panel.run_ids, panel.returns.T, strict=True))
    np.testing.assert_array_equal(by_run["early"], early[5:])
    np.testing.assert_array_equal(by_run["late"], late[:95])


def test_one_short_run_does_not_shorten_all_others() -> None:
    runs = [member(f"run-{number}", DICE.normal(size=300)) for number in range(4)]
    panel = aligned([*runs, member("short", DICE.normal(size=60))])
    assert panel.apart == ("short",)
    assert panel.returns.shape == (300, 4)


def test_runs_without_a_common_day_are_all_apart() -> None:
    panel = aligned(
        [member("old", DICE.normal(size=50)), member("new", DICE.normal(size=50), FIRST_DAY + np.arange(50, 100))]
    )
    assert (panel.returns.shape, panel.apart) == ((0, 0), ("new", "old"))
    assert aligned([]).run_ids == ()


def test_a_copy_is_not_another_run() -> None:
    net = DICE.normal(size=50)
    panel = aligned([member("b", net, content="one"), member("a", net, content="one")])
    assert (panel.run_ids, panel.repeated) == (("a",), ("b",))


def test_names_and_order_do_not_move_columns() -> None:
    nets = DICE.normal(size=(3, 40))
    runs = [member(f"run-{place}", net, content=str(place)) for place, net in enumerate(nets)]
    renamed = [member(f"other-{9 - place}", net, content=str(place)) for place, net in enumerate(nets)]
    np.testing.assert_array_equal(aligned(runs[::-1]).returns, aligned(renamed).returns)
