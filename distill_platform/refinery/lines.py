"""Lines of source files, with bounded memory whatever a file holds.

A line belongs to the chunk in which it starts. Terminators
(`\\n`, `\\r\\n`) and a leading UTF-8 byte order mark are not part of a line's bytes; blank lines are not rows.
"""

from __future__ import annotations

import hashlib
import io
import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import IO, Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from distill_platform.core import canon
from distill_platform.core.errors import CanonError, SourceError
from distill_platform.refinery.settings import IngestSettings
from distill_platform.refinery.source_files import CHUNK_BYTES, Chunk, FileKind, SourceFile

_BLOCK = 2**20
_BOM = b"\xef\xbb\xbf"
_HEAD = 4_096
_BATCH_LINES = 65_536
_INFLATION_FLOOR = 64 * 2**20
_PIECE = {True: 16 * 2**10, False: 2 * 2**10}  # compressed bytes at a time: both inflate to 64 MiB at the very most


class Line(NamedTuple):
    """One line: `number` counts from the chunk's start; `refused` is a quarantine reason, or empty."""

    number: int
    raw: bytes
    refused: str = ""
    detail: str = ""
    sha256: str = ""


class Batch(NamedTuple):
    """Lines of a chunk that are in memory together; `total` counts the chunk's lines so far, blank ones included."""

    lines: list[Line]
    total: int


def read_batches(chunk: Chunk, limits: IngestSettings, batch_bytes: int = CHUNK_BYTES) -> Iterator[Batch]:
    """Yield the chunk's lines in batches of about `batch_bytes`.

    What cannot be read as declared becomes a Line with a refusal: oversized_row, torn_line, corrupt_archive,
    gzip_bomb. A file that vanishes or cannot be opened raises SourceError.
    """
    try:
        if chunk.file.kind is FileKind.PARQUET:
            yield from _parquet_batches(chunk.file, limits.max_row_bytes)
            return
        with chunk.file.path.open("rb") as file:
            if chunk.file.kind is FileKind.PLAIN:
                yield from _plain_batches(file, chunk, limits, batch_bytes)
            else:
                source = _Inflated(file, chunk.file, limits.max_inflation)
                yield from _Splitter(limits.max_row_bytes).batches(source.blocks(), batch_bytes, source)
    except OSError as error:
        raise SourceError(f"{chunk.file.name} cannot be read: {error.strerror or error}") from error


