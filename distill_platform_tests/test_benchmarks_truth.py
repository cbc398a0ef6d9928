"""Known truth: the chain promotes a planted edge, and refuses all else for what it is."""

from __future__ import annotations

import pytest

from benchmarks.truth import Planted, TruthRun, to_markdown, truth_chain
from distill_platform.models.promotion.reasons import ReasonCode

LUCK = {ReasonCode.NOT_SIGNIFICANT, ReasonCode.NOT_BETTER_THAN_ARM, ReasonCode.NOT_SURE_ENOUGH}
LEAKS = {ReasonCode.CAUSALITY_LEAK, ReasonCode.SUSPICIOUS_FEATURE}


def run(planted: Planted, recommended: tuple[str, ...], *codes: ReasonCode) -> TruthRun:
    return TruthRun(planted, 1, recommended, frozenset(codes), frozenset(codes), 5.0)


def test_an_edge_must_be_recommended_and_nothing_else_may() -> None:
    assert run(Planted.EDGE, ("tabular_only",)).as_expected
    assert not run(Planted.EDGE, (), ReasonCode.NOT_SURE_ENOUGH).as_expected
    for planted in (Planted.NONE, Planted.SHUFFLED, Planted.BACK_DATED, Planted.JOINED_EARLY):
        assert not run(planted, ("tabular_only",)).as_expected


def test_a_refusal_for_another_reason_does_not_count() -> None:
    assert run(Planted.NONE, (), ReasonCode.NOT_SIGNIFICANT).as_expected
    assert not run(Planted.NONE, (), ReasonCode.WORSE_DRAWDOWN).as_expected
    assert not run(Planted.NONE, (), ReasonCode.NOT_SIGNIFICANT, ReasonCode.CAUSALITY_LEAK).as_expected
    assert not run(Planted.BACK_DATED, (), ReasonCode.VERDICT_NOT_PASSED).as_expected
    assert run(Planted.BACK_DATED, (), ReasonCode.SUSPICIOUS_FEATURE).as_expected
    assert run(Planted.JOINED_EARLY, (), ReasonCode.CAUSALITY_LEAK).as_expected


def test_the_table_has_a_row_for_each_truth_that_was_run() -> None:
    text = to_markdown([run(Planted.EDGE, ("nn_only",)), run(Planted.NONE, (), ReasonCode.NOT_SIGNIFICANT)])
    assert len(text.splitlines()) == 4
    assert "| 1 | 1 | 0 | 1 | none | 5.0 |" in text
    assert "`not_significant` 1" in text


@pytest.mark.slow
def test_the_chain_promotes_a_planted_edge() -> None:
    found = truth_chain(Planted.EDGE, 7)
    assert "tabular_only" in found.recommended
    assert found.information["net_return_per_day"].low > 0.0


@pytest.mark.slow
@pytest.mark.parametrize("planted", [Planted.NONE, Planted.SHUFFLED])
def test_the_chain_refuses_luck_as_luck(planted: Planted) -> None:
    found = truth_chain(planted, 7)
    assert found.recommended == ()
    for candidate in found.candidates:
        assert candidate.codes & {
            ReasonCode.NOT_SIGNIFICANT,
            ReasonCode.NOT_BETTER_THAN_ARM,
            ReasonCode.NOT_SURE_ENOUGH,
        }
        assert not candidate.codes & {ReasonCode.CAUSALITY_LEAK, ReasonCode.SUSPICIOUS_FEATURE}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("planted", "code"),
    [(Planted.BACK_DATED, ReasonCode.SUSPICIOUS_FEATURE), (Planted.JOINED_EARLY, ReasonCode.CAUSALITY_LEAK)],
)
def test_the_chain_refuses_a_leak_as_the_leak_it_is(planted: Planted, code: ReasonCode) -> None:
    found = truth_chain(planted, 7)
    assert found.recommended == ()
    assert all(code in candidate.codes for candidate in found.candidates)
