"""`python -m benchmarks`: measure, print the report, and leave it in `.bench/` as Markdown and JSON."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import orjson

from benchmarks.backtests.contest import BacktestOutcome, run_backtests
from benchmarks.end_to_end import Run, run_end_to_end
from benchmarks.evaluation import Evaluated, measure_evaluation
from benchmarks.loop.contest import Contest, compete
from benchmarks.models.rates import FORECASTING, PARTS as MODEL_PARTS, ModelSize, measure_models
from benchmarks.nulls.market import Kind
from benchmarks.nulls.study import Study, run_study
from benchmarks.policy import PolicyRates, measure_policy
from benchmarks.processes import refuse_without_proc
from benchmarks.report import Machine, Report
from benchmarks.statistics.cases import run_cases
from benchmarks.statistics.contest import Outcome
from benchmarks.truth import TruthRun, measure_truth

_FOLDER = Path(__file__).parent.parent / ".bench"
_WARM_UP_ROWS = 2_000
_ABOUT = (
    "Measure the refinery beside Node, the statistics beside numpy, skfolio, arch, purgedcv and ffn, the backtest "
    "engine beside vectorbt, how fast runs are evaluated and judged, and models beside pandas, scikit-learn, torch and "
    "Optuna."
)
_PARTS = ("end-to-end", "loop", "statistics", "evaluation", "policy", "backtest", *MODEL_PARTS)
_ONLY_ASKED_FOR = ("nulls", "truth", FORECASTING)
_VECTORBT = Path(__file__).parent.parent / ".venv-vectorbt" / "bin" / "python"


def main(arguments: Sequence[str] | None = None) -> Report:
    """Measure what the arguments ask for, print and write the report, and return it."""
    asked = _asked(arguments)
    refuse_without_proc()
    contest = _contest(asked) if "loop" in asked.parts else None
    runs = _runs(asked) if "end-to-end" in asked.parts else []
    statistics = _statistics(asked) if "statistics" in asked.parts else []
    evaluated = _evaluated(asked) if "evaluation" in asked.parts else None
    nulls = _nulls(asked) if "nulls" in asked.parts else []
    policy = _policy(asked) if "policy" in asked.parts else None
    backtests = _backtests(asked) if "backtest" in asked.parts else []
    truth = _truth(asked) if "truth" in asked.parts else []
    models = measure_models(asked.parts, ModelSize(asked.laps, asked.share, asked.csv), _say)
    warm_up = runs[0] if runs else None
    verdicts = (evaluated, nulls, policy, backtests, truth, models)
    report = Report(Machine.here(), warm_up, runs[1:], contest, statistics, *verdicts)
    asked.folder.mkdir(parents=True, exist_ok=True)
    (asked.folder / "results.md").write_text(report.to_markdown(), encoding="utf-8")
    (asked.folder / "results.json").write_bytes(orjson.dumps(report.to_json(), option=orjson.OPT_INDENT_2))
    print(report.to_markdown())
    return report


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the arguments; forecasting is a part as soon as there is a file for it."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    asked.parts = asked.parts or (*_PARTS, *((FORECASTING,) if asked.csv else ()))
    if FORECASTING in asked.parts and asked.csv is None:
        parser.error(f"{FORECASTING} needs --csv, the file of ETTh1")
    return asked


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks", description=_ABOUT)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the end-to-end run (default 1,000,000)")
    parser.add_argument(
        "--scale",
        type=_factors,
        default=(1,),
        metavar="1,2,4",
        help="also run multiples of --rows, for time and memory",
    )
    parser.add_argument("--workers", type=int, default=2, help="worker processes of the pipeline (default 2)")
    parser.add_argument("--loop-rows", type=int, default=100_000, help="rows of the loop (default 100,000)")
    parser.add_argument("--laps", type=int, default=5, help="laps of every loop and function (default 5)")
    parser.add_argument(
        "--share", type=float, default=1.0, help="of the statistics' strategies and resamples, of the backtests' bars, "
        "of the models' rows, trials and calls (default 1: all)",
    )  # fmt: skip
    parser.add_argument(
        "--vectorbt-python", type=Path, default=_VECTORBT, metavar="PATH", help="interpreter that has vectorbt"
    )
    parser.add_argument("--evaluations", type=int, default=1_000, help="runs that are evaluated (default 1,000)")
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="where to work; generated files are removed again")
    parser.add_argument(
        "--only", dest="parts", type=_named_parts, metavar="PART,PART", help=f"measure these parts only: "
        f"{', '.join((*_PARTS, *_ONLY_ASKED_FOR))}; nulls, how often the gates let luck through, truth, whether the "
        "chain of models promotes a planted edge and nothing else, and forecasting run only if asked for",
    )  # fmt: skip
    parser.add_argument("--csv", type=Path, metavar="PATH", help="file of ETTh1, which forecasting is measured on")
    parser.add_argument("--cohorts", type=int, default=1_000, help="cohorts of random strategies (default 1,000)")
    parser.add_argument("--seeds", type=int, default=100, help="generated markets of each truth (default 100)")
    parser.add_argument("--seed", type=int, default=7, help="of the random strategies (default 7)")
    return parser


def _named_parts(text: str) -> tuple[str, ...]:
    parts, known = tuple(text.split(",")), (*_PARTS, *_ONLY_ASKED_FOR)
    if strangers := [part for part in parts if part not in known]:
        raise argparse.ArgumentTypeError(f"{strangers[0]!r} is no part; there are {', '.join(known)}")
    return parts


def _factors(text: str) -> tuple[int, ...]:
    return tuple(int(factor) for factor in text.split(","))


def _contest(asked: argparse.Namespace) -> Contest:
    _say(f"The loop: {asked.laps} laps over {asked.loop_rows:,} rows")
    return compete(asked.folder / "loop", asked.loop_rows, asked.laps)


def _runs(asked: argparse.Namespace) -> list[Run]:
    """Return the warm-up, then a run for every factor."""
    _say("Warming up: compiling the kernels if this is the first time")
    runs = [run_end_to_end(asked.folder / "work", min(_WARM_UP_ROWS, asked.rows), asked.workers)]
    for factor in asked.scale:
        _say(f"End to end: {factor * asked.rows:,} rows")
        runs.append(run_end_to_end(asked.folder / "work", factor * asked.rows, asked.workers))
    return runs


def _statistics(asked: argparse.Namespace) -> list[Outcome]:
    return run_cases(asked.laps, asked.share, _say)


def _evaluated(asked: argparse.Namespace) -> Evaluated:
    _say(f"Evaluation: {asked.evaluations:,} runs of three years, hour by hour")
    return measure_evaluation(asked.folder / "inbox", asked.evaluations, asked.laps)


def _nulls(asked: argparse.Namespace) -> list[Study]:
    """Return the studies of luck: all cohorts on real returns, a third of them on each formula."""
    sizes = [asked.cohorts if kind is Kind.REAL else max(asked.cohorts // 3, 1) for kind in Kind]
    return [run_study(kind, size, asked.seed, asked.workers, _say) for kind, size in zip(Kind, sizes, strict=True)]


def _truth(asked: argparse.Namespace) -> list[TruthRun]:
    _say(f"Known truth: {asked.seeds} seeds of each")
    return measure_truth(asked.seeds, asked.workers, _say)


def _policy(asked: argparse.Namespace) -> PolicyRates:
    _say(f"Verdicts: {asked.laps} laps")
    return measure_policy(asked.laps)


def _backtests(asked: argparse.Namespace) -> list[BacktestOutcome]:
    python = asked.vectorbt_python if asked.vectorbt_python.exists() else None
    return run_backtests(asked.laps, asked.share, python, asked.folder / "backtests", _say)


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
