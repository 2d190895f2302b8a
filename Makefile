# Two commands are enough on a fresh machine: git clone, make demo. Everything lives in .venv and .tools here.
# Needs Python 3.11 or later and a network at first; PYTHON=... chooses the interpreter. GNU make 3.81 and later.

PYTHON    ?= python3
RECORDING ?=
FROM      ?=
PORT      ?=
ARGS      ?=
BENCH     ?= throughput

# Variables of the caller must not reach into .venv (PYTHONPATH, another active environment), and what is imported is
# compiled once: without bytecode every process of the tests would compile all packages again, which takes seconds.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV PYTHONDONTWRITEBYTECODE

# As many test processes as there are cores, four at most (each starts servers of its own); who is done first takes over.
CORES = -n auto --maxprocesses 4 --dist worksteal
# Without Java beside them: on two cores a third one works while the others wait for their servers.
THREE = -n 3 --dist worksteal

UV   = .tools/bin/uv
# Bytecode is made here, once: a start that reads all sources anew takes twice as long (PYTHONDONTWRITEBYTECODE).
SYNC = UV_NO_CONFIG=1 $(UV) pip sync --quiet --compile-bytecode --python .venv/bin/python --require-hashes
SELF = UV_NO_CONFIG=1 $(UV) pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --offline -e .

.DEFAULT_GOAL := help
.PHONY: help demo test kafka crash lint bench lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-7s %s\n", $$1, $$2}' Makefile

demo: .venv/.runtime ## broker, worker, wallboard and a day at 60x [PORT=8080] [RECORDING=x.ndjson.zst] [FROM=1999-02-03T12:00]
	@echo "loading the kernels (on a new checkout they are compiled first: a minute or two, once)"
	@.venv/bin/python -m agents.warm habits & .venv/bin/python -m agents.warm && wait $$!
	@exec .venv/bin/callwatch demo $(if $(RECORDING),--recording "$(RECORDING)") $(if $(FROM),--from "$(FROM)") \
	    $(if $(PORT),--port "$(PORT)") $(ARGS)

test: .venv/.dev ## all tests but the next two, three at a time [ARGS="-k word"; one at a time: ARGS="-n 0"]
	@.venv/bin/python -m agents.warm habits series & .venv/bin/python -m agents.warm && wait $$!
	@exec .venv/bin/python -m pytest $(THREE) $(ARGS)

kafka: .venv/.dev ## the tests of whatever needs a broker, on Apache Kafka (Java 17 and Maven) [ARGS="-k word"]
	@.venv/bin/python -m tests.kafka.jars
	@.venv/bin/python -m agents.warm
	@exec .venv/bin/python -m pytest -m "kafka and not crash" $(CORES) $(ARGS)

crash: .venv/.dev ## the crash harness: processes killed at every point (Java 17 and Maven) [ARGS=...]
	@.venv/bin/python -m tests.kafka.jars
	@.venv/bin/python -m agents.warm
	@exec .venv/bin/python -m pytest -m crash $(ARGS)

lint: .venv/.dev ## ruff (rules and format) and mypy --strict
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy

bench: .venv/.runtime ## events per second beside plain Faust, librdkafka and aiokafka [BENCH=memory|takeover|latency|growth|wallboard|recovery|start|detection] [ARGS=--json]
	@exec .venv/bin/callwatch bench $(BENCH) $(ARGS)

lock: $(UV) ## compute the locks anew from pyproject.toml [ARGS=--upgrade]
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate $(ARGS) \
	    pyproject.toml -o locks/runtime.txt
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate $(ARGS) \
	    pyproject.toml --group dev -c locks/runtime.txt -o locks/dev.txt

clean: ## remove .venv, .tools and caches (recordings stay)
	rm -rf .venv .tools .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info

# --- the environment. A stamp is newer than what it was made from, or it is made again. ---

.tools/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "Callwatch needs Python 3.11 or later; '$(PYTHON)' is $$( { $(PYTHON) --version || echo 'not there'; } 2>/dev/null)." >&2; \
	    echo "Install it, or name another: make PYTHON=/path/to/python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "'$(PYTHON)' has no venv module with pip. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@mkdir -p .tools
	@touch $@

$(UV): locks/tools.txt .tools/.python
	@echo "fetching the installer (uv) into .tools"
	@$(PYTHON) -m venv --clear .tools/env
	@.tools/env/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
	    -r locks/tools.txt
	@mkdir -p .tools/bin
	@ln -sf ../env/bin/uv $(UV)
	@touch $(UV)

.venv/.base: .tools/.python
	@.venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	    $(PYTHON) -m venv --clear --without-pip .venv
	@touch $@

# Packages for tests stay when they are there already; `demo` alone never installs them.
.venv/.runtime: locks/runtime.txt pyproject.toml $(UV) .venv/.base
	@if [ -f .venv/.dev ]; then lock=locks/dev.txt; else lock=locks/runtime.txt; fi; \
	    echo "installing $$lock into .venv"; $(SYNC) $$lock
	@$(SELF)
	@if [ -f .venv/.dev ]; then touch .venv/.dev; fi
	@touch $@

.venv/.dev: locks/dev.txt pyproject.toml $(UV) .venv/.base
	@echo "installing locks/dev.txt into .venv"
	@$(SYNC) locks/dev.txt
	@$(SELF)
	@touch $@ .venv/.runtime
