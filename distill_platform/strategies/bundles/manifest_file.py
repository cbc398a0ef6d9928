"""`run_manifest.json` as bytes: strict JSON into a manifest, with errors that name the place and the nearest key."""

from __future__ import annotations

from typing import Any, NoReturn

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from distill_platform.core import canon
from distill_platform.core.config import known_keys, nearest
from distill_platform.core.errors import CanonError
from distill_platform.strategies.bundles.manifest import RunManifest
from distill_platform.strategies.bundles.refusal import BundleRefused, RefusalReason, shown
from distill_platform.strategies.bundles.tables import MANIFEST

_FIRST = ("extra_forbidden", "missing")


def parse_manifest(data: bytes) -> RunManifest:
    """Return the manifest that these bytes hold.

    Raises BundleRefused: `manifest_malformed` for what is not one strict JSON object, `manifest_unknown_key`,
    `manifest_missing_key` and `manifest_invalid` with the dotted place of the key.
    """
    try:
        document = canon.parse(data)
    except CanonError as error:
        raise _refused(RefusalReason.MANIFEST_MALFORMED, f"is not strict JSON: {error.message}") from None
    if not isinstance(document, dict):
        raise _refused(RefusalReason.MANIFEST_MALFORMED, "is not a JSON object")
    try:
        return RunManifest.model_validate(document)
    except ValidationError as error:
        _refuse(min(error.errors(include_url=False), key=_rank), document)


def to_manifest_bytes(manifest: RunManifest) -> bytes:
    """Return the canonical JSON of a manifest; BundleRefused for numbers that JSON does not have."""
    try:
        canon.refuse_non_finite(manifest.model_dump())
        return canon.dumps(manifest.model_dump(mode="json")) + b"\n"
    except CanonError as error:
        raise _refused(RefusalReason.MANIFEST_MALFORMED, f"cannot be written as JSON: {error.message}") from None


def _rank(detail: ErrorDetails) -> int:
    """Return the order in which mistakes are named: a misspelt key says more than the key that it leaves missing."""
    return _FIRST.index(detail["type"]) if detail["type"] in _FIRST else len(_FIRST)


def _refuse(detail: ErrorDetails, document: dict[str, Any]) -> NoReturn:
    location = detail["loc"]
    place = _place(document, location)
    known = known_keys(RunManifest, location[:-1])
    if detail["type"] == "extra_forbidden":
        hint = nearest(str(location[-1])[:200], known)
        raise _refused(RefusalReason.MANIFEST_UNKNOWN_KEY, f"{place}: unknown key", hint)
    if detail["type"] == "missing":
        hint = "Nothing has a default; write null where the contract allows it"
        raise _refused(RefusalReason.MANIFEST_MISSING_KEY, f"{place}: missing key", hint)
    said = detail["msg"].removeprefix("Value error, ")
    raise _refused(RefusalReason.MANIFEST_INVALID, f"{place}: {said}, not {shown(repr(detail['input']))}")


def _place(document: Any, location: tuple[str | int, ...]) -> str:
    """Return the dotted place in the document; names of types that the validator puts in between are left out."""
    words: list[str] = []
    value = document
    for part in location:
        if isinstance(value, list) and isinstance(part, int) and part < len(value):
            words.append(str(part))
            value = value[part]
        elif isinstance(value, dict) and (part in value or part == location[-1]):
            words.append(_word(str(part)))
            value = value.get(part)
    return ".".join(words) or "the file"


def _word(key: str) -> str:
    return key if key.isidentifier() and key.isascii() and len(key) <= 80 else shown(key)


def _refused(reason: RefusalReason, message: str, hint: str = "") -> BundleRefused:
    return BundleRefused(reason, f"{MANIFEST}: {message}", hint=hint or "Mend it where it is made, and seal it again")
