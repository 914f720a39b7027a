# Commands for developers, on Linux or macOS. CONTRIBUTING.md describes them.

python := .venv/bin/python
oldest := python3.11 # as in requires-python; a test compares them

.PHONY: setup check lint fix coverage lowest mutants wheel

setup: # install what the other targets need
	python3 -m venv .venv
	$(python) -m pip install --quiet --editable '.[test]'

check: # all checks that CI runs on Linux
	.ci/run

lint: # the quick checks, which pre-commit runs as well
	.ci/lint

fix: # fix what ruff can fix
	$(python) -m ruff check --fix .
	$(python) -m ruff format .

coverage: # coverage of all tests, quick and slow
	$(python) -m pytest -n auto -m 'slow or not slow' --cov --cov-fail-under=95

lowest: # all tests with the lowest versions that pyproject.toml allows
	$(oldest) -m venv build/lowest
	build/lowest/bin/pip install --quiet uv
	build/lowest/bin/uv pip install --python build/lowest/bin/python \
		--resolution lowest-direct --editable '.[test]'
	# old releases emit deprecation warnings about newer dependencies
	build/lowest/bin/python -m pytest -n auto -m 'slow or not slow' \
		-W default::DeprecationWarning -W default::FutureWarning

mutants: # mutation tests of the diagnosis and the recommendation; survivors are listed at the end
	$(python) -m pip install --quiet 'mutmut==3.8.*'
	$(python) -m mutmut run
	$(python) -m mutmut results

wheel: # build the wheel and print its size
	$(python) -m build --wheel --outdir build .
	du -h build/*.whl
