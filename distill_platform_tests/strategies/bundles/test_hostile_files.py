"""Folders that are not what they seem: links, pipes, strangers, files that were changed, seals that lie."""

import json
import os
import pickle
import shutil
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from distill_platform.core.errors import DistillError
from distill_platform.strategies.bundles.limits import LIMITS
from distill_platform.strategies.bundles.reading import read_bundle
from distill_platform.strategies.bundles.refusal import BundleRefused
from distill_platform.strategies.bundles.sealing import seal, write_bundle
from distill_platform.strategies.bundles.tables import COMPLETE, MANIFEST
from distill_platform.testing.bundles import sample_bundle
from distill_platform_tests.strategies.bundles.builders import NOW, refusal_of, sealed, sound, sums_of

Spoil = Callable[[Path], object]
STEPS = "steps.parquet"


def listing(text: str | bytes) -> Spoil:
    return lambda folder: (folder / COMPLETE).write_bytes(text.encode() if isinstance(text, str) else text)


def listed(change: Callable[[dict[str, str]], object]) -> Spoil:
    def spoil(folder: Path) -> None:
        sums = sums_of(folder)
        change(sums)
        (folder / COMPLETE).write_text(json.dumps(sums))

    return spoil


def linked(name: str) -> Spoil:
    """Replace a file by a symbolic link to a copy of it outside the folder."""

    def spoil(folder: Path) -> None:
        outside = folder.parent / f"outside-{name}"
        shutil.move(folder / name, outside)
        (folder / name).symlink_to(outside)

    return spoil


def hard_linked(folder: Path) -> None:
    os.link(folder / STEPS, folder.parent / "the-same-file")


def piped(folder: Path) -> None:
    (folder / STEPS).unlink()
    os.mkfifo(folder / STEPS)


def plugged(folder: Path) -> None:
    (folder / STEPS).unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(folder)
        listener.bind(STEPS)


def nested(folder: Path) -> None:
    (folder / STEPS).unlink()
    (folder / STEPS).mkdir()


