"""The laws of the corpora over generated traces: conservation, firewall, determinism, and gates that only take away."""

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import Phase, given, settings, strategies as st

from distill_platform.refinery.corpora.build import build_corpora, decide, load, open_day
from distill_platform.refinery.schemas import CORPORA
from distill_platform.store.lake import Manifest
from distill_platform_tests.refinery.traces import (
    DAY,
    GATES,
    MAIL,
    NEXT_DAY,
    OTHER_MAIL,
    PAIRING,
    TOKEN,
    Lab,
    Row,
    alike,
    clusters,
    evidence_ids,
    fates,
    fit,
    judged,
    lab,
    opinions,
    trace,
    traces,
    with_config,
)

DAYS = (DAY, NEXT_DAY)
QUICK = (Phase.explicit, Phase.reuse, Phase.generate)  # shrinking would take minutes, every try is a lake
REASON_OF = {
    "secrets": "secret_found",
    "pii_redaction": "",
    "verdict_conflicts": "verdict_conflict",
    "exact_duplicates": "duplicate_id",
    "near_duplicates": "near_duplicate",
    "split_leakage": "split_leakage",
    "eval_contamination": "eval_contamination",
}
FEW, MANY = settings(max_examples=8, phases=QUICK), settings(max_examples=150, phases=QUICK)


# -------------------------------------------------------------------------------------------------------- conservation


@FEW
@given(traces())
def test_every_record_is_in_the_corpus_or_in_its_quarantine_and_never_in_both(rows: list[Row]) -> None:
    with lab(rows) as made:
        for (corpus, _), manifest in made.refine().items():
            out = evidence_ids(corpus, made.samples(corpus))
            gone = [row["evidence_id"] for row in made.dropped(corpus)]
            assert len(set(gone)) == len(gone)
            assert set(out).isdisjoint(gone)
            assert {*out, *gone} == set(made.tags())
            if corpus != "preference_corpus":
                assert len(set(out)) == len(out)
            assert_counted(manifest, len(set(out)), made.dropped(corpus))


def assert_counted(manifest: Manifest, out: int, dropped: Sequence[Row]) -> None:
    """The receipt's counts are those of the rows, disposition by disposition and reason by reason."""
    counts = manifest.counts
    by_kind: dict[str, Counter[str]] = {name: Counter() for name in ("quarantined", "skipped", "deduplicated")}
    for row in dropped:
        by_kind[row["disposition"]][row["reason"]] += 1
    assert manifest.passed, manifest.errors
    assert counts.conserved
    assert counts.rows_in == out + len(dropped)
    assert counts.rows_out == out
    assert counts.deduplicated == by_kind["deduplicated"].total()
    assert dict(counts.quarantined) == by_kind["quarantined"]
    assert dict(counts.skipped) == by_kind["skipped"]


@FEW
@given(traces())
def test_every_row_names_the_source_line_of_its_record(rows: list[Row]) -> None:
    with lab(rows) as made:
        made.refine()
        proven = {row["evidence_id"]: row["provenance"] for row in made.table()}
        for corpus in CORPORA:
            for row in made.samples(corpus):
                sides = ("chosen_", "rejected_") if corpus == "preference_corpus" else ("",)
                for side in sides:
                    assert row[f"{side}provenance"] == proven[row[f"{side}evidence_id"]]
            for row in made.dropped(corpus):
                assert row["provenance"] == proven[row["evidence_id"]]


# ------------------------------------------------------------------------------------------------------------ firewall


@FEW
@given(traces())
def test_only_what_a_careful_reader_would_admit_stands_in_a_corpus(rows: list[Row]) -> None:
    said = opinions(rows)
    with lab(rows) as made:
        made.refine()
        tags = made.tags()
        for corpus in CORPORA:
            samples = made.samples(corpus)
            standing = [said[tags[name]] for name in evidence_ids(corpus, samples)]
            assert all(fit(corpus, opinion) for opinion in standing)
            if corpus == "preference_corpus":
                assert_pairs(samples, {name: said[tag] for name, tag in tags.items()})
                standing = list({opinion.tag: opinion for opinion in standing}.values())
            contents = [opinion.content(corpus) for opinion in standing]
            assert len(set(contents)) == len(contents)
            for at, one in enumerate(standing):
                assert all(one.side != other.side or alike(one.text, other.text) < 0.8 for other in standing[:at])


