"""Keys and a store for the artifacts' tests."""

from pathlib import Path

import pytest

from distill_platform.models.artifacts.signing import Keys, open_keys
from distill_platform.models.artifacts.store import ArtifactStore


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return open_keys(tmp_path / "keys")


@pytest.fixture
def store(tmp_path: Path, keys: Keys) -> ArtifactStore:
    return ArtifactStore(tmp_path / "models", keys)
