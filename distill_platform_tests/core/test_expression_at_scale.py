"""The language at scale: a hundred thousand texts, and thousands of rules beside Google's CEL."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings

from distill_platform.core.errors import ConfigError, ExpressionError
from distill_platform.core.expression import Verdict, compile_expression
from distill_platform_tests.core.test_expression_properties import (
    KINDS,
    NOTHING,
    SYMBOLS,
    WORDS,
    Tree,
    cel_evaluate,
    records,
    rule_text,
    trees,
)

RULES = [
    "a >= 0.3 && !(s in ['x', 'y'])",
    "metadata.n == -1 || b == true",
    '(validation.ok && b) || metadata.name != "it\'s"',
    "a < 1e300 && a > -2.5e-7 && !validation.ok",
]
PIECES = [*WORDS.split(), *SYMBOLS.split(), " ", *"()[]'\"\\.,!<>=&|\n\t"]


def texts(count: int) -> Iterator[str]:
    """Garbage of three kinds: pieces of the language, right rules after some edits, and characters from anywhere."""
    dice = random.Random(20_260_420)
    for number in range(count):
        if number % 3 == 0:
            yield dice.choice(["", " "]).join(dice.choices(PIECES, k=dice.randrange(25)))
        elif number % 3 == 1:
            text = dice.choice(RULES)
            for _ in range(dice.randrange(1, 4)):
                start = dice.randrange(len(text) + 1)
                text = text[:start] + dice.choice(PIECES) + text[start + dice.randrange(4) :]
            yield text
        else:
            yield "".join(map(chr, dice.choices(range(0x250), k=dice.randrange(40))))


def refusals(count: int) -> int:
    """How many of the texts were refused, each with a column; the others are rules, which nothing makes true."""
    refused = 0
    for text in texts(count):
        try:
            rule = compile_expression(text, KINDS)
        except ExpressionError as error:
            assert isinstance(error, ConfigError)
            assert 1 <= error.column <= len(text) + 1
            refused += 1
        else:
            assert rule.evaluate(NOTHING.get) is Verdict.UNKNOWN
    return refused


def test_a_hundred_thousand_texts_are_rules_or_refused_with_a_column() -> None:
    assert 0 < refusals(100_000) < 100_000


@pytest.mark.slow
@settings(max_examples=5_000, deadline=None)
@given(trees, records)
def test_thousands_of_rules_mean_what_cel_says(tree: Tree, record: dict[str, Any]) -> None:
    text = rule_text(tree, " ")
    assert cel_evaluate(text, record) is compile_expression(text, KINDS).holds(record.get)
