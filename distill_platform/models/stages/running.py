"""Running: every model of a week hands in a run bundle, and is judged like any strategy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distill_platform.core.errors import DeterminismError
from distill_platform.models.chain.contest import Bout, Contest
from distill_platform.models.line import ModelLine
from distill_platform.models.model_runs import ModelRun
from distill_platform.models.stage import Models, each_line, publish, refusals, refused_before
from distill_platform.models.stages.contending import Code, contest_of, enter, this_code
from distill_platform.models.stages.framing import read_material
from distill_platform.models.stages.shelf import Shelf
from distill_platform.store.lake import Counts, Input, Manifest
from distill_platform.store.lake.laws import check
from distill_platform.store.lake.tables import MadeTables, open_partition, rows_of
from distill_platform.strategies.bundles.content import steps_sha256
from distill_platform.strategies.bundles.reading import read_sealed
from distill_platform.strategies.bundles.sealing import is_same_run, write_bundle


def run_weeks(models: Models, _names: Sequence[str], weeks: Sequence[str]) -> list[Manifest]:
    """Return the published weeks of `model_runs`, after handing in every bundle that was not handed in before."""
    manifests = []
    for done, week in enumerate(weeks, 1):
        inputs: dict[str, Input] = {}
        made, failures = each_line(models, _handed_in, week, inputs)
        rows = [row for one in made.values() for row in one]
        missing = [row["run_id"] for row in rows if not (models.settings.inbox / row["run_id"]).is_dir()]
        checks = [check("provenance", "runs that are not in the inbox", len(missing), sample=missing)]
        counts = Counts(len(rows) + len(failures), len(rows), quarantined=refusals(failures))
        tables = {"runs": rows, "refused": [failure.row() for failure in failures]}
        manifests.append(publish(models, "model_runs", week, MadeTables(tables, inputs, counts, checks)))
        models.progress("model_runs", done, len(weeks))
    return manifests


@dataclass(frozen=True)
class Confirmed:
    """What a line's confirmation says: its finalists as rows of models, and the opening of the forward window."""

    finalists: list[dict[str, Any]]
    opening: Mapping[str, Any]


def read_confirmed(models: Models, line: ModelLine, week: str, inputs: dict[str, Input]) -> Confirmed:
    """Return what was confirmed of a line; LineRefused for one that was refused."""
    found, read = open_partition(models.lake, "hpo_confirmation", week)
    inputs |= read
    opening = next((row for row in rows_of(found, "openings") if row["line"] == line.name), None)
    if opening is None:
        raise refused_before(found, line)
    return Confirmed([row for row in rows_of(found, "models") if row["line"] == line.name], opening)


def read_contest(models: Models, line: ModelLine, week: str, inputs: dict[str, Input]) -> Contest:
    """Return the runs of a line's week that were handed in, made again from sealed models: the same to the byte.

    They name the code that made them then, whatever code is running now: a world has judged those runs, and no others.
    Raises LineRefused for a line that handed in none, and DeterminismError where this code comes to other numbers.
    """
    found, read = open_partition(models.lake, "model_runs", week)
    inputs |= read
    handed_in = {row["artifact_sha256"]: row for row in rows_of(found, "runs") if row["line"] == line.name}
    if not handed_in:
        raise refused_before(found, line)
    first = next(iter(handed_in.values()))
    contest = _made(models, line, week, inputs, Code(first["code_version"], first["commit_sha"]))
    for bout in contest.bouts:
        _refuse_others(bout, handed_in, week)
    return contest


def handed_in_bundles(models: Models, line: ModelLine, week: str) -> dict[str, str]:
    """Return the bundles that a line's week handed in: their sha256 by run_id."""
    found, _ = open_partition(models.lake, "model_runs", week)
    return {row["run_id"]: row["bundle_sha256"] for row in rows_of(found, "runs") if row["line"] == line.name}


def _made(models: Models, line: ModelLine, week: str, inputs: dict[str, Input], by: Code) -> Contest:
    """Return all runs of a line's week, from sealed models."""
    material, read = read_material(models, line, week)
    inputs |= read
    confirmed = read_confirmed(models, line, week, inputs)
    shelf = Shelf(models, material, week)
    finalists = [(row, shelf.scores("hpo_confirmation", row["name"])) for row in confirmed.finalists]
    entries = enter(models, material, week, inputs, finalists)
    return contest_of(models, material, week, entries, int(confirmed.opening["trials"]), by)


def _refuse_others(bout: Bout, handed_in: Mapping[str, Mapping[str, Any]], week: str) -> None:
    """Raise DeterminismError unless a run that was made again is the one that was handed in, number for number."""
    row = handed_in.get(bout.entry.reference.artifact_sha256, {})
    made = bout.run.manifest.run_id, steps_sha256(bout.run.tables["steps"])
    if made != (row.get("run_id"), row.get("steps_sha256")):
        message = f"the run of {bout.entry.entrant.name}, week of {week}, is not the one that was handed in"
        hint = "Data, world or code have changed since. What was decided stands; decide on the next week"
        raise DeterminismError(message, hint=hint)


def _handed_in(models: Models, line: ModelLine, week: str, inputs: dict[str, Input]) -> list[dict[str, Any]]:
    contest = _made(models, line, week, inputs, this_code())
    rows = []
    for bout in contest.bouts:
        manifest, entrant = bout.run.manifest, bout.entry.entrant
        bundle_sha256 = hand_in(models.settings.inbox, bout.run)
        rows.append(
            {
                "line": line.name,
                "name": entrant.name,
                "role": entrant.role.value,
                "run_id": manifest.run_id,
                "artifact_sha256": bout.entry.reference.artifact_sha256,
                "repro_hash": manifest.repro_hash,
                "code_version": manifest.code_version,
                "commit_sha": manifest.commit_sha,
                "steps_sha256": steps_sha256(bout.run.tables["steps"]),
                "bundle_sha256": bundle_sha256,
            }
        )
    return rows


def hand_in(inbox: Path, run: ModelRun) -> str:
    """Return the sha256 of a run's bundle, written unless it lies in the inbox: the same run has the same id.

    Raises DeterminismError for another bundle under its name: what a world says of that one is not said of this run.
    Other errors: `write_bundle`, `read_sealed`.
    """
    folder = inbox / run.manifest.run_id
    if not folder.exists():
        write_bundle(inbox, run.manifest, run.tables)
    found = read_sealed(folder)
    if not is_same_run(found, run.manifest, run.tables):
        message = f"{folder} holds another bundle than the run of that name"
        raise DeterminismError(message, hint="This platform did not write it: find out who did, and move it away")
    return found.sha256
