"""The reference values: numbers of papers, exact fractions and independent computations, through the public names."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distill_platform import stats

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text())
TOLD_IN_WORDS = {"pbo_S_odd", "pbo_constant_column", "pbo_tie_tolerance", "spa_identical_to_benchmark"}
SHAPES = ("_TxN", "_TxK")
IN_A_RANGE = ("p", "counts_gt", "counts_ge")  # exact ties may fall on either side of rounding


def given(value: Any) -> Any:
    """An input or expected value as JSON writes it: NaN and infinity are words there."""
    if isinstance(value, list):
        return [given(item) for item in value]
    return float(value) if value in ("NaN", "Infinity", "-Infinity") else value


def arguments(inputs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call: a name says the shape of an array at its end."""
    return {name.removesuffix(SHAPES[0]).removesuffix(SHAPES[1]): given(value) for name, value in inputs.items()}


def part(found: Any, name: str) -> Any:
    """A named number of a result."""
    return found[name] if isinstance(found, dict) else getattr(found, name)


def assert_close(found: Any, expected: Any, tolerance: float, place: str) -> None:
    if isinstance(expected, dict):
        for name, value in expected.items():
            if not (name in IN_A_RANGE and "counts_gt" in expected):
                assert_close(part(found, name), value, tolerance, f"{place}.{name}")
    elif isinstance(expected, list):
        np.testing.assert_allclose(np.asarray(found, float), np.array(expected, float), rtol=tolerance, atol=tolerance)
    elif isinstance(expected, float) and math.isnan(expected):
        assert math.isnan(found), place
    else:
        assert found == pytest.approx(expected, rel=tolerance, abs=tolerance), place


@pytest.mark.parametrize("vector", [v for v in VECTORS if v["id"] not in TOLD_IN_WORDS], ids=lambda v: str(v["id"]))
def test_a_reference_value_is_met(vector: dict[str, Any]) -> None:
    function = getattr(stats, vector["fn"])
    if vector["expected"] == "error:ValueError":
        with pytest.raises(ValueError, match=r"[a-z]"):
            function(**arguments(vector["inputs"]))
        return
    found, expected = function(**arguments(vector["inputs"])), given(vector["expected"])
    assert_close(found, expected, vector["tol"], vector["id"])
    if isinstance(expected, dict) and "counts_gt" in expected:
        for name in ("lower", "consistent", "upper"):
            low, high = expected["counts_gt"][name], expected["counts_ge"][name]
            assert low <= round(part(part(found, "p"), name) * expected["n"]) <= high


def test_pbo_wants_an_even_number_of_blocks() -> None:
    with pytest.raises(ValueError, match="even"):
        stats.pbo_cscv(np.eye(10), S=5)


def test_pbo_refuses_a_constant_column() -> None:
    returns = np.random.default_rng(1).normal(size=(40, 3))
    returns[:, 1] = 0.01
    with pytest.raises(ValueError, match="constant"):
        stats.pbo_cscv(returns, S=4)


def test_scaled_copies_of_a_strategy_tie() -> None:
    returns = np.random.default_rng(2).normal(size=(60, 3))
    alone = stats.pbo_cscv(np.column_stack([returns, returns[:, 0]]), S=6)
    scaled = stats.pbo_cscv(np.column_stack([returns, returns[:, 0] * 3.7]), S=6)
    assert alone.pbo == scaled.pbo
    np.testing.assert_array_equal(alone.omega, scaled.omega)


def test_a_differential_that_is_zero_everywhere_is_no_evidence() -> None:
    found = stats.spa(np.zeros((30, 2)), n_resamples=99, seed=1)
    assert {part(found.p, name) for name in ("lower", "consistent", "upper")} == {1.0}
