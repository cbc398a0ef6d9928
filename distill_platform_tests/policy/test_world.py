"""A world's policy file is read strictly: whatever is wrong in it is named by file, line and column."""

import pickle
from pathlib import Path

import pytest
import yaml
from hypothesis import given, strategies as st

from distill_platform.core.canon import dumps, parse
from distill_platform.core.errors import ConfigError
from distill_platform.policy.profiles import Profile
from distill_platform.policy.words import Severity, Stage
from distill_platform.policy.world import World, load_world
from distill_platform_tests.policy.worlds import EXAMPLE, example, loaded, world

DELIVERED = Path(__file__).parents[2] / "config" / "worlds"


def refusal(folder: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        loaded(folder, text)
    assert caught.value.file.endswith("world.yaml")
    return caught.value


def test_the_example_loads_as_it_stands(tmp_path: Path) -> None:
    found = loaded(tmp_path)
    assert (found.world_id, found.version, found.validation_profiles["paper"].performance.min_sharpe) == (
        "us_equity_daily",
        1,
        0.8,
    )
    assert [rule.name for rule in found.rules(Stage.BACKTEST) if rule.configured] == [
        "sample",
        "performance",
        "risk_constraint",
        "robustness",
    ]


@pytest.mark.parametrize("path", sorted(DELIVERED.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_delivered_world_loads_under_its_own_name(path: Path) -> None:
    found = load_world(path)
    assert found.world_id == path.stem
    assert {preset.id for preset in found.data.presets}
    assert found.governance.allow_live is False


def test_a_small_world_needs_only_a_name_a_version_profiles_and_which_to_use(tmp_path: Path) -> None:
    text = (
        "world_id: w\nversion: 2\nvalidation_profiles: {p: {sample: {min_trades_total: 1}}}\n"
        "default_profile_by_stage: {live: p}\n"
    )
    found = loaded(tmp_path, text)
    assert found.rules(Stage.LIVE)[1].configured
    assert (found.stress_grid, found.costs, found.selection.top_k) == (None, None, None)
    for key in ("world_id", "version", "validation_profiles", "default_profile_by_stage"):
        lines = [line for line in text.splitlines() if not line.startswith(key)]
        assert key in str(refusal(tmp_path, "\n".join(lines)))


MISTAKES = [
    ("version: 1", "verson: 1", "2:1", "Did you mean 'version'?"),
    ("{tier: medium", "{teir: medium", "3:16", "Did you mean 'tier'?"),
    ("tier: medium", "tier: middle", "3:", "is not one of low, medium, high"),
    ("client_critical: false", "client_critical: 0", "3:", "client_critical"),
    ("interval: 1d", "intervall: 1d", "4:", "Did you mean 'interval'?"),
    ("on_error: fail,", "on_error: ignore,", "5:24", "is not one of fail, warn"),
    ("    sample: {min_effective_years: 2.0", "    sampel: {min_effective_years: 2.0", "8:5", "Did you mean 'sample'?"),
    ("min_trades_total", "min_trade_total", "8:40", "Did you mean 'min_trades_total'?"),
    ("min_trades_total: 50", "min_trades_total: '50'", "8:", "valid number"),
    ("min_trades_total: 50", "min_trades_total: -1", "8:", "greater than or equal to 0"),
    ("min_trades_total: 50", "min_trades_total: true", "8:", "valid number"),
    ("min_trades_total: 50", "min_trades_total: .nan", "8:", "finite number"),
    ("min_sharpe: 0.5,", "min_sharpe: .inf,", "9:", "finite number"),
    ("max_drawdown: 0.25", "max_drawdown: 25", "9:", "25.0 looks like a percentage, write 0.25"),
    ("max_drawdown: 0.25", "max_drawdown: -0.25", "9:", "must be a fraction from 0 to 1"),
    ("min_dsr: 0.95", "min_dsr: 95", "11:", "looks like a percentage"),
    ("severity: blocking", "severity: blockin", "11:", "Did you mean 'blocking'?"),
    ("owner: quant", "owner: nobody", "11:", "is not one of quant, risk, ops"),
    ("paper_only: paper}", "paper_only: papr}", "16:", "there is no profile 'papr'. Did you mean 'paper'?"),
    ("{backtest_only: backtest", "{backtest: backtest", "16:28", "Did you mean 'backtest_only'?"),
    ("top_k: {metric: returns.sharpe_daily", "top_k: {metric: returns.sharp_daily", "18:", "`returns.sharpe_daily`?"),
    ("top_k: {metric: returns.sharpe_daily", "top_k: {metric: returns.sharpe_method", "18:", "cannot rank runs"),
    ("k: 3}", "k: 0}", "18:", "greater than or equal to 1"),
    ("k: 3}", "k: 2.5}", "18:", "integer"),
    ("{max: 0.8}", "{max: 1.8}", "19:", "less than or equal to 1"),
    ("enter: 0.6, exit: 0.4", "enter: 0.4, exit: 0.6", "20:", "at least as hard"),
    ("stage0_integrity", "stage0_integritee", "22:3", "Did you mean 'stage0_integrity'?"),
    ("perf.net_sharpe >=", "perf.net_sharp >=", "23:28", "Did you mean `perf.net_sharpe`?"),
    ("perf.net_sharpe >= 0.3", "perf.net_sharpe >= '0.3'", "23:", "two sides of one kind"),
    ("perf.net_sharpe >= 0.3", "perf.net_sharpe", "23:", "must be true or false"),
    ("perf.net_sharpe >= 0.3", "perf.net_sharpe >= 0.3 + 1", "23:", "arithmetic"),
    ("robustness.pbo > 0.2", "robustness.pbo >> 0.2", "24:", "rule"),
    ("stress.slippage_bps_2.net", "stress.slippage_bps_3.net", "25:", "`stress.slippage_bps_2.net_sharpe`?"),
    ("stage4_paper_forward: {governance: manual_approval}", "stage4_paper_forward: {}", "26:", "a person decides"),
    ("stage5_pilot: {governance: two_key}", "stage5_pilot: {governance: manual_approval}", "27:", "two people decide"),
    ("governance: two_key", "governance: two_keys", "27:", "Did you mean 'two_key'?"),
    ("fee_bps: 1.0", "fee_bps: -1.0", "28:", "greater than or equal to 0"),
    ("{name: fees_x2, fee_multiplier: 2.0}", "{name: fees_x2}", "29:", "changes nothing"),
    ("fee_multiplier: 2.0", "fee_multiplier: null", "29:", "changes nothing"),
    ("fee_multiplier: 2.0", "fee_multiplier: 0.5", "29:", "greater than or equal to 1"),
    ("name: fees_x2", "name: slippage_bps_2", "29:", "stands twice"),
    ("name: fees_x2", "name: fees-x2", "29:", "cannot name a scenario"),
    ("name: fees_x2", "name: breakeven_bps", "29:", "cannot name a scenario"),
    (
        "{name: fees_x2, fee_multiplier: 2.0}",
        "{name: f, fee_multiplier: 2.0, fee_bps: 3}",
        "29:",
        "sets and multiplies",
    ),
    ("keys: 2", "keys: 1", "30:", "greater than or equal to 2"),
    ("cooldown: 10d", "cooldown: soon", "30:", "pattern"),
    ("allow_live: false", "allow_live: 'no'", "30:", "boolean"),
    ("version: 1\n", "version: 1\nversion: 2\n", "3:1", "stands twice"),
    ("version: 1", "version: 1.5", "2:", "integer"),
    ("world_id: us_equity_daily", "world_id: ../escape", "1:", "pattern"),
]


@pytest.mark.parametrize(("old", "new", "place", "said"), MISTAKES, ids=[row[1][:40] for row in MISTAKES])
def test_a_mistake_is_named_by_its_place(tmp_path: Path, old: str, new: str, place: str, said: str) -> None:
    assert old in EXAMPLE
    error = refusal(tmp_path, EXAMPLE.replace(old, new, 1))
    assert said in f"{error.message} {error.hint}"
    line, _, column = place.partition(":")
    assert error.line == int(line)
    assert error.column == int(column) if column else error.column > 0


def test_a_stress_rule_names_a_scenario_of_the_grid(tmp_path: Path) -> None:
    rule = "    stress: {scenarios: {fees_x3: {min_net_sharpe: 0.0}}}\n  paper:"
    error = refusal(tmp_path, EXAMPLE.replace("  paper:", rule, 1))
    assert (error.line, error.message.count("Did you mean 'fees_x2'?")) == (12, 1)
    ranked = "top_k: {metric: stress.fees_x3.net_sharpe"
    with pytest.raises(ConfigError, match="no scenario 'fees_x3'") as caught:
        loaded(tmp_path, EXAMPLE.replace("top_k: {metric: returns.sharpe_daily", ranked, 1))
    assert caught.value.line == 18
    assert loaded(tmp_path, EXAMPLE.replace("top_k: {metric: returns.sharpe_daily", ranked.replace("x3", "x2"), 1))
    no_grid = "\n".join(line for line in EXAMPLE.splitlines() if not line.startswith("stress_grid"))
    assert loaded(tmp_path, no_grid.replace("  paper:", rule, 1)).stress_grid is None


@pytest.mark.parametrize("key", ["on_error", "on_missing_metric"])
def test_a_client_critical_world_of_tier_high_takes_no_warning_for_a_failure(tmp_path: Path, key: str) -> None:
    high = EXAMPLE.replace("tier: medium, client_critical: false", "tier: high, client_critical: true")
    loaded(tmp_path, high)
    loaded(tmp_path, EXAMPLE.replace(f"{key}: fail", f"{key}: warn"))
    error = refusal(tmp_path, high.replace(f"{key}: fail", f"{key}: warn"))
    assert (error.line, error.message) == (
        5,
        f"validation.{key}: must be 'fail' in a client critical world of tier high",
    )


@pytest.mark.parametrize("content", ["", "[]", "a", "world_id: [", "\x00", "world_id: *a", "{}", "? [a]\n: b"])
def test_what_is_no_policy_is_refused(tmp_path: Path, content: str) -> None:
    refusal(tmp_path, content)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_world(tmp_path / "none.yaml")


# --- parameters for all profiles -------------------------------------------------------------------------------------


def test_a_world_wide_parameter_holds_for_every_profile_that_says_nothing_else() -> None:
    profiles = {"backtest": {}, "paper": {"cohort": {"top_k": 5, "severity": "blocking"}}}
    wide = world(validation_profiles=profiles, cohort={"top_k": 2, "min_sharpe_median": 0.1, "owner": "ops"})
    backtest, paper = (wide.rules(stage)[5] for stage in (Stage.BACKTEST, Stage.PAPER))
    assert [(bound.parameter, bound.limit) for bound in backtest.bounds] == [("min_sharpe_median", 0.1), ("top_k", 2)]
    assert [(bound.parameter, bound.limit) for bound in paper.bounds] == [("min_sharpe_median", 0.1), ("top_k", 5)]
    assert (backtest.severity, paper.severity, paper.owner) == (Severity.SOFT, Severity.BLOCKING, "ops")


def test_a_world_wide_live_section_is_the_live_monitoring_rule() -> None:
    wide = world(live={"min_live_sharpe": 0.1}, benchmark={"min_vs_benchmark_sharpe": 0.0})
    configured = {rule.name for rule in wide.rules(Stage.PAPER) if rule.configured}
    assert {"live_monitoring", "benchmark"} <= configured


# --- the hash --------------------------------------------------------------------------------------------------------


def digest(folder: Path, text: str) -> str:
    return loaded(folder, text).ruleset_hash


def test_comments_layout_and_the_order_of_keys_do_not_change_the_hash(tmp_path: Path) -> None:
    original = digest(tmp_path, EXAMPLE)
    assert digest(tmp_path, "# a comment\n" + EXAMPLE) == original
    assert digest(tmp_path, yaml.safe_dump(example(), sort_keys=True)) == original
    backwards = dict(reversed(example().items()))
    assert digest(tmp_path, yaml.safe_dump(backwards, sort_keys=False, default_flow_style=False)) == original


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("min_effective_years: 2.0", "min_effective_years: 2"),
        ("min_trades_total: 50}", "min_trades_total: 50, severity: blocking, owner: quant}"),
        ("min_sharpe_ratio: 0.5}", "min_sharpe_ratio: 0.5, severity: soft, owner: ops}"),
        ("  paper:\n", "    benchmark: {}\n  paper:\n"),
        ("  paper:\n", "    cohort: {severity: soft}\n  paper:\n"),
        ("validation: {on_error: fail, on_missing_metric: fail}\n", ""),
        ("  stage5_pilot: {governance: two_key}\n", ""),
        ("cooldown: 10d, ", ""),
        ("version: 1\n", "version: 1\ncohort: {severity: soft}\nlive: {}\n"),
        ("metric: returns.sharpe_daily, k", "metric: perf.net_sharpe, k"),
    ],
)
def test_a_default_written_out_does_not_change_the_hash(tmp_path: Path, old: str, new: str) -> None:
    assert old in EXAMPLE
    assert digest(tmp_path, EXAMPLE.replace(old, new, 1)) == digest(tmp_path, EXAMPLE)


CHANGES = [
    ("world_id: us_equity_daily", "world_id: other"),
    ("version: 1", "version: 2"),
    ("tier: medium", "tier: low"),
    ("client_critical: false", "client_critical: true"),
    ("interval: 1d", "interval: 1h"),
    ("on_error: fail", "on_error: warn"),
    ("on_missing_metric: fail", "on_missing_metric: warn"),
    ("min_effective_years: 2.0", "min_effective_years: 2.0000000000000004"),
    ("severity: blocking", "severity: soft"),
    ("owner: quant", "owner: risk"),
    ("min_trades_total: 50}", "min_trades_total: 50, severity: soft}"),
    ("min_trades_total: 50}", "min_trades_total: 50, owner: ops}"),
    ("paper_only: paper", "paper_only: backtest"),
    ("k: 3", "k: 4"),
    ("max: 0.8", "max: 0.79"),
    ("exit: 0.4", "exit: 0.3"),
    ("fee_nonzero == true", "fee_nonzero != false"),
    ("watch: [\"robustness.pbo > 0.2\"]", "watch: [\"robustness.pbo > 0.3\"]"),
    ("governance: manual_approval", "governance: two_key"),
    ("fee_bps: 1.0", "fee_bps: 0.5"),
    ("spread_multiplier: 3.0", "fee_multiplier: 3.0"),
    ("allow_live: false", "allow_live: true"),
    ("approvers: []", "approvers: [ann]"),
    ("keys: 2", "keys: 3"),
    ("cooldown: 10d", "cooldown: 9d"),
    ("max_live_slots: 3", "max_live_slots: 4"),
    ("  paper:\n", "    benchmark: {owner: ops}\n  paper:\n"),
    ("version: 1\n", "version: 1\ncohort: {severity: info}\n"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), CHANGES, ids=[row[1] for row in CHANGES])
def test_the_hash_leaves_nothing_out_severities_and_owners_included(tmp_path: Path, old: str, new: str) -> None:
    assert old in EXAMPLE
    assert digest(tmp_path, EXAMPLE.replace(old, new, 1)) != digest(tmp_path, EXAMPLE)


def test_all_these_changes_have_different_hashes(tmp_path: Path) -> None:
    hashes = {digest(tmp_path, EXAMPLE.replace(old, new, 1)) for old, new in CHANGES}
    assert len(hashes) == len(CHANGES)


def test_the_canonical_policy_is_json_and_is_the_same_policy() -> None:
    found = world()
    again = World.model_validate(parse(dumps(found.canonical())))
    assert again.ruleset_hash == found.ruleset_hash
    robustness = found.canonical()["validation_profiles"]["backtest"]["robustness"]
    assert (robustness["severity"], robustness["owner"]) == ("blocking", "quant")


def test_a_world_travels_between_processes() -> None:
    found = world()
    _ = found.gates, found.rules(Stage.PAPER), found.ruleset_hash
    again = pickle.loads(pickle.dumps(found))
    assert again.ruleset_hash == found.ruleset_hash
    assert again.gates[1].blocking[0].text == found.gates[1].blocking[0].text


def test_a_changed_copy_has_its_own_hash_rules_and_gates() -> None:
    found = world()
    before = found.ruleset_hash, len(found.gates[0].blocking), found.rules(Stage.PAPER)
    other = world(stage_gates={}, default_profile_by_stage={"backtest_only": "backtest"})
    same = ("stage_gates", "default_profile_by_stage")
    changed = found.model_copy(update={name: getattr(other, name) for name in same})
    assert changed.ruleset_hash == other.ruleset_hash != before[0]
    assert changed.gates[0].blocking == ()
    with pytest.raises(ConfigError, match="no profile"):
        changed.rules(Stage.PAPER)


@given(st.permutations(list(Profile.model_fields)), st.floats(0, 10, allow_nan=False))
def test_the_order_of_rules_does_not_change_the_hash(names: list[str], years: float) -> None:
    def digest_of(order: list[str]) -> str:
        rules = {name: {"min_effective_years": years} if name == "sample" else {} for name in order}
        return world(validation_profiles={"backtest": rules, "paper": {}}).ruleset_hash

    assert digest_of(names) == digest_of(list(Profile.model_fields))
