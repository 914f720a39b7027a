# What a developer runs, on Linux or macOS. CONTRIBUTING.md tells when.

python := .venv/bin/python
oldest := python3.11 # as requires-python has it; a test compares them

.PHONY: setup check lint fix coverage lowest mutants wheel

setup: # everything that the rest needs
	python3 -m venv .venv
	$(python) -m pip install --quiet --editable '.[test]'

check: # all that CI runs, on the newest versions
	.ci/run

lint: # the quick part of it, which pre-commit runs as well
	.ci/lint

fix: # what ruff can mend
	$(python) -m ruff check --fix .
	$(python) -m ruff format .

coverage: # of all tests, quick and slow
	$(python) -m pytest -n auto -m 'slow or not slow' --cov --cov-fail-under=95

lowest: # all tests at the lowest versions that pyproject.toml promises
	$(oldest) -m venv build/lowest
	build/lowest/bin/pip install --quiet uv
	build/lowest/bin/uv pip install --python build/lowest/bin/python \
		--resolution lowest-direct --editable '.[test]'
	# what is old warns of the future of others
	build/lowest/bin/python -m pytest -n auto -m 'slow or not slow' \
		-W default::DeprecationWarning -W default::FutureWarning

mutants: # do the tests notice when a judgement changes? What survives is told at the end
	$(python) -m pip install --quiet 'mutmut==3.8.*'
	$(python) -m mutmut run
	$(python) -m mutmut results

wheel: # how large it is
	$(python) -m build --wheel --outdir build .
	du -h build/*.whl
