.DEFAULT_GOAL := help
PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export DVC_NO_ANALYTICS := 1
export MLFLOW_DISABLE_TELEMETRY := true
# Tests start thousands of processes; none is to compile our modules anew.
export PYTHONDONTWRITEBYTECODE :=

.venv/installed: requirements.lock requirements-dev.lock pyproject.toml .ci/install.py
	@$(PYTHON) .ci/install.py
	@touch $@

.PHONY: help repro test test-slow test-very-slow test-faults mutants lint verify bench ui report env

env: .venv/installed  ## Create .venv with the locked environment

# A DVC that was killed has left incomplete files, which `linreg repair` removes; what else is wrong with them it says.
repro: env  ## Run the pipeline and print its results
	dvc repro || (linreg repair && dvc repro)
	@linreg summary

test: env  ## Run the fast tests
	python -m pytest -m "not slow and not very_slow" -n auto --dist worksteal --durations=10 --durations-min=2

test-slow: env  ## Run the tests that take seconds
	python -m pytest -m "slow and not very_slow" -n auto --dist worksteal

test-very-slow: env  ## Run the tests that take up to minutes each; TESTS=tests/faults for those of one folder
	python -m pytest -m very_slow -n auto --dist worksteal $(or $(TESTS),tests)

test-faults: env  ## Run the tests with killed processes, damaged files, full disks and servers that fail
	python -m pytest tests/faults -n auto --dist worksteal

mutants: env  ## Change the library in 200 places, and see whether the fast tests notice; ARGS="--package fit"
	python -m tests.mutation $(ARGS)

lint: env  ## Check style, types, and the libraries for known vulnerabilities
	ruff check .
	ruff format --check .
	mypy
	python .ci/audit.py

verify: env  ## Run every stage again in a clone of this commit, and compare all outputs with dvc.lock; ARGS=--vary
	linreg verify $(ARGS)

bench: env  ## Compare speeds with other tools; ARGS="--quick --json FILE" in two minutes
	@python -c "import duckdb, glum, matplotlib, polars, psutil, pyfixest, sklearn, threadpoolctl" 2>/dev/null || python -m pip install --quiet --editable ".[bench]"
	python -m benchmarks $(ARGS)

ui: env  ## Open the MLflow UI with the runs of this repository
	linreg ui

report: env  ## Compare parameters, metrics and plots with another commit; BASE=main
	.ci/report $(or $(BASE),main)

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12
