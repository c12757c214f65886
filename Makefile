# `make demo` and `make test` need Python 3.11 or newer and nothing else: what they use
# is installed into .venv at the first call, and again when the requirements change.

# Interpreters to try, in this order; `make PYTHON=/path/to/python` names one.
PYTHON ?= python3 python3.14 python3.13 python3.12 python3.11 python
VENV := .venv
OLDEST := $(VENV)/oldest

# More arguments for what is run, such as `make demo ARGS='--port 9000'`.
ARGS ?=

PY := $(VENV)/bin/python
PYTEST := pytest --numprocesses auto --maxprocesses 8 --dist loadgroup

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo check test test-oldest promises services lint format types hooks docs \
    coverage benchmark dist clean

help:
	@echo 'make demo         start the example: a CMS and a shop; Ctrl-C stops both'
	@echo 'make check        lint, types, and the tests of the rooms: a minute'
	@echo 'make test         run all tests'
	@echo 'make promises     print what is promised, and which tests prove it'
	@echo 'make test-oldest  most of them with the oldest dependencies'
	@echo 'make services     install the programs that some tests need, or say how'
	@echo 'make lint         look for mistakes and check the layout of the code'
	@echo 'make format       lay the code out, sort the imports'
	@echo 'make types        check the types'
	@echo 'make hooks        have these three run at each commit'
	@echo 'make docs         build the documentation, in docs/_build/html'
	@echo 'make coverage     run all tests and list the lines that none of them reaches'
	@echo 'make benchmark    measure how long hits and renders take'
	@echo 'make dist         build and check what would be published, in dist/'
	@echo 'make clean        delete $(VENV) and all that was built'

# `exec`: signals reach the program, with no shell in between.
demo: $(VENV)/demo.stamp
	@exec $(PY) -m example_app.demo $(ARGS)

# On a disk, most of the time of these tests is waiting until it has written.
MEMORY := $(wildcard /dev/shm)

check: lint types
	@exec env $(if $(MEMORY),TMPDIR=$(MEMORY)) $(PY) -m $(PYTEST) --quiet -m 'not slow' \
	    --override-ini tmp_path_retention_policy=failed tests/unit

# Of some tests alone: `make promises ARGS=tests/unit`.
promises: $(VENV)/judges.stamp
	@exec $(PY) -m pytest --quiet --promises $(ARGS)

test: $(VENV)/judges.stamp $(VENV)/npm.stamp
	@exec $(PY) -m $(PYTEST) $(ARGS)

# The example promises nothing about old releases, and the judges and most extensions need
# newer ones; what servers say in HTTP, and where a flood ends, is the same with both.
test-oldest:
	@$(MAKE) --no-print-directory VENV=$(OLDEST) $(OLDEST)/oldest.stamp
	@exec env ISR_JUDGES=0 $(OLDEST)/bin/python -m $(PYTEST) --ignore tests/example \
	    --ignore tests/system/judges --ignore tests/test_lint.py \
	    --ignore tests/compat/extensions/matrix --ignore tests/docs/test_frozen_flask.py \
	    --ignore tests/system/bounds/test_many_keys.py $(ARGS)

# Where they are missing, `make test` skips the tests that need them. A colon comes before
# the package of a program with another name.
SERVICES := curl memcached nginx npm redis-server strace varnishtest:varnish

services:
	@PATH="$$PATH:/usr/sbin"; missing=$$(for name in $(SERVICES); do \
	    command -v "$${name%:*}" >/dev/null || printf ' %s' "$${name#*:}"; done); \
	if [ -z "$$missing" ]; then \
	    exit; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq; \
	    apt-get install -qq -y --no-install-recommends $$missing; \
	else \
	    echo "Missing:$$missing. Debian and Ubuntu: sudo apt-get install$$missing" >&2; \
	    exit 1; \
	fi

lint: $(VENV)/dev.stamp
	@$(PY) -m ruff check
	@$(PY) -m ruff format --check
	@$(VENV)/bin/lint-imports --no-logo

format: $(VENV)/dev.stamp
	@$(PY) -m ruff check --fix --select I
	@$(PY) -m ruff format

types: $(VENV)/dev.stamp
	@$(PY) -m mypy $(ARGS)

hooks: $(VENV)/dev.stamp
	@$(PY) -m pre_commit install

# Every warning fails it; `doctest` runs the examples that show a session. All pages are
# written anew: the table of contents stands on each of them.
docs: $(VENV)/docs.stamp
	@$(PY) -m sphinx -W --keep-going --quiet --fresh-env --write-all -b html \
	    -d docs/_build/doctrees docs docs/_build/html
	@$(PY) -m sphinx -W --keep-going --quiet -b doctest -d docs/_build/doctrees \
	    docs docs/_build/doctest
	@echo 'Built docs/_build/html/index.html'

coverage: $(VENV)/dev.stamp $(VENV)/npm.stamp
	@$(PY) -m coverage erase
	@$(PY) -m coverage run -m $(PYTEST) $(ARGS)
	@$(PY) -m coverage combine --quiet
	@$(PY) -m coverage report

benchmark: $(VENV)/demo.stamp
	@exec $(PY) -m benchmarks.in_process $(ARGS)

dist: $(VENV)/dev.stamp
	@rm -rf build dist
	@$(PY) -m build --quiet
	@$(PY) -m twine check --strict dist/*

clean:
	rm -rf $(VENV) build dist docs/_build *.egg-info .coverage .coverage.*
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

INSTALLED := setup.py pyproject.toml $(wildcard requirements/*.txt)

$(VENV)/%.stamp: $(INSTALLED) | $(VENV)/made.stamp
	@echo 'Installing Flask-ISR and requirements/$*.txt into $(VENV)'
	@$(PY) -m pip --disable-pip-version-check install --quiet \
	    --editable . --requirement requirements/$*.txt
	@touch $@

# A judge that is written in JavaScript; without npm its tests are skipped.
CACHE_TESTS := http-cache-tests@0.4.5

$(VENV)/npm.stamp: Makefile | $(VENV)/made.stamp
	@if command -v npm >/dev/null; then \
	    echo 'Installing $(CACHE_TESTS) into $(VENV)/npm'; \
	    npm install --prefix $(VENV)/npm --silent --no-audit --no-fund \
	        --ignore-scripts $(CACHE_TESTS) && touch $@; \
	else \
	    echo 'npm is missing: the tests of $(CACHE_TESTS) cannot run.' >&2; \
	fi

$(VENV)/made.stamp:
	@for python in $(PYTHON); do \
	    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	        || continue; \
	    if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	        echo "$$python cannot make virtual environments: its modules venv and" \
	             "ensurepip are missing." \
	             "On Debian and Ubuntu: sudo apt-get install python3-venv" >&2; \
	        exit 1; \
	    fi; \
	    echo "Creating $(VENV) with $$("$$python" --version)"; \
	    "$$python" -m venv $(VENV) && touch $@; \
	    exit; \
	done; \
	echo 'Python 3.11 or newer is needed. Tried: $(PYTHON).' \
	     'Name another one with make PYTHON=/path/to/python' >&2; \
	exit 1
