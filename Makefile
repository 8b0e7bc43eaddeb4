# Negatoscope. `make help` lists what there is; `make run` and `make test` need nothing else before them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
FRONT_END := $(shell find static -name node_modules -prune -o -path static/build -prune -o -type f -print)

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# The wheel's Node comes before any other.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export UV_LINK_MODE := copy
# A hospital's own certificate authority is in the system's store.
export UV_SYSTEM_CERTS := 1
export NODE_USE_SYSTEM_CA := 1

.PHONY: help
help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

# ---- set-up: each stamp is made once and again when what it is made from changed ----------------------------------

.PHONY: setup
setup: .make/requirements static/build/manifest.json .make/catalogues ## install what running needs (make run does it by itself)

$(BIN)/python:
	@command -v "$(PYTHON)" >/dev/null || { echo "Python is missing: install the Debian package python3 (apt install python3)." >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$$("$(PYTHON)" --version) is too old: Negatoscope needs Python 3.11 or later, the Debian package python3 of Debian 12 or later; PYTHON=/path/to/python3 names another." >&2; exit 1; }
	@"$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null || { echo "Python's venv is missing: install the Debian package python3-venv (apt install python3-venv)." >&2; exit 1; }
	@echo "Making the virtual environment $(VENV)."
	@rm -rf $(VENV)
	@"$(PYTHON)" -m venv $(VENV)

.make/uv: $(BIN)/python
	@mkdir -p .make
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)" || { echo "The package uv could not be installed: is there a network?" >&2; exit 1; }
	@touch $@

# `EXTRAS="saml ldap"`: what a hospital signs in by besides (docs/single-sign-on.md).
EXTRAS ?=
EXTRA_LOCKS := $(EXTRAS:%=portal/%.lock)

.make/requirements: portal/requirements.lock $(EXTRA_LOCKS) .make/uv
	@echo "Installing the Python packages."
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes $(foreach lock,portal/requirements.lock $(EXTRA_LOCKS),-r $(lock))
	@touch $@

static/node_modules/.package-lock.json: static/package.json static/package-lock.json .make/requirements
	@echo "Installing the front end's packages."
	@cd static && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error >/dev/null
	@touch $@

static/build/manifest.json: static/node_modules/.package-lock.json $(FRONT_END)
	@echo "Building the front end."
	@cd static && npm run --silent build >$(CURDIR)/.make/front-end.log 2>&1 || { cat $(CURDIR)/.make/front-end.log >&2; exit 1; }
	@touch $@

