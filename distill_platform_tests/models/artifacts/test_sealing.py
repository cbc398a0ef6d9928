"""Sealing when things go wrong: what a killed process leaves is no artifact, and the next one completes it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from distill_platform.core.errors import ArtifactAltered, ArtifactMalformed, ArtifactRefused
from distill_platform.models.artifacts.artifact_folder import ArtifactLimits
from distill_platform.models.artifacts.manifest import MANIFEST, SIGNATURE
from distill_platform.models.artifacts.sealing import seal_artifact
from distill_platform.models.artifacts.signing import Keys, open_keys, rotate_key
from distill_platform.models.artifacts.store import ArtifactStore
from distill_platform.models.artifacts.verifying import verify_artifact
from distill_platform_tests.models.made_models import FILES, LINE, draft

ROOT = str(Path(__file__).parents[3])
STEPS = [
    "written manifest.json", "written manifest.sig", "written ridge.json", "written scales.json", "renamed", "published"
]  # fmt: skip
KILLED = """
import os, signal, sys
from pathlib import Path
from distill_platform.models.artifacts.sealing import seal_artifact
from distill_platform.models.artifacts.signing import open_keys
from distill_platform_tests.models.made_models import FILES, draft
root, keys, wanted = Path(sys.argv[1]), open_keys(Path(sys.argv[2])), sys.argv[3]
def kill(step):
    if step.startswith(wanted):
        os.kill(os.getpid(), signal.SIGKILL)
seal_artifact(root, draft(), FILES, keys.signing, on_step=kill)
"""


class PulledPlug(BaseException):
    """What a test raises where a process would have died."""


def content(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_the_same_content_is_the_same_folder(store: ArtifactStore) -> None:
    first, again = store.seal(draft(), FILES), store.seal(draft(), dict(reversed(FILES.items())))
    assert (first.is_new, again.is_new) == (True, False)
    assert (first.reference, first.folder) == (again.reference, again.folder)
    assert first.folder == store.root / LINE / first.reference.artifact_sha256
    assert sorted(content(store.root / LINE)) == sorted(
        f"{first.reference.artifact_sha256}/{name}" for name in (*FILES, MANIFEST, SIGNATURE)
    )


def test_the_folder_is_named_by_what_sha256sum_says_of_its_manifest(store: ArtifactStore) -> None:
    sealed = store.seal(draft(), FILES)
    said = subprocess.run(["sha256sum", sealed.folder / MANIFEST], capture_output=True, text=True, check=True).stdout
    assert said.split()[0] == sealed.folder.name


def test_a_seal_that_is_cut_off_at_any_step_is_completed_by_the_next(tmp_path: Path, keys: Keys) -> None:
    steps: list[str] = []
    clean = seal_artifact(tmp_path / "clean", draft(), FILES, keys.signing, on_step=steps.append)
    assert [step.split(clean.folder.name)[0].strip() for step in steps] == STEPS
    for number in range(len(steps)):
        root = tmp_path / str(number)
        left = iter(range(number + 1))

        def pull(step: str, left: Iterator[int] = left, number: int = number) -> None:
            if next(left) == number:
                raise PulledPlug(step)

        with pytest.raises(PulledPlug):
            seal_artifact(root, draft(), FILES, keys.signing, on_step=pull)
        _absent_or_whole(root, keys, clean.reference.artifact_sha256)
        again = seal_artifact(root, draft(), FILES, keys.signing)
        assert again.reference == clean.reference
        assert content(root) == content(tmp_path / "clean")


def _absent_or_whole(root: Path, keys: Keys, sha256: str) -> None:
    found = [path for path in root.rglob(MANIFEST) if ".staging" not in path.parts]
    assert [path.parent.name for path in found] in ([], [sha256])
    for _ in found:
        verify_artifact(root, draft().with_files(FILES).reference, keys.trusted)


@pytest.mark.parametrize("step", STEPS)
def test_a_process_that_is_killed_at_any_step_leaves_nothing_half(tmp_path: Path, keys: Keys, step: str) -> None:
    root = tmp_path / "models"
    command = [sys.executable, "-c", KILLED, str(root), str(tmp_path / "keys"), step]
    killed = subprocess.run(command, env=os.environ | {"PYTHONPATH": ROOT}, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-2_000:]
    reference = draft().with_files(FILES).reference
    if step in ("renamed", "published"):
        assert verify_artifact(root, reference, keys.trusted).reference == reference
    else:
        with pytest.raises(ArtifactRefused, match="cannot be read"):
            verify_artifact(root, reference, keys.trusted)
    seal_artifact(root, draft(), FILES, keys.signing)
    assert verify_artifact(root, reference, keys.trusted).reference == reference
    assert not [path for path in (root / ".staging").iterdir() if path.is_dir()]


def test_eight_that_seal_the_same_at_once_seal_it_once(store: ArtifactStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(lambda _: store.seal(draft(), FILES), range(8)))
    assert len({each.reference.artifact_sha256 for each in sealed}) == 1
    assert sum(each.is_new for each in sealed) == 1
    store.open(sealed[0].reference)


def test_a_folder_that_was_changed_is_not_sealed_over(store: ArtifactStore) -> None:
    sealed = store.seal(draft(), FILES)
    (sealed.folder / "ridge.json").write_bytes(b"another model")
    with pytest.raises(ArtifactAltered, match=r"'ridge\.json' is not what is sealed"):
        store.seal(draft(), FILES)
    assert (sealed.folder / "ridge.json").read_bytes() == b"another model"


def test_a_lost_signature_is_written_anew(store: ArtifactStore) -> None:
    sealed = store.seal(draft(), FILES)
    (sealed.folder / SIGNATURE).unlink()
    assert not store.seal(draft(), FILES).is_new
    store.open(sealed.reference)


def test_a_signature_that_is_replaced_leaves_nothing_beside_it(tmp_path: Path, store: ArtifactStore) -> None:
    sealed = store.seal(draft(), FILES)
    rotated = ArtifactStore(store.root, rotate_key(tmp_path / "keys", note="yearly"))

    def pull(step: str) -> None:
        raise PulledPlug(step)

    with pytest.raises(PulledPlug):
        seal_artifact(store.root, draft(), FILES, rotated.keys.signing, on_step=pull)
    assert rotated.open(sealed.reference).key_id == rotated.keys.signing.key_id


@pytest.mark.parametrize("limits", [ArtifactLimits(manifest_bytes=99), ArtifactLimits(file_bytes=9)])
def test_what_no_verifier_would_read_is_not_sealed(store: ArtifactStore, limits: ArtifactLimits) -> None:
    with pytest.raises(ArtifactMalformed, match="more than"):
        seal_artifact(store.root, draft(), FILES, store.keys.signing, limits=limits)
    assert not store.root.exists()


def test_two_stores_with_one_key_hold_the_same_bytes(tmp_path: Path) -> None:
    keys = open_keys(tmp_path / "keys")
    for name in ("one", "two"):
        ArtifactStore(tmp_path / name, keys).seal(draft(), FILES)
    assert content(tmp_path / "one") == content(tmp_path / "two")
