"""The committed sample through the whole pipeline: every planted thing ends where it must, and again the same."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from distill_platform.core.workers import Workers
from distill_platform.refinery.pipeline import run_all
from distill_platform.refinery.release.layout import CONFIGS, SPLITS
from distill_platform.refinery.sample import Mark, planted
from distill_platform.refinery.settings import PathOverrides, load_settings
from distill_platform.refinery.stage import Refinery
from distill_platform.store.lake import Lake, Step
from distill_platform.store.lake.atomic import no_step
from distill_platform.store.receipts import read_receipts
from distill_platform_tests.refinery.builders import NOW, stamps, tree
from distill_platform_tests.refinery.traces import Row, evidence_ids

ROOT = Path(__file__).parents[2]
FIRST = datetime(2026, 4, 20, tzinfo=UTC)
DAYS = [(FIRST + timedelta(days=number)).date().isoformat() for number in range(7)]
PLANTED = planted()
BAD = "bad_rows.jsonl"
TRAINING = ("sft", "preference", "kto")


@contextmanager
def refinery(folder: Path, on_step: Step = no_step, workers: int = 1) -> Iterator[Refinery]:
    """Open the refinery over the committed sources and configuration, with a lake of its own."""
    settings = load_settings(ROOT / "config" / "platform.yaml", PathOverrides(lake=folder))
    with Workers(workers) as pool:
        yield Refinery(settings, Lake(settings.lake, on_step=on_step), pool, NOW)


def run(folder: Path, run_id: str, on_step: Step = no_step, days: list[str] = DAYS, workers: int = 1) -> None:
    """Run the whole pipeline over the sample."""
    with refinery(folder, on_step, workers) as opened:
        run_all(opened, days, run_id)


def contents(folder: Path) -> dict[str, str]:
    """The hash of every file of a lake, run folders and scratch left out."""
    return {name: found for name, found in tree(folder).items() if not name.startswith(("runs/", "."))}


@dataclass(frozen=True)
class Found:
    """What the run made of the sample: where every source line went, and what the release holds."""

    folder: Path
    records: dict[tuple[str, int], str]
    refused: dict[tuple[str, int], str]
    standing: dict[str, set[str]]
    rows: dict[str, list[Row]]
    reasons: dict[str, dict[str, str]]

    def ids(self, group: tuple[Mark, ...]) -> set[str]:
        """The evidence records of some marks."""
        return {self.records[f"{mark.stream}.jsonl", mark.line] for mark in group}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """The sample after one run over its week."""
    folder = tmp_path_factory.mktemp("sample") / "lake"
    run(folder, "run-1")
    lake = Lake(folder)
    records, refused = {}, {}
    for partition in lake.partitions("evidence"):
        opened = lake.open("evidence", partition)
        for table, kept, name in (("records", records, "evidence_id"), ("quarantine", refused, "reason")):
            rows = opened.read(table)
            for row in rows.to_pylist() if rows is not None else []:
                kept[row["provenance"]["source_file"], row["provenance"]["line_offset"]] = row[name]
    record = lake.manifest("corpus_release", f"{DAYS[0]}_{DAYS[-1]}")
    assert record is not None
    release = folder / str(record.extra["folder"])
    rows_of = {
        config: [row for split in SPLITS for row in pq.read_table(release / config / f"{split}.parquet").to_pylist()]
        for config in CONFIGS.values()
    }
    standing = {config: set(evidence_ids(corpus, rows_of[config])) for corpus, config in CONFIGS.items()}
    reasons = {
        config: {
            row["evidence_id"]: row["reason"]
            for row in pq.read_table(release / "quarantine" / f"{config}.parquet").to_pylist()
        }
        for config in CONFIGS.values()
    }
    return Found(folder, records, refused, standing, rows_of, reasons)


def test_the_rows_read_are_those_of_the_audited_run(found: Found) -> None:
    lines = {*found.records, *found.refused}
    ours = Counter(file for file, _ in lines if file != BAD)
    assert ours.total() == 1_053
    assert (ours["scrum_reviews.jsonl"], ours["audits.jsonl"], ours["observer_reviews.jsonl"]) == (172, 264, 44)
    assert (ours["contract_analyses.jsonl"], ours["mode_experiments.jsonl"]) == (2, 168)
    reasons = Counter(reason for (file, _), reason in found.refused.items() if file != BAD)
    assert reasons == {"missing_timestamp": 2, "duplicate_id": 6}


def test_every_line_of_the_sample_is_a_record_or_dropped_with_a_reason(found: Found) -> None:
    sources = ROOT / "data" / "sources"
    lines = {
        (path.name, number)
        for path in sources.glob("*.jsonl")
        for number in range(path.read_bytes().rstrip(b"\n").count(b"\n") + 1)
    }
    assert {place for place in lines if place[0] != BAD} <= {*found.records, *found.refused}


HARMLESS = {"bad:bom", "bad:crlf", "bad:empty_text"}  # they can be read; an empty text is for the corpora to refuse


@pytest.mark.parametrize("kind", sorted(kind for kind in PLANTED if kind.startswith("bad:")))
def test_a_bad_row_is_refused_with_a_reason_and_stands_in_no_corpus(found: Found, kind: str) -> None:
    ((mark,),) = PLANTED[kind]
    place = (f"{mark.stream}.jsonl", mark.line)
    assert (place in found.records) is (kind in HARMLESS)
    assert bool(found.refused.get(place)) is (kind not in HARMLESS)
    if kind == "bad:empty_text":
        assert not any(found.records[place] in standing for standing in found.standing.values())


def test_all_counts_add_up_in_every_receipt(found: Found) -> None:
    receipts = read_receipts(Lake(found.folder), "run-1")
    assert all(receipt.passed and receipt.counts.conserved for receipt in receipts)
    total = sum(r.counts.rows_in for r in receipts if r.stage == "evidence")
    assert total == len(found.records) + len(found.refused)


@pytest.mark.parametrize(
    "kind", ["verdict_conflict", "verdict_conflict_restyled", "secret", "eval_prompt", "eval_answer", "empty_answer"]
)
def test_nothing_unfit_that_was_planted_is_released(found: Found, kind: str) -> None:
    for group in PLANTED[kind]:
        for config, standing in found.standing.items():
            assert not found.ids(group) & standing, f"{kind} in {config}"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("verdict_conflict", "verdict_conflict"),
        ("verdict_conflict_restyled", "verdict_conflict"),
        ("secret", "secret_found"),
        ("eval_prompt", "eval_contamination"),
        ("eval_answer", "eval_contamination"),
        ("empty_answer", "empty_content"),
    ],
)
def test_the_gate_that_took_it_is_named(found: Found, kind: str, reason: str) -> None:
    for group in PLANTED[kind]:
        given = {found.reasons[config][name] for config in ("rag", "kto") for name in found.ids(group)}
        assert reason in given, f"{kind}: {given}"


@pytest.mark.parametrize("kind", ["exact_duplicate", "near_duplicate"])
@pytest.mark.parametrize("config", ["rag", "sft", "kto"])
def test_of_a_text_that_was_planted_several_times_one_is_released(found: Found, kind: str, config: str) -> None:
    for group in PLANTED[kind]:
        assert len(found.ids(group) & found.standing[config]) == 1


def test_personal_data_that_was_planted_is_released_without_it(found: Found) -> None:
    released = str([found.rows[config] for config in CONFIGS.values()])
    assert "@example." not in released
    assert "555-01" not in released
    pii = set().union(*(found.ids(group) for group in PLANTED["pii"]))
    assert pii & found.standing["rag"]


def test_an_extraction_record_is_never_trained_on_and_retrieved_only_with_a_verdict(found: Found) -> None:
    for kind in ("extraction_with_parent", "extraction_without_parent"):
        for group in PLANTED[kind]:
            ids = {
                found.records[place]
                for mark in group
                if (place := (f"{mark.stream}.jsonl", mark.line)) in found.records
            }
            assert not any(ids & found.standing[config] for config in TRAINING)


def test_there_are_pairs_on_every_day_and_more_than_eighty_in_the_week(found: Found) -> None:
    assert len(found.rows["preference"]) > 80
    lake = Lake(found.folder)
    for day in DAYS:
        assert lake.open("preference_corpus", day).manifest.tables["samples"].rows > 0
    per_task = Counter(row["task_id"] for row in found.rows["preference"])
    assert max(per_task.values()) <= 5


def test_a_task_is_in_one_split_over_all_corpora(found: Found) -> None:
    splits = defaultdict(set)
    for config in TRAINING:
        for row in found.rows[config]:
            splits[row["task_id"]].add(row["split"])
    assert {len(sides) for sides in splits.values()} == {1}
    assert set().union(*splits.values()) == {"train", "validation"}


def test_a_second_run_over_the_sample_writes_nothing_but_its_receipts(found: Found) -> None:
    before = stamps(found.folder)
    run(found.folder, "run-2")
    after = {name: stamp for name, stamp in stamps(found.folder).items() if not name.startswith("runs/run-2/")}
    assert after == before


class Killed(BaseException):
    """What a test's on_step raises: nothing in the product catches it."""


