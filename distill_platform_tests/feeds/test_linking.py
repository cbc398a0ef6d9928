"""Linking: a symbol is named by a whole word or not at all, and nobody is guessed at."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given, strategies as st

from distill_platform.core.errors import ConfigError
from distill_platform.feeds.events.event import MARKET
from distill_platform.feeds.events.gazetteer import load_gazetteer
from distill_platform.feeds.events.linking import LinkMethod, link, link_entities, links_or_market
from distill_platform.feeds.events.titles import clean_title
from distill_platform_tests.feeds.event_tables import coins

COINS = coins()
ROOT = Path(__file__).parents[2]


def named(title: str) -> list[str]:
    return [found.symbol for found in link(clean_title(title), COINS)]


@pytest.mark.parametrize(
    ("title", "symbols"),
    [
        ("Bitcoin falls", ["BTC"]),
        ("BITCOIN falls as bitcoins move", ["BTC"]),
        ("Bitcoin’s fall, Ethereum's rise", ["BTC", "ETH"]),
        ("Bitcoin-linked fund", ["BTC"]),
        ("ETH/BTC at a low", ["BTC", "ETH"]),
        ("Goldman sells (BTC) notes", ["BTC"]),
        ("#Bitcoin is back", ["BTC"]),
        ("New ethernet standard announced", []),
        ("Etherealbitcoins and bitcoinish things", []),
        ("Solar panels and solace", []),
        ("Firms linked to hackers; LinkedIn, LINKED lists", []),
        ("Visit bitcoin.org and www.bitcoin", []),
        ("@bitcoin said so", []),
        ("Bitcoin_Cash", []),
    ],
)
def test_only_whole_words_name_a_symbol(title: str, symbols: list[str]) -> None:
    assert named(title) == symbols


@pytest.mark.parametrize(
    ("title", "symbols"),
    [
        ("Bitcoin Cash halves", ["BCH"]),
        ("Bitcoin-Cash halves", ["BCH"]),
        ("Bitcoin Cash falls against Bitcoin", ["BCH", "BTC"]),
        ("Bitcoin, Cash and Gold", ["BTC"]),
        ("Bitcoin Magazine hires", []),
        ("Bitcoin Magazine: why BTC fell", ["BTC"]),
    ],
)
def test_the_longest_phrase_wins_and_covers_what_is_in_it(title: str, symbols: list[str]) -> None:
    assert named(title) == symbols


@pytest.mark.parametrize(
    ("title", "symbols"),
    [
        ("AVAX jumps", ["AVAX"]),
        ("avax jumps, Avax too", []),
        ("$avax jumps", ["AVAX"]),
        ("SOL holds", []),
        ("$SOL holds", ["SOL"]),
        ("SOL validators restart", ["SOL"]),
        ("BTC and SOL rally", ["BTC", "SOL"]),
        ("The sol of Peru, a crypto haven", []),
        ("MISSING LINK FOUND IN CRYPTO CAVE", []),
        ("BTC CRASHES BELOW TEN THOUSAND", []),
        ("BITCOIN CRASHES BELOW TEN THOUSAND", ["BTC"]),
    ],
)
def test_tickers_are_capitals_and_capitals_that_mean_something(title: str, symbols: list[str]) -> None:
    assert named(title) == symbols


@pytest.mark.parametrize(
    ("title", "symbols"),
    [
        ("Avalanche kills two in the Alps", []),
        ("An avalanche of bitcoin selling", ["BTC"]),
        ("Avalanche subnet goes live", ["AVAX"]),
        ("Ether on the operating table", []),
        ("Ether staking grows", ["ETH"]),
        ("Token of love: Ether", ["ETH"]),
    ],
)
def test_an_ambiguous_name_needs_a_word_of_context(title: str, symbols: list[str]) -> None:
    assert named(title) == symbols


@pytest.mark.parametrize(
    ("title", "symbols"),
    [
        ("Ｂｉｔｃｏｉｎ falls", ["BTC"]),
        ("Bit\u200bcoin falls", ["BTC"]),
        ("B\u0456tcoin falls", []),  # a Cyrillic letter
        ("Bitcoin\u0307 falls", []),  # a letter with a dot is another letter
        ("比特币Bitcoin上涨", []),
        ("Bitcoin، Ethereum", ["BTC", "ETH"]),
        ("\u202eBitcoin\u202c", ["BTC"]),
    ],
)
def test_tricks_of_unicode_neither_hide_nor_make_a_name(title: str, symbols: list[str]) -> None:
    assert named(title) == symbols


def test_the_surest_way_to_a_symbol_is_recorded() -> None:
    assert [(found.method, found.phrase) for found in link("BTC, $BTC, bitcoin", COINS)] == [
        (LinkMethod.CASHTAG, "BTC")
    ]
    assert [found.method for found in link("SOL token", COINS)] == [LinkMethod.CONTEXT]


def test_who_names_nobody_is_about_the_market_even_if_the_feed_guesses() -> None:
    guesses = link_entities(["Bitcoin", "ETHER", "nobody", ""], LinkMethod.FEED, COINS)
    links = links_or_market(link("Markets fall", COINS), guesses)
    assert [(found.symbol, found.is_synthetic) for found in links] == [(MARKET, False), ("BTC", True), ("ETH", True)]


def test_a_guess_adds_nothing_to_what_the_title_says() -> None:
    guesses = link_entities(["BTC"], LinkMethod.FEED, COINS)
    assert [found.is_synthetic for found in links_or_market(link("Bitcoin falls", COINS), guesses)] == [False]


@given(st.text(max_size=100))
def test_any_text_can_be_linked(text: str) -> None:
    assert {found.symbol for found in link(clean_title(text), COINS)} <= set(COINS.symbols)


@given(st.sampled_from(["bitcoin", "ethereum", "solana", "BTC", "AVAX"]), st.sampled_from("abcdé_9ßж"), st.booleans())
def test_a_letter_at_either_end_makes_another_word(name: str, letter: str, before: bool) -> None:
    assert named(f"today {letter + name if before else name + letter} moved") == []


def write(folder: Path, *entities: dict, **rest: object) -> Path:
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump({"entities": list(entities), **rest}))
    return path


@pytest.mark.parametrize(
    ("entities", "message"),
    [
        ([{"symbol": "A", "names": ["Alpha"]}, {"symbol": "B", "names": ["ALPHA"]}], "stands for A and for B"),
        ([{"symbol": "A", "names": ["Alpha"]}, {"symbol": "A", "names": ["Beta"]}], "symbol A stands twice"),
        ([{"symbol": "market", "names": ["Alpha"]}], "nobody known"),
        ([{"symbol": "A"}], "no name and no ticker"),
        ([{"symbol": "A", "names": ["..."]}], "no word"),
        ([{"symbol": "A", "name": ["Alpha"]}], "Did you mean 'names'"),
        ([{"symbol": "A", "tickers": [False]}], "valid string"),
        ([], "at least 1"),
    ],
)
def test_a_gazetteer_that_cannot_be_relied_on_is_refused(tmp_path: Path, entities: list, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_gazetteer(write(tmp_path, *entities))


def test_whatever_changes_links_changes_the_digest(tmp_path: Path) -> None:
    entity = {"symbol": "A", "names": ["Alpha"]}
    same = [load_gazetteer(write(tmp_path, entity)).digest for _ in range(2)]
    others = [
        load_gazetteer(write(tmp_path, entity, context=["token"])).digest,
        load_gazetteer(write(tmp_path, entity | {"excluded": ["Alpha Centauri"]})).digest,
    ]
    assert len({*same, *others}) == 3


def test_the_shipped_gazetteer_loads_and_tells_coins_apart() -> None:
    crypto = load_gazetteer(ROOT / "config" / "gazetteers" / "crypto.yaml")
    title = "Ethereum Classic, Bitcoin Cash and NEAR Protocol rally while Bitcoin nears key level"
    assert [found.symbol for found in link(title, crypto)] == ["BCH_USDT", "BTC_USDT", "ETC_USDT", "NEAR_USDT"]
    assert link("Bitcoin Near Key Level", crypto)[0].symbol == "BTC_USDT"
    assert len(link("Bitcoin Near Key Level", crypto)) == 1
    assert link("ETH Zurich researchers find a flaw", crypto) == ()
