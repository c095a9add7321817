# Two commands for a newcomer: `make demo` and `make test`. Both set up .venv themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help demo test check test-slow clean
.DEFAULT_GOAL := help

help: ## show this help
	@grep -hE '^[a-z][a-z0-9-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 24

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(PIP) -e '.[sim]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(PIP) -e '.[dev]'
	@touch $@ $(VENV)/.demo

demo: $(VENV)/.demo ## film a source, run the agent on it, see what a control room sees
	$(BIN)/python -m trainer.demo demo

test: $(VENV)/.dev ## set up and run the whole default suite
	$(BIN)/python -m pytest

check: $(VENV)/.dev ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test-slow: $(VENV)/.dev ## checks that take minutes
	$(BIN)/python -m pytest -m 'slow or peer'

clean: ## remove the environment, caches and the demo's films; datasets and runs stay
	rm -rf .venv build demo .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
