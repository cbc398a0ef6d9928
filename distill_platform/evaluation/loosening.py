"""Loosening: what a policy asks less of than another one did.

Two policies are compared as the ledger keeps them, whole and in canonical form (`World.canonical`). What is not
provably as strict as before counts as looser: a change that nobody can read is not a harmless one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from distill_platform.policy.catalogue import canonical
from distill_platform.policy.selection import is_lower_better

_NEUTRAL = frozenset({"version", "validation_profiles", "default_profile_by_stage", "owner"})
_RANKS: Mapping[str, Sequence[object]] = {  # from the least strict to the strictest
    "tier": ("low", "medium", "high"),
    "severity": ("info", "soft", "blocking"),
    "governance": (None, "manual_approval", "two_key"),
    "on_error": ("warn", "fail"),
    "on_missing_metric": ("warn", "fail"),
    "client_critical": (False, True),
    "allow_live": (True, False),
}
_MORE_IS_STRICTER = frozenset({"keys", "lookback_days"})
_LESS_IS_STRICTER = frozenset({"max", "k", "top_k"})
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+")
_COMPARISON = re.compile(r"([A-Za-z_][\w.]*) ?(<=|>=|<|>) ?(-?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)")

Places = Iterator[str]


def loosened(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each place where `new` asks less than `old`, or may do so; none if it asks as much.

    Both are whole policies as `World.canonical` gives them. Bounds are compared by their side (`min_`, `max_`), rules
    by severity, profiles by the stage they serve, gates by their expressions: dropping, weakening or rewriting one is
    looser, a tighter number of the same comparison is not. Lower costs, a milder or missing stress scenario, more
    approvers and a shorter cooldown are looser. So is whatever is not known here. A new version or owner is not.
    """
    return [*_each(old, new, "", _part), *_profiles(old, new)]


def _part(place: str, old: Any, new: Any) -> Places:
    compare = _PARTS.get(place, _strictness)
    yield from compare(place, old, new)


def _each(old: Any, new: Any, place: str, compare: Callable[[str, Any, Any], Places]) -> Places:
    """Yield what `compare` says of each key of two mappings; a key that is not there counts as None."""
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        if old != new:
            yield _changed(place, old, new)
        return
    for key in sorted(old.keys() | new.keys()):
        yield from compare(f"{place}.{key}" if place else str(key), old.get(key), new.get(key))


def _profiles(old: Mapping[str, Any], new: Mapping[str, Any]) -> Places:
    """Compare what each stage is judged by. One that had no profile let nothing pass that could pass more now."""
    before, after = _by_stage(old), _by_stage(new)
    for stage in sorted(before.keys() & after.keys()):
        yield from _strictness(f"profile of {stage}", before[stage], after[stage])


def _by_stage(policy: Mapping[str, Any]) -> dict[str, Any]:
    profiles, stages = policy.get("validation_profiles"), policy.get("default_profile_by_stage")
    known = profiles if isinstance(profiles, Mapping) else {}
    named = stages if isinstance(stages, Mapping) else {}
    return {stage: known.get(name) for stage, name in named.items() if name is not None}


def _strictness(place: str, old: Any, new: Any) -> Places:
    """Compare two values of one name: mappings by their keys, others by which way is the strict one."""
    key = place.rpartition(".")[2]
    if old == new or key in _NEUTRAL:
        return
    if key == "scenarios":
        yield from _scenarios(place, old, new)
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _each(old, new, place, _strictness)
    elif not _is_stricter(key, old, new):
        yield _changed(place, old, new)


def _is_stricter(key: str, old: Any, new: Any) -> bool:
    if key in _RANKS:
        ranks = _RANKS[key]
        return old in ranks and new in ranks and ranks.index(new) >= ranks.index(old)
    side = _side(key)
    if side == 0:
        return False
    if old is None:
        return _is_number(new)
    return _is_number(old) and _is_number(new) and (new - old) * side >= 0


def _side(key: str) -> int:
    """Return 1 where a larger number is stricter, -1 where a smaller one is, 0 where nobody knows."""
    if key.startswith("min_") or key in _MORE_IS_STRICTER:
        return 1
    return -1 if key.startswith("max_") or key in _LESS_IS_STRICTER else 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _scenarios(place: str, old: Any, new: Any) -> Places:
    """Compare the scenarios of rules: one more bounds more."""
    for name, bounds in (old or {}).items():
        yield from _strictness(f"{place}.{name}", bounds, (new or {}).get(name))


def _costs(place: str, old: Any, new: Any) -> Places:
    """Compare what trading costs: less is looser, and so is not saying it."""
    if old is None:
        return
    for name, cost in old.items():
        found = (new or {}).get(name)
        if not (_is_number(cost) and _is_number(found) and found >= cost) and found != cost:
            yield _changed(f"{place}.{name}", cost, found)


