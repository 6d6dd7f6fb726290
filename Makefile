# Two commands do everything: `make run` and `make test`.
VENV ?= .venv
PYTHON ?= python3
PY = $(VENV)/bin/python
PIP_INSTALL = $(PY) -m pip install --quiet --disable-pip-version-check
HOST ?= 127.0.0.1
PORT ?= 8000
PYTEST_ARGS ?=

.PHONY: run test test-sqlite test-services check bench demo messages clean

run: $(VENV)/.installed
	@exec $(PY) manage.py serve --host $(HOST) --port $(PORT)

demo: $(VENV)/.installed
	$(PY) manage.py migrate --verbosity 0
	$(PY) manage.py load_demo

test: $(VENV)/.installed-test
	@$(PY) -m tests.rounds -- $(PYTEST_ARGS)

test-sqlite test-services: test-%: $(VENV)/.installed-test
	@$(PY) -m tests.rounds $* -- $(PYTEST_ARGS)

check: $(VENV)/.installed-check
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy .
	$(VENV)/bin/lint-imports
	AGON_HOME=$(CURDIR)/var/check $(PY) manage.py makemigrations --check --dry-run
	AGON_HOME=$(CURDIR)/var/check $(PY) manage.py check --fail-level WARNING

bench: $(VENV)/.installed-test
	$(PY) -m tests.bench

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml
	@echo "Installing (once, about two minutes)…"
	@$(PIP_INSTALL) --no-compile -e .
	@touch $@

# the CPU build of torch comes first and pinned: left to the resolver it would bring CUDA along
$(VENV)/.installed-test: $(VENV)/.installed
	@echo "Installing what the tests need (once)…"
	@$(PIP_INSTALL) torch==2.13.0
	@$(PIP_INSTALL) -e ".[local,benchmarks,test]"
	@sh tests/install_packages.sh
	@touch $@

$(VENV)/.installed-check: $(VENV)/.installed-test
	@$(PIP_INSTALL) -e ".[check]"
	@touch $@

# needs GNU gettext (Debian: apt-get install gettext); both files are committed, so users do not
messages: $(VENV)/.installed
	$(PY) manage.py makemessages
	$(PY) manage.py compilemessages --ignore $(VENV)

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache
