"""Lines of source files, with bounded memory whatever a file holds.

A line belongs to the chunk in which it starts. Terminators
(`\\n`, `\\r\\n`) and a leading UTF-8 byte order mark are not part of a line's bytes; blank lines are not rows.
"""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from operator import itemgetter
from typing import IO, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from distill_platform.core import canon
from distill_platform.core.errors import CanonError, SourceError
from distill_platform.refinery.archives import Inflated
from distill_platform.refinery.settings import IngestSettings
from distill_platform.refinery.source_files import Chunk, FileKind, SourceFile

_BLOCK = 2**20
_BOM = b"\xef\xbb\xbf"
_HEAD = 4_096
_BATCH_LINES = 65_535  # and the one that the block before left open


class Line(NamedTuple):
    """One line: `number` counts from the chunk's start; `refused` is a quarantine reason, or empty."""

    number: int
    raw: bytes
    refused: str = ""
    detail: str = ""
    sha256: str = ""


class Batch(NamedTuple):
    """Lines of a chunk that are in memory together: `raw[i]` is line `numbers[i]`, and apart from them those refused.

    `total` counts the chunk's lines so far, blank ones included.
    """

    numbers: list[int]
    raw: list[bytes]
    refused: list[Line]
    total: int

    @property
    def lines(self) -> list[Line]:
        """Return all lines, one by one and in order."""
        return sorted([*map(Line, self.numbers, self.raw), *self.refused])


def read_batches(chunk: Chunk, limits: IngestSettings) -> Iterator[Batch]:
    """Yield the chunk's lines in batches of about a megabyte, which a processor's cache holds.

    What cannot be read as declared becomes a Line with a refusal: oversized_row, torn_line, corrupt_archive,
    gzip_bomb. A file that vanishes or cannot be opened raises SourceError.
    """
    try:
        if chunk.file.kind is FileKind.PARQUET:
            yield from _parquet_batches(chunk.file, limits.max_row_bytes)
            return
        with chunk.file.path.open("rb") as file:
            if chunk.file.kind is FileKind.PLAIN:
                yield from _plain_batches(file, chunk, limits)
            else:
                source = Inflated(file, chunk.file, limits.max_inflation, _BLOCK)
                yield from _Splitter(limits.max_row_bytes).batches(source.blocks(), source)
    except OSError as error:
        raise SourceError(f"{chunk.file.name} cannot be read: {error.strerror or error}") from error


def _plain_batches(file: IO[bytes], chunk: Chunk, limits: IngestSettings) -> Iterator[Batch]:
    start = _first_line_start(file, chunk.start, chunk.end)
    if start < chunk.end:
        file.seek(start)
        blocks = _blocks_to_line_end(file, chunk.end - start, chunk.file.size - start)
        yield from _Splitter(limits.max_row_bytes, at_start=start == 0).batches(blocks, None)


def _first_line_start(file: IO[bytes], start: int, end: int) -> int:
    """Return where the first line starts that starts in [start, end); `end` when none does."""
    if start == 0:
        return 0
    position = start - 1
    file.seek(position)
    while position < end - 1 and (block := file.read(min(_BLOCK, end - 1 - position))):
        found = block.find(b"\n")
        if found >= 0:
            return position + found + 1
        position += len(block)
    return end


def _blocks_to_line_end(file: IO[bytes], wanted: int, left: int) -> Iterator[bytes]:
    """Yield `wanted` bytes, then more up to and including the end of the line that they cut, `left` bytes in all.

    What was appended since the file was listed is left to the next run: every reading of a chunk sees the same bytes.
    """
    last = b"\n"
    while wanted > 0 and (block := file.read(min(wanted, _BLOCK))):
        wanted, left = wanted - len(block), left - len(block)
        last = block
        yield block
    while left > 0 and not last.endswith(b"\n") and (block := file.read(min(_BLOCK, left))):
        left -= len(block)
        end = block.find(b"\n")
        last = block if end < 0 else block[: end + 1]
        yield last


def _pieces(block: bytes) -> list[bytes]:
    """Return what `block.split(b"\\n")` gives, three times as fast: readlines jumps from line to line."""
    pieces = io.BytesIO(block).readlines()
    rest = b"" if block.endswith(b"\n") or not pieces else pieces.pop()
    return [*(line[:-1] for line in pieces), rest]