def _stress_grid(place: str, old: Any, new: Any) -> Places:
    if old is None or new is None:
        if old != new:
            yield _changed(place, old, new)
        return
    after = {scenario.get("name"): scenario for scenario in new}
    for scenario in old:
        name = scenario.get("name")
        if name not in after:
            yield f"{place}: scenario {name} is gone"
        else:
            yield from _each(scenario, after[name], f"{place}.{name}", _harshness)


def _harshness(place: str, old: Any, new: Any) -> Places:
    """Compare one cost of a scenario: a higher one is harsher, and so is a multiplier where there was none."""
    multiplied = old is None and place.endswith("_multiplier") and _is_number(new)
    raised = _is_number(old) and _is_number(new) and new >= old
    if old != new and not multiplied and not raised:
        yield _changed(place, old, new)


def _hysteresis(place: str, old: Any, new: Any) -> Places:
    """Compare what it takes to enter and to stay, by which end of the metric is the good one."""
    if old is None or old == new:
        return
    if new is None or new.get("metric") != old.get("metric"):
        yield _changed(place, old, new)
        return
    sign = -1 if is_lower_better(str(old["metric"])) else 1
    for key in ("enter", "exit"):
        if (new[key] - old[key]) * sign < 0:
            yield _changed(f"{place}.{key}", old[key], new[key])


def _selection(place: str, old: Any, new: Any) -> Places:
    def step(where: str, before: Any, after: Any) -> Places:
        if where.endswith(".hysteresis"):
            yield from _hysteresis(where, before, after)
        elif before is not None:  # a step that was not there left nobody out
            yield from _strictness(where, before, after)

    yield from _each(old, new, place, step)


def _governance(place: str, old: Any, new: Any) -> Places:
    yield from _each(old, new, place, _right)


def _right(place: str, old: Any, new: Any) -> Places:
    if place.endswith(".approvers"):
        for name in sorted(set(new or ()) - set(old or ())):
            yield f"{place}: {name} may approve now"
    elif place.endswith(".cooldown"):
        if _seconds(new) < _seconds(old):
            yield _changed(place, old, new)
    else:
        yield from _strictness(place, old, new)


def _seconds(text: Any) -> int:
    """Return the length of `10d` and the like; what cannot be read is no time at all."""
    found = re.fullmatch(r"(\d+)([smhdw])", text) if isinstance(text, str) else None
    return int(found[1]) * _SECONDS[found[2]] if found else -1


def _gates(place: str, old: Any, new: Any) -> Places:
    yield from _each(old, new, place, _gate)


def _gate(place: str, old: Any, new: Any) -> Places:
    if old == new:
        return
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        yield _changed(place, old, new)
        return
    yield from _strictness(f"{place}.governance", old.get("governance"), new.get("governance"))
    if new.get("blocking") and not old.get("blocking") and old.get("governance") is None:
        yield f"{place} asked for nothing, which no run could show, and can be passed now"
    yield from _expressions(f"{place}.blocking", old, new, lambda before, after: _implies(after, before))
    yield from _expressions(f"{place}.watch", old, new, lambda before, after: _implies(before, after))


class _Comparison(NamedTuple):
    """A comparison of one metric with one number."""

    name: str
    operator: str
    number: float

    @property
    def side(self) -> str:
        """Return < or >."""
        return self.operator[0]


def _expressions(place: str, old: Any, new: Any, covers: Callable[[_Comparison, _Comparison], bool]) -> Places:
    """Yield each expression of the old gate that is neither in the new one nor covered by a tighter one there."""
    kind = place.rpartition(".")[2]
    after = [_normal(text) for text in new.get(kind) or ()]
    for text in old.get(kind) or ():
        before = _comparison(_normal(text))
        stricter = [found for each in after if (found := _comparison(each)) and before and covers(before, found)]
        if _normal(text) not in after and not stricter:
            yield f"{place}: {text!r} is gone or asks for something else"


def _implies(one: _Comparison, other: _Comparison) -> bool:
    """Return whether every number that satisfies `one` satisfies `other`."""
    if one.name != other.name or one.side != other.side:
        return False
    if one.number == other.number:
        return one.operator == other.operator or len(one.operator) == 1
    return one.number > other.number if one.side == ">" else one.number < other.number


def _comparison(text: str) -> _Comparison | None:
    found = _COMPARISON.fullmatch(text)
    return _Comparison(found[1], found[2], float(found[3])) if found else None


def _normal(text: str) -> str:
    """Return an expression with single spaces and full metric names."""
    return _NAME.sub(lambda name: canonical(name[0]), " ".join(str(text).split()))


def _changed(place: str, old: Any, new: Any) -> str:
    return f"{place}: {_shown(old)} became {_shown(new)}"


def _shown(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 100 else f"{text[:97]}..."


_PARTS: Mapping[str, Callable[[str, Any, Any], Places]] = {
    "costs": _costs,
    "stress_grid": _stress_grid,
    "selection": _selection,
    "stage_gates": _gates,
    "governance": _governance,
}
