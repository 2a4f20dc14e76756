# Targets for users and contributors. `make` without a target lists them.
#
# Settings:  EXPERIMENT=experiments/x.toml   RESULTS=results   JOBS=2   BUDGET=10m   PYTHON=python3.12   VENV=.venv-3.12

EXPERIMENT ?= experiments/compare.toml
RESULTS    ?= results
ARGS       ?=
# Time budget of `make compare`: ten minutes for the main experiment, by default none for others.
BUDGET     ?= $(if $(filter experiments/compare.toml,$(EXPERIMENT)),10m)

# The Python versions that TensorFlow has wheels for. Default: the first of them on the path.
SUPPORTED := 3.11 3.12 3.13
SUITABLE := import sys; sys.exit("{}.{}".format(*sys.version_info) not in "$(SUPPORTED)".split())
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	if "$$p" -c '$(SUITABLE)' 2>/dev/null; then command -v "$$p"; break; fi; done)

VENV  := .venv
READY := $(VENV)/.ready
BIN   := $(VENV)/bin
RUN    = $(BIN)/harness run --results $(RESULTS) $(if $(JOBS),--jobs $(JOBS)) $(ARGS)

.DEFAULT_GOAL := help
.PHONY: help compare smoke full report test test-fast coverage bench regress baseline lint format schema lock clean validate readme
.PHONY: literature check mutation screenshots pythons fuzz docs

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

compare: $(READY)  ## train, judge and report: EXPERIMENT=experiments/compare.toml, BUDGET=10m
	@$(RUN) --until-decided $(if $(BUDGET),--budget $(BUDGET)) $(EXPERIMENT)

smoke: $(READY)  ## test the installation with a one-minute comparison
	@$(RUN) experiments/smoke.toml

full: $(READY)  ## the comparison with more seeds, sizes and lengths (a day)
	@$(RUN) experiments/full.toml

report: $(READY)  ## rewrite EXPERIMENT's report from the stored records
	@$(BIN)/harness report $(RESULTS)/$(basename $(notdir $(EXPERIMENT)))

test: $(READY)  ## all tests (ten minutes)
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

test-fast: $(READY)  ## the tests that need neither TensorFlow nor a browser (under a minute)
	@$(BIN)/python -m pytest --fast -n auto --dist worksteal $(ARGS)

check: lint test-fast  ## before a commit: style, types and the fast tests (under two minutes)

pythons: $(READY)  ## lint and fast tests with every supported Python on this machine, in environments .venv-VERSION
	@for version in $(SUPPORTED); do \
		environment=$(VENV) python=$(BIN)/python; \
		if [ "$$($(BIN)/python -c '$(VERSION)')" != $$version ]; then \
			environment=.venv-$$version python=$$($(call installed,$$version)); fi; \
		if [ -z "$$python" ]; then absent="$$absent $$version"; continue; fi; \
		echo "Python $$version ($$environment)"; \
		$(MAKE) --no-print-directory lint test-fast PYTHON="$$python" VENV=$$environment || exit 1; done; \
	if [ -n "$$absent" ]; then echo "Not tested, because this machine has no such Python with the venv module:$$absent"; fi

fuzz: $(READY)  ## fuzzing: 10,000 mutated inputs of each kind; a traceback is a failure; ARGS="COUNT TARGET ..."
	@$(BIN)/python -m tests.fuzz $(ARGS)

