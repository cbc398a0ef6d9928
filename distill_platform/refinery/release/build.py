"""Building: one release over a range of days, judged as one whatever the days were judged to be."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import reduce
from pathlib import Path
from typing import Any

from distill_platform.core import canon
from distill_platform.core.errors import CorruptDataset, GateRefused, LakeError
from distill_platform.refinery.corpora.build import Day, decide, load, open_day, stage_corpora
from distill_platform.refinery.release import layout
from distill_platform.refinery.release.card import card
from distill_platform.refinery.release.tables import Writer, WriteTask, write, write_quarantine, write_rows
from distill_platform.refinery.release.trainers import axolotl, llama_factory
from distill_platform.refinery.release.verify import check_files, check_rows
from distill_platform.refinery.settings import Settings
from distill_platform.refinery.stage import Refinery, code_version, open_input
from distill_platform.store.lake import Check, Counts, Input, Lake, Manifest, TableEntry
from distill_platform.store.lake.atomic import disk_errors, publish_folder, replace_file, sync_folder
from distill_platform.store.lake.lake import MANIFEST
from distill_platform.store.lake.laws import check, conservation, determinism
from distill_platform.store.lake.publishing import Staged, as_input

_STEPS = 3


def release_corpora(refinery: Refinery, days: Sequence[str]) -> list[Manifest]:
    """Return the manifest of one release over `days`, published; the same content again writes nothing.

    Every day's corpora must have passed and be current, but none of their rows is taken: evidence, verdicts and
    screening of all days are judged again together. Raises GateRefused, and publishes nothing, when a check fails.
    """
    if not days:
        raise LakeError("a release needs at least one day", hint="Name the first and the last day")
    wanted = sorted(set(days))
    opened = [open_day(refinery, day) for day in wanted]
    inputs = {name: read for day in opened for name, read in day.inputs.items()} | _gated(refinery, wanted)
    with refinery.lake.staging() as folder:
        judged, tables = _judge(refinery, opened, folder)
        manifest = _described(refinery, wanted, inputs, judged, tables)
        manifest = _checked(refinery, folder, manifest, judged)
        manifest = _documented(refinery.lake, folder, manifest)
        _publish(refinery.lake, folder, manifest)
    return [manifest]


def _gated(refinery: Refinery, days: Iterable[str]) -> dict[str, Input]:
    """Return every day's corpora as inputs; a day whose corpus failed, is stale or was changed refuses the release."""
    opened = [open_input(refinery, corpus, day).manifest for day in days for corpus in layout.CONFIGS]
    return {f"{manifest.dataset}/{manifest.partition}": as_input(manifest) for manifest in opened}


def _judge(refinery: Refinery, days: Sequence[Day], folder: Path) -> tuple[dict[str, Staged], dict[str, TableEntry]]:
    """Return what the range's four corpora came to, and their tables written into `folder`; scratch files are gone."""
    candidates = load(refinery.settings, days)
    tables: dict[str, TableEntry] = {}
    with ExitStack() as scratch:
        drafts = [scratch.enter_context(refinery.lake.draft(corpus, "release")) for corpus in layout.CONFIGS]
        staged = stage_corpora(refinery, drafts, decide(refinery.settings, list(layout.CONFIGS), candidates), days)
        judged = dict(zip(layout.CONFIGS.values(), staged, strict=True))
        refinery.progress(layout.DATASET, 1, _STEPS)
        for written in refinery.workers.map(write, list(_jobs(judged, folder))):
            tables |= written
            refinery.lake.on_step(f"released {', '.join(written)}")
    refinery.progress(layout.DATASET, 2, _STEPS)
    return judged, tables


def _jobs(judged: dict[str, Staged], folder: Path) -> Iterator[tuple[Writer, WriteTask]]:
    for config, staged in judged.items():
        draft = staged.draft
        rows, dropped = (tuple(draft.folder / p.path for p in draft.parts(name)) for name in ("samples", "quarantine"))
        for split in layout.SPLITS:
            yield write_rows, WriteTask(config, split, rows, folder)
        yield write_quarantine, WriteTask(config, "", dropped, folder)


def _described(
    refinery: Refinery,
    days: Sequence[str],
    inputs: dict[str, Input],
    judged: dict[str, Staged],
    tables: dict[str, TableEntry],
) -> Manifest:
    """Return the manifest of the release so far: unnamed, unchecked, without documents."""
    hashes = config_hashes(refinery.settings)
    counts = reduce(Counts.plus, (staged.counts for staged in judged.values()))
    samples = sum(staged.draft.rows("samples") for staged in judged.values())
    corpora = {config: {"counts": asdict(staged.counts), **staged.extra} for config, staged in judged.items()}
    return Manifest(
        dataset=layout.DATASET,
        partition=layout.partition_of(days),
        version="",
        code_version=code_version(),
        config_hash=canon.sig_hash(hashes),
        inputs=dict(sorted(inputs.items())),
        tables=dict(sorted(tables.items())),
        counts=counts,
        checks=(),
        extra={
            "samples": samples,
            "days": len(days),
            "config_hashes": hashes,
            "corpora": corpora,
            **_thresholds(refinery.settings),
        },
    )