def assert_pairs(samples: Sequence[Row], said: dict[str, Any]) -> None:
    """Both sides answer the same prompt of the same task in different runs, and only the better one was accepted."""
    for row in samples:
        better, worse = said[row["chosen_evidence_id"]], said[row["rejected_evidence_id"]]
        assert better.category == "accepted"
        assert worse.category in ("rejected", "partially_accepted")
        assert row["reason"] == f"accepted_over_{worse.category}"
        assert better.content("preference_corpus")[0] == worse.content("preference_corpus")[0]
        assert row["chosen_run_id"] != row["rejected_run_id"]
        assert row["chosen"] != row["rejected"]
    assert max(Counter(row["task_id"] for row in samples).values(), default=0) <= 5
    pairs = [(row["chosen_evidence_id"], row["rejected_evidence_id"]) for row in samples]
    assert len(set(pairs)) == len(pairs)


@FEW
@given(traces(days=DAYS))
def test_over_a_range_of_days_the_same_holds_across_days(rows: list[Row]) -> None:
    said = opinions(rows)
    with lab(rows) as made, made.prepared(*DAYS) as refinery:
        tags = made.tags(*DAYS)
        for corpus in CORPORA:
            found = fates(judged(refinery, corpus, *DAYS), tags)
            kept = [said[tag] for tag, fate in found.items() if fate == "kept"]
            assert set(found) == set(said)
            assert all(fit(corpus, opinion) for opinion in kept)
            contents = [opinion.content(corpus) for opinion in kept]
            assert len(set(contents)) == len(contents)


@FEW
@given(traces())
def test_a_task_stands_in_one_split_and_no_validation_text_in_training(rows: list[Row]) -> None:
    with lab(rows) as made:
        made.refine(exports={"validation_fraction": 0.5})
        for corpus in CORPORA:
            splits: dict[str, set[str]] = {}
            texts: dict[str, set[Any]] = {"train": set(), "validation": set()}
            for row in made.samples(corpus):
                splits.setdefault(row["task_id"], set()).add(row["split"])
                texts[row["split"]] |= {
                    row[name] if name == "text" else row[name][-1]["content"]
                    for name in ("text", "completion", "chosen", "rejected")
                    if name in row
                }
            assert all(len(found) == 1 for found in splits.values())
            assert not texts["train"] & texts["validation"]


@FEW
@given(traces())
def test_personal_data_and_secrets_leave_in_no_text(rows: list[Row]) -> None:
    with lab(rows) as made:
        made.refine()
        for corpus in CORPORA:
            written = str(made.samples(corpus)) + str(made.dropped(corpus))
            assert not [hidden for hidden in (MAIL, OTHER_MAIL, TOKEN) if hidden in written]


# --------------------------------------------------------------------------------------------------------- determinism


def contents(made: Lab, **platform: Any) -> dict[tuple[str, str], str]:
    """The content hashes of all corpora of both days."""
    return {key: manifest.content_hash for key, manifest in made.refine(*DAYS, **platform).items()}


@FEW
@given(traces(days=DAYS), st.randoms(use_true_random=False), st.integers(1, 3))
def test_the_order_of_lines_and_files_changes_no_content(rows: list[Row], dice: random.Random, files: int) -> None:
    shuffled = dice.sample(rows, len(rows))
    with lab(rows) as made, lab(shuffled, files=files) as again:
        assert contents(made) == contents(again)


@pytest.mark.slow
def test_two_workers_give_the_bytes_of_one() -> None:
    rows = [
        trace(n, task=f"task-{n % 9}", verdict=("accept", "reject", "cycle")[n % 3], at=f"{day}T0{n % 9}:00:00Z")
        for n in range(300)
        for day in DAYS
    ]  # fmt: skip
    rows = [{**row, "model": f"{number}"} for number, row in enumerate(rows)]
    with lab(rows) as one, lab(rows) as two, lab(rows) as daily:
        made = one.refine(*DAYS)
        assert two.refine(*DAYS, workers=2) == made
        assert daily.refine(DAY, workers=2) | daily.refine(NEXT_DAY, workers=2) == made


