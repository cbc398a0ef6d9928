import os
import shutil
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from distill_platform.core.errors import CorruptDataset, LakeError, MissingDataset, SourceError
from distill_platform.evaluation.inbox import (
    Accepted,
    Arrival,
    BundleStore,
    FolderState,
    Known,
    Parked,
    Refused,
    scan,
    take_in,
)
from distill_platform.strategies.bundles.reading import read_bundle
from distill_platform.strategies.bundles.sealing import seal
from distill_platform.strategies.bundles.tables import COMPLETE
from distill_platform_tests.strategies.bundles.builders import NOW, sealed, sound, with_manifest

ROOT = Path(__file__).parents[3]
WORLDS = {"us_equity_daily"}


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def store(tmp_path: Path) -> BundleStore:
    return BundleStore(tmp_path / "bundles")


def arrivals(inbox: Path, store: BundleStore, known: dict[str, str] | None = None) -> list[Arrival]:
    return take_in(inbox, store, (known or {}).get, WORLDS, NOW)


def stored(store: BundleStore) -> list[str]:
    return sorted(path.name for path in store.root.glob("[!.]*")) if store.root.exists() else []


def test_a_sound_bundle_is_accepted_and_stored_as_it_came(inbox: Path, store: BundleStore) -> None:
    folder = sound(inbox)
    bundle = read_bundle(folder, now=NOW)
    (accepted,) = arrivals(inbox, store)
    assert isinstance(accepted, Accepted)
    assert (accepted.run_id, accepted.bundle_sha256) == ("run-5", bundle.sha256)
    assert stored(store) == [bundle.sha256]
    shutil.rmtree(folder)
    assert store.open(bundle.sha256).manifest == bundle.manifest
    assert store.open(bundle.sha256).steps.equals(bundle.steps)


def test_an_inbox_that_is_not_there_is_empty(tmp_path: Path, store: BundleStore) -> None:
    assert arrivals(tmp_path / "nowhere", store) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError):
        scan(tmp_path / "file")


@pytest.mark.parametrize(
    ("written", "arrived"),
    [
        (datetime(2024, 6, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC)),
        (datetime(2031, 1, 1, tzinfo=UTC), NOW),
        (datetime(1999, 1, 1, tzinfo=UTC), datetime(2023, 1, 14, tzinfo=UTC)),
    ],
    ids=["when it was sealed", "not in the future", "not before its own data"],
)
def test_a_bundle_arrives_when_it_was_sealed(
    inbox: Path, store: BundleStore, written: datetime, arrived: datetime
) -> None:
    os.utime(sound(inbox) / COMPLETE, (written.timestamp(), written.timestamp()))
    (accepted,) = arrivals(inbox, store)
    assert isinstance(accepted, Accepted)
    assert accepted.arrived_at == arrived


def test_what_is_not_complete_is_parked_until_it_is(inbox: Path, store: BundleStore) -> None:
    folder = sound(inbox)
    (folder / COMPLETE).unlink()
    (parked,) = arrivals(inbox, store)
    assert isinstance(parked, Parked)
    assert (parked.name, parked.reason) == ("run-5", "incomplete")
    assert stored(store) == []
    seal(folder)
    assert isinstance(arrivals(inbox, store)[0], Accepted)


def test_the_same_bytes_again_are_known_and_not_read(inbox: Path, store: BundleStore) -> None:
    folder = sound(inbox)
    (accepted,) = arrivals(inbox, store)
    assert isinstance(accepted, Accepted)
    (folder / "steps.parquet").write_bytes(b"changed after it was taken in")
    known = {"run-5": accepted.bundle_sha256}
    assert arrivals(inbox, store, known) == [Known("run-5", accepted.bundle_sha256)]
    assert store.open(accepted.bundle_sha256).sha256 == accepted.bundle_sha256


def test_a_lost_copy_of_a_known_bundle_is_restored(inbox: Path, store: BundleStore) -> None:
    sound(inbox)
    (accepted,) = arrivals(inbox, store)
    assert isinstance(accepted, Accepted)
    shutil.rmtree(store.root)
    assert arrivals(inbox, store, {"run-5": accepted.bundle_sha256}) == [Known("run-5", accepted.bundle_sha256)]
    assert stored(store) == [accepted.bundle_sha256]


def test_a_run_id_with_other_bytes_is_refused(inbox: Path, store: BundleStore) -> None:
    sound(inbox)
    (refused,) = arrivals(inbox, store, {"run-5": "0" * 64})
    assert isinstance(refused, Refused)
    assert refused.reason == "duplicate_id"
    assert "supersedes" in refused.hint
    assert stored(store) == []


def test_a_world_that_is_not_configured_is_refused(inbox: Path, store: BundleStore) -> None:
    sound(inbox, world_id="us_equity_dailly")
    (refused,) = arrivals(inbox, store)
    assert isinstance(refused, Refused)
    assert refused.reason == "unknown_world"
    assert "'us_equity_daily'" in refused.hint


def test_one_broken_bundle_never_stops_the_others(inbox: Path, store: BundleStore) -> None:
    sound(inbox, run_id="a-sound")
    for number, spoiled in enumerate((b"", b"PAR1", b"\0" * 100)):
        folder = sound(inbox, run_id=f"b-broken-{number}")
        (folder / "steps.parquet").write_bytes(spoiled)
        sealed(folder)
    (inbox / "c-unsealed").mkdir()
    sound(inbox, run_id="d-sound")
    before = sorted(path.name for path in inbox.iterdir())
    kinds = [type(arrival).__name__ for arrival in arrivals(inbox, store)]
    assert kinds == ["Accepted", "Refused", "Refused", "Refused", "Parked", "Accepted"]
    assert sorted(path.name for path in inbox.iterdir()) == before
    assert len(stored(store)) == 2


