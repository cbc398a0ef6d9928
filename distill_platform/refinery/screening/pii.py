"""Personal data in texts: found and replaced by placeholders, precisely enough to leave numbers, dates and code alone.

Redaction is repeated until nothing changes, so redacting twice is the same as once. Checksums decide where there are
any (Luhn for cards, ISO 7064 mod 97 for IBANs); elsewhere the surroundings do: a run of digits inside a sum, a version
or an identifier is not a phone number.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from distill_platform.refinery.screening.scan import Match, Rule, Scanner, encodable, matches

Redaction = tuple[str, dict[str, int]]

# ISO 13616 registry: length of an IBAN, and the countries that have it.
_IBAN_COUNTRIES = {
    15: "NO", 16: "BE", 18: "DK FI FO GL NL", 19: "MK SI", 20: "AT BA EE KZ LT LU XK", 21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ TL", 24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST", 26: "IS TR", 27: "FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HU LB PL SV",
    29: "BR EG PS QA UA", 30: "JO KW MU", 31: "MT SC", 32: "LC",
}  # fmt: skip
_IBAN_LENGTHS = {country: length for length, countries in _IBAN_COUNTRIES.items() for country in countries.split()}
_TOP_LEVEL = re.compile(
    "com|org|net|edu|gov|mil|int|info|biz|name|pro|aero|coop|museum|mobi|asia|jobs|travel|dev|app|cloud|online|site|tech"
    "|store|xyz|shop|blog|page|club|live|news|work|world|email|company|group|agency|digital|solutions|systems|software"
    "|network|services|media|studio|design|team|tools|zone|science|academy|finance|bank|health|life|today|ventures"
    "|capital|consulting|engineering|global|example|test|invalid|localhost|local|internal|corp",
    re.IGNORECASE,
)
_IMAGE_AT_SCALE = re.compile(r"@\d+x\.[a-z]{2,4}$")
_VERSION_BEFORE = re.compile(
    r"(?:\bv|\bver|\bversion|\brelease|\bbuild|\brev|\bsection|\bchapter|§|[=<>~^])[\s:=]*$", re.IGNORECASE
)
_DATE = re.compile(r"\d{4}[-/.]\d\d?[-/.]\d\d?|\d\d?[-/.]\d\d?[-/.]\d{4}")
_GOES_ON = re.compile(r"\w|[-.,/:]\d")
_SUM_AFTER = re.compile(r"[ \t]*[=*^%×÷]|[ \t]+[-+/][ \t]+\d")
_SUM_BEFORE = re.compile(r"[\d)=*^×÷][ \t]*$|\d[ \t]*[-+/][ \t]+$")


def redact(texts: Sequence[str]) -> list[Redaction | None]:
    """Return for each text its redacted form and how many of each kind were replaced; None where there is nothing."""
    return [redact_text(text, _scanner().flagged(text)) for text in texts]


def redact_text(text: str, flagged: Iterable[int]) -> Redaction | None:
    """Return the redacted text with its counts by kind (email, phone, ...), or None if it holds nothing personal.

    The flagged rules (numbers into PII_RULES) decide whether there is anything. If so, all rules run until none finds
    more: a replacement may uncover what its neighbour had hidden. It ends, for every replacement takes digits or an @
    away.
    """
    counts: dict[str, int] = {}
    redacted = text
    for number in flagged:
        redacted = _replace(PII_RULES[number], redacted, counts)
    while redacted != text:
        text, redacted = redacted, _replace_all(redacted, counts)
    return (text, counts) if counts else None


def _replace_all(text: str, counts: dict[str, int]) -> str:
    """Return the text after each rule in turn; only those are asked that are flagged when it is their turn."""
    flagged = _scanner().flagged(text)
    for number, rule in enumerate(PII_RULES):
        if number in flagged:
            replaced = _replace(rule, text, counts)
            flagged = flagged if replaced == text else _scanner().flagged(replaced)
            text = replaced
    return text


def _replace(rule: Rule, text: str, counts: dict[str, int]) -> str:
    kind = rule.name.partition("_")[0]
    pieces: list[str] = []
    done = 0
    for place in matches(rule, encodable(text)):
        end = _end_of(rule, place)
        pieces += (text[done : place.start], f"[{kind.upper()}]")
        done = end
        counts[kind] = counts.get(kind, 0) + 1
    return "".join(pieces) + text[done:]


def _end_of(rule: Rule, place: Match) -> int:
    """Return where the finding ends: a head that only says where an IBAN starts is followed to the IBAN's end."""
    return place.start + len(_iban(place)) if rule.name == "iban" else place.end


@functools.cache
def _scanner() -> Scanner:
    return Scanner(PII_RULES)


def _email(place: Match) -> bool:
    local, _, domain = place.value.rpartition("@")
    top = domain.rpartition(".")[2]
    known = not top.isascii() or (len(top) == 2 and (top.islower() or top.isupper())) or _TOP_LEVEL.fullmatch(top)
    call = re.match(r"[\w(\[{]", place.text[place.end : place.end + 1])
    return bool(known) and not call and local != "git" and not _IMAGE_AT_SCALE.search(place.value)


def _free_standing(place: Match) -> bool:
    """Does the number neither go on behind its end nor belong to a sum?"""
    after = place.text[place.end : place.end + 12]
    before = place.text[max(0, place.start - 12) : place.start]
    return not (_GOES_ON.match(after) or _SUM_AFTER.match(after) or _SUM_BEFORE.search(before))


def _digits(value: str) -> str:
    return "".join(filter(str.isdigit, value))


def _international(place: Match) -> bool:
    digits = _digits(place.value)
    enough = 8 if re.search(r"[ .()/-]", place.value) else 10
    return enough <= len(digits) <= 15 and _free_standing(place)


