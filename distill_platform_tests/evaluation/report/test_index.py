"""The index of an evaluation."""

from distill_platform.evaluation.report.index import RefusedBundle, index_page, index_row
from distill_platform_tests.evaluation.report import hostile, views
from distill_platform_tests.pages.outline import Outline

REFUSED = index_row(views.view(), "runs/run-0042/evaluation_report.html")
PASSED = index_row(views.passing(manifest=views.manifest(run_id="run-7", strategy_id="trend")), "runs/run 7/r.html")
BROKEN = index_row(views.bare(), "b.html")


def test_a_row_says_verdict_stage_strength_and_reason() -> None:
    assert (REFUSED.verdict, REFUSED.gate, REFUSED.sharpe, REFUSED.dsr) == (
        "Refused",
        "stage 1 (dev)",
        "1.05 ± 0.41",
        "0.31",
    )
    assert REFUSED.n_trials == 51
    assert REFUSED.headline.startswith("Refused at stage 2 (wf)")
    assert REFUSED.failed == ("deflated Sharpe ratio (DSR)", "probability of backtest overfitting (PBO)")
    assert BROKEN.failed == ("integrity: pnl sums match",)


def test_the_page_counts_and_puts_first_what_passed() -> None:
    words = " ".join(Outline(index_page([REFUSED, BROKEN, PASSED])).words)
    assert "3 runs judged: 1 passed and 2 refused." in words
    assert words.index("trend") < words.index("momentum_carry")


def test_the_order_of_rows_changes_no_byte() -> None:
    assert index_page([REFUSED, BROKEN, PASSED]) == index_page([PASSED, REFUSED, BROKEN])


def test_links_lead_to_the_reports() -> None:
    assert sorted(Outline(index_page([REFUSED, PASSED])).links) == [
        "runs/run%207/r.html", "runs/run-0042/evaluation_report.html",
    ]  # fmt: skip


def test_bundles_that_were_not_accepted_are_shown() -> None:
    page = index_page([], [RefusedBundle("run-9", "hash_mismatch", "steps.parquet changed")])
    assert "No run was judged. 1 bundle not accepted." in page
    assert "hash_mismatch" in page
    assert "No run was handed in." in index_page([])


def test_foreign_text_is_text_there_too() -> None:
    shapes = set()
    for text in (*hostile.TEXTS, "harmless"):
        row = index_row(hostile.view_with(text), "r.html")
        page = index_page([row], [RefusedBundle(text, text, text)])
        shapes.add(tuple(Outline(page).tags))
    assert len(shapes) == 1
