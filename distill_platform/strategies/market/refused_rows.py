"""Rows that cannot be bars: where the first one stands, and how many there are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from distill_platform.core.errors import SourceError


def refuse_rows(wrong: npt.NDArray[np.bool_], what: str, path: Path, hint: str = "") -> None:
    """Raise SourceError for the first row that is wrong, saying how many are."""
    if wrong.any():
        more = f" (and {int(wrong.sum()) - 1} more)" if wrong.sum() > 1 else ""
        raise SourceError(f"{path}: row {int(wrong.argmax()) + 1}: {what}{more}", hint=hint)
