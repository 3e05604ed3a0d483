# Everything a person types: `make demo` shows it all, `make test` proves it. Run `make help` for the rest.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
# Without it every process, and every workflow's sandbox, compiles our modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install demo test prove referee check format bench bench-masters pictures lock clean

help: ## What can be typed here
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(INSTALLED): pyproject.toml requirements.lock requirements-bootstrap.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Ledgerway needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.12 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-bootstrap.lock
	@$(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

install: $(INSTALLED) ## Install what is needed into .venv

demo: $(INSTALLED) ## A made-up firm's month of time and expenses goes into a real ERP
	@$(BIN)/ledgerway demo

test: $(INSTALLED) ## All tests, the ones on the real ERP included
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

prove: $(INSTALLED) ## What takes longest: campaigns of faults, long scenarios, every interleaving
	@$(BIN)/python -m pytest -n 2 --dist load --exhaustive $(ARGS)

referee: $(INSTALLED) ## A second reader of the vendors' descriptions (Prism, by npm) judges connectors and simulators
	@test -x var/prism/node_modules/.bin/prism || npm install --silent --no-audit --no-fund --prefix var/prism @stoplight/prism-cli@5.16.0
	@$(BIN)/python -m pytest tests/referee $(ARGS)

check: $(INSTALLED) ## Format, lint, layers, types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports
	@$(BIN)/pyright
	@$(BIN)/mypy

format: $(INSTALLED) ## Put the code into its one form
	@$(BIN)/ruff check --fix -q . ; $(BIN)/ruff format .

bench: $(INSTALLED) ## Ratios against a naive and a careful script, in one run
	@$(BIN)/python -m benchmarks.event_lane $(ARGS)

bench-masters: $(INSTALLED) ## How soon a change in CRM or HR is in the ERP, and at how many calls
	@$(BIN)/python -m benchmarks.master_changes $(ARGS)

pictures: $(INSTALLED) ## Screenshots of Temporal's UI for docs/, from the world that is up
	@$(BIN)/python docs/pictures/take_pictures.py

lock: ## Pin the dependencies again, with hashes and without addresses
	@$(BIN)/uv pip compile -q --universal --generate-hashes --all-extras --no-annotate --no-header --python-version 3.11 $(UPGRADE) pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-annotate --no-header --python-version 3.11 -c requirements.lock pyproject.toml -o requirements-production.lock
	@echo 'hatchling>=1.27' | $(BIN)/uv pip compile -q --universal --generate-hashes --no-annotate --no-header --python-version 3.11 -c requirements.lock - -o requirements-build.lock
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-annotate --no-header --python-version 3.11 $(UPGRADE) sandbox/tryton/requirements.in -o sandbox/tryton/requirements.lock

clean: ## Remove everything that was built here
	rm -rf .venv var
