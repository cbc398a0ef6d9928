"""Texts and prompts, put together sentence by sentence from the vocabulary."""

import re
from collections.abc import Mapping, Sequence

from distill_platform.refinery.sample import vocabulary
from distill_platform.refinery.sample.dice import Dice

LONGEST = 1500
"""No text of the sample is longer than this many characters."""

_SLOT = re.compile(r"\{(\w+)\}")
_KINDS: Mapping[str, Sequence[Sequence[str]]] = {
    "review": (vocabulary.FINDINGS, vocabulary.REASONS, vocabulary.FINDINGS, vocabulary.REMEDIES, vocabulary.CHECKS),
    "finding": (vocabulary.FINDINGS, vocabulary.REASONS, vocabulary.REMEDIES),
    "facts": (vocabulary.FACTS,),
    "steps": (vocabulary.STEPS,),
    "notes": (vocabulary.REASONS, vocabulary.FINDINGS, vocabulary.FACTS),
    "change": (vocabulary.REMEDIES, vocabulary.REASONS, vocabulary.CHECKS),
    "outcome": (vocabulary.CHECKS, vocabulary.FACTS, vocabulary.REASONS),
}
_JOINTS = (" ", " ", "\n", "\n- ")


def sentence(dice: Dice, template: str, subject: Mapping[str, str]) -> str:
    """Fill a template's slots with the subject's own words first, else with a draw from the vocabulary."""

    def fill(match: re.Match[str]) -> str:
        name = match.group(1)
        return subject.get(name) or _draw(dice, name)

    text = _SLOT.sub(fill, template)
    first_word = text.partition(" ")[0]
    return text[0].upper() + text[1:] if first_word.isalpha() else text


def compose(dice: Dice, kind: str, subject: Mapping[str, str], low: int, high: int) -> str:
    """A text of about low to high characters in the manner of that kind; no template occurs twice in one text."""
    target = dice.between(low, high)
    joint = dice.pick(_JOINTS)
    pools = [dice.shuffled(pool) for pool in _KINDS[kind]]
    parts: list[str] = []
    used: set[str] = set()
    turn = 0
    while sum(map(len, parts)) < target and any(pools):
        pool = pools[turn % len(pools)]
        turn += 1
        if not pool:
            continue
        template = pool.pop()
        if template not in used:
            used.add(template)
            parts.append(sentence(dice, template, subject))
    return _fit(parts, joint)


def prompt(dice: Dice, subject: Mapping[str, str]) -> str:
    """What a task asks, word for word the same wherever the task turns up."""
    return sentence(dice, dice.pick(vocabulary.PROMPTS), subject)


def reworded(dice: Dice, text: str, changes: int) -> str:
    """The same text with a few single words exchanged: a near-duplicate."""
    words = text.split(" ")
    places = [place for place, word in enumerate(words) if word.isalpha() and word.islower()]
    for place in sorted(dice.shuffled(places)[:changes]):
        words[place] = dice.pick(("roughly", "clearly", "therefore", "presently", "mostly", "plainly"))
    return " ".join(words)


def restyled(text: str) -> str:
    """The same text in other case and with other white space."""
    return "  " + text.upper().replace(" ", "  ", 5).replace("\n", " \n") + "\n"


def _draw(dice: Dice, name: str) -> str:
    if name in vocabulary.WORDS:
        return dice.pick(vocabulary.WORDS[name])
    low, high = {"n": (2, 60), "n2": (61, 900), "pct": (3, 95), "line": (12, 300), "line2": (301, 740)}[name]
    return str(dice.between(low, high))


def _fit(parts: list[str], joint: str) -> str:
    while len(joint.join(parts)) > LONGEST:
        parts = parts[:-1]
    return joint.join(parts)