@FEW
@given(traces())
def test_making_a_corpus_again_gives_the_same_manifest(rows: list[Row]) -> None:
    with lab(rows) as made:
        assert made.refine() == made.refine()


# ----------------------------------------------------------------------------------------------- gates only take away

GATE_CONFIG = st.fixed_dictionaries({gate: st.booleans() for gate in GATES}).map(
    lambda gates: gates | {"near_duplicate_min_words": 20}
)


GATED = (traces(50, least=20), GATE_CONFIG, st.sampled_from([0.0, 0.5]))


@FEW
@given(*GATED)
def test_turning_any_gate_on_never_adds_a_record(rows: list[Row], gates: Row, fraction: float) -> None:
    assert_gates_only_take_away(rows, gates, fraction)


@pytest.mark.slow
@MANY
@given(*GATED)
def test_turning_any_gate_on_never_adds_a_record_however_often_we_try(
    rows: list[Row], gates: Row, fraction: float
) -> None:
    assert_gates_only_take_away(rows, gates, fraction)


def assert_gates_only_take_away(rows: list[Row], gates: Row, fraction: float) -> None:
    """The only rows a gate may add are the next best of a cluster of duplicates whose kept member it took."""
    exports = {"validation_fraction": fraction, "max_pairs_per_task": 2}
    said = list(opinions(rows).values())
    with lab(rows) as made, made.prepared(gates=gates, exports=exports) as refinery:
        tags = made.tags()
        candidates = load(refinery.settings, [open_day(refinery, DAY)])
        for corpus in CORPORA:
            cluster = clusters(corpus, said)
            for gate in GATES:
                without, within = (
                    fates(decide(with_config(refinery.settings, gates={gate: on}), [corpus], candidates)[0], tags)
                    for on in (False, True)
                )
                assert_only_taken_away(corpus, without, within, cluster, gate)


def assert_only_taken_away(
    corpus: str, without: dict[str, str], within: dict[str, str], cluster: dict[str, int], gate: str
) -> None:
    """What the gates let through with the gate on, they let through with it off, but for the next best of a cluster.

    The best of a cluster may have been lost to a later gate anyway (the order of the gates is fixed, and duplicates are
    judged before leakage and contamination): then, too, the next best stands only because the gate took the best.
    Pairs have one more exception that no rule can avoid: a task has room for so many pairs, and where a gate takes one
    the next in line moves up. A rule without it would have to leave the place empty.
    """
    passed = PAIRING | {"kept"}
    before, after = ({tag for tag, fate in found.items() if fate in passed} for found in (without, within))
    taken = {cluster[tag] for tag, fate in within.items() if fate == REASON_OF[gate] != without[tag]}
    added = {tag for tag in after - before if cluster[tag] not in taken}
    assert not added, f"turning {gate} on let {added} into {corpus}, which was {[without[tag] for tag in added]}"
    kept = {tag for tag, fate in within.items() if fate == "kept" and without[tag] != "kept"}
    waited = {tag for tag in kept if without[tag] == "pair_cap" or (after - before and without[tag] in PAIRING)}
    assert all(cluster[tag] in taken for tag in kept - waited)


@FEW
@given(traces(30), st.sampled_from(GATES))
def test_turning_a_gate_on_never_adds_a_written_row(rows: list[Row], gate: str) -> None:
    cluster = clusters("rag_corpus", opinions(rows).values())
    with lab(rows) as made, made.prepared() as refinery:
        tags = made.tags()
        standing = []
        for on in (False, True):
            changed = with_config(refinery.settings, gates={gate: on})
            build_corpora(type(refinery)(changed, refinery.lake, refinery.workers, refinery.now), ["rag_corpus"], [DAY])
            standing.append({tags[name] for name in evidence_ids("rag_corpus", made.samples("rag_corpus"))})
        without, within = standing
        reasons = {tags[row["evidence_id"]]: row["reason"] for row in made.dropped("rag_corpus")}
        taken = {cluster[tag] for tag, reason in reasons.items() if reason == REASON_OF[gate]}
        assert all(cluster[tag] in taken for tag in within - without)
        assert gate != "pii_redaction" or without == within
