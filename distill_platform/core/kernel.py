"""Compiled kernels: numba functions that cost nothing until the first call.

`@kernel` stands in for `numba.njit(nogil=True, cache=True)`. Importing numba takes seconds on a cold disk, so a
module that declares kernels stays cheap to import; the first call of any kernel compiles all that its file declares
(or loads them from numba's cache). A kernel may call kernels of its own file only: numba's cache does not notice a
change in another file, and a stale kernel is a silent wrong answer.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")

_declared: dict[str, list[Callable[..., Any]]] = {}


def kernel(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Declare a function that numba compiles on first use: without the GIL, cached on disk, IEEE arithmetic."""
    _declared.setdefault(function.__module__, []).append(function)

    @functools.wraps(function)
    def first_call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        compiled = function.__globals__[function.__name__]
        if compiled is first_call:
            _compile_module(function.__module__)
            compiled = function.__globals__[function.__name__]
        result: _R = compiled(*args, **kwargs)
        return result

    return first_call


def _compile_module(module: str) -> None:
    """Replace every kernel declared in `module` by its numba dispatcher, so that kernels find each other compiled."""
    for function in _declared[module]:
        function.__globals__[function.__name__] = _njit(function)


def _njit(function: Callable[..., Any]) -> Callable[..., Any]:
    import numba

    try:
        dispatcher: Callable[..., Any] = numba.njit(nogil=True, cache=True, fastmath=False)(function)
    except RuntimeError:  # numba found no folder it may write its cache to: a read-only installation
        dispatcher = numba.njit(nogil=True, cache=False, fastmath=False)(function)
    return dispatcher
