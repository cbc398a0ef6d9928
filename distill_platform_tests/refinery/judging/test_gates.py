"""The gates one by one: what each takes, what it leaves, and the order in which they speak."""

from pathlib import Path
from typing import Any

import pytest

from distill_platform_tests.refinery.traces import (
    CHAIN,
    DAY,
    EVAL_ANSWER,
    EVAL_QUESTION,
    MAIL,
    OTHER_MAIL,
    SHORT_QUESTION,
    TINY_QUESTION,
    TOKEN,
    Lab,
    Row,
    prose,
    trace,
)

KTO, SFT, RAG, PREFERENCE = "kto_corpus", "sft_corpus", "rag_corpus", "preference_corpus"
ALONE = dict.fromkeys(
    ("secrets", "verdict_conflicts", "exact_duplicates", "near_duplicates", "split_leakage", "eval_contamination"),
    False,
)
LONG = " ".join(prose("pear"))


def fates(folder: Path, rows: list[Row], corpus: str = KTO, **options: Any) -> dict[str, str]:
    """What becomes of every row in a corpus, by tag."""
    return Lab(folder).fill(rows).fates(corpus, **options)


def only(gate: str) -> dict[str, bool]:
    """Gates of which only one is on."""
    return ALONE | {gate: True}


# ----------------------------------------------------------------------------------------------------- schema, category


@pytest.mark.parametrize("text", ["", " ", "\t\n ", "\u200b\u200b", "\ufeff \u00a0"])
def test_a_text_that_says_nothing_is_empty_content(tmp_path: Path, text: str) -> None:
    for corpus in (RAG, SFT, KTO, PREFERENCE):
        assert fates(tmp_path / corpus, [trace("a", text=text), trace("b")], corpus)["a"] == "empty_content"


@pytest.mark.parametrize("prompt", ["", " ", "\n", "\u200b"])
def test_a_prompt_that_asks_nothing_is_empty_content_where_a_prompt_is_needed(tmp_path: Path, prompt: str) -> None:
    rows = [trace("a", prompt=prompt), trace("b", verdict="reject")]
    for corpus, fate in ((RAG, "kept"), (SFT, "empty_content"), (KTO, "empty_content"), (PREFERENCE, "empty_content")):
        assert fates(tmp_path / corpus, rows, corpus)["a"] == fate


FATES = {
    RAG: ("kept", "kept", "unsafe_rag_category", "unsafe_rag_category", "kept"),
    SFT: ("kept", "category_disallowed", "unsafe_sft_category", "unsafe_sft_category", "category_disallowed"),
    KTO: ("kept", "category_disallowed", "category_disallowed", "kept", "category_disallowed"),
}


@pytest.mark.parametrize("corpus", FATES)
def test_each_corpus_admits_its_verdicts_and_an_inherited_one_only_for_retrieval(tmp_path: Path, corpus: str) -> None:
    rows = [
        trace("accepted"),
        trace("partial", verdict="cycle"),
        trace("waiting", verdict="unsure"),
        trace("rejected", verdict="reject"),
        trace("heir", stream="facts", task="task-accepted"),
    ]
    assert tuple(fates(tmp_path, rows, corpus)[row["model"]] for row in rows) == FATES[corpus]


def test_what_is_admitted_on_request(tmp_path: Path) -> None:
    rows = [trace("partial", verdict="cycle"), trace("waiting", verdict="unsure"), trace("rejected", verdict="reject")]
    opted = {"sft_include_partial": True, "rag_include_review": True}
    assert fates(tmp_path / "1", rows, SFT, exports=opted) == {
        "partial": "kept",
        "waiting": "unsafe_sft_category",
        "rejected": "unsafe_sft_category",
    }
    assert fates(tmp_path / "2", rows, RAG, exports=opted) == {
        "partial": "kept",
        "waiting": "kept",
        "rejected": "unsafe_rag_category",
    }


# ------------------------------------------------------------------------------------------------------------ conflicts

SAME = ("Use a lock.", "use a lock.", "  Use\ta   LOCK.\n", "Use\u00a0a\u200b lock.", "Use a l\u200dock.")


@pytest.mark.parametrize("text", SAME)
@pytest.mark.parametrize("favourable", ["accept", "cycle"])
def test_the_same_text_for_and_against_in_a_task_takes_all_of_it_out(
    tmp_path: Path, text: str, favourable: str
) -> None:
    rows = [
        trace("for", task="t", text="Use a lock.", verdict=favourable),
        trace("against", task="t", text=text, verdict="reject"),
        trace("again", task="t", text="Use a lock.", verdict=favourable, prompt="Another question?"),
        trace("other", task="t", text="Use no lock.", verdict=favourable),
        trace("elsewhere", task="u", text="Use a lock.", verdict=favourable),
    ]
    found = fates(tmp_path, rows, SFT, exports={"sft_include_partial": True})
    assert {found[tag] for tag in ("for", "again")} == {"verdict_conflict"}
    assert found["against"] == "unsafe_sft_category"
    assert found["other"] == found["elsewhere"] == "kept"


