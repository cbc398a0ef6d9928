"""What the language refuses, at which column, and how it says so."""

from __future__ import annotations

import pytest

from distill_platform.core.errors import ExpressionError
from distill_platform.core.expression import Kind, compile_expression

KINDS = {
    "latency_ms": Kind.NUMBER,
    "metadata.attempt": Kind.NUMBER,
    "n": Kind.NUMBER,
    "s": Kind.STRING,
    "b": Kind.BOOLEAN,
}


def refusal(text: str, kinds: dict[str, Kind] | None = None, aliases: dict[str, str] | None = None) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text, KINDS if kinds is None else kinds, aliases or {})
    assert caught.value.text == text
    assert 1 <= caught.value.column <= len(text) + 1
    return caught.value


@pytest.mark.parametrize(
    ("text", "column", "hint"),
    [
        ("b and b", 3, "`&&`"),
        ("b AND b", 3, "`&&`"),
        ("b or b", 3, "`||`"),
        ("not b", 1, "`!name`"),
        ("n not in [1]", 3, "`!(name in [...])`"),
        ("n = 1", 3, "`==`"),
        ("n === 1", 3, "`==`"),
        ("n !== 1", 3, "`!=`"),
        ("n <> 1", 3, "`!=`"),
        ("n =< 1", 3, "`<=`"),
        ("n => 1", 3, "`>=`"),
        ("n is 1", 3, "`==`"),
        ("b & b", 3, "`&&`"),
        ("b | b", 3, "`||`"),
        ("b == True", 6, "`true`"),
        ("b == FALSE", 6, "`false`"),
        ("n == null", 6, "missing value makes the whole rule unknown"),
        ("s != None", 6, "missing value makes the whole rule unknown"),
        ("s == “a”", 6, "straight quotes"),
    ],
)
def test_other_languages_spellings_are_refused_with_the_right_one(text: str, column: int, hint: str) -> None:
    error = refusal(text)
    assert error.column == column
    assert hint in error.hint


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("n + 1 < 2", 3, "arithmetic"),
        ("n -1 < 2", 3, "arithmetic"),
        ("n-1 < 2", 2, "arithmetic"),
        ("n in [1]-1", 9, "arithmetic"),
        ("n * 2 < 2", 3, "arithmetic"),
        ("n % 2 == 0", 3, "arithmetic"),
        ("-n < 2", 1, "directly in front of a number"),
        ("n < - 2", 5, "directly in front of a number"),
        ("n < --2", 5, "directly in front of a number"),
        ("size(s) < 2", 5, "calls"),
        ("s.matches('a')", 10, "calls"),
        ("s[0] == 'a'", 2, "indexing"),
        ("b ? b : b", 3, "conditional"),
        ("{'a': 1} == s", 1, "maps"),
        ("n == 1 // why", 8, "arithmetic"),
        ("1 < n < 3", 7, "chained"),
        ("b == b == b", 8, "chained"),
        ("n in [1] in [true]", 10, "chained"),
    ],
)
def test_what_cel_has_and_this_subset_leaves_out_is_named(text: str, column: int, says: str) -> None:
    error = refusal(text)
    assert error.column == column
    assert says in error.message


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("", 1, "empty"),
        ("  \n ", 5, "empty"),
        ("n <", 4, "ends where a value is due"),
        ("b &&", 5, "ends where a value is due"),
        ("!", 2, "ends where a value is due"),
        ("(n < 1", 7, "`(` at column 1 is never closed"),
        ("n < 1)", 6, "closes nothing"),
        ("()", 2, "expected a name"),
        ("&& b", 1, "expected a name"),
        ("b b", 3, "expected `&&`"),
        ("b 'a'", 3, "expected `&&`"),
        ("(b b)", 4, "expected `&&`"),
        ("n in 1", 6, "needs a list"),
        ("n in s", 6, "needs a list"),
        ("n in []", 7, "list is empty"),
        ("n in [1,]", 9, "only literals"),
        ("n in [n]", 7, "only literals"),
        ("n in [[1]]", 7, "only literals"),
        ("n in [1 2]", 9, "expected `,` or `]`"),
        ("n in [1", 8, "expected `,` or `]`"),
        ("[1] == n", 1, "expected a name"),
        ("in == 1", 1, "expected a name"),
    ],
)
def test_broken_syntax_is_refused_where_it_breaks(text: str, column: int, says: str) -> None:
    error = refusal(text)
    assert error.column == column
    assert says in error.message


@pytest.mark.parametrize(
    ("spelling", "says"),
    [
        ("1.", "malformed"),
        ("1.e3", "malformed"),
        ("1e", "malformed"),
        ("1e+", "malformed"),
        ("1.5.5", "malformed"),
        ("0x10", "malformed"),
        ("5u", "malformed"),
        ("1_000", "malformed"),
        ("01", "needless 0"),
        ("-007", "needless 0"),
        ("9223372036854775808", "64 bits"),
        ("-9223372036854775809", "64 bits"),
        ("9" * 1_900, "64 bits"),
        ("1e400", "infinite"),
        ("-1e99999", "infinite"),
        ("1e-400", "become 0"),
    ],
)
def test_a_number_that_is_malformed_or_changes_its_value_is_refused(spelling: str, says: str) -> None:
    error = refusal(f"n < {spelling}")
    assert error.column == 5
    assert says in error.message


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("s == 'a", 6, "never closed"),
        ("s == 'a\"", 6, "never closed"),
        ("s == 'a\\'", 6, "never closed"),
        ("s == 'a\\", 8, "not a known escape"),
        (r"s == 'a\q'", 8, "not a known escape"),
        (r"s == '\x41'", 7, "not a known escape"),
        (r"s == '\101'", 7, "not a known escape"),
        (r"s == '\u12'", 7, "not a known escape"),
        (r"s == '\ud800'", 7, "not a character"),
        (r"s == '\U00110000'", 7, "not a character"),
        ("s == 'a\nb'", 8, "unprintable character U+000A"),
        ("s == '\0'", 7, "unprintable character U+0000"),
        ("s == '\u202e'", 7, "unprintable character U+202E"),
        ("s == '\ud800'", 7, "unprintable character U+D800"),
        ("s == r'a'", 7, "expected `&&`"),
    ],
)
def test_a_string_that_is_open_misescaped_or_hides_something_is_refused(text: str, column: int, says: str) -> None:
    error = refusal(text)
    assert error.column == column
    assert says in error.message


