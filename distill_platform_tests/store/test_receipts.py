"""A receipt says what one stage did to one partition, comes back as it was written, and is never half there."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from distill_platform.core import canon
from distill_platform.core.errors import CorruptDataset
from distill_platform.store.lake import Check, Counts, Input, Lake, Manifest, Part, TableEntry
from distill_platform.store.receipts import (
    Artifact,
    StageReceipt,
    failed_receipt,
    read_receipts,
    receipt_of,
    run_folder,
    run_ids,
    write_receipts,
)

START = datetime(2026, 4, 22, 9, 0, tzinfo=UTC)
DAY = "2026-04-20"
LAW = Check("conservation", True, True, 0, 0, "rows that vanished", ("a", "b"))


def manifest(**changes: object) -> Manifest:
    """The manifest of one day of evidence: two rows out, one quarantined."""
    parts = (Part("records/part-00000.parquet", 2, 100, "f" * 64),)
    whole = Manifest(
        "evidence", DAY, "v1", "1.0", "c" * 64, {"sources": Input("s", "s" * 64)},
        {"records": TableEntry(2, "e" * 64, parts), "quarantine": TableEntry(0, "0" * 64, ())},
        Counts(3, 2, quarantined={"malformed_json": 1}), (LAW,),
        {"source_rows": {"reviews.jsonl": 3}, "missing_sources": ["audits"]},
    )  # fmt: skip
    return replace(whole, **changes)  # type: ignore[arg-type]


def receipt(**changes: object) -> StageReceipt:
    """The receipt of that manifest."""
    given = receipt_of(manifest(), "run", START, 1.5, {"reviews.jsonl": "a" * 64})
    return replace(given, **changes)  # type: ignore[arg-type]


def test_a_receipt_names_what_was_read_and_what_was_written() -> None:
    given = receipt()
    assert given.inputs == (Artifact("reviews.jsonl", 3, "a" * 64, ""),)
    assert given.outputs == (Artifact(f"evidence/{DAY}/v1/records/part-00000.parquet", 2, "f" * 64, "e" * 64),)
    assert (given.input_hash, given.content_hash) == (manifest().input_hash, manifest().content_hash)
    assert given.extra == {"missing_sources": ["audits"]}


def test_a_receipt_names_the_versions_of_the_datasets_it_read() -> None:
    read = {f"evidence/{DAY}": Input("v1", "e" * 64)}
    given = receipt_of(manifest(dataset="scored_runs", inputs=read, extra={}), "run", START, 0.1, {})
    assert given.inputs == (Artifact(f"evidence/{DAY}", 0, "v1", "e" * 64),)


def test_the_verdict_is_that_of_the_blocking_checks() -> None:
    broken = replace(LAW, passed=False, observed=2)
    given = receipt_of(manifest(checks=(broken,)), "run", START, 0.1, {})
    assert not given.passed
    assert given.errors == ("conservation: rows that vanished (observed 2, allowed 0)",)
    assert not receipt_of(manifest(checks=()), "run", START, 0.1, {}).passed


def test_receipts_come_back_as_they_were_written(tmp_path: Path) -> None:
    lake, given = Lake(tmp_path), [receipt(), receipt(partition="2026-04-21")]
    write_receipts(lake, "run", "evidence", given)
    assert read_receipts(lake, "run") == given


def test_receipts_come_in_the_order_in_which_the_stages_began(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    write_receipts(lake, "run", "a", [receipt(stage="a", started_at="2026-04-22T10:00:00Z")])
    write_receipts(lake, "run", "b", [receipt(stage="b", started_at="2026-04-22T09:00:00Z")])
    assert [found.stage for found in read_receipts(lake, "run")] == ["b", "a"]


def test_writing_a_stage_again_replaces_its_receipts(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    for seconds in (1.0, 2.0):
        write_receipts(lake, "run", "evidence", [receipt(duration_s=seconds)])
    assert [found.duration_s for found in read_receipts(lake, "run")] == [2.0]


def test_runs_are_listed_with_the_latest_first(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    for name, hours in (("x", 2), ("y", 1), ("z", 3)):
        started = (START + timedelta(hours=hours)).isoformat().replace("+00:00", "Z")
        write_receipts(lake, name, "evidence", [receipt(started_at=started)])
    (tmp_path / "runs" / "empty").mkdir()
    assert run_ids(lake) == ["z", "x", "y"]


def test_an_unknown_run_has_no_receipts(tmp_path: Path) -> None:
    assert read_receipts(Lake(tmp_path), "never") == []
    assert run_ids(Lake(tmp_path)) == []


def test_a_stage_that_raised_leaves_a_receipt_that_says_why(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    failed = failed_receipt("scored_runs", DAY, "run", START, 0.5, "LakeError: the disk is full", "code")
    write_receipts(lake, "run", "scored_runs", [failed])
    (found,) = read_receipts(lake, "run")
    assert not found.passed
    assert found.errors == ("LakeError: the disk is full",)
    assert (found.content_hash, found.outputs, found.counts) == ("", (), Counts())


@pytest.mark.parametrize("damage", [b"{", b'{"run_id": "run"}\n', b"[]\n"])
def test_damaged_receipts_are_an_error_that_names_the_file(tmp_path: Path, damage: bytes) -> None:
    lake = Lake(tmp_path)
    path = write_receipts(lake, "run", "evidence", [receipt()])
    path.write_bytes(damage)
    with pytest.raises(CorruptDataset, match=r"evidence\.jsonl"):
        read_receipts(lake, "run")


def test_receipts_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    class Killed(Exception):
        """The plug was pulled."""

    def stop(step: str) -> None:
        if step.startswith("written"):
            raise Killed

    lake = Lake(tmp_path)
    write_receipts(lake, "run", "evidence", [receipt()])
    with pytest.raises(Killed):
        write_receipts(Lake(tmp_path, on_step=stop), "run", "evidence", [receipt(duration_s=9.0)])
    assert read_receipts(lake, "run") == [receipt()]


def test_receipts_are_canonical_json_a_line_each(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    path = write_receipts(lake, "run", "evidence", [receipt(), receipt()])
    assert path == run_folder(lake, "run") / "receipts" / "evidence.jsonl"
    assert all(canon.dumps(canon.parse(line)) == line for line in path.read_bytes().splitlines())
