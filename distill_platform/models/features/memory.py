"""Memory: what a function keeps from one call to the next, and how to call it as if it had never been called.

A build that remembers its first call, say the mean of all it saw, hands out the same numbers whatever it is shown
later, and no comparison of its results shows where they come from.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import CellType, FunctionType
from typing import ParamSpec, TypeVar, cast

_P = ParamSpec("_P")
_R = TypeVar("_R")


def without_memory(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Return a copy of a function, a method or a callable object: what it keeps in the copy stays there.

    Copied are an object's own values and what a function closes over or has as defaults, deeply. What cannot be copied
    is shared, and so are modules' variables.
    """
    return cast("Callable[_P, _R]", _copied(function, {}))


def _copied(value: object, memo: dict[int, object]) -> object:
    if isinstance(value, FunctionType):
        return _copied_function(value, memo)
    try:
        return copy.deepcopy(value, memo)
    except (TypeError, copy.Error):  # a lock, a module, an open file
        return value


def _copied_function(function: FunctionType, memo: dict[int, object]) -> object:
    """Return the function with cells of its own; one that closes over itself closes over its copy."""
    if id(function) in memo:
        return memo[id(function)]
    cells = tuple(CellType() for _ in function.__closure__ or ())
    fresh = FunctionType(function.__code__, function.__globals__, function.__name__, None, cells)
    memo[id(function)] = fresh
    fresh.__defaults__ = cast("tuple[object, ...] | None", _copied(function.__defaults__, memo))
    fresh.__kwdefaults__ = cast("dict[str, object]", _copied(function.__kwdefaults__, memo))
    for mine, theirs in zip(cells, function.__closure__ or (), strict=True):
        if theirs != CellType():
            mine.cell_contents = _copied(theirs.cell_contents, memo)
    return fresh