def _national(place: Match) -> bool:
    groups = re.findall(r"\d+", place.value)
    listed = all(len(group) == 2 and int(right) - int(group) == 1 for group, right in pairwise(groups))
    return not listed and _free_standing(place)


def _announced(place: Match) -> bool:
    return 7 <= len(_digits(place.value)) <= 15 and not _DATE.match(place.value) and _free_standing(place)


def _card(place: Match) -> bool:
    digits = _digits(place.value)
    return _issuer(digits) and _luhn(digits) and not _GOES_ON.match(place.text[place.end : place.end + 2])


def _issuer(digits: str) -> bool:
    """Is it a number range and a length that a card scheme issues?"""
    two, four = int(digits[:2]), int(digits[:4])
    sixteen = digits[0] == "4" or 51 <= two <= 55 or 2221 <= four <= 2720 or two in (35, 62, 65) or four == 6011
    if len(digits) == 16:
        return sixteen or 644 <= int(digits[:3]) <= 649
    return (len(digits) == 15 and two in (34, 37)) or (
        len(digits) == 14 and (two in (36, 38) or 300 <= four // 10 <= 305)
    )


def _luhn(digits: str) -> bool:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


def _is_iban(place: Match) -> bool:
    return bool(_iban(place))


def _iban(place: Match) -> str:
    """Return the IBAN that starts at the place, with its spaces, or "" if its check digits are wrong."""
    length = _IBAN_LENGTHS.get(place.text[place.start : place.start + 2], 0)
    found = re.match(
        rf"(?:[A-Z0-9] ?){{{length - 1}}}[A-Z0-9](?![A-Za-z0-9])", place.text[place.start : place.start + 70]
    )
    if length == 0 or found is None:
        return ""
    compact = found.group().replace(" ", "")
    number = "".join(str(int(char, 36)) for char in compact[4:] + compact[:4])
    return found.group() if int(number) % 97 == 1 else ""


def _social_security(place: Match) -> bool:
    area, group, serial = place.value.split("-")
    issued = area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"
    return issued and _free_standing(place)


def _public_address(place: Match) -> bool:
    """Is it a global IPv4 address, and not a version or section number (said so, or its first three parts small)?"""
    try:
        address = ipaddress.IPv4Address(place.value)
    except ValueError:
        return False
    before = place.text[max(0, place.start - 16) : place.start]
    after = place.text[place.end : place.end + 2]
    version = _VERSION_BEFORE.search(before) or max(address.packed[:3]) < 32 or re.match(r"[\w+]|[-.][\w]", after)
    return address.is_global and not address.is_multicast and not version


_APART = r"(?:^|[^\w.,+$€£#=/*^-])"

# In this order: what stands first wins where two could match.
PII_RULES: tuple[Rule, ...] = (
    Rule(
        "email",
        r"[^\s@]@[^\s@]",
        r"([\pL\pN_][\pL\pN._%+'-]*@(?:[\pL\pN][\pL\pN-]*\.)+\pL\pL+)",
        _email,
    ),
    Rule("iban", r"[A-Z]{2}\d\d ?[A-Z0-9]{4}", r"(?:^|[^A-Za-z0-9])([A-Z]{2}\d\d ?[A-Z0-9]{4})", _is_iban),
    Rule(
        "card",
        r"\d(?:[ -]?\d){13}",
        r"(?:^|[^\w.,+-])(\d{4}(?: \d{4}){3}|\d{4}(?:-\d{4}){3}|\d{4}[ -]\d{6}[ -]\d{4,5}|\d{14,16})",
        _card,
    ),
    Rule("ssn", r"\d{3}-\d\d-\d{4}", rf"{_APART}(\d{{3}}-\d\d-\d{{4}})", _social_security),
    Rule("ip", r"\d\.\d{1,3}\.\d{1,3}\.\d", r"(?:^|//|[^\w.,+/-])(\d{1,3}(?:\.\d{1,3}){3})", _public_address),
    Rule(
        "phone_international",
        r"\+[1-9]",
        r"(?:^|[^\w+.,$€£#=/*^)-])(\+[1-9]\d{0,2}(?:[ .-]?\(\d{1,4}\)|[ ./-]?\d{1,4})(?:[ ./-]?\d{2,12}){1,5})",
        _international,
    ),
    Rule(
        "phone_national",
        r"\d{3}[.) -]{1,2}\d{3}[.-]\d{4}|\b0[1-9]\d{0,3}[) ./-]{1,2}\d\d",
        rf"{_APART}((?:1[ .-])?(?:\(\d{{3}}\) ?|\d{{3}}-)\d{{3}}-\d{{4}}|\d{{3}}\.\d{{3}}\.\d{{4}}"
        r"|0[1-9]\d{1,3} \d{3,4} \d{3,4}|0[1-9]\d{0,3}-\d{3,4}-\d{4}|0[1-9]\d{3} \d{6}|0[1-9]\d{1,3}[/ ]\d{7,8}"
        r"|\(0[1-9]\d{1,3}\) ?\d{3,8}(?:[ -]\d{2,4}){0,2}|0[1-9](?: \d\d){4}|0[1-9](?:\.\d\d){4})",
        _national,
    ),
    Rule(
        "phone_announced",
        r"(?i)(?:phone|tel|mobile|cell|fax|whatsapp|call (?:me|us))\W",
        r"(?i)\b(?:phone|telephone|tel|mobile|cell|fax|whatsapp|call (?:me|us)(?: at| on)?)\b"
        r"(?: ?(?:number|no\.?|nr\.?|#))?(?: is|:|=|\.)?[ \t]{0,3}(\+?\(?\d{1,5}\)?(?:[ ./-]?\(?\d{2,7}\)?){1,5})",
        _announced,
    ),
)
