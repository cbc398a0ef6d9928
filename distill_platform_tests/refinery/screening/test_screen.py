"""The screener: what the parts find, row by row, whatever the batch."""

import dataclasses
import multiprocessing
import pickle
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings, strategies as st

from distill_platform.refinery.screening.eval_sets import EvalSet
from distill_platform.refinery.screening.fold import fold, text_key, words
from distill_platform.refinery.screening.kernels import BANDS
from distill_platform.refinery.screening.pii import redact
from distill_platform.refinery.screening.screen import ScreenedBatch, Screener, ScreeningConfig
from distill_platform.refinery.screening.secrets import find_secrets

QUESTION = "A baker has twelve trays and puts nine rolls on every tray how many rolls does she bake"
ANSWER = "Twelve trays with nine rolls each make one hundred and eight rolls in all"
SETS = (EvalSet("quiz", (QUESTION, "Who are you?"), (ANSWER, ""), "0" * 64),)
SCREENER = Screener(ScreeningConfig(), SETS)
TOKEN = "gh" + "p_" + "a1B2c3D4e5F6" * 3
TEXTS = st.sampled_from(
    [
        QUESTION,
        QUESTION.upper(),
        ANSWER,
        "who are you",
        TOKEN,
        f"x {TOKEN}",
        "mail a@b.com",
        "",
        "…",
        "\ud7ff\0",
        "日本",
    ]
)
RECORDS = st.lists(st.tuples(st.none() | TEXTS | st.text(), st.none() | TEXTS | st.text()), max_size=10)


def screen(records: list[tuple[str | None, str | None]]) -> ScreenedBatch:
    prompts, answers = (pa.array(column, pa.string()) for column in (list(zip(*records, strict=True)) or ([], [])))
    return SCREENER.screen(prompts, answers)


def rows(batch: ScreenedBatch) -> list[list[Any]]:
    """Return the batch as rows of plain values; arrays give bytes, so that equal means identical."""
    columns = [getattr(batch, field.name) for field in dataclasses.fields(batch)]
    return [
        [value.tobytes() if isinstance(value, np.ndarray | np.generic) else value for value in row]
        for row in zip(*columns, strict=True)
    ]


@settings(max_examples=40)
@given(RECORDS, st.integers(0, 10))
def test_results_do_not_depend_on_how_records_are_batched(
    records: list[tuple[str | None, str | None]], cut: int
) -> None:
    assert rows(screen(records)) == rows(screen(records[:cut])) + rows(screen(records[cut:]))
    assert rows(screen(records)) == rows(screen(records[::-1]))[::-1]


@settings(max_examples=40)
@given(RECORDS)
def test_a_batch_shows_what_each_text_shows_alone(records: list[tuple[str | None, str | None]]) -> None:
    batch = screen(records)
    for row, (prompt, answer) in enumerate(records):
        found = {name for names in find_secrets([prompt or "", answer or ""]) for name in names}
        assert set(batch.secrets[row]) == found
        redactions = redact([prompt or "", answer or ""])
        texts = [redaction and redaction[0] for redaction in redactions]
        assert [batch.redacted_prompts[row], batch.redacted_answers[row]] == texts
        assert Counter(batch.pii[row]) == sum((Counter(one[1]) for one in redactions if one), Counter())
        prompt, answer = texts[0] or prompt or "", texts[1] or answer or ""
        assert batch.prompt_keys[row] == text_key(fold(prompt))
        assert batch.answer_keys[row] == text_key(fold(answer))
    assert batch.answer_tokens.tolist() == [len(words(answer or "")) for _, answer in records]


def test_one_batch_shows_every_finding() -> None:
    batch = screen(
        [
            (f"Please: {QUESTION}?", "See below."),
            ("Solve it.", ANSWER),
            ("Call me at +1 555 123 4567", f"{TOKEN} from jane@example.com and joe@example.com"),
            (None, None),
        ]
    )
    assert batch.secrets == [(), (), ("github_token",), ()]
    assert batch.pii == [None, None, {"phone": 1, "email": 2}, None]
    assert batch.redacted_prompts == [None, None, "Call me at [PHONE]", None]
    assert batch.redacted_answers == [None, None, f"{TOKEN} from [EMAIL] and [EMAIL]", None]
    assert (batch.prompt_hits > 0).tolist() == [True, False, False, False]
    assert batch.answer_containment.tolist()[1:] == [1.0, 0.0, 0.0]
    assert batch.eval_items == ["quiz:1", "quiz:1", None, None]
    assert batch.band_keys.shape == (4, BANDS)
    assert batch.prompt_keys[3] == batch.answer_keys[3] == text_key("")


def test_redaction_does_not_hide_contamination_or_change_near_duplicates() -> None:
    plain, redacted = (
        screen([(f"{QUESTION} a@b.com", "Write to a@b.com at once or never")]),
        screen([("", "Write to [EMAIL] at once or never")]),
    )
    assert plain.prompt_hits[0] > 0
    assert plain.answer_keys == redacted.answer_keys
    assert (plain.band_keys != redacted.band_keys).any()


def _first_key(inputs: bytes) -> bytes:
    config, sets = pickle.loads(inputs)
    return Screener(config, sets).screen(pa.array([QUESTION]), pa.array([ANSWER])).band_keys.tobytes()


def test_a_spawned_worker_finds_the_same() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.apply(_first_key, (pickle.dumps((ScreeningConfig(), SETS)),))
    assert found == screen([(QUESTION, ANSWER)]).band_keys.tobytes()
