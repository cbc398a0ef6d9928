"""Predictions: every score says what it was made of, by whom, and whether it decided."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings as examples, strategies as st

from distill_platform.core.errors import ModelError
from distill_platform.feeds.events.attribution import top_events
from distill_platform.feeds.events.event import MARKET
from distill_platform.feeds.events.projecting import ProjectionSettings
from distill_platform.models.frames import FeatureFrame
from distill_platform.models.predictions.event_index import index_events
from distill_platform.models.predictions.explaining import Scored, explain
from distill_platform.models.predictions.schema import BASE, PREDICTIONS, REST
from distill_platform.models.predictions.serving import serving
from distill_platform.models.registry import ModelState, record_event, registry_view
from distill_platform.models.ridge import RidgeSettings, fit_ridge
from distill_platform.store.ledger import Ledger
from distill_platform_tests.feeds.event_tables import START_NS, event, events_table
from distill_platform_tests.models.made_frames import made_frame
from distill_platform_tests.models.made_models import LINE, event as model_event
from distill_platform_tests.models.rollout.made_rollouts import NEW, OLD, SETTINGS, rise, with_line

HOUR = 3_600 * 10**9
TRAINED = made_frame(bars=400, symbols=2, features=12, edge=0.5, missing=0.05)
RIDGE = fit_ridge(TRAINED, TRAINED.features.names, RidgeSettings())


def frame(rows: int = 40) -> FeatureFrame:
    """Return rows of the symbols A and B from the events' START on."""
    made = made_frame(bars=rows // 2, symbols=2, features=12, seed=3, missing=0.1).features
    return replace(made, ts=made.ts - made.ts[0] + START_NS + 48 * HOUR)


def scored(given_frame: FeatureFrame | None = None) -> Scored:
    rows = frame() if given_frame is None else given_frame
    full = np.ones(len(rows), dtype=np.bool_)
    scores, added, weights = RIDGE.scores(rows), RIDGE.contributions(rows), np.full(len(rows), 0.25)
    return Scored(NEW, "tabular_only", ModelState.CANARY, rows, RIDGE.feature_names, scores, weights, added, full)


def test_a_prediction_says_who_made_it_of_what_and_where_it_stood() -> None:
    row = explain(scored(), None).to_pylist()[0]
    wanted = {
        "line": LINE, "symbol": "A", "stage": "canary", "policy": "tabular_only", "serves": True, "weight": 0.25,
        "artifact_sha256": NEW.artifact_sha256, "model_name": "blend", "model_version": "1", "feature_version": "1",
        "feature_payload_schema_version": "a" * 64, "data_version": "b" * 64, "lineage_id": "c" * 64,
        "events": [], "tiers": [],
    }  # fmt: skip
    assert {name: row[name] for name in wanted} == wanted
    assert row["ts"].isoformat() == "2026-03-03T00:00:00+00:00"


@pytest.mark.parametrize("top", [0, 1, 5, 12, 50])
def test_contributions_sum_to_the_score_and_the_largest_come_first(top: int) -> None:
    given_scores = scored()
    table = explain(given_scores, None, top_features=top)
    assert table.schema == PREDICTIONS
    for row, missing in zip(table.to_pylist(), np.isnan(given_scores.frame.values), strict=True):
        parts = row["contributions"]
        assert math.fsum(each["contribution"] for each in parts) == pytest.approx(row["score"], abs=1e-12)
        assert [each["feature"] for each in parts[-2:]] == [REST, BASE]
        named = parts[:-2]
        assert len(named) == min(top, 12)
        assert all(abs(one["contribution"]) >= abs(other["contribution"]) for one, other in pairwise(named))
        absent = [name for name, is_missing in zip(given_scores.frame.names, missing, strict=True) if is_missing]
        assert row["missing"] == absent
        assert all((each["value"] is None) == (each["feature"] in absent) for each in named)


def test_a_model_starts_from_the_same_base_in_every_row() -> None:
    bases = [row["contributions"][-1]["contribution"] for row in explain(scored(), None).to_pylist()]
    assert bases == pytest.approx([RIDGE.intercept] * 40)


def test_a_row_that_cannot_be_scored_asks_for_nothing_and_decides_nothing() -> None:
    rows = frame()
    rows.is_usable[7] = False
    found = scored(rows)
    found.contributions[9, 2] = math.nan
    found.contributions[13, :2] = 1.7e308
    found.weights[11] = math.nan
    table = explain(found, None).to_pylist()
    for place in (7, 9, 13):
        seen = {name: table[place][name] for name in ("score", "weight", "serves", "contributions")}
        assert seen == {"score": None, "weight": 0.0, "serves": False, "contributions": []}
    assert (table[11]["weight"], table[11]["serves"]) == (0.0, True)
    assert sum(row["serves"] for row in table) == 37


def test_shapes_that_do_not_fit_are_refused() -> None:
    for name in ("scores", "weights", "contributions", "serves"):
        with pytest.raises(ModelError, match=name):
            explain(replace(scored(), **{name: getattr(scored(), name)[:-1]}), None)
    with pytest.raises(KeyError):
        scored(replace(frame(), names=tuple(f"y{place}" for place in range(12))))


def test_no_rows_make_an_empty_table() -> None:
    table = explain(scored(frame().rows(np.zeros(40, dtype=np.bool_))), index_events(events_table(), SETTING))
    assert (table.num_rows, table.schema) == (0, PREDICTIONS)


SETTING = ProjectionSettings()
EVENTS = st.lists(
    st.tuples(
        st.integers(0, 80), st.sampled_from(["A", "B", MARKET]), st.integers(1, 3), st.booleans(), st.booleans(),
        st.sampled_from([-1.0, 0.0, 0.5]),
    ),
    max_size=12, unique_by=lambda each: each[:2],
)  # fmt: skip


def table_of(rows: list[tuple[int, str, int, bool, bool, float]]) -> pa.Table:
    made = [
        event(hour, symbol, tier=tier, leads=leads, synthetic_link=guess, polarity=polarity)
        for hour, symbol, tier, leads, guess, polarity in rows
    ]
    return events_table(*made)


@examples(max_examples=40, deadline=None)
@given(rows=EVENTS, hour=st.integers(0, 90), count=st.integers(1, 6))
def test_the_index_gives_the_events_that_the_features_were_made_of(
    rows: list[tuple[int, str, int, bool, bool, float]], hour: int, count: int
) -> None:
    events, ts = table_of(rows), START_NS + hour * HOUR
    found = index_events(events, SETTING).heaviest("A", ts, count)
    slow = [each for symbol in ("A", MARKET) for each in top_events(events, symbol, ts, SETTING, 50)]
    assert [each["weight"] for each in found] == sorted((each.weight for each in slow), reverse=True)[:count]
    names = {(each.event_id, each.weight, each.age_h, each.polarity, each.tier) for each in slow}
    assert {(e["event_id"], e["weight"], e["age_h"], e["polarity"], e["tier"]) for e in found} <= names


def test_a_prediction_names_its_events_and_their_tiers_and_none_of_the_future() -> None:
    mine, everybody_s = (47, "A", 2, True, False, 0.5), (46, MARKET, 1, True, False, 0.0)
    later, another_s = (49, "A", 1, True, False, 0.0), (47, "B", 1, True, False, 0.0)
    events = table_of([mine, everybody_s, later, another_s])
    first, second, third = explain(scored(), index_events(events, SETTING)).to_pylist()[:3]
    assert [each["event_id"] for each in first["events"]] == ["market@46", "A@47"]
    assert (first["tiers"], second["tiers"]) == ([1, 2], [1])
    assert {each["event_id"] for each in third["events"]} == {"A@49", "market@46", "A@47"}
    assert all(each["age_h"] >= 0.0 for each in third["events"])


def test_each_unit_is_decided_on_by_one_model(ledger: Ledger) -> None:
    rows = frame(20_000)
    with_line(ledger)
    for kind, share in (("shadow", 0.0), ("canary", 0.1), ("stage", 0.5)):
        if kind != "shadow":
            made = model_event(kind, NEW, 20 if kind == "canary" else 30)
            record_event(ledger, made.model_copy(update={"evidence": {"salt": SETTINGS.salt}}))
        found = serving(registry_view(ledger, LINE), rows)
        assert (found[NEW.artifact_sha256] ^ found[OLD.artifact_sha256]).all()
        assert found[NEW.artifact_sha256].mean() == pytest.approx(share, abs=0.02)
    record_event(ledger, model_event("rolled_back", NEW, 40))
    found = serving(registry_view(ledger, LINE), rows)
    assert list(found) == [OLD.artifact_sha256]
    assert found[OLD.artifact_sha256].all()


def test_without_a_champion_nobody_decides_on_the_rest(ledger: Ledger) -> None:
    for each in rise(NEW, 0, 3):
        record_event(ledger, each)
    found = serving(registry_view(ledger, LINE), frame(2_000))
    assert list(found) == [NEW.artifact_sha256]
    assert 0.05 < found[NEW.artifact_sha256].mean() < 0.15
    assert serving(registry_view(ledger, "other"), frame()) == {}