def kill_at(number: int) -> Callable[[str], None]:
    """An on_step that ends everything at the step of that number."""
    seen = iter(range(number))

    def step(name: str) -> None:
        if next(seen, None) is None:
            raise Killed(name)

    return step


@pytest.mark.parametrize("turns", [3, pytest.param(12, marks=pytest.mark.slow)])
def test_killed_in_the_middle_and_run_again_the_lake_has_the_bytes_of_an_undisturbed_run(
    tmp_path: Path, turns: int
) -> None:
    days = DAYS[:2]
    steps: list[str] = []
    run(tmp_path / "undisturbed", "run", steps.append, days)
    undisturbed = contents(tmp_path / "undisturbed")
    for turn in range(turns):
        lake = tmp_path / f"killed-{turn}"
        at = len(steps) * (2 * turn + 1) // (2 * turns)
        with pytest.raises(Killed):
            run(lake, "run-1", kill_at(at), days)
        run(lake, "run-2", days=days)
        assert contents(lake) == undisturbed, f"other bytes after {steps[at]!r}"


@pytest.mark.slow
def test_workers_and_the_order_of_days_do_not_show_in_the_bytes(found: Found, tmp_path: Path) -> None:
    run(tmp_path / "two", "run", workers=2)
    assert contents(tmp_path / "two") == contents(found.folder)
    with refinery(tmp_path / "days") as opened:
        for day in reversed(DAYS):
            run_all(opened, [day], f"run-{day}")
        run_all(replace(opened, now=NOW + timedelta(days=90)), DAYS, "run-all")
    mine, theirs = contents(tmp_path / "days"), contents(found.folder)
    week = f"{DAYS[0]}_{DAYS[-1]}"
    days = {name for name in mine if "release" in name and week not in name}
    assert {name: digest for name, digest in mine.items() if name not in days} == theirs
