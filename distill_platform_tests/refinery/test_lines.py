"""Lines of source files: every way a file can be wrong has its own reason, and none costs more than bounded memory."""

import gzip
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import zlib
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings, strategies as st

from distill_platform.core.errors import SourceError
from distill_platform.refinery import lines
from distill_platform.refinery.lines import Batch, Line, read_batches
from distill_platform.refinery.settings import IngestSettings
from distill_platform.refinery.source_files import FileKind, SourceFile, chunks, find_files, kind_of

LIMITS = IngestSettings(max_row_bytes=1_000)


def source(path: Path) -> SourceFile:
    return SourceFile("s", path, path.name, kind_of(path), path.stat().st_size)


def batches_of(path: Path, limits: IngestSettings = LIMITS, chunk_bytes: int = 2**24) -> list[list[Batch]]:
    return [list(read_batches(chunk, limits)) for chunk in chunks(source(path), chunk_bytes)]


def read(path: Path, limits: IngestSettings = LIMITS, chunk_bytes: int = 2**24) -> list[Line]:
    """All lines of a file, numbered in the file."""
    found: list[Line] = []
    first = 0
    for batches in batches_of(path, limits, chunk_bytes):
        found += [line._replace(number=first + line.number) for batch in batches for line in batch.lines]
        first += batches[-1].total if batches else 0
    return found


def given_bytes(folder: Path, content: bytes, name: str = "a.jsonl") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def short(found: list[Line]) -> list[tuple[int, bytes, str]]:
    return [(line.number, line.raw, line.refused) for line in found]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"\n\n\n", []),
        (b"\r\n \t\r\n", []),
        (b'{"a":1}\n', [(0, b'{"a":1}', "")]),
        (b'{"a":1}', [(0, b'{"a":1}', "")]),
        (b'\n\n{"a":1}\n\n[2]\n', [(2, b'{"a":1}', ""), (4, b"[2]", "")]),
        (b'{"a":1}\r\n{"b":2}\r\n', [(0, b'{"a":1}', ""), (1, b'{"b":2}', "")]),
        (b'{"a":1}\r\n{"b":2}', [(0, b'{"a":1}', ""), (1, b'{"b":2}', "")]),
        (b"1\r\r\n", [(0, b"1\r", "")]),
        (b'\xef\xbb\xbf{"a":1}\n', [(0, b'{"a":1}', "")]),
        (b"\xef\xbb\xbf", []),
        (b"\xef\xbb", [(0, b"\xef\xbb", "torn_line")]),
        (b"1\n\xef\xbb\xbf2\n", [(0, b"1", ""), (1, b"\xef\xbb\xbf2", "")]),
        (b'1\n{"a":', [(0, b"1", ""), (1, b'{"a":', "torn_line")]),
        (b'{"a":"x', [(0, b'{"a":"x', "torn_line")]),
        (b'{"a":"caf\xc3', [(0, b'{"a":"caf\xc3', "torn_line")]),
        (b'{"a":1,"a":2}', [(0, b'{"a":1,"a":2}', "")]),
        (b'{"a":NaN}', [(0, b'{"a":NaN}', "")]),
        (b'{"a":"\xff"}', [(0, b'{"a":"\xff"}', "")]),
        (b'{"id":123456789012345678901234567890}', [(0, b'{"id":123456789012345678901234567890}', "")]),
        (b'{"a":\n1}\n', [(0, b'{"a":', ""), (1, b"1}", "")]),
        (b"\xff\xfe\n\x00\x00\n", [(0, b"\xff\xfe", ""), (1, b"\x00\x00", "")]),
        (b"\x00", [(0, b"\x00", "torn_line")]),
        (b"a\x0bb\x85c\xe2\x80\xa8d\n", [(0, b"a\x0bb\x85c\xe2\x80\xa8d", "")]),
        (b"x" * 1_000 + b"\n", [(0, b"x" * 1_000, "")]),
        (b"x" * 1_000 + b"\r\n", [(0, b"x" * 1_000, "")]),
        (b"x" * 1_001 + b"\n1\n", [(0, b"x" * 1_001, "oversized_row"), (1, b"1", "")]),
        (b"x" * 1_001, [(0, b"x" * 1_001, "oversized_row")]),
        (b" " * 5_000 + b"\n1\n", [(0, b" " * 4_096, "oversized_row"), (1, b"1", "")]),
    ],
)
def test_every_kind_of_line_is_told_apart(
    tmp_path: Path, content: bytes, expected: list[tuple[int, bytes, str]]
) -> None:
    assert short(read(given_bytes(tmp_path, content))) == expected


