"""Canonical JSON and hashes: one strict reading of a line, one way to write a value.

`canon = "orjson-sorted/1"`: parsed strictly (NaN, Infinity, duplicate keys and lone surrogates are refused), written
with sorted keys, no spaces, UTF-8. It is our own form, not RFC 8785: 1.0 stays 1.0 and -0.0 stays -0.0.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import orjson

from distill_platform.core.errors import CanonError

CANON = "orjson-sorted/1"

_LONE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_MAX_DEPTH_HINT = "nested deeper than 254 levels"


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of `data` as 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


def dumps(value: Any) -> bytes:
    """Return the canonical bytes of a JSON value.

    Raises CanonError(`deep_nesting`) beyond 254 levels and CanonError(`malformed_json`) for what JSON cannot hold.
    NaN never gets here from `parse`; from Python code it would be written as null, so check numbers before.
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
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
    if _structural_colons(line) != _count_keys(value, 0):
        raise CanonError("duplicate_json_key", f"duplicate key {_duplicate_key(line)!r}")
    return value


def _structural_colons(line: bytes) -> int:
    """Return how many colons of a valid JSON text stand outside its strings: one per key, duplicates included."""
    if b"\\" in line:
        line = line.replace(b"\\\\", b"").replace(b'\\"', b"")
    return b"".join(line.split(b'"')[::2]).count(b":")


def _count_keys(value: Any, depth: int) -> int:
    if depth > 254:
        raise CanonError("deep_nesting", _MAX_DEPTH_HINT)
    kind = type(value)
    if kind is dict:
        count = len(value)
        for item in value.values():
            if type(item) is dict or type(item) is list:
                count += _count_keys(item, depth + 1)
        return count
    if kind is list:
        return sum(_count_keys(item, depth + 1) for item in value if type(item) is dict or type(item) is list)
    return 0


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