@pytest.mark.parametrize(
    ("text", "column"),
    [
        *(("é == 1", 1), ("n\u00e9 == 1", 2), ("n\0 == 1", 2), ("n\u00a0== 1", 2), ("\ufeffn == 1", 1), ("n\x0b", 2)),
        *(("n == \u0661", 6), ("n \uff1c 1", 3), ("\ud800", 1), ("n # 1", 3), ("n @ 1", 3), ("n; b", 2), ("~b", 1)),
        *(("n.", 2), (".n", 1), ("metadata.2x == 1", 9), ("metadata..attempt == 1", 9), ("metadata . attempt", 10)),
    ],
)
def test_characters_outside_the_language_are_refused_where_they_stand(text: str, column: int) -> None:
    assert refusal(text).column == column


def test_a_control_character_is_reported_by_its_number_and_not_printed() -> None:
    error = refusal("n \x1b[31m < 1")
    assert "U+001B" in str(error)
    assert "\x1b" not in str(error)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("latency", "latency_ms"),
        ("metadata.attemt", "metadata.attempt"),
        ("attempt", "metadata.attempt"),
        ("validation.attempt", "metadata.attempt"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_known_one(name: str, nearest: str) -> None:
    error = refusal(f"b && {name} < 1")
    assert error.column == 6
    assert f"`{name}`" in error.message
    assert f"`{nearest}`" in error.hint


def test_an_unknown_name_without_anything_near_lists_what_there_is() -> None:
    assert "latency_ms" in refusal("zzzzzzzzzzz < 1").hint
    assert "No names are known" in refusal("x < 1", kinds={}).hint


def test_an_alias_to_nothing_is_an_unknown_name_and_is_not_suggested() -> None:
    assert refusal("speed < 1", aliases={"speed": "velocity"}).column == 1
    assert "`speed`" not in refusal("speeds < 1", aliases={"speed": "velocity"}).hint
    assert "`speed`" in refusal("speeds < 1", aliases={"speed": "latency_ms"}).hint


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("n == 'a'", 3, "`n` is a number and `'a'` is a string"),
        ("s < 1", 3, "one kind"),
        ("b == 1", 3, "one kind"),
        ("(n < 1) == 1", 9, "this part is a boolean"),
        ("b < true", 3, "cannot order booleans"),
        ("n < 1 == true", 7, "chained"),
        ("n in ['a']", 7, "`n` is a number, but `'a'` is a string"),
        ("n in [1, 'a']", 10, "is a string"),
        ("n in [1, true]", 10, "`true` is a boolean"),
        ("b in [1]", 7, "is a number"),
        ("n", 1, "the result must be true or false"),
        ("('a')", 2, "the result must be true or false"),
        ("b && n", 6, "each side of `&&`"),
        ("b || b || 's'", 11, "each side of `||`"),
        ("!n < 1", 2, "what follows `!`"),
        ("!(n)", 3, "what follows `!`"),
    ],
)
def test_kinds_that_do_not_fit_are_refused_when_the_rule_is_loaded(text: str, column: int, says: str) -> None:
    error = refusal(text)
    assert error.column == column
    assert says in error.message


@pytest.mark.parametrize("text", ["true", "1 < 2", "!false", "'a' in ['a']", "(true) || 1 == 1.0"])
def test_a_rule_that_looks_at_no_data_is_refused_because_it_could_never_fail(text: str) -> None:
    error = refusal("  " + text)
    assert error.column == 3
    assert "looks at no data" in error.message


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("(" * 33 + "b" + ")" * 33, 33),
        ("!" * 33 + "b", 33),
        ("!(" * 17 + "b" + ")" * 17, 33),
        ("(" * 1_999 + "b", 33),
        ("!" * 1_999 + "b", 33),
        ("b && " * 10 + "(" * 33 + "b", 83),
    ],
)
def test_nesting_deeper_than_32_is_refused_at_the_first_level_too_many(text: str, column: int) -> None:
    error = refusal(text)
    assert error.column == column
    assert "32 deep" in error.message


@pytest.mark.parametrize("text", ["b".ljust(2_001), "b && " * 1_000_000, "(" * 100_000])
def test_a_text_longer_than_2000_characters_is_refused_unread(text: str) -> None:
    error = refusal(text)
    assert error.column == 2_001
    assert "2,000" in error.message


def test_a_refusal_says_where_what_and_what_to_do() -> None:
    shown = str(refusal("latency < 1 && b"))
    for part in ("column 1", "`latency`", "`latency_ms`", "latency < 1 && b"):
        assert part in shown
