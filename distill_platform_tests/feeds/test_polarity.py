"""Polarity and quality: how good a headline sounds, and how far it can be believed."""

import pytest
from hypothesis import given, strategies as st

from distill_platform.core.errors import ConfigError
from distill_platform.feeds.events.linking import Link, LinkMethod
from distill_platform.feeds.events.normalizing import normalize
from distill_platform.feeds.events.polarity import load_lexicon, packaged_lexicon, polarity
from distill_platform.feeds.events.quality import quality
from distill_platform.feeds.events.settings import EventSettings, QualitySettings, QualityWeights
from distill_platform_tests.feeds.event_tables import START, raw_table, report

WORDS = packaged_lexicon()


@pytest.mark.parametrize("title", ["Bitcoin soars", "ETH rallied", "Fund approves listing", "Gains for Solana"])
def test_good_news_sounds_good(title: str) -> None:
    assert polarity(title, WORDS) > 0.3


@pytest.mark.parametrize("title", ["Bitcoin plunges", "Exchange HACKED", "Lender files for bankruptcy", "Prices fell"])
def test_bad_news_sounds_bad(title: str) -> None:
    assert polarity(title, WORDS) < -0.3


@pytest.mark.parametrize(
    ("plain", "negated"),
    [
        ("Exchange admits hack", "Exchange denies hack"),
        ("Bitcoin will fall", "Bitcoin won't fall"),
        ("Bitcoin will fall", "Bitcoin will not fall"),
        ("Analysts see rally", "Analysts see no rally"),
        ("Tokens were stolen", "Tokens weren’t stolen"),
    ],
)
def test_a_negation_turns_around_and_weakens(plain: str, negated: str) -> None:
    before, after = polarity(plain, WORDS), polarity(negated, WORDS)
    assert before * after < 0
    assert abs(after) < abs(before)


def test_a_negation_does_not_reach_far() -> None:
    assert polarity("Not in our town today prices crash", WORDS) == polarity("Prices crash", WORDS)


def test_nothing_said_is_exactly_zero() -> None:
    assert polarity("Ethereum developers met in Berlin", WORDS) == polarity("", WORDS) == 0.0


@given(st.lists(st.sampled_from(["crash", "soar", "not", "the", "hack", "gain"]), max_size=300))
def test_polarity_stays_within_its_range(words: list[str]) -> None:
    assert -1.0 < polarity(" ".join(words), WORDS) < 1.0


def test_a_lexicon_that_says_two_things_of_a_word_is_refused(tmp_path) -> None:
    path = tmp_path / "words.yaml"
    groups = "{strong: [gain], plain: [], weak: []}"
    path.write_text(f"positive: {groups}\nnegative: {groups.replace('gain', 'gains')}\nnegation: []\n")
    with pytest.raises(ConfigError, match="positive and of a negative"):
        load_lexicon(path)


def score(method: LinkMethod = LinkMethod.NAME, *, is_corroborated: bool = False, **fields: object) -> float:
    row = report(30, str(fields.pop("title", "Bitcoin falls after miners sell")), **fields)
    (found,) = normalize(raw_table(row), EventSettings()).reports
    return quality(found, Link("BTC", method, ""), is_corroborated=is_corroborated, settings=QualitySettings())


def test_every_part_of_quality_counts() -> None:
    best = score(tier=1, confidence=1.0, is_corroborated=True)
    assert best == 1.0
    worse = [
        score(tier=1, confidence=1.0),
        score(tier=2, confidence=1.0, is_corroborated=True),
        score(tier=1, confidence=0.5, is_corroborated=True),
        score(tier=1, confidence=1.0, is_corroborated=True, title="BITCOIN CRASHES RIGHT NOW!!"),
        score(tier=1, confidence=1.0, is_corroborated=True, published_at=START),
        score(LinkMethod.FEED, tier=1, confidence=1.0, is_corroborated=True),
    ]
    assert all(0.0 <= each < best for each in worse)


def test_weights_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="add up to"):
        QualityWeights(tier=0.5)
