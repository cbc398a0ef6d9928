"""Sensors: what runs because something else happened."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from distill_platform.core.canon import sha256_hex
from distill_platform.core.errors import CorruptDataset
from distill_platform.defs.jobs import evaluation_job, models_job, refinery_job
from distill_platform.defs.partitions import DAILY, WEEKLY
from distill_platform.defs.resources import EvaluationResource, ModelsResource, RefineryResource
from distill_platform.evaluation.pipeline import ledger_state, waiting_days
from distill_platform.evaluation.stage import open_evaluation
from distill_platform.evaluation.stages.arrivals import receive
from distill_platform.models.waiting import waiting_weeks
from distill_platform.refinery.file_hashes import FileHashes
from distill_platform.refinery.source_changes import Seen, look
from distill_platform.store.lake import Lake
from distill_platform.store.lake.atomic import replace_file

_FOLDER = "sensors"
_GIVEN_UP = timedelta(hours=1)  # a run that has not said anything for so long was killed
_hashes = FileHashes()


@dg.sensor(
    job=refinery_job,
    minimum_interval_seconds=60,
    description="The days whose source rows are new, changed or gone; by content, once a file has settled.",
)
def changed_sources(context: dg.SensorEvaluationContext, refinery: RefineryResource) -> dg.SensorResult:
    """Build again the days whose source rows are new, changed or gone, and no others.

    The cursor is the hash of what was seen, which lies in the lake (it may be large); without it everything is new.
    """
    settings = refinery.settings()
    folder = settings.lake / _FOLDER
    today = datetime.now(UTC).date()
    seen = recall(folder, context.cursor)
    changes = look(settings, seen, today.isoformat(), _hashes)
    over = [day for day in changes.days if day < today.isoformat()]  # so that no partition is half a day
    requests = [_request(days) for days in _stretches(_partitions(over))]
    said = (
        f"{len(changes.unsettled)} files changed and must look the same once more" if changes.unsettled else "no change"
    )
    cursor = remember(folder, changes.seen, context.cursor)
    return dg.SensorResult(requests, None if requests else said, cursor)


@dg.sensor(
    job=evaluation_job,
    minimum_interval_seconds=30,
    description="Run bundles in the inbox that were never judged, and runs whose cohort has grown since they were.",
)
def arrived_bundles(context: dg.SensorEvaluationContext, evaluation: EvaluationResource) -> dg.SensorResult:
    """Take in what is complete, and judge the days that wait: many bundles of a day are one run.

    The cursor names what was asked for, so that days that cannot be judged are not asked for again and again. While
    a run is under way nothing is asked for: what it leaves waiting is seen when it is done.
    """
    if _is_under_way(context.instance):
        return dg.SensorResult([], "a run is under way", context.cursor)
    with open_evaluation(evaluation.settings(), now=lambda: datetime.now(UTC)) as opened:
        days = _partitions(waiting_days(opened, receive(opened)))
        state = ledger_state(opened, days)
    if not days or state == context.cursor:
        return dg.SensorResult([], "nothing waits" if not days else "what waits was asked for already", context.cursor)
    return dg.SensorResult([_request(stretch) for stretch in _stretches(days)], cursor=state)


@dg.sensor(
    job=models_job,
    minimum_interval_seconds=300,
    description="Weeks whose bars and features are all there, and whose models were made of others, or of none.",
)
def new_bars(context: dg.SensorEvaluationContext, models: ModelsResource) -> dg.SensorResult:
    """Train the weeks whose features are new; the cursor names what was asked for, so that each is asked for once."""
    settings = models.settings()
    waiting = waiting_weeks(Lake(settings.lake), list(settings.lines.known.values()), datetime.now(UTC).date())
    keys = {week: state for week, state in waiting.items() if WEEKLY.has_partition_key(week)}
    asked = set((context.cursor or "").split())
    requests = [dg.RunRequest(run_key=state, partition_key=week) for week, state in keys.items() if state not in asked]
    said = None if requests else "no week is new"
    return dg.SensorResult(requests, said, " ".join(sorted(keys.values())))


def recall(folder: Path, cursor: str | None) -> Seen:
    """Return what was seen when the cursor was set; nothing, so that all is new, where that cannot be known."""
    try:
        data = (folder / f"{cursor}.json").read_bytes() if cursor and cursor.isalnum() else b""
        return Seen.from_bytes(data) if data and sha256_hex(data) == cursor else Seen()
    except (OSError, CorruptDataset):
        return Seen()


def remember(folder: Path, seen: Seen, cursor: str | None) -> str:
    """Return the cursor of what was seen, after writing it; what the prior cursor names stays until it is replaced."""
    data = seen.to_bytes()
    digest = sha256_hex(data)
    if digest != cursor:
        replace_file(folder / f"{digest}.json", data)
        for path in folder.glob("*.json"):
            if path.stem not in (digest, cursor):
                path.unlink(missing_ok=True)
    return digest


def _is_under_way(instance: dg.DagsterInstance) -> bool:
    recent = datetime.now(UTC) - _GIVEN_UP
    wanted = dg.RunsFilter(job_name=evaluation_job.name, statuses=list(NOT_FINISHED_STATUSES), updated_after=recent)
    return bool(instance.get_runs(wanted, limit=1))


def _partitions(days: Iterable[str]) -> list[str]:
    return [day for day in days if DAILY.has_partition_key(day)]


def _stretches(days: Sequence[str]) -> Iterator[list[str]]:
    """Yield stretches of days that follow one another: one run each."""
    stretch: list[str] = []
    for day in days:
        if stretch and date.fromisoformat(day) - date.fromisoformat(stretch[-1]) != timedelta(days=1):
            yield stretch
            stretch = []
        stretch.append(day)
    if stretch:
        yield stretch


def _request(days: Sequence[str]) -> dg.RunRequest:
    if len(days) == 1:
        return dg.RunRequest(partition_key=days[0])
    return dg.RunRequest(tags={ASSET_PARTITION_RANGE_START_TAG: days[0], ASSET_PARTITION_RANGE_END_TAG: days[-1]})
