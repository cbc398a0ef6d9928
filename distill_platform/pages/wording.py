"""Numbers and foreign text as a report writes them: what is not known is said, what cannot be seen is made visible."""

from __future__ import annotations

import math

NOT_MEASURED = "not measured"
_LONGEST = 200
_ENDLESS = 1e9


def ratio(value: float, places: int = 2) -> str:
    """Return a plain number such as a Sharpe ratio: "1.05"."""
    return _written(value, places)


def percent(value: float, places: int = 1) -> str:
    """Return a fraction in percent: "12.3 %"."""
    return _written(100 * value, places, " %")


def count(value: float) -> str:
    """Return a number of things, thousands separated: "1,284"."""
    return _written(value, 0)


def probability(value: float) -> str:
    """Return a probability; one that is not quite 0 or 1 is not rounded to it."""
    if 0 < value < 0.001:
        return "< 0.001"
    return "> 0.999" if 0.999 < value < 1 else _written(value, 3 if value > 0.99 else 2)


def with_error(value: float, error: float) -> str:
    """Return a ratio with its standard error: "1.05 ± 0.41"."""
    return NOT_MEASURED if math.isnan(value) else f"{ratio(value)} ± {'?' if math.isnan(error) else ratio(error)}"


def signed(value: float, places: int = 2) -> str:
    """Return a plain number with its sign, plus included."""
    return ("+" if value > 0 else "") + ratio(value, places)


def years_of_days(days: float) -> str:
    """Return a number of days, in years where it is long: "410 days (1.1 years)"."""
    if not abs(days) < _ENDLESS:
        return NOT_MEASURED if math.isnan(days) else "no number of days"
    return f"{count(math.ceil(days))} days" + (f" ({days / 365.25:.1f} years)" if days > 365 else "")


def several(number: int, noun: str) -> str:
    """Return a number with its noun: "1 trial", "51 trials"."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def listed(names: list[str]) -> str:
    """Return names as a sentence lists them: "a, b and c"."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def visible(text: object) -> str:
    """Return foreign text as one line that shows all it holds: what has no glyph or turns the text is written as its
    code point, and beyond 200 characters it is cut."""
    shown = unmasked(str(text)[:_LONGEST])
    return shown + "…" if len(str(text)) > _LONGEST else shown


def unmasked(text: str) -> str:
    """Return text of any length with what has no glyph, or turns the text, written as its code point."""
    return text if text.isprintable() else "".join(map(_visible_character, text))


def _visible_character(character: str) -> str:
    return character if character.isprintable() else f"[U+{ord(character):04X}]"


def _written(value: float, places: int, unit: str = "") -> str:
    if math.isnan(value):
        return NOT_MEASURED
    if math.isinf(value) or abs(value) >= 1e15:
        return "−∞" if value < 0 else "∞"
    rounded = round(value, places) + 0.0
    return f"{rounded:,.{places}f}{unit}".replace("-", "−")