def test_the_same_text_for_and_against_under_one_prompt_is_a_conflict_across_tasks(tmp_path: Path) -> None:
    rows = [
        trace("for", task="t", text="Use a lock.", prompt="How to?"),
        trace("against", task="u", text="use a LOCK.", prompt=" how  TO?", verdict="reject"),
        trace("unasked", task="v", text="Use a lock.", prompt="Which other way?"),
    ]
    assert fates(tmp_path, rows) == {"for": "verdict_conflict", "against": "verdict_conflict", "unasked": "kept"}


@pytest.mark.parametrize("prompt", ["", "  "])
def test_two_missing_prompts_are_not_the_same_prompt(tmp_path: Path, prompt: str) -> None:
    rows = [trace("for", text="Use a lock.", prompt=prompt), trace("against", text="Use a lock.", verdict="reject")]
    rows[1]["prompt"] = prompt
    assert fates(tmp_path, rows, RAG)["for"] == "kept"


def test_a_verdict_still_outstanding_contradicts_nobody(tmp_path: Path) -> None:
    rows = [
        trace("for", task="t", text="Use a lock."),
        trace("open", task="t", text="Use a lock.", verdict="unsure"),
    ]
    assert fates(tmp_path, rows)["for"] == "kept"


def test_a_record_dropped_for_another_reason_still_contradicts(tmp_path: Path) -> None:
    rows = [
        trace("for", task="t", text="Use a lock.", prompt="How?"),
        trace("against", task="t", text="Use a lock.", prompt=f"How to open {TOKEN}?", verdict="reject"),
    ]
    assert fates(tmp_path, rows) == {"for": "verdict_conflict", "against": "secret_found"}


def test_texts_that_differ_in_personal_data_only_are_the_same_text(tmp_path: Path) -> None:
    rows = [
        trace("for", task="t", text=f"Ask {MAIL}."),
        trace("against", task="t", text=f"Ask {OTHER_MAIL}.", verdict="reject"),
    ]
    assert set(fates(tmp_path, rows).values()) == {"verdict_conflict"}


# ----------------------------------------------------------------------------------------------------------- duplicates


def test_of_copies_the_best_is_kept_by_category_own_verdict_age_and_id(tmp_path: Path) -> None:
    def copies(*changes: Row) -> list[Row]:
        return [trace(number, text="Use a lock.", **change) for number, change in enumerate(changes)]

    early, late = {"at": f"{DAY}T01:00:00Z"}, {"at": f"{DAY}T02:00:00Z"}
    heir = {"stream": "facts", "task": "task-1"}
    cases = [
        copies({"verdict": "cycle", **early}, {"verdict": "accept", **late}),
        copies({**heir, **early}, {"verdict": "accept", **late}),
        copies({**late}, {**early}),
    ]
    for number, rows in enumerate(cases):
        found = fates(tmp_path / str(number), rows, RAG, **only("exact_duplicates"))
        assert found == {"0": "duplicate_id", "1": "kept"}, f"case {number}"


def test_copies_at_one_time_are_ranked_by_their_ids(tmp_path: Path) -> None:
    rows = [trace(number, text="Use a lock.", prompt="How?") for number in range(6)]
    made = Lab(tmp_path).fill(rows)
    found = made.fates(KTO)
    tags = made.tags()
    assert [tags[min(tags)]] == [tag for tag, fate in found.items() if fate == "kept"]


def test_a_copy_is_the_same_prompt_and_text_but_for_documents_the_text_alone(tmp_path: Path) -> None:
    rows = [trace("a", text="Use a lock."), trace("b", text="use a  lock.")]
    assert sorted(fates(tmp_path / "1", rows, RAG).values()) == ["duplicate_id", "kept"]
    assert sorted(fates(tmp_path / "2", rows, SFT).values()) == ["kept", "kept"]


def test_what_awaits_review_is_no_second_copy_of_what_was_accepted(tmp_path: Path) -> None:
    rows = [trace("a", text="Use a lock."), trace("b", text="Use a lock.", verdict="unsure")]
    found = fates(tmp_path, rows, RAG, exports={"rag_include_review": True})
    assert found == {"a": "kept", "b": "duplicate_id"}


def test_a_near_duplicate_goes_only_for_a_kept_one(tmp_path: Path) -> None:
    """Each text of the chain nearly repeats its neighbours alone: the second loses to the first, so the third stays."""
    rows = [trace(number, text=text, at=f"{DAY}T0{number}:00:00Z") for number, text in enumerate(CHAIN)]
    assert fates(tmp_path, rows) == {"0": "kept", "1": "near_duplicate", "2": "kept", "3": "near_duplicate"}


