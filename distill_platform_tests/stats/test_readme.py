"""The README's example of the statistics runs, and shows what it says."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_best_of_many_strategies_without_an_edge_is_seen_through() -> None:
    (example,) = re.findall(r"```python\n(import numpy.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    said = subprocess.run([sys.executable, "-c", example], check=True, capture_output=True, text=True, cwd=ROOT).stdout
    annual, alone, deflated, overfitting = map(float, re.findall(r"[\d.]+", said))
    assert annual > 1.0
    assert alone > 0.95 > deflated
    assert overfitting > 0.3
