"""IO managers: how an asset of yours reads what the refinery made. The gate in the lake decides, as for everybody."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from distill_platform.defs.failures import permanent_failures
from distill_platform.defs.resources import RefineryResource
from distill_platform.refinery.schemas import TABLES
from distill_platform.store.lake import Lake

GATED_LAKE = "gated_lake"


class GatedLakeIOManager(dg.IOManager):
    """Reads gated datasets as Arrow tables, or as pandas frames where the input is annotated so.

    Refused are days that were never published, have not passed their checks, were made from inputs that have changed
    since, or do not match their hashes. Input metadata `table` chooses another table of the dataset than its main one
    (such as "quarantine"), `columns` a list of columns. A `corpus_release` is read as a verified `Release`.
    """

    def __init__(self, refinery: RefineryResource) -> None:
        self._refinery = refinery

    def load_input(self, context: dg.InputContext) -> Any:
        """Return the rows of all the upstream days that the run covers, in order; of a release, the Release."""
        dataset, days = context.asset_key.path[-1], list(context.asset_partition_keys)
        asked = context.definition_metadata or {}
        with permanent_failures(dataset, days):
            lake = self._refinery.place.lake
            if dataset == "corpus_release":
                return _release(lake, days)
            rows = _rows(lake, dataset, days, asked.get("table"), asked.get("columns"))
        return rows.to_pandas() if _wants_pandas(context) else rows

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Refuse: only the refinery's stages write to the lake, with their checks."""
        raise dg.DagsterInvariantViolationError(
            f"{context.asset_key.to_user_string()} returned a value, but only stages write to the lake. "
            "Leave io_manager_key out to store the value with your own IO manager"
        )


@dg.io_manager(required_resource_keys={"refinery"}, description="Reads what has passed its checks, and nothing else.")
def gated_lake(context: dg.InitResourceContext) -> GatedLakeIOManager:
    """Return the manager over the run's own refinery, so that a lake given in run config is the one that is read."""
    return GatedLakeIOManager(context.resources.refinery)


def _release(lake: Lake, days: Sequence[str]) -> Any:
    """Return the release over exactly these days, read again from end to end."""
    from distill_platform.refinery.release import layout, load_release

    found = lake.inspect(layout.DATASET, layout.partition_of(days))
    return load_release(layout.releases_folder(lake) / found.manifest.version)


def _rows(lake: Lake, dataset: str, days: Sequence[str], table: str | None, columns: Sequence[str] | None) -> Any:
    """Return a table of some days as one Arrow table; days without rows add none."""
    import pyarrow as pa

    name = table or next(iter(TABLES[dataset]))
    schema = TABLES[dataset][name]
    opened = [lake.open(dataset, day).read(name, columns) for day in days]
    empty = schema.empty_table().select(list(columns or schema.names))
    return pa.concat_tables([empty, *(part for part in opened if part is not None)])


def _wants_pandas(context: dg.InputContext) -> bool:
    wanted = context.dagster_type.typing_type
    return getattr(wanted, "__module__", "").startswith("pandas")
