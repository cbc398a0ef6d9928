"""Signing: an Ed25519 key in a file that only its owner can read, beside the list of keys that are trusted.

The folder lies outside of the lake. The private key never leaves this module: not in a message, not in a repr, and not
to another process.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

from distill_platform.core.canon import sha256_hex
from distill_platform.core.errors import ArtifactUnsigned, SigningError
from distill_platform.models.artifacts.trust import (
    DOMAIN,
    KeyStatus,
    KnownKey,
    TrustedKeys,
    load_trusted_keys,
    to_signature,
)
from distill_platform.store.lake import atomic
from distill_platform.store.lake.scratch import scratch_folder

KEY_FILE = "signing.key"
TRUST_FILE = "trusted.yaml"
_ONLY_OWNER = 0o600
_OTHERS = 0o077


class SigningKey:
    """A private key that can sign and be named, and not be seen."""

    __slots__ = ("_sign", "key_id", "public_key")

    def __init__(self, public_key: bytes, sign: Callable[[bytes], bytes]) -> None:
        self.public_key = public_key.hex()
        self.key_id = sha256_hex(public_key)
        self._sign = sign

    def sign(self, data: bytes) -> bytes:
        """Return the signature of `data` as it is stored; the same bytes always give the same signature."""
        return to_signature(self.key_id, self._sign(DOMAIN + data))

    def __repr__(self) -> str:
        return f"SigningKey({self.key_id[:12]})"

    def __reduce__(self) -> str:
        raise TypeError("a signing key stays in its process: open its folder where it is needed")


@dataclass(frozen=True)
class Keys:
    """The key that signs, and the keys that are trusted; it is one of them."""

    signing: SigningKey
    trusted: TrustedKeys


def open_keys(folder: Path) -> Keys:
    """Return the keys of a folder, which is made with a first key, trusted, where there is none yet.

    Of several processes that make it one is first, and all return its key. Raises SigningError for a key that others
    can read, that is damaged, or that its own list does not trust; ConfigError for a wrong list; LakeError when the
    disk refuses.
    """
    if not _holds_anything(folder):
        _make(folder)
    signing = _read_key(folder / KEY_FILE)
    trusted = load_trusted_keys(folder / TRUST_FILE)
    try:
        trusted.refuse_untrusted(signing.key_id)
    except ArtifactUnsigned as error:
        hint = f"Trust it in {folder / TRUST_FILE}, or rotate to a new key"
        raise SigningError(f"{folder / KEY_FILE}: {error.message}", hint=hint) from None
    return Keys(signing, trusted)


def rotate_key(folder: Path, *, note: str) -> Keys:
    """Return the keys of a folder after a new one took the place of the one that signs.

    The old one stays trusted, so what it signed is still read; whoever wants it revoked says so in the list. Cut off in
    between, the old key goes on signing.
    """
    trusted = load_trusted_keys(folder / TRUST_FILE)
    pem, signing = _new_key()
    added = KnownKey(public_key=signing.public_key, status=KeyStatus.TRUSTED, note=note)
    with scratch_folder(_staging(folder)) as staged, atomic.disk_errors(folder):
        _write(staged / KEY_FILE, pem)
        atomic.replace_file(folder / TRUST_FILE, _to_yaml(TrustedKeys(keys=[*trusted.keys, added])))
        os.replace(staged / KEY_FILE, folder / KEY_FILE)
        atomic.sync_folder(folder)
    return open_keys(folder)


def _holds_anything(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _make(folder: Path) -> None:
    """Make the folder whole: never a key without its list, nor a list of a key that nobody has."""
    pem, signing = _new_key()
    first = KnownKey(public_key=signing.public_key, status=KeyStatus.TRUSTED, note="made on first use")
    with scratch_folder(_staging(folder)) as staged, atomic.disk_errors(folder):
        staged.chmod(0o700)
        _write(staged / KEY_FILE, pem)
        _write(staged / TRUST_FILE, _to_yaml(TrustedKeys(keys=[first])))
        atomic.publish_folder(staged, folder)


def _staging(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.staging")


def _to_yaml(trusted: TrustedKeys) -> bytes:
    text: str = yaml.safe_dump(trusted.model_dump(mode="json"), sort_keys=False)
    return text.encode()


def _new_key() -> tuple[bytes, SigningKey]:
    """Return a new private key as PEM, and the same one ready to sign."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    plain = serialization.NoEncryption()
    pem = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    return pem, SigningKey(private.public_key().public_bytes_raw(), private.sign)


def _read_key(file: Path) -> SigningKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        private = serialization.load_pem_private_key(_read_secret(file), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise SigningError(f"{file} holds no Ed25519 key", hint="Restore it from a copy, or rotate to a new key")
    return SigningKey(private.public_key().public_bytes_raw(), private.sign)


def _read_secret(file: Path) -> bytes:
    try:
        with open(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            if not stat.S_ISREG(mode) or mode & _OTHERS:
                said = f"{file} can be read by others (mode {stat.S_IMODE(mode):04o})"
                raise SigningError(said, hint="Rotate to a new key and revoke this one, which somebody may have")
            return opened.read(4_096)
    except OSError as error:
        hint = "The folder of keys holds one that signs and the list of trusted ones: restore it from a copy"
        raise SigningError(f"{file} cannot be read: {error.strerror}", hint=hint) from None


def _write(path: Path, data: bytes) -> None:
    """Write a new file that only its owner can read; its bytes are on disk when this returns."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _ONLY_OWNER)
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)
