# make run    install and run everything on this machine (a demonstration where nothing is configured)
# make test   install and pass the tests
# make lint, make train, make eval: for developers
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
APT := apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends
# twice quiet: errors are shown, and not that a dependency of ours asks for an extra which lxml has no more
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet

# make chaos, make fuzz, make audit: break it, bend its inputs, look for known weaknesses
.PHONY: api-fuzz audit bench browser chaos fuzz run install install-dev install-train test lint soak train eval lock clean

run: install
	@exec $(BIN)/tocsin up

install: $(VENV)/.installed

install-dev: $(VENV)/.installed-dev

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Tocsin needs Python 3.11 or newer; set PYTHON=") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements/run.txt pyproject.toml | $(VENV)/bin/python
	@echo "installing Tocsin into $(VENV) (a minute or two, once)"
	@$(PIP) install --require-hashes -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: requirements/dev.txt $(VENV)/.installed
	@echo "installing the test tools"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

test: install-dev
	$(BIN)/python -m pytest -n auto --maxprocesses 4

# What some tests need beside Python: a browser, promtool and a C compiler, from Debian. Needs root.
browser:
	@command -v chromedriver >/dev/null || $(APT) chromium chromium-driver >/dev/null
	@command -v promtool >/dev/null || $(APT) prometheus >/dev/null
	@command -v cc >/dev/null || $(APT) gcc libc6-dev >/dev/null

lint: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Breaks everything that can break while articles become alerts (half an hour); writes docs/reliability.json and .md.
chaos: install-dev
	$(BIN)/python -m tests.chaos $(if $(REDIS_7_0),--redis-7.0 $(REDIS_7_0))

# Steady news for MINUTES (10): does any process's memory grow?
soak: install-dev
	$(BIN)/python -m tests.chaos.soak --minutes $(or $(MINUTES),10)

# Measures speed against a plain design, the bare model and bare loops; writes docs/performance.json (BENCH=--quick: minutes).
bench: install-dev
	$(BIN)/python -m bench $(BENCH)

# Asks OSV, else PyPI, whether a pinned dependency has a known weakness; fails where neither can be asked.
audit: install-dev
	$(BIN)/python -m tests.vulnerabilities

# 125,000 bent inputs over ten targets, each in a process of its own; half an hour. INPUTS=: for each target.
fuzz: install-dev
	@$(BIN)/python -m tests.fuzz --inputs $(or $(INPUTS),12500)

# 1,000 requests for each operation of the API, made from its document; half an hour.
api-fuzz: install-dev
	TOCSIN_API_FUZZ=1000 $(BIN)/python -m pytest -q -p no:randomly tests/api/test_fuzz.py

install-train: $(VENV)/.installed-train

$(VENV)/.installed-train: requirements/train.txt $(VENV)/.installed
	@echo "installing the training tools"
	@$(PIP) install --require-hashes -r requirements/train.txt
	@touch $@

# Rebuilds the shipped models from ../shared/data, installing its tools first: 45 minutes on two cores; each recipe prints its
# processor minutes.
train: install-train
	$(BIN)/python -m training.entities
	$(BIN)/python -m training.entity_gate
	$(BIN)/python -m training.topics

# Scores them unattended and writes docs/quality.md and docs/quality.json: about 10 processor minutes. A part whose corpus is
# missing is named as not measured.
eval: install-train
	$(BIN)/python -m training.evaluate

# Pins every dependency with its hashes; needs uv.
lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--extra build pyproject.toml -o requirements/run.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--extra build --extra dev pyproject.toml -c requirements/run.txt -o requirements/dev.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--extra build --extra train pyproject.toml -c requirements/run.txt -o requirements/train.txt

clean:
	rm -rf $(VENV) build dist *.egg-info
