# The commands of the project. docs/development.md explains them.
#   PYTHON   the Python to make environments with (python3)
#   ARGS     handed to pytest (make test) or ansible-playbook (make demo)

PYTHON ?= python3
ARGS ?=
SHELL := /bin/sh
TOOLS := tests/tools
.DEFAULT_GOAL := help

# $(call environment,test): the Python of that environment, made first where needed; stops make in one sentence where it cannot be.
environment = python=$$($(PYTHON) $(TOOLS)/environment.py $(1)) || exit 1;

.PHONY: help python demo test molecule lint bench replay tables runtime clean

help:
	@sed -n 's/^| `make \([a-z]*\)` | \([^;|]*\).*/  make \1\t\2/p' docs/development.md

python:
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "$(PYTHON) was not found: install Python 3.10 or newer (Debian, Ubuntu: apt install python3 python3-venv) or name one, as in make PYTHON=python3.12." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "$(PYTHON) is `$(PYTHON) -V 2>&1`, too old for pve.fleet: name Python 3.10 or newer, as in make PYTHON=python3.12." >&2; exit 1; }

demo: python
	@$(call environment,demo) $$python $(TOOLS)/demo.py $(ARGS)

test: python
	@$(call environment,test) $$python $(TOOLS)/run_tests.py $(ARGS)

molecule: python
	@$(call environment,molecule) $$python $(TOOLS)/run_molecule.py $(ONLY)

lint: python
	@$(call environment,lint) $$python $(TOOLS)/lint.py $(ONLY)

bench: python
	@$(call environment,bench) $$python tests/benchmark/run.py $(if $(ONLY),--only "$(ONLY)") $(if $(JSON),--json "$(JSON)")

replay: python
	@$(call environment,test) $$python tests/simulator/replay.py $(if $(RECORDINGS),--recordings $(RECORDINGS)) $(if $(PART),--part $(PART)) $(if $(JSON),--json "$(JSON)")

tables: python
	@$(PYTHON) $(TOOLS)/make_tables.py $(SOURCE)

runtime: python
	@$(PYTHON) $(TOOLS)/make_runtime.py

clean:
	rm -rf .build