class _Splitter:
    """Cuts blocks of bytes into lines; holds at most one batch, and of an oversized line only its head."""

    def __init__(self, max_row_bytes: int, at_start: bool = True) -> None:
        self._max = max_row_bytes
        self._number = 0
        self._at_start = at_start
        self._head = b""
        self._carry: list[bytes] = []
        self._carried = 0
        self._oversized: _Oversized | None = None
        self._numbers: list[int] = []
        self._raw: list[bytes] = []
        self._refused: list[Line] = []

    def batches(self, blocks: Iterator[bytes], source: Inflated | None) -> Iterator[Batch]:
        for block in blocks:
            yield from self._feed(block)
        self._end()
        if source is not None and source.refused is not None:
            reason, detail = source.refused
            self._refused.append(Line(self._number, b"", reason, detail, canon.sha256_hex(b"")))
            self._number += 1
        yield self._batch()

    def _batch(self) -> Batch:
        batch = Batch(self._numbers, self._raw, self._refused, self._number)
        self._numbers, self._raw, self._refused = [], [], []
        return batch

    def _feed(self, block: bytes) -> Iterator[Batch]:
        if self._at_start:
            block = self._head + block
            if len(block) < len(_BOM) and _BOM.startswith(block):
                self._head = block
                return
            self._at_start, self._head = False, b""
            block = block.removeprefix(_BOM)
        pieces = _pieces(block)
        self._hold(pieces[0])
        if len(pieces) == 1:
            return
        self._close(torn=False)
        whole = pieces[1:-1]
        for start in range(0, max(len(whole), 1), _BATCH_LINES):
            self._add_all(whole[start : start + _BATCH_LINES])
            yield self._batch()
        self._hold(pieces[-1])

    def _hold(self, piece: bytes) -> None:
        if self._oversized is not None:
            self._oversized.add(piece)
            return
        self._carry.append(piece)
        self._carried += len(piece)
        if self._carried > self._max + 1:
            self._oversized = _Oversized(b"".join(self._carry))
            self._carry = []

    def _close(self, torn: bool) -> None:
        oversized, raw = self._oversized, b"".join(self._carry)
        self._carry, self._carried, self._oversized = [], 0, None
        if oversized is None:
            self._add(raw, torn)
            return
        self._refused.append(oversized.line(self._number, self._max))
        self._number += 1

    def _add_all(self, pieces: list[bytes]) -> None:
        """Add whole lines: all at once where there is nothing to say about any of them."""
        if not _usual(pieces, self._max):
            for raw in pieces:
                self._add(raw, torn=False)
            return
        self._numbers += range(self._number, self._number + len(pieces))
        self._raw += pieces
        self._number += len(pieces)

    def _add(self, raw: bytes, torn: bool) -> None:
        number = self._number
        self._number += 1
        if len(raw) - raw.endswith(b"\r") > self._max:
            self._refused.append(_Oversized(raw).line(number, self._max))
            return
        if raw.endswith(b"\r"):
            raw = raw[:-1]
        if not raw or raw.isspace():
            return
        if torn and canon.is_cut_off(raw):
            self._refused.append(Line(number, raw, "torn_line", "the last line is cut off"))
            return
        self._numbers.append(number)
        self._raw.append(raw)

    def _end(self) -> None:
        self._hold(self._head)
        if self._oversized is not None or any(self._carry):
            self._close(torn=True)


def _usual(pieces: list[bytes], limit: int) -> bool:
    """Return whether every piece is a line as it stands: not blank, not too long, no `\\r` at its end."""
    return (
        max(map(len, pieces), default=0) <= limit
        and all(pieces)
        and not any(map(bytes.isspace, pieces))
        and b"\r" not in map(itemgetter(slice(-1, None)), pieces)
    )


class _Oversized:
    """Counts and hashes a line that is too long to hold; one `\\r` at its end is not part of it."""

    def __init__(self, start: bytes) -> None:
        self._hash = hashlib.sha256()
        self._head = b""
        self._size = 0
        self._return = b""
        self.add(start)

    def add(self, piece: bytes) -> None:
        if not piece:
            return
        known = self._return + piece if self._return else piece
        self._return = b"\r" if known.endswith(b"\r") else b""
        known = known.removesuffix(b"\r")
        self._head += known[: _HEAD - len(self._head)]
        self._hash.update(known)
        self._size += len(known)

    def line(self, number: int, limit: int) -> Line:
        detail = f"{self._size} bytes, more than the {limit} allowed; only the head is kept"
        return Line(number, self._head, "oversized_row", detail, self._hash.hexdigest())


def _parquet_batches(file: SourceFile, max_row_bytes: int) -> Iterator[Batch]:
    """Yield rows of a Parquet file; the canonical JSON of a row stands for its bytes."""
    number = 0
    with file.path.open("rb") as opened:
        try:
            parquet = pq.ParquetFile(opened)
            _refuse_same_names(parquet.schema_arrow.names)
            for batch in parquet.iter_batches(batch_size=1_024):
                rows = [
                    _parquet_line(number + index, row, max_row_bytes) for index, row in enumerate(batch.to_pylist())
                ]
                number += len(rows)
                refused = [line for line in rows if line.refused]
                kept = [line for line in rows if not line.refused]
                yield Batch([line.number for line in kept], [line.raw for line in kept], refused, number)
        except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
            detail = f"not a readable Parquet file: {error}; what comes after was not read"
            damaged = Line(number, b"", "corrupt_archive", detail, canon.sha256_hex(b""))
            yield Batch([], [], [damaged], number + 1)


def _refuse_same_names(names: list[str]) -> None:
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise ValueError(f"more than one column is named {repeated[0]!r}")


def _parquet_line(number: int, row: dict[str, object], max_row_bytes: int) -> Line:
    try:
        canon.refuse_non_finite(row)
        raw = canon.dumps(row, default=_plain)
    except CanonError as error:
        return Line(number, repr(row)[:_HEAD].encode("utf-8", "replace"), error.reason, str(error))
    return Line(number, raw) if len(raw) <= max_row_bytes else _Oversized(raw).line(number, max_row_bytes)


def _plain(value: object) -> object:
    """Return what stands in JSON for a value that only Parquet has: nanosecond time stamps and decimals."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal) and value.is_finite():
        return float(value)
    raise TypeError(f"no JSON for {type(value).__name__}")
