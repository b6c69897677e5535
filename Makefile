# The verbs. `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tests start hundreds of interpreters: none should compile what another has compiled before it.
PYTEST = env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -q -n auto --dist worksteal
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo run test test-all check format docs learn evaluate bench lock clean

help:  ## list the verbs
	@awk -F':.*##' '/^[a-z-]+:.*##/ { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.test  ## everything at once: embedded Redis, worker, real mail servers, results
	@$(BIN)/python -m tests.demo

run: $(VENV)/.test  ## a worker with an embedded Redis; stop it with ctrl-c
	@$(BIN)/python -m worker.cli run

test: $(VENV)/.test  ## does it work here? All tests but the slow ones, side by side
	@$(PYTEST) -m "not slow" $(TESTS)

test-all: $(VENV)/.test  ## all tests, as CI runs them; a layer alone: make test-all TESTS=tests/faults
	@$(PYTEST) $(TESTS)

check: $(VENV)/.dev  ## lint, types, arrows, dependencies, citations
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/deptry .
	@$(BIN)/python -m docs.citations

format: $(VENV)/.dev  ## put the code in shape
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

docs: $(VENV)/.test  ## the pages that are made from the code: CODES.md, docs/SETTINGS.md
	@$(BIN)/python -m docs.make_codes
	@$(BIN)/python -m docs.make_settings

learn: $(VENV)/.test  ## learn words anew from the labelled replies (worker/probing/classify/learnt.tsv)
	@$(BIN)/python -m tests.support.learning

evaluate: $(VENV)/.test  ## how often the verdict is right about replies it has and has not seen
	@$(BIN)/python -m tests.support.evaluation

bench: $(VENV)/.test  ## the figures of the README, measured on this machine
	@$(BIN)/python -m bench

lock: $(VENV)/.dev  ## compile requirements/ anew from pyproject.toml
	@$(PIP) install uv
	@$(BIN)/python requirements/lock.py

clean:  ## remove what the verbs made
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is %d.%d" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.test: requirements/test.txt $(VENV)/bin/python
	@echo "installing into $(VENV) ..."
	@$(PIP) install --require-hashes -r requirements/test.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/bin/python
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@
