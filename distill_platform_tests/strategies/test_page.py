"""The page about strategies: its examples run."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from distill_platform.core.errors import GraphError
from distill_platform.strategies.computing import target_weights
from distill_platform.strategies.graph import load_graph
from distill_platform.strategies.kinds import KINDS
from distill_platform_tests.strategies.markets import market

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "strategies.md").read_text(encoding="utf-8")
(STRATEGY,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
WEIGHTS, KIND = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_strategy_on_the_page_trades(tmp_path: Path) -> None:
    (tmp_path / "dips.yaml").write_text(STRATEGY)
    weights = target_weights(load_graph(tmp_path / "dips.yaml"), market())
    assert 0.0 < np.abs(weights).max() <= 0.1


def test_the_message_on_the_page_is_the_message(tmp_path: Path) -> None:
    path = tmp_path / "dips.yaml"
    path.write_text(STRATEGY.replace("inputs: [strength]", "inputs: [strenght]"))
    with pytest.raises(GraphError) as refused:
        load_graph(path)
    assert str(refused.value).replace(str(path), "config/strategies/dips.yaml") in PAGE


def test_the_example_of_weights_and_variants_runs() -> None:
    said = subprocess.run([sys.executable, "-c", WEIGHTS], check=True, capture_output=True, text=True, cwd=ROOT).stdout
    invested, *variants = re.findall(r"([\d.]+)%", said)
    assert 0.0 < float(invested) < 100.0
    assert len(variants) > 10


def test_the_kind_on_the_page_works() -> None:
    try:
        exec(KIND, {"__name__": "page"})
        kind = KINDS["lagged"]
        found = kind.compute(kind.params.model_validate({"bars": 1}), np.array([[1.0], [2.0], [3.0]]))
    finally:
        KINDS.pop("lagged", None)
    np.testing.assert_array_equal(found[:, 0], [np.nan, 1.0, 2.0])
