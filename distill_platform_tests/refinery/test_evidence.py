"""Evidence: rows become records of their day, and every row that does not has a reason of its own."""

import gzip
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from distill_platform.core import canon
from distill_platform.refinery import archives, source_files
from distill_platform.refinery.lines import Batch
from distill_platform.store.lake import Lake
from distill_platform_tests.refinery.builders import (
    DAY,
    NEXT_DAY,
    NOW,
    RECORD,
    World,
    extraction_config,
    jsonl,
    row,
    stream_config,
)

DEEP = b'{"a":' * 300 + b"1" + b"}" * 300
BAD = [
    (b'{"run":"r"', "malformed_json"),
    (b"not json", "malformed_json"),
    (json.dumps(row(1))[:-20].encode(), "malformed_json"),
    (b'{"run":"r","run":"s"}', "duplicate_json_key"),
    (b'{"a":{"x":1,"\\u0078":2}}', "duplicate_json_key"),
    (b'{"latency_ms":NaN}', "non_finite_number"),
    (b'{"latency_ms":-Infinity}', "non_finite_number"),
    (b'{"latency_ms":1e999}', "non_finite_number"),
    (b'{"text":"\\ud800"}', "lone_surrogate"),
    (b'{"text":"\xff"}', "non_utf8"),
    (b"\x00\x00\x00", "malformed_json"),
    (DEEP, "deep_nesting"),
    (b'{"id":123456789012345678901}', "malformed_json"),
    (b'{"text":"' + b"x" * 2_000 + b'"}', "oversized_row"),
    (b"[]", "schema_violation"),
    (b'"text"', "schema_violation"),
    (row(1, at=...), "missing_timestamp"),
    (row(1, at=None), "missing_timestamp"),
    (row(1, at="2026-04-20T10:00:00"), "zoneless_timestamp"),
    (row(1, at="noon"), "invalid_timestamp"),
    (row(1, at="2030-01-01T00:00:00Z"), "future_timestamp"),
    (row(1, at="2030-01-01T00:00:00Z", run=""), "missing_source_run_id"),
]
BAD_OF_THE_DAY = [
    (row(1, run=...), "missing_source_run_id"),
    (row(1, run="  "), "missing_source_run_id"),
    (row(1, task=None), "missing_task_id"),
    (row(1, text=["an answer", "that is a list"]), "schema_violation"),
    (row(1, latency_ms="fast"), "schema_violation"),
]
LIMITS = {"max_row_bytes": 1_900}


@pytest.mark.parametrize(("bad", "reason"), BAD)
def test_a_bad_row_without_a_day_lies_in_the_quarantine_of_undated_rows_under_its_own_reason(
    world: World, bad: Any, reason: str
) -> None:
    world.stream()
    world.file("reviews.jsonl", [row(0), bad, row(2)])
    manifests = world.evidence(ingest=LIMITS)
    assert all(manifest.passed for manifest in manifests.values())
    [dropped] = world.table("undated", "quarantine")
    raw = bad if isinstance(bad, bytes) else json.dumps(bad).encode()
    assert dropped["reason"] == reason
    assert dropped["detail"]
    assert dropped["row"] == raw
    assert dropped["disposition"] == ("skipped" if reason == "missing_timestamp" else "quarantined")
    assert dropped["provenance"]["raw_sha256"] == hashlib.sha256(raw).hexdigest()
    assert dropped["provenance"]["line_offset"] == 1
    assert [record["run_id"] for record in world.table()] != []
    assert manifests[DAY].counts.rows_out == 2
    assert manifests["undated"].counts.rows_in == 1


@pytest.mark.parametrize(("bad", "reason"), BAD_OF_THE_DAY)
def test_a_bad_row_with_a_day_lies_in_the_quarantine_of_its_day(world: World, bad: Any, reason: str) -> None:
    world.stream()
    world.file("reviews.jsonl", [row(0), bad])
    manifests = world.evidence()
    assert world.reasons(DAY) == [reason]
    assert dict(manifests[DAY].counts.quarantined) == {reason: 1}
    assert manifests["undated"].counts.rows_in == 0


