"""Partitions: how the graph is cut in time: facts and judgements by day, training by week."""

from __future__ import annotations

import dagster as dg

FIRST_DAY = "2021-01-01"
"""Before any trace of a language model's work that somebody is likely to have. The terminal takes earlier days too."""

DAILY = dg.DailyPartitionsDefinition(FIRST_DAY, timezone="UTC", end_offset=1)
"""UTC days, today included: run bundles are judged on the day they arrive, each time one does.

Traces are built when their day is over: schedule and sensor see to it.
"""

WEEKLY = dg.WeeklyPartitionsDefinition("2021-01-04", timezone="UTC", day_offset=1)
"""UTC weeks by their Mondays: models are trained when a week is over, on what was known until then."""

WHOLE_RANGE = dg.BackfillPolicy.single_run()
"""Any range of days is one run; a year is not 365."""
