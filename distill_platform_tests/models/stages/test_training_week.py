"""A whole week of models through its stages: trained, searched, confirmed once, handed in, judged, and decided on."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from distill_platform.core.errors import LedgerError
from distill_platform.evaluation.pipeline import run_all, waiting_days
from distill_platform.evaluation.settings import load_evaluation_settings
from distill_platform.evaluation.stage import open_evaluation
from distill_platform.evaluation.stages.arrivals import receive
from distill_platform.models.pipeline import PROMOTION, TRAINING, run_stages
from distill_platform.models.promotion.reasons import ReasonCode
from distill_platform.store.stages import Stage
from distill_platform_tests.models.made_frames import score_in_sample
from distill_platform_tests.small_market import WEEK, SmallMarket, a_line

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]
WEEKLY = (*TRAINING, *PROMOTION)
NAMES = [stage.name for stage in WEEKLY]
TRAINED = ("small", "wary")


def stages(*names: str) -> list[Stage]:  # type: ignore[type-arg]  # of models
    return [stage for stage in WEEKLY if stage.name in names]


def versions(project: SmallMarket) -> dict[str, str]:
    return {name: project.manifest(name, WEEK).version for name in NAMES}


def artifacts(project: SmallMarket, *datasets: str) -> dict[tuple[str, str], str]:
    """The hashes of the sealed models by line and name."""
    rows = [row for name in datasets for row in project.rows(name, "models")]
    return {(row["line"], row["name"]): row["artifact_sha256"] for row in rows}


def codes(project: SmallMarket) -> dict[tuple[str, str], set[str]]:
    """What speaks against each candidate, by line and name."""
    rows = project.rows("promotion_report", "decisions")
    return {(row["line"], row["name"]): {one["code"] for one in json.loads(row["reasons"])} for row in rows}


def judged(project: SmallMarket) -> list[dict[str, object]]:
    """Judge what was handed in, as the evaluation does it, and return what it says of each run."""
    settings = load_evaluation_settings(project.config)
    with open_evaluation(settings, now=lambda: datetime.now(UTC)) as opened:
        refused = receive(opened)
        assert refused == []
        days = waiting_days(opened, refused)
        run_all(opened, days, "run")
    return [row for day in days for row in project.rows("evaluation_runs", "runs", day)]


def restarted(project: SmallMarket, workers: int = 1) -> SmallMarket:
    """The project as it was when the week's frame had just been made."""
    for name in (*NAMES[1:], "search", "models", "reports"):
        shutil.rmtree(project.lake.root / name, ignore_errors=True)
    for place in ("data/ledger", "data/inbox"):
        shutil.rmtree(project.folder / place)
    project.write("platform.yaml", f"workers: {workers}\n")
    return project


def test_every_stage_passes_and_no_line_suffers_for_another(trained: SmallMarket) -> None:
    refused = [trained.refused(name) for name in NAMES]
    assert all(one == refused[0] for one in refused)
    assert refused[0].keys() == {"lost", "torn.yaml"}
    assert "there is no world 'nowhere'" in refused[0]["lost"]
    for name in NAMES:
        manifest = trained.manifest(name, WEEK)
        assert manifest.passed, name
        assert manifest.counts.quarantined == {"line_refused": 2}, name
    assert {line for line, _ in codes(trained)} == {*TRAINED}


def test_a_run_nobody_has_judged_is_refused_for_that(trained: SmallMarket) -> None:
    found = codes(trained)
    assert {name for _, name in found} >= {"tabular_only", "nn_only", "finalist_1"}
    assert all(ReasonCode.VERDICT_MISSING in one for one in found.values())
    assert {row["status"] for row in trained.rows("promotion_report", "decisions")} == {"refused"}


def test_what_the_guard_suspects_is_held_against_every_candidate_of_that_line(trained: SmallMarket) -> None:
    for (line, _), found in codes(trained).items():
        assert (ReasonCode.SUSPICIOUS_FEATURE in found) == (line == "wary")


def test_everybody_who_looks_at_the_window_counts_for_everybody(trained: SmallMarket) -> None:
    openings = trained.rows("hpo_confirmation", "openings")
    candidates = [row for row in trained.rows("hpo_confirmation", "windows") if row["role"] == "candidate"]
    seen = {row["artifact_sha256"] for row in candidates}
    assert [row["candidates_seen"] for row in openings] == [len(seen)] * len(TRAINED)
    assert not any(ReasonCode.TRIALS_UNDERSTATED in found for found in codes(trained).values())


