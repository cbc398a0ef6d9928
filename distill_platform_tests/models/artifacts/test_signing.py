"""Keys: made once, seen by nobody, believed only while they are on the list."""

import logging
import pickle
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from distill_platform.core.errors import ArtifactUnsigned, ConfigError, SigningError
from distill_platform.models.artifacts.signing import KEY_FILE, TRUST_FILE, Keys, open_keys, rotate_key
from distill_platform.models.artifacts.trust import SIGNATURE_BYTES, KeyStatus, KnownKey, TrustedKeys, to_signature

DATA = b'{"a":1}'


def secret_of(folder: Path) -> str:
    return "".join((folder / KEY_FILE).read_text().splitlines()[1:-1])


def revoked(keys: Keys) -> TrustedKeys:
    gone = [known.model_copy(update={"status": KeyStatus.REVOKED}) for known in keys.trusted.keys]
    return TrustedKeys(keys=gone)


def test_the_first_use_makes_a_key_that_only_its_owner_can_read(tmp_path: Path) -> None:
    keys = open_keys(tmp_path / "data" / "keys")
    assert stat.S_IMODE((tmp_path / "data" / "keys" / KEY_FILE).stat().st_mode) == 0o600
    assert keys.trusted.verify(DATA, keys.signing.sign(DATA)) == keys.signing.key_id
    again = open_keys(tmp_path / "data" / "keys")
    assert again.signing.sign(DATA) == keys.signing.sign(DATA)


def test_an_empty_folder_is_a_first_use(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    open_keys(tmp_path / "keys")
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == [KEY_FILE, TRUST_FILE]


def test_of_eight_that_make_it_at_once_all_have_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: open_keys(tmp_path / "keys").signing.key_id, range(8)))
    assert len(found) == 1


def test_the_private_key_is_in_no_text_and_leaves_no_process(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        keys = open_keys(tmp_path / "keys")
        keys.signing.sign(DATA)
    secret = secret_of(tmp_path / "keys")
    shown = f"{keys!r} {keys.signing} {caplog.text} {(tmp_path / 'keys' / TRUST_FILE).read_text()}"
    assert secret not in shown
    assert not hasattr(keys.signing, "__dict__")
    with pytest.raises(TypeError, match="stays in its process"):
        pickle.dumps(keys.signing)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_can_read_signs_nothing(tmp_path: Path, keys: Keys, mode: int) -> None:
    (tmp_path / "keys" / KEY_FILE).chmod(mode)
    with pytest.raises(SigningError, match="can be read by others") as refused:
        open_keys(tmp_path / "keys")
    assert secret_of(tmp_path / "keys") not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"hello", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_damaged_key_is_refused_without_showing_it(tmp_path: Path, keys: Keys, content: bytes) -> None:
    (tmp_path / "keys" / KEY_FILE).write_bytes(content)
    with pytest.raises(SigningError, match="holds no Ed25519 key"):
        open_keys(tmp_path / "keys")


def test_a_key_behind_a_link_or_a_lost_one_is_refused(tmp_path: Path, keys: Keys) -> None:
    file = tmp_path / "keys" / KEY_FILE
    file.rename(tmp_path / "moved")
    with pytest.raises(SigningError, match="cannot be read"):
        open_keys(tmp_path / "keys")
    file.symlink_to(tmp_path / "moved")
    with pytest.raises(SigningError, match="cannot be read"):
        open_keys(tmp_path / "keys")


def test_a_lost_or_wrong_list_is_refused(tmp_path: Path, keys: Keys) -> None:
    file = tmp_path / "keys" / TRUST_FILE
    text = file.read_text()
    for wrong in (
        "keys: []\n",
        text + text.removeprefix("keys:\n"),
        text.replace("trusted", "belived"),
        text + "x: 1\n",
    ):
        file.write_text(wrong)
        with pytest.raises(ConfigError):
            open_keys(tmp_path / "keys")
    file.unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        open_keys(tmp_path / "keys")


def test_a_key_that_its_own_list_does_not_trust_signs_nothing(tmp_path: Path, keys: Keys) -> None:
    file = tmp_path / "keys" / TRUST_FILE
    text = file.read_text()
    file.write_text(text.replace("status: trusted", "status: revoked"))
    with pytest.raises(SigningError, match="was revoked"):
        open_keys(tmp_path / "keys")
    file.write_text(re.sub("[0-9a-f]{64}", "f" * 64, text))
    with pytest.raises(SigningError, match="not on the list"):
        open_keys(tmp_path / "keys")


def test_after_a_rotation_both_keys_are_believed_until_one_is_revoked(tmp_path: Path, keys: Keys) -> None:
    rotated = rotate_key(tmp_path / "keys", note="yearly")
    assert rotated.signing.key_id != keys.signing.key_id
    assert stat.S_IMODE((tmp_path / "keys" / KEY_FILE).stat().st_mode) == 0o600
    for key in (keys.signing, rotated.signing):
        assert rotated.trusted.verify(DATA, key.sign(DATA)) == key.key_id
    with pytest.raises(ArtifactUnsigned, match="not on the list"):
        keys.trusted.verify(DATA, rotated.signing.sign(DATA))


def test_what_a_revoked_key_signed_before_is_not_believed_any_more(keys: Keys) -> None:
    with pytest.raises(ArtifactUnsigned, match="was revoked"):
        revoked(keys).verify(DATA, keys.signing.sign(DATA))


def test_a_signature_of_the_bare_bytes_is_none(keys: Keys, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    private = load_pem_private_key((tmp_path / "keys" / KEY_FILE).read_bytes(), None)
    bare = to_signature(keys.signing.key_id, private.sign(DATA))  # type: ignore[union-attr, call-arg]
    with pytest.raises(ArtifactUnsigned, match="not one of these bytes"):
        keys.trusted.verify(DATA, bare)


@pytest.mark.parametrize("position", range(SIGNATURE_BYTES))
def test_no_byte_of_a_signature_can_be_another(signed: tuple[Keys, bytes], position: int) -> None:
    keys, signature = signed
    for bit in range(8):
        flipped = bytearray(signature)
        flipped[position] ^= 1 << bit
        with pytest.raises(ArtifactUnsigned):
            keys.trusted.verify(DATA, bytes(flipped))


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Keys, bytes]:
    keys = open_keys(tmp_path_factory.mktemp("home") / "keys")
    return keys, keys.signing.sign(DATA)


@given(noise=st.binary(max_size=300))
def test_noise_is_no_signature(noise: bytes) -> None:
    trusted = TrustedKeys(keys=[KnownKey(public_key="1" * 64, status=KeyStatus.TRUSTED)])
    with pytest.raises(ArtifactUnsigned):
        trusted.verify(DATA, noise)


@given(signature=st.binary(min_size=64, max_size=64))
def test_a_well_formed_signature_of_nobody_s_is_none(signature: bytes) -> None:
    known = KnownKey(
        public_key="3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", status=KeyStatus.TRUSTED
    )
    with pytest.raises(ArtifactUnsigned):
        TrustedKeys(keys=[known]).verify(DATA, to_signature(known.key_id, signature))
