"""Layer 4 of the firewall: whoever reads a release finds every way in which somebody may have tampered with it."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from distill_platform.core import canon
from distill_platform.core.errors import CorruptDataset, GateRefused
from distill_platform.core.workers import Workers
from distill_platform.refinery.release import inspect_release, layout, load_release, verify_release
from distill_platform.refinery.release.reading import expected_id
from distill_platform.refinery.release.tables import GROUP_ROWS, WriteTask, regrouped, write_rows
from distill_platform.refinery.release.verify import check_rows
from distill_platform.refinery.schemas import CORPORA
from distill_platform_tests.refinery.small_lake import MONDAY, TUESDAY, SmallLake, week

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a sound release; tests work on copies."""
    small = SmallLake(tmp_path_factory.mktemp("sound")).write(week()).materialize(MONDAY, TUESDAY)
    return small.folder(small.release(MONDAY, TUESDAY))


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Path:
    """A copy of the sound release, under a name of its own, that a test may tamper with."""
    return Path(shutil.copytree(sound, tmp_path / "fetched"))


def test_a_sound_release_loads_wherever_it_was_copied_to(copy: Path) -> None:
    release = load_release(copy)
    assert release.path("sft", "train").is_file()
    assert all(check.passed for check in inspect_release(copy))


def edit_a_line(folder: Path) -> None:
    place = folder / "sft/train.jsonl"
    place.write_bytes(place.read_bytes().replace(b"something new", b"something old", 1))


def swap_the_splits(folder: Path) -> None:
    train, validation = folder / "kto/train.parquet", folder / "kto/validation.parquet"
    train.rename(folder / "aside")
    validation.rename(train)
    (folder / "aside").rename(validation)


def add_a_line(folder: Path) -> None:
    with (folder / "rag/train.jsonl").open("ab") as file:
        file.write((folder / "rag/train.jsonl").read_bytes().splitlines(keepends=True)[0])


def drop_a_file(folder: Path) -> None:
    (folder / "quarantine/kto.parquet").unlink()


def add_a_file(folder: Path) -> None:
    (folder / "sft/train-00001.parquet").write_bytes((folder / "sft/train.parquet").read_bytes())


def link_elsewhere(folder: Path) -> None:
    (folder / "sft/train.parquet").rename(folder.parent / "mine.parquet")
    os.symlink(folder.parent / "mine.parquet", folder / "sft/train.parquet")


def edit_the_card(folder: Path) -> None:
    card = folder / "README.md"
    card.write_text(card.read_text().replace("path: sft/train.parquet", "path: kto/train.parquet"))


@pytest.mark.parametrize(
    "tamper", [edit_a_line, swap_the_splits, add_a_line, drop_a_file, add_a_file, link_elsewhere, edit_the_card]
)
def test_changed_files_are_found(copy: Path, tamper: Callable[[Path], None]) -> None:
    tamper(copy)
    with pytest.raises(CorruptDataset, match="cannot be trusted"):
        load_release(copy)


def test_an_edited_manifest_does_not_match_its_digest(copy: Path) -> None:
    place = copy / "MANIFEST.json"
    place.write_bytes(place.read_bytes().replace(b'"rows_in":', b'"rows_in" :', 1))
    assert verify_release(copy), "the same values with another space are the same manifest"
    place.write_bytes(place.read_bytes().replace(b'"rows":', b'"rows":1', 1))
    with pytest.raises(CorruptDataset, match="does not match its own digest"):
        verify_release(copy)


def test_a_folder_without_a_manifest_or_with_another_dataset_s_is_no_release(copy: Path) -> None:
    body = json.loads((copy / "MANIFEST.json").read_bytes())
    body = {**body, "dataset": "sft_corpus"}
    del body["digest"]
    (copy / "MANIFEST.json").write_bytes(canon.dumps({**body, "digest": canon.sig_hash(body)}))
    with pytest.raises(CorruptDataset, match="not of a release"):
        verify_release(copy)
    (copy / "MANIFEST.json").unlink()
    with pytest.raises(CorruptDataset, match="is not a release"):
        verify_release(copy)


