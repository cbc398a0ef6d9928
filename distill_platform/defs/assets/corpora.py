"""Corpora: what training reads. All four come from the same judged candidates, each behind the whole firewall."""

from distill_platform.defs.assets.rooms import REFINERY
from distill_platform.defs.assets.stage import stage_assets
from distill_platform.refinery.schemas import CORPORA

corpora = stage_assets(REFINERY, *CORPORA, group="corpora", laws=("firewall", "unique_ids"))
