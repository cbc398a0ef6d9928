"""What stands in the corpora: texts as they may leave, pairs with their numbers, dropped rows with why."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from distill_platform.core.errors import GateRefused, StaleInput
from distill_platform.refinery.corpora import export, export_pairs, firewall
from distill_platform.refinery.corpora.build import build_corpora
from distill_platform.refinery.corpora.samples import similarities
from distill_platform.refinery.pipeline import run_all
from distill_platform.refinery.schemas import CORPORA
from distill_platform.refinery.scoring import score_runs
from distill_platform_tests.refinery.builders import SCORING, jsonl, stream_config
from distill_platform_tests.refinery.traces import (
    CHAIN,
    DAY,
    EVAL_ANSWER,
    EVAL_QUESTION,
    MAIL,
    OTHER_MAIL,
    TOKEN,
    Lab,
    Row,
    evidence_ids,
    lab,
    trace,
)

SECRETS = (TOKEN, "hunter2Xq9vT4mZ8", "AKIAQYLPMN5HFIQR7XYA")


def row_of(made: Lab, corpus: str) -> Row:
    """The only row of a corpus."""
    (row,) = made.samples(corpus)
    return row


# --------------------------------------------------------------------------------------------------------------- texts


def test_an_accepted_answer_becomes_a_prompt_and_a_completion(tmp_path: Path) -> None:
    made = Lab(tmp_path).fill([trace("a")])
    made.refine()
    row = row_of(made, "sft_corpus")
    assert row["prompt"] == [{"role": "user", "content": "What about number a?"}]
    assert row["completion"] == [{"role": "assistant", "content": "Answer number a it is."}]
    assert (row["quality_score"], row["prompt_source"]) == ("accepted", "trace")
    assert (row["task_id"], row["source_run_id"]) == ("task-a", "run-a")
    document = row_of(made, "rag_corpus")
    assert (document["title"], document["text"]) == ("reviews: task-a", "Answer number a it is.")


def test_a_prompt_made_from_a_template_says_so(tmp_path: Path) -> None:
    made = Lab(tmp_path).fill([trace("a", stream="telemetry", prompt="")])
    made.refine()
    row = row_of(made, "sft_corpus")
    assert (row["prompt"][0]["content"], row["prompt_source"]) == ("Do the work.", "template")


@pytest.fixture
def chats(tmp_path: Path) -> Lab:
    """A lab with one stream of whole conversations whose title quotes the prompt."""
    made = Lab(tmp_path)
    record = {"run_id": "run", "task_id": "task", "timestamp": "at", "model_role": {"value": "executor"}}
    always = [{"when": "text_chars > 0", "category": "accepted", "reason": "said"}]
    made.stream(stream_config("chats", record={**record, "messages": "messages"}, scoring=always, title="On: {prompt}"))
    return made


def conversation(*contents: str) -> list[Row]:
    """A conversation with a system message, ending with the assistant."""
    roles = ["system", *["user", "assistant"] * (len(contents) // 2)]
    return [{"role": role, "content": content} for role, content in zip(roles, contents, strict=True)]


def talk(made: Lab, *conversations: list[Row], **platform: Any) -> None:
    """Take conversations through all stages."""
    rows = [
        {"run": f"r{n}", "task": f"t{n}", "at": f"{DAY}T01:00:00Z", "messages": said}
        for n, said in enumerate(conversations)
    ]
    made.file("chats.jsonl", jsonl(rows))
    made.refine(**platform)


def test_a_conversation_keeps_its_roles_and_loses_personal_data_in_every_message_and_the_title(chats: Lab) -> None:
    talk(chats, conversation(f"You are {MAIL}.", f"Who is {OTHER_MAIL}?", "Somebody.", "Sure?", f"Yes: {MAIL}."))
    row = row_of(chats, "sft_corpus")
    assert [message["role"] for message in row["prompt"]] == ["system", "user", "assistant", "user"]
    written = str(row) + str(row_of(chats, "rag_corpus")) + str(row_of(chats, "kto_corpus"))
    assert MAIL not in written
    assert OTHER_MAIL not in written
    assert row["prompt"][1]["content"].startswith("Who is ")
    assert row_of(chats, "rag_corpus")["title"].startswith("On: You are ")


def test_without_redaction_texts_leave_as_they_are_and_no_record_more_or_less(tmp_path: Path) -> None:
    rows = [trace("a", text=f"Ask {MAIL}.", prompt=f"Who is {OTHER_MAIL}?"), trace("b"), trace("c", verdict="reject")]
    made = Lab(tmp_path).fill(rows)
    standing = []
    for on in (True, False):
        made.refine(gates={"pii_redaction": on})
        standing.append([set(evidence_ids(corpus, made.samples(corpus))) for corpus in CORPORA])
        texts = str([made.samples(corpus) for corpus in CORPORA])
        assert (MAIL in texts) is (OTHER_MAIL in texts) is (not on)
    assert standing[0] == standing[1]


@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_a_secret_or_a_benchmark_question_in_any_message_keeps_the_conversation_out(chats: Lab, place: int) -> None:
    said = [[*(["Fine."] * 5)] for _ in range(2)]
    said[0][place], said[1][place] = f"It is {TOKEN}.", f"{EVAL_QUESTION}?"
    (chats.root / "config/eval_sets/exam.jsonl").write_bytes(jsonl([{"question": EVAL_QUESTION}]))
    talk(chats, *(conversation(*contents) for contents in said))
    for corpus in CORPORA:
        assert chats.samples(corpus) == []
    assert {row["reason"] for row in chats.dropped("sft_corpus")} == {"secret_found", "eval_contamination"}


# ------------------------------------------------------------------------------------------------------------- secrets


def test_the_value_of_a_secret_stands_in_no_file_of_the_lake_but_the_evidence(tmp_path: Path) -> None:
    rows = [
        trace("text", text=f"Log in with {SECRETS[0]}."),
        trace("prompt", prompt=f'Is password = "{SECRETS[1]}" right?'),
        trace("task", task=f"deploy {SECRETS[0]}"),
        trace("rejected", text=f"Use {SECRETS[2]}.", verdict="reject"),
        trace("conflicting", task="t", text=f"Use {SECRETS[2]}."),
        trace("against", task="t", text=f"Use {SECRETS[2]}.", verdict="reject"),
        trace("waiting", text=f"Use {SECRETS[2]}.", verdict="unsure"),
        trace("heir", stream="facts", task="t", text=f"It was {SECRETS[2]}."),
        *(trace(number) for number in range(5)),
    ]
    made = Lab(tmp_path).fill(rows)
    with made.refinery() as refinery:
        run_all(refinery, [DAY], "run-1")
    found = {
        (path.relative_to(made.lake).parts[0], secret)
        for path in made.lake.rglob("*")
        if path.is_file()
        for secret in SECRETS
        if secret.encode() in path.read_bytes()
    }
    # Identifiers are what rows are found by: a token in one stays in the verdicts and in what names the dropped record.
    assert {place for place, secret in found if secret != SECRETS[0]} == {"evidence"}


def test_the_detail_of_a_dropped_record_names_the_pattern_the_file_or_the_item(tmp_path: Path) -> None:
    rows = [
        trace("leaky", text=f"Log in with {TOKEN}."),
        trace("inventive", text="It is in src/made_up.py.", known=["src/real.py"]),
        trace("quoting", text=f"Well: {EVAL_ANSWER}."),
        trace("first", text=CHAIN[0], at=f"{DAY}T01:00:00Z"),
        trace("second", text=CHAIN[1], at=f"{DAY}T02:00:00Z"),
        trace("waiting", verdict="unsure"),
        trace("heir", stream="facts", task="task-waiting"),
    ]
    made = Lab(tmp_path).fill(rows)
    made.refine()
    tags = made.tags()
    kept = next(name for name, tag in tags.items() if tag == "first")
    details = {tags[row["evidence_id"]]: row["detail"] for row in made.dropped("rag_corpus")}
    assert details == {
        "leaky": "patterns: github_token",
        "inventive": "cites src/made_up.py",
        "quoting": "shares text with evaluation item exam:1",
        "second": f"repeats evidence {kept}, which ranks before it",
        "waiting": "the verdict is needs_human_review",
        "heir": "the verdict is needs_human_review, inherited from the task",
    }


# --------------------------------------------------------------------------------------------------------------- pairs


def test_a_pair_tells_how_alike_its_answers_are_and_which_is_longer(tmp_path: Path) -> None:
    ask = {"task": "t", "prompt": "How?"}
    rows = [
        trace("good", text="one two three four", **ask),
        trace("bad", text="Three, four five six", verdict="reject", **ask),
    ]
    made = Lab(tmp_path).fill(rows)
    manifest = made.refine()["preference_corpus", DAY]
    row = row_of(made, "preference_corpus")
    assert row["pair_similarity"] == pytest.approx(2 / 6)
    assert row["length_ratio"] == pytest.approx(18 / 20)
    assert row["reason"] == "accepted_over_rejected"
    assert (row["chosen_run_id"], row["rejected_run_id"]) == ("run-good", "run-bad")
    assert manifest.extra["pairs"] == {
        "similarity_mean": 0.333333,
        "similarity_median": 0.333333,
        "length_ratio_median": 0.9,
        "chosen_longer_share": 0.0,
    }


@pytest.mark.parametrize(
    ("left", "right", "alike"),
    [("a b", "a b", 1.0), ("a b", "B  A!", 1.0), ("a b", "c d", 0.0), ("a a a b", "a", 0.5), ("?!", "...", 1.0)],
)
def test_similarity_is_that_of_the_sets_of_words(left: str, right: str, alike: float) -> None:
    assert similarities(pa.array([left, right]), np.array([0]), np.array([1])) == pytest.approx(alike)


def test_a_pair_of_texts_that_redaction_made_the_same_is_refused(tmp_path: Path) -> None:
    ask = {"task": "t", "prompt": "Whom to ask?"}
    rows = [
        trace("good", text=f"Ask {MAIL}.", **ask),
        trace("bad", text=f"Ask {OTHER_MAIL}.", verdict="reject", **ask),
    ]
    made = Lab(tmp_path).fill(rows)
    manifest = made.refine(gates={"verdict_conflicts": False})["preference_corpus", DAY]
    assert dict(manifest.counts.quarantined) == {"invalid_preference_pairing": 2}
    assert manifest.passed, manifest.errors


@pytest.mark.parametrize("at_once", [1, 50, 80, 50_000])
def test_pairs_refused_in_different_batches_are_all_accounted_for(
    tmp_path: Path, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One accepted answer in several pairs, all of them refused: it is in none, so it is dropped, once."""
    monkeypatch.setattr(export_pairs, "CHARACTERS_AT_ONCE", at_once)
    ask = {"task": "t", "prompt": "Whom to ask?"}
    mails = (MAIL, OTHER_MAIL, "nobody@example.org", "somebody@example.org")
    rows = [trace(n, text=f"Ask {mail}.", verdict=("reject" if n else "accept"), **ask) for n, mail in enumerate(mails)]
    made = Lab(tmp_path).fill(rows)
    gates = {"verdict_conflicts": False, "exact_duplicates": False}
    manifest = made.refine(gates=gates)["preference_corpus", DAY]
    assert dict(manifest.counts.quarantined) == {"invalid_preference_pairing": 4}
    assert manifest.passed, manifest.errors


