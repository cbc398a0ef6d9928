"""What `dagster -m distill_platform.definitions` loads; it is put together in `defs/assembly.py`."""

from distill_platform.defs.assembly import build_defs

defs = build_defs()
