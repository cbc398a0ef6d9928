"""Compiled kernels: nothing is compiled by an import, and a read-only installation works without a cache."""

import subprocess
import sys

import pytest

from distill_platform.core import kernel as kernels
from distill_platform.core.kernel import kernel


@kernel
def _half(value: int) -> int:
    return value // 2


@kernel
def _quarter(value: int) -> int:
    """Return a quarter."""
    return _half(_half(value))


def test_kernels_find_each_other_compiled() -> None:
    assert _quarter.__doc__ == "Return a quarter."
    declared = _quarter
    assert declared(20) == 5
    assert declared(21) == 5
    assert hasattr(globals()["_half"], "signatures")


def test_importing_the_screener_does_not_import_numba() -> None:
    code = "import sys, distill_platform.refinery.screening.screen; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_a_place_for_the_cache_kernels_are_compiled_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    import numba

    calls = []

    def njit(*, cache: bool, **_: bool):  # type: ignore[no-untyped-def]
        calls.append(cache)
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    monkeypatch.setattr(numba, "njit", njit)
    assert kernels._njit(abs) is abs
    assert calls == [True, False]
