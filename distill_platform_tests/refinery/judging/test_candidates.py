"""Candidates: what a range of days knows that a single day does not."""

from pathlib import Path

import pytest

from distill_platform.core.errors import CorruptDataset
from distill_platform.refinery.corpora.build import load, open_day
from distill_platform.refinery.release import release_corpora
from distill_platform.store.lake.parts import read_part
from distill_platform_tests.refinery.traces import DAY, NEXT_DAY, Lab, Row, forge, trace


def heirs(verdicts: list[str], parent_day: str = DAY) -> list[Row]:
    """Verdict-bearing records of one task on one day, and an extraction record of the task on the next."""
    parents = [trace(f"parent-{n}", task="t", at=f"{parent_day}T01:00:00Z", verdict=v) for n, v in enumerate(verdicts)]
    return [*parents, trace("heir", stream="facts", task="t", at=f"{NEXT_DAY}T01:00:00Z", text="A fact of its own.")]


@pytest.mark.parametrize(
    ("verdicts", "alone", "together"),
    [
        (["accept"], "unsafe_rag_category", "kept"),
        (["accept", "cycle"], "unsafe_rag_category", "kept"),
        (["accept", "reject"], "unsafe_rag_category", "unsafe_rag_category"),
        (["accept", "unsure"], "unsafe_rag_category", "unsafe_rag_category"),
        ([], "unsafe_rag_category", "unsafe_rag_category"),
    ],
)
def test_over_a_range_a_record_inherits_the_worst_verdict_of_its_task_from_any_day(
    tmp_path: Path, verdicts: list[str], alone: str, together: str
) -> None:
    made = Lab(tmp_path).fill(heirs(verdicts))
    assert made.fates("rag_corpus", NEXT_DAY)["heir"] == alone
    assert made.fates("rag_corpus", DAY, NEXT_DAY)["heir"] == together


def test_a_worse_verdict_on_another_day_takes_back_what_a_day_alone_passed_on(tmp_path: Path) -> None:
    rows = [*heirs(["accept"], NEXT_DAY), trace("later", task="t", verdict="reject", at=f"{DAY}T01:00:00Z")]
    made = Lab(tmp_path).fill(rows)
    assert made.fates("rag_corpus", NEXT_DAY)["heir"] == "kept"
    assert made.fates("rag_corpus", DAY, NEXT_DAY)["heir"] == "unsafe_rag_category"


def test_an_inherited_verdict_never_suffices_for_training_even_over_a_range(tmp_path: Path) -> None:
    made = Lab(tmp_path).fill(heirs(["accept"]))
    for corpus in ("sft_corpus", "kto_corpus", "preference_corpus"):
        assert made.fates(corpus, DAY, NEXT_DAY)["heir"] == "category_disallowed"


def test_telemetry_passes_no_verdict_on(tmp_path: Path) -> None:
    rows = [trace("log", stream="telemetry", task="t"), trace("heir", stream="facts", task="t", text="A fact.")]
    assert Lab(tmp_path).fill(rows).fates("rag_corpus") == {"log": "kept", "heir": "unsafe_rag_category"}


def test_the_order_in_which_days_are_given_decides_nothing(tmp_path: Path) -> None:
    rows = [trace(n, text="The same.", prompt="Same?", at=f"{(DAY, NEXT_DAY)[n % 2]}T01:00:00Z") for n in range(6)]
    made = Lab(tmp_path).fill(rows)
    assert made.fates("kto_corpus", DAY, NEXT_DAY) == made.fates("kto_corpus", NEXT_DAY, DAY)


def test_tables_that_do_not_go_row_by_row_together_are_refused(tmp_path: Path) -> None:
    made = Lab(tmp_path).fill([trace(n) for n in range(4)])
    with made.prepared() as refinery:
        forge(refinery, "scored_runs", "runs", lambda table: table.slice(1))
        with pytest.raises(CorruptDataset, match="not cut alike"):
            load(refinery.settings, [open_day(refinery, DAY)])


def test_tables_whose_rows_stand_in_another_order_are_refused(tmp_path: Path) -> None:
    made = Lab(tmp_path).fill([trace(n) for n in range(4)])
    with made.prepared() as refinery:
        forge(refinery, "screened_texts", "texts", lambda table: table.take([1, 0, 2, 3]))
        with pytest.raises(CorruptDataset, match="different records"):
            load(refinery.settings, [open_day(refinery, DAY)])


def test_what_was_dropped_over_a_range_tells_the_verdict_inherited_over_the_range(tmp_path: Path) -> None:
    made = Lab(tmp_path).fill(heirs(["reject"]))
    made.refine(DAY, NEXT_DAY)
    with made.refinery() as refinery:
        (manifest,) = release_corpora(refinery, [DAY, NEXT_DAY])
    dropped = read_part(made.lake / str(manifest.extra["folder"]) / "quarantine/rag.parquet").to_pylist()
    assert {row["detail"] for row in dropped if row["inherited"]} == {
        "the verdict is rejected, inherited from the task"
    }
