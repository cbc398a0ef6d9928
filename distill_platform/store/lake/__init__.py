"""The lake: immutable Parquet and JSONL files, published by manifests that are written last."""

from distill_platform.store.lake.atomic import Step
from distill_platform.store.lake.lake import Dataset, Draft, Lake
from distill_platform.store.lake.manifest import ABSENT, Check, Counts, Input, Manifest, Part, TableEntry
from distill_platform.store.lake.parts import file_sha256, read_part, write_part

__all__ = [
    "ABSENT",
    "Check",
    "Counts",
    "Dataset",
    "Draft",
    "Input",
    "Lake",
    "Manifest",
    "Part",
    "Step",
    "TableEntry",
    "file_sha256",
    "read_part",
    "write_part",
]