def test_an_error_nobody_thought_of_is_one_bundles_refusal(inbox: Path, store: BundleStore) -> None:
    def known(run_id: str) -> str | None:
        if run_id == "run-5":
            raise RuntimeError("a ledger that stumbles over one name")
        return None

    sound(inbox)
    sound(inbox, run_id="run-9")
    first, second = take_in(inbox, store, known, WORLDS, NOW)
    assert isinstance(first, Refused)
    assert (first.reason, "stumbles" in first.message) == ("unreadable", True)
    assert isinstance(second, Accepted)


def test_names_that_are_no_runs_are_refused_and_hidden_ones_left_alone(inbox: Path, store: BundleStore) -> None:
    outside = sound(inbox.parent / "outside")
    os.symlink(outside, inbox / "linked")
    (inbox / "a file").write_text("")
    (inbox / "file").write_text("")
    (inbox / "r\u0443n-5").mkdir()
    (inbox / "-dash").mkdir()
    (inbox / ("r" * 129)).mkdir()
    os.mkdir(os.fsencode(inbox) + b"/run-\xff")
    (inbox / ".run-5.tmp").mkdir()
    found = arrivals(inbox, store)
    assert {arrival.reason for arrival in found if isinstance(arrival, Refused)} == {"bad_name", "not_a_folder"}
    assert len(found) == 7
    assert all(isinstance(arrival, Refused) and arrival.hint and arrival.name.isascii() for arrival in found)
    assert stored(store) == []


def test_scanning_tells_complete_from_incomplete_without_reading(inbox: Path) -> None:
    sound(inbox)
    (inbox / "half").mkdir()
    (inbox / "not a name").mkdir()
    states = {found.name: found.state for found in scan(inbox)}
    assert states == {
        "half": FolderState.INCOMPLETE,
        "not a name": FolderState.REFUSED,
        "run-5": FolderState.COMPLETE,
    }


def test_a_bundle_from_tomorrow_is_taken_in_tomorrow(inbox: Path, store: BundleStore) -> None:
    with_manifest(sound(inbox), lambda document: document.update(as_of=(NOW + timedelta(days=1)).isoformat()))
    (refused,) = arrivals(inbox, store)
    assert isinstance(refused, Refused)
    assert refused.reason == "future_dated"
    (later,) = take_in(inbox, store, {}.get, WORLDS, NOW + timedelta(days=1))
    assert isinstance(later, Accepted)


def test_a_store_finds_every_change_and_mends_it_from_the_same_bytes(inbox: Path, store: BundleStore) -> None:
    folder = sound(inbox)
    sha256 = store.put(folder)
    assert store.put(folder) == sha256
    (store.root / sha256 / "folds.parquet").write_bytes(b"x")
    with pytest.raises(CorruptDataset, match="was changed"):
        store.open(sha256)
    assert store.put(folder) == sha256
    assert store.open(sha256).sha256 == sha256


def test_a_whole_bundle_under_another_hash_is_found(inbox: Path, store: BundleStore) -> None:
    first, second = store.put(sound(inbox)), store.put(sound(inbox, run_id="run-9"))
    shutil.rmtree(store.root / second)
    shutil.copytree(store.root / first, store.root / second)
    with pytest.raises(CorruptDataset, match="another bundle"):
        store.open(second)


@pytest.mark.parametrize("sha256", ["", "../inbox", "0" * 63, "0" * 64, "A" * 64, "0" * 64 + "\n"])
def test_what_was_never_stored_cannot_be_opened(store: BundleStore, sha256: str) -> None:
    with pytest.raises(MissingDataset):
        store.open(sha256)


def test_a_store_that_cannot_be_written_is_no_bundles_fault(inbox: Path, tmp_path: Path) -> None:
    sound(inbox)
    (tmp_path / "file").write_text("")
    with pytest.raises(LakeError):
        arrivals(inbox, BundleStore(tmp_path / "file" / "bundles"))


def test_many_at_once_store_one_bundle(inbox: Path, store: BundleStore) -> None:
    folder = sound(inbox)
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(store.put(folder))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert stored(store) == [store.open(found[0]).sha256]


KILLED = """
import os, signal, sys
from pathlib import Path
from distill_platform.evaluation.inbox import BundleStore
from distill_platform.store.lake import atomic
real, count = os.fsync, iter(range(100))
def fsync(descriptor):
    if next(count) == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
    real(descriptor)
os.fsync = fsync
BundleStore(Path(sys.argv[2])).put(Path(sys.argv[1]))
"""


@pytest.mark.parametrize("after", [0, 3, 6, 7])
def test_a_process_killed_while_storing_leaves_all_or_nothing(inbox: Path, store: BundleStore, after: int) -> None:
    folder = sound(inbox)
    command = [sys.executable, "-c", KILLED, str(folder), str(store.root), str(after)]
    result = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False)
    assert result.returncode == -signal.SIGKILL
    for sha256 in stored(store):
        assert store.open(sha256).sha256 == sha256
    assert store.open(store.put(folder)).manifest.run_id == "run-5"
    assert list((store.root / ".staging").iterdir()) == []
