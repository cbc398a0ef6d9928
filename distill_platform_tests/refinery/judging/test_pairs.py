"""Pairs: a better and a worse answer to the same prompt, chosen by a rule that knows nothing of input order."""

import random
import time
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from distill_platform.refinery.judging.gates import REASONS, Judgement
from distill_platform.refinery.judging.pairs import pair_up

A, P, R = 0, 1, 3
Made = tuple[list[tuple[str, str]], dict[str, str]]


class Few(SimpleNamespace):
    """As much of the candidates as pairing looks at."""

    def __len__(self) -> int:
        """How many there are."""
        return len(self.task)


def paired(*records: tuple[str, int, str, str], cap: int = 5, task: str = "t", order: list[int] | None = None) -> Made:
    """Pair records (name, category, run, prompt), best first, and return the pairs and what became of the others."""
    return over([(task, *record) for record in records], cap, order)


def over(records: list[tuple[str, str, int, str, str]], cap: int = 5, order: list[int] | None = None) -> Made:
    """Pair records (task, name, category, run, prompt); `order` says in which order they stand in the tables."""
    order = list(range(len(records))) if order is None else order
    rows = [records[place] for place in order]
    codes = [{value: n for n, value in enumerate(sorted({row[at] for row in records}))} for at in (0, 3, 4)]
    found = Few(
        task=np.array([codes[0][row[0]] for row in rows], np.int64),
        category=np.array([row[2] for row in rows], np.int64),
        run=np.array([codes[1][row[3]] for row in rows], np.int64),
        prompt=np.array([codes[2][row[4]] for row in rows], np.uint64),
        order=np.argsort(np.array(order, np.int64)),
    )
    judgement = Judgement(np.zeros(len(rows), np.int64), np.full(len(rows), -1, np.int64))
    pairs = pair_up(found, judgement, cap)  # type: ignore[arg-type]
    names = [row[1] for row in rows]
    dropped = {names[row]: str(REASONS[code - 1]) for row, code in enumerate(judgement.codes.tolist()) if code}
    return [(names[a], names[b]) for a, b in zip(pairs.chosen, pairs.rejected, strict=True)], dropped


def test_rejected_answers_are_paired_before_partially_accepted_ones() -> None:
    made = paired(("a", A, "1", "?"), ("p", P, "2", "?"), ("r", R, "3", "?"))
    assert made == ([("a", "r"), ("a", "p")], {})
    made = paired(("a", A, "1", "?"), ("p", P, "2", "?"), ("r", R, "3", "?"), cap=1)
    assert made == ([("a", "r")], {"p": "pair_cap"})


def test_the_best_are_paired_with_the_best_before_any_is_used_again() -> None:
    good = [(f"a{n}", A, f"a{n}", "?") for n in range(3)]
    bad = [(f"r{n}", R, f"r{n}", "?") for n in range(3)]
    made, dropped = paired(*good, *bad, cap=9)
    assert made[:3] == [("a0", "r0"), ("a1", "r1"), ("a2", "r2")]
    assert made[3:5] == [("a0", "r1"), ("a1", "r0")]
    assert len(set(made)) == 9
    assert dropped == {}


def test_a_task_has_room_for_so_many_pairs_and_the_rest_is_counted() -> None:
    records = [(f"{kind}{n}", kind, f"{kind}{n}", "?") for kind in (A, R) for n in range(8)]
    made, dropped = paired(*records)
    assert len(made) == 5
    assert set(dropped.values()) == {"pair_cap"}
    assert {name for pair in made for name in pair}.isdisjoint(dropped)
    assert len(dropped) + len({name for pair in made for name in pair}) == 16


def test_an_answer_is_never_paired_with_one_of_its_own_run() -> None:
    assert paired(("a", A, "1", "?"), ("r", R, "1", "?")) == ([], {"a": "self_pairing", "r": "self_pairing"})
    made = paired(("a", A, "1", "?"), ("r", R, "1", "?"), ("s", R, "2", "?"))
    assert made == ([("a", "s")], {"r": "self_pairing"})


def test_answers_to_different_prompts_are_no_pair() -> None:
    made = paired(("a", A, "1", "How?"), ("r", R, "2", "Why?"))
    assert made == ([], {"a": "invalid_preference_pairing", "r": "invalid_preference_pairing"})


def test_two_worse_answers_are_no_pair_and_neither_are_two_tasks() -> None:
    assert paired(("p", P, "1", "?"), ("r", R, "2", "?"))[1] == {"p": "no_counterpart", "r": "no_counterpart"}
    made = over([("t", "a", A, "1", "?"), ("u", "r", R, "2", "?")])
    assert made == ([], {"a": "no_counterpart", "r": "no_counterpart"})


RECORDS = st.lists(
    st.tuples(st.sampled_from("tu"), st.sampled_from((A, P, R)), st.sampled_from("123"), st.sampled_from("?!")),
    max_size=24,
)


@given(RECORDS, st.integers(1, 6), st.randoms(use_true_random=False))
def test_pairs_do_not_depend_on_the_order_of_the_rows_and_obey_the_rules(
    drawn: list[tuple[str, int, str, str]], cap: int, dice: random.Random
) -> None:
    records = [(task, f"n{number}", *rest) for number, (task, *rest) in enumerate(drawn)]
    by_name = {record[1]: record for record in records}
    made, dropped = over(records, cap)
    again, dropped_again = over(records, cap, dice.sample(range(len(records)), len(records)))
    assert (sorted(again), dropped_again) == (sorted(made), dropped)
    for better, worse in made:
        task, _, category, run, prompt = by_name[better]
        assert category == A
        assert by_name[worse][2] in (P, R)
        assert (by_name[worse][0], by_name[worse][4]) == (task, prompt)
        assert by_name[worse][3] != run
    assert len(set(made)) == len(made)
    assert max(Counter(by_name[better][0] for better, _ in made).values(), default=0) <= cap
    assert {name for pair in made for name in pair} | set(dropped) == set(by_name)
    assert {name for pair in made for name in pair}.isdisjoint(dropped)


@given(RECORDS, st.integers(1, 6))
def test_no_possible_pair_is_left_while_there_is_room(drawn: list[tuple[str, int, str, str]], cap: int) -> None:
    records = [(task, f"n{number}", *rest) for number, (task, *rest) in enumerate(drawn)]
    made, _ = over(records, cap)
    for task in "tu":
        mine = [record for record in records if record[0] == task]
        possible = sum(a[2] == A and b[2] != A and a[3] != b[3] and a[4] == b[4] for a in mine for b in mine)
        assert sum(better in {r[1] for r in mine} for better, _ in made) == min(cap, possible)


@pytest.mark.parametrize("runs", ["all different", "one but for the last"])
@pytest.mark.parametrize("cap", [5, 500])
def test_thousands_of_answers_to_one_task_are_paired_at_once(runs: str, cap: int) -> None:
    count = 4_000
    records = [
        (f"{kind}-{n}", kind, f"{kind}-{n}" if runs == "all different" else str(n == count - 1), "?")
        for kind in (A, R)
        for n in range(count)
    ]
    started = time.perf_counter()
    made, _ = paired(*records, cap=cap)
    assert len(made) == cap
    assert time.perf_counter() - started < 10