def test_the_near_duplicate_threshold_and_the_shortest_text_are_settings(tmp_path: Path) -> None:
    rows = [trace(number, text=text, at=f"{DAY}T0{number}:00:00Z") for number, text in enumerate(CHAIN[:2])]
    assert fates(tmp_path / "1", rows)["1"] == "near_duplicate"
    assert fates(tmp_path / "2", rows, near_duplicate_jaccard=24 / 28)["1"] == "near_duplicate"
    assert fates(tmp_path / "3", rows, near_duplicate_jaccard=0.86)["1"] == "kept"
    assert fates(tmp_path / "4", rows, near_duplicate_min_words=31)["1"] == "kept"


@pytest.mark.parametrize("copy", [LONG, CHAIN[1]])
def test_the_two_sides_of_the_verdict_are_never_duplicates_of_each_other(tmp_path: Path, copy: str) -> None:
    ask = {"prompt": "How is it done?"}
    rows = [
        trace("for", text=CHAIN[0], **ask),
        trace("against", text=copy, verdict="reject", **ask),
        trace("against too", text=copy, verdict="reject", at=f"{DAY}T20:00:00Z", **ask),
    ]
    found = fates(tmp_path, rows, verdict_conflicts=False)
    assert found["for"] == found["against"] == "kept"
    assert found["against too"] in ("duplicate_id", "near_duplicate")


# ---------------------------------------------------------------------------------------------------- split and leakage


def splits(folder: Path, tasks: list[str]) -> dict[str, str]:
    """Which split each task falls into when half of them go to validation."""
    made = Lab(folder).fill([trace(task, task=task) for task in tasks])
    made.refine(exports={"validation_fraction": 0.5})
    return {row["task_id"]: row["split"] for row in made.samples(KTO)}


@pytest.fixture
def sides(tmp_path: Path) -> tuple[str, str]:
    """A task of the training split and one of the validation split."""
    found = splits(tmp_path / "splits", [f"task-{number}" for number in range(12)])
    return next(t for t in found if found[t] == "train"), next(t for t in found if found[t] == "validation")


def test_the_split_is_by_task_whatever_else_there_is(tmp_path: Path, sides: tuple[str, str]) -> None:
    train, validation = sides
    assert splits(tmp_path / "1", [train]) == {train: "train"}
    assert splits(tmp_path / "2", [validation, "something else"])[validation] == "validation"


@pytest.mark.parametrize(
    "leak", [{"prompt": "Is it the same?"}, {"text": "It is the same."}, {"prompt": " is it THE same?"}]
)
def test_a_validation_row_whose_prompt_or_text_is_trained_on_goes(
    tmp_path: Path, sides: tuple[str, str], leak: Row
) -> None:
    train, validation = sides
    rows = [
        trace("t", task=train, prompt="Is it the same?", text="It is the same."),
        trace("v", task=validation, **leak),
        trace("fine", task=validation),
    ]
    half = {"validation_fraction": 0.5}
    assert fates(tmp_path / "1", rows, exports=half) == {"t": "kept", "v": "split_leakage", "fine": "kept"}
    assert fates(tmp_path / "2", rows, exports=half, split_leakage=False)["v"] == "kept"


def test_of_a_copy_in_each_split_the_training_row_is_kept(tmp_path: Path, sides: tuple[str, str]) -> None:
    train, validation = sides
    same = {"prompt": "Is it the same?", "text": "It is the same."}
    rows = [
        trace("v", task=validation, at=f"{DAY}T01:00:00Z", **same),
        trace("t", task=train, at=f"{DAY}T02:00:00Z", **same),
    ]
    assert fates(tmp_path, rows, exports={"validation_fraction": 0.5}) == {"v": "duplicate_id", "t": "kept"}


def test_a_gate_that_takes_the_training_row_does_not_let_the_validation_row_in(
    tmp_path: Path, sides: tuple[str, str]
) -> None:
    train, validation = sides
    rows = [
        trace("t", task=train, prompt="Is it the same?", text=f"It is {TOKEN}."),
        trace("v", task=validation, prompt="Is it the same?"),
    ]
    for number, on in enumerate((False, True)):
        found = fates(tmp_path / str(number), rows, exports={"validation_fraction": 0.5}, secrets=on)
        assert found["v"] == "split_leakage"


# -------------------------------------------------------------------------------------------------------- contamination

WORDS = EVAL_QUESTION.split()


