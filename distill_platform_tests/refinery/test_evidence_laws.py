"""The laws of evidence, over generated streams: conservation, provenance, determinism, idempotence, bounded memory."""

import gzip
import hashlib
import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from distill_platform.core import canon
from distill_platform.core.errors import CanonError
from distill_platform.refinery import evidence, ingest, lines, source_files
from distill_platform.store.lake import Manifest
from distill_platform_tests.refinery.builders import (
    DAY,
    NEXT_DAY,
    World,
    extraction_config,
    jsonl,
    row,
    stamps,
    stream_config,
)

DAYS = (DAY, NEXT_DAY)
ELSEWHERE = "2026-03-01"
SMALL = settings(max_examples=15)


def good_rows() -> st.SearchStrategy[Any]:
    """Rows that become records of one of a few days; few enough values that copies occur."""
    return st.builds(
        lambda number, day, text: row(number, at=f"{day}T05:00:00Z", text=text),
        st.integers(0, 6), st.sampled_from([*DAYS, ELSEWHERE]), st.sampled_from(["", "short", "y" * 300 + "é"]),
    )  # fmt: skip


BAD_ROWS: list[Any] = [
    b"{", b"\xff", b'{"a":1,"a":2}', b"NaN", b"", b"  ", b"[]", b"x" * 1_500, row(1, at=...), row(1, at="noon"),
    row(1, run=""), row(2, task=..., at=f"{NEXT_DAY}T00:00:00Z"), row(3, text=[]), row(4, at="2031-01-01T00:00:00Z"),
    json.dumps(dict(reversed(row(2, at=f"{DAY}T05:00:00Z", text="short").items()))).encode(),
]  # fmt: skip
STREAM_ROWS = st.lists(good_rows() | st.sampled_from(BAD_ROWS), max_size=25)


@contextmanager
def built(
    files: dict[str, bytes], days: tuple[str, ...] = DAYS, **options: Any
) -> Iterator[tuple[World, dict[str, Manifest]]]:
    """A world of two streams over the given files, and its evidence."""
    with TemporaryDirectory() as folder:
        world = World(Path(folder))
        world.stream(stream_config(path="reviews*"))
        world.stream(extraction_config("facts", path="facts*"))
        for name, content in files.items():
            world.file(name, content)
        yield world, world.evidence(*days, ingest={"max_row_bytes": 1_200}, **options)


def hashes(manifests: dict[str, Manifest]) -> dict[str, tuple[str, str]]:
    return {day: (manifest.content_hash, manifest.input_hash) for day, manifest in manifests.items()}


@given(STREAM_ROWS, STREAM_ROWS)
@SMALL
def test_every_line_is_a_record_or_dropped_with_a_reason_or_of_another_day(
    reviews: list[Any], facts: list[Any]
) -> None:
    contents = {"reviews.jsonl": jsonl(reviews), "facts.jsonl": jsonl(facts)}
    with built(contents) as (world, manifests):
        claims: Counter[tuple[str, int]] = Counter()
        for day, manifest in manifests.items():
            assert manifest.passed, manifest.errors
            assert manifest.counts.conserved
            kept, dropped = world.table(day), world.table(day, "quarantine")
            claims.update(
                (one["provenance"]["source_file"], one["provenance"]["line_offset"]) for one in kept + dropped
            )
            assert len(kept) == manifest.counts.rows_out
            gone = Counter(one["reason"] for one in dropped if one["disposition"] != "deduplicated")
            assert gone == Counter({**manifest.counts.skipped, **manifest.counts.quarantined})
            assert len(dropped) - gone.total() == manifest.counts.deduplicated
            assert len({one["evidence_id"] for one in kept}) == len(kept)
    for name, content in contents.items():
        for number, line in enumerate(content.split(b"\n")):
            elsewhere = f"{ELSEWHERE}T".encode() in line
            assert claims.pop((name, number), 0) == (0 if elsewhere or not line.strip() else 1), line
    assert not claims


@given(STREAM_ROWS, st.sampled_from(["", ".gz"]))
@SMALL
def test_every_row_resolves_to_source_bytes_whose_hash_matches(reviews: list[Any], packed: str) -> None:
    content = jsonl(reviews)
    stored = gzip.compress(content) if packed else content
    with built({f"reviews.jsonl{packed}": stored}) as (world, manifests):
        found = [one for day in manifests for one in world.table(day) + world.table(day, "quarantine")]
    for one in found:
        provenance = one["provenance"]
        line = content.split(b"\n")[provenance["line_offset"]]
        assert provenance["raw_sha256"] == hashlib.sha256(line).hexdigest()
        assert provenance["canon"] == canon.CANON
        try:
            expected = canon.sig_hash(canon.parse(line)) if len(line) <= 1_200 else None
        except CanonError:
            expected = None
        assert provenance["sig_hash"] == expected


