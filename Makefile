# Each target sets up what it needs in .venv first; a second call skips what is there.

SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
DAYS := 2026-04-20...2026-04-26
MARKET_DAYS := 2025-02-13...2026-04-26
WEEK := 2026-04-13
export PIP_DISABLE_PIP_VERSION_CHECK := 1

PYTHON := $(shell for p in python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null && echo $$p && break; done)
PIP = $(BIN)/python -m pip install -qq --constraint requirements.lock

MATERIALIZE = $(BIN)/dagster asset materialize -m distill_platform.definitions \
	--config-json '{"loggers": {"console": {"config": {"log_level": "WARNING"}}}}'

# Dagster keeps its history here, writes the events of a range in batches, and says nothing about its beta features.
run dev: export DAGSTER_HOME := $(CURDIR)/.dagster
run dev: export DAGSTER_EVENT_BATCH_SIZE := 1000
run dev: export PYTHONWARNINGS := ignore

.DEFAULT_GOAL := help
.PHONY: help run test slow check bench dev clean distclean

help: ## Show this list
	@sed -nE 's/^([a-z]+):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F'\t' '{printf "make %-10s %s\n", $$1, $$2}'

run: $(VENV)/.models .dagster/dagster.yaml ## Refine the sample, backtest the sample strategies, train the sample models, and judge them all
	@echo "== Traces to corpora"
	@$(MATERIALIZE) --select 'owner:"team:refinery"' --partition-range $(DAYS)
	@$(BIN)/distill receipts
	@echo "== Strategies to runs"
	@$(BIN)/distill backtest config/strategies/*.yaml --data ohlcv.sp500.daily
	@echo "== Fourteen months of a generated market to features"
	@$(BIN)/python -m distill_platform.feeds.sample data/sources/market
	@$(MATERIALIZE) --select 'owner:"team:feeds" or key:features' --partition-range $(MARKET_DAYS)
	@echo "== Features to models: trained, searched, confirmed once, run"
	@$(MATERIALIZE) --select 'key:training_frame or group:training or group:search or key:model_runs' --partition $(WEEK)
	@echo "== Runs to verdicts, verdicts to a promotion that waits for a person"
	@$(MATERIALIZE) --select 'owner:"team:evaluation"' --partition $(shell date -u +%F)
	@$(MATERIALIZE) --select 'key:promotion_report' --partition $(WEEK)
	@$(MATERIALIZE) --select 'group:serving' --partition-range $(DAYS)
	@$(BIN)/distill evaluate
	@$(BIN)/distill models show
	@$(BIN)/distill review list

test: $(VENV)/.dev ## All tests but the slow ones
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

slow: $(VENV)/.train $(VENV)/.peers ## The slow tests: training on a release, simulations, other packages' answers
	$(BIN)/python -m pytest -m slow

check: $(VENV)/.dev ## Linter, formatter, types, and who may import whom
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(VENV)/.peers .venv-vectorbt/.done ## The benchmarks: a million rows, the statistics, backtests, models; ARGS=--help for more
	$(BIN)/python -m benchmarks $(ARGS)

dev: $(VENV)/.dev .dagster/dagster.yaml ## Dagster's web interface on this graph
	@$(BIN)/dagster instance info >/dev/null # several processes starting on a fresh DAGSTER_HOME trip over each other
	$(BIN)/dagster dev -w workspace.yaml

clean: ## Remove everything produced, but no source and not .venv
	rm -rf .dagster .bench data/lake data/inbox data/ledger data/keys data/sources/market build dist *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find distill_platform distill_platform_tests -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## Also remove .venv
	rm -rf $(VENV) .venv-vectorbt

$(VENV)/.python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 is needed and neither python3.11 nor python3 is one. Install it and run again." >&2; exit 1; }
	@echo "Setting up $(VENV) with $(PYTHON)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run: $(VENV)/.python pyproject.toml requirements.lock
	@echo "Installing what running needs (about a minute)"
	@$(PIP) --editable '.[markets]'
	@touch $@

$(VENV)/.models: $(VENV)/.run requirements-models.lock
	@echo "Installing what models need (torch first: nothing else may choose its build)"
	@$(PIP) "$$(grep '^torch==' requirements-models.lock)"
	@$(PIP) --constraint requirements-models.lock --editable '.[markets,models]'
	@touch $@

$(VENV)/.dev: $(VENV)/.models
	@echo "Installing what testing and checking need"
	@$(PIP) --constraint requirements-models.lock --editable '.[dev,models]'
	@touch $@

$(VENV)/.train: $(VENV)/.dev requirements-train-check.lock
	@echo "Installing what the training check needs"
	@$(PIP) --constraint requirements-models.lock --constraint requirements-train-check.lock --editable '.[dev,train-check]'
	@touch $@

$(VENV)/.peers: $(VENV)/.dev requirements-peers.lock
	@echo "Installing the packages that the statistics and the models are compared with"
	@$(PIP) --constraint requirements-models.lock --constraint requirements-peers.lock --editable '.[dev,peers]'
	@touch $@

.venv-vectorbt/.done: $(VENV)/.python requirements-vectorbt.lock
	@echo "Installing vectorbt, with which backtests are compared, in an environment of its own"
	@$(PYTHON) -m venv .venv-vectorbt
	@.venv-vectorbt/bin/python -m pip install -qq --requirement requirements-vectorbt.lock
	@touch $@

.dagster/dagster.yaml: dagster.yaml
	@mkdir -p .dagster
	@ln -sf ../dagster.yaml $@
