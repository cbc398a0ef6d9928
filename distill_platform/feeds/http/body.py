"""Bodies: the bytes of an answer, all of them, unpacked and within bounds, or an error."""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Iterable, Iterator
from email.message import Message

from distill_platform.core.errors import FeedGarbled
from distill_platform.feeds.http.resource import Resource
from distill_platform.feeds.settings import is_charset

_STEP = 256 * 1024
_GZIP = zlib.MAX_WBITS | 16


def read_body(chunks: Iterable[bytes], packing: str, limit: int, resource: Resource) -> bytes:
    """Return the body that comes as `chunks`, unpacked as its header `Content-Encoding` says.

    Raises FeedGarbled for more than `limit` bytes, packed or unpacked, for any packing but gzip, and for gzip data
    that are cut off, altered or followed by something else. No bytes at all are no bytes, however they are labelled.
    """
    packed = _within(chunks, limit, resource)
    if packing.strip().lower() in ("", "identity"):
        return b"".join(packed)
    if packing.strip().lower() not in ("gzip", "x-gzip"):
        raise garbled(resource, f"it is packed as {packing[:40]!r}, which was not asked for")
    return b"".join(_within(_unpacked(packed, resource), limit, resource))


def check_charset(body: bytes, content_type: str, declared: str | None, resource: Resource) -> None:
    """Return when `body` is text in the encoding that the feed's file declares, or else the one its source names.

    Where nobody says, it may be anything. Raises FeedGarbled for bytes that are no such text, and for an encoding
    that nobody uses for text.
    """
    hint = "Declare the feed's encoding if it is known to be another one"
    try:
        charset = declared or _charset(content_type)
    except (
        TypeError,
        ValueError,
        LookupError,
    ):  # the standard library's own, over parameters that contradict each other
        raise garbled(resource, f"its Content-Type {content_type[:80]!r} cannot be read", hint=hint) from None
    if charset is None:
        return
    if not is_charset(charset):
        raise garbled(resource, f"it says that its text is {charset[:40]!r}, which is no encoding", hint=hint)
    try:
        codecs.decode(body, charset.lower())
    except (UnicodeDecodeError, LookupError) as error:
        raise garbled(resource, f"it is not {charset} text: {error}", hint=hint) from None


def garbled(resource: Resource, message: str, *, is_transient: bool = False, hint: str = "") -> FeedGarbled:
    """Return the error that says what is wrong with the bytes of `resource`."""
    return FeedGarbled(message, feed=resource.feed, url=resource.shown, is_transient=is_transient, hint=hint)


def _within(chunks: Iterable[bytes], limit: int, resource: Resource) -> Iterator[bytes]:
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > limit:
            raise garbled(resource, f"it is larger than {limit:,} bytes", hint="Raise max_bytes if that is right")
        yield chunk


def _unpacked(chunks: Iterable[bytes], resource: Resource) -> Iterator[bytes]:
    """Yield what gzip members, one after the other, hold, in steps that no bomb can make large."""
    engine, is_untouched = zlib.decompressobj(_GZIP), True
    try:
        for chunk in chunks:
            while chunk:
                if engine.eof:
                    engine = zlib.decompressobj(_GZIP)
                is_untouched = False
                yield engine.decompress(chunk, _STEP)
                chunk = engine.unused_data if engine.eof else engine.unconsumed_tail
        yield engine.flush()
    except zlib.error as error:
        raise garbled(resource, f"its gzip data are damaged: {error}", is_transient=True) from None
    if not engine.eof and not is_untouched:
        raise garbled(resource, "its gzip data are cut off", is_transient=True)


def _charset(content_type: str) -> str | None:
    header = Message()
    header["content-type"] = content_type
    return header.get_content_charset()
