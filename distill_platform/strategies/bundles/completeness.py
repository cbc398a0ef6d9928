"""`COMPLETE`: the hashes of a bundle's files, and with its presence the word that nothing will follow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from distill_platform.core import canon
from distill_platform.core.config import nearest
from distill_platform.core.errors import CanonError
from distill_platform.strategies.bundles.refusal import BundleRefused, RefusalReason, shown
from distill_platform.strategies.bundles.tables import COMPLETE, MANIFEST, STEPS, TABLES

FILES = (MANIFEST, *(table.file for table in TABLES.values()))
"""Every file that a bundle may hold, beside COMPLETE."""

_SHA256 = re.compile(r"[0-9a-f]{64}", re.IGNORECASE)
_SUM_LINE = re.compile(r"(?P<sum>[0-9a-f]{64}) [ *](?:\./)?(?P<name>[^\r\n]+)", re.IGNORECASE)
_TAGGED_LINE = re.compile(r"SHA256 \((?:\./)?(?P<name>[^\r\n]+)\) = (?P<sum>[0-9a-f]{64})", re.IGNORECASE)
_NAME_KEYS, _SUM_KEY = ("name", "path", "file"), "sha256"
_SEAL = "Seal the folder again: `distill seal <folder>` writes COMPLETE once the files are as they should be"


def bundle_sha256(sums: Mapping[str, str]) -> str:
    """Return the hash that names a bundle: `sig_hash` over the object {file name: SHA-256 hex of its bytes}."""
    return canon.sig_hash(dict(sums))


def to_complete(sums: Mapping[str, str]) -> bytes:
    """Return the bytes of COMPLETE as we write it: the canonical JSON object {file name: SHA-256 hex}."""
    return canon.dumps(dict(sums)) + b"\n"


def parse_complete(data: bytes) -> dict[str, str]:
    """Return {file name: SHA-256 in lower-case hex} of a COMPLETE file.

    It may be a JSON object of names to hashes, or a list of {"name": ..., "sha256": ...}, by itself or as the one
    nested value of an object that says other things too ({"run_id": "run-5", "files": ...}); or lines as `sha256sum`
    prints them, with `--tag` or without. A hash may begin with `sha256:`. Raises BundleRefused(`complete_malformed`,
    `unknown_file` or `missing_file`) unless it lists files a bundle may hold, each once, and all that it must.
    """
    sums = _from_json(data) if data.lstrip()[:1] in (b"{", b"[") else _from_lines(data)
    for name in sums:
        if name not in FILES:
            message = f"{COMPLETE} lists {shown(name)}, which is no file of a bundle"
            raise BundleRefused(RefusalReason.UNKNOWN_FILE, message, hint=nearest(name[:200], list(FILES)))
    for name in (MANIFEST, STEPS.file):
        if name not in sums:
            raise BundleRefused(RefusalReason.MISSING_FILE, f"{COMPLETE} does not list {name}", hint=_SEAL)
    return {name: _digest(name, sums[name]) for name in sorted(sums)}


def _digest(name: str, said: Any) -> str:
    digest = said.get(_SUM_KEY) if isinstance(said, dict) else said
    bare = digest.removeprefix("sha256:") if isinstance(digest, str) else ""
    if not _SHA256.fullmatch(bare):
        raise _malformed(f"says of {name} {shown(str(said))}, which is no SHA-256 of 64 hex digits")
    return bare.lower()


def _from_json(data: bytes) -> dict[str, Any]:
    try:
        value = canon.parse(data)
    except CanonError as error:
        raise _malformed(f"is not JSON: {error.message}") from None
    value = _listing(value)
    if isinstance(value, list):
        return _by_name(value)
    if not isinstance(value, dict):
        raise _malformed("is not a JSON object of file names to hashes")
    return value


def _listing(value: Any) -> Any:
    """Return the hashes themselves of a seal that says other things as well, such as by whom."""
    if not isinstance(value, dict) or any(name in FILES for name in value):
        return value
    nested = [item for item in value.values() if isinstance(item, dict | list)]
    return nested[0] if len(nested) == 1 else value


def _by_name(entries: list[Any]) -> dict[str, Any]:
    sums: dict[str, Any] = {}
    for entry in entries:
        names = [entry[key] for key in _NAME_KEYS if key in entry] if isinstance(entry, dict) else []
        if len(names) != 1 or not isinstance(names[0], str):
            raise _malformed(f"is not a JSON object of file names to hashes: {shown(str(entry))}")
        if names[0] in sums:
            raise _malformed(f"lists {shown(names[0])} twice")
        sums[names[0]] = entry
    return sums


def _from_lines(data: bytes) -> dict[str, Any]:
    try:
        lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise _malformed(f"is not UTF-8 (byte {error.start})") from None
    sums: dict[str, Any] = {}
    for number, line in enumerate(lines, 1):
        text = line.removesuffix("\r")
        found = _SUM_LINE.fullmatch(text) or _TAGGED_LINE.fullmatch(text)
        if found is None:
            if line.strip():
                raise _malformed(f"line {number}: {shown(line)} is not `<sha256>  <file name>`")
            continue
        if found["name"] in sums:
            raise _malformed(f"line {number}: {shown(found['name'])} stands twice")
        sums[found["name"]] = found["sum"]
    return sums


def _malformed(message: str) -> BundleRefused:
    return BundleRefused(RefusalReason.COMPLETE_MALFORMED, f"{COMPLETE} {message}", hint=_SEAL)
