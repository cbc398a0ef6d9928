"""What may be recorded: entries that are misspelt, empty, too large or not JSON are refused before anything happens."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from distill_platform.core.errors import EntryRefused
from distill_platform.store.ledger import STREAMS, Entry, Ledger, check_stream, open_ledger
from distill_platform.testing.ledger_contract import TickingClock

FINE = Entry("trial/momentum", "key", "trial", {"n": 1}, "tester")
NAMES = {
    "world": "us.daily",
    "day": "2026-04-20",
    "strategy": "mom@3",
    "run": "r=1",
    "id": "42",
    "cohort": "c:1+2-3",
    "source": "gdelt",
    "market": "btc_1h",
    "line": "btc_hourly",
}


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A ledger that stays empty."""
    file = tmp_path_factory.mktemp("ledger") / "ledger.sqlite"
    with open_ledger(f"sqlite:///{file}", clock=TickingClock(), anchors=None) as opened:
        yield opened
        assert opened.streams() == []


def refused(ledger: Ledger, entry: Entry) -> str:
    with pytest.raises(EntryRefused) as caught:
        ledger.append_all([FINE, entry])
    assert ledger.streams() == []
    return str(caught.value)


@pytest.mark.parametrize("kind", STREAMS)
def test_every_kind_of_stream_can_be_named(kind: str) -> None:
    check_stream("/".join((kind, *(NAMES[segment] for segment in STREAMS[kind]))))


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "trial",
        "trial/",
        "trial/a/b",
        "Trial/a",
        "trials/a",
        "baseline/",
        "baseline/x",
        "evaluation/w/s",
        "evaluation/w//r",
        "evaluation/w/s/r/x",
        "trial/ a",
        "trial/.hidden",
        "trial/..",
        "trial/-a",
        "trial/a\n",
        "trial/ä",
        "trial/a\\b",
        f"trial/{'a' * 129}",
        "trial/a\x00",
        "\ud800",
    ],
)
def test_any_other_name_is_refused(ledger: Ledger, name: str) -> None:
    with pytest.raises(EntryRefused):
        check_stream(name)
    refused(ledger, replace(FINE, stream=name))


def test_the_known_streams_are_named_when_one_is_not() -> None:
    with pytest.raises(EntryRefused, match="evaluation/<world>/<strategy>/<run>"):
        check_stream("trail/a")


@pytest.mark.parametrize("field", ["stream", "key", "kind", "actor"])
@pytest.mark.parametrize("value", ["", " ", "a\nb", "a\x00b", "a\u202eb", "x" * 513, "\ud800", None, 3, b"key"])
def test_a_name_is_printable_text_of_some_length(ledger: Ledger, field: str, value: Any) -> None:
    assert "tester" not in refused(ledger, replace(FINE, **{field: value}))


@pytest.mark.parametrize("kind", ["Trial", "9lives", "two words", "a-b", "x" * 65])
def test_a_kind_is_a_lower_case_name(ledger: Ledger, kind: str) -> None:
    assert "kind is not a lower-case name" in refused(ledger, replace(FINE, kind=kind))


@dataclass
class Looks:
    like: float


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "text",
        1,
        {"x": float("nan")},
        {"x": (1.0, -float("inf"))},
        {"x": np.float64(1)},
        {"x": np.int64(1)},
        {"x": np.arange(3)},
        {"x": Looks(float("nan"))},
        {"x": {1}},
        {"x": object()},
        {1: "x"},
        {None: "x"},
        {"x": 2**64},
        {"x": "\ud800"},
        {"\ud800": "x"},
    ],
)
def test_a_body_is_a_json_object(ledger: Ledger, body: Any) -> None:
    refused(ledger, replace(FINE, body=body))


def test_a_body_may_not_be_nested_without_end(ledger: Ledger) -> None:
    body: dict[str, Any] = {}
    inner = body
    for _ in range(300):
        inner["x"] = {}
        inner = inner["x"]
    assert "nested deeper than 200 levels" in refused(ledger, replace(FINE, body=body))
    inner["x"] = body
    refused(ledger, replace(FINE, body=body))


def test_a_body_has_a_largest_size(ledger: Ledger) -> None:
    assert "Keep large content in the lake" in refused(ledger, replace(FINE, body={"x": "a" * 8 * 2**20}))


def test_the_largest_names_and_bodies_are_recorded(url: str) -> None:
    stream = "/".join(("evaluation", "w" * 128, "s" * 128, "r" * 128))
    largest = Entry(stream, "\U0001f600" * 512, "k" * 64, {"x": "a" * (8 * 2**20 - 8)}, "ä" * 512)
    with open_ledger(url, clock=TickingClock(), anchors=None) as opened:
        assert opened.append(largest) == opened.latest(stream)
        assert opened.verify() == []
