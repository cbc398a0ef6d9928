"""Turns: of several writers that decided on the same revision, one is next."""

from concurrent.futures import ThreadPoolExecutor

from distill_platform.store.ledger import Ledger, Revision, take_turn

STREAM = "model/btc"


def turn(ledger: Ledger, after: int, said: int) -> Revision | None:
    return take_turn(ledger, STREAM, after=after, kind="said", body={"said": said}, actor="ada")


def test_who_comes_after_the_last_revision_is_next(opened: Ledger) -> None:
    assert [revision and revision.number for revision in (turn(opened, 0, 1), turn(opened, 1, 2))] == [1, 2]
    assert [revision.body for revision in opened.read(STREAM)] == [{"said": 1}, {"said": 2}]


def test_a_turn_that_is_taken_is_not_had_by_another(opened: Ledger) -> None:
    first = turn(opened, 0, 1)
    assert turn(opened, 0, 2) is None
    assert turn(opened, 0, 1) == first
    assert len(opened.read(STREAM)) == 1


def test_of_eight_that_want_the_same_turn_one_has_it(opened: Ledger) -> None:
    with ThreadPoolExecutor(8) as pool:
        had = list(pool.map(lambda said: turn(opened, 0, said), range(8)))
    assert sum(revision is not None for revision in had) == 1
