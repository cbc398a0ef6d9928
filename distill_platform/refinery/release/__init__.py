"""Releases: versioned, immutable snapshots of all four corpora over a range of days. They are what people train on."""

from distill_platform.refinery.release.build import release_corpora
from distill_platform.refinery.release.layout import ReleaseInfo, list_releases
from distill_platform.refinery.release.verify import Release, inspect_release, load_release, verify_release

__all__ = [
    "Release",
    "ReleaseInfo",
    "inspect_release",
    "list_releases",
    "load_release",
    "release_corpora",
    "verify_release",
]
