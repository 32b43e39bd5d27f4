# `make` or `make help` lists the targets. Only Python 3.11 or newer and make have to be there.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Other people's queues, for `make bench`: they want versions of their own.
PEERS_VENV := .venv-bench
# Locked and checked: every package, uv included, must match a hash in requirements/.
# Compiled once: `up` starts ten processes, and each would compile Django for itself.
UV_INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header
# The checks read code only: no server, and nothing that a developer has set or runs.
UNSET := env -u TASKFLOW_ENV -u TASKFLOW_DATABASE_URL -u TASKFLOW_REDIS_URL TASKFLOW_HOME=$(VENV)/none

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help up test check openapi chaos chaos-mutants bench bench-templates bench-lateness bench-retention bench-webhooks lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: $(VENV)/.local ## Run all of TaskFlow on this machine; Ctrl-C stops it
	@exec $(BIN)/python manage.py up

# The short chaos run goes first and alone: nothing else of the machine may look like a fault.
test: check ## Run every check and every test
	$(BIN)/pytest -m chaos tests/chaos
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist worksteal -m 'not chaos'

check: $(VENV)/.dev ## Lint, format, types, architecture, migrations, OpenAPI document
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(UNSET) $(BIN)/mypy .
	$(BIN)/lint-imports
	$(UNSET) $(BIN)/python -W 'ignore:Got an error checking' manage.py makemigrations --check --dry-run
	$(UNSET) $(BIN)/python manage.py spectacular --file $(VENV)/openapi.yaml --validate --fail-on-warn
	@cmp -s $(VENV)/openapi.yaml docs/openapi.yaml || \
		{ echo "docs/openapi.yaml is not current; run: make openapi" >&2; exit 1; }

# Three minutes and a seed that is drawn, unless told: make chaos MINUTES=30 SEED=7
MINUTES ?= 3
chaos: $(VENV)/.dev ## Break everything under load, and check that nothing is lost or doubled
	$(BIN)/python -m tests.chaos --publish --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

chaos-mutants: $(VENV)/.dev ## Break the engine itself in ten ways; the chaos test must notice each
	$(BIN)/python -m tests.chaos.mutants --publish

openapi: $(VENV)/.dev ## Write docs/openapi.yaml anew
	$(UNSET) $(BIN)/python manage.py spectacular --file docs/openapi.yaml --validate --fail-on-warn

bench: $(VENV)/.dev $(PEERS_VENV)/.installed ## Measure throughput and latency beside other people's queues
	$(BIN)/python -m benchmarks.throughput

bench-templates: $(VENV)/.dev ## Measure a million templates, recurrences and lateness
	$(BIN)/python -m benchmarks.templates

bench-lateness: $(VENV)/.dev ## Measure only how late templates' jobs start
	$(BIN)/python -m benchmarks.templates --only lateness

bench-retention: $(VENV)/.dev ## Measure how a million rows are dropped while jobs run
	$(BIN)/python -m benchmarks.retention

bench-webhooks: $(VENV)/.dev ## Measure the webhooks' fan-out, and the look who listens
	$(BIN)/python -m benchmarks.webhooks

lock: $(VENV)/.uv ## Resolve requirements/*.in to locked *.txt
	$(COMPILE) requirements/uv.in -o requirements/uv.txt
	$(COMPILE) requirements/base.in -o requirements/base.txt
	$(COMPILE) requirements/local.in -c requirements/base.txt -o requirements/local.txt
	$(COMPILE) requirements/dev.in -c requirements/local.txt -o requirements/dev.txt
	$(COMPILE) requirements/bench.in -o requirements/bench.txt

clean: ## Remove the virtual environment and caches; data in .taskflow/ is kept
	rm -rf $(VENV) $(PEERS_VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# A stamp says which lock file is installed; nothing is installed again until that changes.
# dev.txt contains local.txt, at the same versions: both orders of `up` and `test` work.
$(VENV)/.dev: requirements/dev.txt $(VENV)/.uv
	$(UV_INSTALL) -r requirements/dev.txt
	@touch $@

$(PEERS_VENV)/.installed: requirements/bench.txt $(VENV)/.uv
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(PEERS_VENV)
	$(BIN)/uv pip install --quiet --python $(PEERS_VENV)/bin/python --require-hashes \
		--compile-bytecode -r requirements/bench.txt
	@touch $@

$(VENV)/.local: requirements/local.txt $(VENV)/.uv
	$(UV_INSTALL) -r requirements/local.txt
	@touch $@

$(VENV)/.uv: requirements/uv.txt $(VENV)/.python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

$(VENV)/.python:
	@$(PYTHON) deploy/check_python.py
	$(PYTHON) -m venv $(VENV)
	@touch $@