def reference(content: bytes, limit: int) -> list[tuple[int, str, bool]]:
    """The rows of a file as a plain reading of the rules gives them: number, hash, whether oversized."""
    found = []
    for number, raw in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n")):
        text = raw.removesuffix(b"\r")
        if len(text) > limit or text.strip():
            found.append((number, hashlib.sha256(text).hexdigest(), len(text) > limit))
    return found


def observed(found: list[Line]) -> list[tuple[int, str, bool]]:
    return [
        (line.number, line.sha256 or hashlib.sha256(line.raw).hexdigest(), line.refused == "oversized_row")
        for line in found
    ]


def read_whole(content: bytes) -> list[Line]:
    with tempfile.TemporaryDirectory() as folder:
        return read(given_bytes(Path(folder), content))


PIECE = st.sampled_from(
    [b"\n", b"\r\n", b"\r", b" ", b"1", b'{"a":1}', b"\xff", b"\x00", b"x" * 999, b"y" * 600, b"\xc3"]
)
CONTENT = st.builds(
    lambda bom, pieces: bom + b"".join(pieces), st.sampled_from([b"", b"\xef\xbb\xbf"]), st.lists(PIECE)
)


@given(CONTENT, st.integers(1, 40) | st.integers(500, 3_000), st.integers(1, 9), st.sampled_from([1, 3, 64, 2**20]))
def test_numbers_and_hashes_do_not_depend_on_chunks_blocks_or_batches(
    content: bytes, chunk_bytes: int, batch_lines: int, block: int
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "_BLOCK", block)
        patch.setattr(lines, "_BATCH_LINES", batch_lines)
        path = given_bytes(Path(folder), content)
        found: list[Line] = []
        first = 0
        for chunk in chunks(source(path), chunk_bytes):
            batches = list(read_batches(chunk, LIMITS))
            found += [line._replace(number=first + line.number) for batch in batches for line in batch.lines]
            first += batches[-1].total if batches else 0
    assert observed(found) == reference(content, 1_000)
    assert found == read_whole(content)


@given(CONTENT, st.sampled_from(["gz", "zst", "members.gz", "frames.zst"]))
@settings(max_examples=50)
def test_a_compressed_file_gives_the_lines_of_the_plain_one(content: bytes, kind: str) -> None:
    half = len(content) // 2
    parts = [content[:half], content[half:]] if "." in kind else [content]
    pack = gzip.compress if kind.endswith("gz") else zstandard.ZstdCompressor().compress
    with tempfile.TemporaryDirectory() as folder:
        plain = read(given_bytes(Path(folder), content))
        packed = read(given_bytes(Path(folder), b"".join(pack(part) for part in parts), f"a.jsonl.{kind}"))
    assert packed == plain


def test_a_batch_never_holds_more_lines_than_fit_in_memory(tmp_path: Path) -> None:
    path = given_bytes(tmp_path, b"1\n" * 300_000)
    [batches] = batches_of(path)
    assert max(len(batch.lines) for batch in batches) <= 65_536
    assert batches[-1].total == 300_000
    assert [line.number for batch in batches for line in batch.lines] == list(range(300_000))


def test_what_is_appended_after_the_file_was_listed_is_left_to_the_next_run(tmp_path: Path) -> None:
    path = given_bytes(tmp_path, b'1\n{"a":')
    listed = source(path)
    with path.open("ab") as file:
        file.write(b'1}\n{"b":2}\n')
    found = [line for chunk in chunks(listed) for batch in read_batches(chunk, LIMITS) for line in batch.lines]
    assert short(found) == [(0, b"1", ""), (1, b'{"a":', "torn_line")]
    assert short(read(path)) == [(0, b"1", ""), (1, b'{"a":1}', ""), (2, b'{"b":2}', "")]


