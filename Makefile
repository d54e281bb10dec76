# Everything lives in .venv, hash-locked; `make setup` needs Python 3.11-3.13 and make, nothing else.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do $$p -c 'import ensurepip, sys; \
	sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PIP_LOCKED := -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all:
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links
CODE := src tests tools $(wildcard benchmarks)
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-long check fmt bench bench-peers lock

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  \1 \t/p' Makefile | expand -t 16
setup: .venv/.ready ## make .venv with everything in it
.venv/.ready: requirements/dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Onefill needs Python 3.11, 3.12 or 3.13 with venv: make setup PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python $(PIP_LOCKED) -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
demo: setup ## decisions on generated ticks: fills and a summary
	$(BIN)/onefill demo
test: setup ## every test at its small size (ARGS="-k word" to choose)
	$(BIN)/pytest -n 3 -m "not long" $(ARGS)
test-long: setup ## the tests at full size, with their reports
	$(BIN)/pytest -n 2 -m long -rA --durations=10 --timeout=7200 --hypothesis-profile=long $(ARGS)
check: setup ## format, lint, types (Linux and Windows), import rules, house rules
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy $(CODE) examples/sma_cross.py
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32 $(CODE)
	$(BIN)/lint-imports
	$(BIN)/python tools/protos.py --check
	$(BIN)/python tools/tidy.py
	$(BIN)/python tools/docs_tables.py --check
fmt: setup ## format, and mend what lint can mend
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)
bench: setup ## measure, each figure beside its floor
	$(BIN)/python benchmarks/run.py $(ARGS)
bench-peers: setup .venv-peers/.ready ## the same, beside nautilus_trader and vn.py (0.7 GB of packages)
	HOME="$(CURDIR)/.venv-peers" PYTHONPATH=src .venv-peers/bin/python benchmarks/run.py $(ARGS)
.venv-peers/.ready: requirements/runtime.txt requirements/peers.txt
	$(BIN)/python -m venv .venv-peers
	.venv-peers/bin/python $(PIP_LOCKED) --no-deps -r requirements/runtime.txt
	.venv-peers/bin/python $(PIP_LOCKED) --no-deps -r requirements/peers.txt
	@touch $@
lock: setup ## resolve the requirements again (LOCK_ARGS=--upgrade for newer ones)
	$(LOCK) $(LOCK_ARGS) pyproject.toml --group dev -o requirements/dev.txt
	$(LOCK) pyproject.toml -c requirements/dev.txt -o requirements/runtime.txt
	$(LOCK) --group peers -c requirements/dev.txt -o requirements/peers.txt