def _plain_batches(file: IO[bytes], chunk: Chunk, limits: IngestSettings, batch_bytes: int) -> Iterator[Batch]:
    start = _first_line_start(file, chunk.start, chunk.end)
    if start < chunk.end:
        file.seek(start)
        blocks = _blocks_to_line_end(file, chunk.end - start, chunk.file.size - start)
        yield from _Splitter(limits.max_row_bytes, at_start=start == 0).batches(blocks, batch_bytes, None)


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
    pieces = [line.removesuffix(b"\n") for line in io.BytesIO(block).readlines()]
    return pieces if pieces and not block.endswith(b"\n") else [*pieces, b""]


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

    def batches(self, blocks: Iterator[bytes], batch_bytes: int, source: _Inflated | None) -> Iterator[Batch]:
        lines: list[Line] = []
        held = 0
        for block in blocks:
            lines.extend(self._feed(block))
            held += len(block)
            while len(lines) > _BATCH_LINES:
                yield Batch(lines[:_BATCH_LINES], self._number)
                lines, held = lines[_BATCH_LINES:], 0
            if held >= batch_bytes and lines:
                yield Batch(lines, self._number)
                lines, held = [], 0
        lines.extend(self._end())
        if source is not None and source.refused is not None:
            lines.append(source.refused._replace(number=self._number))
            self._number += 1
        yield Batch(lines, self._number)

    def _feed(self, block: bytes) -> list[Line]:
        if self._at_start:
            block = self._head + block
            if len(block) < len(_BOM) and _BOM.startswith(block):
                self._head = block
                return []
            self._at_start, self._head = False, b""
            block = block.removeprefix(_BOM)
        pieces = _pieces(block)
        self._hold(pieces[0])
        if len(pieces) == 1:
            return []
        lines = self._close(torn=False)
        numbered = enumerate(pieces[1:-1], self._number)
        lines += [line for number, raw in numbered if raw and (line := self._line(number, raw, torn=False)) is not None]
        self._number += len(pieces) - 2
        self._hold(pieces[-1])
        return lines

    def _hold(self, piece: bytes) -> None:
        if self._oversized is not None:
            self._oversized.add(piece)
            return
        self._carry.append(piece)
        self._carried += len(piece)
        if self._carried > self._max + 1:
            self._oversized = _Oversized(b"".join(self._carry))
            self._carry = []

    def _close(self, torn: bool) -> list[Line]:
        oversized, raw = self._oversized, b"".join(self._carry)
        self._carry, self._carried, self._oversized = [], 0, None
        number = self._number
        self._number += 1
        if oversized is not None:
            return [oversized.line(number, self._max)]
        line = self._line(number, raw, torn)
        return [] if line is None else [line]

    def _line(self, number: int, raw: bytes, torn: bool) -> Line | None:
        if len(raw) - raw.endswith(b"\r") > self._max:
            return _Oversized(raw).line(number, self._max)
        if raw.endswith(b"\r"):
            raw = raw[:-1]
        if not raw or raw.isspace():
            return None
        if torn and canon.is_cut_off(raw):
            return Line(number, raw, "torn_line", "the last line is cut off")
        return Line(number, raw)

    def _end(self) -> list[Line]:
        self._hold(self._head)
        return self._close(torn=True) if self._oversized is not None or any(self._carry) else []


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


class _Inflated:
    """Decompresses a file block by block; stops at a bomb or at damage and says so in `refused`."""

    def __init__(self, file: IO[bytes], source: SourceFile, max_inflation: int) -> None:
        self._file = file
        self._gzip = source.kind is FileKind.GZIP
        self._allowed = max(_INFLATION_FLOOR, source.size * max_inflation)
        self.refused: Line | None = None

    def blocks(self) -> Iterator[bytes]:
        produced = 0
        try:
            for block in self._inflated():
                produced += len(block)
                if produced > self._allowed:
                    self._refuse("gzip_bomb", f"inflates to more than {self._allowed} bytes")
                    return
                yield block
        except (EOFError, zlib.error, zstandard.ZstdError) as error:
            self._refuse("corrupt_archive", f"the archive is damaged: {error}")

    def _refuse(self, reason: str, detail: str) -> None:
        self.refused = Line(0, b"", reason, f"{detail}; what comes after was not read", canon.sha256_hex(b""))

    def _inflated(self) -> Iterator[bytes]:
        """Yield what is before the damage, if there is any, to the last byte; then raise."""
        member: Any = None
        while piece := self._file.read(_PIECE[self._gzip]):
            while piece:
                if member is None:
                    member = zlib.decompressobj(wbits=31) if self._gzip else _zstd()
                inflated = member.decompress(piece)
                yield from (inflated[start : start + _BLOCK] for start in range(0, len(inflated), _BLOCK))
                piece, member = (member.unused_data, None) if member.eof else (b"", member)
                if self._gzip and member is None:
                    piece = piece.lstrip(b"\0")  # padding after a member is allowed
        if member is not None:
            raise EOFError("it ends before its end mark")


def _zstd() -> zstandard.ZstdDecompressionObj:
    return zstandard.ZstdDecompressor(max_window_size=2**27).decompressobj()


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
                yield Batch(rows, number)
        except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
            detail = f"not a readable Parquet file: {error}; what comes after was not read"
            yield Batch([Line(number, b"", "corrupt_archive", detail, canon.sha256_hex(b""))], number + 1)


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