def test_a_line_over_many_chunks_is_read_once_and_not_once_a_chunk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "_BLOCK", 4_096)
    path = given_bytes(tmp_path, b"x" * 1_000_000 + b"\n1\n")
    taken = 0
    original = Path.open

    class Counting:
        def __init__(self, file: object) -> None:
            self._file = file

        def __enter__(self) -> "Counting":
            return self

        def __exit__(self, *_: object) -> None:
            self._file.close()  # type: ignore[attr-defined]

        def seek(self, position: int) -> None:
            self._file.seek(position)  # type: ignore[attr-defined]

        def read(self, size: int) -> bytes:
            nonlocal taken
            block: bytes = self._file.read(size)  # type: ignore[attr-defined]
            taken += len(block)
            return block

    monkeypatch.setattr(Path, "open", lambda self, *args: Counting(original(self, *args)))
    found = read(path, chunk_bytes=10_000)
    assert [(line.number, line.refused) for line in found] == [(0, "oversized_row"), (1, "")]
    assert taken < 3 * 1_000_002


HUGE_LINE = """
import hashlib, resource, sys
from pathlib import Path
from distill_platform.refinery.lines import read_batches
from distill_platform.refinery.source_files import chunks, find_files
from distill_platform.refinery.settings import IngestSettings
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
[file] = find_files(Path(sys.argv[1]), "s", "*")
found = [line for chunk in chunks(file) for batch in read_batches(chunk, IngestSettings()) for line in batch.lines]
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print((after - before) // 1024, [(line.refused, len(line.raw), line.sha256[:12]) for line in found])
"""


def in_a_process(code: str, *arguments: object) -> str:
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": root}, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    return done.stdout


def test_a_line_of_200_mb_costs_no_memory_and_is_named(tmp_path: Path) -> None:
    megabyte, digest = b"x" * 2**20, hashlib.sha256()
    with (tmp_path / "a.jsonl").open("wb") as file:
        for _ in range(200):
            file.write(megabyte)
            digest.update(megabyte)
        file.write(b'\n{"a":1}\n')
    megabytes, found = in_a_process(HUGE_LINE, tmp_path).split(" ", 1)
    assert found.strip() == str([("oversized_row", 4_096, digest.hexdigest()[:12]), ("", 7, "")])
    assert int(megabytes) < 150


