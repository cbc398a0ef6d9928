"""The rows to be, before they are written: who says what about which task, and when."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from distill_platform.refinery.sample.dice import Dice
from distill_platform.refinery.sample.tasks import DAYS, Task

FIRST_DAY = datetime(2026, 4, 20, tzinfo=UTC)
_DAY_SHARES = (17, 18, 17, 18, 16, 8, 6)
"""How busy the seven days are, in percent: Monday to Sunday."""

# Per stream and outcome the number of rows; with the repeated lines (below) they make 1,053.
OUTCOMES: Mapping[str, Mapping[str, int]] = {
    "scrum_reviews": {"attempt_1": 111, "attempt_2_3": 49, "attempt_4": 12},
    "audits": {"info": 120, "low": 97, "medium": 29, "high": 13, "critical": 5},
    "observer_reviews": {"accept": 22, "cycle": 3, "reject": 19},
    "contract_analyses": {"accept": 1, "failed": 1},
    "mode_experiments": {
        "grounded": 72, "partly_grounded": 28, "not_grounded": 16, "slow": 10, "empty": 6, "no_grounding": 36,
    },
    "auto_apply": {"committed": 48, "reverted": 22, "other": 23},
    "outcomes": {"all_ok": 58, "gaps": 25, "neither": 16},
    "distilled_facts": {"fact": 69},
    "distilled_procedures": {"procedure": 34},
    "distilled_config_hints": {"hint": 28},
    "audit_facts": {"fact": 46},
    "observer_escalations": {"escalation": 28},
}  # fmt: skip
REPEATS: Mapping[str, tuple[int, ...]] = {"auto_apply": (1, 2), "outcomes": (1,), "distilled_facts": (1, 1)}
"""Per stream, how often single lines are written again, byte for byte."""
VERDICT_STREAMS = ("scrum_reviews", "audits", "observer_reviews", "contract_analyses")
EXTRACTION_STREAMS = (
    "distilled_facts", "distilled_procedures", "distilled_config_hints", "audit_facts", "observer_escalations",
)  # fmt: skip


@dataclass(eq=False)
class Draft:
    """One row to be. What is still None is drawn by lot."""

    stream: str
    outcome: str
    number: int
    task: Task | None = None
    day: int | None = None
    moment: datetime | None = None
    text: str | None = None
    undated: bool = False
    copies: int = 0

    def dice(self, seed: int, purpose: str) -> Dice:
        """The row's own randomness: no other row's content depends on it."""
        return Dice(seed, self.stream, self.outcome, self.number, purpose)


class Book:
    """All drafts; plants claim theirs first, lots fill the rest."""

    def __init__(self) -> None:
        """Open one draft per row of every stream."""
        self._drafts = [
            Draft(stream, outcome, number)
            for stream, outcomes in OUTCOMES.items()
            for outcome, count in outcomes.items()
            for number in range(count)
        ]
        self._free = {
            (stream, outcome): [d for d in self._drafts if (d.stream, d.outcome) == (stream, outcome)]
            for stream, outcomes in OUTCOMES.items()
            for outcome in outcomes
        }

    def claim(self, stream: str, outcome: str) -> Draft:
        """A draft of that stream and outcome that nobody has claimed."""
        return self._free[stream, outcome].pop()

    def __iter__(self) -> Iterator[Draft]:
        """All drafts, stream by stream."""
        return iter(self._drafts)


def draw_day(dice: Dice) -> int:
    """A day of the week, 0 to 6, by its share."""
    ticket = dice.between(0, sum(_DAY_SHARES) - 1)
    for day in range(DAYS):
        ticket -= _DAY_SHARES[day]
        if ticket < 0:
            return day
    raise AssertionError("unreachable: the shares are exhausted")


def draw_moment(dice: Dice, day: int) -> datetime:
    """An instant of that UTC day, mostly in working hours."""
    hour = dice.between(6, 19) if dice.fraction() < 0.8 else dice.between(0, 23)
    second = hour * 3600 + dice.between(0, 3599)
    return FIRST_DAY + timedelta(days=day, seconds=second, milliseconds=dice.between(0, 999))


def draw_task(dice: Dice, day: int, tasks: Sequence[Task]) -> Task:
    """A task that is worked on that day; some are worked on far more than others."""
    active = [task for task in tasks if day in task.days]
    return active[int(len(active) * dice.fraction() ** 1.5)]
