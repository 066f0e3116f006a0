# Set-up needs Python 3.11, make and git; everything else comes from requirements.lock.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
DEMO_HOME ?= data/demo
UI_PORT ?= 3000
export DBT_SEND_ANONYMOUS_USAGE_STATS = false
export RUNTIME__DLTHUB_TELEMETRY = false
export GX_ANALYTICS_ENABLED = false
export DO_NOT_TRACK = 1

.DEFAULT_GOAL := help
.PHONY: help setup demo ui test lint lint-types lint-sql lint-python format bench lock clean

help: ## what can be made
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

# pip works on one core: two halves at once, and compiled on all cores afterwards.
# Some packages ship files for other versions of Python that do not compile.
# The mark is newer than the lock file once everything is installed; an interrupted install runs again.
$(VENV)/.installed: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	awk '/^[a-z]/ { half = 1 - half } { print > ("$(VENV)/half" half ".lock") }' requirements.lock
	printf '0\n1\n' | xargs -I{} -P 2 \
	  $(BIN)/python -m pip install --quiet --no-deps --no-compile --require-hashes -r $(VENV)/half{}.lock
	$(BIN)/python -m compileall -qq -j 0 -x /tests/ $(VENV)/lib || true
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

setup: $(VENV)/.installed ## install everything into .venv

demo: setup ## the main job on the demo company, end to end
	CX_HOME=$(DEMO_HOME) $(BIN)/python -m ingestion.demo generate
	CX_HOME=$(DEMO_HOME) CX_CONNECTIONS=examples/demo.yml $(BIN)/python -m ingestion.demo serve -- $(BIN)/cx run
	@echo
	CX_HOME=$(DEMO_HOME) $(BIN)/cx query "select touchpoint_name, owner_name, interaction_count, round(100 * csat_value, 1) as csat, round(score, 2) as score from mart_touchpoint_scorecard where period_type = 'all' order by score nulls last, interaction_count desc limit 10"
	@echo
	@echo "report     $(DEMO_HOME)/published/current/report.html"
	@echo "marts      $(DEMO_HOME)/published/current/cx.duckdb (schema marts)"
	@echo "questions  CX_HOME=$(DEMO_HOME) $(BIN)/cx query \"show tables\""
	@echo "web UI     make ui   (http://127.0.0.1:$(UI_PORT), of the demo company)"

ui: setup ## Dagster's web UI; of the demo company when it was built
	if test -d $(DEMO_HOME)/demo; then \
	  CX_HOME=$(DEMO_HOME) CX_CONNECTIONS=examples/demo.yml $(BIN)/python -m ingestion.demo serve -- $(BIN)/cx ui --port $(UI_PORT); \
	else $(BIN)/cx ui --port $(UI_PORT); fi

# More workers than cores: with two a fifth of the CPU was idle while they waited for a disk, a server or a shared fixture.
test: setup lint ## every check: lint, types, boundaries, tests
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

lint: setup ## ruff, types, import boundaries, SQL
	$(MAKE) --no-print-directory --jobs 2 --output-sync lint-types lint-sql lint-python

lint-types:
	$(BIN)/pyrefly check --output-format min-text

lint-sql: # parses every model: about 50 s of CPU
	$(BIN)/sqlfluff lint --processes 0 dbt_project/models

lint-python:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

format: setup ## write the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## rows per CPU second, build time and memory at 1 M web events (about 10 minutes)
	$(BIN)/python -m bench

lock: ## resolve requirements.in anew into requirements.lock
	uv pip compile --universal --generate-hashes --no-emit-index-url --no-strip-extras --no-header \
	  --python-version 3.11 requirements.in -o requirements.lock

clean: ## remove the environment and the demo's data
	rm -rf $(VENV) $(DEMO_HOME)
