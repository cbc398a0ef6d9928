"""Archives: compressed source files, inflated in bounded memory whatever they hold."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import IO, Any

import zstandard

from distill_platform.refinery.source_files import FileKind, SourceFile

_INFLATION_FLOOR = 64 * 2**20
_PIECE = {True: 16 * 2**10, False: 2 * 2**10}  # compressed bytes at a time: both inflate to 64 MiB at the very most


class Inflated:
    """Decompresses a file block by block; stops at a bomb or at damage and says so in `refused`: reason and detail."""

    def __init__(self, file: IO[bytes], source: SourceFile, max_inflation: int, block: int) -> None:
        self._file = file
        self._gzip = source.kind is FileKind.GZIP
        self._allowed = max(_INFLATION_FLOOR, source.size * max_inflation)
        self._block = block
        self.refused: tuple[str, str] | None = None

    def blocks(self) -> Iterator[bytes]:
        """Yield the bytes of the file in blocks of one to two times the size asked for; the last may be smaller."""
        held: list[bytes] = []
        size = produced = 0
        try:
            for piece in self._inflated():
                produced += len(piece)
                if produced > self._allowed:
                    self._refuse("gzip_bomb", f"inflates to more than {self._allowed} bytes")
                    break
                held.append(piece)
                size += len(piece)
                if size >= self._block:
                    yield b"".join(held)
                    held, size = [], 0
        except (EOFError, zlib.error, zstandard.ZstdError) as error:
            self._refuse("corrupt_archive", f"the archive is damaged: {error}")
        yield b"".join(held)

    def _refuse(self, reason: str, detail: str) -> None:
        self.refused = (reason, f"{detail}; what comes after was not read")

    def _inflated(self) -> Iterator[bytes]:
        """Yield what is before the damage, if there is any, to the last byte; then raise."""
        member: Any = None
        while piece := self._file.read(_PIECE[self._gzip]):
            while piece:
                if member is None:
                    member = zlib.decompressobj(wbits=31) if self._gzip else _zstd()
                inflated = member.decompress(piece)
                yield from (inflated[at : at + self._block] for at in range(0, len(inflated), self._block))
                piece, member = (member.unused_data, None) if member.eof else (b"", member)
                if self._gzip and member is None:
                    piece = piece.lstrip(b"\0")  # padding after a member is allowed
        if member is not None:
            raise EOFError("it ends before its end mark")


def _zstd() -> zstandard.ZstdDecompressionObj:
    return zstandard.ZstdDecompressor(max_window_size=2**27).decompressobj()
