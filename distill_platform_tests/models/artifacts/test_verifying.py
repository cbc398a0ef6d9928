"""Verification against whoever wants another model loaded: flipped, swapped, replayed, unsigned, linked, oversized."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, strategies as st

from distill_platform.core.errors import (
    ArtifactAltered,
    ArtifactMalformed,
    ArtifactMisplaced,
    ArtifactRefused,
    ArtifactUnsigned,
)
from distill_platform.models.artifacts import verifying
from distill_platform.models.artifacts.artifact_folder import ArtifactLimits
from distill_platform.models.artifacts.manifest import MANIFEST, SIGNATURE
from distill_platform.models.artifacts.sealing import SealedArtifact
from distill_platform.models.artifacts.signing import Keys, open_keys, rotate_key
from distill_platform.models.artifacts.store import ArtifactStore
from distill_platform.models.artifacts.trust import KeyStatus, TrustedKeys
from distill_platform.models.artifacts.verifying import verify_artifact
from distill_platform_tests.models.made_models import FILES, draft

EVERY_FILE = sorted([*FILES, MANIFEST, SIGNATURE])


@pytest.fixture
def sealed(store: ArtifactStore) -> SealedArtifact:
    return store.seal(draft(), FILES)


def test_what_was_sealed_is_handed_out_byte_for_byte(store: ArtifactStore, sealed: SealedArtifact) -> None:
    verified = store.open(sealed.reference)
    assert dict(verified.files) == dict(FILES)
    assert (verified.manifest, verified.key_id) == (sealed.manifest, store.keys.signing.key_id)
    with pytest.raises(TypeError):
        verified.files["ridge.json"] = b"other"  # type: ignore[index]


@pytest.fixture(scope="module")
def shop() -> "tuple[ArtifactStore, SealedArtifact]":
    with TemporaryDirectory() as folder:
        store = ArtifactStore(Path(folder) / "models", open_keys(Path(folder) / "keys"))
        yield store, store.seal(draft(), FILES)


@pytest.mark.parametrize("name", EVERY_FILE)
def test_no_byte_of_any_file_can_be_another(shop: tuple[ArtifactStore, SealedArtifact], name: str) -> None:
    store, sealed = shop
    file = sealed.folder / name
    sound = file.read_bytes()
    try:
        for position in range(len(sound)):
            file.write_bytes(sound[:position] + bytes([sound[position] ^ (1 << position % 8)]) + sound[position + 1 :])
            with pytest.raises(ArtifactRefused):
                store.open(sealed.reference)
    finally:
        file.write_bytes(sound)
    assert store.open(sealed.reference).manifest == sealed.manifest


@given(name=st.sampled_from(EVERY_FILE), data=st.data())
def test_no_file_can_be_cut_grown_or_mixed(
    shop: tuple[ArtifactStore, SealedArtifact], name: str, data: st.DataObject
) -> None:
    store, sealed = shop
    file = sealed.folder / name
    sound = file.read_bytes()
    cut, noise = data.draw(st.integers(0, len(sound))), data.draw(st.binary(max_size=8))
    try:
        file.write_bytes(sound[:cut] + noise + sound[cut + data.draw(st.integers(0, 8)) :])
        if file.read_bytes() != sound:
            with pytest.raises(ArtifactRefused):
                store.open(sealed.reference)
    finally:
        file.write_bytes(sound)


def test_a_flipped_byte_is_met_by_no_parser(
    store: ArtifactStore, sealed: SealedArtifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = sealed.folder / MANIFEST
    manifest.write_bytes(manifest.read_bytes().replace(b'"seed":7', b'"seed":8'))

    def parsed(_: bytes) -> None:
        raise AssertionError("a parser saw bytes that nobody verified")

    monkeypatch.setattr(verifying, "parse_manifest", parsed)
    with pytest.raises(ArtifactAltered, match=r"manifest\.json has the SHA-256"):
        store.open(sealed.reference)


def test_a_signed_file_of_another_artifact_is_refused(store: ArtifactStore, sealed: SealedArtifact) -> None:
    other = store.seal(draft(version="2"), {**FILES, "ridge.json": b'{"coefficients":[9.0,9.0]}'})
    for name in EVERY_FILE:
        sound = (sealed.folder / name).read_bytes()
        (sealed.folder / name).write_bytes((other.folder / name).read_bytes())
        if (sealed.folder / name).read_bytes() != sound:
            with pytest.raises(ArtifactRefused):
                store.open(sealed.reference)
        (sealed.folder / name).write_bytes(sound)


def test_two_files_of_one_artifact_cannot_change_places(store: ArtifactStore, sealed: SealedArtifact) -> None:
    one, two = (sealed.folder / name for name in FILES)
    one.rename(sealed.folder / "aside")
    two.rename(one)
    (sealed.folder / "aside").rename(two)
    with pytest.raises(ArtifactAltered):
        store.open(sealed.reference)


def test_an_old_artifact_in_the_place_of_the_one_that_is_asked_for_is_refused(
    store: ArtifactStore, sealed: SealedArtifact
) -> None:
    new = store.seal(draft(version="2026-04-27"), FILES)
    shutil.rmtree(new.folder)
    shutil.copytree(sealed.folder, new.folder)
    with pytest.raises(ArtifactAltered, match="SHA-256"):
        store.open(new.reference)


@pytest.mark.parametrize("field", ["line", "name", "version"])
def test_a_sound_artifact_under_another_name_is_refused(
    store: ArtifactStore, sealed: SealedArtifact, field: str
) -> None:
    asked = sealed.reference.model_copy(update={field: "other"})
    if field == "line":
        shutil.copytree(sealed.folder, store.root / "other" / asked.artifact_sha256)
    with pytest.raises(ArtifactMisplaced, match="is btc_hourly, tabular 2026-04-20, not"):
        store.open(asked)


def test_an_unsigned_artifact_is_refused(store: ArtifactStore, sealed: SealedArtifact) -> None:
    (sealed.folder / SIGNATURE).write_bytes(b"")
    with pytest.raises(ArtifactUnsigned, match="is none"):
        store.open(sealed.reference)
    (sealed.folder / SIGNATURE).unlink()
    with pytest.raises(ArtifactUnsigned, match=r"has no manifest\.sig"):
        store.open(sealed.reference)


def test_a_stranger_s_signature_is_refused(tmp_path: Path, store: ArtifactStore, sealed: SealedArtifact) -> None:
    stranger = open_keys(tmp_path / "strange_keys")
    ArtifactStore(store.root, stranger).seal(draft(), FILES)
    with pytest.raises(ArtifactUnsigned, match="not on the list"):
        store.open(sealed.reference)


def test_a_revoked_key_s_artifact_is_refused_until_it_is_sealed_with_a_new_key(
    tmp_path: Path, store: ArtifactStore, keys: Keys, sealed: SealedArtifact
) -> None:
    rotated = rotate_key(tmp_path / "keys", note="the laptop was lost")
    assert ArtifactStore(store.root, rotated).open(sealed.reference).key_id == keys.signing.key_id
    old, new = rotated.trusted.keys
    after = Keys(rotated.signing, TrustedKeys(keys=[old.model_copy(update={"status": KeyStatus.REVOKED}), new]))
    with pytest.raises(ArtifactUnsigned, match="was revoked"):
        ArtifactStore(store.root, after).open(sealed.reference)
    again = ArtifactStore(store.root, after).seal(draft(), FILES)
    assert (again.reference, again.folder, again.is_new) == (sealed.reference, sealed.folder, False)
    assert ArtifactStore(store.root, after).open(sealed.reference).key_id == new.key_id


def extra(folder: Path) -> None:
    (folder / "readme.json").write_bytes(b"{}")


def hidden(folder: Path) -> None:
    (folder / ".ridge.json").write_bytes(b"{}")


def missing(folder: Path) -> None:
    (folder / "scales.json").unlink()


def linked(folder: Path) -> None:
    (folder / "scales.json").rename(folder.parent / "scales.json")
    (folder / "scales.json").symlink_to(folder.parent / "scales.json")


def hard_linked(folder: Path) -> None:
    os.link(folder / "scales.json", folder.parent / "scales.json")


def pipe(folder: Path) -> None:
    (folder / "scales.json").unlink()
    os.mkfifo(folder / "scales.json")


def nested(folder: Path) -> None:
    (folder / "scales.json").unlink()
    (folder / "scales.json").mkdir()


def folder_linked(folder: Path) -> None:
    folder.rename(folder.with_name("moved"))
    folder.symlink_to(folder.with_name("moved"))


def line_linked(folder: Path) -> None:
    folder.parent.rename(folder.parent.with_name("moved"))
    folder.parent.symlink_to(folder.parent.with_name("moved"))


def crowded(folder: Path) -> None:
    for number in range(100):
        (folder / f"{number}.json").write_bytes(b"{}")


def manifest_gone(folder: Path) -> None:
    (folder / MANIFEST).unlink()


def gone(folder: Path) -> None:
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    "tamper",
    [
        extra,
        hidden,
        missing,
        linked,
        hard_linked,
        pipe,
        nested,
        folder_linked,
        line_linked,
        crowded,
        manifest_gone,
        gone,
    ],
)
def test_a_folder_that_is_not_exactly_what_was_sealed_is_refused(
    store: ArtifactStore, sealed: SealedArtifact, tamper: Callable[[Path], None]
) -> None:
    tamper(sealed.folder)
    with pytest.raises((ArtifactAltered, ArtifactMalformed)):
        store.open(sealed.reference)


@pytest.mark.parametrize(
    ("limits", "name"),
    [
        (ArtifactLimits(manifest_bytes=100), r"manifest\.json"),
        (ArtifactLimits(file_bytes=10), r"ridge\.json"),
        (ArtifactLimits(files=1), "more than 3 files"),
    ],
)
def test_no_more_is_read_than_the_limits_allow(
    store: ArtifactStore, sealed: SealedArtifact, limits: ArtifactLimits, name: str
) -> None:
    with pytest.raises(ArtifactMalformed, match=name):
        verify_artifact(store.root, sealed.reference, store.keys.trusted, limits=limits)


def test_what_changes_after_it_was_read_changes_nothing(store: ArtifactStore, sealed: SealedArtifact) -> None:
    verified = store.open(sealed.reference)
    (sealed.folder / "ridge.json").write_bytes(b"another model")
    assert verified.files["ridge.json"] == FILES["ridge.json"]


@pytest.mark.parametrize("line", ["..", ".", "a/b", "", "/etc", "a\x00b"])
def test_no_name_leads_out_of_the_store(line: str, sealed: SealedArtifact) -> None:
    document = sealed.reference.model_dump() | {"line": line}
    with pytest.raises(ValueError, match="pattern"):
        type(sealed.reference).model_validate(document)