.make/catalogues: $(wildcard portal/locale/*/LC_MESSAGES/*.po) .make/requirements
	@$(BIN)/python -m portal.catalogues compile
	@touch $@

# ---- running -------------------------------------------------------------------------------------------------------

.PHONY: run
run: export PORTAL_MODE := demo
run: setup ## set up what is missing and run the demo hospital on http://localhost:8000 (Ctrl-C stops it)
	@exec $(BIN)/python manage.py serve

.PHONY: reset-demo
reset-demo: export PORTAL_MODE := demo
reset-demo: .make/requirements ## delete the demo's data after asking; the next make run begins anew
	@exec $(BIN)/python -m portal.serve.reset

.PHONY: clean
clean: ## delete what set-up and tests made; never the data
	rm -rf $(VENV) .make static/build static/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache test-results
	find accounts imaging portal tests -name __pycache__ -type d -prune -exec rm -rf {} +
	find portal/locale -name '*.mo' -delete

# ---- tests and checks ----------------------------------------------------------------------------------------------

# In continuous integration, as root, the programs of other people that the tests talk to are installed too.
DEBIAN_PEERS := $(shell cat tests/debian-packages.txt)

.make/test-requirements: tests/requirements.lock .make/requirements
	@echo "Installing what checks and tests need."
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r tests/requirements.lock
	@touch $@

.PHONY: peers
peers:
	@if [ -n "$${CI:-}" ] && [ "$$(id -u)" = 0 ] && ! dpkg -s $(DEBIAN_PEERS) >/dev/null 2>&1; then \
		echo "Installing the Debian packages $(DEBIAN_PEERS)."; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends $(DEBIAN_PEERS) >/dev/null; \
	fi

.PHONY: test
test: setup .make/test-requirements peers ## everything the tests need, then all of them; `make test ARGS="-k scope"` runs some
	@if [ -n "$${CI:-}" ]; then $(MAKE) --no-print-directory check; fi
	@$(BIN)/python -m pytest -n auto $(ARGS)

# What the checks need of the settings: a demo's, whose folders and servers are never touched.
CHECK := ENV_FILE= PORTAL_MODE=demo DATA_DIR=$(CURDIR)/.make/check DJANGO_SETTINGS_MODULE=portal.settings.test

.PHONY: check
check: setup .make/test-requirements ## formatting, lint, types, import contracts, migrations, deployment settings, catalogues, packages
	@mkdir -p -m 700 .make/check
	@$(MAKE) --no-print-directory --jobs="$$(nproc)" --output-sync=target check-types check-python check-front-end check-django check-packages
	@echo "All checks passed."

# What takes longest is begun first, and the rest goes on beside it.
.PHONY: check-types check-python check-front-end check-django check-packages
check-types:
	@$(CHECK) $(BIN)/mypy portal accounts imaging

check-python:
	@$(BIN)/ruff format --check --quiet . || { echo "Not formatted: run make format." >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/lint-imports --no-cache >/dev/null || $(BIN)/lint-imports --no-cache

check-front-end:
	@$(BIN)/djlint templates --lint --quiet
	@cd static && npm run --silent check

check-django:
	@$(CHECK) $(BIN)/python -W 'ignore:Got an error checking' manage.py makemigrations --check --dry-run --skip-checks
	@$(BIN)/python -m portal.serve.deployment_check
	@$(BIN)/python -m portal.catalogues check

check-packages:
	@$(BIN)/python -m tests.supply_chain.check

.PHONY: sbom
sbom: setup .make/test-requirements ## write the bill of materials (CycloneDX) to FILE (negatoscope.cdx.json)
	@$(BIN)/python -m tests.supply_chain.bill $(FILE)

.PHONY: audit
audit: setup .make/test-requirements ## ask the advisory services about the locked packages (needs a network)
	@$(BIN)/python -m tests.supply_chain.audit

.PHONY: format
format: .make/test-requirements ## format Python
	@$(BIN)/ruff format --quiet . && $(BIN)/ruff check --fix --quiet .

.PHONY: messages
messages: .make/requirements ## bring the French catalogue up to date with code and templates
	@$(BIN)/python -m portal.catalogues update

.PHONY: bench
bench: setup .make/test-requirements peers ## measure speed and memory; docs/performance.md keeps the figures
	@NEGATOSCOPE_DURABLE=1 $(BIN)/python -m pytest tests/benchmarks -s -o timeout=0 --override-ini='norecursedirs=.* data node_modules' $(ARGS)

FILE ?= negatoscope.cdx.json
SECONDS ?= 600

.PHONY: fuzz
fuzz: setup .make/test-requirements ## look for bytes that parsers stumble over, SECONDS (600) for each
	@for name in $$($(BIN)/python -m tests.fuzz.running --list); do echo "$$name"; $(BIN)/python -m tests.fuzz.running $$name --seconds $(SECONDS) || exit 1; done

.PHONY: screenshots
screenshots: setup .make/test-requirements peers ## take the README's pictures of the demo hospital in headless Chromium
	@$(BIN)/python -m tests.journeys.screenshots docs/screenshots

.PHONY: lock
lock: .make/uv ## resolve the Python packages again: hashes, no addresses
	@$(BIN)/uv pip compile pyproject.toml --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 --quiet -o portal/requirements.lock
	@for extra in saml ldap; do $(BIN)/uv pip compile pyproject.toml --extra $$extra -c portal/requirements.lock --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 --quiet -o portal/$$extra.lock; done
	@$(BIN)/uv pip compile pyproject.toml --group dev -c portal/requirements.lock --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 --quiet -o tests/requirements.lock
