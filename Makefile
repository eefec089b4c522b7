# Two commands need no other: `make run` and `make test`. Python 3.11 or newer with venv is all that must be there.

PYTHON ?=
ARGS ?=
PROCESSES ?= 2
POSTGRES_15 ?= /usr/lib/postgresql/15/bin
ASSETS := feed_service/http/assets
PIP := .venv/bin/python -m pip --disable-pip-version-check --quiet

# A virtual environment names its own path and its Python's: after a move of either it is made again.
ifneq "$(shell .venv/bin/python -c '' 2>/dev/null && cat .venv/checkout)" "$(CURDIR)"
.PHONY: .venv/checkout
endif

.PHONY: help
help: ## Show this list
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' Makefile | awk -F '\t' '{printf "make %-16s %s\n", $$1, $$2}'

.PHONY: run
run: .venv/run.stamp assets ## Serve on 127.0.0.1:8000 (PORT, FEED_DATA_DIR, DATABASE_URL, CACHE_URL)
	@exec .venv/bin/feed-service serve --demo $(ARGS)

.PHONY: test
test: .venv/dev.stamp assets ## Run all tests (DATABASE_URL: on that server; PROCESSES; ARGS: for pytest)
	$(pytest)

.PHONY: test-15
test-15: .venv/dev.stamp assets ## Run all tests on the PostgreSQL 15 in POSTGRES_15
	TEST_POSTGRES_BIN='$(POSTGRES_15)' $(pytest)

# Each process has a PostgreSQL of its own, and does a file of tests at a time. Dozens of processes are started, each of
# which takes seconds to compile what it imports where bytecode is not kept.
pytest = env -u PYTHONDONTWRITEBYTECODE .venv/bin/python -m pytest --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder $(ARGS)

.PHONY: test-clients
test-clients: .venv/dev.stamp ## Install Apollo Client and urql with npm, and run them against the service
	cd tests/clients && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	.venv/bin/python -m pytest tests/clients tests/test_javascript.py $(ARGS)

.PHONY: check
check: .venv/dev.stamp lint-migrations ## Lint, format, types, migrations, and schema.graphql against the code
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/feed-service schema > .venv/schema.graphql
	diff -u schema.graphql .venv/schema.graphql || { echo 'Run `make schema` and commit it.'; exit 1; }

.PHONY: lint-migrations
lint-migrations: .venv/dev.stamp ## Look for migrations that would lock what is in use
	.venv/bin/python -m tests.migration_lint

.PHONY: schema
schema: .venv/run.stamp ## Write schema.graphql
	.venv/bin/feed-service schema > .venv/schema.graphql
	cp .venv/schema.graphql schema.graphql

.PHONY: bench
bench: .venv/dev.stamp ## Measure the service beside its peers (ARGS=--quick: three minutes to see that it works)
	.venv/bin/python -m benchmarks.bench $(ARGS)

.PHONY: report
report: .venv/dev.stamp ## Measure each optimisation off and on, as a table (ARGS=--quick: a minute, on 20,000 posts)
	.venv/bin/python -m benchmarks.report $(ARGS)

.PHONY: bench-all
bench-all: bench bench-feed-sql bench-export bench-bulk bench-writing bench-polling ## Run all benchmarks

.PHONY: bench-executor
bench-executor: .venv/dev.stamp ## Measure executing alone, compiled and by graphql-core, with rows from memory
	.venv/bin/python -m benchmarks.executor $(ARGS)

.PHONY: bench-mix
bench-mix: .venv/dev.stamp ## Measure polls, pages and writes at 1,000 requests a second, two workers
	.venv/bin/python -m benchmarks.mix $(ARGS)

.PHONY: bench-sizes
bench-sizes: .venv/dev.stamp ## Measure what operations read on 500,000 posts and on 5,000,000
	.venv/bin/python -m benchmarks.sizes $(ARGS)

.PHONY: bench-profile
bench-profile: .venv/dev.stamp ## Profile the service under FEED with py-spy into docs/profiles (ARGS)
	.venv/bin/python -m venv .venv/profile
	.venv/profile/bin/python -m pip --disable-pip-version-check --quiet install py-spy
	.venv/bin/python -m benchmarks.profile $(ARGS)

.PHONY: bench-feed-sql
bench-feed-sql: .venv/dev.stamp ## Measure the feed query on 500,000 posts
	.venv/bin/python -m benchmarks.feed_sql $(ARGS)

.PHONY: bench-export
bench-export: .venv/dev.stamp ## Measure exports of 500,000 posts and 2,000,000 follows
	.venv/bin/python -m benchmarks.export $(ARGS)

.PHONY: bench-bulk
bench-bulk: .venv/dev.stamp ## Measure bulks of 200,000 lines beside 500,000 posts
	.venv/bin/python -m benchmarks.bulk $(ARGS)

.PHONY: bench-writing
bench-writing: .venv/dev.stamp ## Measure what mutations cost over their SQL, and a mix of them
	.venv/bin/python -m benchmarks.writing $(ARGS)

.PHONY: bench-polling
bench-polling: .venv/dev.stamp ## Measure what polls that find nothing cost, against a bare endpoint
	.venv/bin/python -m benchmarks.polling $(ARGS)

.PHONY: simulate
simulate: .venv/dev.stamp ## Let 200 clients poll for a minute while others write and the cache is killed
	.venv/bin/python -m tests.polling.simulation $(ARGS)

.PHONY: differential
differential: .venv/dev.stamp ## Compare both executors on 20,000 generated documents (ARGS: --number, --seed, --mutations)
	.venv/bin/python -m tests.differential $(ARGS)

.PHONY: lock
lock: .venv/checkout ## Resolve requirements/*.txt again, with the newest versions that pyproject.toml allows
	.venv/bin/python -m venv .venv/lock
	.venv/lock/bin/python -m pip --quiet install uv
	rm -f requirements/run.txt requirements/dev.txt
	$(call compile,run)
	$(call compile,dev) --group pyproject.toml:dev --constraint requirements/run.txt

compile = .venv/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links --output-file requirements/$(1).txt \
	--extra embedded pyproject.toml requirements/build.in

.PHONY: clean
clean: ## Remove what can be made again; the data in .data stay
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis $(ASSETS)/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# GraphiQL comes from npm; without it the service says so and serves a page that needs the network.
.PHONY: assets
assets:
	@requirements/assets.sh $(ASSETS)

.venv/checkout:
	@requirements/venv.sh $(PYTHON)

.venv/%.stamp: requirements/%.txt pyproject.toml .venv/checkout
	@echo "Installing requirements/$*.txt …"
	@$(PIP) install --no-compile --require-hashes --requirement requirements/$*.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@