def test_a_torn_last_line_is_named_as_torn_and_read_whole_when_it_is_complete(world: World) -> None:
    world.stream()
    file = world.file("reviews.jsonl", jsonl([row(0), row(1)])[:-30])
    world.evidence()
    assert world.reasons() == ["torn_line"]
    file.write_bytes(jsonl([row(0), row(1)]))
    world.evidence()
    assert world.reasons() == []
    assert len(world.table()) == 2


def test_a_byte_order_mark_and_crlf_do_not_change_the_records(world: World) -> None:
    world.stream()
    world.file("reviews.jsonl", jsonl([row(n) for n in range(5)]))
    plain = world.evidence()[DAY]
    world.file("reviews.jsonl", b"\xef\xbb\xbf" + jsonl([row(n) for n in range(5)]).replace(b"\n", b"\r\n"))
    assert world.evidence()[DAY].content_hash == plain.content_hash
    assert world.reasons() == []


def test_an_archive_that_is_damaged_or_a_bomb_loses_no_row_without_a_word(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "_INFLATION_FLOOR", 2**20)
    world.stream(stream_config(path="reviews*"))
    world.file("reviews-1.jsonl.gz", gzip.compress(jsonl([row(n) for n in range(50)]))[:-4])
    world.file("reviews-2.jsonl.gz", b"garbage")
    world.file("reviews-3.jsonl.gz", gzip.compress(jsonl([row(99)]) + b"\n" * 3_000_000))
    world.file("reviews-4.parquet", b"PAR1")
    manifests = world.evidence(ingest={"max_inflation": 10})
    assert world.reasons() == ["corrupt_archive"] * 3 + ["gzip_bomb"]
    assert all(manifest.passed for manifest in manifests.values())
    assert len(world.table()) == 51


def test_a_record_holds_what_the_mapping_says_and_where_it_came_from(world: World) -> None:
    world.stream(stream_config(metadata={"n": {"from": "n", "type": "number"}}, tags=["b", "a"], title="T {task_id}"))
    world.file("reviews.jsonl", [b"", row(3) | {"n": 7}])
    world.evidence()
    [record] = world.table()
    raw = json.dumps(row(3) | {"n": 7}).encode()
    assert record["provenance"] == {
        "source_file": "reviews.jsonl", "line_offset": 1, "raw_sha256": hashlib.sha256(raw).hexdigest(),
        "sig_hash": canon.sig_hash(row(3) | {"n": 7}), "canon": "orjson-sorted/1",
    }  # fmt: skip
    assert record["timestamp"] == datetime(2026, 4, 20, 3, 3, tzinfo=UTC)
    assert (record["source"], record["run_id"], record["task_id"]) == ("reviews", "run-3", "task-3")
    assert (record["metadata"], record["tags"], record["title"]) == ('{"n":7.0}', ["a", "b"], "T task-3")
    assert (record["prompt_source"], record["text_chars"]) == ("trace", len(row(3)["text"]))


def test_a_missing_source_is_reported_and_no_error(world: World) -> None:
    world.stream()
    world.stream(extraction_config("facts"))
    world.file("reviews.jsonl", [row(0)])
    manifests = world.evidence()
    assert manifests[DAY].extra["missing_sources"] == ["facts"]
    assert manifests[DAY].passed


def test_no_rows_at_all_are_an_empty_passed_partition(world: World) -> None:
    world.stream()
    for content in (None, b"", b"\n \n"):
        if content is not None:
            world.file("reviews.jsonl", content)
        manifests = world.evidence()
        assert all(manifest.passed for manifest in manifests.values())
        assert Lake(world.lake).open("evidence", DAY).read("records") is None