coverage: $(READY)  ## all tests; lists untested lines, fails below 90 % branch coverage
	@rm -f .coverage .coverage.*
	@$(BIN)/coverage run -m pytest $(ARGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report
	@$(BIN)/coverage json --quiet -o - | $(BIN)/python -c '$(ENOUGH_BRANCHES)'

mutation: $(VENV)-mutation/.ready  ## mutation testing with 400 random mutants (half an hour); ARGS="COUNT SEED"
	@$(VENV)-mutation/bin/python -m tests.mutation $(ARGS)

bench: $(READY)  ## the pytest-benchmark suite, on an idle machine
	@$(BIN)/python -m pytest tests/benchmarks --benchmark-enable --benchmark-json=$(RESULTS)/benchmarks.json $(ARGS)

regress: $(READY)  ## performance and accuracy regression gate (minutes), on an idle machine
	@$(BIN)/python -m tests.benchmarks.quality
	@$(BIN)/python -m tests.benchmarks.regress $(ARGS)

baseline: $(READY)  ## store the present results as the baseline of make regress; state the reason in the commit
	@$(BIN)/python -m tests.benchmarks.quality --renew
	@$(BIN)/python -m tests.benchmarks.regress --baseline

validate: $(READY)  ## error rates of verdicts, from 2,000 simulated experiments each (25 minutes)
	@$(BIN)/python -m tools.error_rates $(ARGS)

screenshots:  ## renew the README's picture from EXPERIMENT's report (needs chromium)
	@chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --no-first-run --disable-background-networking \
		--disable-component-update --disable-sync --user-data-dir=$$(mktemp -d) --window-size=1280,1250 \
		--screenshot=$(CURDIR)/docs/report.png \
		file://$(abspath $(RESULTS))/$(basename $(notdir $(EXPERIMENT)))/report.html 2>/dev/null && echo docs/report.png

readme: $(READY)  ## renew the README's verdicts from the results of make compare
	@$(BIN)/python -m tools.readme $(RESULTS)/compare README.md

literature: $(READY)  ## renew docs/literature.md from the results of experiments/published/
	@$(BIN)/python -m tools.literature $(wildcard $(patsubst experiments/published/%.toml,$(RESULTS)/%,$(wildcard experiments/published/*.toml))) docs/literature.md

docs: $(READY)  ## build the documentation into build/docs/ (open build/docs/index.html); a broken link is an error
	@$(BIN)/python -m tools.commands docs/commands.md
	@$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs && echo build/docs/index.html

lint: $(READY)  ## style, types and the wording of texts, as CI checks them
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/python -m tools.wording

format: $(READY)  ## format the code, and renew links from docs/ to its lines
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .
	@$(BIN)/python -m tools.line_links docs/*.md

schema: $(READY)  ## renew the JSON schema of experiment files from the models
	@$(BIN)/harness schema > experiments/experiment.schema.json

lock:  ## renew requirements.lock from pyproject.toml
	@$(call checked_python)
	@"$(PYTHON)" -m venv $(VENV)-lock && $(VENV)-lock/bin/pip install --quiet uv
	@$(VENV)-lock/bin/uv pip compile pyproject.toml --group dev --universal --upgrade --generate-hashes \
		--python-version 3.11 --no-annotate --no-header --quiet --output-file requirements.lock

clean:  ## remove the environments and caches; results stay
	rm -rf $(VENV) .venv .venv-* mutants .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info tests/report/node_modules
	find harness tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

ENOUGH_BRANCHES := import json, sys; total = json.load(sys.stdin)["totals"]; \
	share = total["covered_branches"] / total["num_branches"]; print(f"Branches taken: {share:.1%}"); sys.exit(share < 0.9)

# Prints the path of a Python of version $(1) that can create virtual environments, or nothing. It runs each candidate,
# because pyenv has shims on the path for inactive versions.
VERSION := import ensurepip, sys, venv; print("{}.{}".format(*sys.version_info))
define installed
for p in python$(1) python3 python "$${PYENV_ROOT:-$$HOME/.pyenv}/versions/$(1)".*/bin/python; do \
	if [ "$$("$$p" -c '$(VERSION)' 2>/dev/null)" = $(1) ]; then command -v "$$p"; break; fi; done
endef

define checked_python
if [ -z "$(PYTHON)" ] || ! "$(PYTHON)" -c '$(SUITABLE)' 2>/dev/null; then \
	echo "Python 3.11, 3.12 or 3.13 is required, but was not found$(if $(PYTHON), at $(PYTHON)). Give its path: make PYTHON=/path/to/python3.12" >&2; exit 1; fi; \
if ! "$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null; then \
	echo "$(PYTHON) has no venv module. Install it (Debian and Ubuntu: apt install python3-venv) and try again." >&2; exit 1; fi
endef

# The environment is created once, and updated when requirements.lock or pyproject.toml change. The stamp file comes last,
# so that `make` repeats a failed set-up.
$(READY): requirements.lock pyproject.toml
	@$(call checked_python)
	@echo "Setting up $(VENV) (once; several minutes on a slow line) ..."
	@rm -f $@
	@$(BIN)/python -c '$(SUITABLE)' 2>/dev/null || "$(PYTHON)" -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Mutmut has a separate environment, which can import the packages of $(VENV) and does not change them.
$(VENV)-mutation/.ready: $(READY)
	@$(BIN)/python -m venv --clear $(VENV)-mutation
	@$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		> "$$($(VENV)-mutation/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/packages.pth"
	@$(VENV)-mutation/bin/python -m pip install --quiet --disable-pip-version-check mutmut==3.8.1
	@touch $@
