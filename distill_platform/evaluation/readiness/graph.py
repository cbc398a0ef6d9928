"""What the strategy's graph must say for a run to teach which of its parts earn anything."""

from __future__ import annotations

from collections.abc import Iterator

from distill_platform.evaluation.readiness.findings import Finding, warning
from distill_platform.strategies.bundles.manifest import RunManifest, SemanticRole
from distill_platform.strategies.words import ScoreSource

_NEEDED = {
    SemanticRole.SIGNAL: "what it predicts with cannot be told from how it trades",
    SemanticRole.INTENT: "what it wants cannot be told from what it was allowed",
}


def of_graph(manifest: RunManifest) -> Iterator[Finding]:
    """Yield what keeps the contribution of the graph's parts from being measured."""
    if not manifest.nodes:
        message = "nodes: empty, so no part of the strategy can be told from another"
        yield warning("nodes_missing", message, "List the graph that ran")
        return
    roles = {node.semantic_role for node in manifest.nodes}
    for role, meaning in _NEEDED.items():
        if role not in roles:
            yield warning(f"{role}_missing", f"nodes: none has the role {role}, so {meaning}", f"Give one role {role}")
    for place, node in enumerate(manifest.nodes):
        if not node.family.strip():
            message = f"nodes.{place}.family: empty, so {node.node_id} cannot be compared between strategies"
            yield warning("family_missing", message, "Name the family, such as momentum")
    if all(node.ablation_group is None for node in manifest.nodes):
        message = "nodes: none has an ablation_group, so nothing can be left out to see what it earns"
        yield warning("ablation_groups_missing", message, "Put features, signals and risk into groups")


def of_model(manifest: RunManifest) -> Iterator[Finding]:
    """Yield that a model scored which nobody can find."""
    if manifest.score_source is ScoreSource.MODEL and manifest.model is None:
        message = "model: null, though score_source is model"
        yield warning("model_missing", message, "Name the model, its version and the SHA-256 of its artifact")
