"""The Markdown report: one page, and foreign text stays text."""

import pytest
from markdown_it import MarkdownIt

from distill_platform.evaluation.report.markdown import markdown
from distill_platform.pages.markdown import escaped
from distill_platform_tests.evaluation.report import hostile, views

READER = MarkdownIt("gfm-like", {"linkify": False})


def shape(text: str) -> list[str]:
    """Return what a Markdown reader makes of a text, without the words."""
    return [token.type for token in READER.parse(text)]


def inside(text: str) -> set[str]:
    return {child.type for token in READER.parse(text) for child in token.children or ()}


def test_the_verdict_comes_first() -> None:
    lines = markdown(views.view()).splitlines()
    assert lines[0] == "# momentum_carry, run run-0042 (backtest)"
    assert lines[2].startswith("**Refused at stage 2 (wf): with 51 trials")


def test_it_is_about_one_printed_page() -> None:
    assert len(markdown(views.view()).splitlines()) < 110
    assert len(markdown(views.passing()).splitlines()) < 100


def test_every_bound_stands_with_observed_threshold_and_margin() -> None:
    text = markdown(views.view())
    assert "| robustness | deflated Sharpe ratio (DSR) | 0.31 | at least 0.95 | −0.64 | ✗ fail |" in text
    assert "| performance | deepest fall | 21.4 % | at most 25.0 % | +3.6 % | ✓ pass |" in text
    assert (
        "| benchmark | Sharpe ratio against the benchmark | not measured | at least 0.10 | – | ✗ fail (soft) |" in text
    )


def test_what_was_not_measured_says_so() -> None:
    text = markdown(views.bare())
    for said in ("no folds table was handed in", "No rule was executed.", "no stage gates", "Regimes: not measured."):
        assert said in text
    assert "nan" not in text.lower().replace("not looked", "")


def test_a_waiting_gate_is_no_failure() -> None:
    assert "| stage 4 (paper forward) | – awaits a person | awaits manual approval by a named person |" in markdown(
        views.passing()
    )


@pytest.mark.parametrize("text", hostile.TEXTS)
def test_foreign_text_changes_no_structure(text: str) -> None:
    report = markdown(hostile.view_with(text))
    assert shape(report) == shape(markdown(hostile.view_with("harmless")))
    assert inside(report) <= {"text", "strong_open", "strong_close", "text_special"}
    assert all(line.isprintable() for line in report.splitlines())


@pytest.mark.parametrize("text", hostile.TEXTS)
def test_escaped_text_reads_as_it_was(text: str) -> None:
    shown = "".join(child.content for token in READER.parse(f"x {escaped(text)}") for child in token.children or ())
    assert shown.startswith(f"x {text}".rstrip() if text.isprintable() and len(text) <= 200 else "x ")
