"""Partitions: how the graph is cut in time. Every asset of the refinery is cut the same way."""

from __future__ import annotations

import dagster as dg

FIRST_DAY = "2021-01-01"
"""Before any trace of a language model's work that somebody is likely to have. The terminal takes earlier days too."""

DAILY = dg.DailyPartitionsDefinition(FIRST_DAY, timezone="UTC")
"""UTC days. A day becomes a partition when it is over, so that no partition is half a day."""

WHOLE_RANGE = dg.BackfillPolicy.single_run()
"""Any range of days is one run; a year is not 365."""
