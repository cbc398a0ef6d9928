"""Secrets in texts: credentials that must never reach a training corpus, found by high-precision patterns.

A finding is the name of a rule and a place, never the value. Rules of a fixed format look for that format; rules of
context (an assignment, a URL) also ask whether the value looks drawn at random and not like a placeholder, since
documentation is full of `password = "YOUR_PASSWORD"`. Hashes, UUIDs and embedded images are no secrets.
"""

from __future__ import annotations

import functools
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from distill_platform.refinery.screening.scan import Match, Rule, Scanner, encodable, matches

_PLACEHOLDER = re.compile(
    r"example|sample|dummy|placeholder|change.?me|redacted|replace|insert|your[-_ ]|yourp|yours|_here|x{4}|\*{3}|\.{3}"
    r"|[<>{}$%]|1234567|abcdef|foobar|todo",
    re.IGNORECASE,
)
_WORD_LIKE = re.compile(r"(?:[A-Za-z]+|\d+|[vV]\d+)(?:[-_./:\\@ ](?:[A-Za-z]+|\d+|[vV]\d+))*")
_TRIVIAL_PASSWORDS = frozenset(
    ("password", "passwd", "secret", "username", "admin", "postgres", "mysql", "guest", "hunter2", "tiger", "p4ssw0rd")
)


class Secret(NamedTuple):
    """A finding: which rule, and at which character of the text; the value itself is never carried around."""

    rule: str
    start: int


def find_secrets(texts: Sequence[str]) -> list[tuple[str, ...]]:
    """Return for each text the names of the rules that found something, in the order of `SECRET_RULES`."""
    return [rule_names(text, _scanner().flagged(text)) for text in texts]


def may_hold_secrets(text: str) -> bool:
    """Return whether the text, or any part of it, could hold a secret; no is certain."""
    return bool(_scanner().flagged(text))


def locate_secrets(text: str) -> list[Secret]:
    """Return all findings of a text with their places, in the order of `SECRET_RULES`."""
    text = encodable(text)
    return [Secret(rule.name, place.start) for rule in SECRET_RULES for place in matches(rule, text)]


def rule_names(text: str, flagged: Iterable[int]) -> tuple[str, ...]:
    """Return the names of those of the flagged rules (numbers into SECRET_RULES) that do find something."""
    rules = [SECRET_RULES[number] for number in flagged]
    text = encodable(text) if rules else text
    return tuple(rule.name for rule in rules if matches(rule, text))


def entropy(value: str) -> float:
    """Return the Shannon entropy of the characters of `value`, in bits per character."""
    total = len(value)
    return -sum(count / total * math.log2(count / total) for count in Counter(value).values())


@functools.cache
def _scanner() -> Scanner:
    return Scanner(SECRET_RULES)


def _is_real(value: str) -> bool:
    """Is it neither a placeholder nor something with next to no variety?"""
    return len(set(value)) >= 8 and not _PLACEHOLDER.search(value)


def _token(place: Match) -> bool:
    return _is_real(place.value)


def _random_token(place: Match) -> bool:
    """Does a token of common letters (`sk-...`) hold both letters and digits, in no obvious order?"""
    value = place.value
    return _is_real(value) and any(map(str.isdigit, value)) and any(map(str.isalpha, value)) and entropy(value) >= 3.5


def _hugging_face(place: Match) -> bool:
    return _is_real(place.value) and place.value != place.value.lower() and entropy(place.value) >= 3.5


def _aws_secret(place: Match) -> bool:
    value = place.value
    mixed = any(map(str.isdigit, value)) and any(map(str.isupper, value)) and any(map(str.islower, value))
    return mixed and _is_real(value) and entropy(value) >= 4.0 and _ends(place, "A-Za-z0-9/+=")


def _near_twilio(place: Match) -> bool:
    around = place.text[max(0, place.start - 200) : place.end + 200].lower()
    return "twilio" in around and _is_real(place.value)


def _azure(place: Match) -> bool:
    return entropy(place.value) >= 4.0


def _private_key(place: Match) -> bool:
    return len(set(place.value)) >= 16


def _url_password(place: Match) -> bool:
    value = place.value
    user = place.text[: place.start - 1].rpartition("//")[2]
    trivial = value.lower() in _TRIVIAL_PASSWORDS or value == user
    return not trivial and len(value) >= 5 and len(set(value)) >= 4 and not _PLACEHOLDER.search(value)


def _assigned(place: Match) -> bool:
    """Does an assigned value look drawn at random? Long ones by entropy, short ones as passwords do, by variety."""
    value = place.value
    if _PLACEHOLDER.search(value) or _WORD_LIKE.fullmatch(value) or value.startswith(("http", "/", "./", "data:")):
        return False
    kinds = [any(map(test, value)) for test in (str.islower, str.isupper, str.isdigit)]
    kinds.append(not value.isalnum())
    if len(value) >= 16:
        return kinds[2] and (kinds[0] or kinds[1]) and entropy(value) >= 3.2
    return sum(kinds) >= 3 and entropy(value) >= 2.75


def _environment(place: Match) -> bool:
    return entropy(place.value) >= 3.7 and _assigned(place)


