# `make demo` shows it, `make test` proves it. Everything else is built on the way.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: install test check demo bench clean help

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

clean: ## remove what was built
	rm -rf $(VENV) demo .pytest_cache .ruff_cache .hypothesis
