# Everything runs in .venv, which `make` builds with the versions of constraints.txt.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help demo test attack test-gpu check fast-test docs bench clean

help:
	@echo "make demo   install, train PPO on CartPole, record it"
	@echo "make test   install the test tools, run all the tests"
	@echo "make attack damage, kill and flood runs in every way (half an hour)"
	@echo "make check  format, lint, type-check, run the fast tests"
	@echo "make docs   build the documentation in build/site, stopping at any warning"
	@echo "make test-gpu  run the tests that need a GPU, with $$PYTHON as it is"
	@echo "make bench  compare with Stable-Baselines3 (an hour)"

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .
	@touch $@

.venv/test-tools: .venv/installed
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[test]'
	@# apart, for torchvision's packages are built for GPUs, and would break what finds them beside a torch without one
	-$(BIN)/pip install --quiet --constraint constraints.txt --no-deps --upgrade --target .venv/timm timm torchvision
	@touch $@

.venv/dev-tools: .venv/test-tools
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: .venv/installed
	$(BIN)/sandlot train ppo CartPole-v1
	$(BIN)/sandlot record latest

test: .venv/test-tools
	$(BIN)/pytest --numprocesses auto --dist worksteal
	$(BIN)/pytest --numprocesses auto --dist worksteal -m shapes --check-shapes -q

fast-test: .venv/test-tools
	$(BIN)/pytest --numprocesses auto --dist worksteal -m "not slow" -q

build/import-root: pyproject.toml
	@# the folders under the one name that an installation gives them, for what reads the sources: pyright, editors
	mkdir -p $@/sandlot
	ln -sfn $(addprefix ../../../,$(wildcard sandlot/*)) ../../../agents ../../../envs ../../../generative \
	  ../../../supervised ../../../tracking $@/sandlot
	@touch $@

attack: .venv/test-tools
	$(BIN)/pytest tests/attack --numprocesses auto --dist worksteal -m attack --timeout 3600

test-gpu:
	$(PYTHON) -m pytest tests/gpu -q -p no:cacheprovider

check: .venv/dev-tools build/import-root
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	@# pyright follows links to files but not to folders, so it is given the files
	find -L build/import-root tests benchmarks -name '*.py' | xargs $(BIN)/pyright
	$(MAKE) fast-test

.venv/docs-tools: .venv/installed
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[docs]'
	@touch $@

docs: .venv/docs-tools build/import-root
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "open build/site/index.html (search needs a server: python -m http.server -d build/site)"

.venv/bench-tools: .venv/test-tools
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[bench]'
	@touch $@

bench: .venv/bench-tools
	$(BIN)/python -m benchmarks.ppo_vs_peers
	$(BIN)/python -m benchmarks.overhead
	$(BIN)/python -m benchmarks.returns --seeds 5 ppo CartPole-v1 Acrobot-v1 Pendulum-v1
	$(BIN)/python -m benchmarks.memory_vs_peers
	$(BIN)/python -m benchmarks.tabular_vs_loop
	$(BIN)/python -m benchmarks.many_players tictactoe

clean:
	rm -rf .venv build dist *.egg-info
