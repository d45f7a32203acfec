# Unrolled: `make book` builds the course, `make test` proves it. The same without make: README.md.

PYTHON ?= python3
PORT ?= 8000
ARGS ?=
TORCH ?=
BIN := .venv/bin
SITE := _build/html

.DEFAULT_GOAL := help
.PHONY: help book serve notebooks quick test mutants evidence trained bench clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

book: .venv/installed _build/appearance ## build the book; executes no notebook
	@$(BIN)/python tools/book.py

serve: book ## build the book and serve it on this machine (PORT=8000)
	@echo "http://localhost:$(PORT)/ (Ctrl+C stops it)"
	@$(BIN)/python -m http.server $(PORT) --bind 127.0.0.1 --directory $(SITE)

notebooks: .venv/installed ## execute the chapters that changed (ARGS="windows --force")
	@$(BIN)/python tools/nb.py build $(ARGS)

quick: .venv/installed ## check in two minutes what changed (ARGS="--base main")
	@$(BIN)/python tools/quick.py $(ARGS)

test: .venv/installed ## run every check and say what passed (ARGS="ruff mypy" runs some)
	@$(BIN)/python tools/checks.py $(ARGS)

mutants: .venv/installed ## break each equation of the package; its tests must see it (ARGS=lstm)
	@$(BIN)/python tools/mutate.py $(ARGS)

evidence: .venv/installed ## run the claims that changed (ARGS="windows.cue --force")
	@$(BIN)/python -m unrolled evidence $(ARGS)

trained: .venv/installed ## train again the networks that pages show, if their code changed
	@$(BIN)/python tools/trained.py $(ARGS)

bench: .venv/installed ## measure speed, side by side with others
	@for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file $(ARGS) || exit 1; done

clean: ## remove what was built; keeps .venv and work/
	rm -rf _build build .hypothesis .*_cache code/*.egg-info
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

# Sphinx rebuilds a page when its text changed, not when the look of all pages did.
_build/appearance: _config.yml _toc.yml $(wildcard _static/* _ext/*.py) .venv/installed
	@rm -rf $(SITE) _build/.doctrees
	@mkdir -p _build && touch $@

# TORCH=cpu or TORCH=cuda installs anew where the other build is installed.
.venv/installed: requirements.txt constraints.txt $(if $(filter-out $(shell cat .venv/installed 2>/dev/null),$(TORCH)),other-torch)
	@$(PYTHON) tools/install.py $(TORCH)
.PHONY: other-torch