def test_every_candidate_hands_in_what_it_earned_out_of_fold_in_its_search_window(trained: SmallMarket) -> None:
    runs = [row for row in trained.rows("model_runs", "runs") if row["role"] == "candidate"]
    assert {row["name"] for row in runs} >= {"tabular_only", "nn_only", "finalist_1"}
    for row in runs:
        folds = pq.read_table(trained.inbox / row["run_id"] / "folds.parquet").to_pylist()
        assert any(fold["pnl_oos"] for fold in folds if fold["split"] == "search"), row["name"]


def test_pages_are_written_and_are_what_their_hashes_say(trained: SmallMarket) -> None:
    from distill_platform.core.canon import sha256_hex

    pages = trained.rows("promotion_report", "pages")
    assert {(row["line"], row["name"]) for row in pages} >= codes(trained).keys()
    for row in pages:
        assert sha256_hex((trained.lake.root / row["path"]).read_bytes()) == row["sha256"]


def test_a_second_run_changes_nothing(market: SmallMarket) -> None:
    before, heads, bundles = versions(market), market.ledger_heads(), sorted(os.listdir(market.inbox))
    market.run(WEEKLY, WEEK)
    assert versions(market) == before
    assert market.ledger_heads() == heads
    assert sorted(os.listdir(market.inbox)) == bundles


def test_more_workers_make_the_same_models_and_trials(trained: SmallMarket, market: SmallMarket) -> None:
    wanted = ("tabular_teacher", "hpo_search")
    restarted(market, workers=2).run(stages(*wanted), WEEK)
    for name in wanted:
        assert market.manifest(name, WEEK).content_hash == trained.manifest(name, WEEK).content_hash, name
    assert artifacts(market, "tabular_teacher") == artifacts(trained, "tabular_teacher")


def test_a_search_that_is_killed_ends_in_the_same_trials(trained: SmallMarket, market: SmallMarket) -> None:
    restarted(market)
    script = "import sys\nfrom pathlib import Path\nfrom distill_platform.models.pipeline import TRAINING\n"
    script += "from distill_platform_tests.small_market import WEEK, SmallMarket\n"
    script += "if __name__ == '__main__':\n"
    script += "    wanted = [stage for stage in TRAINING if stage.name == 'hpo_search']\n"
    script += "    SmallMarket(Path(sys.argv[1])).run(wanted, WEEK)\n"
    file = market.folder / "searching.py"
    file.write_text(script)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    running = subprocess.Popen([sys.executable, str(file), str(market.folder)], env=environment)
    while running.poll() is None and _trials(market) < 2:
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
    assert 2 <= _trials(market) < 8
    assert market.lake.manifest("hpo_search", WEEK) is None
    market.run(stages("hpo_search"), WEEK)
    assert market.rows("hpo_search", "trials") == trained.rows("hpo_search", "trials")
    assert market.rows("hpo_search", "handovers") == trained.rows("hpo_search", "handovers")


def _trials(project: SmallMarket) -> int:
    """How many trials are on file, of both lines."""
    files = (project.lake.root / "search").glob("*/*/search.jsonl")
    return sum(len(file.read_bytes().splitlines()) - 1 for file in files)


def test_without_a_trial_within_the_limits_the_ensemble_goes_on_and_the_trials_count(market: SmallMarket) -> None:
    restarted(market)
    told = a_line()
    market.line(a_line(search={**told["search"], "objective": {**told["search"]["objective"], "max_drawdown": 1e-9}}))
    market.run(WEEKLY[1:], WEEK)
    assert {name for line, name in codes(market) if line == "small"} >= {"tabular_only", "nn_only"}
    assert ("small", "finalist_1") not in codes(market)
    opening = next(row for row in market.rows("hpo_confirmation", "openings") if row["line"] == "small")
    assert opening["searched"] == told["search"]["search"]["trials"]


def test_a_search_at_other_costs_is_another_search(trained: SmallMarket, market: SmallMarket) -> None:
    market.world(costs={"fee_bps": 40.0, "slippage_bps": 1.0, "funding_bps_daily": 0.0})
    market.run(stages("hpo_search"), WEEK)
    cheap, dear = ({row["number"]: row["value"] for row in p.rows("hpo_search", "trials")} for p in (trained, market))
    assert all(dear[number] < cheap[number] for number in cheap)


