# Every target makes the environments it needs from the locks. PYTHON chooses the interpreter: 3.11 to 3.13.
PYTHON ?= python3
BIN := .venv/bin
RUNTIME := .venv-runtime/bin
PIP := -m pip install --quiet --disable-pip-version-check
TESTS ?= tests

.PHONY: rehearse test test-walks test-az bench lint runtime install lock operations clean prove labs solution-branch docs docs-test docs-zip

rehearse: install runtime  ## The whole workshop on a local Azure, then the checker
	$(BIN)/journey rehearse

test: install runtime  ## Everything: style, types, architecture, behaviour
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not walk" $(TESTS)

test-walks: install runtime  ## The whole site read by one reader, and the catch-up from nothing: minutes each
	$(BIN)/python -m pytest -n 2 -m walk tests

test-az: install runtime .venv-az/.made  ## The real Azure CLI (733 MB) against the sandbox
	AZ=.venv-az/bin/az $(BIN)/python -m pytest -m az tests/az

prove: install runtime  ## Every module on three legs: starter fails, solution passes, mistakes are recognised
	$(BIN)/journey prove

labs: install  ## Cut labs/ and azure-pipelines.yml from solution/
	$(BIN)/python -m manifest write

solution-branch: install  ## Write the branch solution: the kit with labs/ finished
	$(BIN)/python -m manifest solution-branch

docs: install  ## Check the pages and build the site, strictly, into build/site
	$(BIN)/python -m pages write
	$(BIN)/python -m pages check
	$(BIN)/python -m pages build

docs-test: install runtime  ## Execute every block of every page on a fresh sandbox; write the measured minutes
	$(BIN)/python -m pages run --measure

docs-zip: docs  ## The site as one archive to read offline
	$(BIN)/python -m pages zip

bench: install runtime  ## Speed and memory, printed as JSON
	@$(BIN)/python -m bench

lint: install
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

operations: install  ## Rewrite the page of operations from the operation table
	$(BIN)/python docs/reference/write_operations.py

install: .venv/.made
runtime: .venv-runtime/.made

.venv/.made: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python $(PIP) -r requirements.lock
	$(BIN)/python $(PIP) --no-deps --no-build-isolation --editable . --config-settings editable_mode=compat
	touch $@

.venv-runtime/.made: runtime.lock
	$(PYTHON) -m venv .venv-runtime
	$(RUNTIME)/python $(PIP) -r runtime.lock
	touch $@

.venv-az/.made: az.lock
	$(PYTHON) -m venv .venv-az
	.venv-az/bin/python $(PIP) -r az.lock
	touch $@

lock:  ## Resolve both locks again; needs uv on the PATH
	uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-annotate --no-header \
		--all-extras pyproject.toml --output-file requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-annotate --no-header \
		runtime.in --output-file runtime.lock

clean:
	rm -rf .venv .venv-runtime .venv-az .pytest_cache .mypy_cache .ruff_cache