def test_how_many_pairs_are_read_at_once_does_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [trace(n, task="t", prompt="How?", verdict=("accept", "reject")[n % 2]) for n in range(12)]
    hashes = set()
    for at_once in (1, 60, 50_000):
        monkeypatch.setattr(export_pairs, "CHARACTERS_AT_ONCE", at_once)
        with lab(rows) as made:
            hashes.add(made.refine()["preference_corpus", DAY].content_hash)
    assert len(hashes) == 1


# --------------------------------------------------------------------------------------------- staleness and thresholds

STRICTER = [{**SCORING[0], "when": "observer_verdict == 'accept' && text_chars > 1000"}, *SCORING[1:]]


def test_a_corpus_is_not_made_from_verdicts_of_other_rules(tmp_path: Path) -> None:
    made = Lab(tmp_path).fill([trace("a")])
    made.refine()
    made.stream(stream_config(metadata={"known_paths": {"from": "known", "type": "strings"}}, scoring=STRICTER))
    with made.refinery() as refinery:
        for corpus in CORPORA:
            with pytest.raises(StaleInput, match="scored_runs"):
                build_corpora(refinery, [corpus], [DAY])
        score_runs(refinery, [DAY])
        build_corpora(refinery, ["sft_corpus"], [DAY])
    assert made.samples("sft_corpus") == []