def test_a_changed_line_has_no_second_look_at_the_window(market: SmallMarket) -> None:
    market.line(a_line(sizing={"hold_bars": 9}))
    market.run(WEEKLY, WEEK)
    reason = market.refused("hpo_confirmation")["small"]
    assert reason.startswith("ForwardWindowSpent: ")
    assert market.refused("model_runs")["small"] == reason
    assert market.refused("promotion_report")["small"] == reason
    assert {line for line, _ in codes(market)} == {"wary"}
    assert {row["line"] for row in market.rows("model_runs", "runs")} == {"wary"}


def test_a_changed_line_leaves_its_control_arms_as_they_were_frozen(trained: SmallMarket, market: SmallMarket) -> None:
    market.line(a_line(baseline={"boosting": {"rounds": 9, "leaves": 8, "bins": 15, "min_rows_per_leaf": 20}}))
    market.run(stages("frozen_baseline"), WEEK)
    assert artifacts(market, "frozen_baseline") == artifacts(trained, "frozen_baseline")


def test_a_model_whose_bytes_were_changed_goes_no_further(market: SmallMarket) -> None:
    sealed = artifacts(market, "tabular_teacher")["small", "tabular_teacher"]
    _spoil(market, sealed)
    market.run(stages("tsmixer_student", "ensemble"), WEEK)
    reason = market.refused("tsmixer_student")["small"]
    assert reason.startswith("Artifact")
    assert market.refused("ensemble")["small"].startswith("Artifact")
    assert {row["line"] for row in market.rows("tsmixer_student", "models")} == {"wary"}
    assert {row["line"] for row in market.rows("ensemble", "models")} == {"wary"}


def test_a_candidate_whose_bytes_were_changed_is_not_decided_on(market: SmallMarket) -> None:
    _spoil(market, artifacts(market, "ensemble")["small", "tabular_only"])
    market.run(stages("model_runs", "promotion_report"), WEEK)
    for name in ("model_runs", "promotion_report"):
        assert market.refused(name)["small"].startswith("Artifact"), name
    assert {line for line, _ in codes(market)} == {"wary"}


def test_a_teacher_of_its_own_training_rows_promotes_nobody(
    market: SmallMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    restarted(market)
    with monkeypatch.context() as patched:
        patched.setattr("distill_platform.models.teacher.score_out_of_fold", score_in_sample)
        market.run(stages("frozen_baseline", "tabular_teacher", "tsmixer_student", "ensemble"), WEEK)
    market.run([stage for stage in WEEKLY if stage.name not in NAMES[:5]], WEEK)
    assert codes(market)
    assert all(ReasonCode.TEACHER_NOT_PROVEN in found for found in codes(market).values())


def _spoil(project: SmallMarket, sha256: str) -> None:
    """Change one byte of a file of a sealed model."""
    folder = next(path for path in (project.lake.root / "models").rglob("*") if path.is_dir() and sha256 in path.name)
    file = max((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.chmod(0o644)
    file.write_bytes(data)


def test_runs_are_taken_in_judged_whole_and_then_decided_on(market: SmallMarket) -> None:
    handed_in = {row["run_id"] for row in market.rows("model_runs", "runs")}
    assert handed_in == {path.name for path in market.inbox.glob("[!.]*")}
    found = judged(market)
    assert {row["run_id"] for row in found} == handed_in
    market.run(PROMOTION, WEEK)
    assert codes(market)
    assert not any(ReasonCode.VERDICT_MISSING in one for one in codes(market).values())
    assert all(row["verdict"] for row in market.rows("promotion_report", "decisions"))
    assert {row["status"] for row in market.rows("promotion_report", "decisions")} == {"refused"}


def test_a_ledger_that_cannot_be_used_is_no_line_s_fault_and_nothing_is_published(market: SmallMarket) -> None:
    restarted(market)
    with market.models() as models:
        models.ledger.close()
        (market.folder / "data/ledger/ledger.sqlite").write_bytes(b"no database" * 1000)
        with pytest.raises(LedgerError):
            run_stages(models, stages("frozen_baseline"), [WEEK], "run")
    assert market.lake.manifest("frozen_baseline", WEEK) is None
