"""What is planted in the sample on purpose, so that every gate has something to find."""

import string
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType

from distill_platform.refinery.sample import prose
from distill_platform.refinery.sample.benchmark import ITEMS
from distill_platform.refinery.sample.book import FIRST_DAY, REPEATS, Book, Draft
from distill_platform.refinery.sample.dice import Dice
from distill_platform.refinery.sample.tasks import DAYS, Task, leaking_task, quoting_tasks

Groups = list[list[Draft]]
Plant = Callable[["Bed"], Groups]


class Bed:
    """Where plants go: the book of drafts, the ordinary tasks and the seed."""

    def __init__(self, seed: int, book: Book, tasks: tuple[Task, ...]) -> None:
        """Keep what a plant needs."""
        self.seed = seed
        self._book = book
        self._tasks = tasks
        self._next_task = 0

    def task(self) -> Task:
        """The next ordinary task, so that plants do not crowd on one."""
        self._next_task += 1
        return self._tasks[self._next_task * 11 % len(self._tasks)]

    def put(self, stream: str, outcome: str, task: Task, day: int, text: str | None = None) -> Draft:
        """Claim a draft and settle its task, its day and, where given, its text."""
        draft = self._book.claim(stream, outcome)
        draft.task, draft.day, draft.text = task, day, text
        return draft

    def text(self, task: Task, name: object, low: int = 400, high: int = 900) -> str:
        """A text about the task."""
        return prose.compose(Dice(self.seed, "plant", name), "review", task.subject, low, high)

    def secret(self, number: int) -> str:
        """A token in the shape of a source host's access token, made up and put together here."""
        letters = string.ascii_letters + string.digits
        return "gh" + "p_" + Dice(self.seed, "secret", number).token(letters, 36)


def _verdict_conflicts(bed: Bed) -> Groups:
    same_day, next_day = bed.task(), bed.task()
    first, second = bed.text(same_day, "conflict 1"), bed.text(next_day, "conflict 2")
    return [
        [
            bed.put("scrum_reviews", "attempt_1", same_day, same_day.days[0], first),
            bed.put("audits", "high", same_day, same_day.days[0], first),
        ],
        [
            bed.put("audits", "info", next_day, next_day.days[0], second),
            bed.put("observer_reviews", "reject", next_day, next_day.days[1], second),
        ],
    ]


def _restyled_conflicts(bed: Bed) -> Groups:
    task = bed.task()
    text = bed.text(task, "conflict 3")
    return [
        [
            bed.put("mode_experiments", "grounded", task, task.days[0], text),
            bed.put("observer_reviews", "reject", task, task.days[0], prose.restyled(text)),
        ]
    ]


def _exact_duplicates(bed: Bed) -> Groups:
    streams, days, three = bed.task(), bed.task(), bed.task()
    one, two, many = (bed.text(task, f"duplicate {task.task_id}") for task in (streams, days, three))
    return [
        [
            bed.put("scrum_reviews", "attempt_1", streams, streams.days[0], one),
            bed.put("audits", "info", streams, streams.days[0], one),
        ],
        [
            bed.put("scrum_reviews", "attempt_1", days, days.days[0], two),
            bed.put("scrum_reviews", "attempt_1", days, days.days[1], two),
        ],
        [
            bed.put("scrum_reviews", "attempt_1", three, three.days[0], many),
            bed.put("mode_experiments", "grounded", three, three.days[0], many),
            bed.put("audits", "low", three, three.days[1], many),
        ],
    ]


def _near_duplicates(bed: Bed) -> Groups:
    groups: Groups = []
    plan = (
        (("scrum_reviews", "attempt_1", 0), ("scrum_reviews", "attempt_1", 0)),
        (("mode_experiments", "grounded", 0), ("scrum_reviews", "attempt_1", 0), ("audits", "info", 0)),
        (("scrum_reviews", "attempt_1", 0), ("audits", "low", 1)),
        (("audits", "info", 0), ("observer_reviews", "accept", 0)),
    )
    for number, places in enumerate(plan):
        task = bed.task()
        text = bed.text(task, f"near {number}", 1300, 1450)
        groups.append([])
        for turn, (stream, outcome, day) in enumerate(places):
            other = prose.reworded(Dice(bed.seed, "near", number, turn), text, 2) if turn else text
            groups[-1].append(bed.put(stream, outcome, task, task.days[day], other))
    return groups


