"""Scoring: one deterministic verdict per record, from the stream's rules, and a changed rule changes what it should."""

import math
import random
from collections.abc import Mapping
from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st

from distill_platform.core.errors import GateRefused, MissingDataset
from distill_platform.refinery import scoring
from distill_platform.refinery.evidence import build_evidence
from distill_platform.refinery.schemas import EVIDENCE
from distill_platform.refinery.scoring import inherit, judge_for, lookups, score_runs, verdicts_of
from distill_platform.refinery.streams import Category, load_stream
from distill_platform.store.lake import Manifest
from distill_platform_tests.refinery.builders import (
    DAY,
    OTHERWISE,
    SCORING,
    World,
    extraction_config,
    row,
    stamps,
    stream_config,
)

METADATA = {"a": {"from": "a", "type": "number"}, "b": {"from": "b", "type": "boolean"}, "c": {"from": "c"}}


def rule(when: str, category: str, reason: str) -> dict[str, str]:
    return {"when": when, "category": category, "reason": reason}


def verdict(world: World, rules: list[dict[str, str]], values: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    stream = load_stream(world.stream(stream_config(scoring=rules, metadata=METADATA)))
    found = judge_for(stream)({f"metadata.{name}": value for name, value in values.items()}.get)
    return str(found.category), found.reasons


ONE = rule("metadata.a == 1", "accepted", "one")
TWO = rule("metadata.a >= 1", "partially_accepted", "two")
FALSE = rule("metadata.b == false", "rejected", "false")
EITHER = rule("metadata.c == 'x' || metadata.a == 1", "accepted", "either")
WORD = rule("metadata.c == 'x'", "accepted", "word")


@pytest.mark.parametrize(
    ("rules", "values", "category", "reasons"),
    [
        ([ONE, TWO], {"a": 1}, "accepted", ("one",)),
        ([TWO, ONE], {"a": 1}, "partially_accepted", ("two",)),
        ([ONE, TWO], {"a": 2}, "partially_accepted", ("two",)),
        ([ONE, TWO], {"a": 0}, "needs_human_review", ("no_verdict",)),
        ([ONE, TWO], {}, "needs_human_review", ("no_verdict",)),
        ([FALSE, ONE], {"a": 1, "b": True}, "accepted", ("one",)),
        ([FALSE, ONE], {"a": 1}, "needs_human_review", ("unknown:false",)),
        ([FALSE, ONE], {"a": 1, "b": "no"}, "needs_human_review", ("unknown:false",)),
        ([FALSE, TWO, ONE], {"a": 1}, "needs_human_review", ("unknown:false",)),
        ([ONE, FALSE], {"b": False}, "rejected", ("false",)),
        ([ONE, FALSE], {"a": 1}, "accepted", ("one",)),
        ([WORD, ONE], {"a": 1}, "accepted", ("one",)),
        ([WORD, FALSE], {"b": False}, "rejected", ("false",)),
        ([FALSE, rule("metadata.a > 9", "rejected", "high"), WORD], {"c": "x"}, "needs_human_review",
         ("unknown:false", "unknown:high")),
        ([FALSE], {}, "needs_human_review", ("no_verdict",)),
        ([ONE], {"a": float("nan")}, "needs_human_review", ("no_verdict",)),
        ([ONE], {"a": True}, "needs_human_review", ("no_verdict",)),
        ([EITHER], {"a": 1}, "needs_human_review", ("no_verdict",)),
        ([rule("!(metadata.a == 2)", "accepted", "not")], {}, "needs_human_review", ("no_verdict",)),
    ],
)  # fmt: skip
def test_the_first_rule_that_holds_decides_and_doubt_never_helps(
    world: World, rules: list[dict[str, str]], values: dict[str, Any], category: str, reasons: tuple[str, ...]
) -> None:
    assert verdict(world, rules, values) == (category, reasons)


RULES = st.lists(
    st.builds(
        rule,
        st.sampled_from(["metadata.a == 1", "metadata.a > 0", "metadata.b", "!metadata.b", "metadata.c == 'x'"]),
        st.sampled_from([str(category) for category in Category]),
        st.sampled_from(["r", "s", "t"]),
    ),
    min_size=1, max_size=5,
)  # fmt: skip
COMPLETE = st.fixed_dictionaries(
    {"a": st.integers(0, 2), "b": st.booleans(), "c": st.sampled_from(["x", "y"])}
)  # fmt: skip


@given(RULES, COMPLETE, st.sets(st.sampled_from("abc")))
@settings(max_examples=80)
def test_a_missing_value_never_makes_a_verdict_more_favourable(
    tmp_path_factory: pytest.TempPathFactory, rules: list[dict[str, str]], values: dict[str, Any], gone: set[str]
) -> None:
    world = World(tmp_path_factory.getbasetemp() / "favour")
    whole, _ = verdict(world, rules, values)
    partial, _ = verdict(world, rules, {name: value for name, value in values.items() if name not in gone})
    assert Category(partial).rank >= min(Category(whole).rank, Category.NEEDS_HUMAN_REVIEW.rank)


ANYTHING = st.none() | st.booleans() | st.integers(-1, 2) | st.sampled_from([1.0, 2.5, "x", "y", "", [], ["x"], {}])
MIXED_RULES = st.lists(
    st.builds(
        rule,
        st.sampled_from(
            [
                "metadata.a == 1",
                "metadata.a > 0 || metadata.b",
                "!metadata.b",
                "metadata.c in ['x', 'y'] && latency_ms > 1.5",
                "latency_ms <= 2",
                "failure_marker_count > 0",
                "text == 'x'",
                "metadata.a < latency_ms",
            ]
        ),
        st.sampled_from([str(category) for category in Category]),
        st.sampled_from(["r", "s", "t"]),
    ),
    min_size=1,
    max_size=6,
)
MIXED_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "metadata": st.none() | st.dictionaries(st.sampled_from("abc"), ANYTHING),
            "latency_ms": st.none() | st.sampled_from([-0.0, 0.0, 1.0, 2.0, 3.5, math.nan, math.inf]),
            "failure_markers": st.none() | st.lists(st.sampled_from("xy"), max_size=2),
            "text": st.none() | st.sampled_from(["x", "é", ""]),
        }
    ),
    max_size=12,
)


