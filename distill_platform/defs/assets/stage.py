"""What makes an asset of a stage: the pipeline's declaration of it, its group, its laws, and one call."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import dagster as dg
from dagster._utils.warnings import disable_dagster_warnings

from distill_platform.defs.checks import EVERY_STAGE, law_specs, record, verdicts_of
from distill_platform.defs.column_schemas import table_metadata
from distill_platform.defs.failures import permanent_failures
from distill_platform.defs.io_managers import GATED_LAKE
from distill_platform.defs.metadata import apart_metadata, partition_metadata
from distill_platform.defs.partitions import DAILY, WHOLE_RANGE
from distill_platform.defs.resources import RefineryResource
from distill_platform.refinery import pipeline
from distill_platform.store.lake import Manifest

OWNERS = ("team:refinery",)
_STAGES = {stage.name: stage for stage in pipeline.STAGES}


def daily_asset(
    name: str, *, group: str, kinds: Iterable[str], checks: Sequence[dg.AssetCheckSpec], **described: Any
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Return the decorator that makes a function the daily asset `name`, one run for any range of days."""
    with disable_dagster_warnings():  # about features in beta, chosen on purpose
        made: Callable[[Callable[..., Any]], dg.AssetsDefinition] = dg.asset(
            name=name,
            partitions_def=DAILY,
            backfill_policy=WHOLE_RANGE,
            group_name=group,
            kinds=set(kinds),
            owners=list(OWNERS),
            check_specs=checks,
            **described,
        )
    return made


def stage_asset(
    name: str,
    *,
    group: str,
    kinds: Iterable[str] = ("python", "parquet"),
    laws: Sequence[str] = (),
    sources: Sequence[dg.AssetKey] = (),
) -> dg.AssetsDefinition:
    """Return the asset of a pipeline stage; `laws` are those beyond what every stage is held against."""
    stage = _STAGES[name]
    held = (*EVERY_STAGE, *laws)

    @daily_asset(
        name,
        group=group,
        kinds=kinds,
        checks=law_specs(name, held),
        description=stage.description,
        deps=[*stage.upstream, *sources],
        metadata=table_metadata(name),
        io_manager_key=GATED_LAKE,
    )
    def materialize(context: dg.AssetExecutionContext, refinery: RefineryResource) -> Iterator[Any]:
        with permanent_failures(name, context.partition_keys):
            done = pipeline.run_stage(refinery.refinery, stage, context.partition_keys, context.run.run_id)
            verdicts = verdicts_of(held, done.manifests, context.partition_keys)
        yield _materialized(context, done.manifests)
        yield from record(context, verdicts)

    return materialize


def _materialized(context: dg.AssetExecutionContext, manifests: Sequence[Manifest]) -> dg.MaterializeResult:
    """Return the result of a run after giving every day its own numbers, or those of the range it was made in."""
    own = {manifest.partition: manifest for manifest in manifests}
    apart = [manifest for manifest in manifests if manifest.partition not in context.partition_keys]
    for key in context.partition_keys:
        for manifest in [own[key]] if key in own else apart[:1]:
            context.add_asset_metadata(partition_metadata(manifest), partition_key=key)
    shown = [apart_metadata(manifest) for manifest in apart if any(key in own for key in context.partition_keys)]
    return dg.MaterializeResult(metadata={name: value for metadata in shown for name, value in metadata.items()})