def test_the_health_report_counts_rows_readiness_and_missing_fields(world: World) -> None:
    rules = [{"when": "validation.grounded > 0.5", "category": "accepted", "reason": "grounded"}]
    record = RECORD | {"validation": {"grounded": {"from": "g", "type": "number"}}}
    world.stream(stream_config(record=record, scoring=rules, metadata={"file": "file"}))
    world.stream(extraction_config("facts"))
    world.file("reviews.jsonl", [row(0, g=1), row(1, g=...), row(2, g=0, text=""), row(3, g=0, file="a", model=None)])
    world.file("facts.jsonl", [row(9)])
    health = world.evidence()[DAY].extra["health"]
    assert health["reviews"] == {
        "rows": 4, "score_ready": 3, "missing": {
            "metadata.file": 3, "model_name": 1, "text": 1, "validation.grounded": 1,
        },
    }  # fmt: skip
    assert (health["facts"]["rows"], health["facts"]["score_ready"]) == (1, 0)


def test_copies_of_a_record_are_counted_and_kept_as_duplicates(world: World) -> None:
    world.stream()
    other_order = json.dumps(dict(reversed(row(1).items()))).encode()
    world.file("reviews-1.jsonl", [row(1), row(1), row(2)])
    world.file("reviews-2.jsonl", [other_order, row(1)])
    manifest = world.evidence()[DAY]
    assert (manifest.counts.rows_in, manifest.counts.rows_out, manifest.counts.deduplicated) == (5, 2, 3)
    dropped = world.table(DAY, "quarantine")
    assert {(one["reason"], one["disposition"]) for one in dropped} == {("duplicate_id", "deduplicated")}
    assert {one["evidence_id"] for one in dropped} <= {record["evidence_id"] for record in world.table()}
    places = [(one["provenance"]["source_file"], one["provenance"]["line_offset"]) for one in dropped + world.table()]
    assert len(set(places)) == 5


def test_the_same_row_in_another_stream_is_another_record(world: World) -> None:
    for name in ("a", "b"):
        world.stream(stream_config(name))
        world.file(f"{name}.jsonl", [row(1)])
    manifest = world.evidence()[DAY]
    assert (manifest.counts.rows_out, manifest.counts.deduplicated) == (2, 0)


