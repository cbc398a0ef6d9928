"""What trains is imported where it is used: looking at the modules loads none of the heavy libraries."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = {"lightgbm", "sklearn", "torch", "optuna", "numba", "scipy"}


def test_importing_what_trains_loads_no_heavy_library() -> None:
    names = "baseline, blending, ensemble, information, model_runs, significance, teacher"
    code = f"import sys; from distill_platform.models import {names}; print(sorted({HEAVY} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True)
    assert shown.stdout.strip() == "[]"
