"""What a published dataset says of itself: its files, where it came from, what was counted, and its verdict."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from distill_platform.core import canon
from distill_platform.core.errors import CorruptDataset, DistillError

FORMAT = 1


@dataclass(frozen=True)
class Part:
    """One immutable file of a table; `path` is relative to the version's folder."""

    path: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class TableEntry:
    """One table: its rows, the hash over its ordered row hashes, and its files in row order."""

    rows: int
    content_hash: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Input:
    """One input as it was read: `version` names its bytes, `content_hash` its rows."""

    version: str
    content_hash: str


ABSENT = Input("absent", "absent")
"""How a partition is remembered that did not exist: once it does, what was made without it is stale."""


@dataclass(frozen=True)
class Counts:
    """Where the rows of a stage went; law 1 says they add up."""

    rows_in: int = 0
    rows_out: int = 0
    deduplicated: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    quarantined: Mapping[str, int] = field(default_factory=dict)

    @property
    def conserved(self) -> bool:
        """Return whether rows in = rows out + deduplicated + skipped + quarantined."""
        gone = sum(self.skipped.values()) + sum(self.quarantined.values())
        return self.rows_in == self.rows_out + self.deduplicated + gone

    def plus(self, other: Counts) -> Counts:
        """Return both counts added, reason by reason."""
        return Counts(
            self.rows_in + other.rows_in,
            self.rows_out + other.rows_out,
            self.deduplicated + other.deduplicated,
            _added(self.skipped, other.skipped),
            _added(self.quarantined, other.quarantined),
        )


def _added(left: Mapping[str, int], right: Mapping[str, int]) -> dict[str, int]:
    return {reason: left.get(reason, 0) + right.get(reason, 0) for reason in sorted({*left, *right})}


@dataclass(frozen=True)
class Check:
    """One law held against one partition: what was observed, what was allowed, and a few offenders."""

    name: str
    passed: bool
    blocking: bool
    observed: float
    allowed: float
    description: str
    sample: tuple[str, ...] = ()


@dataclass(frozen=True)
class Manifest:
    """The published state of one partition of one dataset. It holds no run time: same work, same bytes."""

    dataset: str
    partition: str
    version: str
    code_version: str
    config_hash: str
    inputs: Mapping[str, Input]
    tables: Mapping[str, TableEntry]
    counts: Counts
    checks: tuple[Check, ...]
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Return the verdict: every blocking check held, and there was at least one."""
        blocking = [check.passed for check in self.checks if check.blocking]
        return bool(blocking) and all(blocking)

    @property
    def errors(self) -> tuple[str, ...]:
        """Return what the failed blocking checks say."""
        return tuple(
            f"{check.name}: {check.description} (observed {check.observed:g}, allowed {check.allowed:g})"
            for check in self.checks
            if check.blocking and not check.passed
        )

    @property
    def content_hash(self) -> str:
        """Return one hash over all tables' content hashes."""
        return canon.sig_hash({name: table.content_hash for name, table in self.tables.items()})

    @property
    def input_hash(self) -> str:
        """Return one hash over what was read: the inputs' content, not where their bytes lay."""
        return canon.sig_hash({name: read.content_hash for name, read in self.inputs.items()})

    def to_bytes(self) -> bytes:
        """Return the manifest as canonical JSON with its own digest inside."""
        body = {"format": FORMAT, "passed": self.passed, **_plain(asdict(self))}
        return canon.dumps({**body, "digest": canon.sig_hash(body)})


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def read_manifest(data: bytes, place: str) -> Manifest:
    """Return the manifest in `data`; CorruptDataset when its digest or shape is not right."""
    hint = "Materialize the partition again"
    try:
        body = canon.parse(data)
        digest = body.pop("digest")
        if digest != canon.sig_hash(body) or body.pop("format") != FORMAT:
            raise CorruptDataset(f"{place} does not match its own digest", hint=hint)
        body.pop("passed")
        return _built(body)
    except (DistillError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, CorruptDataset):
            raise
        raise CorruptDataset(f"{place} is not a manifest: {error}", hint=hint) from None


def _built(body: dict[str, Any]) -> Manifest:
    body["inputs"] = {name: Input(**read) for name, read in body["inputs"].items()}
    body["tables"] = {
        name: TableEntry(table["rows"], table["content_hash"], tuple(Part(**part) for part in table["parts"]))
        for name, table in body["tables"].items()
    }
    body["counts"] = Counts(**body["counts"])
    body["checks"] = tuple(Check(**{**check, "sample": tuple(check["sample"])}) for check in body["checks"])
    return Manifest(**body)


def version_of(tables: Mapping[str, TableEntry]) -> str:
    """Return the name of a version: a hash over the bytes of all its files."""
    digest = hashlib.sha256()
    for name in sorted(tables):
        for part in tables[name].parts:
            digest.update(f"{name}/{part.path}:{part.sha256}\n".encode())
    return digest.hexdigest()[:24]
