"""IO managers: how an asset of yours reads what the refinery made. The gate in the lake decides, as for everybody."""

from typing import Any

import dagster as dg

from distill_platform.defs.failures import permanent_failures
from distill_platform.defs.resources import RefineryResource

GATED_LAKE = "gated_lake"


class GatedLakeIOManager(dg.ConfigurableIOManager):
    """Reads gated datasets as Arrow tables, or as pandas frames where the input is annotated so.

    Refused are days that were never published, have not passed their checks, were made from inputs that have changed
    since, or do not match their hashes. Input metadata `table` chooses another table of the dataset than its main one
    (such as "quarantine"), `columns` a list of columns.
    """

    refinery: dg.ResourceDependency[RefineryResource]

    def load_input(self, context: dg.InputContext) -> Any:
        """Return the rows of all the upstream days that the run covers, in order."""
        import pyarrow as pa

        from distill_platform.refinery.schemas import TABLES

        dataset, days = context.asset_key.path[-1], context.asset_partition_keys
        asked = context.definition_metadata or {}
        table, columns = asked.get("table", next(iter(TABLES[dataset]))), asked.get("columns")
        schema = TABLES[dataset][table]
        empty = schema.empty_table().select(columns or schema.names)
        with permanent_failures(dataset, days):
            lake = self.refinery.refinery.lake
            read = [lake.open(dataset, day).read(table, columns) for day in days]
        rows = pa.concat_tables([empty, *(part for part in read if part is not None)])
        return rows.to_pandas() if _wants_pandas(context) else rows

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Refuse: only the refinery's stages write to the lake, with their checks."""
        raise dg.DagsterInvariantViolationError(
            f"{context.asset_key.to_user_string()} returned a value, but only stages write to the lake. "
            "Leave io_manager_key out to store the value with your own IO manager"
        )


def _wants_pandas(context: dg.InputContext) -> bool:
    wanted = context.dagster_type.typing_type
    return getattr(wanted, "__module__", "").startswith("pandas")
