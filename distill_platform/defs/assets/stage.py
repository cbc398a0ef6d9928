"""What makes an asset of a stage: the pipeline's declaration of it, its group, its laws, and one call."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster._utils.warnings import disable_dagster_warnings

from distill_platform.defs.checks import EVERY_STAGE, law_specs, record, verdicts_of
from distill_platform.defs.column_schemas import table_metadata
from distill_platform.defs.failures import permanent_failures
from distill_platform.defs.io_managers import GATED_LAKE
from distill_platform.defs.metadata import apart_metadata, partition_metadata
from distill_platform.defs.partitions import DAILY, WHOLE_RANGE
from distill_platform.store.lake import Manifest
from distill_platform.store.stages import Pipeline, Stage

Laws = Sequence[str] | Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Room:
    """What the assets of one pipeline share: the pipeline, the resource it works in, and who answers for them.

    The resource offers `place`: what the pipeline's stages work in.
    """

    pipeline: Pipeline[Any]
    resource: str
    owner: str

    def stages(self, *names: str) -> list[Stage[Any]]:
        """Return the stages of these names, in their order."""
        known = {stage.name: stage for stage in self.pipeline.stages}
        return [known[name] for name in names]


def daily_asset(
    name: str, *, group: str, owner: str, kinds: Iterable[str], checks: Sequence[dg.AssetCheckSpec], **described: Any
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Return the decorator that makes a function the daily asset `name`, one run for any range of days."""
    with disable_dagster_warnings():  # about features in beta, chosen on purpose
        made: Callable[[Callable[..., Any]], dg.AssetsDefinition] = dg.asset(
            name=name,
            partitions_def=DAILY,
            backfill_policy=WHOLE_RANGE,
            group_name=group,
            kinds=set(kinds),
            owners=[owner],
            check_specs=checks,
            **described,
        )
    return made


def stage_assets(
    room: Room,
    *names: str,
    group: str,
    kinds: Iterable[str] = ("python", "parquet"),
    laws: Laws = (),
    advisory: Laws = (),
    sources: Sequence[dg.AssetKey] = (),
    partitions: dg.PartitionsDefinition = DAILY,
) -> dg.AssetsDefinition:
    """Return the assets of pipeline stages that are made in one go; any of them may be selected without the others.

    `laws` are those beyond what every stage is held against, of all stages or of each by name; a broken one stops the
    graph unless it is `advisory`.
    """
    held = {name: (*EVERY_STAGE, *_laws_of(laws, name), *_laws_of(advisory, name)) for name in names}
    with disable_dagster_warnings():  # about features in beta, chosen on purpose

        @dg.multi_asset(
            name=names[0] if len(names) == 1 else group,
            specs=[_spec(stage, group, room.owner, kinds, sources) for stage in room.stages(*names)],
            check_specs=[
                spec
                for name in names
                for spec in law_specs(name, held[name], partitions, advisory=_laws_of(advisory, name))
            ],
            partitions_def=partitions,
            backfill_policy=WHOLE_RANGE,
            can_subset=len(names) > 1,
            required_resource_keys={room.resource},
        )
        def materialize(context: dg.AssetExecutionContext) -> Iterator[Any]:
            selected = [name for name in names if dg.AssetKey(name) in context.selected_asset_keys]
            step, resource = room.stages(*selected), getattr(context.resources, room.resource)
            with permanent_failures(", ".join(stage.name for stage in step), context.partition_keys):
                done = room.pipeline.run_step(resource.place, step, context.partition_keys, context.run.run_id)
                made = {stage.name: [m for m in done.manifests if m.dataset == stage.name] for stage in step}
                verdicts = {name: verdicts_of(held[name], own, context.partition_keys) for name, own in made.items()}
            for name, manifests in made.items():
                yield _materialized(context, name, manifests)
                yield from record(context, dg.AssetKey(name), verdicts[name])

    return materialize


def _laws_of(laws: Laws, name: str) -> Sequence[str]:
    return laws.get(name, ()) if isinstance(laws, Mapping) else laws


def _spec(
    stage: Stage[Any], group: str, owner: str, kinds: Iterable[str], sources: Sequence[dg.AssetKey]
) -> dg.AssetSpec:
    return dg.AssetSpec(
        stage.name,
        deps=[*stage.upstream, *sources],
        description=stage.description,
        metadata=table_metadata(stage.name),
        group_name=group,
        kinds=set(kinds),
        owners=[owner],
    ).with_io_manager_key(GATED_LAKE)


def _materialized(context: dg.AssetExecutionContext, name: str, manifests: Sequence[Manifest]) -> dg.MaterializeResult:
    """Return the result of a run after giving every day its own numbers, or those of the range it was made in."""
    own = {manifest.partition: manifest for manifest in manifests}
    apart = [manifest for manifest in manifests if manifest.partition not in context.partition_keys]
    for key in context.partition_keys:
        for manifest in [own[key]] if key in own else apart[:1]:
            context.add_asset_metadata(partition_metadata(manifest), asset_key=name, partition_key=key)
    shown = [apart_metadata(manifest) for manifest in apart if any(key in own for key in context.partition_keys)]
    metadata = {name: value for found in shown for name, value in found.items()}
    return dg.MaterializeResult(asset_key=name, metadata=metadata)
