"""Canonical JSON and hashes: one strict reading of a line, one way to write a value.

`canon = "orjson-sorted/1"`: parsed strictly (NaN, Infinity, duplicate keys, lone surrogates and whole numbers beyond
64 bits are refused), written with sorted keys, no spaces, UTF-8. It is our own form, not RFC 8785: 1.0 stays 1.0 and
-0.0 stays -0.0. Other numbers are 64-bit floats, so digits beyond their precision are not part of the value.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from distill_platform.core.errors import CanonError

CANON = "orjson-sorted/1"

_LONE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_AFTER_KEY = re.compile(rb':(?<=["\s]:)')  # matches every colon that follows a key, and some within strings
_MAX_DEPTH = 254  # what orjson can write
_MAX_DEPTH_HINT = f"nested deeper than {_MAX_DEPTH} levels"
_LOWEST, _HIGHEST = -(2**63), 2**64 - 1


def sha256_hex(data: bytes | memoryview) -> str:
    """Return the SHA-256 of `data` as 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


def dumps(value: Any, default: Callable[[Any], Any] | None = None) -> bytes:
    """Return the canonical bytes of a JSON value.

    Raises CanonError(`deep_nesting`) beyond 254 levels and CanonError(`malformed_json`) for what JSON cannot hold.
    NaN never gets here from `parse`; from Python code it would be written as null, so `refuse_non_finite` before.
    """
    try:
        return orjson.dumps(value, default, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        reason = "deep_nesting" if "ecursion" in str(error) else "malformed_json"
        raise CanonError(reason, f"value has no canonical form: {error}") from None


def sig_hash(value: Any) -> str:
    """Return the SHA-256 hex of the canonical bytes of a JSON value."""
    return hashlib.sha256(dumps(value)).hexdigest()


def parse(line: bytes) -> Any:
    """Return the value of one strict JSON text.

    Raises CanonError whose `reason` is the quarantine reason: non_utf8, lone_surrogate, non_finite_number,
    duplicate_json_key, deep_nesting or malformed_json.
    """
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise _classify(line, str(error)) from None
    if not _is_written_as_read(value, line):
        _refuse_lost(value, line)
    return value


def is_cut_off(line: bytes) -> bool:
    """Return whether a text is malformed the way the beginning of a longer text is, not wrong in a way of its own."""
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError as error:
        refused = _classify(line, str(error))
        return refused.reason == "malformed_json" or (refused.reason == "non_utf8" and _ends_within_a_character(line))
    return False


def _ends_within_a_character(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return False


def _is_written_as_read(value: Any, line: bytes) -> bool:
    """Return whether writing the value back gives the very same text: then reading it lost no key and no digit.

    True for most lines that were written without spaces, and several times cheaper than looking for what was lost.
    """
    try:
        return orjson.dumps(value) == line
    except TypeError:  # nested too deeply to be written
        return False


def _refuse_lost(value: Any, line: bytes) -> None:
    """Raise CanonError unless every key and every digit of a valid JSON text is in the value that was read from it."""
    wide: list[float] = []
    keys = _count_keys([value], 0, wide)
    if len(_AFTER_KEY.findall(line)) != keys != _structural_colons(line):
        raise CanonError("duplicate_json_key", f"duplicate key {_duplicate_key(line)!r}")
    if wide:
        _refuse_wide_integers(line)


def _structural_colons(line: bytes) -> int:
    """Return how many colons of a valid JSON text stand outside its strings: one per key, duplicates included."""
    if b"\\" in line:
        line = line.replace(b"\\\\", b"").replace(b'\\"', b"")
    return b"".join(line.split(b'"')[::2]).count(b":")


def _count_keys(value: dict[str, Any] | list[Any], depth: int, wide: list[float]) -> int:
    """Return how many keys a value holds on all levels; collect the floats that may have been whole numbers."""
    if depth > _MAX_DEPTH:
        raise CanonError("deep_nesting", _MAX_DEPTH_HINT)
    count = len(value) if type(value) is dict else 0
    items: Iterable[Any] = value.values() if type(value) is dict else value
    for item in items:
        kind = type(item)
        if kind is dict or kind is list:
            count += _count_keys(item, depth + 1, wide)
        elif kind is float and (item > _HIGHEST or item <= _LOWEST):
            wide.append(item)
    return count


def _refuse_wide_integers(line: bytes) -> None:
    """Refuse whole numbers that orjson could only read as floats: their last digits would vanish without a word."""

    def look(digits: str) -> int:
        if len(digits) > 20 or not _LOWEST <= int(digits) <= _HIGHEST:
            message = f"whole number {digits[:40]} does not fit into 64 bits; write it as a string"
            raise CanonError("malformed_json", message)
        return 0

    json.loads(line, parse_int=look)


def refuse_non_finite(value: Any) -> None:
    """Raise CanonError(`non_finite_number`) for NaN or infinity anywhere in a value that did not come from `parse`."""
    if type(value) is float and not math.isfinite(value):
        raise CanonError("non_finite_number", f"{value} is not a JSON number")
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    for item in items:
        refuse_non_finite(item)


def json_value(value: Any) -> Any:
    """Return a value as JSON can hold it: NaN and infinities, which nobody may take for numbers, are null.

    Words of an enum become texts, tuples lists, and NumPy's doubles plain ones.
    """
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(item) for item in value]
    return value


def _duplicate_key(line: bytes) -> str:
    found: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        found.extend(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]

    json.loads(line, object_pairs_hook=look)
    return found[0] if found else "?"


def _classify(line: bytes, message: str) -> CanonError:
    """Return the error that names why `line` was refused; orjson's own message does not tell the kinds apart."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        return CanonError("non_utf8", f"not UTF-8: byte {line[error.start]:#04x} at {error.start}")
    if "depth limit" in message:
        return CanonError("deep_nesting", _MAX_DEPTH_HINT)
    if "surrogate" in message and _LONE_SURROGATE.search(line):
        return CanonError("lone_surrogate", f"lone surrogate: {message}")
    if "infinity" in message or _is_json_but_for_constants(text):
        return CanonError("non_finite_number", "NaN and Infinity are not JSON numbers")
    return CanonError("malformed_json", message)


def _is_json_but_for_constants(text: str) -> bool:
    constants: list[str] = []
    try:
        json.loads(text, parse_constant=constants.append)
    except (ValueError, RecursionError):
        return False
    return bool(constants)
