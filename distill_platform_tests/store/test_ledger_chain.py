"""The laws of the chain, whatever is appended in whatever portions."""

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, strategies as st

from distill_platform.core.errors import LedgerConflict, LedgerDamaged
from distill_platform.store.ledger.chain import Key, extend, linked
from distill_platform.store.ledger.revision import GENESIS, Entry, Head, Revision, canonical_body, is_intact

NOW = "2026-04-20T12:00:00.000000Z"
BODIES = st.dictionaries(st.text(max_size=3), st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5))
ENTRIES = st.lists(
    st.builds(
        Entry,
        stream=st.sampled_from(["trial/a", "trial/b", "baseline"]),
        key=st.sampled_from("klmnopqrst"),
        kind=st.just("trial"),
        body=st.sampled_from([{}, {"n": 1}]),
        actor=st.just("tester"),
    ),
    max_size=20,
)


def chain_of(bodies: list[dict[str, Any]]) -> list[Revision]:
    entries = [Entry("trial/a", f"k{number}", "trial", body, "tester") for number, body in enumerate(bodies)]
    return extend([(entry, canonical_body(entry)) for entry in entries], {}, {}, NOW).new


def appended(portions: list[list[Entry]]) -> tuple[dict[str, list[Revision]], list[list[bool]]]:
    """Append portion after portion; a portion with a conflict leaves nothing. Also: which entries were new."""
    streams: dict[str, list[Revision]] = {}
    taken: dict[Key, Revision] = {}
    told: list[list[bool]] = []
    for portion in portions:
        heads = {stream: chain[-1].head for stream, chain in streams.items()}
        try:
            extension = extend([(entry, canonical_body(entry)) for entry in portion], heads, taken, NOW)
        except LedgerConflict:
            continue
        for new in extension.new:
            streams.setdefault(new.stream, []).append(new)
            taken[(new.stream, new.key)] = new
        told.append([one in extension.new for one in extension.revisions])
    return streams, told


@given(ENTRIES)
def test_every_stream_is_one_unbroken_chain_with_every_key_once(entries: list[Entry]) -> None:
    streams, _ = appended([[entry] for entry in entries])
    for stream, chain in streams.items():
        assert linked(chain, 0) == chain
        assert [one.number for one in chain] == list(range(1, len(chain) + 1))
        assert chain[0].prev == GENESIS
        assert [one.key for one in chain] == list(dict.fromkeys(e.key for e in entries if e.stream == stream))


@given(ENTRIES.filter(bool), st.data())
def test_the_portions_do_not_matter(entries: list[Entry], data: st.DataObject) -> None:
    agreeing = [entry for entry in entries if entry.body == {}]
    cut = data.draw(st.integers(0, len(agreeing)))
    at_once, _ = appended([agreeing])
    in_two, _ = appended([agreeing[:cut], agreeing[cut:]])
    one_by_one, _ = appended([[entry] for entry in agreeing])
    assert at_once == in_two == one_by_one


@given(ENTRIES)
def test_appending_everything_again_adds_nothing(entries: list[Entry]) -> None:
    agreeing = [entry for entry in entries if entry.body == {}]
    streams, told = appended([agreeing, agreeing])
    assert streams == appended([agreeing])[0]
    assert not told or not any(told[-1])


@given(ENTRIES)
def test_a_conflict_says_so_and_is_the_only_reason_to_refuse(entries: list[Entry]) -> None:
    bodies: dict[Key, set[str]] = {}
    for entry in entries:
        bodies.setdefault((entry.stream, entry.key), set()).add(str(entry.body))
    clash = any(len(different) > 1 for different in bodies.values())
    assert appended([entries])[1] == [] if clash else len(appended([entries])[1]) == 1


@given(st.lists(BODIES, min_size=1, max_size=6), st.data())
def test_a_change_of_any_field_of_any_revision_breaks_it(bodies: list[dict[str, Any]], data: st.DataObject) -> None:
    chain = chain_of(bodies)
    place = data.draw(st.integers(0, len(chain) - 1))
    name = data.draw(st.sampled_from([field.name for field in fields(Revision)]))
    value = getattr(chain[place], name)
    spoiled = replace(chain[place], **{name: value + 1 if name == "number" else value + "x"})
    assert is_intact(chain[place])
    assert not is_intact(spoiled)
    with pytest.raises(LedgerDamaged):
        linked([*chain[:place], spoiled, *chain[place + 1 :]], 0)


@given(st.lists(BODIES, min_size=3, max_size=6), st.data())
def test_leaving_out_repeating_or_moving_a_revision_breaks_the_chain(
    bodies: list[dict[str, Any]], data: st.DataObject
) -> None:
    chain = chain_of(bodies)
    place = data.draw(st.integers(0, len(chain) - 2))
    left_out = [*chain[:place], *chain[place + 1 :]]
    repeated = [*chain[: place + 1], *chain[place:]]
    swapped = [*chain[:place], chain[place + 1], chain[place], *chain[place + 2 :]]
    for broken in (left_out, repeated, swapped):
        with pytest.raises(LedgerDamaged):
            linked(broken, 0)


@given(st.lists(BODIES, min_size=1, max_size=4))
def test_one_chain_for_one_content(bodies: list[dict[str, Any]]) -> None:
    digests = {one.digest for one in chain_of(bodies)}
    other = chain_of([{"another": True}, *bodies])
    assert digests == {one.digest for one in chain_of(bodies)}
    assert digests.isdisjoint(one.digest for one in other)


def test_the_digest_of_a_revision_never_changes_between_versions_of_the_program() -> None:
    entry = Entry("trial/momentum", "run-1", "trial", {"sharpe": -0.0, "n": 1, "名": "x"}, "tester")
    first = extend([(entry, canonical_body(entry))], {"trial/momentum": Head("trial/momentum", 6, "a" * 64)}, {}, NOW)
    (revision,) = first.new
    assert revision.text == '{"n":1,"sharpe":-0.0,"名":"x"}'
    assert revision.digest == "386aa9d6d9702bd7b549ec20e966d75c7ac27d30fcc9e9fddde2b79ca8b04fb8"
