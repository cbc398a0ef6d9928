"""Titles and words: what is shown, what is compared, and where a word ends."""

import pytest
from hypothesis import given, strategies as st

from distill_platform.feeds.events.titles import (
    clean_outlet,
    clean_title,
    comparable_title,
    headline_of,
    is_shouted,
    soundness,
)
from distill_platform.feeds.events.words import split_words, stem


def words(text: str) -> list[str]:
    return [word.text for word in split_words(text)]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  Bitcoin\n falls\t", "Bitcoin falls"),
        ("Tom &amp; Jerry&#39;s", "Tom & Jerry's"),
        ("AT&amp;amp;T rises", "AT&T rises"),
        ("Bit\u200bcoin \u202efalls", "Bitcoin falls"),
        ("Ｂｉｔｃｏｉｎ", "Bitcoin"),
        ("cafe\u0301", "café"),
        ("a\x00b\x07c", "a b c"),
        ("\u00a0\u2003", ""),
    ],
)
def test_a_title_is_shown_clean(text: str, shown: str) -> None:
    assert clean_title(text) == shown


@given(st.text(max_size=80))
def test_what_is_clean_has_single_spaces_and_nothing_invisible(text: str) -> None:
    shown = clean_title(text)
    assert shown == " ".join(shown.split())
    assert all(char.isprintable() for char in shown)


@pytest.mark.parametrize(
    ("outlet", "clean"),
    [
        ("https://www.CoinDesk.com/markets?x=1", "coindesk.com"),
        ("m.coindesk.com", "coindesk.com"),
        ("amp.www.coindesk.com:443", "coindesk.com"),
        ("m.com", "m.com"),
        ("CoinTelegraph", "cointelegraph"),
        ("The Wall St. Journal", "the wall st. journal"),
    ],
)
def test_one_outlet_has_one_name(outlet: str, clean: str) -> None:
    assert clean_outlet(outlet) == clean


@pytest.mark.parametrize(
    ("title", "outlet", "headline"),
    [
        ("Bitcoin falls - CoinDesk", "coindesk.com", "Bitcoin falls"),
        ("Bitcoin falls | Coin Desk", "coindesk", "Bitcoin falls"),
        ("Bitcoin falls - BBC News", "news.bbc.co.uk", "Bitcoin falls - BBC News"),
        ("Bitcoin falls - analysts", "coindesk.com", "Bitcoin falls - analysts"),
        ("Bitcoin-linked", "linked", "Bitcoin-linked"),
    ],
)
def test_an_outlet_s_signature_is_not_part_of_the_headline(title: str, outlet: str, headline: str) -> None:
    assert headline_of(title, outlet) == headline


def test_possessives_case_and_marks_are_not_compared() -> None:
    assert comparable_title("Ripple’s “Big” WIN: SEC's loss!") == "ripple big win sec loss"


def test_a_word_ends_where_its_letters_marks_and_digits_do() -> None:
    assert words("Bitcoin's, (ETH/BTC) e-mail") == ["Bitcoin", "s", "ETH", "BTC", "e", "mail"]
    assert words("bitcoin.org 1,250.5 U.S. 3,4") == ["bitcoin.org", "1,250.5", "U.S", "3", "4"]
    assert words("Bitcoin\u0307 \u0411\u0456\u0442") == ["Bitcoin\u0307", "\u0411\u0456\u0442"]


@given(st.text(max_size=60))
def test_words_stand_where_they_say(text: str) -> None:
    assert all(text[word.start : word.end] == word.text for word in split_words(text))


@pytest.mark.parametrize(
    "forms",
    [
        ["rally", "rallies", "rallied", "rallying"],
        ["crash", "crashes", "crashed", "crashing"],
        ["surge", "surges", "surged", "surging"],
        ["drop", "drops", "dropped", "dropping"],
        ["fall", "falls", "falling"],
    ],
)
def test_forms_of_a_word_share_a_stem(forms: list[str]) -> None:
    assert len({stem(form) for form in forms}) == 1


def test_words_that_only_begin_alike_do_not() -> None:
    assert len({stem(word) for word in ("ether", "ethernet", "sol", "solar", "solana", "bus", "news", "loss")}) == 8


def test_only_several_words_all_in_capitals_are_shouted() -> None:
    assert is_shouted("BITCOIN CRASHES BELOW TEN")
    assert not is_shouted("BTC, ETH up")
    assert not is_shouted("比特币 价格 上涨 今天")


def test_every_fault_of_a_title_takes_a_quarter() -> None:
    assert soundness("Bitcoin falls after miners sell") == 1.0
    assert soundness("Bitcoin falls") == 0.75
    assert soundness("BITCOIN CRASHES RIGHT NOW!!") == 0.5
    assert soundness("Fed\ufffds chair speaks on rates") == 0.75
