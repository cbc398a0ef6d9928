"""A summary adds up a run's receipts, gives equal work an equal hash, and can be read by a stranger."""

from dataclasses import replace
from typing import Any

from hypothesis import given, strategies as st

from distill_platform.core import canon
from distill_platform.refinery.summary import CorpusPlace, run_hash, summarize, table
from distill_platform.store.lake import Counts
from distill_platform.store.receipts import Artifact, StageReceipt

DAY, NEXT = "2026-04-20", "2026-04-21"


def receipt(stage: str, partition: str = DAY, **changes: Any) -> StageReceipt:
    """A receipt of a stage that passed: ten rows in, seven out, three gone for three reasons."""
    counts = Counts(10, 7, 1, {"no_counterpart": 1}, {"secret_found": 1})
    home = f"{stage}/{partition}/v1"
    outputs = (
        Artifact(f"{home}/quarantine/part-00000.parquet", 3, "q" * 64, "q" * 64),
        Artifact(f"{home}/samples/part-00000.parquet", 4, "s" * 64, "t" * 64),
        Artifact(f"{home}/samples/part-00001.parquet", 3, "s" * 64, "t" * 64),
    )
    whole = StageReceipt(
        "run", stage, partition, "abc", "1.0", "c", "i", "o", (), outputs, counts, True, (), (),
        "2026-04-22T09:00:00Z", 0.25,
    )  # fmt: skip
    return replace(whole, **changes)


def test_totals_are_the_sums_over_a_stages_partitions() -> None:
    (totals,) = summarize("run", [receipt("sft_corpus"), receipt("sft_corpus", NEXT)]).stages
    assert totals.partitions == (DAY, NEXT)
    assert (totals.rows_in, totals.rows_out, totals.deduplicated) == (20, 14, 2)
    assert (totals.skipped, totals.quarantined) == ({"no_counterpart": 2}, {"secret_found": 2})
    assert (totals.samples, totals.seconds, totals.passed) == (14, 0.5, True)


def test_stages_come_in_the_order_of_the_pipeline_not_of_their_start() -> None:
    names = ["corpus_release", "kto_corpus", "scored_runs", "rag_corpus", "evidence", "zebra"]
    found = [totals.stage for totals in summarize("run", [receipt(name) for name in names]).stages]
    assert found == ["evidence", "scored_runs", "rag_corpus", "kto_corpus", "corpus_release", "zebra"]


def test_a_stage_without_samples_has_none_rather_than_zero() -> None:
    assert summarize("run", [receipt("scored_runs")]).stages[0].samples is None


@given(st.permutations([("evidence", DAY), ("evidence", NEXT), ("scored_runs", DAY)]), st.floats(0, 1e6))
def test_equal_work_has_an_equal_hash_whatever_the_order_the_clock_and_the_run(
    order: list[tuple[str, str]], seconds: float
) -> None:
    first = [receipt(*key) for key in sorted(order)]
    again = [receipt(*key, run_id="again", started_at="2027-01-01T00:00:00Z", duration_s=seconds) for key in order]
    assert summarize("run", first).run_hash == summarize("again", again).run_hash


def test_other_content_has_another_hash() -> None:
    hashes = {
        run_hash([]),
        run_hash([receipt("evidence")]),
        run_hash([receipt("evidence", content_hash="x")]),
        run_hash([receipt("evidence", NEXT)]),
        run_hash([receipt("scored_runs")]),
    }
    assert len(hashes) == 5


def test_one_failed_partition_fails_the_run_and_is_named() -> None:
    failed = receipt("sft_corpus", NEXT, passed=False, errors=("firewall: rejected rows (observed 1, allowed 0)",))
    summary = summarize("run", [receipt("sft_corpus"), failed])
    assert not summary.overall_passed
    assert summary.errors == ("sft_corpus[2026-04-21] firewall: rejected rows (observed 1, allowed 0)",)
    assert [place.partition for place in summary.corpora] == [DAY]
    assert "do not train" in summary.to_markdown()
    assert "- sft_corpus[2026-04-21] firewall" in summary.to_markdown()


def test_a_run_without_receipts_has_not_passed() -> None:
    summary = summarize("run", [])
    assert not summary.overall_passed
    assert "published no samples" in summary.to_markdown()


def test_corpora_are_named_with_their_folder_and_rows_without_the_quarantine() -> None:
    summary = summarize("run", [receipt("evidence"), receipt("sft_corpus")])
    assert summary.corpora == (CorpusPlace("sft_corpus", DAY, "sft_corpus/2026-04-20/v1/samples", 7),)


def test_a_release_is_one_folder_whose_rows_are_counted_once() -> None:
    home = "releases/2026-04-20_2026-04-21-abc"
    names = ("sft/train.parquet", "sft/train.jsonl", "conversations/sft_train.jsonl", "rag/train.parquet")
    outputs = [Artifact(f"{home}/{name}", 5, "s", "t") for name in (*names, "quarantine/sft.parquet")]
    summary = summarize("run", [receipt("corpus_release", "2026-04-20_2026-04-21", outputs=tuple(outputs))])
    assert summary.corpora == (CorpusPlace("corpus_release", "2026-04-20_2026-04-21", home, 10),)


def test_a_corpus_of_very_many_days_is_one_line() -> None:
    days = [f"2026-{month:02d}-{day:02d}" for month in (1, 2) for day in range(1, 29)]
    text = summarize("run", [receipt("sft_corpus", day) for day in days]).to_markdown()
    assert "| sft_corpus | 56 partitions | `sft_corpus/`, each named in summary.json | 392 |" in text


def test_json_is_canonical_and_complete() -> None:
    data = summarize("run", [receipt("sft_corpus")]).to_json()
    body = canon.parse(data)
    assert canon.dumps(body) == data
    assert set(body) == {"run_id", "run_hash", "overall_passed", "stages", "errors", "corpora"}
    assert body["stages"][0]["quarantined"] == {"secret_found": 1}


def test_the_table_of_a_stage_accounts_for_every_row_with_its_reason() -> None:
    text = summarize(
        "run", [receipt("sft_corpus", counts=Counts(1234, 1232, 1, {}, {"secret_found": 1}))]
    ).to_markdown()
    section = text.partition("### sft_corpus")[2].partition("##")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")][2:]
    assert rows == [
        "| in |  | 1,234 |",
        "| out |  | 1,232 |",
        "| deduplicated |  | 1 |",
        "| skipped |  | 0 |",
        "| quarantined | secret_found | 1 |",
    ]


def test_a_cell_cannot_break_out_of_its_table() -> None:
    assert table(("a", "b"), [("x|y\nz", 1_000)]) == "| a | b |\n| --- | ---: |\n| x\\|y z | 1,000 |"
