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
_SUM_LINE = re.compile(r"(?P<sum>[0-9a-f]{64}) [ *](?P<name>[^\r\n]+)", re.IGNORECASE)
_SEAL = "Seal the folder again: `distill seal <folder>` writes COMPLETE once the files are as they should be"


def bundle_sha256(sums: Mapping[str, str]) -> str:
    """Return the hash that names a bundle: `sig_hash` over the object {file name: SHA-256 hex of its bytes}."""
    return canon.sig_hash(dict(sums))


def to_complete(sums: Mapping[str, str]) -> bytes:
    """Return the bytes of COMPLETE as we write it: the canonical JSON object {file name: SHA-256 hex}."""
    return canon.dumps(dict(sums)) + b"\n"


def parse_complete(data: bytes) -> dict[str, str]:
    """Return {file name: SHA-256 in lower-case hex} of a COMPLETE file.

    It may be a JSON object of names to hashes, {"files": that object}, or lines as `sha256sum` prints them. Raises
    BundleRefused(`complete_malformed`, `unknown_file` or `missing_file`) unless it lists files a bundle may hold, each
    once, and among them those that it must.
    """
    sums = _from_json(data) if data.lstrip()[:1] in (b"{", b"[") else _from_lines(data)
    for name, digest in sums.items():
        if name not in FILES:
            message = f"{COMPLETE} lists {shown(name)}, which is no file of a bundle"
            raise BundleRefused(RefusalReason.UNKNOWN_FILE, message, hint=nearest(name[:200], list(FILES)))
        if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
            raise _malformed(f"says of {name} {shown(str(digest))}, which is no SHA-256 of 64 hex digits")
    for name in (MANIFEST, STEPS.file):
        if name not in sums:
            raise BundleRefused(RefusalReason.MISSING_FILE, f"{COMPLETE} does not list {name}", hint=_SEAL)
    return {name: sums[name].lower() for name in sorted(sums)}


def _from_json(data: bytes) -> dict[str, Any]:
    try:
        value = canon.parse(data)
    except CanonError as error:
        raise _malformed(f"is not JSON: {error.message}") from None
    if isinstance(value, dict) and list(value) == ["files"]:
        value = value["files"]
    if not isinstance(value, dict):
        raise _malformed("is not a JSON object of file names to hashes")
    return value


def _from_lines(data: bytes) -> dict[str, Any]:
    try:
        lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise _malformed(f"is not UTF-8 (byte {error.start})") from None
    sums: dict[str, Any] = {}
    for number, line in enumerate(lines, 1):
        found = _SUM_LINE.fullmatch(line.removesuffix("\r"))
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