@pytest.mark.parametrize(
    ("changes", "fate"),
    [
        ({"prompt": f"Solve: {' '.join(WORDS[2:15])} now"}, "eval_contamination"),
        ({"prompt": f"Solve: {' '.join(WORDS[2:14])} now"}, "kept"),
        ({"prompt": f"Solve: {' '.join(WORDS[2:15]).upper()} now"}, "eval_contamination"),
        ({"text": f"You said {EVAL_QUESTION}"}, "eval_contamination"),
        ({"text": f"I say: {EVAL_ANSWER}. Right?"}, "eval_contamination"),
        ({"text": " ".join(EVAL_ANSWER.split()[:8])}, "kept"),
        ({"prompt": f"Now {SHORT_QUESTION.lower()}"}, "eval_contamination"),
        ({"prompt": "Name every prime below twenty"}, "kept"),
        ({"prompt": TINY_QUESTION}, "eval_contamination"),
        ({"prompt": f"Tell me. {TINY_QUESTION}"}, "kept"),
    ],
)
def test_what_an_evaluation_set_holds_is_not_trained_on(tmp_path: Path, changes: Row, fate: str) -> None:
    rows = [trace("a", **changes), trace("b")]
    assert fates(tmp_path, rows) == {"a": fate, "b": "kept"}


def test_without_an_evaluation_set_nothing_is_contaminated(tmp_path: Path) -> None:
    made = Lab(tmp_path).fill([trace("a", prompt=EVAL_QUESTION)], eval_set=())
    assert made.fates(KTO) == {"a": "kept"}


# --------------------------------------------------------------------------------------------------------------- others


@pytest.mark.parametrize(
    ("text", "known", "fate"),
    [
        ("See src/core/real.py for it.", ["src/core/real.py"], "kept"),
        ("See ./src/core/real.py for it.", ["src/core/real.py"], "kept"),
        ("See core/real.py for it.", ["src/core/real.py"], "kept"),
        ("See .github/workflows/ci.yml for it.", [".github/workflows/ci.yml"], "kept"),
        ("See src/core/made_up.py for it.", ["src/core/real.py"], "hallucinated_file_path"),
        ("See src/core/made_up.py for it.", [], "hallucinated_file_path"),
        ("See src/core/made_up.py for it.", None, "kept"),
        ("See https://example.com/a/b.html for it.", ["src/core/real.py"], "kept"),
        ("See ore/real.py for it.", ["src/core/real.py"], "hallucinated_file_path"),
    ],
)
def test_a_file_that_is_not_among_the_known_paths_is_an_invention(
    tmp_path: Path, text: str, known: list[str] | None, fate: str
) -> None:
    assert fates(tmp_path, [trace("a", text=text, known=known)]) == {"a": fate}


def test_a_secret_in_text_prompt_or_names_takes_the_record(tmp_path: Path) -> None:
    rows = [
        trace("text", text=f"Log in with {TOKEN}."),
        trace("prompt", prompt=f"What opens {TOKEN}?"),
        trace("task", task=f"deploy with {TOKEN}"),
        trace("run", run=TOKEN),
        trace("none"),
    ]
    for corpus in (RAG, KTO):
        found = fates(tmp_path / corpus, rows, corpus)
        assert {tag for tag, fate in found.items() if fate == "secret_found"} == {"text", "prompt", "task", "run"}


# The reasons in the order in which the gates speak, each with what makes a record guilty of it.
ORDER = [
    ("empty_content", {"prompt": " "}),
    ("category_disallowed", {"verdict": "cycle"}),
    ("hallucinated_file_path", {"text": "See src/a/made_up.py.", "known": []}),
    ("secret_found", {"run": TOKEN}),
    ("verdict_conflict", {"text": "It is contested.", "task": "contested"}),
    ("duplicate_id", {"prompt": "Asked twice?", "text": "Answered once."}),
    ("near_duplicate", {"text": CHAIN[1]}),
    ("eval_contamination", {"prompt": EVAL_QUESTION}),
]


TWICE = [
    (first, second)
    for at, first in enumerate(ORDER)
    for second in ORDER[at + 1 :]
    if first[1].keys().isdisjoint(second[1])  # one text cannot be guilty of both
]


@pytest.mark.parametrize(("first", "second"), TWICE, ids=[f"{first[0]}-{second[0]}" for first, second in TWICE])
def test_the_earlier_gate_names_the_reason(tmp_path: Path, first: tuple[str, Row], second: tuple[str, Row]) -> None:
    """A record guilty of two things is dropped for the first, so that a gate's count does not depend on later ones."""
    changes = {**second[1], **first[1]}
    others = [
        trace("rejected", task="contested", text="It is contested.", verdict="reject"),
        trace("twin", prompt="Asked twice?", text="Answered once.", at=f"{DAY}T01:00:00Z"),
        trace("near", text=CHAIN[0], at=f"{DAY}T01:00:00Z"),
    ]
    assert fates(tmp_path, [*others, trace("guilty", **changes)])["guilty"] == first[0]
