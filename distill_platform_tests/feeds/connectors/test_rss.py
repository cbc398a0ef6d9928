"""RSS and Atom: items are headlines or rejected rows; a hostile document is an error, and expands nothing."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, strategies as st

from distill_platform.core.errors import FeedGarbled
from distill_platform.feeds.connectors.rss import Rss
from distill_platform.feeds.parsed import Parsed
from distill_platform.feeds.rejected import Reason
from distill_platform_tests.feeds.connectors.bodies_of import declared, origin, reasons

FEED = declared("rss", urls=["https://news.example/rss"])
KEY = "2026-04-20/x"
TIME = "<pubDate>Mon, 20 Apr 2026 10:00:00 GMT</pubDate>"
GOOD = f"<item><title>Bitcoin rises</title><link>https://news.example/1</link>{TIME}</item>"
ATOM = (
    '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:m="http://search.yahoo.com/mrss/"><entry>'
    "<m:title>picture</m:title><title type='html'>Ether &amp;amp; &lt;b&gt;gas&lt;/b&gt;</title>"
    '<link rel="self" href="https://news.example/self"/><link href="https://news.example/2"/>'
    "<updated>2026-04-20T11:00:00Z</updated><published>2026-04-20T10:00:00+02:00</published>"
    '<category term="eth"/><source><title>Other feed</title></source></entry></feed>'
)


def read(items: str, feed: object = FEED, head: str = '<?xml version="1.0"?>') -> Parsed:
    body = f'{head}<rss version="2.0"><channel><title>News</title>{items}</channel></rss>'.encode()
    return parsed(body, feed)


def parsed(body: bytes, feed: object = FEED) -> Parsed:
    return Rss(feed).read(body, origin(body, KEY))  # type: ignore[arg-type]


def item(title: str = "Bitcoin rises", rest: str = TIME) -> str:
    return f"<item><title>{title}</title>{rest}</item>"


def title_of(text: str) -> str:
    title: str = read(item(text)).rows["title"][0].as_py()
    return title


def test_an_item_is_a_headline() -> None:
    (row,) = read(GOOD).rows.to_pylist()
    assert row["published_at"] == datetime(2026, 4, 20, 10, tzinfo=UTC)
    assert (row["title"], row["url"], row["outlet"]) == ("Bitcoin rises", "https://news.example/1", "news.example")
    assert row["place"] == "item 1"


def test_an_atom_entry_is_a_headline_in_its_own_words() -> None:
    (row,) = parsed(ATOM.encode()).rows.to_pylist()
    assert (row["title"], row["url"], row["outlet"]) == ("Ether & gas", "https://news.example/2", "news.example")
    assert row["published_at"] == datetime(2026, 4, 20, 8, tzinfo=UTC)
    assert row["entities"] == ["eth"]


def test_who_publishes_is_declared_or_said_or_the_host() -> None:
    said = read(item(rest=f"{TIME}<source url='https://x.example'>The Paper</source>"))
    assert said.rows["outlet"].to_pylist() == ["The Paper"]
    declared_feed = declared("rss", urls=["https://a.b"], outlet="Wire")
    assert read(GOOD, declared_feed).rows["outlet"].to_pylist() == ["Wire"]
    assert read(item()).rows["outlet"].to_pylist() == ["news"]


@pytest.mark.parametrize(
    ("given_title", "shown"),
    [
        ("<![CDATA[<b>Bitcoin</b> <script>alert(1)</script>rises]]>", "Bitcoin rises"),
        ("Bitcoin &amp;amp; Ether", "Bitcoin & Ether"),
        ("Is 1 &amp;lt; 2 ?", "Is 1 < 2 ?"),
        ("  Bitcoin\n\t rises\u2028 ", "Bitcoin rises"),
        ("Bit\u00adco\u200bin \u202erises", "Bitcoin rises"),
        ("<![CDATA[Bitcoin <img src=x onerror=alert(1)>]]>", "Bitcoin"),
        ("ΝΑ \U0001f469\u200d\U0001f4bb", "ΝΑ \U0001f469\u200d\U0001f4bb"),
    ],
)
def test_titles_are_plain_text(given_title: str, shown: str) -> None:
    assert title_of(given_title) == shown


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        (item(rest=""), Reason.MISSING_TIME),
        (item(rest="<pubDate>20/04/2026 10:00</pubDate>"), Reason.AMBIGUOUS_TIME),
        (item(rest="<pubDate>04/05/2026 10:00</pubDate>"), Reason.AMBIGUOUS_TIME),
        (item(rest="<pubDate>2026-04-20T10:00:00</pubDate>"), Reason.AMBIGUOUS_TIME),
        (item(rest="<pubDate>Mon, 20 Apr 2026 10:00:00 -0000</pubDate>"), Reason.AMBIGUOUS_TIME),
        (item(rest="<pubDate>soon</pubDate>"), Reason.MALFORMED_TIME),
        (item(rest="<pubDate>Mon, 20 Apr 2026 12:00:01 GMT</pubDate>"), Reason.IN_THE_FUTURE),
        (item(title=""), Reason.MISSING_TITLE),
        (item(title="&lt;br/&gt;"), Reason.MISSING_TITLE),
        (item(title="\u200b"), Reason.MISSING_TITLE),
        ("<item/>", Reason.MISSING_TIME),
    ],
)
def test_items_that_are_no_headline_are_rejected_and_cost_no_other(items: str, expected: Reason) -> None:
    found = read(GOOD + items)
    assert reasons(found) == {expected: 1}
    assert (found.rejected[0].place, found.rows.num_rows) == ("item 2", 1)


def test_addresses_that_are_no_web_address_are_left_out() -> None:
    for link in ("javascript:alert(1)", "/relative", "ftp://a.b/c", "https://[bad"):
        assert read(item(rest=f"{TIME}<link>{link}</link>")).rows["url"].to_pylist() == [None]
    assert read(item(rest=f"{TIME}<guid>https://a.b/c</guid>")).rows["url"].to_pylist() == ["https://a.b/c"]


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("head", [BOMB, OUTSIDE, '<!DOCTYPE rss SYSTEM "http://127.0.0.1/x.dtd">'])
def test_documents_that_declare_entities_or_types_are_not_read(head: str) -> None:
    with pytest.raises(FeedGarbled, match="entities or a document type"):
        read(item("&b;" if head == BOMB else "t"), head=head)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not xml",
        b"<rss><channel><item>",
        f"<rss><channel>{GOOD}</channel></rss>".encode()[:-9],
        b"<html><body>Too many requests</body></html>",
        b'<?xml version="1.0" encoding="x-unheard-of"?><rss/>',
        b'<?xml version="1.0" encoding="utf-7"?><rss/>',
        b"<rss>\xff\xfe</rss>",
        b"<rss>\x00</rss>",
        b"<rss>&nbsp;</rss>",
        b'{"items": []}',
    ],
)
def test_what_is_no_whole_document_is_garbled(body: bytes) -> None:
    with pytest.raises(FeedGarbled):
        parsed(body)


def test_a_document_without_items_is_no_headlines() -> None:
    assert read("").rows_in == 0


@pytest.mark.parametrize("encoding", ["iso-8859-1", "utf-16", "utf-8", "windows-1252"])
def test_documents_may_be_in_the_encoding_that_they_declare(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><rss><channel>{item("Börse")}</channel></rss>'
    assert parsed(text.encode(encoding)).rows["title"].to_pylist() == ["Börse"]


def test_a_declared_encoding_overrules_a_document_that_is_wrong_about_its_own() -> None:
    text = f'<?xml version="1.0" encoding="utf-8"?><rss><channel>{item("Börse")}</channel></rss>'
    body = text.encode("iso-8859-1")
    feed = declared("rss", urls=["https://a.b"], encoding="iso-8859-1")
    assert parsed(body, feed).rows["title"].to_pylist() == ["Börse"]
    with pytest.raises(FeedGarbled):
        parsed(body)


def test_a_byte_order_mark_is_no_part_of_the_document() -> None:
    assert parsed(b"\xef\xbb\xbf" + f"<rss><channel>{GOOD}</channel></rss>".encode()).rows.num_rows == 1


def test_deeply_nested_documents_are_read_without_harm() -> None:
    deep = "<a>" * 5_000 + "</a>" * 5_000
    assert read(GOOD + deep).rows.num_rows == 1


def test_each_document_has_a_key_of_its_own_for_every_day() -> None:
    feed = Rss(declared("rss", urls=["https://a.b/1", "https://a.b/2"]))
    keys = {wanted.key for day in (1, 2) for wanted in feed.resources(date(2026, 4, day))}
    assert len(keys) == 4


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=30)))
def test_no_item_is_lost_whatever_its_title(titles: list[str]) -> None:
    from xml.sax.saxutils import escape

    found = read("".join(item(escape(title.replace("\ufffe", "").replace("\uffff", ""))) for title in titles))
    reasons(found)
    assert found.rows_in == len(titles)


def test_an_item_within_an_item_is_part_of_it_so_that_none_holds_all_others() -> None:
    nested = "<item><title>Bitcoin rises</title>" * 2_000 + "</item>" * 2_000
    (refused,) = read(nested).rejected
    assert refused.reason is Reason.MISSING_TIME
