"""Personal data: found in its common forms and replaced; numbers, dates, versions and code stay as they are."""

import pytest
from hypothesis import given, strategies as st

from distill_platform.refinery.screening import pii
from distill_platform.refinery.screening.pii import PII_RULES, redact
from distill_platform.refinery.screening.scan import Scanner, encodable, matches

PERSONAL = [
    (
        "[EMAIL]",
        ["jane.doe@example.com", "o'neil+news@mail.co.uk", "müller@firma.de", "иван@почта.рф", "a_b@x-y.museum"],
    ),
    (
        "[PHONE]",
        [
            *("+1 (555) 123-4567", "+1-800-555-0199", "+1.555.123.4567", "+442079460958", "+49 30 1234567"),
            *("+33 1 23 45 67 89", "+91 98765 43210", "(555) 123-4567", "555-123-4567", "555.123.4567"),
            *("020 7946 0958", "07700 900123", "0171/1234567", "01 23 45 67 89", "090-1234-5678"),
        ],
    ),
    (
        "[CARD]",
        ["4111 1111 1111 1111", "5500-0000-0000-0004", "378282246310005", "3782 822463 10005", "6011000990139424"],
    ),
    (
        "[IBAN]",
        ["DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432", "NO9386011117947", "FR1420041010050500013M02606"],
    ),
    ("[SSN]", ["078-05-1120"]),
    ("[IP]", ["93.184.216.34", "52.12.99.200"]),
]
FORMS = [(placeholder, value) for placeholder, values in PERSONAL for value in values]


@pytest.mark.parametrize(("placeholder", "value"), FORMS)
def test_personal_data_is_replaced_wherever_it_stands(placeholder: str, value: str) -> None:
    for around in ("{}", "Write to {}, please.", "({})", "'{}'\n", "日本 {}。", "\0{}\0", "Now: {}; then {}", "{} {}"):
        text = around.format(value, value)
        found = redact([text])[0]
        assert found is not None, around
        assert found[0] == around.format(placeholder, placeholder)
        assert found[1] == {placeholder[1:-1].lower(): around.count("{}")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tel: 5551234567", "tel: [PHONE]"),
        ("My phone number is 5551234", "My phone number is [PHONE]"),
        ("http://93.184.216.34:8080/x", "http://[IP]:8080/x"),
        ('{"card":4111111111111111}', '{"card":[CARD]}'),
        ("a@b.com,c@d.org", "[EMAIL],[EMAIL]"),
        ("555-123-4567 555-123-4568 555-123-4569", "[PHONE] [PHONE] [PHONE]"),
    ],
)
def test_surroundings_stay(text: str, expected: str) -> None:
    assert (redact([text])[0] or ("unchanged",))[0] == expected


HARMLESS = [
    "2023-10-05 12:34:56.789012",
    "2023-10-05T12:34:56+00:00 and 20231005T123456Z",
    "05/10/2023, 5.10.2023, 1699999999999 ms",
    "v1.2.3.4, version 10.20.30.40, pip install x==21.3.45.2, Chrome/91.0.4472.124, section 3.5.1.2, part 8.2.4.44",
    "192.168.1.1 10.0.0.1 127.0.0.1 172.16.5.4 203.0.113.9 0.0.0.0 255.255.255.0",
    "lines 120-180, pages 300-400-500, @@ -12,7 +12,9 @@",
    "5 + 12345678901 = 12345678906",
    "300-100-1000 = -800 and <<500-200-1000=-700>>",
    "1,234,567.89 $1,234,567 0.5551234567 3.14159265358979 1e+1234567890 x=+1000000",
    "f(555) 123 or (555) * 123-4567",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "550e8400-e29b-41d4-a716-446655440000",
    "1234567890123456 4111111111111112 9999999999999995",
    "01 02 03 04 05 06 and 01 02 03 04 05",
    "@app.route('/x')\ndef f(): return x @ w.T + a@b.shape + q@k.transpose(-2, -1)",
    "git@github.com:org/repo.git, logo@2x.png, pkg@1.2.3, user@host",
    "ISBN 978-3-16-148410-0, EAN 4006381333931",
    "Janet has 16 - 3 - 4 = <<16-3-4=9>>9 eggs and sells 9 * 2 = 18",
    "000-12-3456 666-12-3456 900-12-3456 123-00-4567 123-45-0000",
    "DE00 3704 0044 0532 0130 00 and AB12 CDEF GHIJ",
    "call me 3 times; cell 4: 12; tel 2023-10-05 12:30",
    "C++20 +17 GMT+0100 UTC+02:00 +1000000",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_numbers_dates_versions_and_code_stay_as_they_are(text: str) -> None:
    assert redact([text]) == [None]


PIECES = st.sampled_from([value for _, value in FORMS] + ["+", "-", " ", ".", "1", "@", "4", "x.co", "\ud800", "٣"])
TEXTS = st.text() | st.lists(PIECES | st.text(max_size=3), max_size=8).map("".join)


@given(TEXTS)
def test_redacting_twice_is_redacting_once(text: str) -> None:
    found = redact([text])[0]
    assert found is None or redact([found[0]]) == [None]


@given(TEXTS)
def test_redaction_is_that_of_all_rules_in_turn_until_none_finds_more(text: str) -> None:
    counts: dict[str, int] = {}
    rules = [PII_RULES[number] for number in Scanner(PII_RULES).flagged(text)]
    before, redacted = None, text
    while redacted != before:
        before = redacted
        for rule in rules:
            redacted = pii._replace(rule, redacted, counts)
        rules = list(PII_RULES)
    assert redact([text]) == [(redacted, counts) if counts else None]


@given(TEXTS)
def test_an_anchor_flags_whatever_its_rule_finds(text: str) -> None:
    flagged = Scanner(PII_RULES).flagged(text) if text else []
    found = [number for number, rule in enumerate(PII_RULES) if matches(rule, encodable(text))]
    assert set(found) <= set(flagged)


@given(TEXTS)
def test_counts_are_those_of_the_placeholders(text: str) -> None:
    found = redact([text])[0]
    if found is not None:
        placeholders = sum(found[0].count(name) - text.count(name) for name, _ in PERSONAL)
        assert placeholders == sum(found[1].values()) > 0
