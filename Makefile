# `make demo` shows it, `make test` proves it. Everything else is built on the way.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: install test check demo bench soak fuzz audit clean help

help: ## what there is to make
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(READY) ## build .venv with the pinned dependencies

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt 'pip>=25.1'  # knows --group
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable . --group dev
	touch $(READY)

check: $(READY) ## lint, types and architecture
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright --level error
	$(BIN)/lint-imports --no-cache

test: check ## everything: lint, types, and all tests
	$(BIN)/poselift assets fetch --models $$(command -v npm >/dev/null && echo all || echo full)
	$(BIN)/python -m pytest

demo: $(READY) ## upload a real clip, watch it run, get poses and a picture in demo/
	$(BIN)/poselift demo --out demo

bench: $(READY) ## measure, and compare with the committed baselines
	$(BIN)/python -m benchmarks

soak: $(READY) ## try for 15 minutes what the service promises; writes benchmarks/soak.md
	$(BIN)/python -m benchmarks soak

fuzz: $(READY) ## made-up files, forms and requests by the thousand, for minutes
	$(BIN)/python -m pytest --hypothesis-profile=fuzz --timeout=3600 tests/faults/test_probe_fuzz.py \
		tests/faults/test_form_fuzz.py tests/faults/test_openapi_conformance.py

audit: $(READY) ## known holes in the pinned dependencies; asks PyPI, fails where it cannot
	test -x $(VENV)/audit/bin/pip-audit || $(PYTHON) -m venv $(VENV)/audit
	$(VENV)/audit/bin/python -m pip install --quiet 'pip-audit>=2.10'  # apart: it has pins of its own
	$(VENV)/audit/bin/pip-audit --requirement constraints.txt --no-deps --disable-pip --strict

clean: ## remove what was built
	rm -rf $(VENV) demo .pytest_cache .ruff_cache .hypothesis
