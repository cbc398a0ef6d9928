"""Trust: which public keys are believed, and what they signed.

A key that was revoked vouches for nothing any more, also not for what it signed before: nobody can say when it leaked.
"""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from distill_platform.core.canon import sha256_hex
from distill_platform.core.config import StrictModel, load_yaml
from distill_platform.core.errors import ArtifactUnsigned

DOMAIN = b"distill-platform/model-manifest/1\0"
"""Goes before what is signed, so that a signature of anything else is never one of a manifest."""

SIGNATURE_BYTES = 208
_SIGNATURE = re.compile(rb"distill-sig-1 ([0-9a-f]{64}) ([0-9a-f]{128})\n")
_SEAL_AGAIN = "Seal the model again from its training, with a key that is trusted"


class KeyStatus(StrEnum):
    """Whether what a key signed is believed."""

    TRUSTED = "trusted"
    REVOKED = "revoked"


class KnownKey(StrictModel):
    """One public key of the list; `note` is for people: whose it is, or why it was revoked."""

    public_key: Annotated[str, StringConstraints(pattern=r"\A[0-9a-f]{64}\z")]
    status: Annotated[KeyStatus, BeforeValidator(KeyStatus)]
    note: str = ""

    @property
    def key_id(self) -> str:
        """Return the name of the key: the SHA-256 of its 32 bytes."""
        return sha256_hex(bytes.fromhex(self.public_key))


class TrustedKeys(StrictModel):
    """The list of keys; several are trusted while one replaces another. A key that is not listed is not trusted."""

    keys: Annotated[list[KnownKey], Field(min_length=1)]

    @model_validator(mode="after")
    def _lists_each_once(self) -> Self:
        if len({key.public_key for key in self.keys}) != len(self.keys):
            raise ValueError("a key is listed twice: a revoked one could pass for a trusted one")
        return self

    def refuse_untrusted(self, key_id: str) -> KnownKey:
        """Return the trusted key of that id; ArtifactUnsigned for one that is not listed, or revoked."""
        known = next((key for key in self.keys if key.key_id == key_id), None)
        if known is None:
            raise ArtifactUnsigned(f"key {key_id[:12]} is not on the list of trusted keys", hint=_SEAL_AGAIN)
        if known.status is not KeyStatus.TRUSTED:
            raise ArtifactUnsigned(f"key {key_id[:12]} was revoked", hint=_SEAL_AGAIN)
        return known

    def verify(self, data: bytes, signature: bytes) -> str:
        """Return the key_id of the trusted key that signed `data`, as `signature` shows; else ArtifactUnsigned."""
        found = _SIGNATURE.fullmatch(signature)
        if found is None:
            raise ArtifactUnsigned("what should be a signature is none", hint=_SEAL_AGAIN)
        key = self.refuse_untrusted(found[1].decode())
        _verify(key, bytes.fromhex(found[2].decode()), data)
        return key.key_id


def load_trusted_keys(file: Path) -> TrustedKeys:
    """Return the list of keys in a YAML file; ConfigError says what is wrong with it, and where."""
    return load_yaml(file, TrustedKeys)


def to_signature(key_id: str, signature: bytes) -> bytes:
    """Return a signature as it is stored, always of the same length: there is one way to write it."""
    return f"distill-sig-1 {key_id} {signature.hex()}\n".encode()


def _verify(key: KnownKey, signature: bytes, data: bytes) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.public_key)).verify(signature, DOMAIN + data)
    except InvalidSignature:
        message = f"the signature of key {key.key_id[:12]} is not one of these bytes"
        raise ArtifactUnsigned(message, hint=_SEAL_AGAIN) from None
