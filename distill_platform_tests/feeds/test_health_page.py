"""The health page: who owes what today, how every source went, and nothing unknown is a pass."""

from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest

from distill_platform.feeds.health_page import HealthDay, health_page
from distill_platform.feeds.schemas import BREACHES, HEALTH
from distill_platform_tests.evaluation.report.hostile import TEXTS
from distill_platform_tests.pages.outline import Outline

FIRST = date(2026, 4, 1)


def source(name: str, **changes: Any) -> dict[str, Any]:
    sound = {
        "source": name, "tier": 1, "confidence": 0.9, "attempts": 96, "successes": 95, "failures": 1, "empty": 0,
        "rate_limited": 1, "held_back": 0, "success_rate": 0.99, "latency_p50_s": 0.12, "latency_p95_s": 1.5,
        "lag_p50_s": 30.0, "lag_p95_s": 90.0, "breaker": "closed", "owes": True,
    }  # fmt: skip
    return {**sound, **changes}


def day(number: int, *sources: dict[str, Any], owed: tuple[tuple[str, str], ...] = ()) -> HealthDay:
    breaches = [{"source": name, "breach": said} for name, said in owed]
    health = pa.Table.from_pylist(list(sources), HEALTH)
    return HealthDay(FIRST + timedelta(days=number), health, pa.Table.from_pylist(breaches, BREACHES))


def words(*days: HealthDay) -> str:
    return " ".join(" ".join(Outline(health_page(days)).words).split())


def test_sources_that_gave_all_that_they_owe_are_sound() -> None:
    said = words(day(0, source("gdelt"), source("fred")), day(1, source("gdelt"), source("fred")))
    assert "2 sources: each gave what it owes." in said
    assert "None: every source gave what it owes on every day." in said
    assert "in breach" not in said


def test_history_owes_nothing_and_is_no_pass_either() -> None:
    page = health_page([day(0, source("archive", owes=False), source("prices", owes=False))])
    assert 'header class="closed"' in page
    said = words(day(0, source("archive", owes=False), source("gdelt")))
    assert "2 sources of history, which owe nothing." in page
    assert "1 source: each gave what it owes. 1 source of history beside." in said
    assert "in breach" in words(day(0, source("archive", owes=False), owed=(("archive", "A clock is wrong."),)))


def test_what_is_owed_on_the_newest_day_stands_first_whatever_the_order_of_the_days() -> None:
    late = day(1, source("gdelt", success_rate=0.5), owed=(("gdelt", "Only 50 % gave data."),))
    said = words(late, day(0, source("gdelt")))
    assert "1 source of 1 gave less than owed." in said
    assert said.index("gdelt. Only 50 % gave data.") < said.index("Day by day")
    assert "1 of 2" in said


def test_a_breach_of_an_earlier_day_is_history() -> None:
    said = words(day(0, source("gdelt"), owed=(("gdelt", "Too late."),)), day(1, source("gdelt")))
    assert "1 source: each gave what it owes." in said
    assert "2026-04-01 gdelt Too late." in said


def test_a_source_that_nobody_measured_today_is_no_pass() -> None:
    page = health_page([day(0, source("gdelt"), source("fred")), day(1, source("gdelt"))])
    said = " ".join(" ".join(Outline(page).words).split())
    assert 'header class="fail"' in page
    assert "fred. Nothing was measured on this day, and what is not known is no pass." in said


def test_no_days_and_no_sources_are_no_pass() -> None:
    for page in (health_page([]), health_page([day(0)])):
        assert 'header class="fail"' in page
        assert "No source was measured on any day." in page


def test_what_was_not_there_to_measure_is_a_dash() -> None:
    unknown = dict.fromkeys(("success_rate", "latency_p50_s", "latency_p95_s", "lag_p50_s", "lag_p95_s"))
    said = words(day(0, source("gdelt", attempts=0, successes=0, **unknown), owed=(("gdelt", "Nobody asked gdelt."),)))
    assert "–, –" in said
    assert "None" not in said


def test_durations_and_breakers_are_said_as_people_say_them() -> None:
    said = words(day(0, source("gdelt", latency_p50_s=0.12, lag_p95_s=90_000.0, breaker="half_open")))
    for text in ("120 ms, 1.5 s", "30.0 s, 25.0 h", "half open: being tried"):
        assert text in said


@pytest.mark.parametrize("text", [text for text in TEXTS if text != "\ud800"])
def test_a_source_cannot_break_out_of_the_page(text: str) -> None:
    def outline(name: str) -> Outline:
        return Outline(health_page([day(0, source(name, breaker=name), owed=((name, name),))]))

    assert outline(text).tags == outline("harmless").tags
    assert not any(link for link in outline(text).links)


def test_the_same_days_give_the_same_bytes() -> None:
    days = [day(0, source("gdelt"), source("fred")), day(1, source("fred"), source("gdelt"))]
    assert health_page(days) == health_page(days[::-1])
