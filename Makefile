# make run and make test do all set-up themselves on a machine with Python 3.11 and make.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
WORKERS ?= 3
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help run test check format kafka lock picture clean

help:
	@echo "make run      the console on the simulated market (nothing leaves this machine)"
	@echo "make test     format, lint, types, import contract, and every test"
	@echo "make kafka    a three-node Apache Kafka on loopback (needs Java 17 and Maven)"
	@echo "make picture  the README's picture, from the real console on the simulated market"
	@echo "make lock     pin the newest versions that pyproject.toml allows"

run: $(READY)
	@$(BIN)/arbdesk demo

test: check
	@$(BIN)/pytest -n $(WORKERS) --dist loadgroup

check: $(READY)
	@$(BIN)/ruff format --check --quiet . || { echo "make format would mend the layout of the files above"; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo > $(VENV)/imports.log 2>&1 || { cat $(VENV)/imports.log; exit 1; }

format: $(READY)
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .

kafka: $(READY)
	@$(BIN)/python -m tests.kafka_cluster

picture: $(READY)
	@$(BIN)/arbdesk demo --seed 7 --picture .readme/console.svg --for 12s

lock: $(READY)
	@$(BIN)/pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --upgrade --python-version 3.11 \
		--group dev pyproject.toml -o .requirements.lock

clean:
	@rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis dist build

# The environment: made anew when what it is made of changes. The versions are locked, with their hashes.
$(READY): pyproject.toml .requirements.lock
	@echo "Setting up $(VENV) (about a minute, the first time only) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ArbDesk needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 run")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