def forge(folder: Path, config: str, split: str, edit: Callable[[Rows], Rows], *, jsonl_only: bool = False) -> None:
    """Change the rows of a split in every format, and everything that is a hash over them, down to the digest."""
    rows_file = folder / layout.rows_table(config, split)
    rows = edit(pq.read_table(rows_file.with_suffix(".parquet")).to_pylist())
    if jsonl_only:
        rows_file.with_suffix(".jsonl").write_bytes(b"".join(canon.dumps(row) + b"\n" for row in rows))
        resign(folder)
        return
    scratch = folder.parent / "forged.parquet"
    rows = [{**row, "split": split} for row in rows]
    pq.write_table(pa.Table.from_pylist(rows, schema=CORPORA[layout.CORPUS_OF[config]]), scratch)
    resign(folder, write_rows(WriteTask(config, split, (scratch,), folder)))


def resign(folder: Path, tables: Any = None) -> None:
    """Write the manifest anew so that every hash in it fits the folder."""
    manifest = layout.manifest_of(folder)
    entries = {
        name: replace(entry, parts=tuple(layout.part_of(folder, part.path, part.rows) for part in entry.parts))
        for name, entry in {**manifest.tables, **(tables or {})}.items()
    }
    manifest = replace(manifest, tables=entries)
    manifest = replace(manifest, version=layout.release_name(manifest.partition, layout.parts(manifest)))
    (folder / "MANIFEST.json").write_bytes(manifest.to_bytes())


def failed(folder: Path) -> set[str]:
    """The names of the checks that a release does not pass."""
    return {check.name for check in inspect_release(folder) if not check.passed}


def test_an_unchanged_release_signed_anew_passes(copy: Path) -> None:
    forge(copy, "sft", "train", lambda rows: rows)
    assert failed(copy) == set()


def with_text(rows: Rows, name: str, text: str) -> Rows:
    """The rows, the first of which says something else."""
    return [{**rows[0], name: [{**rows[0][name][0], "content": text}]}, *rows[1:]]


def test_a_line_that_is_not_its_parquet_row_is_found_under_fitting_hashes(copy: Path) -> None:
    forge(copy, "sft", "train", lambda rows: with_text(rows, "completion", "poison"), jsonl_only=True)
    assert failed(copy) == {"jsonl"}
    with pytest.raises(GateRefused, match="not the canonical form"):
        load_release(copy)


@pytest.mark.parametrize("edit", [lambda rows: [*rows, rows[0]], lambda rows: rows[1:], lambda rows: rows[::-1]])
def test_lines_too_many_too_few_or_in_another_order_are_found(copy: Path, edit: Callable[[Rows], Rows]) -> None:
    forge(copy, "rag", "train", edit, jsonl_only=True)
    assert failed(copy) == {"jsonl"}


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ("sft", "completion"),
        ("sft", "prompt"),
        ("kto", "completion"),
        ("preference", "chosen"),
        ("preference", "rejected"),
    ],
)
def test_a_text_changed_in_both_formats_no_longer_gives_the_row_s_id(copy: Path, config: str, name: str) -> None:
    forge(copy, config, "train", lambda rows: with_text(rows, name, "poison"))
    assert failed(copy) == {"ids"}


def reidentified(config: str, row: dict[str, Any]) -> dict[str, Any]:
    """The row with the id that it must have by what it says."""
    return {**row, "id": expected_id(config, row)}


def test_a_rejected_answer_made_to_look_at_home_is_found(copy: Path) -> None:
    def reject(rows: Rows) -> Rows:
        return [reidentified("sft", {**rows[0], "quality_score": "rejected"}), *rows[1:]]

    forge(copy, "sft", "train", reject)
    assert failed(copy) == {"rows_fit"}


def test_a_row_that_stands_twice_is_found(copy: Path) -> None:
    forge(copy, "rag", "train", lambda rows: [*rows, rows[0]])
    assert failed(copy) == {"repeated_rows"}