@given(MIXED_RULES, MIXED_ROWS)
@settings(max_examples=150)
def test_rows_judged_together_get_the_verdicts_of_rows_judged_alone(
    tmp_path_factory: pytest.TempPathFactory, rules: list[dict[str, str]], rows: list[dict[str, Any]]
) -> None:
    world = World(tmp_path_factory.getbasetemp() / "together")
    stream = load_stream(world.stream(stream_config(scoring=rules, metadata=METADATA)))
    columns = {name: [one[name] for one in rows] for name in ("latency_ms", "text", "failure_markers")}
    columns["metadata"] = [None if one["metadata"] is None else orjson.dumps(one["metadata"]).decode() for one in rows]
    columns["source"] = columns["task_id"] = [stream.name] * len(rows)
    table = pa.table([pa.array(columns[name], EVIDENCE.field(name).type) for name in columns], names=list(columns))
    judge = judge_for(stream)
    alone = [
        judge(
            {
                "latency_ms": one["latency_ms"],
                "text": one["text"],
                "failure_marker_count": len(one["failure_markers"] or ()),
                **{f"metadata.{name}": value for name, value in (one["metadata"] or {}).items()},
            }.get
        )
        for one in rows
    ]
    assert list(verdicts_of(table, [stream], {}).decoded()) == alone
    assert [judge(lookup) for lookup in lookups(table, stream)] == alone


@pytest.mark.parametrize(
    ("verdicts", "category", "reason"),
    [
        ([], "needs_human_review", "no_verdict_for_task"),
        (["accepted"], "accepted", "inherited_accepted"),
        (["accepted", "partially_accepted"], "partially_accepted", "inherited_partially_accepted"),
        (["needs_human_review", "partially_accepted"], "needs_human_review", "inherited_needs_human_review"),
        (["accepted", "rejected", "needs_human_review"], "rejected", "inherited_rejected"),
    ],
)
def test_an_heir_gets_the_least_favourable_verdict(verdicts: list[str], category: str, reason: str) -> None:
    dice = random.Random(0)
    for _ in range(5):
        dice.shuffle(verdicts)
        found = inherit([Category(one) for one in verdicts])
        assert (found.category, found.reasons) == (category, (reason,))


