"""Layout: what a release folder holds and what everything in it is called.

<lake>/releases/<first day>_<last day>-<12 hex>/
    rag/  sft/  preference/  kto/      train and validation, each as .parquet and .jsonl with the same rows
    conversations/                     the same rows once more, in the shapes LLaMA-Factory and axolotl read
    quarantine/                        what was dropped on the way into each corpus, and why
    README.md  dataset_info.json  axolotl.yaml
    MANIFEST.json                      hashes of all of the above, checks and verdict; written last
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from distill_platform.core.errors import CorruptDataset
from distill_platform.store.lake import Lake, Manifest, Part, file_sha256
from distill_platform.store.lake.lake import MANIFEST
from distill_platform.store.lake.manifest import read_manifest

DATASET = "corpus_release"
RELEASES = "releases"
CONFIGS = {"rag_corpus": "rag", "sft_corpus": "sft", "preference_corpus": "preference", "kto_corpus": "kto"}
CORPUS_OF = {config: corpus for corpus, config in CONFIGS.items()}
SPLITS = ("train", "validation")


def rows_table(config: str, split: str) -> str:
    """Return the name of the table with a corpus' rows of one split."""
    return f"{config}/{split}"


def conversations_table(config: str, split: str) -> str:
    """Return the name of the table with the same rows in the trainers' shapes."""
    return f"conversations/{config}_{split}"


def quarantine_table(config: str) -> str:
    """Return the name of the table with what a corpus dropped."""
    return f"quarantine/{config}"


def part_of(folder: Path, path: str, rows: int) -> Part:
    """Return a file of a release as its manifest lists it."""
    place = folder / path
    return Part(path, rows, place.stat().st_size, file_sha256(place))


def documents(manifest: Manifest) -> list[Part]:
    """Return the files of a release that hold no rows: card, LLaMA-Factory and axolotl declarations."""
    return [Part(**part) for part in manifest.extra.get("documents", ())]


def parts(manifest: Manifest) -> list[Part]:
    """Return every file of a release but the manifest itself."""
    return [*(part for table in manifest.tables.values() for part in table.parts), *documents(manifest)]


def release_name(partition: str, files: Iterable[Part]) -> str:
    """Return a release's name: its days, and a hash over the bytes of all its files."""
    digest = hashlib.sha256()
    for part in sorted(files, key=lambda part: part.path):
        digest.update(f"{part.path}:{part.sha256}\n".encode())
    return f"{partition}-{digest.hexdigest()[:12]}"


def releases_folder(lake: Lake) -> Path:
    """Return where a lake keeps its releases."""
    return lake.root / RELEASES


def partition_of(days: Sequence[str]) -> str:
    """Return the name of a range of days, which must be in order."""
    return f"{days[0]}_{days[-1]}"


def manifest_of(folder: Path) -> Manifest:
    """Return a release's manifest; CorruptDataset where there is none or it does not match its own digest."""
    place = folder / MANIFEST
    try:
        manifest = read_manifest(place.read_bytes(), str(place))
    except OSError as error:
        hint = "Give the folder of a release, the one that holds MANIFEST.json"
        raise CorruptDataset(f"{folder} is not a release: {error.strerror}", hint=hint) from None
    if manifest.dataset != DATASET:
        raise CorruptDataset(f"{place} is the manifest of {manifest.dataset}, not of a release")
    return manifest


@dataclass(frozen=True)
class ReleaseInfo:
    """One release as a list shows it; `problem` says why its manifest cannot be believed, if so."""

    name: str
    folder: Path
    manifest: Manifest | None
    problem: str = ""


def list_releases(lake: Lake) -> list[ReleaseInfo]:
    """Return the releases of a lake by name. Only manifests are read; `verify_release` reads everything."""
    folders = sorted(path for path in releases_folder(lake).glob("*") if path.is_dir())
    return [_info(folder) for folder in folders]


def _info(folder: Path) -> ReleaseInfo:
    try:
        return ReleaseInfo(folder.name, folder, manifest_of(folder))
    except CorruptDataset as error:
        return ReleaseInfo(folder.name, folder, None, str(error))
