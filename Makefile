# make demo     the whole workflow on a simulated study, from an archive to reports
# make test     every test but those on a cluster and with conda
# make cluster  a study through a real Slurm of three nodes; root, and Debian's packages for it
# make conda    every script in the environment that its rule names, from a channel made here
# make test-xnat  all of it against an official XNAT in Docker, and a report to send; else says why not
# make battery  values planted in every place, a kill in every stage: does anything survive?
# make fuzz     files that nobody wrote on purpose, through the walk of the headers: for minutes
# make bench    beside curl and unzip, dcm2niix, and tools that de-identify: speed, memory, requests
# make bench-scale  an invocation in projects of up to 5,000 sessions of which nearly all is settled
# make reference  the pages of the config's keys and of the records, from their schemas and types
# make house    counts of what the code is made of
.PHONY: battery bench bench-scale cluster conda digests demo demo-archive demo-clean fuzz house test test-fast lint format lock reference test-xnat venv
PYTHON ?= python3
CORES ?= $(shell nproc)
BIN := .venv/bin

venv: .venv/run.stamp

.venv/run.stamp: requirements/run.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

.venv/test.stamp: requirements/test.txt .venv/run.stamp
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

demo: venv
	@$(BIN)/python -m demo run --cores $(CORES)

demo-archive: venv
	@$(BIN)/python -m demo archive

demo-clean:
	rm -rf .demo

test: .venv/test.stamp
	$(BIN)/pytest -n $(CORES) --dist loadfile -m "not cluster and not conda" --cov --cov-report=

# Without the tests that run the whole workflow.
test-fast: .venv/test.stamp
	$(BIN)/pytest -n $(CORES) -m "not workflow and not real and not browser and not battery and not cluster and not conda"

battery: .venv/test.stamp
	COIL_BATTERY=1 $(BIN)/pytest -rA tests/battery

cluster: .venv/test.stamp
	$(BIN)/pytest -m cluster --durations=10 tests/cluster

fuzz: .venv/test.stamp
	COIL_FUZZ=200 $(BIN)/pytest -q tests/unit/deid/leak/test_walk_fuzz.py

.conda/tools.stamp: requirements/conda.txt .venv/run.stamp
	rm -rf .conda/tools
	$(BIN)/python -m venv .conda/tools
	.conda/tools/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

.conda/wheels.stamp: requirements/run.txt .venv/run.stamp
	rm -rf .conda/wheels
	$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --require-hashes -w .conda/wheels -r $<
	touch $@

.xnat/tools.stamp: requirements/xnat.txt .venv/run.stamp
	rm -rf .xnat/tools
	$(BIN)/python -m venv .xnat/tools
	.xnat/tools/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

# Against the XNAT that COIL_XNAT names, where it is set; see tests/xnat/README.md.
test-xnat: .venv/test.stamp
	@PYTHONPATH=scripts:. $(BIN)/python -m tests.xnat --cores $(CORES)

conda: .venv/test.stamp .conda/tools.stamp .conda/wheels.stamp
	$(BIN)/pytest -m conda --durations=5 tests/conda

bench: venv
	PYTHONPATH=scripts:. $(BIN)/python tests/bench/archive.py
	PYTHONPATH=scripts:. $(BIN)/python tests/bench/convert.py
	PYTHONPATH=scripts:. $(BIN)/python tests/bench/export.py
	PYTHONPATH=scripts:. $(BIN)/python tests/bench/anonymize.py

bench-scale: venv
	PYTHONPATH=scripts:. $(BIN)/python tests/bench/scale.py --sessions 300 1000 5000

# One study in every way - two clones, one core and two, after a kill, on Slurm, in conda
# environments - and a table of the digests of what came out.
digests: .venv/test.stamp .conda/tools.stamp .conda/wheels.stamp
	PYTHONPATH=scripts:. $(BIN)/python -m tests.digests

# What the code is made of: untyped tables, paths written out, circles, imports upwards, old words.
house: .venv/test.stamp
	PYTHONPATH=scripts:. $(BIN)/python -m tests.house

lint: .venv/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint
	$(BIN)/pyright

format: .venv/test.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile rules

# Pins every package by version and hash; needs uv.
lock:
	for set in run test conda xnat; do \
	  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-header --no-annotate requirements/$$set.in -o requirements/$$set.txt; done

reference: venv
	PYTHONPATH=scripts $(BIN)/python -m coil.config.reference config
	PYTHONPATH=scripts $(BIN)/python -m coil.records.reference docs/records.md