@given(STREAM_ROWS, st.randoms(use_true_random=False), st.integers(1, 4))
@SMALL
def test_content_does_not_depend_on_the_order_of_lines_or_how_they_lie_in_files(
    rows: list[Any], dice: random.Random, pieces: int
) -> None:
    with built({"reviews.jsonl": jsonl(rows)}) as (_, manifests):
        expected = hashes(manifests)
        counts = {day: manifest.counts for day, manifest in manifests.items()}
    shuffled = rows.copy()
    dice.shuffle(shuffled)
    files: dict[str, list[Any]] = {f"reviews-{number}.jsonl": [] for number in range(pieces)}
    for one in shuffled:
        files[dice.choice(sorted(files))].append(one)
    contents = {name: jsonl(found) for name, found in files.items()}
    packed = {f"{name}.gz": gzip.compress(content) for name, content in contents.items()}
    for variant in (contents, packed):
        with built(variant) as (_, manifests):
            assert hashes(manifests) == expected
            assert {day: manifest.counts for day, manifest in manifests.items()} == counts


@given(STREAM_ROWS, st.integers(50, 900), st.integers(400, 5_000), st.integers(1, 5))
@SMALL
def test_content_does_not_depend_on_chunks_batches_ranges_or_the_clock(
    rows: list[Any], chunk_bytes: int, range_bytes: int, batch_lines: int
) -> None:
    with built({"reviews.jsonl": jsonl(rows)}) as (_, manifests):
        expected = hashes(manifests)
    with pytest.MonkeyPatch.context() as patch:
        original = source_files.chunks
        patch.setattr(evidence, "chunks", lambda file: original(file, chunk_bytes))
        patch.setattr(evidence, "RANGE_BYTES", range_bytes)
        patch.setattr(lines, "_BATCH_LINES", batch_lines)
        patch.setattr(lines, "_BLOCK", chunk_bytes)
        patch.setattr(ingest, "CHUNK_BYTES", chunk_bytes)
        with built({"reviews.jsonl": jsonl(rows)}, now=datetime(2026, 6, 7, 8, tzinfo=UTC)) as (_, manifests):
            assert all(manifest.passed for manifest in manifests.values())
            assert hashes(manifests) == expected


def test_one_worker_or_two_write_the_same_bytes(tmp_path: Path) -> None:
    rows = [row(n, at=f"{DAYS[n % 2]}T01:00:00Z") for n in range(300)] + BAD_ROWS
    trees = []
    for count in (1, 2):
        world = World(tmp_path / str(count))
        world.stream()
        for number in range(3):
            world.file(f"reviews-{number}.jsonl", rows[number * 110 : number * 110 + 150])
        world.evidence(*DAYS, workers=count)
        trees.append(
            {path.relative_to(world.lake): path.read_bytes() for path in world.lake.rglob("*") if path.is_file()}
        )
    assert trees[0] == trees[1]
    assert len(trees[0]) >= 6


@given(STREAM_ROWS)
@settings(max_examples=8)
def test_a_second_run_writes_nothing(rows: list[Any]) -> None:
    with built({"reviews.jsonl": jsonl(rows)}) as (world, manifests):
        before = stamps(world.lake)
        again = world.evidence(*DAYS, ingest={"max_row_bytes": 1_200}, now=datetime(2026, 7, 1, tzinfo=UTC))
        assert again == manifests
        assert stamps(world.lake) == before


@given(STREAM_ROWS, st.lists(good_rows(), min_size=1, max_size=5))
@settings(max_examples=8)
def test_more_rows_never_remove_a_record(rows: list[Any], more: list[Any]) -> None:
    with built({"reviews.jsonl": jsonl(rows)}) as (world, _):
        before = {one["evidence_id"] for day in DAYS for one in world.table(day)}
        world.file("reviews.jsonl", jsonl([*more, *rows]))
        world.evidence(*DAYS, ingest={"max_row_bytes": 1_200})
        assert before <= {one["evidence_id"] for day in DAYS for one in world.table(day)}


MEASURED = """
import sys, threading, time
from pathlib import Path
from distill_platform_tests.refinery.builders import World

def anonymous():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon")).split()[1]) // 1024

def watch():
    while True:
        seen.append(anonymous())
        time.sleep(0.02)

seen = []
world = World(Path(sys.argv[1]))
threading.Thread(target=watch, daemon=True).start()
manifests = world.evidence()
assert all(manifest.passed for manifest in manifests.values())
print(manifests["2026-04-20"].counts.rows_out, max(seen))
"""


def in_a_process(code: str, folder: Path) -> list[int]:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", code, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    return [int(word) for word in done.stdout.split()]


def peak(folder: Path, count: int) -> int:
    """The most memory, in MB, that a process needs of its own to build the evidence of `count` rows of 2 KB."""
    world = World(folder)
    world.stream()
    with (world.data / "reviews.jsonl").open("wb") as file:
        for number in range(count):
            file.write(json.dumps(row(number, text=f"{number} " + "word " * 330)).encode() + b"\n")
    rows, megabytes = in_a_process(MEASURED, folder)
    assert rows == count
    return megabytes


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    small, large = peak(tmp_path / "small", 50_000), peak(tmp_path / "large", 200_000)
    assert large < small + 120, (small, large)


def test_many_sorted_runs_need_few_open_files(tmp_path: Path) -> None:
    few = (
        "import resource\n"
        "from distill_platform.refinery import evidence, source_files\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))\n"
        "original = source_files.chunks\n"
        "evidence.chunks = lambda file: original(file, 1_000)\n"
    )
    world = World(tmp_path)
    world.stream()
    world.file("reviews.jsonl", [row(n) for n in range(500)])
    assert in_a_process(MEASURED.replace("seen = []\n", f"{few}seen = []\n"), tmp_path)[0] == 500
