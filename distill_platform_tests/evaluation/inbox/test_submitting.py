import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from distill_platform.evaluation.inbox import submit
from distill_platform.strategies.bundles.reading import read_bundle
from distill_platform.strategies.bundles.refusal import BundleRefused
from distill_platform.strategies.bundles.tables import COMPLETE
from distill_platform_tests.strategies.bundles.builders import NOW, sound, with_manifest


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def reason(source: Path, inbox: Path) -> str:
    with pytest.raises(BundleRefused) as caught:
        submit(source, inbox, NOW)
    assert caught.value.hint
    return str(caught.value.reason)


def test_a_submitted_bundle_lies_in_the_inbox_under_its_run_id(tmp_path: Path) -> None:
    source = sound(tmp_path / "out").rename(tmp_path / "out" / "latest")
    folder = submit(source, tmp_path / "inbox", NOW)
    assert folder == tmp_path / "inbox" / "run-5"
    assert read_bundle(folder, now=NOW).manifest.run_id == "run-5"
    assert all(not path.is_symlink() and path.stat().st_nlink == 1 for path in folder.iterdir())
    assert content(source).keys() == content(folder).keys()


def test_submitting_again_changes_nothing(tmp_path: Path) -> None:
    source = sound(tmp_path / "out")
    folder = submit(source, tmp_path / "inbox", NOW)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert submit(source, tmp_path / "inbox", NOW) == folder
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_a_run_id_is_never_overwritten(tmp_path: Path) -> None:
    folder = submit(sound(tmp_path / "out"), tmp_path / "inbox", NOW)
    before = content(folder)
    other = with_manifest(sound(tmp_path / "more"), lambda document: document.update(code_version="1.4.1"))
    assert reason(other, tmp_path / "inbox") == "duplicate_id"
    assert content(folder) == before


def test_a_folder_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    source = sound(tmp_path / "out")
    shutil.copytree(source, tmp_path / "inbox" / "run-5")
    (tmp_path / "inbox" / "run-5" / COMPLETE).unlink()
    assert reason(source, tmp_path / "inbox") == "duplicate_id"


def test_a_link_in_the_inbox_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "elsewhere").mkdir()
    os.symlink(tmp_path / "elsewhere", tmp_path / "inbox" / "run-5")
    assert reason(sound(tmp_path / "out"), tmp_path / "inbox") == "not_a_folder"
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_what_the_inbox_would_refuse_is_refused_here(tmp_path: Path) -> None:
    source = sound(tmp_path / "out")
    (source / COMPLETE).unlink()
    assert reason(source, tmp_path / "inbox") == "incomplete"
    late = (NOW + timedelta(seconds=1)).isoformat()
    with_manifest(source, lambda document: document.update(as_of=late))
    assert reason(source, tmp_path / "inbox") == "future_dated"
    (source / "steps.parquet").write_bytes(b"PAR1")
    assert reason(source, tmp_path / "inbox") == "hash_mismatch"
    assert not (tmp_path / "inbox").exists()
