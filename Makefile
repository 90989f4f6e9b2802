# make demo: the whole experiment on embedded data. make check: for every save, the quick part of the
# tests. make test: all tests. See README.md.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
CORES  ?= $(shell nproc)
DEMO   ?= whole

# Before 2 GB are installed there.
ifneq ($(words $(CURDIR)),1)
$(error $(CURDIR) has a space in its path, so that Snakemake could start no job: move the project into a folder without one)
endif
# Snakemake ends at once where it cannot write its cache.
ifneq ($(shell test -w "$${XDG_CACHE_HOME:-$$HOME}" && echo yes),yes)
export XDG_CACHE_HOME := $(CURDIR)/.cache
endif

.PHONY: demo check test coverage fuzz test-slurm test-machines lint docs dist rules bench install clean

demo: $(VENV)/.run
	$(BIN)/snakemake --cores $(CORES)
	$(BIN)/upwind show results/demo
	@$(BIN)/upwind compare results/demo || true # the run is made, whatever it gave

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pytest -n $(CORES) --dist loadfile -m "not slow"

# In the order of tests/conftest.py: the longest files first.
test: $(VENV)/.dev
	$(BIN)/pytest -n $(CORES) --dist loadfile --no-loadscope-reorder --durations=20

# What hostile or damaged files could do: 100 times what `make test` tries of them (FUZZ), all new.
FUZZ ?= 100
fuzz: $(VENV)/.dev
	FUZZ=$(FUZZ) $(BIN)/pytest -n $(CORES) $$(find tests -name "test_hostile_*.py")

# Installs SLURM from Debian where it is missing, and starts a cluster on this machine: as root.
# DEMO=short: with half the patients.
test-slurm: $(VENV)/.dev
	$(BIN)/pytest tests/slurm --demo=$(DEMO)

# Every file of a small run, on this machine's processor and on emulated ones (Debian's qemu-user).
test-machines: $(VENV)/.dev
	CORES=$(CORES) $(BIN)/pytest tests/machines

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check workflow
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/snakemake --lint

# What the tests run of the package, jobs of Snakemake and other processes included.
coverage: $(VENV)/.dev
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n $(CORES) --dist loadfile --no-loadscope-reorder
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage html --directory build/coverage
	$(BIN)/coverage report

# A wheel and a source distribution, in dist.
dist: $(VENV)/.dev
	rm -rf dist
	$(BIN)/python -m build --no-isolation

# The manual, in build/docs/html: it opens offline.
docs: $(VENV)/.dev
	$(BIN)/sphinx-build -W --keep-going -q -d build/docs/doctrees docs build/docs/html

# The picture of the rules in the manual: by Graphviz (Debian's graphviz), which make does not install.
rules: $(VENV)/.dev
	$(BIN)/snakemake --rulegraph dot --quiet | $(BIN)/python docs/rules.py | dot -Tsvg > docs/rules.svg

bench: $(VENV)/.dev
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/training.py --network lsn --steps 40 --threads 2
	$(BIN)/python benchmarks/engines.py
	$(BIN)/python benchmarks/scale.py
	$(BIN)/python benchmarks/workflow.py
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/kernels.py

install: $(VENV)/.dev

$(VENV)/.run: envs/requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -r envs/requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.run envs/requirements-dev.txt
	$(BIN)/python -m pip install --quiet -r envs/requirements-dev.txt
	touch $@

clean:
	rm -rf $(VENV) results/demo checkpoints/demo data/phantom .snakemake
