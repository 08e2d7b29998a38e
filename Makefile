# Everything runs inside .venv, which the first command that needs it makes from requirements.lock.
# Give a command more arguments with ARGS:  make study ARGS="--seeds 5"   make test ARGS="-k adam"
# Choose the interpreter with PYTHON:       make test PYTHON=python3.12

PYTHON ?= python3
ARGS ?=

BIN := .venv/bin
READY := .venv/.ready
SHELF := $(wildcard studies/*.toml) $(wildcard studies/*/*.toml)
STUDIES := $(sort $(basename $(notdir $(SHELF))))
FINISHED := $(sort $(patsubst results/%/provenance.json,%,$(wildcard results/*/provenance.json)))
MEASURED := .benchmarks/measured.json
SPEEDS := .benchmarks/speeds.json
ACCEPTED := benchmarks/accepted.json

# Compiled sources are kept, whatever the shell says: tests start hundreds of processes.
export PYTHONDONTWRITEBYTECODE :=
# Tests share the processor in at most four processes. A benchmark needs it alone, so none runs here.
PYTEST := $(BIN)/python -m pytest --benchmark-disable -n auto --maxprocesses 4 --dist worksteal
# What `make test-all` searches at random; what failed is searched again with the seed it prints.
SEED ?= $(shell od -An -N4 -tu4 /dev/urandom | tr -d ' ')

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:  # each command spreads over the processors by itself
.SUFFIXES:

.PHONY: help
help: ## Print this help
	@echo "nnbench: train a grid of small networks and report what made a difference"
	@echo
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { sub(/%/, "NAME", $$1); printf "  make %-15s %s\n", $$1, $$2 }' \
		$(firstword $(MAKEFILE_LIST))
	@echo
	@echo "  NAME is one of these, by topic, with the expected time on two cores:"
	@$(PYTHON) scripts/studies_by_topic.py $(STUDIES)
	@echo '  More arguments: make study ARGS="--seeds 5"    Another Python: make test PYTHON=python3.12'

.PHONY: study
study: study-quickstart ## Set up, then run the quick-start study and write its report (a minute or two)

# A study runs each time it is asked for: nnbench itself resumes, and skips the cells it has.
$(STUDIES:%=study-%): study-%: $(READY)
	$(BIN)/nnbench run $* $(ARGS)

study-%: ## Run the study NAME and write results/NAME/report.html
	@echo "make: there is no study $*. The studies are: $(or $(STUDIES),none yet)." >&2; exit 2

.PHONY: studies
studies: $(STUDIES:%=study-%) ## Run every study in studies/ (make -k continues past a failure)

report-%: $(READY) ## Rewrite the report of results/NAME from its tables
	$(BIN)/nnbench report results/$* $(ARGS)

.PHONY: reports
reports: $(FINISHED:%=report-%) ## Rewrite the report of every finished study
	$(if $(FINISHED),,@echo "make: no study has finished yet; run make study first." >&2)

.PHONY: claims
claims: $(READY) ## Judge the claims of every finished study, in results/claims.html
	$(BIN)/nnbench claims $(ARGS)

.PHONY: lecture
lecture: $(READY) ## Collect the studies' findings into a lecture, results/lecture.html
	$(BIN)/nnbench lecture $(ARGS)

.PHONY: atlas
atlas: $(READY) ## Draw everything a study can vary, in results/atlas/index.html
	$(BIN)/nnbench atlas $(ARGS)

.PHONY: test
test: $(READY) ## Set up, then run the quick tests: minutes, and the same each time
	$(PYTEST) $(ARGS)

.PHONY: test-whole
test-whole: $(READY) ## Run the longer tests that make test skips: whole runs, whole pages
	$(PYTEST) -m "whole and not slow" $(ARGS)

.PHONY: test-all
test-all: $(READY) ## Run all tests, including the slow ones, with a new random search for failures
	$(PYTEST) -m "" --hypothesis-profile=search --hypothesis-seed=$(SEED) $(ARGS)

.PHONY: check
check: $(READY) ## Check format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

.PHONY: format
format: $(READY) ## Format the code and fix what lint can fix
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

# Moved into place only when every benchmark passed, so that none goes missing from what is accepted.
define measure
@mkdir -p $(dir $(MEASURED))
$(BIN)/python -m pytest tests/benchmarks -m "" --benchmark-json=$(MEASURED).part $(ARGS)
@mv $(MEASURED).part $(MEASURED)
endef

.PHONY: bench
bench: $(READY) ## Measure the speed against plain PyTorch (best on an idle machine)
	$(measure)

.PHONY: bench-check
bench-check: $(READY) ## Measure for a minute, then fail if an engine's speed fell below the accepted one
	$(BIN)/python -m scripts.speeds $(SPEEDS) $(ARGS)
	$(BIN)/python scripts/bench_gate.py check $(SPEEDS) $(ACCEPTED)

.PHONY: bench-accept
bench-accept: $(READY) ## Measure for a minute and accept that speed for this machine
	$(BIN)/python -m scripts.speeds $(SPEEDS) $(ARGS)
	$(BIN)/python scripts/bench_gate.py accept $(SPEEDS) $(ACCEPTED)

.PHONY: bench-peers
bench-peers: $(READY) ## Time one training as a plain loop, on all cores, vectorised, native and in JAX
	$(BIN)/python -m scripts.bench_peers .benchmarks/peers.json $(ARGS)
	$(BIN)/python -m scripts.peers_figure .benchmarks/peers.json docs/images/peers.png

.PHONY: bench-figure
bench-figure: $(MEASURED) ## Draw the figure of docs/performance.md from the last make bench
	$(BIN)/python scripts/speed_figure.py $(MEASURED) docs/images/speed.png

$(MEASURED): | $(READY)
	$(measure)

.PHONY: gpu-check
gpu-check: $(READY) ## Compare a GPU with two cores: speed, and agreement of the results
	$(BIN)/python scripts/gpu_check.py

.PHONY: readme-picture
readme-picture: $(READY) ## Draw the README's picture from the results of the quick-start study
	$(BIN)/python scripts/readme_picture.py results/quickstart docs/images/quickstart.png

# The one set-up rule. A second call finds the stamp newer than both files and does nothing.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo \
		"make: nnbench needs Python 3.11 or newer, and '$(PYTHON)' is not." \
		"Choose one that is: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo \
		"make: '$(PYTHON)' cannot make virtual environments." \
		"On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Setting up .venv, once; PyTorch is large, so this takes a few minutes." >&2
	@$(PYTHON) -m venv .venv >&2
	@$(BIN)/python -m pip install --disable-pip-version-check -r requirements.lock >&2
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet \
		--no-deps --no-build-isolation -e . >&2
	@touch $@

.PHONY: clean
clean: ## Remove what runs, tests and tools wrote: results/, measurements, caches
	find results -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +
	rm -rf .benchmarks .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	find . -path ./.venv -prune -o -path ./.git -prune -o -name __pycache__ -exec rm -rf {} +

.PHONY: distclean
distclean: clean ## Remove the environment too
	rm -rf .venv *.egg-info
