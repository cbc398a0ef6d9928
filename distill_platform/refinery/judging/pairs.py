"""Pairs: two answers to the same prompt of the same task, one better than the other.

Accepted x rejected first, then accepted x partially accepted. Within a task the best pairs come first by the ranks of
their two answers, spreading over different answers before any is used again; the rule knows nothing of input order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from typing import NamedTuple

import numpy as np

from distill_platform.refinery.judging.candidates import Candidates, Ints
from distill_platform.refinery.judging.gates import Judgement
from distill_platform.refinery.quarantine import Reason
from distill_platform.refinery.streams import Category

_ACCEPTED, _PARTIAL, _REJECTED = (
    category.rank for category in (Category.ACCEPTED, Category.PARTIALLY_ACCEPTED, Category.REJECTED)
)


@dataclass(frozen=True)
class Pairs:
    """Chosen and rejected records, pair by pair, ordered by task and then best first."""

    chosen: Ints
    rejected: Ints


class _Known(NamedTuple):
    """What pairing looks at, per record, as lists: a single element of an array is slow to get."""

    category: list[int]
    prompt: list[int]
    run: list[int]


def pair_up(candidates: Candidates, judgement: Judgement, max_per_task: int) -> Pairs:
    """Return the pairs among the records the gates kept; records in no pair are dropped from `judgement` with why."""
    rank = np.empty(len(candidates), np.int64)
    rank[candidates.order] = np.arange(len(candidates))
    _drop_lonely(candidates, judgement)
    kept = np.flatnonzero(judgement.kept)
    kept = kept[np.lexsort((rank[kept], candidates.task[kept]))]
    pairs: list[tuple[int, int]] = []
    dropped: dict[Reason, list[int]] = defaultdict(list)
    task = candidates.task.tolist()
    known = _Known(candidates.category.tolist(), candidates.prompt.tolist(), candidates.run.tolist())
    for _, rows in groupby(kept.tolist(), key=task.__getitem__):
        found, why = _of_task(known, list(rows), max_per_task)
        pairs.extend(found)
        for reason, unused in why:
            dropped[reason].extend(unused)
    for reason, unused in dropped.items():
        judgement.drop(np.array(unused, np.int64), reason)
    columns = np.array(pairs, np.int64).reshape(-1, 2)
    return Pairs(columns[:, 0], columns[:, 1])


def _drop_lonely(candidates: Candidates, judgement: Judgement) -> None:
    """Drop at one stroke the records of tasks that lack either an accepted answer or a worse one: most tasks do."""
    kept = np.flatnonzero(judgement.kept)
    sides = []
    for accepted in (True, False):
        have = kept[(candidates.category[kept] == _ACCEPTED) == accepted]
        sides.append(np.isin(candidates.task[kept], candidates.task[have]))
    judgement.drop(kept[~(sides[0] & sides[1])], Reason.NO_COUNTERPART)


Dropped = list[tuple[Reason, list[int]]]


def _of_task(known: _Known, rows: list[int], most: int) -> tuple[list[tuple[int, int]], Dropped]:
    """Return the pairs of one task (rows best first), and its unused rows by reason; of equals, the best come first."""
    runs = known.run
    place = {row: number for number, row in enumerate(rows)}
    possible: list[tuple[int, ...]] = []
    able: set[int] = set()
    selfish: set[int] = set()
    for kind, accepted, worse in _sides(known, rows):
        partnered = _with_partner(runs, accepted, worse) | _with_partner(runs, worse, accepted)
        able |= partnered
        selfish |= {*accepted, *worse}
        if partnered:
            fit = (found for found in _diagonals(accepted, worse) if runs[found[2]] != runs[found[3]])
            possible += [(kind, *nearness, place[a], place[b]) for *nearness, a, b in islice(fit, most)]
    pairs = [(rows[chosen], rows[rejected]) for *_, chosen, rejected in sorted(possible)[:most]]
    used = {row for pair in pairs for row in pair}
    return pairs, _unused(known, rows, used, able, selfish - able)


def _sides(known: _Known, rows: list[int]) -> Iterator[tuple[int, list[int], list[int]]]:
    """Yield (kind, accepted, worse) for rows with the same prompt, rejected ones before partially accepted ones."""
    groups: dict[int, list[int]] = defaultdict(list)
    for row in rows:
        groups[known.prompt[row]].append(row)
    for group in groups.values():
        accepted = [row for row in group if known.category[row] == _ACCEPTED]
        for kind, category in enumerate((_REJECTED, _PARTIAL)):
            worse = [row for row in group if known.category[row] == category]
            if accepted and worse:
                yield kind, accepted, worse


def _with_partner(runs: list[int], mine: list[int], others: list[int]) -> set[int]:
    """Return those of `mine` that can be paired with a record of another run."""
    found = {runs[row] for row in others}
    return {row for row in mine if runs[row] not in found} if len(found) == 1 else set(mine)


def _diagonals(accepted: list[int], worse: list[int]) -> Iterator[tuple[int, int, int, int]]:
    """Yield (distance, rank, chosen, rejected): equal ranks first, (0,0), (1,1), ..., then neighbours, then farther."""
    for distance in range(max(len(accepted), len(worse))):
        for first in range(min(len(accepted), len(worse) + distance)):
            for second in sorted({first - distance, first + distance}):
                if 0 <= second < len(worse):
                    yield distance, first, accepted[first], worse[second]


def _unused(known: _Known, rows: list[int], used: set[int], able: set[int], selfish: set[int]) -> Dropped:
    lonely = [row for row in rows if row not in able and row not in selfish]
    sides = {known.category[row] for row in rows}
    mismatched = [row for row in lonely if _has_counterpart(known.category[row], sides)]
    return [
        (Reason.SELF_PAIRING, sorted(selfish)),
        (Reason.PAIR_CAP, sorted(able - used)),
        (Reason.INVALID_PREFERENCE_PAIRING, mismatched),
        (Reason.NO_COUNTERPART, lonely),
    ]


def _has_counterpart(category: int, sides: set[int]) -> bool:
    """Return whether the task holds a category that could pair with this one, so that only the prompt stood between."""
    return len(sides) > 1 if category == _ACCEPTED else _ACCEPTED in sides