def scored(world: World, *, evidence: bool = True, **options: Any) -> Manifest:
    with world.refinery(**options) as refinery:
        if evidence:
            build_evidence(refinery, [DAY])
        [manifest] = score_runs(refinery, [DAY])
    return manifest


def runs(world: World) -> dict[str, dict[str, Any]]:
    """The scored runs by run_id."""
    return {one["run_id"]: one for one in world.table(DAY, "runs", "scored_runs")}


def test_every_record_gets_one_verdict_in_the_order_of_the_evidence(world: World) -> None:
    world.stream()
    world.file("reviews.jsonl", [row(n) for n in range(40)])
    manifest = scored(world)
    assert manifest.passed
    assert (manifest.counts.rows_in, manifest.counts.rows_out) == (40, 40)
    kept = world.table(DAY, "runs", "scored_runs")
    assert [one["evidence_id"] for one in kept] == [one["evidence_id"] for one in world.table()]
    assert [one["provenance"] for one in kept] == [one["provenance"] for one in world.table()]
    categories = {"accept": "accepted", "reject": "rejected", "cycle": "partially_accepted"}
    for number in range(40):
        expected = categories.get(row(number)["verdict"], "needs_human_review")
        found = runs(world)[f"run-{number}"]
        assert (found["category"], found["inherited"], len(found["reasons"])) == (expected, False, 1)
    assert manifest.extra["categories"] == dict.fromkeys(sorted(set(categories.values()) | {"needs_human_review"}), 10)


def test_rules_see_counts_lengths_and_declared_fields_of_the_evidence(world: World) -> None:
    rules = [
        rule("failure_marker_count > 0", "rejected", "marked"),
        rule("text_chars == 0", "rejected", "empty"),
        rule("latency_ms > 120000", "partially_accepted", "slow"),
        rule("validation.grounded >= 0.5 && metadata.kind == 'x'", "accepted", "grounded"),
    ]
    record = stream_config()["record"] | {
        "failure_markers": "failed", "validation": {"grounded": {"from": "g", "type": "number"}},
    }  # fmt: skip
    world.stream(stream_config(scoring=rules, record=record, metadata={"kind": "kind"}))
    changes: list[dict[str, Any]] = [
        {"failed": ["x"]}, {"text": ""}, {"latency_ms": 120_001}, {"g": 0.5, "kind": "x"}, {"g": 0.4, "kind": "x"},
        {"g": 1},
    ]  # fmt: skip
    world.file("reviews.jsonl", [row(n) | change for n, change in enumerate(changes)])
    scored(world)
    reasons = [runs(world)[f"run-{n}"]["reasons"] for n in range(6)]
    assert reasons == [["marked"], ["empty"], ["slow"], ["grounded"], ["no_verdict"], ["no_verdict"]]
    assert runs(world)["run-3"]["sub_scores"] == '{"grounded":0.5}'


def families(world: World) -> None:
    world.stream()
    world.stream(extraction_config("facts"))
    world.stream(stream_config("beats", **{"class": "telemetry"}))
    reviews = [("good", "accept"), ("mixed", "accept"), ("mixed", "reject"), ("vague", "unsure")]
    world.file("reviews.jsonl", [row(n, task=task, verdict=given) for n, (task, given) in enumerate(reviews)])
    world.file("beats.jsonl", [row(4, task="beaten", verdict="accept")])
    tasks = ("good", "mixed", "vague", "alone", "beaten")
    world.file("facts.jsonl", [row(n, task=task, verdict="accept") for n, task in enumerate(tasks, 10)])


def test_extraction_records_inherit_from_verdict_streams_of_their_task_and_are_marked(world: World) -> None:
    families(world)
    manifest = scored(world)
    heirs = {number: runs(world)[f"run-{number}"] for number in range(10, 15)}
    assert [heirs[number]["category"] for number in range(10, 15)] == [
        "accepted", "rejected", "needs_human_review", "needs_human_review", "needs_human_review",
    ]  # fmt: skip
    assert heirs[13]["reasons"] == ["no_verdict_for_task"]
    assert all(heir["inherited"] for heir in heirs.values())
    assert not any(runs(world)[f"run-{number}"]["inherited"] for number in range(5))
    assert manifest.extra["inherited"] == 5


