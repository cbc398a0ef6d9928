"""Statistics that judgements about strategies rest on: exact, reproducible, on plain numpy arrays.

Nothing is compiled, and numba not even imported, before a function that needs it is called. `docs/statistics.md` says
which conventions hold here and which others exist.
"""

from distill_platform.stats.activity import Activity, activity
from distill_platform.stats.block_length import BlockLength, optimal_block_ar1_theory, optimal_block_length
from distill_platform.stats.blocks import (
    Scheme,
    circular_block_indices,
    moving_block_indices,
    resample_indices,
    stationary_indices,
)
from distill_platform.stats.bootstrap import (
    BootstrapDistribution,
    ConfidenceInterval,
    IntervalMethod,
    bootstrap_mean,
    bootstrap_means,
    bootstrap_prob_mean_positive,
    bootstrap_prob_mean_positive_exact,
    bootstrap_prob_sharpe_positive,
    bootstrap_sharpe,
    bootstrap_statistic,
    sb_variance_of_mean,
)
from distill_platform.stats.confidence_set import ModelConfidenceSet, Statistic, mcs, mcs_range_exact
from distill_platform.stats.cornish_fisher import cornish_fisher_valid
from distill_platform.stats.correlation import PortfolioFit, correlation_matrix, portfolio_fit
from distill_platform.stats.costs import breakeven_cost_bps, cost_stress_sharpe
from distill_platform.stats.cpcv import CpcvCounts, cpcv_counts, cpcv_paths, cpcv_splits
from distill_platform.stats.daily import DAILY_METHOD, daily_returns_utc, sharpe_daily_annualized, utc_days
from distill_platform.stats.drawdown import Drawdown, drawdown
from distill_platform.stats.dsr import dsr, dsr_benchmark, dsr_from_moments
from distill_platform.stats.expected_shortfall import es_cornish_fisher, es_gaussian, es_historical
from distill_platform.stats.hansen import hansen_kernel_variance, hansen_kernel_variance_cols
from distill_platform.stats.maxima import (
    MaximumMethod,
    effective_trials_linear,
    expected_max_z,
    expected_max_z_equicorrelated,
    std_max_z,
)
from distill_platform.stats.moments import PopulationMoments, moments
from distill_platform.stats.panel import PanelStatistics, panel_statistics
from distill_platform.stats.pbo import Constant, Metric, PboResult, pbo_cscv
from distill_platform.stats.portfolio_risk import RiskDecomposition, marginal_es_historical, marginal_var_gaussian
from distill_platform.stats.psr import Moments, psr, psr_from_moments, psr_null_variance
from distill_platform.stats.purging import PurgedSplit, purged_split, purged_split_times
from distill_platform.stats.rank_correlation import rank_correlation
from distill_platform.stats.resampling import ALGORITHM_VERSION, Resampling
from distill_platform.stats.series import NanPolicy
from distill_platform.stats.sharpe import (
    SharpeInterval,
    rolling_sharpe,
    sharpe,
    sharpe_annualized,
    sharpe_confidence_interval,
    sharpe_standard_error,
    sharpe_standard_error_from_moments,
)
from distill_platform.stats.stepwise import SuperiorModels, stepm, stepm_exact
from distill_platform.stats.superior import (
    RealityCheck,
    Recentred,
    SuperiorAbility,
    SuperiorAbilityExact,
    reality_check,
    spa,
    spa_exact,
)
from distill_platform.stats.track_record import min_btl_years, min_trl
from distill_platform.stats.turnover import turnover
from distill_platform.stats.value_at_risk import QuantileMethod, var_cornish_fisher, var_gaussian, var_historical
from distill_platform.stats.walk_forward import Window, walk_forward
from distill_platform.stats.windows import Span, StageWindows, stage_windows
from distill_platform.stats.wins import WinStatistics, gain_to_pain, win_statistics

__all__ = [
    "ALGORITHM_VERSION",
    "DAILY_METHOD",
    "Activity",
    "BlockLength",
    "BootstrapDistribution",
    "ConfidenceInterval",
    "Constant",
    "CpcvCounts",
    "Drawdown",
    "IntervalMethod",
    "MaximumMethod",
    "Metric",
    "ModelConfidenceSet",
    "Moments",
    "NanPolicy",
    "PanelStatistics",
    "PboResult",
    "PopulationMoments",
    "PortfolioFit",
    "PurgedSplit",
    "QuantileMethod",
    "RealityCheck",
    "Recentred",
    "Resampling",
    "RiskDecomposition",
    "Scheme",
    "SharpeInterval",
    "Span",
    "StageWindows",
    "Statistic",
    "SuperiorAbility",
    "SuperiorAbilityExact",
    "SuperiorModels",
    "WinStatistics",
    "Window",
    "activity",
    "bootstrap_mean",
    "bootstrap_means",
    "bootstrap_prob_mean_positive",
    "bootstrap_prob_mean_positive_exact",
    "bootstrap_prob_sharpe_positive",
    "bootstrap_sharpe",
    "bootstrap_statistic",
    "breakeven_cost_bps",
    "circular_block_indices",
    "cornish_fisher_valid",
    "correlation_matrix",
    "cost_stress_sharpe",
    "cpcv_counts",
    "cpcv_paths",
    "cpcv_splits",
    "daily_returns_utc",
    "drawdown",
    "dsr",
    "dsr_benchmark",
    "dsr_from_moments",
    "effective_trials_linear",
    "es_cornish_fisher",
    "es_gaussian",
    "es_historical",
    "expected_max_z",
    "expected_max_z_equicorrelated",
    "gain_to_pain",
    "hansen_kernel_variance",
    "hansen_kernel_variance_cols",
    "marginal_es_historical",
    "marginal_var_gaussian",
    "mcs",
    "mcs_range_exact",
    "min_btl_years",
    "min_trl",
    "moments",
    "moving_block_indices",
    "optimal_block_ar1_theory",
    "optimal_block_length",
    "panel_statistics",
    "pbo_cscv",
    "portfolio_fit",
    "psr",
    "psr_from_moments",
    "psr_null_variance",
    "purged_split",
    "purged_split_times",
    "rank_correlation",
    "reality_check",
    "resample_indices",
    "rolling_sharpe",
    "sb_variance_of_mean",
    "sharpe",
    "sharpe_annualized",
    "sharpe_confidence_interval",
    "sharpe_daily_annualized",
    "sharpe_standard_error",
    "sharpe_standard_error_from_moments",
    "spa",
    "spa_exact",
    "stage_windows",
    "stationary_indices",
    "std_max_z",
    "stepm",
    "stepm_exact",
    "turnover",
    "utc_days",
    "var_cornish_fisher",
    "var_gaussian",
    "var_historical",
    "walk_forward",
    "win_statistics",
]