def inflating(kind: str, size: int) -> bytes:
    block = (b'{"a":"' + b"0" * 2_000 + b'"}\n') * 500
    if kind == "gz":
        packer = zlib.compressobj(9, wbits=31)
        return b"".join(packer.compress(block) for _ in range(size // len(block))) + packer.flush()
    zstd = zstandard.ZstdCompressor(level=19).compressobj()
    return b"".join(zstd.compress(block) for _ in range(size // len(block))) + zstd.flush()


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_a_bomb_is_cut_off_in_bounded_memory_and_what_came_before_is_kept(tmp_path: Path, kind: str) -> None:
    given_bytes(tmp_path, inflating(kind, 300_000_000), f"a.jsonl.{kind}")
    code = HUGE_LINE.replace("line.sha256[:12]) for line in found]", "line.detail) for line in found[-2:]], len(found)")
    megabytes, found = in_a_process(code, tmp_path).split(" ", 1)
    assert "gzip_bomb" in found
    assert "what comes after was not read" in found
    assert int(found.split()[-1]) > 10_000
    assert int(megabytes) < 400


ROWS = b"".join(b'{"n":%d}\n' % number for number in range(5_000))


@pytest.mark.parametrize("kind", ["gz", "zst"])
@pytest.mark.parametrize("cut", [1, 5, 30, 2_000])
def test_a_truncated_archive_gives_what_it_still_holds_and_says_that_it_is_damaged(
    tmp_path: Path, kind: str, cut: int
) -> None:
    packed = gzip.compress(ROWS) if kind == "gz" else zstandard.ZstdCompressor().compress(ROWS)
    found = read(given_bytes(tmp_path, packed[:-cut], f"a.jsonl.{kind}"))
    assert found[-1].refused == "corrupt_archive"
    assert "damaged" in found[-1].detail
    assert [line.refused for line in found[:-1] if line.refused] in ([], ["torn_line"])
    whole = [line.raw for line in found if not line.refused]
    assert whole == ROWS.split(b"\n")[: len(whole)]
    assert kind == "zst" or cut > 30 or len(whole) > 4_900


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_a_flipped_bit_in_an_archive_is_noticed(tmp_path: Path, kind: str) -> None:
    zstd = zstandard.ZstdCompressor(write_checksum=True)
    packed = bytearray(gzip.compress(ROWS) if kind == "gz" else zstd.compress(ROWS))
    packed[len(packed) // 2] ^= 4
    found = read(given_bytes(tmp_path, bytes(packed), f"a.jsonl.{kind}"))
    assert found[-1].refused == "corrupt_archive"


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.zst", "a.parquet"])
@pytest.mark.parametrize("content", [b"garbage\n" * 100, b"\x00" * 50, b"\x1f\x8b", b"PAR1PAR1", b'{"a":1}\n'])
def test_garbage_under_a_name_of_an_archive_is_one_refused_line(tmp_path: Path, name: str, content: bytes) -> None:
    assert [line.refused for line in read(given_bytes(tmp_path, content, name))] == ["corrupt_archive"]


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.zst"])
def test_an_empty_file_under_a_name_of_an_archive_holds_no_line(tmp_path: Path, name: str) -> None:
    assert read(given_bytes(tmp_path, b"", name)) == []


def test_padding_after_a_gzip_member_is_allowed_and_garbage_is_not(tmp_path: Path) -> None:
    packed = gzip.compress(b"1\n")
    assert short(read(given_bytes(tmp_path, packed + b"\0" * 512, "a.gz"))) == [(0, b"1", "")]
    assert short(read(given_bytes(tmp_path, packed + b"junk", "b.gz"))) == [(0, b"1", ""), (1, b"", "corrupt_archive")]


def parquet(folder: Path, table: pa.Table, name: str = "a.parquet") -> Path:
    pq.write_table(table, folder / name)
    return folder / name


def test_a_parquet_row_is_read_as_its_canonical_json(tmp_path: Path) -> None:
    table = pa.table(
        {
            "n": [1, None],
            "text": ["é", "b"],
            "at": pa.array([datetime(2026, 4, 20, 1, tzinfo=UTC)] * 2, pa.timestamp("us", "UTC")),
            "nano": pa.array([1_776_643_200_000_000_001] * 2, pa.timestamp("ns", "UTC")),
            "naive": pa.array([datetime(2026, 4, 20, 1)] * 2, pa.timestamp("us")),  # noqa: DTZ001
            "day": [date(2026, 4, 20)] * 2,
            "cost": [Decimal("1.50")] * 2,
            "deep": [{"a": [{"b": 1}]}] * 2,
        }
    )
    [first, second] = read(parquet(tmp_path, table))
    assert json.loads(first.raw) == {
        "n": 1, "text": "é", "at": "2026-04-20T01:00:00+00:00", "nano": "2026-04-20T00:00:00.000000001+00:00",
        "naive": "2026-04-20T01:00:00", "day": "2026-04-20", "cost": 1.5, "deep": {"a": [{"b": 1}]},
    }  # fmt: skip
    assert json.loads(second.raw)["n"] is None
    assert (second.number, second.refused) == (1, "")


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        (pa.array([float("nan")]), "non_finite_number"),
        (pa.array([[float("inf")]]), "non_finite_number"),
        (pa.array([b"bytes"]), "malformed_json"),
        (pa.array(["x" * 2_000]), "oversized_row"),
    ],
)
def test_a_parquet_value_that_json_cannot_hold_is_refused(tmp_path: Path, column: pa.Array, reason: str) -> None:
    table = pa.table({"n": [1], "v": column})
    assert [line.refused for line in read(parquet(tmp_path, table))] == [reason]


def test_parquet_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    [line] = read(parquet(tmp_path, pa.table([pa.array([1]), pa.array([2])], names=["a", "a"])))
    assert (line.refused, "'a'" in line.detail) == ("corrupt_archive", True)


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9, 0.999])
def test_a_damaged_parquet_file_never_gives_other_rows_and_never_stops_the_run(tmp_path: Path, place: float) -> None:
    path = parquet(tmp_path, pa.table({"n": list(range(20_000)), "t": [f"text {n}" for n in range(20_000)]}))
    content = bytearray(path.read_bytes())
    start = int(len(content) * place)
    content[start : start + 64] = bytes(64)
    found = read(given_bytes(tmp_path, bytes(content), "b.parquet"), IngestSettings())
    refused = [line.refused for line in found if line.refused]
    assert refused in (["corrupt_archive"], [])
    truncated = read(given_bytes(tmp_path, bytes(content[:start]), "c.parquet"), IngestSettings())
    assert [line.refused for line in truncated] == ["corrupt_archive"]


def test_files_are_found_by_glob_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.jsonl.gz", "deep/er/c.parquet", "d.jsonl.zst", "e.ndjson"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.jsonl").mkdir()
    found = find_files(tmp_path, "s", "**/*")
    assert [(file.name, file.kind) for file in found] == [
        ("a.jsonl.gz", FileKind.GZIP), ("b.jsonl", FileKind.PLAIN), ("d.jsonl.zst", FileKind.ZSTD),
        ("deep/er/c.parquet", FileKind.PARQUET), ("e.ndjson", FileKind.PLAIN),
    ]  # fmt: skip


