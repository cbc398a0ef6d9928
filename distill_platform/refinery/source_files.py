"""Source files: which files a stream has, and the chunks in which they can be read independently.

Never a byte outside the source folder: a link that leaves it is an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from distill_platform.core.errors import SourceError

CHUNK_BYTES = 16 * 2**20


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


def find_files(folder: Path, stream: str, pattern: str) -> list[SourceFile]:
    """Return the files of a stream, by name; an empty list when there are none.

    Raises SourceError for a file that a symbolic link places outside the source folder, or one of unknown kind.
    """
    found = []
    for path in sorted(folder.glob(pattern)):
        name = path.relative_to(folder).as_posix()
        try:
            _refuse_outside(path, folder, f"stream {stream}: {name!r}")
            if path.is_file():
                found.append(SourceFile(stream, path, name, kind_of(path), path.stat().st_size))
        except (OSError, RuntimeError) as error:  # RuntimeError: a link that leads to itself
            raise SourceError(f"stream {stream}: {name!r} cannot be found: {error}") from None
    return found


def _refuse_outside(path: Path, folder: Path, what: str) -> None:
    if not path.resolve().is_relative_to(folder.resolve()):
        raise SourceError(f"{what} is a link that leaves the source folder", hint="Copy the file into it")
    try:
        path.name.encode("utf-8")
    except UnicodeEncodeError:
        raise SourceError(f"{what} has a name that is not UTF-8", hint="Rename the file") from None


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
