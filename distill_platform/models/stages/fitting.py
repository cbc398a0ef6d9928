"""Fitting: control arms, teacher, student and ensemble of a week, each sealed before anybody else reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from distill_platform.models.artifacts.loading import load_model
from distill_platform.models.artifacts.manifest import ArtifactReference
from distill_platform.models.baseline import CONTROL_ARMS
from distill_platform.models.blending import Blend
from distill_platform.models.chain.entrants import Role, ensemble_candidates
from distill_platform.models.chain.fitted import (
    STUDENT,
    TEACHER,
    WITHOUT_EVENTS,
    Fitted,
    blend_of,
    fit_arms,
    fit_network,
    fit_tabular,
    null_of,
)
from distill_platform.models.chain.material import Material
from distill_platform.models.chain.sealing import ensemble_draft, fitted_draft, score_scale
from distill_platform.models.line import ModelLine
from distill_platform.models.registry import registry_view
from distill_platform.models.stage import Models, code_version, each_line, publish, refusals
from distill_platform.models.stages.framing import read_material
from distill_platform.models.stages.registering import freeze, register, version_of
from distill_platform.models.stages.shelf import Shelf, fold_rows, model_row, score_rows
from distill_platform.store.lake import Counts, Input, Manifest
from distill_platform.store.lake.laws import check
from distill_platform.store.lake.tables import MadeTables


@dataclass
class _Made:
    """What a stage made of one line, as rows of its tables."""

    rows: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)

    def add(self, table: str, *rows: Mapping[str, Any]) -> None:
        self.rows.setdefault(table, []).extend(rows)


LineWork = Callable[[Models, ModelLine, str, dict[str, Input]], _Made]


def freeze_baselines(models: Models, _names: Sequence[str], weeks: Sequence[str]) -> list[Manifest]:
    """Return the published weeks of `frozen_baseline`: the arms that were frozen, by this week or by an earlier one."""
    return _each_week(models, "frozen_baseline", weeks, _baseline)


def train_teachers(models: Models, _names: Sequence[str], weeks: Sequence[str]) -> list[Manifest]:
    """Return the published weeks of `tabular_teacher`, with what the same procedure finds where there is nothing."""
    return _each_week(models, "tabular_teacher", weeks, _teacher)


def train_students(models: Models, _names: Sequence[str], weeks: Sequence[str]) -> list[Manifest]:
    """Return the published weeks of `tsmixer_student`, taught by what the teacher said out of fold."""
    return _each_week(models, "tsmixer_student", weeks, _student)


def blend_ensembles(models: Models, _names: Sequence[str], weeks: Sequence[str]) -> list[Manifest]:
    """Return the published weeks of `ensemble`: every policy that the two models allow, sealed as a candidate."""
    return _each_week(models, "ensemble", weeks, _ensemble)


def _each_week(models: Models, dataset: str, weeks: Sequence[str], work: LineWork) -> list[Manifest]:
    manifests = []
    for done, week in enumerate(weeks, 1):
        inputs: dict[str, Input] = {}
        made, failures = each_line(models, work, week, inputs)
        tables: dict[str, Any] = {"refused": [failure.row() for failure in failures]}
        for one in made.values():
            for table, rows in one.rows.items():
                tables[table] = [*tables.get(table, []), *rows]
        found = tables.get("models", [])
        unsealed = [row["name"] for row in found if not _is_sound(models, row)]
        leaking = [f"{row['name']} fold {row['fold']}" for row in tables.get("folds", []) if row["overlaps"]]
        checks = [
            check("provenance", "models that are not sealed as they are told", len(unsealed), sample=unsealed),
            check("out_of_fold", "folds that knew what they were judged by", len(leaking), sample=leaking),
        ]
        counts = Counts(len(found) + len(failures), len(found), quarantined=refusals(failures))
        manifests.append(publish(models, dataset, week, MadeTables(tables, inputs, counts, checks)))
        models.progress(dataset, done, len(weeks))
    return manifests


def _is_sound(models: Models, row: Mapping[str, Any]) -> bool:
    """Return whether a model can be had from its sealed bytes, verified anew; ArtifactRefused says why it cannot."""
    load_model(models.artifacts, reference_of(row))
    return True


def reference_of(row: Mapping[str, Any]) -> ArtifactReference:
    """Return the artifact that a row of models names."""
    return ArtifactReference(
        line=row["line"], name=row["name"], version=row["version"], artifact_sha256=row["artifact_sha256"]
    )


def _baseline(models: Models, line: ModelLine, week: str, inputs: dict[str, Input]) -> _Made:
    material, read = read_material(models, line, week)
    inputs |= read
    frozen = registry_view(models.ledger, line.name).arms
    if set(CONTROL_ARMS) - frozen.keys():
        for name, fitted in fit_arms(material).items():
            if name not in frozen:
                freeze(models, _sealed(models, material, fitted, week), name, week)
        frozen = registry_view(models.ledger, line.name).arms
    made = _Made()
    for name in CONTROL_ARMS:
        manifest = models.artifacts.open(frozen[name]).manifest
        report = {"folds": manifest.folds, "data_range": manifest.data_range.model_dump(mode="json")}
        made.add("models", model_row(frozen[name], Role.ARM, score_scale(manifest), report))
        made.add("folds", *fold_rows(line.name, name, manifest.folds))
    return made


def _teacher(models: Models, line: ModelLine, week: str, inputs: dict[str, Input]) -> _Made:
    material, read = read_material(models, line, week)
    inputs |= read
    null = null_of(material, models.workers)
    made = _Made()
    made.add(
        "nulls",
        {
            "line": line.name,
            "name": TEACHER,
            "observed": null.observed,
            "p_value": null.p_value,
            "block_bars": null.block_bars,
            "values": null.values.tolist(),
        },
    )
    fitted = [fit_tabular(material)]
    if line.features.events is not None:
        fitted.append(fit_tabular(material, name=WITHOUT_EVENTS, names=line.bar_features))
    for one in fitted:
        role = Role.ABLATION if one.name == WITHOUT_EVENTS else Role.MEMBER
        _add_fitted(made, models, material, one, role, week)
    return made


def _student(models: Models, line: ModelLine, week: str, inputs: dict[str, Input]) -> _Made:
    material, read = read_material(models, line, week)
    shelf = Shelf(models, material, week)
    teacher = shelf.fitted("tabular_teacher", TEACHER)
    inputs |= read | shelf.inputs
    made = _Made()
    _add_fitted(made, models, material, fit_network(material, teacher.out_of_fold), Role.MEMBER, week)
    return made


def _ensemble(models: Models, line: ModelLine, week: str, inputs: dict[str, Input]) -> _Made:
    material, read = read_material(models, line, week)
    shelf = Shelf(models, material, week)
    tabular, network = shelf.fitted("tabular_teacher", TEACHER), shelf.fitted("tsmixer_student", STUDENT)
    inputs |= read | shelf.inputs
    blend = blend_of(material, tabular, network)
    made = _Made()
    made.add("blends", *_blend_rows(line, blend))
    for entrant in ensemble_candidates(tabular, network, blend, line.sizing):
        policy = entrant.policy
        if policy is None:
            raise TypeError(f"{entrant.name} is no ensemble")
        members = [tabular] * policy.uses_tabular + [network] * policy.uses_network
        parts = [(shelf.references[one.name], one) for one in members]
        version = version_of(material, week)
        draft = ensemble_draft(material, entrant, parts, version, code_version(), 1)
        reference = register(models, models.artifacts.seal(draft, entrant.model.files()).reference, week)
        report = {"folds": members[0].report["folds"], "policy": entrant.name}
        row = model_row(reference, Role.CANDIDATE, 1.0, report, policy=str(policy))
        made.add("models", row)
        if entrant.search_scores is not None:
            made.add("scores", *score_rows(line.name, entrant.name, material, entrant.search_scores))
    return made


def _add_fitted(made: _Made, models: Models, material: Material, fitted: Fitted, role: Role, week: str) -> None:
    reference = register(models, _sealed(models, material, fitted, week), week)
    made.add("models", model_row(reference, role, fitted.scale, fitted.report))
    made.add("folds", *fold_rows(reference.line, fitted.name, fitted.report["folds"]))
    made.add("scores", *score_rows(reference.line, fitted.name, material, fitted.out_of_fold.scores))


def _sealed(models: Models, material: Material, fitted: Fitted, week: str) -> ArtifactReference:
    draft = fitted_draft(material, fitted, version_of(material, week), code_version(), 1)
    return models.artifacts.seal(draft, fitted.model.files()).reference


def _blend_rows(line: ModelLine, blend: Blend) -> list[Mapping[str, Any]]:
    return [
        {
            "line": line.name,
            "fold": each.fold,
            "policy": each.policy,
            "rank_ic": each.rank_ic,
            "tabular_rank_ic": each.tabular_rank_ic,
            "network_rank_ic": each.network_rank_ic,
        }
        for each in blend.folds
    ]