def test_a_corpus_is_not_read_once_what_it_was_made_from_has_changed(tmp_path: Path) -> None:
    made = Lab(tmp_path).fill([trace("a")])
    made.refine()
    made.stream(stream_config(metadata={"known_paths": {"from": "known", "type": "strings"}}, scoring=STRICTER))
    with made.refinery() as refinery:
        assert refinery.lake.open("sft_corpus", DAY)
        score_runs(refinery, [DAY])
        with pytest.raises(StaleInput):
            refinery.lake.open("sft_corpus", DAY)


CHANGES: list[tuple[Row, set[str], set[str]]] = [
    ({"gates": {"near_duplicate_jaccard": 0.9}}, {"near"}, set()),
    ({"gates": {"near_duplicate_min_words": 100}}, {"near"}, set()),
    ({"gates": {"eval_answer_containment": 1.0}}, {"half"}, set()),
    ({"gates": {"eval_prompt_hits": 3}}, {"two"}, set()),
    ({"gates": {"secrets": False}}, {"leaky"}, set()),
    ({"gates": {"exact_duplicates": False}}, {"copy"}, set()),
    ({"exports": {"sft_include_partial": True}}, {"partial"}, set()),
]


@pytest.mark.parametrize(("change", "added", "removed"), CHANGES, ids=[str(change) for change, *_ in CHANGES])
def test_a_changed_threshold_changes_exactly_the_rows_it_should(
    tmp_path: Path, change: Row, added: set[str], removed: set[str]
) -> None:
    rows = [
        trace("first", text=CHAIN[0], at=f"{DAY}T01:00:00Z"),
        trace("near", text=CHAIN[1], at=f"{DAY}T02:00:00Z"),
        trace("half", text=" ".join(EVAL_ANSWER.split()[:12])),
        trace("two", prompt=" ".join(["Solve", *EVAL_QUESTION.split()[:14], "now"])),
        trace("leaky", text=f"It is {TOKEN}."),
        trace("original", text="Twice.", prompt="Is it?", at=f"{DAY}T01:00:00Z"),
        trace("copy", text="twice.", prompt="is it?", at=f"{DAY}T02:00:00Z"),
        trace("partial", verdict="cycle"),
        trace("plain"),
    ]
    made = Lab(tmp_path).fill(rows)
    standing = []
    for platform in ({}, change):
        made.refine(**platform)
        tags = made.tags()
        standing.append({tags[name] for name in evidence_ids("sft_corpus", made.samples("sft_corpus"))})
    assert standing[0] == {"first", "original", "plain"}
    assert (standing[1] - standing[0], standing[0] - standing[1]) == (added, removed)


