"""What a manifest must agree with itself on: its times, its place among the trials, its references and its graph."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from graphlib import CycleError, TopologicalSorter

from distill_platform.core.config import nearest
from distill_platform.core.utc import iso
from distill_platform.strategies.bundles.manifest import ManifestNode, RunManifest
from distill_platform.strategies.bundles.refusal import BundleRefused, RefusalReason, shown
from distill_platform.strategies.bundles.tables import MANIFEST


def refuse_unsound_manifest(manifest: RunManifest) -> None:
    """Raise BundleRefused unless window, search, references and nodes of a manifest make sense together."""
    _refuse_times(manifest)
    _refuse_search(manifest)
    _refuse_references(manifest)
    _refuse_nodes(manifest.nodes)


def refuse_future(manifest: RunManifest, now: datetime) -> None:
    """Raise BundleRefused(`future_dated`) for a run that claims to know data of after `now`."""
    if manifest.as_of > now:
        message = f"as_of: {iso(manifest.as_of)} lies in the future (it is {iso(now)})"
        raise _refused(RefusalReason.FUTURE_DATED, message, "as_of is the last moment whose data the run has seen")


def _refuse_times(manifest: RunManifest) -> None:
    window = manifest.window
    if window.end < window.start:
        message = f"window: ends at {iso(window.end)}, before its start {iso(window.start)}"
        raise _refused(RefusalReason.WINDOW_REVERSED, message, "Write the earlier moment as window.start")
    if manifest.as_of < window.end:
        message = f"as_of: {iso(manifest.as_of)} is before window.end {iso(window.end)}"
        hint = "A run cannot cover time whose data it has not seen: shorten the window or correct as_of"
        raise _refused(RefusalReason.BEFORE_WINDOW_END, message, hint)


def _refuse_search(manifest: RunManifest) -> None:
    search = manifest.search
    if search.trial_index > search.declared_trials:
        message = f"search.trial_index: {search.trial_index} of {search.declared_trials} declared trials"
        hint = "Trials count from 0 or from 1: declare as many as were tried"
        raise _refused(RefusalReason.TRIAL_OUT_OF_RANGE, message, hint)
    if manifest.ablation_spec is not None and manifest.parent_run_id is None:
        message = "ablation_spec: an ablation without parent_run_id"
        hint = "Name in parent_run_id the run that this one takes something away from"
        raise _refused(RefusalReason.ABLATION_WITHOUT_PARENT, message, hint)


def _refuse_references(manifest: RunManifest) -> None:
    for key in ("parent_run_id", "supersedes"):
        if getattr(manifest, key) == manifest.run_id:
            message = f"{key}: names the run itself ({manifest.run_id})"
            raise _refused(RefusalReason.SELF_REFERENCE, message, "Name another run, or write null")


def _refuse_nodes(nodes: Sequence[ManifestNode]) -> None:
    known: dict[str, list[str]] = {}
    for place, node in enumerate(nodes):
        if node.node_id in known:
            message = f"nodes.{place}.node_id: {shown(node.node_id)} stands twice"
            raise _refused(RefusalReason.DUPLICATE_NODE, message, "Give every node an id of its own")
        known[node.node_id] = node.inputs
    for place, node in enumerate(nodes):
        for number, name in enumerate(node.inputs):
            if name not in known:
                message = f"nodes.{place}.inputs.{number}: there is no node {shown(name)}"
                raise _refused(RefusalReason.UNKNOWN_NODE, message, nearest(name[:200], list(known)[:200]))
    try:
        TopologicalSorter(known).prepare()
    except CycleError as error:
        path = " -> ".join(shown(name) for name in error.args[1][:10])
        message = f"nodes: {path} is a cycle"
        raise _refused(RefusalReason.NODE_CYCLE, message, "Values flow one way: take one of these inputs out") from None


def _refused(reason: RefusalReason, message: str, hint: str) -> BundleRefused:
    return BundleRefused(reason, f"{MANIFEST}: {message}", hint=hint)