def _personal_data(bed: Bed) -> Groups:
    places = (
        ("scrum_reviews", "attempt_1", "Questions go to nora.keller{n}@example.com before the merge."),
        ("scrum_reviews", "attempt_1", "The on-call number in the runbook is +1-555-01{n}; keep it out of the log."),
        ("scrum_reviews", "attempt_2_3", "The failing tenant wrote from ops+{n}@mail.example.com."),
        ("audits", "info", "The owner in the file header is t.okafor{n}@example.org, phone +1-202-555-01{n}."),
        ("audits", "low", "The fixture still holds the number (202) 555-01{n} of a test customer."),
        ("mode_experiments", "grounded", "Ask data-desk{n}@example.net or call +1-312-555-01{n} for the replay."),
    )
    groups: Groups = []
    for number, (stream, outcome, sentence) in enumerate(places):
        task = bed.task()
        text = f"{bed.text(task, f'personal {number}')} {sentence.format(n=40 + number)}"
        groups.append([bed.put(stream, outcome, task, task.days[number % 2], text)])
    return groups


def _secrets(bed: Bed) -> Groups:
    groups: Groups = []
    for number, (stream, outcome) in enumerate((("scrum_reviews", "attempt_1"), ("mode_experiments", "grounded"))):
        task = bed.task()
        leak = f"The debug output printed the token {bed.secret(number)} in clear."
        text = f"{bed.text(task, f'secret {number}')} {leak}"
        groups.append([bed.put(stream, outcome, task, task.days[0], text)])
    asked = leaking_task(bed.seed, bed.secret(2))
    groups.append([bed.put("audits", "info", asked, 3)])
    return groups


def _quoted_questions(bed: Bed) -> Groups:
    groups: Groups = []
    for day, task in enumerate(quoting_tasks(bed.seed)):
        groups.append(
            [
                bed.put("scrum_reviews", "attempt_1", task, day),
                bed.put("mode_experiments", "grounded", task, day),
                bed.put("observer_reviews", "reject", task, day),
            ]
        )
    return groups


def _quoted_answers(bed: Bed) -> Groups:
    groups: Groups = []
    for number, (stream, outcome) in enumerate((("scrum_reviews", "attempt_1"), ("audits", "info"))):
        task = bed.task()
        text = f"In short, for this part: {ITEMS[number * 7 + 2][1]}"
        groups.append([bed.put(stream, outcome, task, task.days[0], text)])
    return groups


def _empty_answers(bed: Bed) -> Groups:
    places = [("mode_experiments", "empty")] * 6 + [("scrum_reviews", "attempt_1"), ("audits", "info")]
    places += [("distilled_facts", "fact")]
    groups: Groups = []
    for number, (stream, outcome) in enumerate(places):
        task = bed.task()
        groups.append([bed.put(stream, outcome, task, task.days[number % 2], "")])
    return groups


def _midnight(bed: Bed) -> Groups:
    groups: Groups = []
    for day in range(DAYS):
        for stream, outcome, milliseconds in (
            ("scrum_reviews", "attempt_1", 1 + day),
            ("observer_reviews", "accept", 86_399_000 + 100 * day),
            ("audits", "low", 0),
            ("mode_experiments", "grounded", 86_399_999),
        ):
            task = bed.task()
            draft = bed.put(stream, outcome, task, day)
            draft.moment = FIRST_DAY + timedelta(days=day, milliseconds=milliseconds)
            groups.append([draft])
    return groups


def _undated(bed: Bed) -> Groups:
    groups: Groups = []
    for outcome in ("all_ok", "gaps"):
        task = bed.task()
        draft = bed.put("outcomes", outcome, task, task.days[0])
        draft.undated = True
        groups.append([draft])
    return groups


def _repeated_lines(bed: Bed) -> Groups:
    outcomes = {"auto_apply": "committed", "outcomes": "all_ok", "distilled_facts": "fact"}
    groups: Groups = []
    for stream, repeats in REPEATS.items():
        for copies in repeats:
            task = bed.task()
            draft = bed.put(stream, outcomes[stream], task, task.days[0])
            draft.copies = copies
            groups.append([draft])
    return groups


def _pairs_of_a_day(bed: Bed) -> Groups:
    groups: Groups = []
    for day in range(DAYS):
        task = bed.task()
        groups.append(
            [
                bed.put("audits", "info", task, day),
                bed.put("observer_reviews" if day % 2 else "audits", "reject" if day % 2 else "high", task, day),
            ]
        )
    return groups


PLANTS: Mapping[str, Plant] = MappingProxyType(
    {
        "verdict_conflict": _verdict_conflicts,
        "verdict_conflict_restyled": _restyled_conflicts,
        "exact_duplicate": _exact_duplicates,
        "near_duplicate": _near_duplicates,
        "pii": _personal_data,
        "secret": _secrets,
        "eval_prompt": _quoted_questions,
        "eval_answer": _quoted_answers,
        "empty_answer": _empty_answers,
        "midnight": _midnight,
        "undated": _undated,
        "repeated_line": _repeated_lines,
        "pair_of_a_day": _pairs_of_a_day,
    }
)
"""Kind of plant -> what puts it into the book and returns its rows, in groups that belong together."""