def test_two_streams_may_read_one_file_and_the_laws_hold_for_both(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.stream(stream_config("a", path="shared.jsonl"))
    world.stream(stream_config("b", path="*.jsonl", record=RECORD | {"run_id": "other"}))
    rows = [row(n) | ({"other": f"o-{n}"} if n % 2 else {}) for n in range(6)]
    world.file("shared.jsonl", [*rows, b"{", row(7, at=f"{NEXT_DAY}T00:00:00Z")])
    original = source_files.chunks
    for chunk_bytes in (2**24, 300):
        monkeypatch.setattr("distill_platform.refinery.evidence.chunks", lambda file, n=chunk_bytes: original(file, n))
        manifests = world.evidence()
        assert [manifest.errors for manifest in manifests.values()] == [(), ()]
        assert sorted(one["run_id"] for one in world.table()) == ["o-1", "o-3", "o-5", *(f"run-{n}" for n in range(6))]
        assert world.reasons(DAY) == ["missing_source_run_id"] * 3
        assert world.reasons() == ["malformed_json"] * 2


def test_a_row_of_the_day_of_the_run_is_evidence_and_of_the_next_day_is_not_yet(world: World) -> None:
    world.stream()
    world.file("reviews.jsonl", [row(0, at="2026-05-01T23:59:59Z"), row(1, at="2026-05-02T00:00:00Z")])
    world.evidence("2026-05-01", "2026-05-02")
    assert len(world.table("2026-05-01")) == 1
    assert world.reasons() == ["future_timestamp"]
    assert world.table("2026-05-02") == []
    world.evidence("2026-05-01", "2026-05-02", now=NOW.replace(day=2))
    assert len(world.table("2026-05-02")) == 1
    assert world.reasons() == []


def test_a_range_gives_the_partitions_that_single_days_give(world: World, tmp_path_factory: Any) -> None:
    days = [DAY, NEXT_DAY, "2026-04-22"]
    rows = [row(n, at=f"{days[n % 3]}T{n % 24:02d}:00:00Z", run=... if n % 10 == 9 else "r") for n in range(60)]
    other = World(tmp_path_factory.mktemp("other"))
    for one in (world, other):
        one.stream()
        one.file("reviews.jsonl", [*rows, b"{", rows[0]])
    ranged = world.evidence(*days)
    single = {day: other.evidence(day)[day] for day in days}
    assert {day: ranged[day].to_bytes() for day in days} == {day: single[day].to_bytes() for day in days}


def test_rows_of_another_day_change_nothing_for_this_day(world: World) -> None:
    world.stream()
    world.file("reviews.jsonl", [row(n) for n in range(10)])
    before = world.evidence()[DAY]
    world.file("reviews.jsonl", [row(n) for n in range(10)] + [row(n, at=f"{NEXT_DAY}T01:00:00Z") for n in range(9)])
    after = world.evidence()[DAY]
    assert after.to_bytes() == before.to_bytes()


def transform_world(world: World, name: str, body: str) -> None:
    (world.sources / f"{name}.py").write_text(f"def split(row):\n    {body}\n")
    world.stream(stream_config(transform=f"{name}:split"))


def test_one_row_may_give_records_of_several_days_and_every_one_resolves_to_its_line(world: World) -> None:
    transform_world(world, "evidence_split", "yield from row['parts']")
    parts = [row(1), row(2, at=f"{NEXT_DAY}T00:00:00Z"), row(3, run=""), row(1), row(4, at="noon"), 5]
    world.file("reviews.jsonl", [{"parts": parts}, {"parts": []}, {"parts": 7}])
    manifests = world.evidence(DAY, NEXT_DAY)
    assert [manifest.passed for manifest in manifests.values()] == [True] * 3
    assert [len(world.table(day)) for day in (DAY, NEXT_DAY)] == [1, 1]
    assert world.reasons(DAY) == ["duplicate_id", "missing_source_run_id"]
    assert world.reasons() == ["empty_content", "invalid_timestamp", "schema_violation", "schema_violation"]
    assert world.evidence(NEXT_DAY)[NEXT_DAY].to_bytes() == manifests[NEXT_DAY].to_bytes()


def test_what_a_transform_says_in_broken_letters_is_kept_readable(world: World) -> None:
    transform_world(world, "evidence_broken", "raise ValueError('\\ud800')")
    world.file("reviews.jsonl", [row(1)])
    world.evidence()
    assert world.reasons() == ["schema_violation"]


def test_a_text_with_letters_json_cannot_hold_is_quarantined(world: World) -> None:
    transform_world(world, "evidence_surrogate", "yield row | {'text': '\\ud800'}")
    world.file("reviews.jsonl", [row(1)])
    world.evidence()
    assert [*world.reasons(DAY), *world.reasons()] == ["malformed_json"]


def test_a_row_that_is_changed_between_the_two_readings_fails_the_provenance_check(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distill_platform.refinery import witness

    world.stream()
    file = world.file("reviews.jsonl", [row(n) for n in range(5)])
    original = witness.testify

    def testify(*arguments: Any) -> Any:
        file.write_bytes(file.read_bytes().replace(b"model-a", b"model-b", 1))
        return original(*arguments)

    monkeypatch.setattr(witness, "testify", testify)
    manifest = world.evidence()[DAY]
    assert not manifest.passed
    assert any("provenance" in error for error in manifest.errors)


def test_a_line_that_nobody_accounts_for_fails_the_conservation_check(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distill_platform.refinery import ingest

    world.stream()
    world.file("reviews.jsonl", [row(n) for n in range(5)])
    original = ingest._Sink.take

    def forgetful(sink: ingest._Sink, batch: Batch) -> None:
        kept = [index for index, number in enumerate(batch.numbers) if number != 2]
        numbers, raw = ([column[index] for index in kept] for column in (batch.numbers, batch.raw))
        original(sink, batch._replace(numbers=numbers, raw=raw))

    monkeypatch.setattr(ingest._Sink, "take", forgetful)
    manifest = world.evidence()[DAY]
    assert not manifest.passed
    assert any("no_line_lost" in error for error in manifest.errors)
