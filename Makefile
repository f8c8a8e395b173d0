# The only commands that a developer needs; CI runs the same ones.
# They need Python 3.11 or newer, git and make. Everything else is put into .venv.

PYTHONS := python3.13 python3.12 python3.11 python3
BIN := .venv/bin
STAMP := .venv/.set-up
REQUIREMENTS := requirements/run.txt requirements/dev.txt
PYTEST := $(BIN)/python -m pytest -n 2

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench faults simulate fuzz schemathesis fix lock format lint types doors

help:  ## Say what there is (this)
	@echo "make …"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP)  ## Put everything that Relevo needs into .venv

demo: setup  ## Set up and run Relevo with a sample flow, beside a small live-chat platform
	$(BIN)/relevo demo

test: setup  ## Set up and run all tests, on SQLite and on PostgreSQL
	$(PYTEST)

check: format lint types doors test  ## All that CI checks: format, lint, types, doors, tests, docs

bench: setup  ## Measure Relevo under load, beside a bare relay
	$(BIN)/python -m bench

simulate: setup  ## Run 10,000 seeds of the simulation; SEEDS=… for another number
	$(BIN)/python -m simulation --seeds $(or $(SEEDS),10000)

faults: setup  ## Kill, cut and fill things under load: is anything lost or reordered?
	$(BIN)/python -m faults

fuzz: setup  ## A million bent requests at every channel; INPUTS=… for another number, CHANNELS=… for some
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/fuzz.txt
	$(BIN)/python -m fuzz --inputs $(or $(INPUTS),1000000) $(CHANNELS)

schemathesis: setup  ## Half an hour of requests at every operation of the API, made from its document
	$(BIN)/python -m fuzz.surface --examples $(or $(EXAMPLES),50)

fix: setup  ## Put right what can be put right without thinking
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

# The parts of `check`. What the documentation says is compared with the code by tests/docs.

format: setup
	$(BIN)/ruff format --check

lint: setup
	$(BIN)/ruff check

types: setup
	$(BIN)/mypy

doors: setup
	$(BIN)/lint-imports --no-logo

# The exact packages of requirements/ are installed, checked by their hashes, and nothing else.
# --no-build-isolation: the build tool is among them, so that nothing unpinned is fetched.
$(STAMP): $(REQUIREMENTS) pyproject.toml src/relevo/__init__.py
	@set -e; \
	chosen=; seen=; \
	for python in $(PYTHONS); do \
	  version=$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue; \
	  seen="$$seen $$python is $$version;"; \
	  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' && { chosen=$$python; break; }; \
	done; \
	if [ -z "$$chosen" ]; then \
	  echo "Relevo needs Python 3.11 or newer. Found:$${seen:- no Python at all}" >&2; exit 1; \
	fi; \
	if ! $$chosen -c 'import venv, ensurepip' 2>/dev/null; then \
	  echo "$$chosen cannot make virtual environments: the modules venv and ensurepip are missing." >&2; \
	  echo "On Debian and Ubuntu: apt-get install $$chosen-venv" >&2; exit 1; \
	fi; \
	$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
	  echo "Making .venv with $$chosen"; $$chosen -m venv --clear .venv; \
	}
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Made again from pyproject.toml, with uv in an environment that is thrown away.
COMPILE = "$$tool"/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate pyproject.toml

lock:  ## Write requirements/ again from pyproject.toml; versions that still fit stay
	@set -e; tool=$$(mktemp -d); trap 'rm -rf "$$tool"' EXIT; \
	python3 -m venv "$$tool"; "$$tool"/bin/python -m pip install --quiet --disable-pip-version-check uv; \
	$(COMPILE) -o requirements/run.txt; \
	$(COMPILE) --group dev -o requirements/dev.txt; \
	$(subst pyproject.toml,,$(COMPILE)) --group fuzz -o requirements/fuzz.txt
