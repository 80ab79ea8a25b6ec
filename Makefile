# Every target does its own set-up: nothing needs to be installed or activated before.

.DEFAULT_GOAL := help
.PHONY: help run test check bench .venv .venv-dev .venv-bench

# Given on the command line, these win over config.ini: make run PORT=9000 WORKERS=1
ifdef PORT
export SER_SERVER_PORT := $(PORT)
endif
ifdef WORKERS
export SER_SERVER_WORKERS := $(WORKERS)
endif

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 8

run: .venv ## start the server on http://localhost:8080 (PORT, WORKERS); Ctrl-C stops it
	@scripts/nginx 2>/dev/null || true
	@scripts/page || echo "Without the page: only the API is served"
	@.venv/bin/python -m server run

test: .venv .venv-dev ## run every test
	@scripts/nginx || [ -z "$$CI" ]
	@scripts/page || [ -z "$$CI" ]
	@scripts/packages chromium || [ -z "$$CI" ]
	@.venv-dev/bin/python -m pytest

check: .venv-dev ## check style, types and formatting
	@.venv-dev/bin/python -m ruff check .
	@.venv-dev/bin/python -m ruff format --check .
	@.venv-dev/bin/python -m mypy .

bench: .venv .venv-bench ## compare with an empty handler and with Flask, on one core
	@scripts/packages wrk
	@.venv/bin/python -m benchmarks.run

.venv:
	@scripts/environment $@ requirements/server.txt

.venv-dev:
	@scripts/environment $@ requirements/development.txt

.venv-bench:
	@scripts/environment $@ requirements/bench.txt