@pytest.mark.parametrize("pattern", ["nothing.jsonl", "*.jsonl", "no/such/folder/*.jsonl"])
def test_a_missing_file_or_folder_is_no_error(tmp_path: Path, pattern: str) -> None:
    assert find_files(tmp_path, "s", pattern) == []
    assert find_files(tmp_path / "missing", "s", pattern) == []


@pytest.mark.parametrize("name", ["a.csv", "a", "a.jsonl.bz2", "a.JSONL"])
def test_an_unknown_kind_of_file_is_an_error_that_names_the_known_ones(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(SourceError, match=r"unknown kind of file.*\.jsonl\.gz"):
        find_files(tmp_path, "s", "*")


def test_links_may_stay_inside_the_source_folder_and_may_not_leave_it(tmp_path: Path) -> None:
    data, secret = tmp_path / "data", tmp_path / "secret.jsonl"
    (data / "sub").mkdir(parents=True)
    given_bytes(data, b"1\n")
    secret.write_bytes(b'"secret"\n')
    (data / "inside.jsonl").symlink_to("a.jsonl")
    assert [file.name for file in find_files(data, "s", "*.jsonl")] == ["a.jsonl", "inside.jsonl"]
    for target in (secret, Path("../secret.jsonl"), Path("/etc/hostname"), tmp_path / "nowhere.jsonl"):
        link = data / "sub" / "leaving.jsonl"
        link.symlink_to(target if target.is_absolute() else Path("..") / target)
        with pytest.raises(SourceError, match="leaves the source folder"):
            find_files(data, "s", "sub/*.jsonl")
        link.unlink()


def test_a_linked_folder_may_not_leave_the_source_folder(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    given_bytes(tmp_path / "outside", b"1\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "sub").symlink_to(tmp_path / "outside")
    for pattern in ("sub/a.jsonl", "sub/*", "*/*.jsonl"):
        with pytest.raises(SourceError, match="leaves the source folder"):
            find_files(tmp_path / "data", "s", pattern)


def test_the_source_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    given_bytes(tmp_path / "real", b"1\n")
    (tmp_path / "data").symlink_to(tmp_path / "real")
    assert [file.name for file in find_files(tmp_path / "data", "s", "*")] == ["a.jsonl"]


def test_a_link_to_itself_and_a_name_that_is_no_text_are_clear_errors(tmp_path: Path) -> None:
    (tmp_path / "loop.jsonl").symlink_to("loop.jsonl")
    with pytest.raises(SourceError, match=r"'loop\.jsonl' cannot be found"):
        find_files(tmp_path, "s", "*.jsonl")
    (tmp_path / "loop.jsonl").unlink()
    (tmp_path / os.fsdecode(b"caf\xe9.jsonl")).touch()
    with pytest.raises(SourceError, match="not UTF-8"):
        find_files(tmp_path, "s", "*.jsonl")


def test_pipes_and_broken_links_inside_are_not_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "dangling.jsonl").symlink_to("gone.jsonl")
    assert find_files(tmp_path, "s", "*.jsonl") == []


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.parquet"])
def test_a_file_that_vanishes_is_a_source_error(tmp_path: Path, name: str) -> None:
    path = given_bytes(tmp_path, b"1\n", name)
    listed = source(path)
    path.unlink()
    with pytest.raises(SourceError, match="cannot be read: No such file"):
        list(read_batches(chunks(listed)[0], LIMITS))
