# The verbs of this repository. `make` alone lists them.

CARGO_TARGET_DIR ?= target
RELEASE := $(CARGO_TARGET_DIR)/release/openclaw
UI_INPUTS := $(shell find web -type f -not -path '*/node_modules/*' -not -path '*/dist/*' \
	-not -path '*/test-results/*' 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help run test bench crash ui release fmt tidy clean

help: ## List what make can do
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: release ## Build the page and the binary, start OpenClaw, print the link to open
	$(RELEASE) up

test: ## Check everything, cheapest first; installs what is missing
	@scripts/test.sh

bench: release ## Measure speed and memory; writes docs/benchmarks.md
	cargo build --release --locked -p engine --features measure --example decisions
	OPENCLAW_BIN=$(abspath $(RELEASE)) scripts/with-postgres.sh cargo run --release --locked -p trials -- \
		bench --date "$$(date +%F)" --page docs/benchmarks.md

crash: release ## Kill the process at random, on both databases, and count what was lost
	OPENCLAW_BIN=$(abspath $(RELEASE)) scripts/with-postgres.sh cargo run --release --locked -p trials -- crash

ui: web/dist/index.html ## Build the page

fmt: ## Format the Rust code
	cargo fmt --all

tidy: ## Check the house rules
	cargo xtask tidy

clean: ## Remove everything that was built or fetched
	cargo clean
	rm -rf web/dist web/node_modules web/test-results

release: ui
	cargo build --release --locked -p openclaw

# npm writes its own lock file last, so it tells when the packages were fetched.
web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	@command -v npm >/dev/null || { echo "The page is built with Node 20.19 or newer, and npm is not here." >&2; \
		echo "Install it (https://nodejs.org), or go without the page: cargo run --release -p openclaw -- up" >&2; exit 1; }
	npm --prefix web ci --no-audit --no-fund
	@touch $@

web/dist/index.html: web/node_modules/.package-lock.json $(UI_INPUTS)
	npm --prefix web run build
	@touch $@
