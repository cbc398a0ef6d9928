"""GDELT: bulk files first, searches only for those that are missing; a hostile zip is an error and never unpacked."""

import time
import zipfile
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, strategies as st

from distill_platform.core.errors import FeedGarbled
from distill_platform.feeds.connectors.gdelt import Gdelt
from distill_platform.feeds.http.resource import Resource
from distill_platform.feeds.parsed import Parsed
from distill_platform.feeds.rejected import Reason
from distill_platform_tests.feeds.connectors.bodies_of import as_json, declared, origin, reasons, zipped

DAY = date(2026, 4, 19)
GDELT = Gdelt(declared("gdelt", words=["bitcoin", "Vitalik Buterin"], max_bytes=2_000_000))
STAMP = "20260419101500"
MEMBER = f"{STAMP}.gkg.csv"


def line(**changes: str) -> str:
    fields = [""] * 27
    values = {
        1: STAMP,
        3: "news.example",
        4: "https://news.example/1",
        11: changes.get("persons", ""),
        13: changes.get("organizations", ""),
        15: changes.get("tone", "-2.5,1,3.5,4.5,20,0,400"),
        26: f"<PAGE_TITLE>{changes.get('title', 'Bitcoin &amp; gold rise')}</PAGE_TITLE>",
    }
    for position, value in values.items():
        fields[position] = value
    fields[1] = changes.get("stamp", STAMP)
    return "\t".join(fields)


def read(body: bytes, kind: str = "gkg") -> Parsed:
    return GDELT.read(body, origin(body, f"{kind}/{STAMP}"))


def bulk(*lines: str | bytes) -> Parsed:
    content = b"\n".join(one if isinstance(one, bytes) else one.encode() for one in lines)
    return read(zipped((MEMBER, content)))


def test_an_article_is_published_when_its_batch_says() -> None:
    (row,) = bulk(line(persons="jane doe;john roe", organizations="acme")).rows.to_pylist()
    assert row["published_at"] == datetime(2026, 4, 19, 10, 15, tzinfo=UTC)
    assert (row["title"], row["outlet"], row["tone"]) == ("Bitcoin & gold rise", "news.example", -0.25)
    assert row["entities"] == ["acme", "jane doe", "john roe"]
    assert row["place"] == "line 1"


def test_an_article_that_dates_itself_back_is_not_known_before_its_batch() -> None:
    found = bulk(line(stamp="20260101000000"))
    assert found.rows["published_at"].to_pylist() == [datetime(2026, 4, 19, 10, 15, tzinfo=UTC)]


def test_articles_about_other_things_are_counted_and_left_out() -> None:
    found = bulk(line(), line(title="Bitcoins"), line(title="rain"), line(title="rain", persons="vitalik buterin"))
    assert (found.rows.num_rows, found.off_topic) == (2, 2)
    assert not reasons(found)


@pytest.mark.parametrize(("tone", "expected"), [("25,0", 1.0), ("-11", -1.0), ("nan,1", None), ("", None), ("x", None)])
def test_a_tone_is_within_its_bounds_or_missing(tone: str, expected: float | None) -> None:
    assert bulk(line(tone=tone)).rows["tone"].to_pylist() == [expected]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("one column", Reason.MALFORMED_ROW),
        (line() + "\t", Reason.MALFORMED_ROW),
        (line()[:20], Reason.MALFORMED_ROW),
        (line(stamp="20261319101500"), Reason.MALFORMED_TIME),
        (line(stamp=""), Reason.MISSING_TIME),
        (line(stamp="20260601000000"), Reason.IN_THE_FUTURE),
        (line(title="", persons="Vitalik Buterin"), Reason.MISSING_TITLE),
        (line(title="bitcoin \udcff").encode("utf-8", "surrogateescape"), Reason.NON_UTF8),
    ],
)
def test_lines_that_are_no_article_are_rejected_and_cost_no_other(row: str | bytes, expected: Reason) -> None:
    found = bulk(line(), row, line())
    assert reasons(found) == {expected: 1}
    assert (found.rejected[0].place, found.rows.num_rows) == ("line 2", 2)


def encrypted() -> bytes:
    body = bytearray(zipped((MEMBER, line().encode())))
    body[6] |= 1
    body[body.index(b"PK\x01\x02") + 8] |= 1
    return bytes(body)


def lying_about_its_size() -> bytes:
    body = bytearray(zipped((MEMBER, b"\0" * 50_000_000)))
    directory = body.index(b"PK\x01\x02")
    body[directory + 24 : directory + 28] = (1000).to_bytes(4, "little")
    return bytes(body)


