# Two commands do all the set-up: make demo, make test.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
CORES ?= all
# make TORCH=cpu: torch without CUDA, which saves 2 GB of download.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
TRANSFORMER := vit_tiny_patch16_224.augreg_in21k_ft_in1k

.PHONY: demo picture test fuzz test-slurm lint docs format schemas lock audit clean
.DEFAULT_GOAL := demo

demo: $(INSTALLED)  ## the whole benchmark in small, on embedded photographs
	$(BIN)/python -m aexad weights $(TRANSFORMER) --if-reachable --timeout 5 \
	  --output results/weights/$(TRANSFORMER).json
	$(BIN)/snakemake --cores $(CORES) --config benchmark=demo
	@echo "Done. Open results/demo/report.html, and results/demo/explorer/index.html for single images"

picture: demo  ## the picture of the README, from the demo
	$(BIN)/python docs/demo_picture.py

test: $(INSTALLED)
	$(BIN)/python -m pytest

fuzz: $(INSTALLED)  ## files of any content, 2,000 new random examples for each test
	$(BIN)/python -m pytest --hypothesis-profile=search tests/faults/test_fuzz.py

test-slurm: $(INSTALLED)  ## the workflow on a Slurm of one node, which lives as long as the test
	@test "$$(id -u)" = 0 || { echo "make test-slurm starts Slurm's daemons: run it as root, on Debian or Ubuntu"; exit 1; }
	command -v slurmctld slurmd squeue munged > /dev/null || { apt-get update && SYSTEMD_OFFLINE=1 \
	  apt-get install --yes --no-install-recommends slurmctld slurmd slurm-client munge; }
	$(PIP) install --constraint requirements.lock --editable '.[slurm]'
	$(BIN)/python -m pytest -n 0 -m slurm tests/slurm

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow studies/layers/Snakefile
	$(BIN)/snakemake --lint
	$(BIN)/mypy
	@$(MAKE) --no-print-directory docs

docs: $(INSTALLED)  ## pages and API reference as HTML, in docs/_build/html; a dead link is an error
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going --conf-dir docs . docs/_build/html
	@echo "Open docs/_build/html/docs/index.html"

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow studies/layers/Snakefile

schemas: $(INSTALLED)  ## workflow/schemas and docs/configuration.md, from the configuration classes
	$(BIN)/python -m aexad.config.reference

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11, 4) and \
	  f"aexad needs Python 3.11.4 or newer, {sys.executable} is {v[0]}.{v[1]}.{v[2]}; run: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
ifeq ($(TORCH),cpu)
	$(PIP) install --index-url $(TORCH_INDEX) $$(grep -E '^torch(vision)?==' requirements.lock) || \
	  echo "$(TORCH_INDEX) cannot be reached: the CUDA builds of PyPI are taken, which run on a CPU too"
	grep -vE '^(cuda-|nvidia-|triton)' requirements.lock > .venv/requirements.lock
	$(PIP) install -r .venv/requirements.lock
else
	$(PIP) install -r requirements.lock
endif
	$(PIP) install --no-deps --editable .
	@touch $@

lock: $(INSTALLED)  ## after a change of versions in .venv
	$(BIN)/python -m pip freeze --exclude-editable | sed -E \
	  's/^(cuda-|nvidia-|triton=).*/& ; sys_platform == "linux" and platform_machine == "x86_64"/' \
	  > requirements.lock

audit:  ## known vulnerabilities of the versions in requirements.lock; needs the network
	$(PYTHON) -m venv .audit
	.audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1
	.audit/bin/pip-audit --disable-pip --no-deps --requirement requirements.lock

clean:  ## all that can be made again; results and data stay
	rm -rf .venv .audit .snakemake .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info docs/_build docs/api
