# `make` lists the targets. Everything runs from .venv, which the first target makes.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
LEDGER ?= dynamodb

.DEFAULT_GOAL := help
.PHONY: help install demo test prove check format torture bench profile regression bench-athena bench-spark scan spark spark-archive privileges lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(READY): requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit("docproc needs Python 3.11 or newer, this is " + sys.version.split()[0] + ". Name another: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV)
	@echo "installing the locked packages into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $(READY)

install: $(READY) ## make .venv and install the locked packages

demo: $(READY) ## the whole flow on embedded AWS (LEDGER=sqlite for SQL, ARGS=--once to stop after the check)
	@$(BIN)/python manage.py demo --ledger $(LEDGER) $(ARGS)

test: $(READY) ## the suite (ARGS=... goes to pytest)
	@$(BIN)/python -m pytest -n auto --dist loadgroup $(ARGS)

prove: $(READY) ## the heavier tests that CI runs too: browser, faults over real parts, faulty templates
	@$(BIN)/python -m pytest -n auto --dist loadgroup -m "proof and not slow" $(ARGS)

check: $(READY) ## format, lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(READY) ## rewrite the code as the formatter and the linter want it
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

torture: $(READY) ## the long proofs: crashes, faults, histories (tens of minutes)
	@$(BIN)/python -m pytest -m slow -s $(ARGS)

PEERS := .venv-bench
$(PEERS)/.ready: requirements-bench.txt
	@$(PYTHON) -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.txt
	@touch $(PEERS)/.ready

bench: $(READY) $(PEERS)/.ready ## the benchmarks under tests/bench, each a ratio in one run
	@for bench in tests/bench/bench_*.py; do echo "== $$bench"; $(BIN)/python $$bench || exit 1; done

profile: $(READY) ## where the CPU of a notification goes, stage by stage
	@$(BIN)/python tests/bench/profile_service.py $(ARGS)

regression: $(READY) $(PEERS)/.ready ## CPU of a notification against the floor's; fails over a baseline (ARGS=--record)
	@$(BIN)/python tests/bench/regression.py $(ARGS)

bench-athena: $(READY) ## how reports grow and what they cost at Athena (ARGS=--rows=1000000 for less)
	@$(BIN)/python tests/bench/bench_athena.py $(ARGS)

SCAN := .venv-scan
scan: ## lint and scan infra/template.yaml (cfn-lint, checkov; in a virtual environment of their own)
	@test -x $(SCAN)/bin/checkov || { $(PYTHON) -m venv $(SCAN) && $(SCAN)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-scan.txt; }
	@$(SCAN)/bin/cfn-lint infra/template.yaml infra/releases.yaml
	@$(SCAN)/bin/checkov -f infra/template.yaml infra/releases.yaml --framework cloudformation secrets --skip-download --compact --quiet

SPARK := .venv-spark
$(SPARK)/.ready: requirements-spark.txt
	@$(PYTHON) -m venv $(SPARK)
	@echo "installing run-time packages and pyspark into $(SPARK) ..."
	@$(SPARK)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-spark.txt
	@touch $@

spark: export DOCPROC_TEST_SPARK_PYTHON := $(CURDIR)/$(SPARK)/bin/python
spark: $(READY) $(SPARK)/.ready ## the proofs on Spark: import, and the CSV against Hive's SerDe (needs Java 17)
	@$(BIN)/python -m pytest -m "proof and not slow" tests/torture/test_spark_import.py tests/torture/test_serde.py $(ARGS)

bench-spark: export DOCPROC_TEST_SPARK_PYTHON := $(CURDIR)/$(SPARK)/bin/python
bench-spark: $(READY) $(SPARK)/.ready ## import on Spark: texts a second and core, what 1e8 take and cost
	@$(BIN)/python tests/bench/bench_spark.py $(ARGS)

spark-archive: ## project and locked packages as one archive for EMR Serverless (needs uv; ARGS=FILE)
	@infra/spark/package.sh $(ARGS)

# RECORD=1 notes every AWS request of `make test` and `make demo`, for `make privileges`.
ifdef RECORD
export RECORD_AWS_REQUESTS := $(CURDIR)/.privileges
export PYTHONPATH := $(CURDIR)/tests/support/recording
endif

privileges: $(READY) ## every AWS request of suite and demo against the template's role
	@test -s .privileges || { $(MAKE) test RECORD=1 && $(MAKE) demo RECORD=1 ARGS=--once; }
	@$(BIN)/python -m tests.support.least_privilege .privileges
	@rm .privileges

lock: ## lock the direct dependencies of pyproject.toml (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --quiet --custom-compile-command "make lock" -o requirements.txt
	uv pip compile pyproject.toml --group dev -c requirements.txt --universal --python-version 3.11 --generate-hashes --no-emit-index-url --quiet --custom-compile-command "make lock" -o requirements-dev.txt
	uv pip compile --group pyproject.toml:scan --universal --python-version 3.11 --generate-hashes --no-emit-index-url --quiet --custom-compile-command "make lock" -o requirements-scan.txt
	uv pip compile pyproject.toml --group spark -c requirements.txt --universal --python-version 3.11 --generate-hashes --no-emit-index-url --quiet --custom-compile-command "make lock" -o requirements-spark.txt
	uv pip compile pyproject.toml --group bench -c requirements.txt --universal --python-version 3.11 --generate-hashes --no-emit-index-url --quiet --custom-compile-command "make lock" -o requirements-bench.txt

clean: ## remove what the targets made
	rm -rf $(VENV) $(SCAN) $(SPARK) $(PEERS) .privileges .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage htmlcov
