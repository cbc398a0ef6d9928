"""The lake: what is published is whole, passed, current and intact, and nothing else can be opened."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from distill_platform.core import canon
from distill_platform.core.errors import CorruptDataset, GateRefused, LakeError, MissingDataset, StaleInput
from distill_platform.store.lake import Check, Counts, Input, Lake, Manifest
from distill_platform.store.lake.manifest import read_manifest
from distill_platform.store.lake.parts import read_part, read_pieces, write_part

DAY = "2026-04-20"
HELD = Check("law", True, True, 0, 0, "nothing wrong")
BROKEN = Check("law", False, True, 3, 0, "three are wrong", ("a", "b"))
HINT = Check("hint", False, False, 3, 0, "worth a look")


def publish(
    lake: Lake,
    values: list[int],
    *,
    dataset: str = "rows",
    checks: tuple[Check, ...] = (HELD,),
    inputs: dict[str, Input] | None = None,
    parts: int = 2,
) -> Manifest:
    """Publish one table of integers in a few parts."""
    with lake.draft(dataset, DAY) as draft:
        size = -(-len(values) // parts) or 1
        written = [
            write_part(draft.part_path("t", number), pa.table({"n": values[start : start + size]}))
            for number, start in enumerate(range(0, len(values), size))
        ]
        draft.add("t", written, canon.sig_hash(values))
        counts = Counts(rows_in=len(values), rows_out=len(values))
        return draft.publish(inputs=inputs or {}, code_version="1", config_hash="c", counts=counts, checks=checks)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def stamps(lake: Lake) -> dict[Path, tuple[int, int, int]]:
    files = (path for path in lake.root.rglob("*") if path.is_file())
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns, path.stat().st_size) for path in files}


def home(lake: Lake) -> Path:
    return lake.folder("rows", DAY)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20), st.integers(1, 4))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_published_is_what_is_read(tmp_path: Path, values: list[int], parts: int) -> None:
    lake = Lake(tmp_path / canon.sig_hash([values, parts]))
    manifest = publish(lake, values, parts=parts)
    opened = Lake(lake.root).open("rows", DAY)
    assert opened.manifest == manifest
    table = opened.read("t")
    assert (table["n"].to_pylist() if table is not None else []) == values
    assert opened.manifest.tables["t"].rows == len(values)


def test_partitions_are_listed_and_only_those_that_were_published(lake: Lake) -> None:
    assert lake.partitions("rows") == []
    publish(lake, [1])
    lake.folder("rows", "2026-04-21").mkdir()
    assert lake.partitions("rows") == [DAY]


def test_nothing_can_be_seen_before_the_manifest_is_written(tmp_path: Path) -> None:
    seen = []

    def look(step: str) -> None:
        reader = Lake(tmp_path)
        seen.append((step, reader.manifest("rows", DAY) is not None, reader.partitions("rows")))

    publish(Lake(tmp_path, on_step=look), [1, 2])
    steps = [step for step, _, _ in seen]
    assert "replaced MANIFEST.json" in steps
    replaced = steps.index("replaced MANIFEST.json")
    assert all(not visible and partitions == [] for _, visible, partitions in seen[:replaced])
    assert all(visible and partitions == [DAY] for _, visible, partitions in seen[replaced:])


def test_the_old_state_is_read_until_the_new_one_is_complete(tmp_path: Path) -> None:
    publish(Lake(tmp_path), [1])
    seen = []

    def look(step: str) -> None:
        table = Lake(tmp_path).open("rows", DAY).read("t")
        assert table is not None
        seen.append((step, table["n"].to_pylist()))

    publish(Lake(tmp_path, on_step=look), [2])
    assert {str(values) for step, values in seen} == {"[1]", "[2]"}
    assert dict(seen)["written MANIFEST.json"] == [1]


def test_publishing_the_same_again_writes_no_file(lake: Lake) -> None:
    first = publish(lake, [1, 2, 3])
    before = stamps(lake)
    steps: list[str] = []
    assert publish(Lake(lake.root, on_step=steps.append), [1, 2, 3]) == first
    assert stamps(lake) == before
    assert steps == ["staged t"]


def test_another_verdict_over_the_same_rows_writes_the_manifest_alone(lake: Lake) -> None:
    publish(lake, [1])
    before = stamps(lake)
    publish(lake, [1], checks=(HELD, HINT))
    changed = {path.name for path, stamp in stamps(lake).items() if before.get(path) != stamp}
    assert changed == {"MANIFEST.json"}


def test_what_was_never_published_is_missing(lake: Lake) -> None:
    with pytest.raises(MissingDataset, match="Materialize rows for 2026-04-20 first"):
        lake.open("rows", DAY)


@pytest.mark.parametrize("checks", [(), (HINT,), (BROKEN,), (HELD, BROKEN)])
def test_a_dataset_that_has_not_passed_is_refused_and_can_be_inspected(lake: Lake, checks: tuple[Check, ...]) -> None:
    publish(lake, [1], checks=checks)
    with pytest.raises(GateRefused, match="has not passed") as caught:
        lake.open("rows", DAY)
    assert ("three are wrong (observed 3, allowed 0)" in str(caught.value)) == (BROKEN in checks)
    assert lake.inspect("rows", DAY).read("t") is not None


def test_a_check_that_does_not_block_stops_nobody(lake: Lake) -> None:
    publish(lake, [1], checks=(HELD, HINT))
    assert lake.open("rows", DAY).manifest.passed


def test_a_partition_whose_newest_run_failed_is_refused_until_it_succeeds(lake: Lake) -> None:
    publish(lake, [1])
    lake.mark_failed("rows", DAY, "the disk burnt \ud800")
    with pytest.raises(GateRefused, match="the disk burnt"):
        Lake(lake.root).open("rows", DAY)
    publish(lake, [1])
    assert lake.open("rows", DAY).manifest.passed


def test_a_failure_before_anything_was_published_leaves_nothing(lake: Lake) -> None:
    lake.mark_failed("rows", DAY, "x")
    assert not lake.root.exists()


def test_a_dataset_made_from_an_older_input_is_stale(lake: Lake) -> None:
    first = publish(lake, [1], dataset="upstream")
    read = Input(first.version, first.content_hash)
    publish(lake, [2], inputs={f"upstream/{DAY}": read, "sources": read})
    assert lake.open("rows", DAY).manifest.passed
    publish(lake, [3], dataset="upstream")
    with pytest.raises(StaleInput, match=f"older upstream/{DAY}"):
        lake.open("rows", DAY)
    publish(lake, [1], dataset="upstream")
    assert lake.open("rows", DAY).manifest.passed
    (lake.folder("upstream", DAY) / "MANIFEST.json").unlink()
    with pytest.raises(StaleInput):
        lake.open("rows", DAY)


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut_a_byte(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [flip_a_byte, cut_a_byte, empty, Path.unlink])
def test_a_damaged_part_is_refused_and_materializing_again_heals_it(lake: Lake, damage: Callable[[Path], None]) -> None:
    manifest = publish(lake, [1, 2, 3])
    whole = lake.open("rows", DAY)
    damage(whole.paths("t")[1])
    for reader in (lake, Lake(lake.root)):
        with pytest.raises(CorruptDataset, match="Materialize the partition again"):
            reader.open("rows", DAY)
    assert publish(lake, [1, 2, 3]) == manifest
    assert lake.open("rows", DAY).read("t") is not None
    publish(lake, [4])
    assert [path.name for path in (lake.root / ".staging").iterdir()] == []


def tamper(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        body = json.loads(path.read_bytes())
        change(body)
        path.write_bytes(canon.dumps(body))

    return damage


@pytest.mark.parametrize(
    "damage",
    [
        flip_a_byte,
        cut_a_byte,
        empty,
        tamper(lambda body: body.update(passed=False)),
        tamper(lambda body: body["checks"].clear()),
        tamper(lambda body: body["tables"]["t"].update(rows=7)),
        tamper(lambda body: body.update(extra={"x": 1})),
        tamper(lambda body: body.pop("digest")),
        tamper(lambda body: body.pop("inputs")),
        lambda path: path.write_bytes(b"[]"),
        lambda path: path.write_bytes(b'"digest"'),
        lambda path: path.write_bytes(canon.dumps({"digest": canon.sig_hash({"format": 1}), "format": 1})),
        lambda path: path.write_bytes(canon.dumps({"digest": canon.sig_hash({"format": 9}), "format": 9})),
    ],
)
def test_a_damaged_manifest_is_refused_and_materializing_again_heals_it(
    lake: Lake, damage: Callable[[Path], None]
) -> None:
    publish(lake, [1])
    damage(home(lake) / "MANIFEST.json")
    with pytest.raises(CorruptDataset, match="Materialize the partition again"):
        lake.open("rows", DAY)
    lake.mark_failed("rows", DAY, "and the failure can still be noted")
    publish(lake, [1])
    assert lake.open("rows", DAY).manifest.passed


def test_a_manifest_is_read_back_as_it_was_written(lake: Lake) -> None:
    manifest = publish(lake, [1], checks=(HELD, BROKEN), inputs={"x": Input("v", "c")})
    assert read_manifest(manifest.to_bytes(), "here") == manifest
    assert read_manifest(manifest.to_bytes(), "here").to_bytes() == manifest.to_bytes()


def test_a_manifest_holds_no_clock_and_no_path(lake: Lake, tmp_path: Path) -> None:
    other = Lake(tmp_path / "elsewhere")
    assert publish(lake, [1, 2]).to_bytes() == publish(other, [1, 2]).to_bytes()


def test_part_bytes_depend_on_values_alone(tmp_path: Path) -> None:
    whole = pa.table({"n": list(range(10)), "s": ["x"] * 10})
    pieces = pa.concat_tables([whole.slice(0, 3), whole.slice(3, 7)])
    for number, table in enumerate((whole, pieces, pieces.combine_chunks())):
        (tmp_path / str(number) / "t").mkdir(parents=True)
        write_part(tmp_path / str(number) / "t" / "part-00000.parquet", table)
    contents = {path.read_bytes() for path in tmp_path.rglob("*.parquet")}
    assert len(contents) == 1


def test_a_part_that_is_no_parquet_file_is_corrupt(tmp_path: Path) -> None:
    for content in (b"", b"garbage", b"PAR1" * 10):
        (tmp_path / "p.parquet").write_bytes(content)
        with pytest.raises(CorruptDataset, match="cannot be read"):
            read_part(tmp_path / "p.parquet")
        with pytest.raises(CorruptDataset, match="cannot be read"):
            list(read_pieces(tmp_path / "p.parquet", ["n"], 2))


def test_pieces_are_the_part_cut_in_order(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    write_part(tmp_path / "t" / "p.parquet", pa.table({"n": list(range(7)), "s": ["x"] * 7}))
    pieces = [piece.to_pydict() for piece in read_pieces(tmp_path / "t" / "p.parquet", ["n"], 3)]
    assert pieces == [{"n": [0, 1, 2]}, {"n": [3, 4, 5]}, {"n": [6]}]


def test_counts_add_up_or_say_that_they_do_not() -> None:
    whole = Counts(10, 5, 2, {"a": 1}, {"b": 2})
    assert whole.conserved
    assert not Counts(10, 5, 2, {"a": 1}, {"b": 1}).conserved
    assert whole.plus(whole) == Counts(20, 10, 4, {"a": 2}, {"b": 4})
    assert whole.plus(Counts(skipped={"z": 0})).skipped == {"a": 1, "z": 0}


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(LakeError, match="could not be written"):
        publish(Lake(tmp_path / "file"), [1])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_lake_is_a_clear_error_and_can_still_be_read(lake: Lake) -> None:
    publish(lake, [1])
    folders = [lake.root, *(path for path in lake.root.rglob("*") if path.is_dir())]
    try:
        for folder in folders:
            folder.chmod(0o500)
        with pytest.raises(LakeError, match=r"could not be written: Permission denied"):
            publish(lake, [2])
        assert lake.open("rows", DAY).read("t") is not None
    finally:
        for folder in folders:
            folder.chmod(0o700)