# ---------------------------------------------------------------------------------------------------------- odd amounts


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Parts so small that a few rows need several."""
    monkeypatch.setattr("distill_platform.refinery.evidence.RANGE_BYTES", 4_000)
    return


@pytest.mark.usefixtures("small_parts")
def test_how_a_day_is_cut_into_parts_shows_in_no_decision(tmp_path: Path) -> None:
    rows = [
        trace(n, task=f"t{n % 5}", text=CHAIN[n % 4] if n % 3 else f"Text {n % 7}.", verdict=verdict)
        for n, verdict in enumerate(["accept", "reject"] * 30)
    ]
    many = Lab(tmp_path / "many").fill(rows)
    fates = {corpus: many.fates(corpus) for corpus in CORPORA}
    assert len(list((many.lake / "evidence" / DAY).rglob("records/*.parquet"))) > 3
    many.refine()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("distill_platform.refinery.evidence.RANGE_BYTES", 10**9)
        one = Lab(tmp_path / "one").fill(rows)
        assert {corpus: one.fates(corpus) for corpus in CORPORA} == fates
        one.refine()
    for corpus in CORPORA:
        assert one.samples(corpus) == many.samples(corpus)


def test_a_day_without_records_gives_empty_corpora_that_pass(tmp_path: Path) -> None:
    for manifest in Lab(tmp_path).fill([]).refine().values():
        assert manifest.passed
        assert manifest.counts.rows_in == 0


def test_a_record_that_the_schema_refuses_is_quarantined_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed = firewall.violations

    def stern(corpus: str, table: Any, *more: Any) -> Any:
        return pc.or_(allowed(corpus, table, *more), pc.equal(table["task_id"].combine_chunks(), "task-3"))

    monkeypatch.setattr(firewall, "violations", stern)
    made = Lab(tmp_path).fill([trace(n) for n in range(6)])
    manifest = made.refine()["sft_corpus", DAY]
    assert dict(manifest.counts.quarantined) == {"schema_violation": 1}
    assert manifest.passed
    assert "task-3" not in {row["task_id"] for row in made.samples("sft_corpus")}


def test_a_written_file_that_lost_a_row_fails_the_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = export.sample_table
    monkeypatch.setattr(export, "sample_table", lambda *given, **named: whole(*given, **named).slice(1))
    made = Lab(tmp_path).fill([trace(n) for n in range(4)])
    with made.prepared() as refinery:
        monkeypatch.setattr(firewall, "violations", lambda _, table, *__: pa.array([False] * len(table)))
        (manifest,) = build_corpora(refinery, ["sft_corpus"], [DAY])
        assert manifest.errors[0].startswith("conservation")
        with pytest.raises(GateRefused, match="conservation"):
            refinery.lake.open("sft_corpus", DAY)
