"""People: who is meant by a name, so that nobody decides twice under two spellings, and no machine decides at all."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from distill_platform.core.errors import DecisionRefused

_PLAIN = re.compile(r"[a-z0-9@+ .,_'-]{1,128}", re.ASCII)
_BETWEEN = re.compile(r"[ .,_'-]+", re.ASCII)
_MACHINES = frozenset(
    [
        *("admin", "anonymous", "automation", "bot", "ci", "cron", "daemon", "dagster", "distill", "distillplatform"),
        *("machine", "nobody", "none", "null", "platform", "robot", "root", "scheduler", "sensor", "service", "system"),
        *("theplatform", "thesystem", "unknown", "user"),
    ]
)


def person(name: str) -> str:
    """Return the key of the person whom a name means: without case, accents, spaces and punctuation.

    Spellings that look alike have one key, or are refused: letters beyond the Latin ones raise DecisionRefused, and so
    do the names of machines, an empty name, and one without any letter.
    """
    whole = unicodedata.normalize("NFKD", name)
    folded = "".join(char for char in whole if not unicodedata.combining(char)).casefold()
    spaced = " ".join(folded.split())
    if not _PLAIN.fullmatch(spaced):
        hint = "Write it in plain letters, a to z, or as a mail address: other letters can look the same and are not"
        raise DecisionRefused(f"{ascii(name)[:80]} is not a name that can be told from another one", hint=hint)
    key = _BETWEEN.sub("", spaced)
    if not any(char.isalpha() for char in key) or key in _MACHINES:
        raise DecisionRefused(f"{ascii(name)[:80]} names no person", hint="A named person decides; give yours")
    return key


def people(names: Iterable[str]) -> frozenset[str]:
    """Return the keys of the people in a list of names; a name that means nobody names nobody."""
    found = set()
    for name in names:
        try:
            found.add(person(name))
        except DecisionRefused:
            continue
    return frozenset(found)