def config_hashes(settings: Settings) -> dict[str, str]:
    """Return the hash of every part of the configuration that shapes a release."""
    return {name: getattr(settings, f"{name}_hash") for name in ("evidence", "scoring", "screening", "export")}


def _thresholds(settings: Settings) -> dict[str, Any]:
    groups = {
        name: getattr(settings.config, name).model_dump(mode="json") for name in ("gates", "screening", "exports")
    }
    return groups | {"eval_sets": {eval_set.name: eval_set.sha256 for eval_set in settings.eval_sets}}


def _checked(refinery: Refinery, folder: Path, manifest: Manifest, judged: dict[str, Staged]) -> Manifest:
    """Return the manifest with its checks, all of which hold; GateRefused otherwise."""
    conflicts = refinery.settings.config.gates.verdict_conflicts
    prior = refinery.lake.manifest(layout.DATASET, manifest.partition)
    checks = [
        *_laws(judged),
        determinism(prior, manifest),
        *check_rows(folder, manifest.tables, refinery.workers, conflicts_gate=conflicts),
    ]
    manifest = replace(manifest, checks=tuple(checks))
    if not manifest.passed:
        errors = "; ".join(manifest.errors)
        raise GateRefused(f"the release {manifest.partition} is not published: {errors}", hint="Mend the cause first")
    refinery.progress(layout.DATASET, _STEPS, _STEPS)
    return manifest


_DESCRIPTIONS = {"firewall": "rows whose record has not the verdict that the row claims and its corpus demands"}


def _laws(judged: dict[str, Staged]) -> list[Check]:
    """Return the corpora's own checks, each law once for all four."""
    by_law: dict[str, list[tuple[str, Check]]] = {}
    for config, staged in judged.items():
        for law in (conservation(staged.counts), *staged.checks):
            by_law.setdefault(law.name, []).append((config, law))
    return [_merged(laws) for laws in by_law.values()]


def _merged(laws: list[tuple[str, Check]]) -> Check:
    first = laws[0][1]
    description = _DESCRIPTIONS.get(first.name, first.description)
    sample = [f"{config}: {item}" for config, law in laws if not law.passed for item in law.sample or (law.observed,)]
    observed, allowed = (sum(getattr(law, name) for _, law in laws) for name in ("observed", "allowed"))
    merged = check(first.name, description, observed, allowed=allowed, sample=sample)
    return replace(merged, passed=all(law.passed for _, law in laws), blocking=any(law.blocking for _, law in laws))


def _documented(lake: Lake, folder: Path, manifest: Manifest) -> Manifest:
    """Return the manifest with the release's name, after writing the files that hold no rows."""
    written = {
        "README.md": card(manifest),
        "dataset_info.json": llama_factory(manifest.tables),
        "axolotl.yaml": axolotl(manifest.tables),
    }
    for name, data in written.items():
        replace_file(folder / name, data, lake.on_step)
    documents = [asdict(layout.part_of(folder, name, 0)) for name in written]
    manifest = replace(manifest, extra={**manifest.extra, "documents": documents})
    name = layout.release_name(manifest.partition, layout.parts(manifest))
    return replace(manifest, version=name, extra={**manifest.extra, "folder": f"{layout.RELEASES}/{name}"})


def _publish(lake: Lake, folder: Path, manifest: Manifest) -> None:
    """Move the folder into place, its manifest written last; then say in the lake what the range's release is."""
    final = layout.releases_folder(lake) / manifest.version
    if final.exists() and not _intact(final):
        with lake.staging() as bin_, disk_errors(final):
            os.rename(final, bin_ / "damaged")
    if not final.exists():
        replace_file(folder / MANIFEST, manifest.to_bytes(), lake.on_step)
        for inner in [path for path in folder.iterdir() if path.is_dir()]:
            sync_folder(inner)
        publish_folder(folder, final, lake.on_step)
    record, data = lake.folder(layout.DATASET, manifest.partition) / MANIFEST, manifest.to_bytes()
    if not record.exists() or record.read_bytes() != data:
        replace_file(record, data, lake.on_step)
    lake.mark_mended(layout.DATASET, manifest.partition)


def _intact(final: Path) -> bool:
    try:
        return all(found.passed for found in check_files(final, layout.manifest_of(final)))
    except CorruptDataset:
        return False
