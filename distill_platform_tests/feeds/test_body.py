"""Packed bytes are unpacked to what was packed, or refused; there is nothing in between."""

import gzip

import pytest
from hypothesis import given, strategies as st

from distill_platform.core.errors import FeedGarbled
from distill_platform.feeds.http.body import check_charset, read_body
from distill_platform.feeds.http.resource import Resource

PAGE = Resource("news", "page", "https://host/page")
LIMIT = 100_000
BODIES = st.binary(min_size=1, max_size=300) | st.binary(max_size=3).map(lambda piece: piece * 20_000)


def unpacked(packed: bytes, step: int = 7) -> bytes:
    chunks = [packed[start : start + step] for start in range(0, len(packed), step)]
    return read_body(chunks, "gzip", LIMIT, PAGE)


def unpacked_or_refused(packed: bytes) -> bytes | None:
    try:
        return unpacked(packed)
    except FeedGarbled:
        return None


@given(BODIES, st.integers(1, 400))
def test_law_however_the_bytes_arrive_they_are_the_same(body: bytes, step: int) -> None:
    assert unpacked(gzip.compress(body), step) == body
    assert read_body([body], "identity", LIMIT, PAGE) == body


@given(BODIES, st.data())
def test_law_a_cut_is_always_found(body: bytes, data: st.DataObject) -> None:
    packed = gzip.compress(body)
    cut = data.draw(st.integers(1, len(packed) - 1))
    with pytest.raises(FeedGarbled, match="cut off"):
        unpacked(packed[:cut])


@given(BODIES, st.data())
def test_law_a_changed_byte_never_changes_what_is_unpacked(body: bytes, data: st.DataObject) -> None:
    packed = bytearray(gzip.compress(body))
    place = data.draw(st.integers(0, len(packed) - 1))
    packed[place] ^= data.draw(st.integers(1, 255))
    assert unpacked_or_refused(bytes(packed)) in (body, None)


@given(st.binary(max_size=200), st.sampled_from(["utf-8", "ascii", "utf-16", "gb18030"]))
def test_law_a_body_passes_exactly_when_it_is_text_in_its_encoding(body: bytes, charset: str) -> None:
    try:
        body.decode(charset)
        is_text = True
    except UnicodeDecodeError:
        is_text = False
    try:
        check_charset(body, f'text/plain; charset="{charset}"', None, PAGE)
        passes = True
    except FeedGarbled:
        passes = False
    assert passes == is_text


@given(st.text(max_size=60))
def test_law_no_label_breaks_us(content_type: str) -> None:
    try:
        check_charset(b"abc", content_type, None, PAGE)
    except FeedGarbled as error:
        assert "encoding" in str(error)