def altered() -> bytes:
    return zipped((MEMBER, line().encode()), packing=zipfile.ZIP_STORED).replace(b"gold", b"lead")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"PK",
        b"<html>404</html>",
        zipped((MEMBER, line().encode()))[:-30],
        zipped((MEMBER, line().encode()), ("b.gkg.csv", b"")),
        zipped(),
        zipped((f"../../{MEMBER}", line().encode())),
        zipped((f"/etc/{MEMBER}", line().encode())),
        zipped((f"..\\{MEMBER}", line().encode())),
        zipped(("a.exe", line().encode())),
        zipped((MEMBER, b"\0" * 50_000_000)),
        lying_about_its_size(),
        encrypted(),
        altered(),
    ],
    ids=[
        "nothing",
        "start",
        "html",
        "cut",
        "two",
        "none",
        "up",
        "root",
        "backslash",
        "kind",
        "bomb",
        "lie",
        "locked",
        "altered",
    ],
)
def test_a_zip_that_is_not_one_sound_file_is_garbled(body: bytes) -> None:
    with pytest.raises(FeedGarbled):
        read(body)


def test_texts_that_are_made_to_take_long_do_not() -> None:
    began = time.monotonic()
    huge = "x" * 500_000
    rows = [
        line(title="bitcoin " + "<!--" * 100_000),
        line(title="bitcoin " + "<PAGE_TITLE>" * 50_000),
        line(tone="1" * 500_000 + "x"),
        line(stamp="1 " * 250_000),
        line(title=f"bitcoin {huge}", persons=huge),
    ]
    content = "\n".join(rows).encode()
    assert read(zipped((MEMBER, content), packing=zipfile.ZIP_STORED)).rows_in == 5
    assert time.monotonic() - began < 2.0


def test_an_empty_file_in_a_zip_is_no_articles() -> None:
    assert read(zipped((MEMBER, b""))).rows_in == 0


def test_a_day_has_the_bulk_files_whose_reports_become_available_on_it() -> None:
    keys = [wanted.key for wanted in GDELT.resources(DAY)]
    assert (len(keys), keys[0], keys[-1]) == (96, "gkg/20260419000000", "gkg/20260419234500")
    late = Gdelt(declared("gdelt", words=["bitcoin"], delay_s=1_000.0)).resources(DAY)
    assert (len(late), late[0].key, late[-1].key) == (96, "gkg/20260418234500", "gkg/20260419233000")


def test_a_missing_bulk_file_is_searched_for_and_no_other() -> None:
    gaps = GDELT.gap_resources(DAY, ["gkg/20260419101500", "gkg/20200101000000"])
    (wanted,) = gaps.values()
    assert isinstance(wanted, Resource)
    asked = parse_qs(urlsplit(wanted.url).query)
    assert (wanted.key, asked["query"]) == ("doc/20260419101500", ['(bitcoin OR "Vitalik Buterin")'])
    assert (asked["startdatetime"], asked["enddatetime"]) == (["20260419100000"], ["20260419101500"])


def article(**changes: Any) -> dict[str, Any]:
    values = {"title": "Bitcoin rises", "seendate": "20260419T100500Z", "domain": "news.example"}
    return {"url": "https://news.example/1", **values, **changes}


def test_what_a_search_finds_is_published_when_its_quarter_of_an_hour_is_over() -> None:
    (row,) = read(as_json({"articles": [article()]}), "doc").rows.to_pylist()
    assert row["published_at"] == datetime(2026, 4, 19, 10, 15, tzinfo=UTC)
    assert (row["title"], row["tone"]) == ("Bitcoin rises", None)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("article", Reason.MALFORMED_ROW),
        (article(url=None), Reason.MALFORMED_ROW),
        (article(seendate="19/04/2026"), Reason.MALFORMED_TIME),
        (article(title=" "), Reason.MISSING_TITLE),
    ],
)
def test_what_a_search_finds_and_is_no_article_is_rejected(row: Any, expected: Reason) -> None:
    assert reasons(read(as_json({"articles": [article(), row]}), "doc")) == {expected: 1}


def test_a_search_may_find_nothing() -> None:
    assert read(b"{}", "doc").rows_in == 0


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"articles": 1}', b"Your search was too short.", b'{"articles": [', b'{"error": 1}']
)
def test_an_answer_to_a_search_that_is_none_is_garbled(body: bytes) -> None:
    with pytest.raises(FeedGarbled):
        read(body, "doc")


@given(st.lists(st.binary(max_size=60).filter(lambda one: b"\n" not in one and bool(one.strip()))))
def test_no_line_is_lost_whatever_it_is(lines: list[bytes]) -> None:
    found = bulk(*lines, line())
    reasons(found)
    assert found.rows_in == len(lines) + 1