def _ends(place: Match, more: str) -> bool:
    """Does the value end where it was cut, and not go on with more of the characters?"""
    return re.match(f"[{more}]", place.text[place.end : place.end + 1]) is None


_KEYWORD = (
    r"(?:(?:api|secret|access|auth|private|client|encryption|signing|master)[_.-]?(?:key|token|secret)(?:[_.-]?id)?"
    r"|passw(?:or)?d|passwd|passphrase|pwd|token|secret|credential)"
)

SECRET_RULES: tuple[Rule, ...] = (
    Rule("aws_access_key_id", r"A[KS]IA[A-Z2-7]{16}", r"\b(A[KS]IA[A-Z2-7]{16})\b", _token),
    Rule(
        "aws_secret_access_key",
        r"(?i)aws.{0,30}(?:secret|key)|secret_?access_?key",
        r"(?i)(?:aws.{0,30}(?:secret|key)|secret_?access_?key)[^A-Za-z0-9/+\n]{1,12}([A-Za-z0-9/+]{40})",
        _aws_secret,
    ),
    Rule("github_token", r"gh[pousr]_[A-Za-z0-9]{36}", r"\b(gh[pousr]_[A-Za-z0-9]{36,})\b", _token),
    Rule(
        "github_fine_grained_token", r"github_pat_\w{22}", r"\b(github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})\b", _token
    ),
    Rule("gitlab_token", r"glpat-[\w-]{20}", r"\b(glpat-[A-Za-z0-9_-]{20,64})", _token),
    Rule("slack_token", r"xox[abeoprs]-\w|xapp-\d", r"\b((?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{20,})", _random_token),
    Rule(
        "slack_webhook",
        r"hooks\.slack\.com/",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9+/]{40,80})",
        _token,
    ),
    Rule("stripe_key", r"[sr]k_live_", r"\b([sr]k_live_[A-Za-z0-9]{16,})\b", _token),
    Rule("google_api_key", r"AIza[\w-]{35}", r"\b(AIza[A-Za-z0-9_-]{35})", _random_token),
    Rule("google_oauth_secret", r"GOCSPX-", r"\b(GOCSPX-[A-Za-z0-9_-]{28})", _token),
    Rule("anthropic_key", r"sk-ant-", r"\b(sk-ant-[A-Za-z0-9_-]{32,})", _random_token),
    Rule(
        "openai_key",
        r"sk-[\w-]{20}",
        r"\b(sk-(?:(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{40,}|[A-Za-z0-9]{40,64}))",
        _random_token,
    ),
    Rule("hugging_face_token", r"hf_[A-Za-z0-9]{30}", r"\b(hf_[A-Za-z0-9]{34,40})\b", _hugging_face),
    Rule("npm_token", r"npm_[A-Za-z0-9]{36}", r"\b(npm_[A-Za-z0-9]{36})\b", _random_token),
    Rule("pypi_token", r"pypi-AgE", r"\b(pypi-AgE[A-Za-z0-9_-]{50,})", _token),
    Rule("sendgrid_key", r"SG\.[\w-]{22}\.", r"\b(SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43})", _token),
    Rule("twilio_key", r"(?:SK|AC)[0-9a-f]{32}", r"\b((?:SK|AC)[0-9a-f]{32})\b", _near_twilio),
    Rule("digitalocean_token", r"do[por]_v1_", r"\b(do[por]_v1_[0-9a-f]{64})\b", _token),
    Rule(
        "private_key",
        r"PRIVATE KEY",
        r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:\\[nr]|\s|[A-Z][A-Za-z-]*: [^\n\\]*)*([A-Za-z0-9+/=]{32})",
        _private_key,
    ),
    Rule(
        "json_web_token",
        r"eyJ[\w-]{8,}\.eyJ",
        r"\b(eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{16,})",
        _random_token,
    ),
    Rule("azure_storage_key", r"AccountKey=", r"AccountKey=([A-Za-z0-9+/]{86}==)", _azure),
    Rule(
        "url_password",
        r"://[^\s/@:\"'<>]{0,100}:[^\s/@\"'<>]{5,}@",
        r"[a-z][a-z0-9+.-]{1,30}://[^\s/@:\"'<>]{0,100}:([^\s/@\"'<>]{5,200})@[A-Za-z0-9\[]",
        _url_password,
    ),
    Rule(
        "assigned_secret",
        rf"(?i){_KEYWORD}\\?[\"'`]?\s{{0,4}}(?:=>|:=|=|:)\s{{0,4}}[A-Za-z]{{0,2}}\\?[\"'`]",
        rf"(?i)(?:^|[^A-Za-z0-9]|_){_KEYWORD}\\?[\"'`]?\s{{0,4}}(?:=>|:=|=|:)\s{{0,4}}[A-Za-z]{{0,2}}\\?[\"'`]"
        r"([^\"'`\s\\]{8,200})\\?[\"'`]",
        _assigned,
    ),
    Rule(
        "environment_secret",
        r"(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PWD)=[A-Za-z0-9+/_=-]{20}",
        r"(?m)^(?:export )?[A-Z0-9_]*(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PWD)=([A-Za-z0-9+/_=-]{20,200})\s*$",
        _environment,
    ),
)
