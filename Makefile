# Commands of the project. `make run` and `make test` need Python 3.11 and nothing else.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
INSTALLED := .venv/.installed
TESTS_INSTALLED := .venv/.tests-installed

.PHONY: run setup test check fix codebook train screenshots clean

run: $(INSTALLED)  ## demo EHR and app on this machine; Ctrl-C stops both
	@$(BIN)/chartside demo

setup: $(TESTS_INSTALLED)  ## everything that developing and testing needs
	@echo "Ready. Next: make run"

test: $(TESTS_INSTALLED)  ## every kind of test; what needs Chromium or Node is skipped where they are missing, but not in CI
	@if command -v npm >/dev/null && [ ! -d tests/validators/node_modules ]; then \
	  echo "Installing the FHIR validators ..."; npm ci --prefix tests/validators --silent --no-audit --no-fund; fi
	$(BIN)/pytest -n 2 --dist loadgroup $(ARGS)

check: $(TESTS_INSTALLED)  ## style, types, direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: $(TESTS_INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

train: $(TESTS_INSTALLED)  ## the predictor's artifact from coded notes: make train DATA=folder
	$(BIN)/python -m model.train --reports "$(DATA)/codiesp/train.jsonl" --split "$(DATA)/codiesp/not_billable.txt" \
	  --encounters "$(DATA)/us-encounters/train.jsonl" --out model/artifact

screenshots: $(TESTS_INSTALLED)  ## pictures of the pages for the documentation
	$(BIN)/python tests/browser/screenshots.py

clean:
	rm -rf .venv var

.venv/bin/python:
	@[ -n "$(PYTHON)" ] || { echo "Python 3.11 or newer is needed and none was found; install it or say: make run PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Say: make run PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Making a virtual environment in .venv ..."
	@$(PYTHON) -m venv .venv

$(INSTALLED): .venv/bin/python pyproject.toml requirements.lock
	@echo "Installing pinned packages (some minutes the first time) ..."
	@$(BIN)/python -m pip install --disable-pip-version-check -q --progress-bar on -c requirements.lock -e .
	@touch $@

$(TESTS_INSTALLED): $(INSTALLED)
	@echo "Installing the packages for tests ..."
	@$(BIN)/python -m pip install --disable-pip-version-check -q -c requirements.lock -e '.[test]'
	@touch $@