def test_a_task_moved_into_training_is_found(copy: Path) -> None:
    held_out = pq.read_table(copy / "sft/validation.parquet").to_pylist()
    forge(copy, "sft", "train", lambda rows: [*rows, held_out[0]])
    assert failed(copy) == {"task_splits", "repeated_rows"}


def test_a_text_labelled_good_and_bad_is_found(copy: Path) -> None:
    def contradict(rows: Rows) -> Rows:
        return [*rows, reidentified("kto", {**rows[0], "label": not rows[0]["label"]})]

    forge(copy, "kto", "train", contradict)
    assert failed(copy) == {"kto_labels"}


def test_nothing_is_claimed_of_labels_where_the_gate_that_drops_contradictions_was_off(copy: Path) -> None:
    tables = layout.manifest_of(copy).tables
    on, off = (
        {found.name for found in check_rows(copy, tables, Workers(), conflicts_gate=gate)} for gate in (True, False)
    )
    assert on - off == {"kto_labels"}


def test_a_row_without_its_source_line_is_found(copy: Path) -> None:
    def unproven(rows: Rows) -> Rows:
        return [{**rows[0], "provenance": {**rows[0]["provenance"], "raw_sha256": "somewhere"}}, *rows[1:]]

    forge(copy, "rag", "train", unproven)
    assert failed(copy) == {"rows_fit"}


def test_conversations_that_say_something_else_than_their_rows_are_found(copy: Path) -> None:
    place = copy / "conversations/kto_train.jsonl"
    place.write_bytes(place.read_bytes().replace(b'"label":true', b'"label":false', 1))
    resign(copy)
    assert failed(copy) == {"conversations"}


def test_other_columns_are_found(copy: Path) -> None:
    place = copy / "sft/train.parquet"
    pq.write_table(pq.read_table(place).drop_columns(["provenance"]), place)
    resign(copy)
    assert "schema" in failed(copy)


def test_rows_that_cannot_be_read_at_all_are_refused(copy: Path) -> None:
    place = copy / "sft/train.parquet"
    place.write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    resign(copy)
    with pytest.raises(GateRefused, match="columns, types or row counts"):
        verify_release(copy)


def test_a_release_that_did_not_pass_its_own_checks_is_refused(copy: Path) -> None:
    manifest = layout.manifest_of(copy)
    checks = tuple(replace(check, passed=check.name != "firewall") for check in manifest.checks)
    (copy / "MANIFEST.json").write_bytes(replace(manifest, checks=checks).to_bytes())
    assert failed(copy) == {"verdict"}
    (copy / "MANIFEST.json").write_bytes(replace(manifest, checks=()).to_bytes())
    with pytest.raises(GateRefused, match="never checked"):
        load_release(copy)


def test_the_cut_of_the_scratch_files_does_not_show_in_the_bytes(sound: Path, tmp_path: Path) -> None:
    rows = pq.read_table(sound / "sft/train.parquet")
    written = []
    for cuts in ([0], [0, 1, 5], [0, 3, 4, 11]):
        folder = tmp_path / str(len(written))
        folder.mkdir()
        ends = [*cuts[1:], rows.num_rows]
        sources = tuple(folder / f"{start}.parquet" for start in cuts)
        for source, start, end in zip(sources, cuts, ends, strict=True):
            pq.write_table(rows.slice(start, end - start), source)
        written.append(write_rows(WriteTask("sft", "train", sources, folder)))
    assert written[0] == written[1] == written[2]


@pytest.mark.parametrize("sizes", [[2_500], [1, 999, 1_000, 500], [0, 2_500, 0], [1_250, 1_250]])
def test_rows_are_grouped_by_number_alone(sizes: list[int]) -> None:
    tables = [pa.table({"n": pa.array(range(size), pa.int64())}) for size in sizes]
    groups = list(regrouped(tables))
    assert [group.num_rows for group in groups] == [GROUP_ROWS, GROUP_ROWS, 500]
    together = pa.concat_tables(tables).combine_chunks()
    assert pa.concat_tables(groups).combine_chunks().equals(together)
