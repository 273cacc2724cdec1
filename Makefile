# What a newcomer runs. `make` alone lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := .venv/bin
SOURCES := src tests bench
STAMP := .venv/.installed

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | \
		awk -F'\t' '{ printf "make %-19s %s\n", $$1, $$2 }'

.PHONY: system
system:
	@tools/install-system-packages

$(STAMP): requirements.lock pyproject.toml | system
	python3 -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: setup
setup: system $(STAMP) ## the environment alone; then .venv/bin/anyclue is the command

.PHONY: hunt
hunt: setup ## re-create the mail's case in real guests, and find it (exit 0 when the hunt ran to its end)
	@$(BIN)/anyclue hunt scenarios/lzo-leak.toml; status=$$?; [ $$status -le 1 ]

.PHONY: test
test: setup ## the tests; some boot a real guest
	$(BIN)/pytest

.PHONY: test-slow
test-slow: setup ## real-guest checks that take long: A/A, planted bugs, kill -9, full guests
	$(BIN)/pytest -m slow -v

.PHONY: test-hosts
test-hosts: ## the README's commands in a fresh clone of HEAD on a fresh Debian 13; as root
	@tools/test-hosts

.PHONY: static
static: setup ## format, lint, types, import contract
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: check
check: static test ## all of the above: format, lint, types, import contract, tests

.PHONY: format
format: setup ## let ruff format and fix what it can
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

.PHONY: lock
lock: setup ## make requirements.lock anew from pyproject.toml
	$(BIN)/uv pip compile -q --generate-hashes --no-header --universal --python-version 3.11 \
		--group dev pyproject.toml -o requirements.lock

.PHONY: schemas
schemas: setup ## write the published schemas anew from the code
	$(BIN)/python tools/write-schemas

.PHONY: zipapp
zipapp: ## build dist/anyclue-record.pyz: the recorder alone, for any machine with Python 3.9 or later
	@python3 tools/build-zipapp dist/anyclue-record.pyz

.PHONY: bench-hunt
bench-hunt: setup ## measure the hunt: cold, warm, smallest leak found; last line is JSON
	$(BIN)/python bench/hunt.py

.PHONY: bench-kernels
bench-kernels: setup ## measure the hunt on every series of Debian's kernels; last line is JSON
	$(BIN)/python -m bench.kernels

.PHONY: bench-judging
bench-judging: setup ## measure judging: 2,000 stored trials, and one trial more; last line is JSON
	$(BIN)/python -m bench.judging

.PHONY: bench-aa
bench-aa: setup ## measure what is said of good kernels: hunts with nothing planted, CELLS=200; last line is JSON
	$(BIN)/python -m bench.good_against_good $(if $(CELLS),--cells $(CELLS))

.PHONY: bench-settle
bench-settle: setup ## measure whether what an unproven verdict asks for settles it, by simulation; last line is JSON
	$(BIN)/python -m bench.settle

.PHONY: bench-object-errors
bench-object-errors: setup ## measure how often counts of objects accuse a good kernel, by simulation; last line is JSON
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m bench.object_errors

.PHONY: bench-pairs
bench-pairs: setup ## measure the checker of pairing: recall on mutants, noise, time, other tools; last line is JSON
	$(BIN)/python -m bench.pairs

.PHONY: bench-merge
bench-merge: setup ## measure the review of merges: cases with the right verdict, time on 500 files; last line is JSON
	$(BIN)/python -m bench.merge

.PHONY: bench-bisect
bench-bisect: setup ## measure the bisection in real guests: right, runs, time of a step; last line is JSON
	$(BIN)/python -m bench.bisection

.PHONY: bench-bisect-sim
bench-bisect-sim: setup ## simulate bisections of a real history, beside git bisect; last line is JSON
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m bench.bisect_sim

.PHONY: bench-probes
bench-probes: setup ## measure what each probe costs a guest; last line is JSON
	$(BIN)/python -m bench.probes $(PROBES)

.PHONY: bench-clue
bench-clue: setup ## measure the clue in real guests: rank of the right function, suspects, cells run; last line is JSON
	$(BIN)/python -m bench.clue

.PHONY: bench-objects
bench-objects: setup ## measure counts of objects in real guests: smallest leak found, what is no leak; last line is JSON
	$(BIN)/python -m bench.objects

.PHONY: bench-planted-pairs
bench-planted-pairs: setup ## hunt pairs of planted bugs in real guests: suspects, kinds followed up, ranks; last line is JSON
	$(BIN)/python -m bench.planted_pairs

.PHONY: bench-record
bench-record: setup ## measure what recording costs; last line is JSON
	$(BIN)/python bench/record.py

.PHONY: bench-fstests
bench-fstests: setup ## measure upstream fstests in guests, FSTESTS_DIR=a checkout; last line is JSON
	@[ -n "$(FSTESTS_DIR)" ] || { echo "name a checkout of upstream fstests: make bench-fstests FSTESTS_DIR=~/xfstests" >&2; exit 2; }
	$(BIN)/python -m bench.fstests "$(FSTESTS_DIR)" $(if $(SCENARIO),--scenario "$(SCENARIO)")
