"""Archives: the one file of a zip, unpacked within bounds and never onto a disk."""

from __future__ import annotations

import io
import zipfile
import zlib

from distill_platform.feeds.connectors.unreadable import unreadable
from distill_platform.feeds.rejected import Origin

_MOST_INFLATION = 200
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def only_member(body: bytes, ending: str, limit: int, origin: Origin) -> bytes:
    """Return the bytes of the only file of a zip, whose name ends with `ending`.

    Raises FeedGarbled for what is no zip, is cut off or damaged, holds another number of files, a folder, a path, an
    encrypted file or another kind, or one of more than `limit` bytes or 200 times its packed size: before unpacking
    where the archive says so, and while unpacking where it lies.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            largest = min(limit, _MOST_INFLATION * max(len(body), 1_000))
            member = _checked(archive.infolist(), ending, largest, origin)
            with archive.open(member) as file:
                found = file.read(largest + 1)
                _refuse_large(len(found), largest, origin)
                return found + file.read(1)  # which makes it look at the checksum
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, RuntimeError) as error:
        raise unreadable(origin, f"it is no whole zip: {error}") from None


def _checked(members: list[zipfile.ZipInfo], ending: str, limit: int, origin: Origin) -> zipfile.ZipInfo:
    if len(members) != 1:
        raise unreadable(origin, f"its zip holds {len(members)} files, not one")
    member = members[0]
    name = member.filename
    if "/" in name or "\\" in name or not name.lower().endswith(ending):
        raise unreadable(origin, f"its zip holds {ascii(name)[:80]}, not one file that ends with {ending}")
    if member.flag_bits & 1 or member.compress_type not in _METHODS:
        raise unreadable(origin, "its zip is encrypted, or packed in an unusual way")
    _refuse_large(member.file_size, limit, origin)
    return member


def _refuse_large(size: int, largest: int, origin: Origin) -> None:
    if size > largest:
        raise unreadable(origin, f"its zip unpacks to more than {largest:,} bytes", "Raise max_bytes if that is right")
