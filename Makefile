# Everything from nothing but Python 3.11 and pip: the virtual environment is made and filled when it is
# missing, and again when what it is made of changes.
#
#   make search [MINUTES=n] [SEED=n] [ARGS="key=value …"]   pull the embedded models, run a search to its end
#   make test   [ARGS="…"] [WORKERS=n]                      the whole test suite
#   make bench  [ARGS="…"]                                  benchmarks, printed as a table
#   make check                                              lint, format, types, import contracts
#   make clean                                              remove what make made (not runs/, not the models)

PYTHON  ?= $(shell python3.11 -c 'print("python3.11")' 2>/dev/null || echo python3)
MINUTES ?= 15
SEED    ?= 0
WORKERS ?= 3
ARGS    ?=

VENV  := .venv
BIN   := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help search test bench check format clean
.DELETE_ON_ERROR:

help:
	@sed -n 's/^#   //p' Makefile

# Made anew: packages that a change took away must not linger.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "make: needs Python 3.11 or newer: install it, or name it as in make PYTHON=/usr/bin/python3.11" >&2; exit 2; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt -e ".[local,dev]"
	@touch $@

search: $(STAMP)
	$(BIN)/meta-search models pull
	$(BIN)/meta-search run budget.wall_s=$$(( $(MINUTES) * 60 )) seed=$(SEED) $(ARGS)

test: $(STAMP)
	$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

bench: $(STAMP)
	$(BIN)/python -m tests.bench $(ARGS)

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) dist build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find archive conf domains meta_search tests -name __pycache__ -type d -prune -exec rm -rf {} +
