"""Screened texts: one row per record, everything the gates need, and never the value of a secret."""

from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, strategies as st

from distill_platform.core.errors import StaleInput
from distill_platform.refinery.corpora.build import build_corpora
from distill_platform.refinery.scoring import score_runs
from distill_platform.refinery.screened import WORDY, invented_paths, screen_texts
from distill_platform_tests.refinery.builders import jsonl
from distill_platform_tests.refinery.traces import DAY, EVAL_ANSWER, EVAL_QUESTION, MAIL, TOKEN, Lab, Row, trace

SECOND = "ghp_" + "zQ7vT2mXc9RbK4sWn8LdJ5hGy3FpA6eU1oPq"


def screened(folder: Path, *rows: Row, **platform: Any) -> dict[str, Row]:
    """The screening of every row, by tag."""
    made = Lab(folder).fill(rows)
    with made.prepared(**platform):
        tags = made.tags()
    return {tags[row["evidence_id"]]: row for row in made.table(DAY, "texts", "screened_texts")}


def test_every_record_is_screened_in_the_order_of_the_evidence(tmp_path: Path) -> None:
    made = Lab(tmp_path).fill([trace(number, text=("" if number % 3 else "Something.")) for number in range(20)])
    with made.prepared() as refinery:
        manifest = refinery.lake.open("screened_texts", DAY).manifest
    assert manifest.counts.rows_in == manifest.counts.rows_out == 20
    ids = [row["evidence_id"] for row in made.table(DAY)]
    assert [row["evidence_id"] for row in made.table(DAY, "texts", "screened_texts")] == ids


def test_secrets_are_named_by_their_pattern_wherever_they_stand(tmp_path: Path) -> None:
    found = screened(
        tmp_path,
        trace("text", text=f"It is {TOKEN}."),
        trace("both", text=f"It is {TOKEN}.", prompt=f"What is {SECOND}?"),
        trace("task", task=TOKEN),
        trace("none"),
    )
    assert {tag: row["secrets"] for tag, row in found.items()} == {
        "text": ["github_token"],
        "both": ["github_token"],
        "task": ["github_token"],
        "none": [],
    }


def test_personal_data_is_counted_and_taken_out_of_both_texts(tmp_path: Path) -> None:
    found = screened(tmp_path, trace("a", prompt=f"Who is {MAIL}?", text=f"Ask {MAIL} or 4111 1111 1111 1111."))["a"]
    assert orjson.loads(found["pii"]) == {"card": 1, "email": 2}
    assert MAIL not in found["redacted_prompt"] + found["redacted_text"]
    assert "1111" not in found["redacted_text"]
    assert found["redacted_prompt"].startswith("Who is ")


def test_a_text_without_findings_is_not_stored_again(tmp_path: Path) -> None:
    found = screened(tmp_path, trace("a"))["a"]
    names = ("pii", "redacted_prompt", "redacted_text", "eval_item")
    assert [found[name] for name in names] == [None] * 4
    assert (found["eval_prompt_hits"], found["eval_containment"]) == (0, 0.0)


def test_an_evaluation_item_is_named_by_set_and_line(tmp_path: Path) -> None:
    found = screened(
        tmp_path, trace("asked", prompt=f"Solve: {EVAL_QUESTION}."), trace("answered", text=f"Well, {EVAL_ANSWER}.")
    )
    assert {tag: row["eval_item"] for tag, row in found.items()} == {"asked": "exam:1", "answered": "exam:1"}
    assert found["asked"]["eval_prompt_hits"] == len(EVAL_QUESTION.split()) - 12
    assert found["answered"]["eval_containment"] == 1.0


def test_texts_that_count_as_the_same_have_the_same_key(tmp_path: Path) -> None:
    texts = ("Use a lock.", "use  a\tLOCK.", "Use a\u200b lock.", "Use a l\u043eck.", "Use a lock!")
    found = screened(tmp_path, *(trace(number, text=text) for number, text in enumerate(texts)))
    keys = [found[str(number)]["answer_key"] for number in range(len(texts))]
    assert keys[0] == keys[1] == keys[2]
    assert len(set(keys[2:])) == 3


@given(st.text(st.sampled_from("ab \t\n\x1c\x1f\x85\u00a0\u1680\u2003\u2028\u202f\u205f\u3000\u200bé")) | st.text())
def test_a_label_is_wordy_from_five_words_on(label: str) -> None:
    assert pc.match_substring_regex(pa.array([label]), WORDY)[0].as_py() == (len(label.split()) >= 5)


def test_a_label_long_enough_to_quote_a_question_is_looked_at(tmp_path: Path) -> None:
    found = screened(tmp_path, trace("quoting", task=EVAL_QUESTION), trace("plain"))
    assert {tag: row["eval_item"] for tag, row in found.items()} == {"quoting": "exam:1", "plain": None}
    assert found["quoting"]["eval_prompt_hits"] > 0


@pytest.mark.parametrize(
    ("text", "known", "invented"),
    [
        ("a/b.py and c/d.py", ["a/b.py"], ["c/d.py"]),
        ("./a/b.py", ["a/b.py"], []),
        ("../a/b.py", ["a/b.py"], []),
        (".github/ci.yml", [".github/ci.yml"], []),
        ("b.py alone is no path", [], []),
        ("b/c.py", ["a/b/c.py"], []),
        ("xb/c.py", ["a/b/c.py"], ["xb/c.py"]),
        ("c.py/a.py c.py/a.py", [], ["c.py/a.py"]),
    ],
)
def test_cited_paths_are_compared_with_whole_ends_of_known_ones(
    text: str, known: list[str], invented: list[str]
) -> None:
    assert invented_paths(text, known) == invented


@pytest.mark.parametrize(
    "change", [{"screening": {"answer_ngram": 9}}, {"screening": {"shingle_words": 4}}, {"eval": True}]
)
def test_other_parameters_or_other_evaluation_sets_make_the_screening_stale(tmp_path: Path, change: Row) -> None:
    made = Lab(tmp_path).fill([trace("a")])
    made.refine()
    if "eval" in change:
        (made.root / "config/eval_sets/exam.jsonl").write_bytes(jsonl([{"question": "Is it another set?"}]))
    with made.refinery(**{key: value for key, value in change.items() if key != "eval"}) as refinery:
        with pytest.raises(StaleInput, match="screened_texts"):
            build_corpora(refinery, ["rag_corpus"], [DAY])
        screen_texts(refinery, [DAY])
        assert build_corpora(refinery, ["rag_corpus"], [DAY])[0].passed


def test_screening_refuses_evidence_that_was_mapped_differently(tmp_path: Path) -> None:
    made = Lab(tmp_path).fill([trace("a")])
    made.refine()
    with made.refinery(ingest={"max_row_bytes": 5_000}) as refinery:
        for stage in (score_runs, screen_texts):
            with pytest.raises(StaleInput, match="evidence"):
                stage(refinery, [DAY])