def changed(name: str) -> Spoil:
    def spoil(folder: Path) -> None:
        data = bytearray((folder / name).read_bytes())
        data[len(data) // 2] ^= 1
        (folder / name).write_bytes(bytes(data))

    return spoil


def exchanged(folder: Path) -> None:
    """Exchange two tables for each other, names and all."""
    first, second = (folder / "daily.parquet").read_bytes(), (folder / "orders.parquet").read_bytes()
    (folder / "daily.parquet").write_bytes(second)
    (folder / "orders.parquet").write_bytes(first)


def replayed(folder: Path) -> None:
    """Bring in the steps of another run, which are sound in themselves."""
    other = write_bundle(folder.parent / "other", *sample_bundle(6, 12))
    shutil.copy(other / STEPS, folder / STEPS)


def extra(name: str | bytes, data: bytes = b"x") -> Spoil:
    return lambda folder: Path(os.fsdecode(os.path.join(os.fsencode(folder), os.fsencode(name)))).write_bytes(data)


def then_sealed(spoil: Spoil) -> Spoil:
    def both(folder: Path) -> None:
        spoil(folder)
        sealed(folder)

    return both


SUM = "0" * 64
CASES: list[tuple[str, str, str, Spoil]] = [
    ("an empty seal", "missing_file", MANIFEST, listing("")),
    ("a seal of spaces", "missing_file", MANIFEST, listing(" \n\n")),
    ("a seal in words", "complete_malformed", "line 1", listing("done\n")),
    ("a seal of null", "complete_malformed", "line 1", listing("null")),
    ("a seal that is a list", "complete_malformed", "not a JSON object", listing("[1, 2]")),
    ("a seal with NaN", "complete_malformed", "NaN", listing('{"steps.parquet": NaN}')),
    ("a seal that is cut off", "complete_malformed", "JSON", listing('{"steps.parquet": "')),
    ("a seal in other bytes", "complete_malformed", "UTF-8", listing(b"\xff\xfe\x00")),
    ("a file sealed twice", "complete_malformed", "twice", listing(f"{SUM}  steps.parquet\n" * 2)),
    ("a key sealed twice", "complete_malformed", "duplicate", listing(f'{{"a": "{SUM}", "a": "{SUM}"}}')),
    ("a hash that is none", "complete_malformed", "SHA-256", listed(lambda sums: sums.update({STEPS: "abc"}))),
    ("a hash that is a number", "complete_malformed", "SHA-256", listed(lambda sums: sums.update({STEPS: 7}))),  # type: ignore[dict-item]
    ("a wrong hash", "hash_mismatch", STEPS, listed(lambda sums: sums.update({STEPS: SUM}))),
    ("the steps not sealed", "missing_file", STEPS, listed(lambda sums: sums.pop(STEPS))),
    ("a file not sealed", "unlisted_file", "orders.parquet", listed(lambda sums: sums.pop("orders.parquet"))),
    ("a sealed file gone", "missing_file", "orders.parquet", lambda folder: (folder / "orders.parquet").unlink()),
    ("a path in the seal", "unknown_file", "../", listed(lambda sums: sums.update({"../steps.parquet": SUM}))),
    ("an absolute path in the seal", "unknown_file", "/etc", listed(lambda sums: sums.update({"/etc/passwd": SUM}))),
    ("the seal in the seal", "unknown_file", COMPLETE, listed(lambda sums: sums.update({COMPLETE: SUM}))),
    ("a huge seal", "too_large", COMPLETE, listing("\n" * 1_000_001)),
    ("a stranger", "unknown_file", "notes.txt", then_sealed(extra("notes.txt"))),
    ("a hidden stranger", "unknown_file", ".DS_Store", then_sealed(extra(".DS_Store"))),
    ("a pickle", "unknown_file", "model.pkl", then_sealed(extra("model.pkl", pickle.dumps({"run": 1})))),
    ("other letters", "unknown_file", "Steps.parquet", then_sealed(extra("Steps.parquet"))),
    ("a look-alike", "unknown_file", "\\u0435", then_sealed(extra("st\u0435ps.parquet"))),
    ("a name that is no text", "unknown_file", "\\udcff", extra(b"steps\xff.parquet")),
    ("a name with a line end", "unknown_file", "\\n", then_sealed(extra("steps.parquet\n"))),
    ("a folder for a table", "not_a_regular_file", STEPS, nested),
    ("a folder within", "not_a_regular_file", "'more'", lambda folder: (folder / "more").mkdir()),
    ("a linked table", "not_a_regular_file", "symbolic", linked(STEPS)),
    ("a linked manifest", "not_a_regular_file", "symbolic", linked(MANIFEST)),
    ("a linked seal", "not_a_regular_file", "symbolic", linked(COMPLETE)),
    ("a link to nowhere", "not_a_regular_file", "symbolic", lambda folder: (folder / "x").symlink_to("/nowhere")),
    ("a file with two names", "not_a_regular_file", "hard links", hard_linked),
    ("a pipe for a table", "not_a_regular_file", "pipe", piped),
    ("a socket for a table", "not_a_regular_file", "socket", plugged),
    ("changed steps", "hash_mismatch", STEPS, changed(STEPS)),
    ("a changed manifest", "hash_mismatch", MANIFEST, changed(MANIFEST)),
    ("changed folds", "hash_mismatch", "folds.parquet", changed("folds.parquet")),
    ("tables exchanged", "hash_mismatch", "daily.parquet", exchanged),
    ("tables exchanged and sealed", "column_unknown", "daily.parquet", then_sealed(exchanged)),
    ("steps of another run", "hash_mismatch", STEPS, replayed),
    ("steps in words", "parquet_unreadable", STEPS, then_sealed(extra(STEPS, b"ts_end,ret_net\n"))),
    ("no bytes for steps", "parquet_unreadable", STEPS, then_sealed(extra(STEPS, b""))),
    ("a pickle for steps", "parquet_unreadable", STEPS, then_sealed(extra(STEPS, pickle.dumps([1])))),
    ("encrypted steps", "parquet_unreadable", "encrypted", then_sealed(extra(STEPS, b"PARE" * 9))),
]


@pytest.mark.parametrize(("reason", "place", "spoil"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_folder_that_lies_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str, place: str, spoil: Spoil
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = sound(tmp_path)
    spoil(folder)
    refused = refusal_of(folder)
    assert refused.reason == reason, str(refused)
    assert place in refused.message
    assert refused.hint
    assert str(refused).isascii()


def test_no_complete_is_no_fault_whatever_else_is_there(tmp_path: Path) -> None:
    folder = sound(tmp_path)
    (folder / COMPLETE).unlink()
    (folder / ".steps.parquet.tmp").write_bytes(b"half")
    (folder / STEPS).write_bytes(b"PAR1")
    assert refusal_of(folder).reason == "incomplete"
    (tmp_path / "empty").mkdir()
    assert refusal_of(tmp_path / "empty").reason == "incomplete"


def test_a_link_to_a_bundle_is_no_bundle(tmp_path: Path) -> None:
    sound(tmp_path / "outside")
    (tmp_path / "run-5").symlink_to(tmp_path / "outside" / "run-5")
    assert refusal_of(tmp_path / "run-5").reason == "not_a_folder"


@pytest.mark.parametrize("name", ["nothing", "file", "x" * 300, "zero\0byte"])
def test_what_is_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("x")
    assert refusal_of(tmp_path / name).reason == "not_a_folder"


@pytest.mark.parametrize("name", [COMPLETE, MANIFEST, STEPS])
def test_every_file_has_a_size_beyond_which_it_is_not_read(tmp_path: Path, name: str) -> None:
    folder = sound(tmp_path)
    size = (folder / name).stat().st_size
    field = {COMPLETE: "complete_bytes", MANIFEST: "manifest_bytes", STEPS: "file_bytes"}[name]
    assert read_bundle(folder, now=NOW, limits=replace(LIMITS, **{field: max(size, 20_000)}))
    refused = refusal_of(folder, limits=replace(LIMITS, **{field: size - 1}))
    assert refused.reason == "too_large"
    assert name in refused.message


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    folder = sound(tmp_path)
    (folder / STEPS).chmod(0)
    assert refusal_of(folder).reason == "unreadable"


def test_a_run_is_written_once(tmp_path: Path) -> None:
    folder = sound(tmp_path)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(BundleRefused, match="already has 'run-5'") as caught:
        write_bundle(tmp_path, *sample_bundle(5, 13))
    assert caught.value.reason == "duplicate_id"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_dangling_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "run-5").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleRefused, match="already has"):
        write_bundle(tmp_path, *sample_bundle(5, 12))
    assert not (tmp_path / "elsewhere").exists()


def test_a_seal_is_not_renewed_in_silence(tmp_path: Path) -> None:
    folder = sound(tmp_path)
    before = (folder / COMPLETE).read_bytes()
    changed(STEPS)(folder)
    with pytest.raises(BundleRefused, match="remove COMPLETE first"):
        seal(folder)
    assert (folder / COMPLETE).read_bytes() == before


def test_what_no_reader_takes_is_not_sealed(tmp_path: Path) -> None:
    folder = sound(tmp_path)
    (folder / COMPLETE).unlink()
    (folder / STEPS).write_bytes(b"PAR1")
    with pytest.raises(BundleRefused, match="PAR1"):
        seal(folder)
    assert not (folder / COMPLETE).exists()


def test_a_refusal_is_one_of_our_errors() -> None:
    assert issubclass(BundleRefused, DistillError)
