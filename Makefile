# Burnline. `make run` serves the dashboard, `make test` tests it; both install what they need.
PYTHON ?= python3
PORT ?= $(or $(BURNLINE_PORT),8501)
BIN := .venv/bin

.PHONY: setup run test check format bench lock clean help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: .venv/.locked ## fill .venv from requirements.lock (uv when present, pip when not)
.venv/.locked: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Burnline needs Python 3.11 or newer, found " + sys.version.split()[0] + ". Try: make run PYTHON=python3.12")'
	@if command -v uv >/dev/null 2>&1; then \
		uv venv --quiet --allow-existing --python $(PYTHON) .venv && uv pip sync --quiet --require-hashes --python $(BIN)/python requirements.lock; \
	else \
		$(PYTHON) -m venv .venv && $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; \
	fi
	@touch $@

run: setup ## serve the dashboard on port 8501 (PORT=... for another)
	@$(BIN)/python -m core.places "$(PORT)"
	@BURNLINE_PORT=$(PORT) exec $(BIN)/streamlit run app.py --server.port $(PORT)

test: setup ## run the tests (browser tests skip without chromium)
	@$(BIN)/python -m pytest

check: setup ## lint, types, import contracts
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

format: setup ## let ruff write what it can
	@$(BIN)/ruff check --fix --exit-zero . && $(BIN)/ruff format .

bench: setup ## measure the speed claims against named peers
	@$(BIN)/python -m benchmarks

lock: ## rewrite requirements.lock from pyproject.toml (needs uv)
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--extra dashboard --extra access --extra reports --extra dev pyproject.toml -o requirements.lock

clean: ## forget .venv and the demo data
	@rm -rf .venv data/demo
