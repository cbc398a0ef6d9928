"""Lines of source files: bounded memory whatever the file holds, and never a byte outside the source folder.

A file is cut into chunks that can be read independently. A line belongs to the chunk in which it starts. Terminators
(`\\n`, `\\r\\n`) and a leading UTF-8 byte order mark are not part of a line's bytes; blank lines are not rows.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from distill_platform.core import canon
from distill_platform.core.errors import CanonError, SourceError
from distill_platform.refinery.settings import IngestSettings

CHUNK_BYTES = 16 * 2**20
_BLOCK = 2**20
_BOM = b"\xef\xbb\xbf"
_HEAD = 4_096
_INFLATION_FLOOR = 64 * 2**20


class FileKind(StrEnum):
    """How a source file is read."""

    PLAIN = "jsonl"
    GZIP = "gzip"
    ZSTD = "zstd"
    PARQUET = "parquet"


@dataclass(frozen=True)
class SourceFile:
    """One file of a stream: `name` is its path inside the source folder."""

    stream: str
    path: Path
    name: str
    kind: FileKind
    size: int


@dataclass(frozen=True)
class Chunk:
    """A part of a file: the lines that start at bytes [start, end)."""

    file: SourceFile
    start: int
    end: int


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


def find_files(folder: Path, stream: str, pattern: str) -> list[SourceFile]:
    """Return the files of a stream, by name; an empty list when there are none.

    Raises SourceError for a file that a symbolic link places outside the source folder, or one of unknown kind.
    """
    root = folder.resolve()
    found = []
    for path in sorted(folder.glob(pattern)):
        name = path.relative_to(folder).as_posix()
        if not path.resolve().is_relative_to(root):
            hint = "Copy the file into the source folder"
            raise SourceError(f"stream {stream}: {name} is a link that leaves the source folder", hint=hint)
        if path.is_file():
            found.append(SourceFile(stream, path, name, kind_of(path), path.stat().st_size))
    return found


def kind_of(path: Path) -> FileKind:
    """Return how a file is read, by its name; SourceError for an unknown ending."""
    endings = {".gz": FileKind.GZIP, ".zst": FileKind.ZSTD, ".parquet": FileKind.PARQUET}
    kind = endings.get(path.suffix, FileKind.PLAIN)
    if kind is FileKind.PLAIN and path.suffix not in (".jsonl", ".ndjson", ".json"):
        raise SourceError(f"{path.name}: unknown kind of file", hint="Use .jsonl, .jsonl.gz, .jsonl.zst or .parquet")
    return kind


def chunks(file: SourceFile, chunk_bytes: int = CHUNK_BYTES) -> list[Chunk]:
    """Return the chunks of a file; only plain files can be cut, the others are one chunk."""
    if file.kind is not FileKind.PLAIN:
        return [Chunk(file, 0, file.size)]
    starts = range(0, file.size, chunk_bytes)
    return [Chunk(file, start, min(start + chunk_bytes, file.size)) for start in starts]


def read_batches(chunk: Chunk, limits: IngestSettings, batch_bytes: int = CHUNK_BYTES) -> Iterator[Batch]:
    """Yield the chunk's lines in batches of about `batch_bytes`.

    What cannot be read as declared becomes a Line with a refusal: oversized_row, torn_line, corrupt_archive,
    gzip_bomb. A file that vanishes or cannot be opened raises SourceError.
    """
    try:
        if chunk.file.kind is FileKind.PARQUET:
            yield from _parquet_batches(chunk.file)
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
    start = _first_line_start(file, chunk.start)
    if start < chunk.end:
        file.seek(start)
        blocks = _blocks_to_line_end(file, chunk.end - start)
        yield from _Splitter(limits.max_row_bytes, at_start=start == 0).batches(blocks, batch_bytes, None)


def _first_line_start(file: IO[bytes], start: int) -> int:
    """Return where the first line starts that starts at or after `start`."""
    if start == 0:
        return 0
    file.seek(start - 1)
    position = start - 1
    while block := file.read(_BLOCK):
        found = block.find(b"\n")
        if found >= 0:
            return position + found + 1
        position += len(block)
    return position


def _blocks_to_line_end(file: IO[bytes], wanted: int) -> Iterator[bytes]:
    """Yield `wanted` bytes, then more up to and including the end of the line that they cut."""
    last = b"\n"
    while wanted > 0 and (block := file.read(min(wanted, CHUNK_BYTES))):
        wanted -= len(block)
        last = block
        yield block
    while not last.endswith(b"\n") and (block := file.read(_BLOCK)):
        end = block.find(b"\n")
        last = block if end < 0 else block[: end + 1]
        yield last


class _Splitter:
    """Cuts blocks of bytes into lines; holds at most one batch, and of an oversized line only its head."""

    def __init__(self, max_row_bytes: int, at_start: bool = True) -> None:
        self._max = max_row_bytes
        self._number = 0
        self._at_start = at_start
        self._carry: list[bytes] = []
        self._carried = 0
        self._oversized: _Oversized | None = None

    def batches(self, blocks: Iterator[bytes], batch_bytes: int, source: _Inflated | None) -> Iterator[Batch]:
        lines: list[Line] = []
        held = 0
        for block in blocks:
            lines.extend(self._feed(block))
            held += len(block)
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
            self._at_start = False
            block = block.removeprefix(_BOM)
        pieces = block.split(b"\n")
        self._hold(pieces[0])
        if len(pieces) == 1:
            return []
        lines = self._close(torn=False)
        lines += [line for raw in pieces[1:-1] if (line := self._line(raw, torn=False)) is not None]
        self._hold(pieces[-1])
        return lines

    def _hold(self, piece: bytes) -> None:
        if self._oversized is not None:
            self._oversized.add(piece)
            return
        self._carry.append(piece)
        self._carried += len(piece)
        if self._carried > self._max:
            self._oversized = _Oversized(b"".join(self._carry))
            self._carry = []

    def _close(self, torn: bool) -> list[Line]:
        oversized, raw = self._oversized, b"".join(self._carry)
        self._carry, self._carried, self._oversized = [], 0, None
        if oversized is None:
            line = self._line(raw, torn)
            return [] if line is None else [line]
        self._number += 1
        return [oversized.line(self._number - 1, self._max)]

    def _line(self, raw: bytes, torn: bool) -> Line | None:
        number = self._number
        self._number += 1
        if raw.endswith(b"\r"):
            raw = raw[:-1]
        if len(raw) > self._max:
            return _Oversized(raw).line(number, self._max)
        if not raw or raw.isspace():
            return None
        if torn and not _is_json(raw):
            return Line(number, raw, "torn_line", "the last line is cut off")
        return Line(number, raw)

    def _end(self) -> list[Line]:
        return self._close(torn=True) if self._oversized is not None or any(self._carry) else []


def _is_json(raw: bytes) -> bool:
    """Return whether bytes are complete, whatever is wrong with them otherwise: complete lines are not torn."""
    try:
        canon.parse(raw)
    except CanonError as error:
        return error.reason != "malformed_json"
    return True


class _Oversized:
    """Counts and hashes a line that is too long to hold."""

    def __init__(self, start: bytes) -> None:
        self._hash = hashlib.sha256(start)
        self._head = start[:_HEAD]
        self._size = len(start)

    def add(self, piece: bytes) -> None:
        self._hash.update(piece)
        self._size += len(piece)

    def line(self, number: int, limit: int) -> Line:
        detail = f"{self._size} bytes, more than the {limit} allowed; only the head is kept"
        return Line(number, self._head, "oversized_row", detail, self._hash.hexdigest())


class _Inflated:
    """Decompresses a file block by block; stops at a bomb or at damage and says so in `refused`."""

    def __init__(self, file: IO[bytes], source: SourceFile, max_inflation: int) -> None:
        opened: Any = gzip.GzipFile(fileobj=file) if source.kind is FileKind.GZIP else _zstd(file)
        self._stream: IO[bytes] = io.BufferedReader(opened, _BLOCK)
        self._allowed = max(_INFLATION_FLOOR, source.size * max_inflation)
        self.refused: Line | None = None

    def blocks(self) -> Iterator[bytes]:
        produced = 0
        while block := self._next():
            produced += len(block)
            if produced > self._allowed:
                detail = f"inflates to more than {self._allowed} bytes; what comes after was not read"
                self.refused = Line(0, b"", "gzip_bomb", detail, canon.sha256_hex(b""))
                return
            yield block

    def _next(self) -> bytes:
        try:
            return self._stream.read(_BLOCK)
        except (EOFError, OSError, zlib.error, zstandard.ZstdError) as error:
            detail = f"the archive is damaged: {error}; what comes after was not read"
            self.refused = Line(0, b"", "corrupt_archive", detail, canon.sha256_hex(b""))
            return b""


def _zstd(file: IO[bytes]) -> IO[bytes]:
    return zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(file, read_across_frames=True)


def _parquet_batches(file: SourceFile) -> Iterator[Batch]:
    """Yield rows of a Parquet file; the canonical JSON of a row stands for its bytes."""
    number = 0
    try:
        for batch in pq.ParquetFile(file.path).iter_batches(batch_size=4_096):
            lines = [_parquet_line(number + index, row) for index, row in enumerate(batch.to_pylist())]
            number += len(lines)
            yield Batch(lines, number)
    except (pa.ArrowException, UnicodeDecodeError) as error:
        damaged = Line(number, b"", "corrupt_archive", f"not a readable Parquet file: {error}", canon.sha256_hex(b""))
        yield Batch([damaged], number + 1)


def _parquet_line(number: int, row: dict[str, object]) -> Line:
    try:
        return Line(number, canon.dumps(row))
    except CanonError as error:
        return Line(number, repr(row)[:_HEAD].encode("utf-8", "replace"), error.reason, str(error))