def test_verdicts_do_not_depend_on_workers_or_parts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    families(world)
    expected = scored(world).content_hash
    assert scored(world, workers=2).content_hash == expected
    monkeypatch.setattr("distill_platform.refinery.evidence.RANGE_BYTES", 500)
    assert scored(world).content_hash == expected
    assert len(world.table(DAY, "runs", "scored_runs")) == 10


def test_every_run_is_stamped_with_scorer_version_and_its_own_stream_s_rules(world: World) -> None:
    families(world)
    manifest = scored(world)
    stamps_by_source = {one["source"]: one["config_hash"] for one in runs(world).values()}
    assert stamps_by_source == {stream.name: stream.scoring_hash for stream in world.settings().streams}
    assert {one["scorer_version"] for one in runs(world).values()} == {scoring.SCORER_VERSION}
    assert manifest.extra["scorer_version"] == scoring.SCORER_VERSION
    assert manifest.config_hash == world.settings().scoring_hash


def test_a_changed_rule_changes_exactly_the_verdicts_it_should_and_no_evidence(world: World) -> None:
    families(world)
    before_manifest, before, evidence = scored(world), runs(world), stamps(world.lake / "evidence")
    rules = [*SCORING[:2], SCORING[2] | {"category": "needs_human_review", "reason": "observer_doubt"}]
    world.stream(stream_config(scoring=rules))
    after_manifest, after = scored(world), runs(world)
    changed = {name for name in before if before[name]["category"] != after[name]["category"]}
    assert changed == {"run-2", "run-11"}
    restamped = {name for name in before if before[name]["config_hash"] != after[name]["config_hash"]}
    assert restamped == {"run-0", "run-1", "run-2", "run-3"}
    assert before_manifest.content_hash != after_manifest.content_hash
    assert after_manifest.passed
    assert stamps(world.lake / "evidence") == evidence


def test_a_new_scorer_version_scores_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    families(world)
    scored(world)
    monkeypatch.setattr(scoring, "SCORER_VERSION", "9.9.9")
    manifest = scored(world)
    assert {one["scorer_version"] for one in runs(world).values()} == {"9.9.9"}
    assert manifest.extra["scorer_version"] == "9.9.9"


def test_a_rule_that_says_the_same_in_other_words_changes_the_stamp_and_not_the_content(world: World) -> None:
    families(world)
    before = scored(world)
    world.stream(stream_config(scoring=[SCORING[0] | {"when": "(observer_verdict == 'accept')"}, *SCORING[1:]]))
    after = scored(world)
    assert after.content_hash == before.content_hash
    assert after.config_hash != before.config_hash


def test_scoring_again_writes_nothing(world: World) -> None:
    families(world)
    scored(world)
    before = stamps(world.lake)
    scored(world, evidence=False)
    assert stamps(world.lake) == before


def test_a_day_without_records_is_scored_as_empty(world: World) -> None:
    world.stream()
    world.stream(extraction_config("facts"))
    manifest = scored(world)
    assert (manifest.passed, manifest.counts.rows_in, manifest.counts.rows_out) == (True, 0, 0)


def test_what_is_missing_or_has_failed_is_not_scored(world: World) -> None:
    families(world)
    with pytest.raises(MissingDataset):
        scored(world, evidence=False)
    scored(world)
    with world.refinery() as refinery:
        refinery.lake.mark_failed("evidence", DAY, "broken")
    with pytest.raises(GateRefused, match="broken"):
        scored(world, evidence=False)


def test_a_fallback_of_rejected_is_taken_as_declared(world: World) -> None:
    world.stream(stream_config(otherwise=OTHERWISE | {"category": "rejected"}))
    world.file("reviews.jsonl", [row(0, verdict=...)])
    scored(world)
    assert runs(world)["run-0"]["category"] == "rejected"
