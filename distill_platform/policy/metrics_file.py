"""Metrics in files: nested by group there, flat by full name here, and strict on the way in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn

from distill_platform.core import canon
from distill_platform.core.config import nearest
from distill_platform.core.errors import CanonError, MetricsError
from distill_platform.core.expression.wording import nearest_name
from distill_platform.policy.catalogue import ALIASES, CATALOGUE, PATTERNS, canonical, metric
from distill_platform.policy.catalogue.stress import SCENARIO
from distill_platform.policy.ranking import MetricsLine
from distill_platform.policy.rules.bound import Metrics
from distill_platform.policy.selecting import Context

_LINE_KEYS = ["strategy_id", "run_id", "metrics"]
_CONTEXT_KEYS = ["correlations", "previous_selection"]
_GROUPS = frozenset(
    name.rsplit(".", depth)[0] for name in (*CATALOGUE, *ALIASES) for depth in range(1, name.count(".") + 1)
)


def read_metrics(lines: Iterable[bytes], file: str) -> tuple[MetricsLine, ...]:
    """Return the runs of a JSONL file, given as its lines; `file` is its name for error messages.

    Raises MetricsError with file and line for whatever is not a run with known metrics, for a run that stands twice,
    and for a file without runs. A known metric with an unusable value is kept, NaN and Infinity as most programs write
    them into JSON included: it fails its own run, not the file.
    """
    first_at: dict[tuple[str, str], int] = {}
    found = []
    for number, raw in enumerate(lines, start=1):
        if not raw.strip():
            continue
        line = _placed(raw, file, number)
        if line.key in first_at:
            message = f"strategy {line.strategy_id!r} run {line.run_id!r} stands in line {first_at[line.key]} already"
            raise MetricsError(message, file=file, line=number, hint="Keep one line for each run")
        first_at[line.key] = number
        found.append(line)
    if not found:
        raise MetricsError("holds no run", file=file, hint="Write one JSON object a line: strategy_id, run_id, metrics")
    return tuple(found)


def _placed(raw: bytes, file: str, number: int) -> MetricsLine:
    try:
        return _line(_parsed(raw))
    except CanonError as error:
        message = "is cut off in the middle of a line" if canon.is_cut_off(raw) else error.message
        raise MetricsError(f"{error.reason}: {message}", file=file, line=number) from None
    except MetricsError as error:
        raise MetricsError(error.message, file=file, line=number, hint=error.hint) from None


def _parsed(raw: bytes) -> Any:
    """Return the value of a line, read as strictly as canonical JSON but for numbers that are not finite."""
    try:
        return canon.parse(raw)
    except CanonError as error:
        if error.reason != "non_finite_number":
            raise
        return _with_non_finite(raw, error)


def _with_non_finite(raw: bytes, refused: CanonError) -> Any:
    try:
        value = json.loads(raw, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise refused from None
    canon.dumps(value)  # refuses what else canonical JSON does not hold: lone surrogates, whole numbers beyond 64 bits
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise CanonError("duplicate_json_key", f"duplicate key {key!r}")
        found[key] = value
    return found


def _line(value: Any) -> MetricsLine:
    _require_keys(value, _LINE_KEYS, "a line")
    for key in ("strategy_id", "run_id"):
        if key not in value or not isinstance(value[key], str) or not value[key]:
            raise MetricsError(f"{key} must be a text that is not empty")
    if not isinstance(value.get("metrics"), dict):
        raise MetricsError("metrics must be an object of groups: {returns: {sharpe_daily: ...}, ...}")
    return MetricsLine(value["strategy_id"], value["run_id"], flatten(value["metrics"]))


def flatten(nested: Mapping[str, Any]) -> dict[str, Any]:
    """Return metrics by full catalogue name from metrics nested by group; aliases are resolved.

    Raises MetricsError for a name that is not in the catalogue, and for two spellings of one metric that disagree.
    """
    flat: dict[str, Any] = {}
    for spelling, value in _leaves(nested, ""):
        name = canonical(spelling)
        if name in flat and not _same(flat[name], value):
            raise MetricsError(f"metric {name} is given twice, as {flat[name]!r} and as {value!r} ({spelling})")
        flat[name] = value
    return flat


def nest(metrics: Metrics) -> dict[str, Any]:
    """Return metrics nested by group as a JSON value: NaN and infinities, which JSON cannot hold, become null."""
    nested: dict[str, Any] = {}
    for name in sorted(metrics):
        *groups, leaf = name.split(".")
        place = nested
        for part in groups:
            place = place.setdefault(part, {})
        value = metrics[name]
        place[leaf] = None if isinstance(value, float) and not abs(value) < float("inf") else value
    return nested


def _leaves(nested: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in nested.items():
        name = f"{prefix}{key}"
        if metric(canonical(name)) is not None:
            yield name, value
        elif isinstance(value, dict) and _is_group(name):
            yield from _leaves(value, f"{name}.")
        elif isinstance(value, dict):
            raise MetricsError(f"unknown group of metrics 'metrics.{name}'", hint=nearest(name, sorted(_GROUPS)))
        else:
            _refuse_unknown(name)


def _is_group(name: str) -> bool:
    return name in _GROUPS or (name.startswith("stress.") and bool(SCENARIO.fullmatch(name.removeprefix("stress."))))


def _refuse_unknown(name: str) -> NoReturn:
    scenario = name.split(".")[1] if name.startswith("stress.") else "<scenario>"
    stress = [pattern.name.replace("<scenario>", scenario) for pattern in PATTERNS]
    known = [*CATALOGUE, *ALIASES, *stress]
    if name in _GROUPS:
        raise MetricsError(f"metrics.{name} must be an object: it is a group of metrics")
    raise MetricsError(f"unknown metric 'metrics.{name}'", hint=nearest_name(name, known))


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    return bool(first == second) or (first != first and second != second)  # NaN is not even itself


def parse_context(content: bytes, file: str) -> Context:
    """Return the context of a selection from its JSON text; raise MetricsError naming `file` for a wrong one."""
    try:
        value = canon.parse(content)
        _require_keys(value, _CONTEXT_KEYS, "a context")
        return Context(_correlations(value.get("correlations", {})), _previous(value.get("previous_selection", [])))
    except CanonError as error:
        raise MetricsError(f"{error.reason}: {error.message}", file=file) from None
    except MetricsError as error:
        raise MetricsError(error.message, file=file, hint=error.hint) from None


def _correlations(value: Any) -> dict[tuple[str, str], float]:
    if not isinstance(value, dict):
        raise MetricsError('correlations must be an object: {"a,b": 0.3}')
    found: dict[tuple[str, str], float] = {}
    for key, correlation in value.items():
        pair = _pair(key)
        if isinstance(correlation, bool) or not isinstance(correlation, int | float) or not -1 <= correlation <= 1:
            raise MetricsError(f"correlations.{key} must be a number from -1 to 1, and is {correlation!r}")
        if found.get(pair, correlation) != correlation:
            raise MetricsError(f"correlations.{key} contradicts the same pair the other way round")
        found[pair] = float(correlation)
    return found


def _pair(key: str) -> tuple[str, str]:
    first, comma, second = key.partition(",")
    names = {first, second}
    if not comma or "," in second or len(names) != 2 or any(not name or name != name.strip() for name in names):
        raise MetricsError(f"correlations.{key} must name two strategies: 'a,b', one comma and no spaces around it")
    return (first, second) if first < second else (second, first)


def _previous(value: Any) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        raise MetricsError("previous_selection must be a list of strategy ids")
    return frozenset(value)


def _require_keys(value: Any, known: list[str], what: str) -> None:
    if not isinstance(value, dict):
        raise MetricsError(f"{what} must be a JSON object with the keys {', '.join(known)}")
    for key in value:
        if key not in known:
            raise MetricsError(f"unknown key {key!r}", hint=nearest(key, known))
